//! The group coordinator: classic groups and their offsets, for the partitions of `__consumer_offsets` that this
//! node leads. One [`GroupShard`] is one such partition.
//!
//! The contract is that of every pure room: [`GroupShard::step`] takes the time and an [`Event`], and says by
//! [`Effect`]s what is to be done. It decides, replays what it decided into a speculative state at once, has it
//! appended, and answers when the high watermark has passed it; a failed append rolls the state back.
//!
//! Architecture Invariant: only `replay` changes the hard state (what is in the log), live and at load alike. A
//! rebalance in progress, member ids that were handed out, deadlines and parked requests are soft and die with the
//! leadership.
//!
//! Architecture Invariant: one generation of a group has one assignment, and no partition of it two owners; a commit
//! of another generation, or of a member that is out, is refused.
//!
//! Architecture Invariant: every request gets exactly one reply, and a reply is never ahead of the commit that it
//! tells of.
//!
//! Architecture Invariant: whatever a client can make grow has a bound: the size of a group in members and in bytes,
//! ids that were handed out, notes beside offsets, parked requests (one join and one sync per member).
//!
//! Deliberately absent: requests and responses of the wire, authorisation and the existence of topics (both decided
//! before a request comes here), the consumer, share and streams protocols, and offsets inside transactions. Records
//! of those are left out at load, and counted in the [`LoadReport`].

mod answer;
mod classic;
mod config;
mod effect;
mod event;
mod groups;
mod load_report;
mod offsets;
mod records;
mod request;
mod requests;
mod shard;
mod state;
mod store;
mod timers;
mod turn;

#[cfg(test)]
mod tests;

pub use answer::{
    Answer, DeletedGroup, DescribedGroup, DescribedMember, JoinGroupAnswer, JoinedMember,
    LeaveGroupAnswer, LeftMember, ListGroupsAnswer, ListedGroup, OffsetCommitTopicAnswer,
    OffsetDeleteAnswer, OffsetDeleteTopicAnswer, OffsetFetchGroupAnswer,
    OffsetFetchPartitionAnswer, OffsetFetchTopicAnswer, SyncGroupAnswer,
};
pub use config::GroupConfig;
pub use effect::{CoordinatorRecord, Effect, ReplyToken, WriteId};
pub use event::{DeletedTopic, Event, LoadedBatch, LoadedRecord};
pub use load_report::{LoadReport, SkippedRecord};
pub use records::RecordError;
pub use request::{
    DeleteGroups, DescribeGroups, Heartbeat, JoinGroup, JoinProtocol, LeaveGroup, LeavingMember,
    ListGroups, OffsetCommit, OffsetCommitPartition, OffsetCommitTopic, OffsetDelete,
    OffsetDeleteTopic, OffsetFetch, OffsetFetchGroup, OffsetFetchTopic, Request, RequestContext,
    SyncAssignment, SyncGroup,
};
pub use shard::GroupShard;
