//! OffsetFetch (9): how far groups have read.

use std::collections::BTreeSet;

use taffrail_coordinator::{
    Answer, OffsetFetch, OffsetFetchGroup, OffsetFetchGroupAnswer, OffsetFetchPartitionAnswer,
    OffsetFetchTopic, OffsetFetchTopicAnswer, Request,
};
use taffrail_model::{ErrorCode, Uuid};
use taffrail_protocol::messages::OffsetFetchRequest;
use taffrail_protocol::messages::offset_fetch_response::{
    OffsetFetchResponse, OffsetFetchResponseGroup, OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions, OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use taffrail_security::{Operation, ResourcePattern as Resource};

use super::topic_lookup::Named;
use super::{Call, group_call, topic_lookup};

/// The first version that asks for several groups.
const FIRST_BATCH_VERSION: i16 = 8;
/// The first version that has an error of the whole group, beside those of its partitions.
const FIRST_GROUP_ERROR_VERSION: i16 = 2;
/// Topics have ids and no names from this version on.
const FIRST_TOPIC_ID_VERSION: i16 = 10;

pub(super) async fn handle(call: &Call<'_>, request: OffsetFetchRequest) -> OffsetFetchResponse {
    let require_stable = request.require_stable;
    let mut answers = Vec::new();
    for group in groups(call, request) {
        answers.push(fetch_group(call, group, require_stable).await);
    }
    if call.version >= FIRST_BATCH_VERSION {
        let groups = answers.into_iter().map(|answer| group_to_wire(call, answer)).collect();
        return OffsetFetchResponse { groups, ..Default::default() };
    }
    match answers.pop() {
        Some(answer) => single_to_wire(answer),
        None => OffsetFetchResponse::default(),
    }
}

/// One group of a request, with what couldn't be resolved kept for the reply.
struct Wanted {
    group: OffsetFetchGroup,
    refused: Vec<OffsetFetchTopicAnswer>,
}

fn groups(call: &Call<'_>, request: OffsetFetchRequest) -> Vec<Wanted> {
    if call.version < FIRST_BATCH_VERSION {
        let topics = request.topics.map(|topics| {
            topics
                .into_iter()
                .map(|topic| (topic.name, Uuid::ZERO, topic.partition_indexes))
                .collect()
        });
        return vec![wanted(call, request.group_id, topics)];
    }
    let mut answered_in_full = BTreeSet::new();
    request
        .groups
        .into_iter()
        // All offsets of a group are a large answer to a small question, which is given once.
        .filter(|group| group.topics.is_some() || answered_in_full.insert(group.group_id.clone()))
        .map(|group| {
            let topics = group.topics.map(|topics| {
                topics
                    .into_iter()
                    .map(|topic| (topic.name, topic.topic_id, topic.partition_indexes))
                    .collect()
            });
            wanted(call, group.group_id, topics)
        })
        .collect()
}

type TopicRequest = (String, Uuid, Vec<i32>);

fn wanted(call: &Call<'_>, group_id: String, topics: Option<Vec<TopicRequest>>) -> Wanted {
    let mut unresolved = Vec::new();
    let topics = topics.map(|topics| {
        let mut known = Vec::with_capacity(topics.len());
        for (name, topic_id, partitions) in topics {
            match resolve(call, name, topic_id) {
                Ok((name, topic_id)) => known.push(OffsetFetchTopic { name, topic_id, partitions }),
                Err((name, error)) => {
                    unresolved.push(refused(OffsetFetchTopic { name, topic_id, partitions }, error))
                }
            }
        }
        known
    });
    Wanted { group: OffsetFetchGroup { group_id, topics }, refused: unresolved }
}

/// The same error for every partition of a topic.
fn refused(topic: OffsetFetchTopic, error: ErrorCode) -> OffsetFetchTopicAnswer {
    let partitions = topic.partitions.into_iter().map(|partition| OffsetFetchPartitionAnswer {
        error,
        ..OffsetFetchPartitionAnswer::absent(partition)
    });
    OffsetFetchTopicAnswer {
        name: topic.name,
        topic_id: topic.topic_id,
        partitions: partitions.collect(),
    }
}

/// By name even a topic that is gone may be asked for: its offsets outlive it for a while. An id must be known.
fn resolve(
    call: &Call<'_>,
    name: String,
    topic_id: Uuid,
) -> Result<(String, Uuid), (String, ErrorCode)> {
    if call.version >= FIRST_TOPIC_ID_VERSION {
        let found = topic_lookup::topic(call, Named::Id(topic_id), Operation::Describe)
            .map_err(|error| (name, error))?;
        return Ok((found.name.to_string(), topic_id));
    }
    if call.may(Operation::Describe, Resource::topic(&name)) {
        Ok((name, Uuid::ZERO))
    } else {
        Err((name, ErrorCode::TopicAuthorizationFailed))
    }
}

async fn fetch_group(
    call: &Call<'_>,
    wanted: Wanted,
    require_stable: bool,
) -> OffsetFetchGroupAnswer {
    let group_id = wanted.group.group_id.clone();
    // Only these have to say it of each partition when the whole group is refused.
    let topics_to_refuse = (call.version < FIRST_GROUP_ERROR_VERSION)
        .then(|| wanted.group.topics.clone().unwrap_or_default());
    let asked_for_all = wanted.group.topics.is_none();
    let request = Request::OffsetFetch(OffsetFetch { groups: vec![wanted.group], require_stable });
    let answer =
        group_call::ask_authorized(call, Operation::Describe, &group_id, request, |answer| {
            match answer {
                Answer::OffsetFetch(mut groups) => groups.pop(),
                _ => None,
            }
        })
        .await;
    let mut answer = answer.unwrap_or_else(|error| OffsetFetchGroupAnswer {
        group_id,
        error,
        topics: Vec::new(),
    });
    if let Some(topics) = topics_to_refuse
        && !answer.error.is_none()
    {
        answer.topics = topics.into_iter().map(|topic| refused(topic, answer.error)).collect();
        answer.topics.extend(wanted.refused);
        return answer;
    }
    if asked_for_all {
        answer.topics.retain(|topic| call.may(Operation::Describe, Resource::topic(&topic.name)));
    }
    if answer.error.is_none() {
        answer.topics.extend(wanted.refused);
    }
    answer
}

fn group_to_wire(call: &Call<'_>, answer: OffsetFetchGroupAnswer) -> OffsetFetchResponseGroup {
    let image = call.broker.image();
    let topics = answer
        .topics
        .into_iter()
        .filter_map(|topic| {
            let mut topic_id = topic.topic_id;
            if call.version >= FIRST_TOPIC_ID_VERSION && topic_id.is_zero() {
                // "All offsets" come by name; one whose topic is gone has no id to be shown under.
                topic_id = image.topic_by_name(&topic.name)?.id;
            }
            Some(OffsetFetchResponseTopics {
                name: topic.name,
                topic_id,
                partitions: topic
                    .partitions
                    .into_iter()
                    .map(|partition| OffsetFetchResponsePartitions {
                        partition_index: partition.partition,
                        committed_offset: partition.offset,
                        committed_leader_epoch: partition.leader_epoch,
                        metadata: Some(partition.metadata),
                        error_code: partition.error.code(),
                        ..Default::default()
                    })
                    .collect(),
                ..Default::default()
            })
        })
        .collect();
    OffsetFetchResponseGroup {
        group_id: answer.group_id,
        topics,
        error_code: answer.error.code(),
        ..Default::default()
    }
}

fn single_to_wire(answer: OffsetFetchGroupAnswer) -> OffsetFetchResponse {
    OffsetFetchResponse {
        error_code: answer.error.code(),
        topics: answer
            .topics
            .into_iter()
            .map(|topic| OffsetFetchResponseTopic {
                name: topic.name,
                partitions: topic
                    .partitions
                    .into_iter()
                    .map(|partition| OffsetFetchResponsePartition {
                        partition_index: partition.partition,
                        committed_offset: partition.offset,
                        committed_leader_epoch: partition.leader_epoch,
                        metadata: Some(partition.metadata),
                        error_code: partition.error.code(),
                        ..Default::default()
                    })
                    .collect(),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}
