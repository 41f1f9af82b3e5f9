//! Where the limits of each goal are, from the goals' definitions and the sums of the cluster.

use taffrail_balancer::{Constraints, Options};

use super::amount::{CPU, NETWORK_IN, NETWORK_OUT, RESOURCES, add, value};
use super::band::Band;
use super::facts::{Broker, Facts};
use super::state::{Replica, State};

#[derive(Debug)]
pub(super) struct Limits<'a> {
    constraints: &'a Constraints,
    /// Of brokers that hold their share.
    replicas: Band,
    /// Of brokers that hold their share and may lead.
    leaders: Band,
    /// By topic.
    topic_replicas: Vec<Band>,
    /// By topic.
    topic_leaders: Vec<Band>,
    /// The cluster's use as a share of the capacity that is there to hold it.
    utilization: [f64; RESOURCES],
    /// Leader bytes in for each byte of capacity in, or for each broker.
    leader_in: f64,
}

impl<'a> Limits<'a> {
    /// Averages are over what the cluster has, wherever it is: the replicas that are to be there (`after` has those that a
    /// higher replication factor adds), with what their leaders cost before the plan. Each partition is to have a leader,
    /// the first of its replicas that stay if it had none, or one that goes.
    pub(super) fn of(facts: &Facts, options: &'a Options, before: &State, after: &State) -> Self {
        let constraints = &options.constraints;
        let holders: Vec<&Broker> = facts.brokers.iter().filter(|broker| broker.counted).collect();
        let leaders: Vec<&Broker> = holders.iter().copied().filter(|broker| broker.leads).collect();
        let mut load = [0; RESOURCES];
        let mut leader_in = 0;
        let mut topic_replicas = vec![0_u64; facts.topics.len()];
        let mut topic_leaders = vec![0_u64; facts.topics.len()];
        for (before, after) in before.partitions.iter().zip(&after.partitions) {
            for replica in &after.replicas {
                add(&mut load, &replica.load);
            }
            topic_replicas[after.topic] += after.replicas.len() as u64;
            topic_leaders[after.topic] += 1;
            let stays = |replica: &&Replica| {
                after.replicas.iter().any(|other| other.origin == replica.origin)
            };
            let leader = before.leader_replica().filter(stays);
            if let Some(leader) = leader.or(before.replicas.iter().find(stays)) {
                add(&mut load, &before.leader_extra);
                leader_in += leader.load[NETWORK_IN] + before.leader_extra[NETWORK_IN];
            }
        }
        let capacity = |of: &[&Broker], resource: usize| -> f64 {
            of.iter().map(|broker| broker.capacity[resource]).sum()
        };
        let mut utilization = [0.0; RESOURCES];
        for (resource, utilization) in utilization.iter_mut().enumerate() {
            *utilization = ratio(value(load[resource]), capacity(&holders, resource));
        }
        let share = |total: u64, holders: f64| ratio(total as f64, holders);
        let (replicas, partitions) = (topic_replicas.iter().sum(), topic_leaders.iter().sum());
        let (counted, leading) = (holders.len() as f64, leaders.len() as f64);
        let weights = if constraints.weigh_leader_bytes_in {
            capacity(&leaders, NETWORK_IN)
        } else {
            leading
        };
        let of_topics = |totals: Vec<u64>, holders: f64| {
            totals.into_iter().map(|total| topic_band(constraints, share(total, holders))).collect()
        };
        Self {
            constraints,
            replicas: count_band(constraints.replica_threshold, share(replicas, counted)),
            leaders: count_band(constraints.leader_threshold, share(partitions, leading)),
            topic_replicas: of_topics(topic_replicas, counted),
            topic_leaders: of_topics(topic_leaders, leading),
            utilization,
            leader_in: ratio(value(leader_in), weights),
        }
    }

    /// What a broker may have for goals about capacity.
    pub(super) fn capacity(&self, broker: &Broker, resource: usize) -> f64 {
        if broker.closed {
            0.0
        } else {
            broker.capacity[resource] * self.constraints.capacity_thresholds[resource]
        }
    }

    /// What a machine may have: what its brokers may have together, with those that are to be emptied but without the dead.
    pub(super) fn host_capacity(&self, facts: &Facts, brokers: &[usize], resource: usize) -> f64 {
        facts.host_capacity(brokers, resource) * self.constraints.capacity_thresholds[resource]
    }

