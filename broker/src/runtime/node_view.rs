//! The node as those who look after it see it, from the first moment of the process to the last.
//!
//! Architecture Invariant: looking never waits: what is read here is an atomic, or was put there once.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use taffrail_model::{NodeId, Timestamp, TopicIdPartition, Uuid};
use taffrail_node::storage::Storage;

use super::broker::Broker;
use super::clock::Clock;
use super::os_disk::OsDisk;
use super::partition_cell::PartitionCell;
use super::recovery_progress::RecoveryProgress;
use crate::config::{Roles, ServerConfig};

/// How often the runtime that serves clients gives a sign of life.
const PULSE_INTERVAL: Duration = Duration::from_secs(1);

/// What the node is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Reading configuration and directories, or waiting for the controller.
    Starting,
    /// Opening logs.
    Recovering,
    /// Serving.
    Ready,
    /// Letting requests end.
    Stopping,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Starting => "starting",
            Self::Recovering => "recovering",
            Self::Ready => "ready",
            Self::Stopping => "stopping",
        })
    }
}

/// A listener that is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BoundAddress {
    /// The listener's name.
    pub(crate) name: String,
    /// Where it is bound.
    pub(crate) address: SocketAddr,
    /// Whether it is for controllers.
    pub(crate) is_controller: bool,
}

/// A directory of the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Directory {
    /// As configured.
    pub(crate) path: PathBuf,
    /// Its id; `None` until it was read.
    pub(crate) id: Option<Uuid>,
    /// Whether it failed.
    pub(crate) is_offline: bool,
    /// Whether the metadata log is in it.
    pub(crate) holds_metadata: bool,
}

/// What the directories said.
struct Formatted {
    cluster_id: String,
    directory_ids: Vec<(PathBuf, Uuid)>,
}

/// The node, watched from outside.
pub(crate) struct NodeView {
    /// `node.id`.
    pub(crate) node_id: NodeId,
    /// `process.roles`.
    pub(crate) roles: Roles,
    /// When the process started, in milliseconds since 1970.
    pub(crate) started_at: Timestamp,
    /// The opening of the logs.
    pub(crate) recovery: Arc<RecoveryProgress>,
    clock: Clock,
    phase: AtomicU8,
    /// When the runtime last gave a sign of life, in milliseconds of the clock.
    pulse_at_ms: AtomicU64,
    directories: Vec<PathBuf>,
    metadata_dir: PathBuf,
    formatted: OnceLock<Formatted>,
    bound: OnceLock<Vec<BoundAddress>>,
    storage: OnceLock<Arc<Storage<OsDisk>>>,
    broker: OnceLock<Weak<Broker>>,
}

impl NodeView {
    /// A node that starts now.
    pub(crate) fn starting(config: &ServerConfig) -> Arc<Self> {
        let clock = Clock::start();
        Arc::new(Self {
            node_id: config.node_id,
            roles: config.roles,
            started_at: clock.now().wall,
            recovery: RecoveryProgress::new(clock),
            clock,
            phase: AtomicU8::new(Phase::Starting as u8),
            pulse_at_ms: AtomicU64::new(0),
            directories: config.directories().map(Into::into).collect(),
            metadata_dir: config.metadata_dir.clone(),
            formatted: OnceLock::new(),
            bound: OnceLock::new(),
            storage: OnceLock::new(),
            broker: OnceLock::new(),
        })
    }

    /// The clock of the node, which began with it.
    pub(super) fn clock(&self) -> Clock {
        self.clock
    }

    /// How long the process runs.
    pub(crate) fn uptime(&self) -> Duration {
        self.clock.elapsed()
    }

    /// The wall clock, in milliseconds since 1970.
    pub(crate) fn wall_clock(&self) -> Timestamp {
        self.clock.now().wall
    }

    /// The node serves.
    pub(crate) fn set_ready(&self) {
        self.phase.store(Phase::Ready as u8, Ordering::Release);
    }

    /// The node lets requests end.
    pub(crate) fn set_stopping(&self) {
        self.phase.store(Phase::Stopping as u8, Ordering::Release);
    }

