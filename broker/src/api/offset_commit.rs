//! OffsetCommit (8): store how far a group has read.

use std::collections::BTreeMap;

use taffrail_coordinator::{
    Answer, OffsetCommit, OffsetCommitPartition, OffsetCommitTopic, OffsetCommitTopicAnswer,
    Request,
};
use taffrail_model::{ErrorCode, PartitionIndex, Uuid};
use taffrail_protocol::messages::OffsetCommitRequest;
use taffrail_protocol::messages::offset_commit_request::OffsetCommitRequestTopic;
use taffrail_protocol::messages::offset_commit_response::{
    OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use taffrail_security::{Operation, ResourcePattern as Resource};

use super::{Call, group_call, topic_lookup};

/// Topics have ids and no names from this version on.
const FIRST_TOPIC_ID_VERSION: i16 = 10;

pub(super) async fn handle(call: &Call<'_>, request: OffsetCommitRequest) -> OffsetCommitResponse {
    let allowed = call.may(Operation::Read, Resource::group(&request.group_id));
    // What doesn't exist is refused here; the shard sees only what it may store.
    let mut errors = BTreeMap::new();
    let mut commit = OffsetCommit {
        group_id: request.group_id,
        generation_id: request.generation_id_or_member_epoch,
        member_id: request.member_id,
        group_instance_id: request.group_instance_id,
        retention_ms: (request.retention_time_ms >= 0).then_some(request.retention_time_ms),
        supports_group_not_found: call.version >= 9,
        topics: Vec::new(),
    };
    for topic in &request.topics {
        if !allowed {
            refuse(&mut errors, topic, ErrorCode::GroupAuthorizationFailed);
            continue;
        }
        match topic_lookup::topic(call, &topic.name, topic.topic_id, Operation::Read) {
            Ok(found) => commit.topics.push(to_model(call, &found, topic, &mut errors)),
            Err(error) => refuse(&mut errors, topic, error),
        }
    }
    commit.topics.retain(|topic| !topic.partitions.is_empty());
    if !commit.topics.is_empty() {
        let group_id = commit.group_id.clone();
        let topics = commit.topics.clone();
        let answer =
            group_call::ask(
                call,
                &group_id,
                Request::OffsetCommit(commit),
                |answer| match answer {
                    Answer::OffsetCommit(topics) => Some(topics),
                    _ => None,
                },
            )
            .await;
        for topic in answer.unwrap_or_else(|error| OffsetCommitTopicAnswer::all(&topics, error)) {
            for (partition, error) in topic.partitions {
                // By name for the clients that say names, by id for those that say ids.
                errors.insert(key(call, &topic.name, topic.topic_id, partition), error);
            }
        }
    }
    to_wire(call, request.topics, &errors)
}

type Key = (String, Uuid, PartitionIndex);

fn key(call: &Call<'_>, name: &str, topic_id: Uuid, partition: PartitionIndex) -> Key {
    if call.version >= FIRST_TOPIC_ID_VERSION {
        (String::new(), topic_id, partition)
    } else {
        (name.to_owned(), Uuid::ZERO, partition)
    }
}

fn refuse(
    errors: &mut BTreeMap<Key, ErrorCode>,
    topic: &OffsetCommitRequestTopic,
    error: ErrorCode,
) {
    for partition in &topic.partitions {
        errors.insert((topic.name.clone(), topic.topic_id, partition.partition_index), error);
    }
}

fn to_model(
    call: &Call<'_>,
    found: &topic_lookup::Topic,
    topic: &OffsetCommitRequestTopic,
    errors: &mut BTreeMap<Key, ErrorCode>,
) -> OffsetCommitTopic {
    let mut partitions = Vec::with_capacity(topic.partitions.len());
    for partition in &topic.partitions {
        let index = partition.partition_index;
        if !found.has_partition(index) {
            errors.insert(
                key(call, &topic.name, topic.topic_id, index),
                ErrorCode::UnknownTopicOrPartition,
            );
            continue;
        }
        partitions.push(OffsetCommitPartition {
            partition: index,
            offset: partition.committed_offset,
            leader_epoch: partition.committed_leader_epoch,
            metadata: partition.committed_metadata.clone(),
        });
    }
    OffsetCommitTopic { name: found.name.to_string(), topic_id: found.id, partitions }
}

fn to_wire(
    call: &Call<'_>,
    topics: Vec<OffsetCommitRequestTopic>,
    errors: &BTreeMap<Key, ErrorCode>,
) -> OffsetCommitResponse {
    let topics = topics
        .into_iter()
        .map(|topic| OffsetCommitResponseTopic {
            partitions: topic
                .partitions
                .iter()
                .map(|partition| {
                    let index = partition.partition_index;
                    let error = errors.get(&key(call, &topic.name, topic.topic_id, index));
                    OffsetCommitResponsePartition {
                        partition_index: index,
                        error_code: error.copied().unwrap_or(ErrorCode::UnknownServerError).code(),
                        ..Default::default()
                    }
                })
                .collect(),
            name: topic.name,
            topic_id: topic.topic_id,
            ..Default::default()
        })
        .collect();
    OffsetCommitResponse { topics, ..Default::default() }
}
