//! Where the bands and the capacities of a task are, in the model's units.
//!
//! One place turns thresholds into numbers; the search, the evaluation, the bounds, the ordering of steps and
//! `bands` read them.

use crate::document::BrokerState;
use crate::goal::Goal;
use crate::model::{Load, Model, NONE, RESOURCES, Resource};
use crate::options::Constraints;
use crate::task::Task;

/// How many sums are kept for each broker.
pub(crate) const DIMENSIONS: usize = 8;
/// What is summed for each broker, by dimension. The four resources stand first, by [`Resource`].
pub(crate) type Totals = [i64; DIMENSIONS];

/// Replicas on the broker.
pub(crate) const REPLICAS: usize = 4;
/// Partitions that it leads.
pub(crate) const LEADERS: usize = 5;
/// Network out if every replica on it led.
pub(crate) const POTENTIAL_OUT: usize = 6;
/// Network in of the partitions that it leads.
pub(crate) const LEADER_IN: usize = 7;

/// No limit.
pub(crate) const UNLIMITED: i64 = i64::MAX;

/// Where a broker's totals should be. Both ends belong to the band.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct BrokerLimits {
    /// Soft goals: no less than this; zero without one.
    pub(crate) low: Totals,
    /// Soft goals: no more than this; [`UNLIMITED`] without one.
    pub(crate) high: Totals,
    /// Hard goals: never more than this; [`UNLIMITED`] without one.
    pub(crate) cap: Totals,
}

/// Where the replicas and the leaders of a topic on each broker should be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TopicLimits {
    /// Replicas on a broker that holds its share: no less, no more.
    pub(crate) replicas: (u32, u32),
    /// Leaders on a broker that may lead: no less (soft), no more (soft).
    pub(crate) leaders: (u32, u32),
    /// Leaders on a broker that may lead: never less (hard).
    pub(crate) min_leaders: u32,
}

/// The limits of a task.
#[derive(Debug)]
pub(crate) struct Limits {
    /// By broker.
    pub(crate) brokers: Vec<BrokerLimits>,
    /// By topic.
    pub(crate) topics: Vec<TopicLimits>,
    /// By machine: never more than this of each resource; [`UNLIMITED`] on machines with one broker, whose own limit
    /// says the same.
    pub(crate) hosts: Vec<Load>,
    /// By broker and dimension: what one that holds exactly its share has; at least 1. Amounts are compared in shares.
    pub(crate) shares: Vec<Totals>,
    /// By log directory: the most that it should be filled, and the band between the directories of a broker.
    pub(crate) log_dirs: Vec<LogDirLimits>,
}

/// Where a directory's use should be, in units of disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct LogDirLimits {
    /// The share of its capacity that may be used; [`UNLIMITED`] without the goal.
    pub(crate) cap: i64,
}

/// What a replica adds to the totals of its broker.
pub(crate) fn totals_of(model: &Model, replica: u32, leads: bool) -> Totals {
    let replica = &model.replicas[replica as usize];
    let partition = &model.partitions[replica.partition as usize];
    let mut totals = [0; DIMENSIONS];
    totals[..RESOURCES].copy_from_slice(&replica.load);
    totals[REPLICAS] = 1;
    let out = Resource::NetworkOut as usize;
    totals[POTENTIAL_OUT] = replica.load[out] + partition.leader_extra[out];
    if leads {
        for (total, extra) in totals.iter_mut().zip(partition.leader_extra) {
            *total += extra;
        }
        totals[LEADERS] = 1;
        totals[LEADER_IN] = totals[Resource::NetworkIn as usize];
    }
    totals
}

