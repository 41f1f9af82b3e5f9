//! What the racks ask of brokers that nothing else asks for as much.

use super::survey::{Survey, add_weights, is_movable, weights};
use super::{ByWeight, WEIGHTS};
use crate::goal::Goal;
use crate::model::NONE;
use crate::planner::Threads;
use crate::task::Task;

/// The cost of a broker that may not be repaired.
pub(super) const UNUSED: i64 = i64::MAX;

/// A replica of a group.
#[derive(Clone, Copy, Debug)]
struct Member {
    group: u32,
    broker: u32,
    weights: ByWeight,
}

/// A partition's movable replicas in a rack that may not keep them all, on brokers that don't empty.
///
/// Pairs of which the rack keeps one are by far the most. Such a pair asks for its lighter replica if both brokers are in
/// the set, and for nothing otherwise: all pairs on the same two brokers are one group of two members, each of which has
/// the weight of the lighter ones together.
#[derive(Clone, Copy, Debug)]
struct Group {
    /// Its members, by any weight the heaviest first: `first..end`.
    first: u32,
    end: u32,
    /// How many of them the rack may keep.
    keeps: u32,
}

/// All groups.
#[derive(Debug)]
pub(super) struct Groups {
    groups: Vec<Group>,
    members: Vec<Member>,
    /// Indices of members, broker by broker.
    by_broker: Vec<u32>,
    /// By broker: where its members begin. One more at the end.
    first: Vec<u32>,
}

impl Groups {
    pub(super) fn of(task: &Task<'_>, survey: &Survey) -> Self {
        let mut groups = Self {
            groups: Vec::new(),
            members: Vec::new(),
            by_broker: Vec::new(),
            first: Vec::new(),
        };
        groups.collect(task, survey);
        groups.index(task.roles.len());
        groups
    }

    fn collect(&mut self, task: &Task<'_>, survey: &Survey) {
        let model = task.model;
        let Some(rule) = RackRule::of(task) else { return };
        let (mut replicas, mut members, mut pairs) = (Vec::new(), Vec::new(), Vec::new());
        for partition in 0..model.partitions.len() as u32 {
            let topic = model.partitions[partition as usize].topic;
            let most = rule.most_in_a_rack(model.partitions[partition as usize].replicas);
            replicas.clear();
            replicas.extend(model.replicas_of(partition).filter_map(|index| {
                let broker = model.replicas[index as usize].broker;
                let stays = broker != NONE && !survey.empties[broker as usize];
                stays.then(|| (model.brokers[broker as usize].rack, index))
            }));
            replicas.sort_unstable();
            for rack in replicas
                .chunk_by(|left, right| left.0 == right.0)
                .filter(|rack| rack.len() > most as usize)
            {
                members.clear();
                members.extend(
                    rack.iter().filter(|(_, index)| is_movable(task, topic, *index)).map(
                        |(_, index)| {
                            (weights(model, *index), model.replicas[*index as usize].broker)
                        },
                    ),
                );
                members.sort_unstable_by(|left, right| right.cmp(left));
                let keeps = most.saturating_sub((rack.len() - members.len()) as u32);
                match members[..] {
                    [(_, one), (lighter, other)] if keeps == 1 => {
                        pairs.push((one.min(other), one.max(other), lighter));
                    }
                    _ => self.push(&members, keeps),
                }
            }
        }
        self.push_pairs(pairs);
    }

    fn push(&mut self, members: &[(ByWeight, u32)], keeps: u32) {
        if members.len() > keeps as usize {
            let (group, first) = (self.groups.len() as u32, self.members.len() as u32);
            self.members.extend(members.iter().map(|&(weights, broker)| Member {
                group,
                broker,
                weights,
            }));
            self.groups.push(Group { first, end: self.members.len() as u32, keeps });
        }
    }

    fn push_pairs(&mut self, mut pairs: Vec<(u32, u32, ByWeight)>) {
        pairs.sort_unstable_by_key(|(one, other, _)| (*one, *other));
        for same in pairs.chunk_by(|left, right| (left.0, left.1) == (right.0, right.1)) {
            let mut lighter = [0; WEIGHTS];
            for (.., weights) in same {
                add_weights(&mut lighter, *weights);
            }
            if let Some((one, other, _)) = same.first() {
                self.push(&[(lighter, *one), (lighter, *other)], 1);
            }
        }
    }

    fn index(&mut self, brokers: usize) {
        self.first = vec![0; brokers + 1];
        for member in &self.members {
            self.first[member.broker as usize + 1] += 1;
        }
        for broker in 0..brokers {
            self.first[broker + 1] += self.first[broker];
        }
        let mut next = self.first.clone();
        self.by_broker = vec![0; self.members.len()];
        for (index, member) in self.members.iter().enumerate() {
            let next = &mut next[member.broker as usize];
            self.by_broker[*next as usize] = index as u32;
            *next += 1;
        }
    }

    fn members_of(&self, group: u32) -> std::ops::Range<usize> {
        let group = &self.groups[group as usize];
        group.first as usize..group.end as usize
    }

    fn on(&self, broker: usize) -> &[u32] {
        &self.by_broker[self.first[broker] as usize..self.first[broker + 1] as usize]
    }
}

/// How many replicas of a partition a rack may have.
enum RackRule {
    One,
    /// Over so many racks.
    Even(u32),
}

