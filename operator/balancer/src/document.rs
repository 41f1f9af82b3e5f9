//! A cluster as it is written in JSON: what `taffrail-operator plan` reads, and what `generate` writes.
//!
//! These types have the shape of the file and promise nothing. [`Model::new`](crate::Model::new) checks what they say
//! and says where in the file it is wrong.

mod json;

use serde::{Deserialize, Serialize};

pub use json::DocumentError;

/// A cluster: its brokers, and its topics with what each of their replicas costs.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// The brokers, in any order.
    pub brokers: Vec<Broker>,
    /// The topics, in any order.
    #[serde(default)]
    pub topics: Vec<Topic>,
}

/// A broker, where it stands and what it can carry.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Broker {
    /// Kafka's `node.id`.
    pub id: i32,
    /// The rack. Brokers without one are a rack each; those on one machine share it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rack: Option<String>,
    /// The machine. Brokers without one have a machine each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What may be asked of it.
    #[serde(default)]
    pub state: BrokerState,
    /// What it can carry.
    pub capacity: Resources,
    /// Its log directories. None at all is one directory of the broker's whole disk.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log_dirs: Vec<LogDir>,
}

/// What may be asked of a broker.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BrokerState {
    /// Holds, receives and leads.
    #[default]
    Alive,
    /// Alive and just added: while there are new brokers, only they receive.
    New,
    /// Gone: its replicas are offline and have to go elsewhere.
    Dead,
    /// Alive, but may lead nothing.
    Demoted,
    /// Alive, but is to be emptied.
    Draining,
}

/// A log directory of a broker.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LogDir {
    /// Where it is; its name within the broker.
    pub path: String,
    /// Bytes.
    pub capacity: f64,
    /// Whether the broker can use it.
    #[serde(default)]
    pub state: LogDirState,
}

/// Whether a broker can use a log directory.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogDirState {
    /// It can.
    #[default]
    Online,
    /// It can't: the replicas in it are offline.
    Offline,
}

/// A topic.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its replicas stay where they are unless they are offline.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub excluded: bool,
    /// How many of its partitions each broker has to lead at least (`MinTopicLeadersPerBrokerGoal`).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub min_leaders_per_broker: u32,
    /// Its partitions, in any order.
    #[serde(deserialize_with = "json::tight")]
    pub partitions: Vec<Partition>,
}

/// A partition.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// Its number in the topic.
    pub id: i32,
    /// The broker that leads it. None: it is offline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader: Option<i32>,
    /// Its replicas in order: the first is the preferred leader.
    #[serde(deserialize_with = "json::tight")]
    pub replicas: Vec<Replica>,
    /// What the leader costs on top of its load as a replica.
    #[serde(default)]
    pub leader_extra: Resources,
}

/// A replica.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Replica {
    /// The broker that holds it.
    pub broker: i32,
    /// The log directory on it. None: the broker's only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_dir: Option<String>,
    /// What it costs as a follower.
    pub load: Resources,
}

/// An amount of each of the four resources: a capacity or a load.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// Cores (or per cent of them: the unit is the file's own, the same everywhere in it).
    pub cpu: f64,
    /// Bytes a second.
    pub network_in: f64,
    /// Bytes a second.
    pub network_out: f64,
    /// Bytes.
    pub disk: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