/// The sums of each broker at a placement: by broker.
pub(crate) fn sum_brokers(model: &Model, broker: &[u32], leader: &[u32]) -> Vec<Totals> {
    let mut sums = vec![[0; DIMENSIONS]; model.brokers.len()];
    for (index, (replica, broker)) in model.replicas.iter().zip(broker).enumerate() {
        if *broker == NONE {
            continue;
        }
        let leads = leader[replica.partition as usize] == index as u32;
        add(&mut sums[*broker as usize], &totals_of(model, index as u32, leads));
    }
    sums
}

/// Adds to sums.
pub(crate) fn add(sums: &mut Totals, amounts: &Totals) {
    for (sum, amount) in sums.iter_mut().zip(amounts) {
        *sum += amount;
    }
}

impl Limits {
    /// The limits of a task.
    pub(crate) fn new(task: &Task<'_>) -> Self {
        let average = Average::of(task);
        let brokers =
            (0..task.roles.len()).map(|broker| broker_limits(task, &average, broker)).collect();
        let shares = (0..task.roles.len())
            .map(|broker| average.share(task, broker).map(|share| (share as i64).max(1)))
            .collect();
        Self {
            brokers,
            topics: topic_limits(task),
            hosts: host_limits(task),
            shares,
            log_dirs: log_dir_limits(task),
        }
    }
}

/// The cluster's totals, and what they are spread over.
struct Average {
    /// Of the whole cluster.
    totals: [f64; DIMENSIONS],
    /// Capacity of the brokers that are counted.
    capacity: [f64; RESOURCES],
    /// How many brokers are counted.
    counted: f64,
    /// How many may lead.
    leading: f64,
    /// Capacity for network in of those that may lead.
    leading_capacity: f64,
}

impl Average {
    fn of(task: &Task<'_>) -> Self {
        let model = task.model;
        let mut totals = [0_i64; DIMENSIONS];
        for (index, replica) in model.replicas.iter().enumerate() {
            let leader = model.partitions[replica.partition as usize].leader;
            add(&mut totals, &totals_of(model, index as u32, leader == index as u32));
        }
        // A partition without a leader will have one.
        for partition in model
            .partitions
            .iter()
            .filter(|partition| partition.leader == NONE && partition.replicas > 0)
        {
            let led = totals_of(model, partition.first_replica, true);
            let followed = totals_of(model, partition.first_replica, false);
            for (total, (led, followed)) in totals.iter_mut().zip(led.iter().zip(followed)) {
                *total += led - followed;
            }
        }
        let mut average = Self {
            totals: totals.map(|total| total as f64),
            capacity: [0.0; RESOURCES],
            counted: 0.0,
            leading: 0.0,
            leading_capacity: 0.0,
        };
        for (broker, role) in task.roles.iter().enumerate() {
            if role.counted {
                average.counted += 1.0;
                for (sum, capacity) in average.capacity.iter_mut().zip(capacity(task, broker)) {
                    *sum += capacity as f64;
                }
            }
            if role.counted && role.leads {
                average.leading += 1.0;
                average.leading_capacity +=
                    model.brokers[broker].capacity[Resource::NetworkIn as usize] as f64;
            }
        }
        average
    }

    /// What a broker has of each dimension when it holds exactly its share.
    fn share(&self, task: &Task<'_>, broker: usize) -> [f64; DIMENSIONS] {
        let capacity = capacity(task, broker);
        let mut share = [0.0; DIMENSIONS];
        for resource in 0..RESOURCES {
            share[resource] =
                self.totals[resource] * ratio(capacity[resource] as f64, self.capacity[resource]);
        }
        share[REPLICAS] = ratio(self.totals[REPLICAS], self.counted);
        share[LEADERS] = ratio(self.totals[LEADERS], self.leading);
        share[POTENTIAL_OUT] = ratio(self.totals[POTENTIAL_OUT], self.counted);
        let network_in = capacity[Resource::NetworkIn as usize] as f64;
        share[LEADER_IN] = if task.options.constraints.weigh_leader_bytes_in {
            self.totals[LEADER_IN] * ratio(network_in, self.leading_capacity)
        } else {
            ratio(self.totals[LEADER_IN], self.leading)
        };
        share
    }
}

