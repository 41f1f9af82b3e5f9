//! The bounds of random clusters that are small enough to try every plan.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};

use super::{brokers, topic};
use crate::bounds::{Bounds, bounds};
use crate::document::{BrokerState, Cluster};
use crate::goal::Goal;
use crate::limits::{DIMENSIONS, Limits, sum_brokers};
use crate::model::{Model, NONE, Resource};
use crate::options::{Operation, Options};
use crate::planner::Threads;
use crate::task::{Scope, Task};

/// Goals that the bounds know nothing of.
const UNKNOWN: [Goal; 5] = [
    Goal::BrokerSetAware,
    Goal::LeaderBytesInDistribution,
    Goal::PreferredLeaderElection,
    Goal::IntraBrokerDiskCapacity,
    Goal::IntraBrokerDiskUsageDistribution,
];

/// Every way to place and lead what a task may, and the least that one within the limits moves.
struct Search<'a> {
    task: &'a Task<'a>,
    limits: &'a Limits,
    broker: Vec<u32>,
    leader: Vec<u32>,
    /// The fewest replicas and the fewest bytes, of different plans perhaps.
    least: Option<(u64, i64)>,
}

impl Search<'_> {
    fn place(&mut self, replica: u32) {
        let model = self.task.model;
        let Some(at) = model.replicas.get(replica as usize) else {
            return self.lead(0);
        };
        let topic = model.partitions[at.partition as usize].topic as usize;
        let fixed = model.topics[topic].excluded && !self.task.is_stranded(replica);
        for broker in 0..model.brokers.len() as u32 {
            let stays = broker == at.broker
                && (!self.task.is_stranded(replica) || self.task.may_stay_on_broker(replica));
            let goes = broker != at.broker && !fixed && self.task.roles[broker as usize].receives;
            let first = model.partitions[at.partition as usize].first_replica;
            let taken = (first..replica).any(|other| self.broker[other as usize] == broker);
            if (stays || goes) && !taken {
                self.broker[replica as usize] = broker;
                self.place(replica + 1);
            }
        }
    }

    fn lead(&mut self, partition: u32) {
        let model = self.task.model;
        let Some(now) = model.partitions.get(partition as usize) else {
            return self.judge();
        };
        if partition == 0 && !self.improves() {
            return;
        }
        for leader in model.replicas_of(partition).chain((now.leader == NONE).then_some(NONE)) {
            self.leader[partition as usize] = leader;
            self.lead(partition + 1);
        }
    }

    fn moved(&self) -> (u64, i64) {
        let replicas = self.task.model.replicas.iter().zip(&self.broker);
        let moved = replicas.filter(|(before, broker)| before.broker != **broker);
        moved.fold((0, 0), |(count, bytes), (before, _)| {
            (count + 1, bytes + before.load[Resource::Disk as usize])
        })
    }

    fn improves(&self) -> bool {
        let (replicas, bytes) = self.moved();
        self.least.is_none_or(|least| replicas < least.0 || bytes < least.1)
    }

    fn judge(&mut self) {
        if self.brokers_fit() && self.topics_fit() && self.racks_fit() {
            let (replicas, bytes) = self.moved();
            let least = self.least.unwrap_or((u64::MAX, i64::MAX));
            self.least = Some((least.0.min(replicas), least.1.min(bytes)));
        }
    }

    fn brokers_fit(&self) -> bool {
        let soft = self.task.scope == Scope::All;
        let sums = sum_brokers(self.task.model, &self.broker, &self.leader);
        sums.iter().zip(&self.limits.brokers).zip(&self.task.roles).all(|((sums, limits), role)| {
            role.closed
                || (0..DIMENSIONS).all(|dimension| {
                    let low = if soft && role.receives { limits.low[dimension] } else { 0 };
                    let high = if soft { limits.high[dimension] } else { i64::MAX };
                    (low..=high.min(limits.cap[dimension])).contains(&sums[dimension])
                })
        })
    }

    fn topics_fit(&self) -> bool {
        let model = self.task.model;
        let soft = self.task.scope == Scope::All;
        (0..model.topics.len() as u32).all(|topic| {
            let limits = self.limits.topics[topic as usize];
            (0..model.brokers.len() as u32).all(|broker| {
                let role = self.task.roles[broker as usize];
                let on = |replica: u32| self.broker[replica as usize] == broker;
                let partitions = || model.partitions_of(topic);
                let replicas =
                    partitions().flat_map(|p| model.replicas_of(p)).filter(|r| on(*r)).count()
                        as u32;
                let leads =
                    |p: &u32| self.leader[*p as usize] != NONE && on(self.leader[*p as usize]);
                let leaders = partitions().filter(leads).count() as u32;
                let receives = role.receives && !model.topics[topic as usize].excluded;
                let low = !receives || !soft || replicas >= limits.replicas.0;
                let high = !role.counted || !soft || replicas <= limits.replicas.1;
                let least = if soft {
                    limits.leaders.0.max(limits.min_leaders)
                } else {
                    limits.min_leaders
                };
                let leads = !receives || !role.leads || leaders >= least;
                low && high && leads
            })
        })
    }

    fn racks_fit(&self) -> bool {
        let model = self.task.model;
        let one = self.task.options.has(Goal::RackAware);
        if !one && !self.task.options.has(Goal::RackAwareDistribution) {
            return true;
        }
        let counted = model.brokers.iter().zip(&self.task.roles).filter(|(_, role)| role.counted);
        let racks =
            counted.map(|(broker, _)| broker.rack).collect::<std::collections::BTreeSet<_>>().len()
                as u32;
        (0..model.partitions.len() as u32).all(|partition| {
            let rf = model.partitions[partition as usize].replicas;
            let most = if one { 1 } else { rf.div_ceil(racks.max(1)) };
            (0..model.racks.len() as u32).all(|rack| {
                let inside =
                    |r: &u32| model.brokers[self.broker[*r as usize] as usize].rack == rack;
                model.replicas_of(partition).filter(inside).count() as u32 <= most
            })
        })
    }
}

