//! `OffsetCommit`.

use taffrail_model::{ErrorCode, Timestamp};

use crate::answer::{Answer, OffsetCommitTopicAnswer};
use crate::classic::{ClassicGroup, GroupState};
use crate::effect::ReplyToken;
use crate::request::{OffsetCommit, OffsetCommitPartition, OffsetCommitTopic};
use crate::state::{Change, CommittedOffset, GroupId};
use crate::store::Waiting;
use crate::turn::Turn;

impl Turn<'_> {
    /// Stores offsets, all in one batch. `group` is the live group; without one there may still be offsets.
    pub(crate) fn commit_offsets(
        &mut self,
        group: Option<&ClassicGroup>,
        token: ReplyToken,
        commit: &OffsetCommit,
    ) {
        let allowed = match group {
            Some(group) => check(group, commit),
            None => self.check_without_members(commit),
        };
        if let Err(error) = allowed {
            let answer = OffsetCommitTopicAnswer::all(&commit.topics, error);
            self.reply(token, Answer::OffsetCommit(answer));
            return;
        }
        if let Some(group) = group
            && matches!(group.state(), GroupState::Stable | GroupState::PreparingRebalance)
        {
            self.heard_from(group, &commit.member_id.as_str().into());
        }
        let mut changes = Vec::new();
        let topics = commit
            .topics
            .iter()
            .map(|topic| self.commit_topic(commit, topic, &mut changes))
            .collect();
        let answer = Answer::OffsetCommit(topics);
        if changes.is_empty() {
            self.reply(token, answer);
        } else {
            self.write(&changes, Some(Waiting::Reply { token, answer }));
        }
    }

    fn commit_topic(
        &self,
        commit: &OffsetCommit,
        topic: &OffsetCommitTopic,
        changes: &mut Vec<Change>,
    ) -> OffsetCommitTopicAnswer {
        let group: GroupId = commit.group_id.as_str().into();
        let name: std::sync::Arc<str> = topic.name.as_str().into();
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            let metadata = partition.metadata.as_deref().unwrap_or_default();
            if self.is_too_long(metadata) {
                partitions.push((partition.partition, ErrorCode::OffsetMetadataTooLarge));
                continue;
            }
            changes.push(Change::Offset {
                group: group.clone(),
                topic: name.clone(),
                partition: partition.partition,
                offset: Some(committed(commit, topic, partition, self.now.wall)),
            });
            partitions.push((partition.partition, ErrorCode::None));
        }
        OffsetCommitTopicAnswer { name: topic.name.clone(), topic_id: topic.topic_id, partitions }
    }

    /// A commit to a group without members: whoever claims to be one is wrong.
    fn check_without_members(&self, commit: &OffsetCommit) -> Result<(), ErrorCode> {
        if commit.generation_id < 0 {
            return Ok(());
        }
        let exists = self.store.speculative().group(&commit.group_id).is_some();
        Err(match (exists, commit.supports_group_not_found) {
            (true, _) => ErrorCode::UnknownMemberId,
            (false, true) => ErrorCode::GroupIdNotFound,
            (false, false) => ErrorCode::IllegalGeneration,
        })
    }

    /// Whether a note is too long, in UTF-16 units, of which there are never more than bytes.
    fn is_too_long(&self, metadata: &str) -> bool {
        let max = self.config.offset_metadata_max;
        metadata.len() > max && metadata.encode_utf16().count() > max
    }
}

fn check(group: &ClassicGroup, commit: &OffsetCommit) -> Result<(), ErrorCode> {
    if commit.generation_id < 0 && group.is(GroupState::Empty) {
        // A consumer that assigns partitions to itself, or a tool that sets offsets.
        return Ok(());
    }
    let instance_id = commit.group_instance_id.as_deref();
    if commit.generation_id < 0 && commit.member_id.is_empty() && instance_id.is_none() {
        return Err(ErrorCode::UnknownMemberId);
    }
    group.check_member(&commit.member_id, instance_id)?;
    if commit.generation_id != group.generation {
        return Err(ErrorCode::IllegalGeneration);
    }
    if group.is(GroupState::CompletingRebalance) {
        // The member's partitions may be another's already.
        return Err(ErrorCode::RebalanceInProgress);
    }
    Ok(())
}

fn committed(
    commit: &OffsetCommit,
    topic: &OffsetCommitTopic,
    partition: &OffsetCommitPartition,
    now: Timestamp,
) -> CommittedOffset {
    CommittedOffset {
        offset: partition.offset,
        leader_epoch: partition.leader_epoch,
        metadata: partition.metadata.as_deref().unwrap_or_default().into(),
        commit_timestamp: now,
        expire_timestamp: commit.retention_ms.map(|retention| now.saturating_add(retention)),
        topic_id: topic.topic_id,
    }
}
