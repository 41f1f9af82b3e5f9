//! Where the greedy wants the sums of each broker: Cruise Control's rules, in the model's units.
//!
//! The planner has rules of its own inside the library. These are written a second time on purpose: the greedy stands
//! outside, and what it leaves violated is counted by the planner, so a slip here would show as violations left.

use taffrail_balancer::{Constraints, Goal, Model, RESOURCES, Resource};

use super::sums::{DIMENSIONS, LEADER_IN, LEADERS, POTENTIAL_OUT, REPLICAS, Totals};

/// From where to where, both included.
pub(crate) type Band = (i64, i64);

/// No upper end.
pub(crate) const OPEN: Band = (0, i64::MAX);

/// The averages of a cluster, and what turns them into bands.
pub(crate) struct Bands<'a> {
    model: &'a Model,
    constraints: &'a Constraints,
    /// Of the whole cluster.
    totals: [f64; DIMENSIONS],
    /// Of the whole cluster.
    capacity: [f64; RESOURCES],
}

impl<'a> Bands<'a> {
    /// From the sums of each broker. Moves change no total, so these bands stay.
    pub(crate) fn new(model: &'a Model, constraints: &'a Constraints, sums: &[Totals]) -> Self {
        let mut totals = [0.0; DIMENSIONS];
        for sums in sums {
            for (total, sum) in totals.iter_mut().zip(sums) {
                *total += *sum as f64;
            }
        }
        let mut capacity = [0.0; RESOURCES];
        for broker in model.brokers() {
            for (total, amount) in capacity.iter_mut().zip(broker.capacity) {
                *total += amount as f64;
            }
        }
        Self { model, constraints, totals, capacity }
    }

    /// What a broker has in a dimension when it holds exactly its share.
    pub(crate) fn share(&self, broker: u32, dimension: usize) -> f64 {
        let weight = match dimension {
            resource if resource < RESOURCES => self.weight(broker, resource),
            LEADER_IN if self.constraints.weigh_leader_bytes_in => {
                self.weight(broker, Resource::NetworkIn as usize)
            }
            _ => 1.0 / self.model.brokers().len() as f64,
        };
        self.totals[dimension] * weight
    }

    fn weight(&self, broker: u32, resource: usize) -> f64 {
        if self.capacity[resource] > 0.0 {
            self.capacity(broker, resource) / self.capacity[resource]
        } else {
            0.0
        }
    }

    fn capacity(&self, broker: u32, resource: usize) -> f64 {
        self.model.brokers()[broker as usize].capacity[resource] as f64
    }

    /// The sum that a goal is about and where it wants it on a broker. None for goals that aren't about a sum.
    pub(crate) fn of(&self, goal: Goal, broker: u32) -> Option<(usize, Band)> {
        let constraints = self.constraints;
        let limit = |resource: Resource| {
            let threshold = constraints.capacity_thresholds[resource as usize];
            (0, (self.capacity(broker, resource as usize) * threshold).floor() as i64)
        };
        let usage = |resource: Resource| {
            let dimension = resource as usize;
            let (share, width) =
                (self.share(broker, dimension), constraints.resource_band(resource));
            let idle = constraints.low_utilization_thresholds[dimension];
            let high = share * (1.0 + width);
            if self.totals[dimension] <= idle * self.capacity[dimension] {
                let floor = self.capacity(broker, dimension) * idle * Constraints::MARGIN;
                (0, high.max(floor).floor() as i64)
            } else {
                ((share * (1.0 - width)).ceil() as i64, high.floor() as i64)
            }
        };
        let count = |dimension: usize, threshold: f64| {
            let (share, width) = (self.share(broker, dimension), Constraints::band(threshold));
            ((share * (1.0 - width)).floor() as i64, (share * (1.0 + width)).ceil() as i64)
        };
        let network_in = Resource::NetworkIn as usize;
        Some(match goal {
            Goal::ReplicaCapacity => {
                (REPLICAS, (0, i64::from(constraints.max_replicas_per_broker)))
            }
            Goal::DiskCapacity => (Resource::Disk as usize, limit(Resource::Disk)),
            Goal::NetworkInboundCapacity => (network_in, limit(Resource::NetworkIn)),
            Goal::NetworkOutboundCapacity => {
                (Resource::NetworkOut as usize, limit(Resource::NetworkOut))
            }
            Goal::CpuCapacity => (Resource::Cpu as usize, limit(Resource::Cpu)),
            Goal::ReplicaDistribution => (REPLICAS, count(REPLICAS, constraints.replica_threshold)),
            Goal::PotentialNwOut => (POTENTIAL_OUT, limit(Resource::NetworkOut)),
            Goal::DiskUsageDistribution => (Resource::Disk as usize, usage(Resource::Disk)),
            Goal::NetworkInboundUsageDistribution => (network_in, usage(Resource::NetworkIn)),
            Goal::NetworkOutboundUsageDistribution => {
                (Resource::NetworkOut as usize, usage(Resource::NetworkOut))
            }
            Goal::CpuUsageDistribution => (Resource::Cpu as usize, usage(Resource::Cpu)),
            Goal::LeaderReplicaDistribution => {
                (LEADERS, count(LEADERS, constraints.leader_threshold))
            }
            Goal::LeaderBytesInDistribution => {
                let idle = self.capacity(broker, network_in)
                    * constraints.low_utilization_thresholds[network_in];
                let high =
                    self.share(broker, LEADER_IN) * constraints.balance_thresholds[network_in];
                (LEADER_IN, (0, high.max(idle).floor() as i64))
            }
            _ => return None,
        })
    }

    /// Where a topic's replicas on each broker should be.
    pub(crate) fn of_topic(&self, topic: u32) -> Band {
        let topic = &self.model.topics()[topic as usize];
        let partitions =
            &self.model.partitions()[topic.first_partition as usize..][..topic.partitions as usize];
        let replicas: u32 = partitions.iter().map(|partition| partition.replicas).sum();
        let average = f64::from(replicas) / self.model.brokers().len() as f64;
        let width = Constraints::band(self.constraints.topic_threshold);
        let (least, most) =
            (f64::from(self.constraints.topic_min_gap), f64::from(self.constraints.topic_max_gap));
        let high =
            (average * (1.0 + width)).ceil().clamp(average.ceil() + least, average.ceil() + most);
        let low = (average * (1.0 - width))
            .floor()
            .clamp(average.floor() - most, average.floor() - least);
        (low.max(0.0) as i64, high as i64)
    }
}

/// How far a value is out of a band.
pub(crate) fn distance(value: i64, (low, high): Band) -> i64 {
    (low - value).max(value - high).max(0)
}
