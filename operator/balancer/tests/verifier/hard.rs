//! Hard goals at each prefix of a plan: what held before a step holds after it, and what didn't is no worse.
//!
//! While a step runs, both the broker that a replica goes to and the one that it comes from hold it. Its destination has
//! the same load then as after the step, and its source no more than before: looking after each step is enough.

use taffrail_balancer::{Goal, Options};

use super::Complaints;
use super::amount::{Amount, CPU, DISK, NETWORK_IN, NETWORK_OUT, value};
use super::facts::Facts;
use super::racks;
use super::replay::Change;
use super::state::{Partition, Replica, State};

/// The hard goals that a plan was asked for.
pub(super) struct Watch<'a> {
    facts: &'a Facts,
    options: &'a Options,
    /// Resources whose capacity is a goal.
    capacities: Vec<usize>,
}

/// Names for complaints.
const NAMES: [&str; 4] = ["cpu", "network in", "network out", "disk"];

impl<'a> Watch<'a> {
    pub(super) fn new(facts: &'a Facts, options: &'a Options) -> Self {
        let goals = [
            (Goal::CpuCapacity, CPU),
            (Goal::NetworkInboundCapacity, NETWORK_IN),
            (Goal::NetworkOutboundCapacity, NETWORK_OUT),
            (Goal::DiskCapacity, DISK),
        ];
        let capacities =
            goals.into_iter().filter(|(goal, _)| options.has(*goal)).map(|(_, resource)| resource);
        Self { facts, options, capacities: capacities.collect() }
    }

    pub(super) fn check(
        &self,
        state: &State,
        change: &Change,
        number: usize,
        complaints: &mut Complaints,
    ) {
        let mut worse = Vec::new();
        self.check_partition(state, change, &mut worse);
        self.check_brokers(state, change, &mut worse);
        self.check_hosts(state, change, &mut worse);
        self.check_dirs(state, change, &mut worse);
        for cause in worse {
            let partition = &change.old;
            let topic = &self.facts.topics[partition.topic].name;
            complaints
                .add(format!("step {number} (partition {} of {topic}): {cause}", partition.id));
        }
    }

    fn check_partition(&self, state: &State, change: &Change, worse: &mut Vec<String>) {
        let new = &state.partitions[change.partition];
        let (before, after) =
            (self.misplaced(new, &change.old.replicas), self.misplaced(new, &new.replicas));
        if self.had_to_be_added(change, new, &after) {
            return;
        }
        for ((goal, before), (_, after)) in before.into_iter().zip(after) {
            if after > before {
                worse.push(format!(
                    "{goal}: {before} replicas too many where they are, then {after}"
                ));
            }
        }
    }

    /// By goal that was asked for: how many of a partition's replicas are where none should be.
    fn misplaced(&self, partition: &Partition, replicas: &[Replica]) -> Vec<(Goal, u64)> {
        let of_partition = || Partition { replicas: replicas.to_vec(), ..partition.clone() };
        let goals =
            [Goal::RackAware, Goal::RackAwareDistribution, Goal::BrokerSetAware].into_iter();
        let count = |goal| match goal {
            Goal::RackAware => racks::excess(self.facts, replicas),
            Goal::RackAwareDistribution => racks::uneven(self.facts, replicas),
            _ => racks::outside_set(self.facts, &of_partition()),
        };
        goals.filter(|goal| self.options.has(*goal)).map(|goal| (goal, count(goal))).collect()
    }

    /// A higher replication factor was asked for, and no broker would have been better for all goals together.
    fn had_to_be_added(&self, change: &Change, new: &Partition, after: &[(Goal, u64)]) -> bool {
        let added = new.replicas.len() > change.old.replicas.len();
        let Some(came) = change.came.filter(|_| added) else { return false };
        let sum = |misplaced: &[(Goal, u64)]| misplaced.iter().map(|(_, count)| count).sum::<u64>();
        let free = (0..self.facts.brokers.len()).filter(|broker| !change.old.is_on(*broker));
        let best = free
            .filter(|broker| self.facts.brokers[*broker].receives)
            .map(|broker| {
                let elsewhere = |replica: &Replica| {
                    let broker = if replica.broker == came { broker } else { replica.broker };
                    Replica { broker, dir: 0, ..replica.clone() }
                };
                sum(&self.misplaced(new, &new.replicas.iter().map(elsewhere).collect::<Vec<_>>()))
            })
            .min();
        best.is_some_and(|best| best >= sum(after))
    }

