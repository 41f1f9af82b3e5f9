//! One pass over the cluster, topic by topic: sums of each broker, and what the limits of topics ask of it.

use rayon::prelude::*;

use super::{BYTES, ByWeight, COUNT, DISK, WEIGHTS};
use crate::limits::{DIMENSIONS, Limits, Totals, add, totals_of};
use crate::model::{Model, NONE};
use crate::planner::Threads;
use crate::task::{Scope, Task};

/// How many parts the topics are surveyed in when there are threads for it. Sums of whole numbers are the same for all.
const PARTS: usize = 16;

/// What is on each broker before a plan. By broker unless it says otherwise.
#[derive(Debug)]
pub(super) struct Survey {
    /// Whether nothing may be left on it.
    pub(super) empties: Vec<bool>,
    /// What its replicas add to it at least, wherever leadership goes.
    pub(super) least: Vec<Totals>,
    /// What they add at most.
    pub(super) most: Vec<Totals>,
    /// The weight of its replicas.
    pub(super) on: Vec<ByWeight>,
    /// The weight that leaves it for the upper limits of topics.
    pub(super) topics_leave: Vec<ByWeight>,
    /// How many replicas come to it for the lower limits of topics.
    pub(super) topics_come: Vec<i64>,
    /// The weight of the replicas without a place.
    pub(super) unplaced: ByWeight,
    /// The weight of all movable replicas.
    pub(super) movable: ByWeight,
    /// What they add at most.
    pub(super) movable_most: Totals,
    /// The disk that leaders cost on top, of all partitions.
    pub(super) leader_extra_disk: i64,
}

/// What a replica adds to its broker at least, wherever leadership goes.
pub(super) fn least(model: &Model, replica: u32) -> Totals {
    let partition = &model.partitions[model.replicas[replica as usize].partition as usize];
    totals_of(model, replica, partition.replicas == 1 && partition.leader == replica)
}

/// What it adds at most.
pub(super) fn most(model: &Model, replica: u32) -> Totals {
    totals_of(model, replica, true)
}

/// Whether a replica of a topic may move. Those of excluded topics stay unless they are stranded.
pub(super) fn is_movable(task: &Task<'_>, topic: u32, replica: u32) -> bool {
    !task.model.topics[topic as usize].excluded || task.is_stranded(replica)
}

/// The weights of a replica.
pub(super) fn weights(model: &Model, replica: u32) -> ByWeight {
    let mut weights = [0; WEIGHTS];
    weights[COUNT] = 1;
    weights[BYTES] = model.replicas[replica as usize].load[DISK];
    weights
}

impl Survey {
    pub(super) fn of(task: &Task<'_>, limits: &Limits, threads: Threads<'_>) -> Self {
        let topics = task.model.topics.len() as u32;
        match threads {
            Threads::One => Self::part(task, limits, 0..topics),
            Threads::Pool(pool) => pool.install(|| {
                let part = topics.div_ceil(PARTS as u32).max(1);
                (0..PARTS as u32)
                    .into_par_iter()
                    .map(|index| {
                        let first = (index * part).min(topics);
                        Self::part(task, limits, first..(first + part).min(topics))
                    })
                    .reduce(|| Self::empty(task), |joined, part| joined.join(&part))
            }),
        }
    }

    fn empty(task: &Task<'_>) -> Self {
        let brokers = task.roles.len();
        let empties = (0..brokers as u32).map(|broker| {
            let closed = task.model.log_dirs_of(broker).all(|dir| task.closed_dirs[dir as usize]);
            task.roles[broker as usize].closed || closed
        });
        Self {
            empties: empties.collect(),
            least: vec![[0; DIMENSIONS]; brokers],
            most: vec![[0; DIMENSIONS]; brokers],
            on: vec![[0; WEIGHTS]; brokers],
            topics_leave: vec![[0; WEIGHTS]; brokers],
            topics_come: vec![0; brokers],
            unplaced: [0; WEIGHTS],
            movable: [0; WEIGHTS],
            movable_most: [0; DIMENSIONS],
            leader_extra_disk: 0,
        }
    }

    fn join(mut self, other: &Self) -> Self {
        for broker in 0..self.empties.len() {
            add(&mut self.least[broker], &other.least[broker]);
            add(&mut self.most[broker], &other.most[broker]);
            add_weights(&mut self.on[broker], other.on[broker]);
            add_weights(&mut self.topics_leave[broker], other.topics_leave[broker]);
            self.topics_come[broker] += other.topics_come[broker];
        }
        add_weights(&mut self.unplaced, other.unplaced);
        add_weights(&mut self.movable, other.movable);
        add(&mut self.movable_most, &other.movable_most);
        self.leader_extra_disk += other.leader_extra_disk;
        self
    }

