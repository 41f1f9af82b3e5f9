//! The cluster as the planner sees it: flat arrays, `u32` indices, whole numbers.
//!
//! Loads are kept in fixed point, with as many binary places as leave the sum over the whole cluster below 2^53: sums
//! are exact and the same in any order, at the level of a broker, a host, a rack or the cluster, and turn into `f64`
//! without loss. Floating-point sums over a million replicas drift by more than the bands that they are held against.
//!
//! A model never changes. Where replicas are to go is a [`Placement`](crate::placement::Placement) beside it.

mod exact;
mod read;

use crate::document::BrokerState;

pub(crate) use read::{AMOUNT_MAX, PARTITIONS_MAX, in_units};
pub use read::{ModelError, Problem};

/// How many resources there are.
pub const RESOURCES: usize = 4;

/// The four resources that a replica costs, in the order of [`Load`].
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Resource {
    /// Cores.
    Cpu = 0,
    /// Bytes in a second.
    NetworkIn = 1,
    /// Bytes out a second.
    NetworkOut = 2,
    /// Bytes.
    Disk = 3,
}

impl Resource {
    /// All of them, in the order of [`Load`].
    pub const ALL: [Self; RESOURCES] = [Self::Cpu, Self::NetworkIn, Self::NetworkOut, Self::Disk];

    /// Its name in the model's JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::NetworkIn => "network_in",
            Self::NetworkOut => "network_out",
            Self::Disk => "disk",
        }
    }
}

/// An amount of each resource, by [`Resource`], in the model's own units ([`Model::amount`] turns them back).
pub type Load = [i64; RESOURCES];

/// No index: a replica that has no place yet, a partition that nobody leads.
pub const NONE: u32 = u32::MAX;

/// A cluster, checked.
#[derive(Clone, Debug)]
pub struct Model {
    /// Names of racks, sorted.
    pub(crate) racks: Vec<String>,
    /// Machines.
    pub(crate) hosts: Vec<Host>,
    /// Brokers by id, ascending.
    pub(crate) brokers: Vec<Broker>,
    /// Log directories, broker by broker; each broker has at least one.
    pub(crate) log_dirs: Vec<LogDir>,
    /// Topics by name, ascending.
    pub(crate) topics: Vec<Topic>,
    /// Partitions, topic by topic, by number.
    pub(crate) partitions: Vec<Partition>,
    /// Replicas, partition by partition, preferred leader first.
    pub(crate) replicas: Vec<Replica>,
    /// What one unit of each resource is of the file's unit: a power of two.
    pub(crate) units: [f64; RESOURCES],
}

/// A machine: brokers on one share its processor and its network.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Index of its rack.
    pub rack: u32,
}

/// A broker.
#[derive(Clone, Debug)]
pub struct Broker {
    /// Kafka's `node.id`.
    pub id: i32,
    /// Index of its rack.
    pub rack: u32,
    /// Index of its machine.
    pub host: u32,
    /// What may be asked of it.
    pub state: BrokerState,
    /// What it can carry.
    pub capacity: Load,
    /// Index of its first log directory.
    pub first_log_dir: u32,
    /// How many it has.
    pub log_dirs: u32,
}

/// A log directory.
#[derive(Clone, Debug)]
pub struct LogDir {
    /// Index of its broker.
    pub broker: u32,
    /// Its path; empty for the only directory of a broker that names none.
    pub path: String,
    /// In units of disk.
    pub capacity: i64,
    /// Whether the broker can use it.
    pub online: bool,
}

/// A topic.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its replicas stay unless they are offline.
    pub excluded: bool,
    /// How many of its partitions each broker has to lead at least.
    pub min_leaders_per_broker: u32,
    /// Index of its first partition; they follow each other.
    pub first_partition: u32,
    /// How many it has.
    pub partitions: u32,
}

/// A partition.
#[derive(Clone, Debug)]
pub struct Partition {
    /// Index of its topic.
    pub topic: u32,
    /// Its number in the topic.
    pub number: i32,
    /// Index of its first replica, the preferred leader; they follow each other.
    pub first_replica: u32,
    /// How many it has.
    pub replicas: u32,
    /// Index of the replica that leads, or [`NONE`].
    pub leader: u32,
    /// What leading costs on top.
    pub leader_extra: Load,
}

/// A replica.
#[derive(Clone, Debug)]
pub struct Replica {
    /// Index of its partition.
    pub partition: u32,
    /// Index of its broker, or [`NONE`] when it has no place yet.
    pub broker: u32,
    /// Index of its log directory, or [`NONE`] when it has no place yet.
    pub log_dir: u32,
    /// What it costs as a follower.
    pub load: Load,
}

impl Model {
    /// The brokers by id, ascending.
    #[must_use]
    pub fn brokers(&self) -> &[Broker] {
        &self.brokers
    }

    /// The topics by name, ascending.
    #[must_use]
    pub fn topics(&self) -> &[Topic] {
        &self.topics
    }

    /// The partitions, topic by topic, by number.
    #[must_use]
    pub fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    /// The replicas, partition by partition, preferred leader first.
    #[must_use]
    pub fn replicas(&self) -> &[Replica] {
        &self.replicas
    }

    /// The names of the racks, ascending.
    #[must_use]
    pub fn racks(&self) -> &[String] {
        &self.racks
    }

    /// An amount in the file's unit.
    #[must_use]
    pub fn amount(&self, resource: Resource, units: i64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "sums stay below 2^53 by construction")]
        let units = units as f64;
        units * self.units[resource as usize]
    }

    /// The index of the broker with this id.
    #[must_use]
    pub fn broker_index(&self, id: i32) -> Option<u32> {
        self.brokers.binary_search_by_key(&id, |broker| broker.id).ok().map(|index| index as u32)
    }

    /// The indices of a partition's replicas.
    pub(crate) fn replicas_of(&self, partition: u32) -> std::ops::Range<u32> {
        let partition = &self.partitions[partition as usize];
        partition.first_replica..partition.first_replica + partition.replicas
    }

    /// The indices of a topic's partitions.
    pub(crate) fn partitions_of(&self, topic: u32) -> std::ops::Range<u32> {
        let topic = &self.topics[topic as usize];
        topic.first_partition..topic.first_partition + topic.partitions
    }

    /// The indices of a broker's log directories.
    pub(crate) fn log_dirs_of(&self, broker: u32) -> std::ops::Range<u32> {
        let broker = &self.brokers[broker as usize];
        broker.first_log_dir..broker.first_log_dir + broker.log_dirs
    }

    /// Whether a replica is offline: on a dead broker or in a directory that its broker can't use.
    pub(crate) fn is_offline(&self, replica: u32) -> bool {
        let replica = &self.replicas[replica as usize];
        replica.broker == NONE
            || self.brokers[replica.broker as usize].state == BrokerState::Dead
            || !self.log_dirs[replica.log_dir as usize].online
    }
}