/// At most 6 replicas on at most 4 brokers in at most 3 racks.
fn random_cluster(rng: &mut ChaCha8Rng) -> Cluster {
    let count = rng.random_range(2..=4);
    let racks: Vec<&str> = (0..count).map(|_| ["a", "b", "c"][rng.random_range(0..3)]).collect();
    let mut brokers = brokers(&racks);
    for broker in &mut brokers {
        broker.capacity.disk = rng.random_range(20.0_f64..200.0).round();
        broker.capacity.network_in = rng.random_range(20.0_f64..200.0).round();
        broker.state = match rng.random_range(0..12) {
            0 => BrokerState::New,
            1 => BrokerState::Draining,
            2 => BrokerState::Demoted,
            3 => BrokerState::Dead,
            _ => BrokerState::Alive,
        };
    }
    let rf = rng.random_range(1..=count.min(3));
    let mut topics = Vec::new();
    let mut left = rng.random_range(rf..=6) / rf;
    while left > 0 {
        let partitions: Vec<Vec<(i32, f64)>> = (0..rng.random_range(1..=left))
            .map(|_| {
                let mut ids: Vec<i32> = (0..count as i32).collect();
                (0..rf)
                    .map(|_| {
                        // Later brokers have more.
                        let pick =
                            rng.random_range(0..ids.len()).max(rng.random_range(0..ids.len()));
                        (ids.remove(pick), f64::from(rng.random_range(0..40_u32)))
                    })
                    .collect()
            })
            .collect();
        left -= partitions.len();
        let mut topic =
            topic(&format!("t{left}"), &partitions.iter().map(Vec::as_slice).collect::<Vec<_>>());
        topic.excluded = rng.random_range(0..8) == 0;
        topic.min_leaders_per_broker = u32::from(rng.random_range(0..8) == 0);
        for partition in &mut topic.partitions {
            partition.leader_extra.network_out = f64::from(rng.random_range(0..40_u32));
            partition.leader_extra.cpu = f64::from(rng.random_range(0..10_u32));
            partition.leader_extra.disk = f64::from(rng.random_range(0..5_u32) / 4);
            for replica in &mut partition.replicas {
                replica.load.network_in = f64::from(rng.random_range(0..40_u32));
                replica.load.cpu = f64::from(rng.random_range(0..10_u32));
            }
            let alive = |id: &i32| brokers[*id as usize].state != BrokerState::Dead;
            partition.leader = partition.replicas.iter().map(|replica| replica.broker).find(alive);
        }
        topics.push(topic);
    }
    Cluster { brokers, topics }
}

fn random_options(rng: &mut ChaCha8Rng) -> Options {
    let operation = match rng.random_range(0..6) {
        0 => Operation::FixOffline,
        1 => Operation::RemoveBrokers([0].into()),
        2 => Operation::AddBrokers([0].into()),
        _ => Operation::Rebalance,
    };
    let mut options = Options::new(operation);
    let known = Goal::ALL.into_iter().filter(|goal| !UNKNOWN.contains(goal));
    options.goals = known.filter(|_| rng.random_range(0..3) == 0).collect();
    let constraints = &mut options.constraints;
    constraints.balance_thresholds = [(); 4].map(|()| rng.random_range(1.1..3.0));
    constraints.replica_threshold = rng.random_range(1.0..2.0);
    constraints.leader_threshold = rng.random_range(1.0..2.0);
    constraints.topic_threshold = rng.random_range(1.0..2.0);
    constraints.topic_min_gap = rng.random_range(0..2);
    constraints.max_replicas_per_broker = rng.random_range(1..6);
    options
}

#[test]
fn no_plan_does_with_less() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let (mut possible, mut bounded, mut needed) = (0, 0, 0);
    for case in 0..4000 {
        let (cluster, options) = (random_cluster(&mut rng), random_options(&mut rng));
        let model = Model::new(cluster.clone()).expect("the cluster is fine");
        let task = Task::new(&model, &options);
        let limits = Limits::new(&task);
        let Bounds { replicas, bytes } = bounds(&task, &limits, Threads::One);
        let mut search = Search {
            task: &task,
            limits: &limits,
            broker: vec![NONE; model.replicas.len()],
            leader: vec![NONE; model.partitions.len()],
            least: None,
        };
        search.place(0);
        if let Some(least) = search.least {
            assert!(
                replicas <= least.0 && bytes <= least.1,
                "case {case}: {replicas} replicas and {bytes} bytes, but {least:?} do, of {cluster:?} with {options:?}"
            );
            possible += 1;
            needed += least.0;
            bounded += replicas;
        }
    }
    // The clusters are worth trying, and the bounds say something about them.
    assert!(
        possible > 1000 && bounded * 10 > needed * 8,
        "{bounded} of {needed} in {possible} clusters"
    );
}
