//! Where every replica is, who leads, and what that costs each broker.

use taffrail_balancer::document::Cluster;

use super::amount::{
    Amount, Amounts, DISK, NETWORK_IN, NETWORK_OUT, RESOURCES, add, amounts, subtract, value,
};
use super::facts::Facts;

#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) partitions: Vec<Partition>,
    /// By broker.
    pub(super) sums: Vec<Sums>,
    /// By broker and directory: bytes.
    pub(super) dirs: Vec<Vec<Amount>>,
    /// By topic and broker.
    pub(super) topic_replicas: Table,
    /// By topic and broker.
    pub(super) topic_leaders: Table,
}

#[derive(Clone, Debug)]
pub(super) struct Partition {
    pub(super) topic: usize,
    pub(super) id: i32,
    /// In order, the preferred leader first.
    pub(super) replicas: Vec<Replica>,
    /// The broker that leads, one of those of its online replicas.
    pub(super) leader: Option<usize>,
    pub(super) leader_extra: Amounts,
    /// What a replica costs that is added: what the leader costs as a follower before the plan, or the first replica where
    /// nobody leads.
    pub(super) added: Amounts,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Replica {
    pub(super) broker: usize,
    pub(super) dir: usize,
    pub(super) load: Amounts,
    /// Where it was before the plan; nowhere if the plan adds it.
    pub(super) origin: Option<(usize, usize)>,
}

/// What a broker has.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    pub(super) replicas: u64,
    pub(super) leaders: u64,
    pub(super) load: Amounts,
    /// Network out if it led everything on it.
    pub(super) potential_out: Amount,
    /// Network in of what it leads.
    pub(super) leader_in: Amount,
}

/// The same for whoever reads the verifier's result.
#[derive(Clone, Debug)]
pub(crate) struct Totals {
    pub(crate) id: i32,
    pub(crate) replicas: u64,
    pub(crate) leaders: u64,
    pub(crate) load: [f64; RESOURCES],
    pub(crate) potential_out: f64,
    pub(crate) leader_in: f64,
}

/// Counts by topic and broker.
#[derive(Clone, Debug)]
pub(super) struct Table {
    brokers: usize,
    counts: Vec<u32>,
}

impl Table {
    pub(super) fn get(&self, topic: usize, broker: usize) -> u32 {
        self.counts[topic * self.brokers + broker]
    }

    fn cell(&mut self, topic: usize, broker: usize) -> &mut u32 {
        &mut self.counts[topic * self.brokers + broker]
    }
}

impl State {
    /// As the document has it. A leader that is offline leads nothing.
    pub(super) fn of(cluster: &Cluster, facts: &Facts) -> Self {
        let brokers = facts.brokers.len();
        let table = Table { brokers, counts: vec![0; brokers * facts.topics.len()] };
        let mut state = Self {
            partitions: Vec::new(),
            sums: vec![Sums::default(); brokers],
            dirs: facts.brokers.iter().map(|broker| vec![0; broker.dirs.len()]).collect(),
            topic_replicas: table.clone(),
            topic_leaders: table,
        };
        for (topic, document) in cluster.topics.iter().enumerate() {
            for partition in &document.partitions {
                let replica_of = |replica: &taffrail_balancer::document::Replica| {
                    let broker = facts.by_id[&replica.broker];
                    let dirs = &facts.brokers[broker].dirs;
                    let named = |path: &String| dirs.iter().position(|dir| dir.path == *path);
                    let dir = replica.log_dir.as_ref().and_then(named).unwrap_or(0);
                    Replica {
                        broker,
                        dir,
                        load: amounts(&replica.load),
                        origin: Some((broker, dir)),
                    }
                };
                let mut partition = Partition {
                    topic,
                    id: partition.id,
                    replicas: partition.replicas.iter().map(replica_of).collect(),
                    leader: partition.leader.map(|id| facts.by_id[&id]),
                    leader_extra: amounts(&partition.leader_extra),
                    added: [0; RESOURCES],
                };
                let leader = partition.leader;
                let online =
                    |replica: &Replica| Some(replica.broker) == leader && facts.is_online(replica);
                if !partition.replicas.iter().any(online) {
                    partition.leader = None;
                }
                if let Some(model) = partition.leader_replica().or(partition.replicas.first()) {
                    partition.added = model.load;
                }
                state.put(&partition);
                state.partitions.push(partition);
            }
        }
        state
    }

