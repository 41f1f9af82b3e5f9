//! `OffsetDelete`, and what goes with deleted topics and groups.

use std::sync::Arc;

use taffrail_model::ErrorCode;

use crate::answer::{Answer, OffsetDeleteAnswer, OffsetDeleteTopicAnswer};
use crate::classic::{ClassicGroup, GroupState};
use crate::effect::ReplyToken;
use crate::event::DeletedTopic;
use crate::request::{OffsetDelete, OffsetDeleteTopic};
use crate::state::{Change, GroupEntry, GroupId};
use crate::turn::Turn;

impl Turn<'_> {
    /// Deletes offsets of topics that the group doesn't use.
    pub(crate) fn delete_offsets(
        &mut self,
        group: Option<&ClassicGroup>,
        token: ReplyToken,
        delete: &OffsetDelete,
    ) {
        let entry = self.store.speculative().group(&delete.group_id);
        let error = match (group, entry) {
            (None, None) => ErrorCode::GroupIdNotFound,
            // Only of consumers is it known which topics they use.
            (Some(group), _) if !group.is(GroupState::Empty) && !group.is_consumer_group() => {
                ErrorCode::NonEmptyGroup
            }
            _ => ErrorCode::None,
        };
        if !error.is_none() {
            let answer = OffsetDeleteAnswer { error, topics: Vec::new() };
            self.reply(token, Answer::OffsetDelete(answer));
            return;
        }
        let mut changes = Vec::new();
        let mut topics = Vec::with_capacity(delete.topics.len());
        for topic in &delete.topics {
            let in_use = group.is_some_and(|group| group.is_subscribed_to(&topic.name));
            let error = if in_use { ErrorCode::GroupSubscribedToTopic } else { ErrorCode::None };
            topics.push(OffsetDeleteTopicAnswer {
                name: topic.name.clone(),
                partitions: topic.partitions.iter().map(|partition| (*partition, error)).collect(),
            });
            if let (Some(entry), false) = (entry, in_use) {
                changes.extend(tombstones(&delete.group_id, entry, topic));
            }
        }
        self.write_in_parts(&changes);
        let answer = Answer::OffsetDelete(OffsetDeleteAnswer { error: ErrorCode::None, topics });
        if changes.is_empty() {
            self.reply(token, answer);
        } else {
            self.reply_after_writes(token, answer);
        }
    }

    /// Deletes the offsets of topics that are no more, in every group.
    pub(crate) fn delete_offsets_of_topics(&mut self, topics: &[DeletedTopic]) {
        let mut changes = Vec::new();
        for (group, entry) in self.store.speculative().groups() {
            for deleted in topics {
                let Some((topic, partitions)) = entry.offsets.get_key_value(deleted.name.as_str())
                else {
                    continue;
                };
                for (partition, offset) in partitions {
                    if offset.topic_id.is_zero() || offset.topic_id == deleted.topic_id {
                        changes.push(tombstone(group, topic, *partition));
                    }
                }
            }
        }
        self.write_in_parts(&changes);
    }
}

/// The record by which an offset is no more.
pub(super) fn tombstone(group: &GroupId, topic: &Arc<str>, partition: i32) -> Change {
    Change::Offset { group: group.clone(), topic: topic.clone(), partition, offset: None }
}

fn tombstones(group: &str, entry: &GroupEntry, topic: &OffsetDeleteTopic) -> Vec<Change> {
    let group: GroupId = group.into();
    let name: Arc<str> = topic.name.as_str().into();
    topic
        .partitions
        .iter()
        .filter(|partition| entry.offset(&topic.name, **partition).is_some())
        .map(|partition| tombstone(&group, &name, *partition))
        .collect()
}
