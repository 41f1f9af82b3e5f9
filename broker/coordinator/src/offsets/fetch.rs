//! `OffsetFetch`.

use taffrail_model::{ErrorCode, PartitionIndex, Uuid};

use crate::answer::{OffsetFetchGroupAnswer, OffsetFetchPartitionAnswer, OffsetFetchTopicAnswer};
use crate::request::OffsetFetchGroup;
use crate::state::{CommittedOffset, GroupEntry, HardState};

/// The offsets of one group, as of `state`. A group that isn't there has none, which is no error.
pub(crate) fn fetch_group(state: &HardState, group: &OffsetFetchGroup) -> OffsetFetchGroupAnswer {
    let entry = state.group(&group.group_id);
    let topics = match &group.topics {
        None => entry.map(all_topics).unwrap_or_default(),
        Some(topics) => topics
            .iter()
            .map(|topic| {
                let find = |&partition: &PartitionIndex| {
                    let offset = entry
                        .and_then(|entry| entry.offset(&topic.name, partition))
                        .filter(|offset| is_of(offset, topic.topic_id));
                    answer(partition, offset)
                };
                OffsetFetchTopicAnswer {
                    name: topic.name.clone(),
                    topic_id: topic.topic_id,
                    partitions: topic.partitions.iter().map(find).collect(),
                }
            })
            .collect(),
    };
    OffsetFetchGroupAnswer { group_id: group.group_id.clone(), error: ErrorCode::None, topics }
}

fn all_topics(entry: &GroupEntry) -> Vec<OffsetFetchTopicAnswer> {
    entry
        .offsets
        .iter()
        .map(|(topic, partitions)| OffsetFetchTopicAnswer {
            name: topic.to_string(),
            topic_id: Uuid::ZERO,
            partitions: partitions
                .iter()
                .map(|(partition, offset)| answer(*partition, Some(offset)))
                .collect(),
        })
        .collect()
}

fn answer(
    partition: PartitionIndex,
    offset: Option<&CommittedOffset>,
) -> OffsetFetchPartitionAnswer {
    match offset {
        None => OffsetFetchPartitionAnswer::absent(partition),
        Some(offset) => OffsetFetchPartitionAnswer {
            partition,
            offset: offset.offset,
            leader_epoch: offset.leader_epoch,
            metadata: offset.metadata.to_string(),
            error: ErrorCode::None,
        },
    }
}

/// Whether an offset is of the topic that is asked for, and not of one that had its name before.
fn is_of(offset: &CommittedOffset, topic_id: Uuid) -> bool {
    offset.topic_id.is_zero() || topic_id.is_zero() || offset.topic_id == topic_id
}