    fn check_brokers(&self, state: &State, change: &Change, worse: &mut Vec<String>) {
        let thresholds = &self.options.constraints.capacity_thresholds;
        let elected = change.old.leader.is_none();
        let topic = change.old.topic;
        for (index, before) in &change.sums {
            let broker = &self.facts.brokers[*index];
            let after = &state.sums[*index];
            for resource in &self.capacities {
                let limit = if broker.closed {
                    0.0
                } else {
                    broker.capacity[*resource] * thresholds[*resource]
                };
                // A partition without leader gets one wherever it has a replica: being there comes before capacity.
                let must = elected && state.partitions[change.partition].leader == Some(*index);
                if grew_beyond(before.load[*resource], after.load[*resource], limit) && !must {
                    let (name, load) = (NAMES[*resource], value(after.load[*resource]));
                    worse.push(format!(
                        "broker {} has {load} {name} of {limit} that it may have",
                        broker.id
                    ));
                }
            }
            let max = u64::from(self.options.constraints.max_replicas_per_broker);
            let more = after.replicas > before.replicas && after.replicas > max;
            if self.options.has(Goal::ReplicaCapacity) && more {
                worse.push(format!(
                    "broker {} has {} replicas, and may have {max}",
                    broker.id, after.replicas
                ));
            }
            let leaders_before =
                before_of(state.topic_leaders.get(topic, *index), change, state, *index);
            let leaders = state.topic_leaders.get(topic, *index);
            let min = self.facts.topics[topic].min_leaders;
            let fewer = leaders_before >= min && leaders < min;
            let asked =
                broker.counted && broker.leads && self.facts.topics[topic].may_be_on(*index);
            if self.options.has(Goal::MinTopicLeadersPerBroker) && asked && fewer {
                worse.push(format!(
                    "broker {} leads {leaders} partitions of the topic, which is too few",
                    broker.id
                ));
            }
        }
    }

    fn check_hosts(&self, state: &State, change: &Change, worse: &mut Vec<String>) {
        let thresholds = &self.options.constraints.capacity_thresholds;
        let new_leader =
            state.partitions[change.partition].leader.filter(|_| change.old.leader.is_none());
        for brokers in self.facts.shared_hosts() {
            let touched: Vec<_> =
                change.sums.iter().filter(|(index, _)| brokers.contains(index)).collect();
            if touched.is_empty() || new_leader.is_some_and(|leader| brokers.contains(&leader)) {
                continue;
            }
            for resource in self.capacities.iter().filter(|resource| **resource != DISK) {
                let after: Amount =
                    brokers.iter().map(|index| state.sums[*index].load[*resource]).sum();
                let growth: Amount = touched
                    .iter()
                    .map(|(index, before)| {
                        state.sums[*index].load[*resource] - before.load[*resource]
                    })
                    .sum();
                let limit = self.facts.host_capacity(brokers, *resource) * thresholds[*resource];
                if grew_beyond(after - growth, after, limit) {
                    let (name, load) = (NAMES[*resource], value(after));
                    let id = self.facts.brokers[brokers[0]].id;
                    worse.push(format!(
                        "the machine of broker {id} has {load} {name} of {limit} that it may have"
                    ));
                }
            }
        }
    }

    /// A directory is never filled beyond its end.
    fn check_dirs(&self, state: &State, change: &Change, worse: &mut Vec<String>) {
        let new = &state.partitions[change.partition];
        let arrival =
            change.came.and_then(|came| new.replicas.iter().find(|replica| replica.broker == came));
        let copied = change
            .dir
            .and_then(|(broker, _)| new.replicas.iter().find(|replica| replica.broker == broker));
        let Some(replica) = arrival.or(copied).filter(|replica| replica.load[DISK] > 0) else {
            return;
        };
        let (broker, dir) = (replica.broker, replica.dir);
        let directory = &self.facts.brokers[broker].dirs[dir];
        let bytes = value(state.dirs[broker][dir]);
        if self.options.has(Goal::DiskCapacity) && bytes > directory.capacity * (1.0 + 1e-7) {
            let (id, path) = (self.facts.brokers[broker].id, &directory.path);
            worse.push(format!(
                "directory \"{path}\" of broker {id} has {bytes} of {} bytes",
                directory.capacity
            ));
        }
    }
}

/// How many leaders of the partition's topic a broker had before the step.
fn before_of(now: u32, change: &Change, state: &State, broker: usize) -> u32 {
    let led = u32::from(change.old.leader == Some(broker));
    let leads = u32::from(state.partitions[change.partition].leader == Some(broker));
    now + led - leads
}

fn grew_beyond(before: Amount, after: Amount, limit: f64) -> bool {
    after > before && value(after) > limit * (1.0 + 1e-7) && value(after - before) > 1e-7 * limit
}
