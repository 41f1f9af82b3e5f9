//! How many things break each goal, counted anew.

use std::collections::BTreeSet;

use taffrail_balancer::{Goal, Options};

use super::amount::{CPU, DISK, NETWORK_IN, NETWORK_OUT, value};
use super::band::{Band, Count};
use super::facts::{Broker, Facts};
use super::limits::Limits;
use super::racks;
use super::state::{Partition, State, Sums};

/// A cluster, where everything is, and what it is held against.
pub(super) struct Judge<'a> {
    pub(super) facts: &'a Facts,
    pub(super) limits: &'a Limits<'a>,
    pub(super) state: &'a State,
}

impl Judge<'_> {
    pub(super) fn count(&self, goal: Goal) -> Count {
        let facts = self.facts;
        let limits = self.limits;
        match goal {
            Goal::RackAware => {
                self.partitions(|partition| racks::excess(facts, &partition.replicas))
            }
            Goal::RackAwareDistribution => {
                self.partitions(|partition| racks::uneven(facts, &partition.replicas))
            }
            Goal::BrokerSetAware => {
                self.partitions(|partition| racks::outside_set(facts, partition))
            }
            Goal::MinTopicLeadersPerBroker => self.too_few_leaders(),
            Goal::ReplicaCapacity => self.brokers(|broker, sums| {
                let max = if broker.closed { 0 } else { limits.replicas_max() };
                (Band::of_counts(0.0, max as f64), sums.replicas as f64)
            }),
            Goal::DiskCapacity => self.capacity(DISK),
            Goal::NetworkInboundCapacity => self.capacity(NETWORK_IN),
            Goal::NetworkOutboundCapacity => self.capacity(NETWORK_OUT),
            Goal::CpuCapacity => self.capacity(CPU),
            Goal::ReplicaDistribution => self.brokers(|broker, sums| {
                let band =
                    if broker.closed { Band::of_counts(0.0, 0.0) } else { limits.replicas(broker) };
                (band, sums.replicas as f64)
            }),
            Goal::PotentialNwOut => self
                .brokers(|broker, sums| (limits.potential_out(broker), value(sums.potential_out))),
            Goal::DiskUsageDistribution => self.usage(DISK),
            Goal::NetworkInboundUsageDistribution => self.usage(NETWORK_IN),
            Goal::NetworkOutboundUsageDistribution => self.usage(NETWORK_OUT),
            Goal::CpuUsageDistribution => self.usage(CPU),
            Goal::TopicReplicaDistribution => self.topics(|broker, topic, index| {
                let in_set = facts.topics[topic].may_be_on(index);
                (
                    limits.topic_replicas(broker, topic, in_set),
                    self.state.topic_replicas.get(topic, index),
                )
            }),
            Goal::LeaderReplicaDistribution => {
                self.brokers(|broker, sums| (limits.leaders(broker), sums.leaders as f64))
            }
            Goal::LeaderBytesInDistribution => {
                self.brokers(|broker, sums| (limits.leader_in(broker), value(sums.leader_in)))
            }
            Goal::TopicLeaderDistribution => self.topics(|broker, topic, index| {
                let in_set = facts.topics[topic].may_be_on(index);
                (
                    limits.topic_leaders(broker, topic, in_set),
                    self.state.topic_leaders.get(topic, index),
                )
            }),
            Goal::PreferredLeaderElection => {
                self.partitions(|partition| u64::from(!is_led_by_preferred(facts, partition)))
            }
            Goal::IntraBrokerDiskCapacity => {
                let mut count = self.dirs(|capacity, _| limits.dir_capacity(capacity));
                count.sure += self.dirs_to_empty();
                count
            }
            Goal::IntraBrokerDiskUsageDistribution => {
                self.dirs(|capacity, average| limits.dir_usage(capacity, average))
            }
        }
    }

    fn partitions(&self, steps: impl Fn(&Partition) -> u64) -> Count {
        let mut count = Count::default();
        for partition in &self.state.partitions {
            count.add_steps(steps(partition));
        }
        count
    }

    fn brokers(&self, value: impl Fn(&Broker, &Sums) -> (Band, f64)) -> Count {
        let mut count = Count::default();
        for (broker, sums) in self.facts.brokers.iter().zip(&self.state.sums) {
            let (band, value) = value(broker, sums);
            count.add(band, value);
        }
        count
    }

    fn topics(&self, value: impl Fn(&Broker, usize, usize) -> (Band, u32)) -> Count {
        let mut count = Count::default();
        for topic in 0..self.facts.topics.len() {
            for (index, broker) in self.facts.brokers.iter().enumerate() {
                let (band, value) = value(broker, topic, index);
                count.add(band, f64::from(value));
            }
        }
        count
    }

    fn usage(&self, resource: usize) -> Count {
        self.brokers(|broker, sums| {
            (self.limits.usage(broker, resource), value(sums.load[resource]))
        })
    }

    /// Brokers above their share of the capacity, and machines of several brokers above theirs.
    fn capacity(&self, resource: usize) -> Count {
        let mut count = Count::default();
        for (broker, sums) in self.facts.brokers.iter().zip(&self.state.sums) {
            if broker.closed {
                count.add_steps(sums.replicas);
            } else {
                count.add(
                    Band::below(self.limits.capacity(broker, resource)),
                    value(sums.load[resource]),
                );
            }
        }
        if resource != DISK {
            for brokers in self.facts.shared_hosts() {
                let load =
                    brokers.iter().map(|broker| self.state.sums[*broker].load[resource]).sum();
                count.add(
                    Band::below(self.limits.host_capacity(self.facts, brokers, resource)),
                    value(load),
                );
            }
        }
        count
    }

    fn too_few_leaders(&self) -> Count {
        let mut count = Count::default();
        for (topic, facts) in self.facts.topics.iter().enumerate() {
            for (index, broker) in self.facts.brokers.iter().enumerate() {
                let asked = broker.counted && broker.leads && facts.may_be_on(index);
                let missing =
                    facts.min_leaders.saturating_sub(self.state.topic_leaders.get(topic, index));
                count.add_steps(if asked { u64::from(missing) } else { 0 });
            }
        }
        count
    }

    /// Directories that their broker can use and that aren't to be emptied.
    fn dirs(&self, band: impl Fn(f64, f64) -> Band) -> Count {
        let mut count = Count::default();
        for (broker, loads) in self.facts.brokers.iter().zip(&self.state.dirs) {
            let open = || broker.dirs.iter().zip(loads).filter(|(dir, _)| !dir.closed);
            let load: i128 = open().map(|(_, load)| load).sum();
            let capacity: f64 = open().map(|(dir, _)| dir.capacity).sum();
            for (dir, load_of_dir) in open() {
                count.add(band(dir.capacity, value(load) / capacity), value(*load_of_dir));
            }
        }
        count
    }

    /// Directories of brokers that stay which should be empty and aren't.
    fn dirs_to_empty(&self) -> u64 {
        let mut dirs = BTreeSet::new();
        for (partition, place) in self.state.stranded(self.facts) {
            let replica = &self.state.partitions[partition].replicas[place];
            if !self.facts.brokers[replica.broker].closed {
                dirs.insert((replica.broker, replica.dir));
            }
        }
        dirs.len() as u64
    }
}

/// Whether the first replica that is online leads.
fn is_led_by_preferred(facts: &Facts, partition: &Partition) -> bool {
    let first = partition.replicas.iter().find(|replica| facts.is_online(replica));
    first.map(|replica| replica.broker) == partition.leader
}

/// The goals in the order in which a plan has to list them: hard ones before soft ones.
pub(super) fn by_priority(options: &Options) -> Vec<Goal> {
    let mut seen = BTreeSet::new();
    let goals = options.goals.iter().copied().filter(|goal| seen.insert(*goal));
    let (hard, soft): (Vec<Goal>, Vec<Goal>) = goals.partition(|goal| goal.is_hard());
    hard.into_iter().chain(soft).collect()
}
