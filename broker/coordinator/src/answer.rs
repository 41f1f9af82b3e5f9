//! What clients are told, in the coordinator's own words.

use bytes::Bytes;
use taffrail_model::{
    ErrorCode, LeaderEpoch, NO_LEADER_EPOCH, NO_OFFSET, Offset, PartitionIndex, Uuid,
};

use crate::request::{OffsetCommitTopic, Request};

/// The answer to a [`Request`], of the same kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To `JoinGroup`.
    JoinGroup(JoinGroupAnswer),
    /// To `SyncGroup`.
    SyncGroup(SyncGroupAnswer),
    /// To `Heartbeat`.
    Heartbeat(ErrorCode),
    /// To `LeaveGroup`.
    LeaveGroup(LeaveGroupAnswer),
    /// To `OffsetCommit`: each topic and partition of the request, in its order.
    OffsetCommit(Vec<OffsetCommitTopicAnswer>),
    /// To `OffsetFetch`: each group of the request, in its order.
    OffsetFetch(Vec<OffsetFetchGroupAnswer>),
    /// To `DescribeGroups`: each group of the request, in its order.
    DescribeGroups(Vec<DescribedGroup>),
    /// To `ListGroups`.
    ListGroups(ListGroupsAnswer),
    /// To `DeleteGroups`: each group of the request, in its order.
    DeleteGroups(Vec<DeletedGroup>),
    /// To `OffsetDelete`.
    OffsetDelete(OffsetDeleteAnswer),
}

/// The answer to `JoinGroup`.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinGroupAnswer {
    /// The error, or `None`.
    pub error: ErrorCode,
    /// The generation, or -1.
    pub generation_id: i32,
    /// The kind of protocol.
    pub protocol_type: Option<String>,
    /// The protocol that the group chose.
    pub protocol_name: Option<String>,
    /// The leader's member id, or empty.
    pub leader: String,
    /// Whether the leader keeps the assignment that exists (KIP-814).
    pub skip_assignment: bool,
    /// The member's id, which is news to it with `MEMBER_ID_REQUIRED`.
    pub member_id: String,
    /// All members, for the leader only.
    pub members: Vec<JoinedMember>,
}

impl JoinGroupAnswer {
    /// A refusal.
    #[must_use]
    pub fn refusal(member_id: &str, error: ErrorCode) -> Self {
        Self {
            error,
            generation_id: -1,
            protocol_type: None,
            protocol_name: None,
            leader: String::new(),
            skip_assignment: false,
            member_id: member_id.to_owned(),
            members: Vec::new(),
        }
    }
}

/// A member, as the group's leader hears of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedMember {
    /// The member.
    pub member_id: String,
    /// The static member's own name.
    pub group_instance_id: Option<String>,
    /// Its metadata for the protocol that the group chose.
    pub metadata: Bytes,
}

/// The answer to `SyncGroup`.
#[derive(Clone, Debug, PartialEq)]
pub struct SyncGroupAnswer {
    /// The error, or `None`.
    pub error: ErrorCode,
    /// The kind of protocol.
    pub protocol_type: Option<String>,
    /// The protocol that the group chose.
    pub protocol_name: Option<String>,
    /// What the member owns in this generation.
    pub assignment: Bytes,
}

impl SyncGroupAnswer {
    /// A refusal.
    #[must_use]
    pub fn refusal(error: ErrorCode) -> Self {
        Self { error, protocol_type: None, protocol_name: None, assignment: Bytes::new() }
    }
}

/// The answer to `LeaveGroup`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaveGroupAnswer {
    /// The error of the whole request, or `None`.
    pub error: ErrorCode,
    /// What became of each; none when the whole request failed.
    pub members: Vec<LeftMember>,
}

/// What became of one member that should go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftMember {
    /// The member as the request named it.
    pub member_id: String,
    /// The static member's own name as the request gave it.
    pub group_instance_id: Option<String>,
    /// The error, or `None`.
    pub error: ErrorCode,
}

/// One topic of the answer to `OffsetCommit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetCommitTopicAnswer {
    /// The topic's name, as the request gave it.
    pub name: String,
    /// The topic's id, as the request gave it.
    pub topic_id: Uuid,
    /// Each partition with its error, or `None`.
    pub partitions: Vec<(PartitionIndex, ErrorCode)>,
}

