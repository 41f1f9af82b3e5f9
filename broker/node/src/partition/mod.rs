//! One partition on this node: a replica's role over a log.
//!
//! Owns the order of appends, who waits for the high watermark, and the published [`View`]. A partition is stepped by one
//! caller at a time; readers use the view and a [`LogReader`](taffrail_log::LogReader) without it.
//!
//! Architecture Invariant: an append is answered once, and not before what its `acks` ask for is true: with `acks=all` the
//! high watermark has passed its last record, and with `flush.messages=1` neither `acks=1` nor `acks=all` is answered
//! before the sync.

mod append;
mod event;
mod parked;
#[expect(clippy::module_inception, reason = "the room's main type")]
mod partition;
mod view;

pub use append::{Acks, Append, AppendRefusal, Appended};
pub use event::{Effect, Event, PartitionConfig};
pub use partition::Partition;
pub use view::{View, ViewState};