impl RackRule {
    fn of(task: &Task<'_>) -> Option<Self> {
        if task.options.has(Goal::RackAware) {
            return Some(Self::One);
        }
        let mut racks = vec![false; task.model.racks.len()];
        for (broker, role) in task.model.brokers.iter().zip(&task.roles) {
            racks[broker.rack as usize] |= role.counted;
        }
        let racks = racks.into_iter().filter(|counted| *counted).count() as u32;
        (racks > 0 && task.options.has(Goal::RackAwareDistribution)).then_some(Self::Even(racks))
    }

    fn most_in_a_rack(&self, replicas: u32) -> u32 {
        match self {
            Self::One => 1,
            Self::Even(racks) => replicas.div_ceil(*racks),
        }
    }
}

/// What repairs add to a bound: for each list of costs by broker, by the weight that is asked for.
pub(super) fn gains(
    groups: &Groups,
    asked: &[(&[ByWeight], usize)],
    threads: Threads<'_>,
) -> Vec<i64> {
    if groups.groups.is_empty() {
        return vec![0; asked.len()];
    }
    let gain = |&(costs, weight): &(&[ByWeight], usize)| {
        let costs: Vec<i64> = costs.iter().map(|costs| costs[weight]).collect();
        [Direction::Grow, Direction::Shrink]
            .map(|direction| Choice::new(groups, &costs, weight, direction).settle(direction))
            .into_iter()
            .fold(0, i64::max)
    };
    threads.map(asked, gain)
}

/// Where the choice of brokers starts, and what it does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Direction {
    /// From those that cost nothing; takes in.
    Grow,
    /// From all that may be repaired; gives up.
    Shrink,
}

/// A set of brokers, and what each of them adds to it.
struct Choice<'a> {
    groups: &'a Groups,
    costs: &'a [i64],
    weight: usize,
    chosen: Vec<bool>,
    /// What a broker's members add to what the others in the set have to lose.
    adds: Vec<i64>,
}

impl<'a> Choice<'a> {
    fn new(groups: &'a Groups, costs: &'a [i64], weight: usize, direction: Direction) -> Self {
        let start = |cost: &i64| match direction {
            Direction::Grow => *cost == 0,
            Direction::Shrink => *cost != UNUSED,
        };
        let chosen = costs.iter().map(start).collect();
        let mut choice = Self { groups, costs, weight, chosen, adds: vec![0; costs.len()] };
        for (index, member) in groups.members.iter().enumerate() {
            choice.adds[member.broker as usize] += choice.added_by(index);
        }
        choice
    }

    /// What a member adds to the others of its group that are on brokers of the set: its weight, or that of the lightest
    /// that the rack keeps without it.
    fn added_by(&self, index: usize) -> i64 {
        let member = &self.groups.members[index];
        let keeps = self.groups.groups[member.group as usize].keeps as usize;
        let weight = |member: &Member| member.weights[self.weight];
        if keeps == 0 {
            return weight(member);
        }
        let others = self.groups.members_of(member.group).filter(|other| *other != index);
        let kept = others
            .map(|other| &self.groups.members[other])
            .filter(|other| self.chosen[other.broker as usize]);
        kept.skip(keeps - 1).map(weight).next().map_or(0, |lightest| lightest.min(weight(member)))
    }

    /// Takes in or gives up as long as that raises the value of the set, and returns the value.
    fn settle(mut self, direction: Direction) -> i64 {
        let mut waiting: Vec<usize> = (0..self.costs.len()).rev().collect();
        while let Some(broker) = waiting.pop() {
            let raises = match direction {
                Direction::Grow => !self.chosen[broker] && self.adds[broker] > self.costs[broker],
                Direction::Shrink => self.chosen[broker] && self.adds[broker] < self.costs[broker],
            };
            if raises && self.costs[broker] != UNUSED {
                self.turn(broker, &mut waiting);
            }
        }
        self.value()
    }

    /// Takes a broker in or gives it up; who shares a group with it has to be looked at again.
    fn turn(&mut self, broker: usize, waiting: &mut Vec<usize>) {
        let groups = self.groups;
        for index in groups.on(broker) {
            for other in groups
                .members_of(groups.members[*index as usize].group)
                .filter(|o| *o != *index as usize)
            {
                let neighbour = groups.members[other].broker as usize;
                self.adds[neighbour] -= self.added_by(other);
            }
        }
        self.chosen[broker] = !self.chosen[broker];
        for index in groups.on(broker) {
            for other in groups
                .members_of(groups.members[*index as usize].group)
                .filter(|o| *o != *index as usize)
            {
                let neighbour = groups.members[other].broker as usize;
                self.adds[neighbour] += self.added_by(other);
                waiting.push(neighbour);
            }
        }
    }

    /// What has to leave the brokers of the set, less their costs.
    fn value(&self) -> i64 {
        let mut value = 0;
        for group in &self.groups.groups {
            let members = &self.groups.members[group.first as usize..group.end as usize];
            let chosen = members.iter().filter(|member| self.chosen[member.broker as usize]);
            let lost = chosen.skip(group.keeps as usize);
            value += lost.map(|member| member.weights[self.weight]).sum::<i64>();
        }
        let costs = self
            .costs
            .iter()
            .zip(&self.chosen)
            .filter(|(_, chosen)| **chosen)
            .map(|(cost, _)| *cost);
        value - costs.sum::<i64>()
    }
}