impl OffsetCommitTopicAnswer {
    /// The same error for every partition of every topic.
    #[must_use]
    pub fn all(topics: &[OffsetCommitTopic], error: ErrorCode) -> Vec<Self> {
        let one = |topic: &OffsetCommitTopic| Self {
            name: topic.name.clone(),
            topic_id: topic.topic_id,
            partitions: topic
                .partitions
                .iter()
                .map(|partition| (partition.partition, error))
                .collect(),
        };
        topics.iter().map(one).collect()
    }
}

/// One group of the answer to `OffsetFetch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetFetchGroupAnswer {
    /// The group.
    pub group_id: String,
    /// The error of the whole group, or `None`. Versions before 8 have it per request or per partition.
    pub error: ErrorCode,
    /// The topics of the request, or all that have offsets; none when the group failed.
    pub topics: Vec<OffsetFetchTopicAnswer>,
}

/// One topic of the answer to `OffsetFetch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetFetchTopicAnswer {
    /// The topic's name.
    pub name: String,
    /// The topic's id as the request gave it. [`Uuid::ZERO`] where all offsets were asked for: ids live in the
    /// cluster's metadata, where the edge looks them up.
    pub topic_id: Uuid,
    /// The partitions.
    pub partitions: Vec<OffsetFetchPartitionAnswer>,
}

/// One partition of the answer to `OffsetFetch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetFetchPartitionAnswer {
    /// The partition.
    pub partition: PartitionIndex,
    /// The committed offset, or -1.
    pub offset: Offset,
    /// The leader epoch of the last record read, or -1.
    pub leader_epoch: LeaderEpoch,
    /// The client's note, or empty.
    pub metadata: String,
    /// The error, or `None`. A partition without an offset has none.
    pub error: ErrorCode,
}

impl OffsetFetchPartitionAnswer {
    /// No offset is committed.
    #[must_use]
    pub fn absent(partition: PartitionIndex) -> Self {
        Self {
            partition,
            offset: NO_OFFSET,
            leader_epoch: NO_LEADER_EPOCH,
            metadata: String::new(),
            error: ErrorCode::None,
        }
    }
}

/// One group of the answer to `DescribeGroups`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedGroup {
    /// The group.
    pub group_id: String,
    /// The error, or `None`.
    pub error: ErrorCode,
    /// What is wrong, in words (version 6 and up).
    pub error_message: Option<String>,
    /// `Empty`, `PreparingRebalance`, `CompletingRebalance`, `Stable` or `Dead`; empty with an error of the shard.
    pub state: &'static str,
    /// The kind of protocol, or empty.
    pub protocol_type: String,
    /// The protocol that a stable group chose, or empty.
    pub protocol_data: String,
    /// The members; metadata and assignment only when the group is stable.
    pub members: Vec<DescribedMember>,
}

/// One member of a described group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedMember {
    /// The member.
    pub member_id: String,
    /// The static member's own name.
    pub group_instance_id: Option<String>,
    /// The client id of its last join.
    pub client_id: String,
    /// Its address.
    pub client_host: String,
    /// Its metadata for the protocol that the group chose.
    pub metadata: Bytes,
    /// What it owns.
    pub assignment: Bytes,
}

/// The answer to `ListGroups`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListGroupsAnswer {
    /// The error, or `None`.
    pub error: ErrorCode,
    /// The groups that pass the filters, by id.
    pub groups: Vec<ListedGroup>,
}

/// One group of the answer to `ListGroups`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedGroup {
    /// The group.
    pub group_id: String,
    /// The kind of protocol, or empty for a group that only has offsets.
    pub protocol_type: String,
    /// Its state (version 4 and up).
    pub state: &'static str,
    /// Its type, `classic` (version 5 and up).
    pub group_type: &'static str,
}

/// One group of the answer to `DeleteGroups`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedGroup {
    /// The group.
    pub group_id: String,
    /// The error, or `None`.
    pub error: ErrorCode,
}

/// The answer to `OffsetDelete`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetDeleteAnswer {
    /// The error of the whole request, or `None`.
    pub error: ErrorCode,
    /// Each topic with its partitions and their errors; none when the whole request failed.
    pub topics: Vec<OffsetDeleteTopicAnswer>,
}

/// One topic of the answer to `OffsetDelete`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetDeleteTopicAnswer {
    /// The topic's name.
    pub name: String,
    /// Each partition with its error, or `None`.
    pub partitions: Vec<(PartitionIndex, ErrorCode)>,
}

