//! Every goal's violations, one by one.

use crate::broker_sets::BrokerSets;
use crate::document::BrokerState;
use crate::goal::Goal;
use crate::limits::{LEADER_IN, LEADERS, Limits, POTENTIAL_OUT, REPLICAS, Totals};
use crate::log_dirs::{log_dir_bands, log_dir_use};
use crate::model::{Load, NONE, Resource};
use crate::placement::Placement;
use crate::racks::racks_to_spread_over;
use crate::task::Task;

/// The hard goals about brokers, and what of a broker's totals each is about.
pub(crate) const CAPACITIES: [(Goal, usize); 5] = [
    (Goal::ReplicaCapacity, REPLICAS),
    (Goal::DiskCapacity, Resource::Disk as usize),
    (Goal::NetworkInboundCapacity, Resource::NetworkIn as usize),
    (Goal::NetworkOutboundCapacity, Resource::NetworkOut as usize),
    (Goal::CpuCapacity, Resource::Cpu as usize),
];

/// The soft goals about brokers, and what of a broker's totals each is about.
pub(crate) const BANDS: [(Goal, usize); 8] = [
    (Goal::ReplicaDistribution, REPLICAS),
    (Goal::PotentialNwOut, POTENTIAL_OUT),
    (Goal::DiskUsageDistribution, Resource::Disk as usize),
    (Goal::NetworkInboundUsageDistribution, Resource::NetworkIn as usize),
    (Goal::NetworkOutboundUsageDistribution, Resource::NetworkOut as usize),
    (Goal::CpuUsageDistribution, Resource::Cpu as usize),
    (Goal::LeaderReplicaDistribution, LEADERS),
    (Goal::LeaderBytesInDistribution, LEADER_IN),
];

/// One thing that breaks a goal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Violation {
    /// The goal.
    pub(crate) goal: Goal,
    /// What breaks it.
    pub(crate) place: Place,
    /// How much there is.
    pub(crate) amount: i64,
    /// The end of the band that this is beyond: below it or above it.
    pub(crate) limit: i64,
}

/// What breaks a goal, by the model's indices.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    /// A broker: a capacity or a band.
    Broker(u32),
    /// A machine: a capacity of this resource.
    Host(u32),
    /// A topic on a broker.
    Topic {
        /// The topic.
        topic: u32,
        /// The broker.
        broker: u32,
    },
    /// A partition: racks, sets, preferred leaders.
    Partition(u32),
    /// A log directory.
    LogDir(u32),
}

impl Violation {
    /// How far beyond the end of the band it is, as a share of that end.
    pub(crate) fn severity(&self) -> f64 {
        (self.amount - self.limit).unsigned_abs() as f64 / (self.limit as f64).max(1.0)
    }
}

/// A look at a placement for certain goals.
pub(crate) struct Survey<'a> {
    task: &'a Task<'a>,
    limits: &'a Limits,
    placement: &'a Placement,
    totals: &'a [Totals],
    sets: BrokerSets,
    asked: [bool; Goal::ALL.len()],
}

impl<'a> Survey<'a> {
    /// `totals` are the sums of the brokers at the placement.
    pub(super) fn new(
        task: &'a Task<'a>,
        limits: &'a Limits,
        placement: &'a Placement,
        totals: &'a [Totals],
        goals: &[Goal],
    ) -> Self {
        let mut asked = [false; Goal::ALL.len()];
        for goal in goals {
            asked[*goal as usize] = true;
        }
        Self { task, limits, placement, totals, sets: task.sets.clone(), asked }
    }

    /// Shows every violation of the goals.
    pub(super) fn each(&self, show: &mut impl FnMut(Violation)) {
        self.brokers(show);
        self.hosts(show);
        if self.any(&[
            Goal::TopicReplicaDistribution,
            Goal::TopicLeaderDistribution,
            Goal::MinTopicLeadersPerBroker,
        ]) {
            self.topics(show);
        }
        let partitions = [
            Goal::RackAware,
            Goal::RackAwareDistribution,
            Goal::BrokerSetAware,
            Goal::PreferredLeaderElection,
        ];
        if self.any(&partitions) {
            self.partitions(show);
        }
        if self.any(&[Goal::IntraBrokerDiskCapacity, Goal::IntraBrokerDiskUsageDistribution]) {
            self.log_dirs(show);
        }
    }

    fn any(&self, goals: &[Goal]) -> bool {
        goals.iter().any(|goal| self.asked[*goal as usize])
    }