    /// What the node is at.
    pub(crate) fn phase(&self) -> Phase {
        let entered = self.phase.load(Ordering::Acquire);
        let known = [Phase::Starting, Phase::Ready].into_iter().find(|p| *p as u8 == entered);
        match known.unwrap_or(Phase::Stopping) {
            Phase::Starting => {
                let recovery = self.recovery.load(0);
                let recovers = recovery.has_begun && !recovery.is_complete;
                if recovers { Phase::Recovering } else { Phase::Starting }
            }
            phase => phase,
        }
    }

    /// Whether clients should come: registered, unfenced, all listeners served.
    pub(crate) fn is_serving(&self) -> bool {
        self.phase() == Phase::Ready && !self.is_fenced()
    }

    /// Gives signs of life for as long as the runtime that carries this has any.
    pub(crate) async fn beat(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(PULSE_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.pulse_at_ms.store(millis(self.clock.elapsed()), Ordering::Release);
        }
    }

    /// How long ago the runtime gave a sign of life; since the start of the process before the first.
    pub(crate) fn pulse_age(&self) -> Duration {
        let pulse_at = Duration::from_millis(self.pulse_at_ms.load(Ordering::Acquire));
        self.clock.elapsed().saturating_sub(pulse_at)
    }

    /// The cluster's id, once the directories were read.
    pub(crate) fn cluster_id(&self) -> Option<&str> {
        self.formatted.get().map(|formatted| formatted.cluster_id.as_str())
    }

    /// The listeners, once they are bound.
    pub(crate) fn bound(&self) -> &[BoundAddress] {
        self.bound.get().map(Vec::as_slice).unwrap_or_default()
    }

    /// The directories of the configuration, with what is known of them.
    pub(crate) fn directories(&self) -> Vec<Directory> {
        let offline = self.storage.get().map(|storage| storage.offline()).unwrap_or_default();
        let of_path = |path: &PathBuf| {
            let ids = self.formatted.get().map(|formatted| formatted.directory_ids.as_slice());
            let known = ids.unwrap_or_default().iter().find(|(known, _)| known == path);
            let id = known.map(|(_, id)| *id);
            Directory {
                path: path.clone(),
                id,
                is_offline: id.is_some_and(|id| offline.contains(&id)),
                holds_metadata: *path == self.metadata_dir,
            }
        };
        self.directories.iter().map(of_path).collect()
    }

    /// Whether the controller keeps this broker from leading; true until it is registered.
    pub(crate) fn is_fenced(&self) -> bool {
        self.broker().is_none_or(|broker| broker.registration.is_fenced())
    }

    /// The epoch of the registration, once there is one.
    pub(crate) fn broker_epoch(&self) -> Option<i64> {
        let (_, epoch) = self.broker()?.registration.key();
        (epoch >= 0).then_some(epoch)
    }

    /// Whether this node's controller is the active one.
    pub(crate) fn is_active_controller(&self) -> bool {
        self.broker().is_some_and(|broker| broker.metrics.controller.active.get() == 1)
    }

    /// The broker, once it is made and until the node has stopped.
    pub(crate) fn broker(&self) -> Option<Arc<Broker>> {
        self.broker.get()?.upgrade()
    }

    /// Up to `count` partitions behind `last`, in ascending order.
    pub(crate) fn partitions_after(
        &self,
        last: Option<TopicIdPartition>,
        count: usize,
    ) -> Vec<Arc<PartitionCell>> {
        self.broker().map(|broker| broker.partitions.after(last, count)).unwrap_or_default()
    }

    pub(super) fn set_bound(&self, bound: Vec<BoundAddress>) {
        // A node starts once.
        let _ = self.bound.set(bound);
    }

    pub(super) fn set_formatted(&self, cluster_id: &str, directory_ids: &[(PathBuf, Uuid)]) {
        let cluster_id = cluster_id.to_owned();
        let _ = self.formatted.set(Formatted { cluster_id, directory_ids: directory_ids.to_vec() });
    }

    pub(super) fn set_storage(&self, storage: &Arc<Storage<OsDisk>>) {
        let _ = self.storage.set(Arc::clone(storage));
    }

    pub(super) fn set_broker(&self, broker: &Arc<Broker>) {
        let _ = self.broker.set(Arc::downgrade(broker));
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