    fn part(task: &Task<'_>, limits: &Limits, topics: std::ops::Range<u32>) -> Self {
        let model = task.model;
        let mut survey = Self::empty(task);
        let mut tally = TopicTally::new(task.roles.len());
        for topic in topics {
            for partition in model.partitions_of(topic) {
                survey.leader_extra_disk += model.partitions[partition as usize].leader_extra[DISK];
                for replica in model.replicas_of(partition) {
                    let movable = is_movable(task, topic, replica);
                    survey.count(model, replica, movable);
                    tally.count(model.replicas[replica as usize].broker, movable);
                }
            }
            tally.leave(task, limits, topic, &mut survey);
            tally.come(task, limits, topic, &mut survey);
            tally.clear();
        }
        tally.come_to_brokers_without(task, &mut survey);
        survey
    }

    fn count(&mut self, model: &Model, replica: u32, movable: bool) {
        let (weights, most) = (weights(model, replica), most(model, replica));
        if movable {
            add_weights(&mut self.movable, weights);
            add(&mut self.movable_most, &most);
        }
        match model.replicas[replica as usize].broker {
            NONE => add_weights(&mut self.unplaced, weights),
            broker => {
                let broker = broker as usize;
                add_weights(&mut self.on[broker], weights);
                add(&mut self.least[broker], &least(model, replica));
                add(&mut self.most[broker], &most);
            }
        }
    }
}

/// Adds to sums.
pub(super) fn add_weights(sums: &mut ByWeight, weights: ByWeight) {
    for (sum, weight) in sums.iter_mut().zip(weights) {
        *sum += weight;
    }
}

/// How many replicas of a topic each broker has.
struct TopicTally {
    /// By broker: all of them, and those that may move.
    replicas: Vec<(u32, u32)>,
    /// Brokers that have any.
    touched: Vec<u32>,
    /// The sum of the lower limits of all topics, for brokers that may not lead, and for those that may.
    lower: [i64; 2],
}

impl TopicTally {
    fn new(brokers: usize) -> Self {
        Self { replicas: vec![(0, 0); brokers], touched: Vec::new(), lower: [0; 2] }
    }

    fn count(&mut self, broker: u32, movable: bool) {
        if broker != NONE {
            let (all, may_move) = &mut self.replicas[broker as usize];
            if *all == 0 {
                self.touched.push(broker);
            }
            *all += 1;
            *may_move += u32::from(movable);
        }
    }

    fn clear(&mut self) {
        for broker in self.touched.drain(..) {
            self.replicas[broker as usize] = (0, 0);
        }
    }

    /// Adds what leaves brokers that have more of the topic than they should.
    fn leave(&self, task: &Task<'_>, limits: &Limits, topic: u32, survey: &mut Survey) {
        let upper = limits.topics[topic as usize].replicas.1;
        if task.scope != Scope::All {
            return;
        }
        for broker in &self.touched {
            let (all, may_move) = self.replicas[*broker as usize];
            if all <= upper || !task.roles[*broker as usize].counted {
                continue;
            }
            let mut disk: Vec<i64> = task
                .model
                .partitions_of(topic)
                .flat_map(|partition| task.model.replicas_of(partition))
                .filter(|replica| task.model.replicas[*replica as usize].broker == *broker)
                .filter(|replica| is_movable(task, topic, *replica))
                .map(|replica| task.model.replicas[replica as usize].load[DISK])
                .collect();
            disk.sort_unstable();
            let leave = (all - upper).min(may_move);
            let weights = &mut survey.topics_leave[*broker as usize];
            weights[COUNT] += i64::from(leave);
            weights[BYTES] += disk.iter().take(leave as usize).sum::<i64>();
        }
    }

    /// Adds what comes to brokers that have some of the topic, less what brokers without any would get.
    fn come(&mut self, task: &Task<'_>, limits: &Limits, topic: u32, survey: &mut Survey) {
        if task.model.topics[topic as usize].excluded {
            return;
        }
        let limits = &limits.topics[topic as usize];
        let (replicas, leaders) =
            if task.scope == Scope::All { (limits.replicas.0, limits.leaders.0) } else { (0, 0) };
        let lower = [replicas, replicas.max(leaders).max(limits.min_leaders)].map(i64::from);
        if lower == [0; 2] {
            return;
        }
        let of_broker = |broker: usize| lower[usize::from(task.roles[broker].leads)];
        if task.sets.topics[topic as usize] != NONE {
            for (broker, (all, _)) in self.replicas.iter().enumerate() {
                if task.sets.allow(topic, broker as u32) {
                    let come = of_broker(broker) - i64::from(*all);
                    survey.topics_come[broker] += come.max(0);
                }
            }
            return;
        }
        for broker in &self.touched {
            let lower = of_broker(*broker as usize);
            let all = i64::from(self.replicas[*broker as usize].0);
            survey.topics_come[*broker as usize] += (lower - all).max(0) - lower;
        }
        for (sum, lower) in self.lower.iter_mut().zip(lower) {
            *sum += lower;
        }
    }

    /// Adds what a broker without any replica gets.
    fn come_to_brokers_without(&self, task: &Task<'_>, survey: &mut Survey) {
        for (come, role) in survey.topics_come.iter_mut().zip(&task.roles) {
            *come += self.lower[usize::from(role.leads)];
        }
    }
}