    pub(super) fn replicas_max(&self) -> u64 {
        u64::from(self.constraints.max_replicas_per_broker)
    }

    /// Network out if every replica led.
    pub(super) fn potential_out(&self, broker: &Broker) -> Band {
        Band::below(
            broker.capacity[NETWORK_OUT] * self.constraints.capacity_thresholds[NETWORK_OUT],
        )
    }

    pub(super) fn replicas(&self, broker: &Broker) -> Band {
        for_holder(broker, self.replicas)
    }

    pub(super) fn topic_replicas(&self, broker: &Broker, topic: usize, in_set: bool) -> Band {
        let band = self.topic_replicas[topic];
        if in_set { for_holder(broker, band) } else { band.without_low() }
    }

    pub(super) fn leaders(&self, broker: &Broker) -> Band {
        for_leader(broker, self.leaders)
    }

    pub(super) fn topic_leaders(&self, broker: &Broker, topic: usize, in_set: bool) -> Band {
        let band = self.topic_leaders[topic];
        if in_set { for_leader(broker, band) } else { band.without_low() }
    }

    /// How much of a resource a broker may use to be like the others.
    pub(super) fn usage(&self, broker: &Broker, resource: usize) -> Band {
        let average = self.utilization[resource];
        let half = half_width(self.constraints.balance_thresholds[resource]);
        let capacity = broker.capacity[resource];
        let idle = self.constraints.low_utilization_thresholds[resource];
        if average <= idle {
            return Band::below(capacity * (average * (1.0 + half)).max(idle * MARGIN));
        }
        let band = Band::of_loads(
            capacity * average * (1.0 - half).max(0.0),
            capacity * average * (1.0 + half),
        );
        // What leading needs can't be asked of a broker that may not lead.
        if [CPU, NETWORK_OUT].contains(&resource) {
            for_leader(broker, band)
        } else {
            for_holder(broker, band)
        }
    }

    /// Bytes in of the partitions that it leads.
    pub(super) fn leader_in(&self, broker: &Broker) -> Band {
        let capacity = broker.capacity[NETWORK_IN];
        let share =
            self.leader_in * if self.constraints.weigh_leader_bytes_in { capacity } else { 1.0 };
        let idle = self.constraints.low_utilization_thresholds[NETWORK_IN] * capacity;
        Band::below((share * self.constraints.balance_thresholds[NETWORK_IN]).max(idle))
    }

    /// Bytes in a directory of a broker whose directories are full to this share on average.
    pub(super) fn dir_usage(&self, capacity: f64, average: f64) -> Band {
        let half = half_width(self.constraints.balance_thresholds[super::amount::DISK]);
        Band::of_loads(
            capacity * average * (1.0 - half).max(0.0),
            capacity * average * (1.0 + half),
        )
    }

    /// Bytes that may be in a directory.
    pub(super) fn dir_capacity(&self, capacity: f64) -> Band {
        Band::below(capacity * self.constraints.capacity_thresholds[super::amount::DISK])
    }
}

/// A broker that isn't there to hold its share can't be blamed for having little.
fn for_holder(broker: &Broker, band: Band) -> Band {
    if broker.counted { band } else { band.without_low() }
}

fn for_leader(broker: &Broker, band: Band) -> Band {
    if broker.leads { for_holder(broker, band) } else { band.without_low() }
}

/// A share of something that there are none of to hold is nothing.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// Cruise Control's balance margin.
const MARGIN: f64 = 0.9;

fn half_width(threshold: f64) -> f64 {
    (threshold - 1.0) * MARGIN
}

fn count_band(threshold: f64, average: f64) -> Band {
    let half = half_width(threshold);
    Band::of_counts(average * (1.0 - half).max(0.0), average * (1.0 + half))
}

/// The band of a topic: at least the smaller gap, at most the larger one away from the average.
fn topic_band(constraints: &Constraints, average: f64) -> Band {
    let near = f64::from(constraints.topic_min_gap);
    let far = f64::from(constraints.topic_max_gap).max(near);
    let (floor, ceil) = (average.floor(), average.ceil());
    count_band(constraints.topic_threshold, average)
        .clamped(((floor - far).max(0.0), (floor - near).max(0.0)), (ceil + near, ceil + far))
}