impl Answer {
    /// The answer to a request that fails as a whole.
    ///
    /// The edge uses it too, for a request that finds no shard (`NOT_COORDINATOR`, `COORDINATOR_NOT_AVAILABLE`).
    #[must_use]
    pub fn refusal(request: &Request, error: ErrorCode) -> Self {
        match request {
            Request::JoinGroup(join) => {
                Self::JoinGroup(JoinGroupAnswer::refusal(&join.member_id, error))
            }
            Request::SyncGroup(_) => Self::SyncGroup(SyncGroupAnswer::refusal(error)),
            Request::Heartbeat(_) => Self::Heartbeat(error),
            Request::LeaveGroup(_) => {
                Self::LeaveGroup(LeaveGroupAnswer { error, members: Vec::new() })
            }
            Request::OffsetCommit(commit) => {
                Self::OffsetCommit(OffsetCommitTopicAnswer::all(&commit.topics, error))
            }
            Request::OffsetFetch(fetch) => {
                let one = |group_id: &str| OffsetFetchGroupAnswer {
                    group_id: group_id.to_owned(),
                    error,
                    topics: Vec::new(),
                };
                Self::OffsetFetch(fetch.groups.iter().map(|group| one(&group.group_id)).collect())
            }
            Request::DescribeGroups(describe) => {
                let one = |group_id: &String| DescribedGroup::refusal(group_id, error);
                Self::DescribeGroups(describe.group_ids.iter().map(one).collect())
            }
            Request::ListGroups(_) => {
                Self::ListGroups(ListGroupsAnswer { error, groups: Vec::new() })
            }
            Request::DeleteGroups(delete) => {
                let one = |group_id: &String| DeletedGroup { group_id: group_id.clone(), error };
                Self::DeleteGroups(delete.group_ids.iter().map(one).collect())
            }
            Request::OffsetDelete(_) => {
                Self::OffsetDelete(OffsetDeleteAnswer { error, topics: Vec::new() })
            }
        }
    }

    /// This answer, had its write failed with `error`: what was going to succeed fails, what had failed stays so.
    #[must_use]
    pub(crate) fn after_failed_write(self, error: ErrorCode) -> Self {
        let worse = |own: ErrorCode| if own.is_none() { error } else { own };
        match self {
            Self::JoinGroup(answer) => {
                Self::JoinGroup(JoinGroupAnswer::refusal(&answer.member_id, error))
            }
            Self::SyncGroup(_) => Self::SyncGroup(SyncGroupAnswer::refusal(error)),
            Self::Heartbeat(own) => Self::Heartbeat(worse(own)),
            Self::LeaveGroup(_) => {
                Self::LeaveGroup(LeaveGroupAnswer { error, members: Vec::new() })
            }
            Self::OffsetCommit(mut topics) => {
                for (_, own) in topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
                    *own = worse(*own);
                }
                Self::OffsetCommit(topics)
            }
            Self::OffsetFetch(mut groups) => {
                // Consumers know no `COORDINATOR_NOT_AVAILABLE` here, and would give up.
                let error = match error {
                    ErrorCode::CoordinatorNotAvailable => ErrorCode::NotCoordinator,
                    other => other,
                };
                for group in &mut groups {
                    group.error = error;
                    group.topics.clear();
                }
                Self::OffsetFetch(groups)
            }
            Self::DescribeGroups(groups) => {
                let one = |group: DescribedGroup| DescribedGroup::refusal(&group.group_id, error);
                Self::DescribeGroups(groups.into_iter().map(one).collect())
            }
            Self::ListGroups(_) => Self::ListGroups(ListGroupsAnswer { error, groups: Vec::new() }),
            Self::DeleteGroups(mut groups) => {
                for group in &mut groups {
                    group.error = worse(group.error);
                }
                Self::DeleteGroups(groups)
            }
            Self::OffsetDelete(_) => {
                Self::OffsetDelete(OffsetDeleteAnswer { error, topics: Vec::new() })
            }
        }
    }
}

impl DescribedGroup {
    pub(crate) fn refusal(group_id: &str, error: ErrorCode) -> Self {
        Self {
            group_id: group_id.to_owned(),
            error,
            error_message: None,
            state: "",
            protocol_type: String::new(),
            protocol_data: String::new(),
            members: Vec::new(),
        }
    }
}
