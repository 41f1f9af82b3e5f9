//! Being a member of a consumer group, by the classic protocol.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use taffrail_model::{ErrorCode, NodeId, Offset, PartitionIndex};
use taffrail_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use taffrail_protocol::messages::join_group_response::JoinGroupResponseMember;
use taffrail_protocol::messages::leave_group_request::MemberIdentity;
use taffrail_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use taffrail_protocol::messages::offset_fetch_request::OffsetFetchRequestTopics;
use taffrail_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use taffrail_protocol::messages::{
    HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, OffsetCommitRequest,
    SyncGroupRequest,
};
use taffrail_protocol::wire::{DecodeError, EncodeError};
use tokio::time::{Instant, sleep};

use super::assignment::{
    assign_ranges, decode_assignment, decode_subscription, encode_assignment, encode_subscription,
};
use super::cluster::{Cluster, RETRY_PAUSE};
use super::error::{ClientError, check};
use super::offsets::committed_offsets;

const SESSION_TIMEOUT_MS: i32 = 45_000;
const REBALANCE_TIMEOUT_MS: i32 = 60_000;
/// A join is answered once all members came, or their time is over.
const JOIN_TIMEOUT: Duration = Duration::from_secs(90);
/// How long a group is tried to be joined while errors say "not yet".
const PATIENCE: Duration = Duration::from_secs(120);
const HEARTBEAT_EVERY: Duration = Duration::from_secs(3);
const PROTOCOL_TYPE: &str = "consumer";
/// The assignor that all of Kafka's clients have by default.
const ASSIGNOR: &str = "range";

/// Whether a member may go on reading its partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The assignment stands.
    Kept,
    /// The group shares out its partitions anew, or forgot the member: join again.
    Lost,
}

/// A member of a group that reads one topic.
pub(crate) struct GroupMember {
    group: String,
    topic: String,
    coordinator: NodeId,
    member_id: String,
    generation: i32,
    heartbeat_due: Instant,
}

impl GroupMember {
    /// Finds the group's coordinator; [`GroupMember::join`] comes next.
    pub(crate) async fn new(
        cluster: &mut Cluster,
        group: &str,
        topic: &str,
    ) -> Result<Self, ClientError> {
        Ok(Self {
            group: group.to_owned(),
            topic: topic.to_owned(),
            coordinator: cluster.coordinator(group).await?,
            member_id: String::new(),
            generation: -1,
            heartbeat_due: Instant::now(),
        })
    }