    /// Capacities and bands. A broker that is to be empty and isn't breaks every capacity and the number of replicas.
    fn brokers(&self, show: &mut impl FnMut(Violation)) {
        for (broker, (totals, limits)) in self.totals.iter().zip(&self.limits.brokers).enumerate() {
            let place = Place::Broker(broker as u32);
            let left = self.task.roles[broker].closed && totals[REPLICAS] > 0;
            for (goal, dimension) in
                CAPACITIES.into_iter().filter(|(goal, _)| self.asked[*goal as usize])
            {
                let (amount, cap) = (totals[dimension], limits.cap[dimension]);
                if left || amount > cap {
                    show(Violation { goal, place, amount, limit: if left { 0 } else { cap } });
                }
            }
            for (goal, dimension) in
                BANDS.into_iter().filter(|(goal, _)| self.asked[*goal as usize])
            {
                let (amount, low, high) =
                    (totals[dimension], limits.low[dimension], limits.high[dimension]);
                if left && goal == Goal::ReplicaDistribution {
                    show(Violation { goal, place, amount, limit: 0 });
                } else if amount > high {
                    show(Violation { goal, place, amount, limit: high });
                } else if amount < low {
                    show(Violation { goal, place, amount, limit: low });
                }
            }
        }
    }

    /// Capacities of the machines that several brokers share.
    fn hosts(&self, show: &mut impl FnMut(Violation)) {
        let model = self.task.model;
        let mut sums = vec![Load::default(); model.hosts.len()];
        for (broker, totals) in model.brokers.iter().zip(self.totals) {
            for (sum, amount) in sums[broker.host as usize].iter_mut().zip(totals) {
                *sum += amount;
            }
        }
        for (host, (sums, limits)) in sums.iter().zip(&self.limits.hosts).enumerate() {
            let place = Place::Host(host as u32);
            for (goal, dimension) in
                CAPACITIES.into_iter().filter(|(goal, _)| self.asked[*goal as usize])
            {
                // The number of replicas is no machine's.
                if let (Some(amount), Some(limit)) = (sums.get(dimension), limits.get(dimension))
                    && amount > limit
                {
                    show(Violation { goal, place, amount: *amount, limit: *limit });
                }
            }
        }
    }

    /// Replicas and leaders of each topic on each broker.
    fn topics(&self, show: &mut impl FnMut(Violation)) {
        let model = self.task.model;
        let mut counts = vec![(0_u32, 0_u32); model.brokers.len()];
        let mut touched: Vec<u32> = Vec::new();
        for (index, limits) in self.limits.topics.iter().enumerate() {
            let topic = index as u32;
            for partition in model.partitions_of(topic) {
                let leader = self.placement.leader[partition as usize];
                for replica in model.replicas_of(partition) {
                    let broker = self.placement.broker[replica as usize];
                    let Some((replicas, leaders)) = counts.get_mut(broker as usize) else {
                        continue;
                    };
                    if *replicas == 0 {
                        touched.push(broker);
                    }
                    *replicas += 1;
                    *leaders += u32::from(replica == leader);
                }
            }
            // Only a topic with a lower end can be broken by brokers that have nothing of it.
            if limits.replicas.0 > 0 || limits.leaders.0 > 0 || limits.min_leaders > 0 {
                for broker in 0..model.brokers.len() as u32 {
                    self.topic_on(topic, broker, counts[broker as usize], show);
                }
            } else {
                for broker in &touched {
                    self.topic_on(topic, *broker, counts[*broker as usize], show);
                }
            }
            for broker in touched.drain(..) {
                counts[broker as usize] = (0, 0);
            }
        }
    }

    fn topic_on(
        &self,
        topic: u32,
        broker: u32,
        (replicas, leaders): (u32, u32),
        show: &mut impl FnMut(Violation),
    ) {
        let limits = &self.limits.topics[topic as usize];
        let role = self.task.roles[broker as usize];
        let holds = role.counted && self.sets.allow(topic, broker);
        let leads = holds && role.leads;
        let mut check = |goal: Goal, count: u32, low: u32, high: u32| {
            if self.asked[goal as usize] && (count < low || count > high) {
                let limit = if count > high { high } else { low };
                let place = Place::Topic { topic, broker };
                show(Violation { goal, place, amount: i64::from(count), limit: i64::from(limit) });
            }
        };
        let low = |holds: bool, low: u32| if holds { low } else { 0 };
        check(
            Goal::TopicReplicaDistribution,
            replicas,
            low(holds, limits.replicas.0),
            limits.replicas.1,
        );
        check(
            Goal::TopicLeaderDistribution,
            leaders,
            low(leads, limits.leaders.0),
            limits.leaders.1,
        );
        check(Goal::MinTopicLeadersPerBroker, leaders, low(leads, limits.min_leaders), u32::MAX);
    }

