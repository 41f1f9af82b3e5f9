//! What clients may ask, in the coordinator's own words. The wire's versions are translated at the edge.

use bytes::Bytes;
use taffrail_model::{LeaderEpoch, Offset, PartitionIndex, Uuid};

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestContext {
    /// The client id of the request header; empty when it has none.
    pub client_id: String,
    /// The client's address in Java's form, `/192.0.2.7`, as Kafka's tools show it.
    pub client_host: String,
}

/// A request for a group of this shard.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Enter a group, or enter its next generation.
    JoinGroup(JoinGroup),
    /// Give (as the leader) or get the assignment of a generation.
    SyncGroup(SyncGroup),
    /// Stay a member.
    Heartbeat(Heartbeat),
    /// Go, or send others away.
    LeaveGroup(LeaveGroup),
    /// Store offsets.
    OffsetCommit(OffsetCommit),
    /// Read offsets.
    OffsetFetch(OffsetFetch),
    /// Describe groups.
    DescribeGroups(DescribeGroups),
    /// List the shard's groups.
    ListGroups(ListGroups),
    /// Delete empty groups with their offsets.
    DeleteGroups(DeleteGroups),
    /// Delete offsets of a group.
    OffsetDelete(OffsetDelete),
}

/// A `JoinGroup` request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JoinGroup {
    /// The group.
    pub group_id: String,
    /// The member, or empty for one that has no id yet.
    pub member_id: String,
    /// The static member's own name (KIP-345).
    pub group_instance_id: Option<String>,
    /// The session timeout in milliseconds.
    pub session_timeout_ms: i32,
    /// The rebalance timeout in milliseconds; version 0 has none and gives its session timeout.
    pub rebalance_timeout_ms: i32,
    /// The kind of protocol, `consumer` for consumers.
    pub protocol_type: String,
    /// The protocols that the member can speak, best first, with its metadata for each.
    pub protocols: Vec<JoinProtocol>,
    /// Why the member joins, for the log (KIP-800).
    pub reason: Option<String>,
    /// Whether a member without an id is first told one and has to come back with it (version 4 and up, KIP-394).
    pub requires_known_member_id: bool,
    /// Whether the answer may tell a leader to skip the assignment (version 9 and up, KIP-814).
    pub supports_skip_assignment: bool,
    /// A fresh random id, in case the coordinator has to name a new member.
    pub new_member_uuid: Uuid,
}

/// One protocol that a joining member can speak.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JoinProtocol {
    /// Its name, such as `range`.
    pub name: String,
    /// What the group's leader must know of the member, such as its subscription.
    pub metadata: Bytes,
}

/// A `SyncGroup` request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyncGroup {
    /// The group.
    pub group_id: String,
    /// The generation that the member joined.
    pub generation_id: i32,
    /// The member.
    pub member_id: String,
    /// The static member's own name.
    pub group_instance_id: Option<String>,
    /// The kind of protocol as the member knows it (version 5 and up).
    pub protocol_type: Option<String>,
    /// The protocol as the member knows it (version 5 and up).
    pub protocol_name: Option<String>,
    /// What each member gets; only the leader's counts.
    pub assignments: Vec<SyncAssignment>,
}

/// What one member gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncAssignment {
    /// The member.
    pub member_id: String,
    /// Its assignment.
    pub assignment: Bytes,
}

/// A `Heartbeat` request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heartbeat {
    /// The group.
    pub group_id: String,
    /// The member's generation.
    pub generation_id: i32,
    /// The member.
    pub member_id: String,
    /// The static member's own name.
    pub group_instance_id: Option<String>,
}

/// A `LeaveGroup` request; versions 0 to 2 name one member, which the edge makes a list of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaveGroup {
    /// The group.
    pub group_id: String,
    /// Who goes.
    pub members: Vec<LeavingMember>,
}

/// A member that goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeavingMember {
    /// The member, or empty when a static member is named by `group_instance_id` alone.
    pub member_id: String,
    /// The static member's own name.
    pub group_instance_id: Option<String>,
    /// Why it goes, for the log (KIP-800).
    pub reason: Option<String>,
}

/// An `OffsetCommit` request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetCommit {
    /// The group.
    pub group_id: String,
    /// The member's generation, or -1 for a consumer outside of any membership.
    pub generation_id: i32,
    /// The member, or empty.
    pub member_id: String,
    /// The static member's own name.
    pub group_instance_id: Option<String>,
    /// How long to keep the offsets (versions 2 to 4), in milliseconds, or `None` for the broker's retention.
    pub retention_ms: Option<i64>,
    /// Whether an unknown group is `GROUP_ID_NOT_FOUND` (version 9 and up) and not `ILLEGAL_GENERATION`.
    pub supports_group_not_found: bool,
    /// The offsets. The edge has already taken out topics that don't exist or aren't allowed.
    pub topics: Vec<OffsetCommitTopic>,
}

/// The offsets of one topic in a commit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetCommitTopic {
    /// The topic's name.
    pub name: String,
    /// The topic's id, or [`Uuid::ZERO`] before version 10.
    pub topic_id: Uuid,
    /// Its partitions.
    pub partitions: Vec<OffsetCommitPartition>,
}

/// The offset of one partition in a commit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetCommitPartition {
    /// The partition.
    pub partition: PartitionIndex,
    /// The next offset to read.
    pub offset: Offset,
    /// The leader epoch of the last record read, or -1.
    pub leader_epoch: LeaderEpoch,
    /// The client's note.
    pub metadata: Option<String>,
}

/// An `OffsetFetch` request, for the groups of this shard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetch {
    /// The groups.
    pub groups: Vec<OffsetFetchGroup>,
    /// Whether the answer waits for what is being written (KIP-447).
    pub require_stable: bool,
}

/// One group of an `OffsetFetch`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchGroup {
    /// The group.
    pub group_id: String,
    /// Which offsets, or `None` for all of them.
    pub topics: Option<Vec<OffsetFetchTopic>>,
}

/// One topic of an `OffsetFetch`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchTopic {
    /// The topic's name.
    pub name: String,
    /// The topic's id, or [`Uuid::ZERO`] before version 10. An offset of another id is not shown.
    pub topic_id: Uuid,
    /// Its partitions.
    pub partitions: Vec<PartitionIndex>,
}

/// A `DescribeGroups` request, for the groups of this shard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DescribeGroups {
    /// The groups.
    pub group_ids: Vec<String>,
    /// Whether an unknown group is `GROUP_ID_NOT_FOUND` (version 6 and up) and not a dead group without error.
    pub supports_group_not_found: bool,
}

/// A `ListGroups` request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListGroups {
    /// Only groups in these states, or any when empty; case doesn't matter.
    pub states: Vec<String>,
    /// Only groups of these types, or any when empty; case doesn't matter.
    pub types: Vec<String>,
}

/// A `DeleteGroups` request, for the groups of this shard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteGroups {
    /// The groups.
    pub group_ids: Vec<String>,
}

/// An `OffsetDelete` request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OffsetDelete {
    /// The group.
    pub group_id: String,
    /// Which offsets.
    pub topics: Vec<OffsetDeleteTopic>,
}

/// One topic of an `OffsetDelete`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OffsetDeleteTopic {
    /// The topic's name.
    pub name: String,
    /// Its partitions.
    pub partitions: Vec<PartitionIndex>,
}
