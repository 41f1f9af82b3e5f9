//! KRaft consensus over the cluster's metadata log, as a pure state machine.
//!
//! [`Quorum`] is told what happened ([`Event`]) and says what must be done ([`Effect`]): it never touches
//! a file, a socket or a clock. Names, states and formats are Kafka's (`org.apache.kafka.raft`, KIP-595,
//! KIP-630, KIP-853), so that Kafka's own tools read what a quorum of ours has written.
//!
//! Invariants:
//! - there is at most one leader per epoch, and epochs only rise;
//! - a vote is durable before it counts, and a leadership is durable before its first record;
//! - what is committed never changes: the high watermark only rises, and never passes what was flushed;
//! - the high watermark of an epoch is known only once a record of that very epoch is flushed, which is
//!   why an epoch begins with a `LeaderChange` control record.
//!
//! Deliberately absent: voters beyond one. A voter set of another size is refused by
//! [`Quorum::new`]; with a sole voter nobody else can lead or be followed, so the roles `Follower` and
//! `Observer` don't occur, and `Prospective` lasts no time at all, because the pre-vote (KIP-996) of a
//! sole voter is its own. kraft.version 0, whose voters are configured instead of recorded, is refused.

mod batches;
mod control_record;
mod effect;
mod election_state;
mod error;
mod event;
mod quorum;
mod role;
pub mod snapshot;
mod voter_set;

pub use batches::{MAX_BATCH_SIZE, control_batch, data_batch};
pub use control_record::{ControlRecord, ControlRecordError};
pub use effect::{Effect, Refusal};
pub use election_state::{ElectionState, VoterKey};
pub use error::QuorumError;
pub use event::{AppendId, Event};
pub use quorum::{OffsetAndEpoch, Quorum, QuorumConfig, Recovered};
pub use role::Role;
pub use voter_set::{KRAFT_VERSION, Voter, VoterEndpoint, VoterSet};
