//! What carries the rooms: threads, locks, the real disk and the clock.
//!
//! Owns how a node starts, what its threads are, and how it stops. The threads are `control` (quorum, controller, metadata
//! log), `applier` (makes images true), `groups` (group coordinator), one per log dir (syncs, retention, checkpoints), and
//! those of tokio, which carry connections.
//!
//! Architecture Invariant: the control thread waits for no other. What it publishes goes one way, through the applier.
//!
//! Architecture Invariant: no lock is held across an await.

mod applier;
mod broker;
mod clock;
mod combining;
mod control;
mod failure;
mod flusher;
mod groups;
mod lifecycle;
mod log_dirs;
mod node_view;
mod os_disk;
mod partition_cell;
mod partitions;
mod producer_ids;
mod recovery_progress;
mod reply_memory;
mod start;
mod topic_rules;
mod traffic;
mod waiters;

pub(crate) use broker::Broker;
pub(crate) use log_dirs::LogDir;
pub(crate) use node_view::{Directory, NodeView, Phase};
pub(crate) use os_disk::OsDisk;
pub(crate) use partition_cell::{NO_SUCH_OFFSET, PartitionCell};
pub(crate) use reply_memory::{ReplyCharge, charged};
#[cfg(test)]
pub(crate) use start::start_with;
pub(crate) use start::{RunningBroker, start};
pub(crate) use waiters::Waiter;
