//! A consumer as the coordinator sees it.

use bytes::Bytes;
use taffrail_model::{ErrorCode, Uuid};

use super::super::script::subscription;
use crate::{
    Answer, Heartbeat, JoinGroup, JoinGroupAnswer, JoinProtocol, LeaveGroup, LeavingMember,
    OffsetCommit, OffsetCommitPartition, OffsetCommitTopic, ReplyToken, Request, SyncAssignment,
    SyncGroup,
};

/// The partitions that a group shares, `0` to this.
pub(super) const PARTITIONS: u8 = 6;
/// How long a client waits for a reply before it asks again, in milliseconds.
const PATIENCE_MS: i64 = 65_000;

/// Where a client is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stage {
    /// It wants to join.
    Outside,
    /// It has joined, and is to sync; with the members, if it leads.
    Joined { members: Vec<String> },
    /// It owns partitions.
    Stable,
}

/// A consumer. It has one request in flight at most, besides commits.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) instance_id: Option<String>,
    pub(super) member_id: String,
    pub(super) generation: i32,
    pub(super) stage: Stage,
    pub(super) owned: Vec<u8>,
    pub(super) in_flight: Option<(ReplyToken, i64)>,
    /// Another client has its static name.
    pub(super) is_fenced: bool,
}

impl Client {
    pub(super) fn new(instance_id: Option<String>) -> Self {
        Self {
            instance_id,
            member_id: String::new(),
            generation: -1,
            stage: Stage::Outside,
            owned: Vec::new(),
            in_flight: None,
            is_fenced: false,
        }
    }

    /// Whether it may send its next request.
    pub(super) fn is_ready(&self, time_ms: i64) -> bool {
        !self.is_fenced && self.in_flight.is_none_or(|(_, sent_ms)| time_ms - sent_ms > PATIENCE_MS)
    }

    /// Its next request. `dice` chooses who gets what, if it leads, and names it, if it is new.
    pub(super) fn next_request(&self, dice: u64) -> Request {
        match &self.stage {
            Stage::Outside => Request::JoinGroup(self.join(dice)),
            Stage::Joined { members } => Request::SyncGroup(SyncGroup {
                group_id: "g".to_owned(),
                generation_id: self.generation,
                member_id: self.member_id.clone(),
                group_instance_id: self.instance_id.clone(),
                protocol_type: Some("consumer".to_owned()),
                protocol_name: None,
                assignments: share_out(members, dice),
            }),
            Stage::Stable => Request::Heartbeat(Heartbeat {
                group_id: "g".to_owned(),
                generation_id: self.generation,
                member_id: self.member_id.clone(),
                group_instance_id: self.instance_id.clone(),
            }),
        }
    }

    /// A commit of what it believes to own.
    pub(super) fn commit(&self, offset: i64) -> Request {
        let partitions = self.owned.iter().map(|partition| OffsetCommitPartition {
            partition: i32::from(*partition),
            offset,
            ..OffsetCommitPartition::default()
        });
        Request::OffsetCommit(OffsetCommit {
            group_id: "g".to_owned(),
            generation_id: self.generation,
            member_id: self.member_id.clone(),
            group_instance_id: self.instance_id.clone(),
            supports_group_not_found: true,
            topics: vec![OffsetCommitTopic {
                name: "orders".to_owned(),
                topic_id: Uuid::ZERO,
                partitions: partitions.collect(),
            }],
            ..OffsetCommit::default()
        })
    }

    /// Its goodbye.
    pub(super) fn leave(&self) -> Request {
        Request::LeaveGroup(LeaveGroup {
            group_id: "g".to_owned(),
            members: vec![LeavingMember {
                member_id: self.member_id.clone(),
                group_instance_id: self.instance_id.clone(),
                reason: None,
            }],
        })
    }

    /// Takes in the reply to its request.
    pub(super) fn hear(&mut self, answer: &Answer) {
        self.in_flight = None;
        match answer {
            Answer::JoinGroup(join) => self.joined(join),
            Answer::SyncGroup(sync) if sync.error.is_none() => {
                self.owned = sync.assignment.to_vec();
                self.stage = Stage::Stable;
            }
            Answer::SyncGroup(sync) => self.stumble(sync.error),
            Answer::Heartbeat(error) => self.stumble(*error),
            _ => {}
        }
    }

    fn join(&self, dice: u64) -> JoinGroup {
        let mut uuid = [0; 16];
        uuid[..8].copy_from_slice(&dice.to_be_bytes());
        JoinGroup {
            group_id: "g".to_owned(),
            member_id: self.member_id.clone(),
            group_instance_id: self.instance_id.clone(),
            session_timeout_ms: 10_000,
            rebalance_timeout_ms: 30_000,
            protocol_type: "consumer".to_owned(),
            protocols: vec![JoinProtocol {
                name: "range".to_owned(),
                metadata: subscription("orders"),
            }],
            reason: None,
            requires_known_member_id: !dice.is_multiple_of(4),
            supports_skip_assignment: dice.is_multiple_of(2),
            new_member_uuid: Uuid::from_bytes(uuid),
        }
    }

    fn joined(&mut self, join: &JoinGroupAnswer) {
        match join.error {
            ErrorCode::None => {
                self.member_id.clone_from(&join.member_id);
                self.generation = join.generation_id;
                self.owned.clear();
                let members = join.members.iter().map(|member| member.member_id.clone());
                let members = if join.skip_assignment { Vec::new() } else { members.collect() };
                self.stage = Stage::Joined { members };
            }
            ErrorCode::MemberIdRequired => self.member_id.clone_from(&join.member_id),
            error => self.stumble(error),
        }
    }

    fn stumble(&mut self, error: ErrorCode) {
        match error {
            ErrorCode::RebalanceInProgress => self.stage = Stage::Outside,
            ErrorCode::UnknownMemberId => {
                self.member_id.clear();
                self.stage = Stage::Outside;
            }
            ErrorCode::IllegalGeneration => self.stage = Stage::Outside,
            ErrorCode::FencedInstanceId => self.is_fenced = true,
            _ => {}
        }
    }
}

/// Gives each partition to one of the members, at random.
fn share_out(members: &[String], dice: u64) -> Vec<SyncAssignment> {
    let count = u64::try_from(members.len()).unwrap_or(1).max(1);
    let owner = |partition: u8| (dice >> (8 * partition)) % count;
    members
        .iter()
        .zip(0..)
        .map(|(member, index)| SyncAssignment {
            member_id: member.clone(),
            assignment: Bytes::from_iter(
                (0..PARTITIONS).filter(|partition| owner(*partition) == index),
            ),
        })
        .collect()
}