    /// Replaces a partition and moves its weight.
    pub(super) fn replace(&mut self, index: usize, partition: Partition) -> Partition {
        let old = std::mem::replace(&mut self.partitions[index], partition);
        self.weigh(&old, false);
        let new = self.partitions[index].clone();
        self.weigh(&new, true);
        old
    }

    fn put(&mut self, partition: &Partition) {
        self.weigh(partition, true);
    }

    fn weigh(&mut self, partition: &Partition, comes: bool) {
        let change = if comes { add } else { subtract };
        let step = |count: &mut u64| *count = if comes { *count + 1 } else { *count - 1 };
        let small_step = |count: &mut u32| *count = if comes { *count + 1 } else { *count - 1 };
        let sign = if comes { 1 } else { -1 };
        for replica in &partition.replicas {
            let sums = &mut self.sums[replica.broker];
            step(&mut sums.replicas);
            change(&mut sums.load, &replica.load);
            sums.potential_out +=
                sign * (replica.load[NETWORK_OUT] + partition.leader_extra[NETWORK_OUT]);
            self.dirs[replica.broker][replica.dir] += sign * replica.load[DISK];
            small_step(self.topic_replicas.cell(partition.topic, replica.broker));
        }
        let Some(leader) = partition.leader_replica() else { return };
        let sums = &mut self.sums[leader.broker];
        step(&mut sums.leaders);
        change(&mut sums.load, &partition.leader_extra);
        sums.leader_in += sign * (leader.load[NETWORK_IN] + partition.leader_extra[NETWORK_IN]);
        self.dirs[leader.broker][leader.dir] += sign * partition.leader_extra[DISK];
        small_step(self.topic_leaders.cell(partition.topic, leader.broker));
    }

    /// Replicas that have to go and haven't: partition and place in its list.
    pub(super) fn stranded(&self, facts: &Facts) -> impl Iterator<Item = (usize, usize)> {
        self.partitions.iter().enumerate().flat_map(move |(index, partition)| {
            let places = partition.replicas.iter().enumerate();
            places
                .filter(|(_, replica)| facts.is_stranded(replica))
                .map(move |(place, _)| (index, place))
        })
    }

    pub(super) fn totals(&self, facts: &Facts) -> Vec<Totals> {
        let of = |(index, sums): (usize, &Sums)| Totals {
            id: facts.brokers[index].id,
            replicas: sums.replicas,
            leaders: sums.leaders,
            load: sums.load.map(value),
            potential_out: value(sums.potential_out),
            leader_in: value(sums.leader_in),
        };
        self.sums.iter().enumerate().map(of).collect()
    }

    /// What the whole cluster has.
    pub(super) fn cluster_load(&self) -> Amounts {
        let mut sum = [0; RESOURCES];
        for sums in &self.sums {
            add(&mut sum, &sums.load);
        }
        sum
    }
}

impl Partition {
    pub(super) fn leader_replica(&self) -> Option<&Replica> {
        let leader = self.leader?;
        self.replicas.iter().find(|replica| replica.broker == leader)
    }

    pub(super) fn is_on(&self, broker: usize) -> bool {
        self.replicas.iter().any(|replica| replica.broker == broker)
    }
}

impl Facts {
    pub(super) fn is_online(&self, replica: &Replica) -> bool {
        let broker = &self.brokers[replica.broker];
        !broker.dead && broker.dirs[replica.dir].online
    }

    /// Whether it has to go.
    pub(super) fn is_stranded(&self, replica: &Replica) -> bool {
        self.brokers[replica.broker].dirs[replica.dir].closed
    }

    /// Whether it had to go before the plan began.
    pub(super) fn was_stranded(&self, replica: &Replica) -> bool {
        replica.origin.is_some_and(|(broker, dir)| self.brokers[broker].dirs[dir].closed)
    }
}
