//! Finds what a cluster lacks.

use std::collections::BTreeSet;

use super::spread::{Spread, by_rack, sets, sum_of};
use super::{Shortage, Uneven};
use crate::evaluate::{BANDS, CAPACITIES, Evaluation, Place, each_violation, stranded};
use crate::goal::Goal;
use crate::limits::{BrokerLimits, LEADER_IN, LEADERS, Limits, Totals, UNLIMITED, add, totals_of};
use crate::log_dirs::log_dir_use;
use crate::model::{RESOURCES, Resource};
use crate::placement::Placement;
use crate::racks::racks_to_spread_over;
use crate::task::Task;

/// What the cluster provably lacks for the goals that a placement doesn't meet.
pub(crate) fn shortages(
    task: &Task<'_>,
    limits: &Limits,
    placement: &Placement,
    evaluation: &Evaluation,
) -> Vec<Shortage> {
    if evaluation.is_met() {
        return Vec::new();
    }
    if task.roles.iter().all(|role| !role.counted) {
        let factor =
            task.model.partitions.iter().map(|partition| partition.replicas).max().unwrap_or(0);
        return vec![Shortage::NoBrokers { factor }];
    }
    let search = Search { task, limits, placement, evaluation };
    let mut found = Vec::new();
    search.brokers(&mut found);
    search.racks(&mut found);
    search.min_leaders(&mut found);
    // It is a look at every replica.
    let amounts = CAPACITIES.iter().chain(&BANDS).any(|(goal, _)| search.is_open(*goal));
    let spread = amounts.then(|| Spread::of(task, limits, placement, evaluation)).flatten();
    search.capacities(spread.as_ref(), &mut found);
    if let Some(spread) = &spread {
        search.uneven(spread, &mut found);
    }
    search.log_dirs(&mut found);
    found
}

/// Whether a broker holds more than the disk capacity that it was asked to keep to: its directories can't help that.
pub(crate) fn is_disk_full(limits: &Limits, evaluation: &Evaluation, broker: u32) -> bool {
    let disk = Resource::Disk as usize;
    evaluation.totals[broker as usize][disk] > limits.brokers[broker as usize].cap[disk]
}

struct Search<'a> {
    task: &'a Task<'a>,
    limits: &'a Limits,
    placement: &'a Placement,
    evaluation: &'a Evaluation,
}

