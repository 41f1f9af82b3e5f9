//! OffsetCommit (8): store how far a group has read.

use std::collections::BTreeMap;

use taffrail_coordinator::{
    Answer, OffsetCommit, OffsetCommitPartition, OffsetCommitTopic, Request,
};
use taffrail_model::{ErrorCode, PartitionIndex};
use taffrail_protocol::messages::OffsetCommitRequest;
use taffrail_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use taffrail_protocol::messages::offset_commit_response::{
    OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use taffrail_security::{Operation, ResourcePattern as Resource};

use super::topic_lookup::Named;
use super::{Call, group_call, topic_lookup};

/// Topics have ids and no names from this version on.
const FIRST_TOPIC_ID_VERSION: i16 = 10;

pub(super) async fn handle(call: &Call<'_>, request: OffsetCommitRequest) -> OffsetCommitResponse {
    let allowed = call.may(Operation::Read, Resource::group(&request.group_id));
    let mut commit = OffsetCommit {
        group_id: request.group_id,
        generation_id: request.generation_id_or_member_epoch,
        member_id: request.member_id,
        group_instance_id: request.group_instance_id,
        retention_ms: (request.retention_time_ms >= 0).then_some(request.retention_time_ms),
        supports_group_not_found: call.version >= 9,
        topics: Vec::new(),
    };
    let mut topics: Vec<Progress> = request.topics.into_iter().map(Progress::new).collect();
    for topic in &mut topics {
        if !allowed {
            topic.refuse(ErrorCode::GroupAuthorizationFailed);
            continue;
        }
        let (name, id) = (&topic.request.name, topic.request.topic_id);
        let named = Named::of_version(call, FIRST_TOPIC_ID_VERSION, name, id);
        match topic_lookup::topic(call, named, Operation::Read) {
            // What doesn't exist is refused here; the shard sees only what it may store.
            Ok(found) => commit.topics.extend(topic.select(&found)),
            Err(error) => topic.refuse(error),
        }
    }
    if !commit.topics.is_empty() {
        let group_id = commit.group_id.clone();
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
        let asked = topics.iter_mut().filter(|topic| topic.is_asked);
        match answer {
            // Topic by topic as they were asked.
            Ok(answers) => asked
                .zip(answers)
                .for_each(|(topic, answer)| topic.errors.extend(answer.partitions)),
            Err(error) => asked.for_each(|topic| topic.refuse(error)),
        }
    }
    OffsetCommitResponse {
        topics: topics.into_iter().map(Progress::into_wire).collect(),
        ..Default::default()
    }
}

/// One topic of the request on its way to the reply. Errors are kept by partition, so that nothing is repeated for each
/// of the partitions that a request may name.
struct Progress {
    request: OffsetCommitRequestTopic,
    errors: BTreeMap<PartitionIndex, ErrorCode>,
    /// The shard was asked to store some of its partitions.
    is_asked: bool,
}

impl Progress {
    fn new(request: OffsetCommitRequestTopic) -> Self {
        Self { request, errors: BTreeMap::new(), is_asked: false }
    }

    /// Sets the error of all partitions that have none yet.
    fn refuse(&mut self, error: ErrorCode) {
        for partition in &self.request.partitions {
            self.errors.entry(partition.partition_index).or_insert(error);
        }
    }

    /// What the shard is to store, if anything.
    fn select(&mut self, found: &topic_lookup::Topic) -> Option<OffsetCommitTopic> {
        let mut partitions = Vec::with_capacity(self.request.partitions.len());
        for partition in &self.request.partitions {
            let index = partition.partition_index;
            if !found.has_partition(index) {
                self.errors.insert(index, ErrorCode::UnknownTopicOrPartition);
                continue;
            }
            partitions.push(OffsetCommitPartition {
                partition: index,
                offset: partition.committed_offset,
                leader_epoch: partition.committed_leader_epoch,
                metadata: partition.committed_metadata.clone(),
            });
        }
        self.is_asked = !partitions.is_empty();
        self.is_asked.then(|| OffsetCommitTopic {
            name: found.name.to_string(),
            topic_id: found.id,
            partitions,
        })
    }

    fn into_wire(self) -> OffsetCommitResponseTopic {
        let to_wire = |partition: &OffsetCommitRequestPartition| {
            let error = self.errors.get(&partition.partition_index);
            OffsetCommitResponsePartition {
                partition_index: partition.partition_index,
                error_code: error.copied().unwrap_or(ErrorCode::UnknownServerError).code(),
                ..Default::default()
            }
        };
        OffsetCommitResponseTopic {
            partitions: self.request.partitions.iter().map(to_wire).collect(),
            name: self.request.name,
            topic_id: self.request.topic_id,
            ..Default::default()
        }
    }
}
