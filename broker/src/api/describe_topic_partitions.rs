//! DescribeTopicPartitions (75): topics and their partitions page by page (KIP-966).

use taffrail_metadata::{MetadataImage, TopicImage};
use taffrail_model::{ErrorCode, PartitionIndex};
use taffrail_protocol::messages::DescribeTopicPartitionsRequest;
use taffrail_protocol::messages::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponse, DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
};
use taffrail_security::{Operation, ResourcePattern as Resource};

use super::metadata::offline_replicas;
use super::{Call, topic_lookup};

/// As Kafka's `max.request.partition.size.limit`.
const MAX_PARTITIONS: usize = 2000;

pub(super) async fn handle(
    call: &Call<'_>,
    request: DescribeTopicPartitionsRequest,
) -> DescribeTopicPartitionsResponse {
    let image = call.broker.image();
    let fetches_all = request.topics.is_empty();
    let mut names: Vec<String> = if fetches_all {
        image.topics().map(|topic| topic.name.to_string()).collect()
    } else {
        request.topics.into_iter().map(|topic| topic.name).collect()
    };
    // Pages go by name; the cursor says where the last one ended.
    names.sort_unstable();
    names.dedup();
    let (from_topic, mut from_partition) = match request.cursor {
        Some(cursor) => (cursor.topic_name, cursor.partition_index),
        None => (String::new(), 0),
    };
    if from_partition < 0 {
        from_partition = 0;
    }
    let mut room =
        usize::try_from(request.response_partition_limit).unwrap_or(0).clamp(1, MAX_PARTITIONS);
    let mut response = DescribeTopicPartitionsResponse::default();
    for name in names.into_iter().skip_while(|name| *name < from_topic) {
        if !call.may(Operation::Describe, Resource::topic(&name)) {
            if !fetches_all {
                response.topics.push(refusal(name, ErrorCode::TopicAuthorizationFailed));
            }
            continue;
        }
        let Some(topic) = image.topic_by_name(&name) else {
            response.topics.push(refusal(name, ErrorCode::UnknownTopicOrPartition));
            continue;
        };
        if room == 0 {
            response.next_cursor =
                Some(Cursor { topic_name: name, partition_index: 0, ..Default::default() });
            break;
        }
        let first = if name == from_topic { from_partition } else { 0 };
        let page = describe(call, &image, topic, first, room);
        room -= page.partitions.len();
        let next = page.partitions.last().map_or(first, |partition| partition.partition_index + 1);
        response.topics.push(page);
        if topic.partitions.range(next..).next().is_some() {
            response.next_cursor =
                Some(Cursor { topic_name: name, partition_index: next, ..Default::default() });
            break;
        }
    }
    response
}

fn refusal(name: String, error: ErrorCode) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic {
        error_code: error.code(),
        name: Some(name),
        ..Default::default()
    }
}

fn describe(
    call: &Call<'_>,
    image: &MetadataImage,
    topic: &TopicImage,
    first: PartitionIndex,
    room: usize,
) -> DescribeTopicPartitionsResponseTopic {
    let partitions = topic
        .partitions
        .range(first..)
        .take(room)
        .map(|(&partition_index, registration)| {
            let reachable = topic_lookup::endpoint(call, registration.leader).is_some();
            let error = if reachable { ErrorCode::None } else { ErrorCode::LeaderNotAvailable };
            DescribeTopicPartitionsResponsePartition {
                error_code: error.code(),
                partition_index,
                leader_id: registration.leader,
                leader_epoch: registration.leader_epoch,
                replica_nodes: registration.replicas.clone(),
                isr_nodes: registration.isr.clone(),
                eligible_leader_replicas: Some(registration.elr.clone()),
                last_known_elr: Some(registration.last_known_elr.clone()),
                offline_replicas: offline_replicas(image, registration),
                ..Default::default()
            }
        })
        .collect();
    DescribeTopicPartitionsResponseTopic {
        name: Some(topic.name.to_string()),
        topic_id: topic.id,
        is_internal: topic.name.is_internal(),
        partitions,
        topic_authorized_operations: call
            .authorized_operations(Resource::topic(topic.name.as_str())),
        ..Default::default()
    }
}
