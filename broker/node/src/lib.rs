//! One node's insides, pure: the rooms wired together.
//!
//! Four parts, each stepped by events and answering with effects, joined by whoever carries them: the shell with threads
//! and locks, the simulator with a loop.
//!
//! - [`control`]: the quorum, the controller and the metadata log.
//! - [`partition`]: one replica and its log; appends, the high watermark, who waits for it.
//! - [`groups`]: the shards of the group coordinator over the partitions of `__consumer_offsets`.
//! - [`changes`]: what a published image means for the partitions of this node.
//!
//! Beside them stand what fetches remember between requests ([`fetch_session`]) and how a disk becomes a node's
//! ([`mod@format`]).
//!
//! Architecture Invariant: nothing here knows a socket, a thread, a clock or a version of the protocol. Files are reached
//! through [`taffrail_log::Disk`].

pub mod changes;
pub mod control;
pub mod fetch_session;
pub mod format;
pub mod groups;
pub mod partition;
pub mod storage;