    /// Racks, sets of brokers and preferred leaders.
    fn partitions(&self, show: &mut impl FnMut(Violation)) {
        let model = self.task.model;
        let racks = racks_to_spread_over(self.task);
        let mut on_rack = vec![0_u32; model.racks.len()];
        for (index, partition) in model.partitions.iter().enumerate() {
            let replicas = || {
                model.replicas_of(index as u32).filter_map(|replica| {
                    let broker = self.placement.broker[replica as usize];
                    (broker != NONE).then_some((replica, broker))
                })
            };
            let mut check = |goal: Goal, amount: u32, limit: u32| {
                if self.asked[goal as usize] && amount > limit {
                    let place = Place::Partition(index as u32);
                    show(Violation {
                        goal,
                        place,
                        amount: i64::from(amount),
                        limit: i64::from(limit),
                    });
                }
            };
            // The most in one rack, and how many racks have more than each should have at least.
            let base = partition.replicas.checked_div(racks).unwrap_or(0);
            let extra = partition.replicas.checked_rem(racks).unwrap_or(0);
            let (mut most, mut above) = (0, 0);
            for (_, broker) in replicas() {
                let count = &mut on_rack[model.brokers[broker as usize].rack as usize];
                *count += 1;
                most = most.max(*count);
                above += u32::from(*count == base + 1);
            }
            for (_, broker) in replicas() {
                on_rack[model.brokers[broker as usize].rack as usize] = 0;
            }
            check(Goal::RackAware, most, 1);
            if most > base + 1 {
                check(Goal::RackAwareDistribution, most, base + u32::from(extra > 0));
            } else {
                check(Goal::RackAwareDistribution, above, extra);
            }
            if self.asked[Goal::BrokerSetAware as usize] {
                let outside = replicas()
                    .filter(|(_, broker)| !self.sets.allow(partition.topic, *broker))
                    .count();
                check(Goal::BrokerSetAware, outside as u32, 0);
            }
            if self.asked[Goal::PreferredLeaderElection as usize] {
                let preferred = self.preferred(index as u32);
                let elsewhere = preferred != NONE && preferred != self.placement.leader[index];
                check(Goal::PreferredLeaderElection, u32::from(elsewhere), 0);
            }
        }
    }

    /// The first replica of a partition's list that is online, or none.
    fn preferred(&self, partition: u32) -> u32 {
        let leader = self.placement.leader[partition as usize];
        if self.placement.leader_first[partition as usize]
            && leader != NONE
            && self.is_online(leader)
        {
            return leader;
        }
        let mut replicas = self.task.model.replicas_of(partition);
        replicas.find(|replica| self.is_online(*replica)).unwrap_or(NONE)
    }

    fn is_online(&self, replica: u32) -> bool {
        let (broker, dir) =
            (self.placement.broker[replica as usize], self.placement.log_dir[replica as usize]);
        broker != NONE
            && self.task.model.brokers[broker as usize].state != BrokerState::Dead
            && (dir == NONE || self.task.model.log_dirs[dir as usize].online)
    }

    /// Log directories. One that is to be empty and isn't breaks the capacity, but on brokers that are to be empty
    /// themselves, which are counted already.
    fn log_dirs(&self, show: &mut impl FnMut(Violation)) {
        let model = self.task.model;
        let used = log_dir_use(model, self.placement);
        let mut held = vec![false; model.log_dirs.len()];
        for dir in self.placement.log_dir.iter().filter(|dir| **dir != NONE) {
            held[*dir as usize] = true;
        }
        let bands = log_dir_bands(self.task, &used);
        for (dir, (amount, (low, high))) in used.iter().copied().zip(bands).enumerate() {
            if self.task.roles[model.log_dirs[dir].broker as usize].closed {
                continue;
            }
            let place = Place::LogDir(dir as u32);
            let left = self.task.closed_dirs[dir] && held[dir];
            let cap = if left { 0 } else { self.limits.log_dirs[dir].cap };
            if self.asked[Goal::IntraBrokerDiskCapacity as usize] && (left || amount > cap) {
                show(Violation { goal: Goal::IntraBrokerDiskCapacity, place, amount, limit: cap });
            }
            if self.asked[Goal::IntraBrokerDiskUsageDistribution as usize]
                && (amount < low || amount > high)
            {
                let limit = if amount > high { high } else { low };
                show(Violation {
                    goal: Goal::IntraBrokerDiskUsageDistribution,
                    place,
                    amount,
                    limit,
                });
            }
        }
    }
}
