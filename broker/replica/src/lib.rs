//! One partition's role on this node: whether it leads, who is in sync, and how far the data is safe.
//!
//! The room owns the leader epoch, the in-sync replicas and the high watermark. It reads no log and sends
//! no message: ends of logs come in as events, and what follows from them goes out as effects.
//!
//! Architecture Invariant: the high watermark never passes the end of any in-sync replica, never goes back
//! within an epoch, and moves only while the in-sync replicas are at least `min.insync.replicas` (or all
//! replicas, where there are fewer).
//!
//! Architecture Invariant: an assignment with an older leader epoch or partition epoch is ignored.
//!
//! Deliberately absent: fetching from a leader and proposing a changed ISR. A node alone never does either.

mod assignment;
mod replica;

pub use assignment::Assignment;
pub use replica::{Effect, Event, LeaderState, Replica, Role};