    /// Joins the group, or joins it again, and returns the partitions to read.
    pub(crate) async fn join(
        &mut self,
        cluster: &mut Cluster,
    ) -> Result<Vec<PartitionIndex>, ClientError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let error = match self.join_once(cluster).await {
                Ok(partitions) => {
                    self.heartbeat_due = Instant::now() + HEARTBEAT_EVERY;
                    return Ok(partitions);
                }
                Err(error) if Instant::now() >= deadline => return Err(error),
                Err(error) => error,
            };
            match error.code() {
                // The coordinator gave out an id, which the next try carries (KIP-394).
                Some(ErrorCode::MemberIdRequired) => {}
                Some(ErrorCode::UnknownMemberId) => self.member_id.clear(),
                Some(ErrorCode::RebalanceInProgress | ErrorCode::IllegalGeneration) => {
                    sleep(RETRY_PAUSE).await;
                }
                _ if error.is_retriable() => {
                    sleep(RETRY_PAUSE).await;
                    self.coordinator = cluster.coordinator(&self.group).await?;
                }
                _ => return Err(error),
            }
        }
    }

    /// Tells the coordinator that this member lives, when it is time to.
    pub(crate) async fn heartbeat(&mut self, cluster: &mut Cluster) -> Result<Place, ClientError> {
        if Instant::now() < self.heartbeat_due {
            return Ok(Place::Kept);
        }
        self.heartbeat_due = Instant::now() + HEARTBEAT_EVERY;
        let request = HeartbeatRequest {
            group_id: self.group.clone(),
            generation_id: self.generation,
            member_id: self.member_id.clone(),
            ..Default::default()
        };
        let answered = match cluster.call(self.coordinator, &request, 0..=i16::MAX).await {
            Ok(response) => check(response.error_code, None, || self.what("heartbeat")),
            Err(error) => Err(error),
        };
        place(answered)
    }

    /// The offsets that the group has committed for these partitions of the topic.
    pub(crate) async fn committed(
        &self,
        cluster: &mut Cluster,
        partitions: &[PartitionIndex],
    ) -> Result<BTreeMap<PartitionIndex, Offset>, ClientError> {
        let wanted = OffsetFetchRequestTopics {
            name: self.topic.clone(),
            partition_indexes: partitions.to_vec(),
            ..Default::default()
        };
        let committed =
            committed_offsets(cluster, self.coordinator, &self.group, Some(vec![wanted])).await?;
        Ok(committed.into_iter().map(|((_, partition), offset)| (partition, offset)).collect())
    }

    /// Commits the next offsets to read. When the group doesn't take them now, the member must join again.
    pub(crate) async fn commit(
        &mut self,
        cluster: &mut Cluster,
        positions: &BTreeMap<PartitionIndex, Offset>,
    ) -> Result<Place, ClientError> {
        if positions.is_empty() {
            return Ok(Place::Kept);
        }
        let request = self.commit_request(positions);
        // From version 10 on topics go by their ids.
        let answered = match cluster.call(self.coordinator, &request, 2..=9).await {
            Ok(response) => {
                response.topics.into_iter().flat_map(|topic| topic.partitions).try_for_each(
                    |partition| check(partition.error_code, None, || self.what("commit")),
                )
            }
            Err(error) => Err(error),
        };
        place(answered)
    }

    fn commit_request(&self, positions: &BTreeMap<PartitionIndex, Offset>) -> OffsetCommitRequest {
        let partitions = positions
            .iter()
            .map(|(&partition_index, &committed_offset)| OffsetCommitRequestPartition {
                partition_index,
                committed_offset,
                committed_metadata: Some(String::new()),
                ..Default::default()
            })
            .collect();
        OffsetCommitRequest {
            group_id: self.group.clone(),
            generation_id_or_member_epoch: self.generation,
            member_id: self.member_id.clone(),
            topics: vec![OffsetCommitRequestTopic {
                name: self.topic.clone(),
                partitions,
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    /// Leaves the group, so that others needn't wait for the session to end.
    pub(crate) async fn leave(self, cluster: &mut Cluster) -> Result<(), ClientError> {
        let request = LeaveGroupRequest {
            group_id: self.group.clone(),
            members: vec![MemberIdentity {
                member_id: self.member_id.clone(),
                ..Default::default()
            }],
            ..Default::default()
        };
        let response = cluster.call(self.coordinator, &request, 3..=i16::MAX).await?;
        check(response.error_code, None, || self.what("leave"))
    }

    async fn join_once(
        &mut self,
        cluster: &mut Cluster,
    ) -> Result<Vec<PartitionIndex>, ClientError> {
        let request = JoinGroupRequest {
            group_id: self.group.clone(),
            session_timeout_ms: SESSION_TIMEOUT_MS,
            rebalance_timeout_ms: REBALANCE_TIMEOUT_MS,
            member_id: self.member_id.clone(),
            protocol_type: PROTOCOL_TYPE.to_owned(),
            protocols: vec![JoinGroupRequestProtocol {
                name: ASSIGNOR.to_owned(),
                metadata: self.encoded(encode_subscription(&self.topic))?,
                ..Default::default()
            }],
            ..Default::default()
        };
        let fit = 4..=i16::MAX;
        let joined = cluster.call_within(self.coordinator, &request, fit, JOIN_TIMEOUT).await?;
        if joined.error_code == ErrorCode::MemberIdRequired.code() {
            self.member_id.clone_from(&joined.member_id);
        }
        check(joined.error_code, None, || self.what("join"))?;
        self.member_id.clone_from(&joined.member_id);
        self.generation = joined.generation_id;
        let assignment = self.sync(cluster, joined).await?;
        let mut assigned = self.decoded(decode_assignment(assignment))?;
        Ok(assigned.remove(&self.topic).unwrap_or_default())
    }

    /// Hands in every member's share, as the leader of the group, or none; and gets this member's.
    async fn sync(
        &self,
        cluster: &mut Cluster,
        joined: JoinGroupResponse,
    ) -> Result<Bytes, ClientError> {
        let assignments = if joined.leader == joined.member_id && !joined.skip_assignment {
            self.share_out(cluster, joined.members).await?
        } else {
            Vec::new()
        };
        let request = SyncGroupRequest {
            group_id: self.group.clone(),
            generation_id: self.generation,
            member_id: self.member_id.clone(),
            protocol_type: Some(PROTOCOL_TYPE.to_owned()),
            protocol_name: joined.protocol_name,
            assignments,
            ..Default::default()
        };
        let fit = 5..=i16::MAX;
        let synced = cluster.call_within(self.coordinator, &request, fit, JOIN_TIMEOUT).await?;
        check(synced.error_code, None, || self.what("sync"))?;
        Ok(synced.assignment)
    }

    async fn share_out(
        &self,
        cluster: &mut Cluster,
        members: Vec<JoinGroupResponseMember>,
    ) -> Result<Vec<SyncGroupRequestAssignment>, ClientError> {
        let mut subscriptions = BTreeMap::new();
        for member in members {
            let topics = self.decoded(decode_subscription(member.metadata))?;
            subscriptions.insert(member.member_id, topics);
        }
        // Other members may read topics that this one doesn't.
        let mut partitions = BTreeMap::new();
        for name in subscriptions.values().flatten() {
            if partitions.contains_key(name) {
                continue;
            }
            match cluster.topic(name).await {
                Ok(topic) => partitions.insert(name.clone(), topic.partition_indexes()),
                Err(error) if error.code() == Some(ErrorCode::UnknownTopicOrPartition) => {
                    partitions.insert(name.clone(), Vec::new())
                }
                Err(error) => return Err(error),
            };
        }
        assign_ranges(&subscriptions, &partitions)
            .into_iter()
            .map(|(member_id, topics)| {
                Ok(SyncGroupRequestAssignment {
                    member_id,
                    assignment: self.encoded(encode_assignment(&topics))?,
                    ..Default::default()
                })
            })
            .collect()
    }

    fn what(&self, step: &str) -> String {
        format!("group {}, {step}", self.group)
    }

    fn decoded<T>(&self, decoded: Result<T, DecodeError>) -> Result<T, ClientError> {
        decoded.map_err(|source| ClientError::Assignment { group: self.group.clone(), source })
    }

    fn encoded(&self, encoded: Result<Bytes, EncodeError>) -> Result<Bytes, ClientError> {
        encoded.map_err(|source| {
            ClientError::Unknown(format!(
                "group {}: topic {} can't be announced: {source}",
                self.group, self.topic
            ))
        })
    }
}

/// Tells a place that was lost, since the group went on without this member or its coordinator moved, from an
/// error that joining again can't mend.
fn place(answered: Result<(), ClientError>) -> Result<Place, ClientError> {
    let Err(error) = answered else {
        return Ok(Place::Kept);
    };
    let moved_on = matches!(
        error.code(),
        Some(
            ErrorCode::RebalanceInProgress
                | ErrorCode::IllegalGeneration
                | ErrorCode::UnknownMemberId
        )
    );
    if moved_on || error.is_retriable() { Ok(Place::Lost) } else { Err(error) }
}