impl Search<'_> {
    /// Whether a goal isn't met, or something may have found no place because of it.
    fn is_open(&self, goal: Goal) -> bool {
        self.evaluation.of(goal) > 0
            || (self.evaluation.stranded > 0 && self.task.options.has(goal))
    }

    fn brokers(&self, found: &mut Vec<Shortage>) {
        if self.evaluation.stranded == 0 {
            return;
        }
        let brokers = self.task.roles.iter().filter(|role| !role.closed).count() as u32;
        let factors = self.task.model.partitions.iter().map(|partition| partition.replicas);
        let larger = factors.filter(|factor| *factor > brokers);
        let (partitions, factor) =
            larger.fold((0, 0), |(number, most), factor| (number + 1, factor.max(most)));
        if partitions > 0 {
            found.push(Shortage::Brokers { partitions, factor, brokers });
        }
    }

    fn racks(&self, found: &mut Vec<Shortage>) {
        if !self.is_open(Goal::RackAware) {
            return;
        }
        let model = self.task.model;
        let racks = racks_to_spread_over(self.task);
        let mut partitions: BTreeSet<u32> = BTreeSet::new();
        let mut note = |partition: u32| {
            if model.partitions[partition as usize].replicas > racks {
                partitions.insert(partition);
            }
        };
        each_violation(
            self.task,
            self.limits,
            self.placement,
            self.evaluation,
            Goal::RackAware,
            &mut |violation| {
                if let Place::Partition(partition) = violation.place {
                    note(partition);
                }
            },
        );
        stranded(self.task, self.placement)
            .for_each(|replica| note(model.replicas[replica as usize].partition));
        let topics: BTreeSet<u32> =
            partitions.iter().map(|index| model.partitions[*index as usize].topic).collect();
        let factors = partitions.iter().map(|index| model.partitions[*index as usize].replicas);
        if let Some(factor) = factors.max() {
            found.push(Shortage::Racks {
                partitions: partitions.len() as u64,
                topics: topics
                    .into_iter()
                    .map(|topic| model.topics[topic as usize].name.clone())
                    .collect(),
                factor,
                racks,
            });
        }
    }

    fn min_leaders(&self, found: &mut Vec<Shortage>) {
        if self.evaluation.of(Goal::MinTopicLeadersPerBroker) == 0 {
            return;
        }
        let sets = self.task.sets.clone();
        for (index, topic) in
            self.task.model.topics.iter().enumerate().filter(|(_, t)| t.min_leaders_per_broker > 0)
        {
            let roles = self.task.roles.iter().enumerate();
            let leading = roles.filter(|(broker, role)| {
                role.counted && role.leads && sets.allow(index as u32, *broker as u32)
            });
            let brokers = leading.count() as u32;
            if u64::from(brokers) * u64::from(topic.min_leaders_per_broker)
                > u64::from(topic.partitions)
            {
                found.push(Shortage::MinLeaders { topic: index as u32, brokers });
            }
        }
    }

    /// Capacities of the cluster, of racks, and of the largest broker.
    fn capacities(&self, spread: Option<&Spread>, found: &mut Vec<Shortage>) {
        let open: Vec<(Goal, usize)> =
            CAPACITIES.into_iter().filter(|(goal, _)| self.is_open(*goal)).collect();
        if open.is_empty() {
            return;
        }
        let rooms = self.rooms(|limits| &limits.cap);
        let whole = self.evaluation.whole();
        for (goal, dimension) in open {
            if let Some(shortage) =
                self.capacity(goal, dimension, Vec::new(), whole[dimension], &rooms)
            {
                found.push(shortage);
                continue;
            }
            let before = found.len();
            if let Some(spread) = spread {
                self.capacities_of_racks(spread, (goal, dimension), &rooms, found);
            }
            if found.len() == before {
                found.extend(self.replica(goal, dimension, &rooms));
            }
        }
    }

    /// Each rack that is too small, or the fewest that are together.
    fn capacities_of_racks(
        &self,
        spread: &Spread,
        (goal, dimension): (Goal, usize),
        rooms: &[Totals],
        found: &mut Vec<Shortage>,
    ) {
        let model = self.task.model;
        let room =
            model.brokers.iter().zip(rooms).map(|(broker, room)| (broker.rack, room[dimension]));
        let room = by_rack(model.racks.len(), room);
        let before = found.len();
        for racks in sets(&spread.ranked(&room)) {
            if racks.len() > 1 && found.len() > before {
                return;
            }
            let least = spread.least(racks.len(), dimension);
            if least > sum_of(racks, &room) {
                found.extend(self.capacity(goal, dimension, racks.to_vec(), least, rooms));
            }
        }
    }

    /// Bands that brokers can't be inside of because of their racks.
    fn uneven(&self, spread: &Spread, found: &mut Vec<Shortage>) {
        let open: Vec<(Goal, usize)> = BANDS
            .into_iter()
            .filter(|(goal, dimension)| {
                self.evaluation.of(*goal) > 0 && !matches!(*dimension, LEADERS | LEADER_IN)
            })
            .collect();
        if open.is_empty() {
            return;
        }
        let rooms = self.rooms(|limits| &limits.high);
        for (goal, dimension) in open {
            let rooms: Vec<i64> = rooms.iter().map(|room| room[dimension]).collect();
            let found_one = Uneven::of(self.task, self.limits, spread, (goal, dimension), &rooms);
            found.extend(found_one.map(Shortage::Uneven));
        }
    }

    /// What each broker may hold: one that is counted what its limits say, one that is excluded for replicas no more
    /// than what is on it, one that is to be empty nothing.
    fn rooms(&self, ends: impl Fn(&BrokerLimits) -> &Totals) -> Vec<Totals> {
        let model = self.task.model;
        let mut rooms = vec![Totals::default(); model.brokers.len()];
        // Leadership may still move between the replicas that are there.
        for (index, replica) in model.replicas.iter().enumerate() {
            if let Some(role) = self.task.roles.get(replica.broker as usize)
                && !role.counted
                && !role.closed
            {
                add(
                    &mut rooms[replica.broker as usize],
                    &totals_of(model, index as u32, role.leads),
                );
            }
        }
        for ((room, role), limits) in
            rooms.iter_mut().zip(&self.task.roles).zip(&self.limits.brokers)
        {
            if role.counted {
                *room = *ends(limits);
            } else if !role.closed {
                for (room, end) in room.iter_mut().zip(ends(limits)) {
                    *room = (*room).min(*end);
                }
            }
        }
        rooms
    }

    fn capacity(
        &self,
        goal: Goal,
        dimension: usize,
        racks: Vec<u32>,
        whole: i64,
        rooms: &[Totals],
    ) -> Option<Shortage> {
        let brokers = || {
            let brokers = self.task.model.brokers.iter().zip(&self.task.roles).enumerate();
            brokers.filter(|(_, (broker, _))| racks.is_empty() || racks.contains(&broker.rack))
        };
        let sum = |room: i64, more: i64| room.saturating_add(more);
        let allowed = brokers().map(|(index, _)| rooms[index][dimension]).fold(0, sum);
        if allowed == UNLIMITED || whole <= allowed {
            return None;
        }
        let mut largest: Option<(u32, i64)> = None;
        for (index, _) in brokers().filter(|(_, (_, role))| role.counted) {
            let cap = self.limits.brokers[index].cap[dimension];
            if cap > 0 && largest.is_none_or(|(_, most)| cap > most) {
                largest = Some((index as u32, cap));
            }
        }
        let missing = whole - allowed;
        let excluded = brokers().filter(|(_, (_, role))| !role.counted && !role.closed);
        let unused =
            |index: usize| self.limits.brokers[index].cap[dimension] - rooms[index][dimension];
        let room = excluded.clone().map(|(index, _)| unused(index)).fold(0, sum);
        Some(Shortage::Capacity {
            goal,
            dimension,
            whole,
            allowed,
            like: largest.map(|(broker, cap)| (broker, (missing as u64).div_ceil(cap as u64))),
            excluded: if room >= missing {
                excluded.map(|(_, (broker, _))| broker.id).collect()
            } else {
                Vec::new()
            },
            racks,
        })
    }

    /// The replica that is the furthest above what any broker may hold.
    fn replica(&self, goal: Goal, dimension: usize, rooms: &[Totals]) -> Option<Shortage> {
        let allowed = rooms.iter().map(|room| room[dimension]).max()?;
        if dimension >= RESOURCES {
            return None;
        }
        let replicas = self.task.model.replicas.iter();
        let largest =
            replicas.filter(|replica| replica.load[dimension] > allowed).max_by_key(|replica| {
                (replica.load[dimension], std::cmp::Reverse(replica.partition))
            })?;
        Some(Shortage::Replica {
            goal,
            dimension,
            partition: largest.partition,
            amount: largest.load[dimension],
            allowed,
        })
    }

    fn log_dirs(&self, found: &mut Vec<Shortage>) {
        if self.evaluation.of(Goal::IntraBrokerDiskCapacity) == 0 {
            return;
        }
        let used = log_dir_use(self.task.model, self.placement);
        for (broker, _) in self.task.roles.iter().enumerate().filter(|(_, role)| !role.closed) {
            let dirs = || self.task.model.log_dirs_of(broker as u32);
            let allowed: i64 = dirs()
                .filter(|dir| !self.task.closed_dirs[*dir as usize])
                .map(|dir| self.limits.log_dirs[dir as usize].cap)
                .sum();
            let used: i64 = dirs().map(|dir| used[dir as usize]).sum();
            if used > allowed && !is_disk_full(self.limits, self.evaluation, broker as u32) {
                found.push(Shortage::LogDirs { broker: broker as u32, used, allowed });
            }
        }
    }
}