/// What a broker can carry: disk without the directories that are closed, unless the broker is.
pub(crate) fn capacity(task: &Task<'_>, broker: usize) -> Load {
    let mut capacity = task.model.brokers[broker].capacity;
    if task.roles[broker].closed {
        return capacity;
    }
    let closed =
        task.model.log_dirs_of(broker as u32).filter(|dir| task.closed_dirs[*dir as usize]);
    let lost: i64 = closed.map(|dir| task.model.log_dirs[dir as usize].capacity).sum();
    let disk = &mut capacity[Resource::Disk as usize];
    *disk = (*disk - lost).max(0);
    capacity
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

const RESOURCE_GOALS: [(Resource, Goal, Goal); RESOURCES] = [
    (Resource::Cpu, Goal::CpuCapacity, Goal::CpuUsageDistribution),
    (Resource::NetworkIn, Goal::NetworkInboundCapacity, Goal::NetworkInboundUsageDistribution),
    (Resource::NetworkOut, Goal::NetworkOutboundCapacity, Goal::NetworkOutboundUsageDistribution),
    (Resource::Disk, Goal::DiskCapacity, Goal::DiskUsageDistribution),
];

fn broker_limits(task: &Task<'_>, average: &Average, index: usize) -> BrokerLimits {
    let (options, constraints) = (task.options, &task.options.constraints);
    let (carries, role) = (capacity(task, index), task.roles[index]);
    let mut limits = BrokerLimits {
        low: [0; DIMENSIONS],
        high: [UNLIMITED; DIMENSIONS],
        cap: [UNLIMITED; DIMENSIONS],
    };
    let share = average.share(task, index);
    for (resource, capacity_goal, usage_goal) in RESOURCE_GOALS {
        let dimension = resource as usize;
        let capacity = carries[dimension] as f64;
        if options.has(capacity_goal) {
            limits.cap[dimension] =
                (capacity * constraints.capacity_thresholds[dimension]).floor() as i64;
        }
        if options.has(usage_goal) {
            let band = constraints.resource_band(resource);
            let utilization = ratio(average.totals[dimension], average.capacity[dimension]);
            let idle = constraints.low_utilization_thresholds[dimension];
            let mut high = share[dimension] * (1.0 + band);
            if utilization <= idle {
                high = high.max(capacity * idle * Constraints::MARGIN);
            } else if role.counted {
                limits.low[dimension] = (share[dimension] * (1.0 - band).max(0.0)).ceil() as i64;
            }
            limits.high[dimension] = high.floor() as i64;
        }
    }
    if options.has(Goal::ReplicaCapacity) {
        limits.cap[REPLICAS] = i64::from(constraints.max_replicas_per_broker);
    }
    if options.has(Goal::ReplicaDistribution) {
        let band = Constraints::band(constraints.replica_threshold);
        limits.high[REPLICAS] = (share[REPLICAS] * (1.0 + band)).ceil() as i64;
        if role.counted {
            limits.low[REPLICAS] = (share[REPLICAS] * (1.0 - band).max(0.0)).floor() as i64;
        }
    }
    if options.has(Goal::LeaderReplicaDistribution) {
        let band = Constraints::band(constraints.leader_threshold);
        limits.high[LEADERS] = (share[LEADERS] * (1.0 + band)).ceil() as i64;
        if role.counted && role.leads {
            limits.low[LEADERS] = (share[LEADERS] * (1.0 - band).max(0.0)).floor() as i64;
        }
    }
    let out = Resource::NetworkOut as usize;
    if options.has(Goal::PotentialNwOut) {
        let potential = carries[out] as f64 * constraints.capacity_thresholds[out];
        limits.high[POTENTIAL_OUT] = potential.floor() as i64;
    }
    let network_in = Resource::NetworkIn as usize;
    if options.has(Goal::LeaderBytesInDistribution) {
        let idle = carries[network_in] as f64 * constraints.low_utilization_thresholds[network_in];
        let high = share[LEADER_IN] * constraints.balance_thresholds[network_in];
        limits.high[LEADER_IN] = high.max(idle).floor() as i64;
    }
    if !role.leads {
        // What leading needs can't be asked of a broker that may not lead.
        limits.low[out] = 0;
        limits.low[Resource::Cpu as usize] = 0;
    }
    limits
}

fn topic_limits(task: &Task<'_>) -> Vec<TopicLimits> {
    let counted = task.roles.iter().filter(|role| role.counted).count() as f64;
    let leading = task.roles.iter().filter(|role| role.counted && role.leads).count() as f64;
    let options = task.options;
    let band = |total: u32, over: f64| {
        let constraints = &options.constraints;
        let average = ratio(f64::from(total), over);
        let width = Constraints::band(constraints.topic_threshold);
        let (min_gap, max_gap) =
            (f64::from(constraints.topic_min_gap), f64::from(constraints.topic_max_gap));
        let high = (average * (1.0 + width)).ceil();
        let high = high.clamp(average.ceil() + min_gap, average.ceil() + max_gap.max(min_gap));
        let low = (average * (1.0 - width).max(0.0)).floor();
        let low =
            low.clamp(average.floor() - max_gap.max(min_gap), average.floor() - min_gap).max(0.0);
        (low as u32, high as u32)
    };
    let free = (0, u32::MAX);
    task.model
        .topics
        .iter()
        .enumerate()
        .map(|(index, topic)| {
            let replicas: u32 = task
                .model
                .partitions_of(index as u32)
                .map(|p| task.model.partitions[p as usize].replicas)
                .sum();
            TopicLimits {
                replicas: if options.has(Goal::TopicReplicaDistribution) {
                    band(replicas, counted)
                } else {
                    free
                },
                leaders: if options.has(Goal::TopicLeaderDistribution) {
                    band(topic.partitions, leading)
                } else {
                    free
                },
                min_leaders: if options.has(Goal::MinTopicLeadersPerBroker) {
                    topic.min_leaders_per_broker
                } else {
                    0
                },
            }
        })
        .collect()
}

fn host_limits(task: &Task<'_>) -> Vec<Load> {
    let mut capacity = vec![[0_i64; RESOURCES]; task.model.hosts.len()];
    let mut brokers = vec![0_u32; task.model.hosts.len()];
    for broker in task.model.brokers.iter().filter(|broker| broker.state != BrokerState::Dead) {
        brokers[broker.host as usize] += 1;
        for (sum, amount) in capacity[broker.host as usize].iter_mut().zip(broker.capacity) {
            *sum += amount;
        }
    }
    let mut limits = vec![[UNLIMITED; RESOURCES]; task.model.hosts.len()];
    for (host, limits) in limits.iter_mut().enumerate().filter(|(host, _)| brokers[*host] > 1) {
        for (resource, goal, _) in RESOURCE_GOALS {
            // Directories aren't shared between the brokers of a machine; its processor and its network are.
            if resource != Resource::Disk && task.options.has(goal) {
                let threshold = task.options.constraints.capacity_thresholds[resource as usize];
                limits[resource as usize] =
                    (capacity[host][resource as usize] as f64 * threshold).floor() as i64;
            }
        }
    }
    limits
}

fn log_dir_limits(task: &Task<'_>) -> Vec<LogDirLimits> {
    let threshold = task.options.constraints.capacity_thresholds[Resource::Disk as usize];
    let limited = task.options.has(Goal::IntraBrokerDiskCapacity);
    task.model
        .log_dirs
        .iter()
        .map(|dir| LogDirLimits {
            cap: if limited { (dir.capacity as f64 * threshold).floor() as i64 } else { UNLIMITED },
        })
        .collect()
}
