//! ListOffsets (2): the offset of a time, or of an end of the log.

use std::collections::{BTreeMap, BTreeSet};

use taffrail_log::{FoundOffset, OffsetQuery};
use taffrail_model::{ErrorCode, NO_LEADER_EPOCH, PartitionIndex};
use taffrail_protocol::messages::ListOffsetsRequest;
use taffrail_protocol::messages::list_offsets_request::ListOffsetsPartition;
use taffrail_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsResponse, ListOffsetsTopicResponse,
};
use taffrail_security::Operation;

use super::Call;
use super::topic_lookup::{self, Hosted, Named, Topic};
use crate::runtime::NO_SUCH_OFFSET;

const READ_COMMITTED: i8 = 1;

/// Times with a meaning of their own, and the version that each came with.
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;

pub(super) async fn handle(call: &Call<'_>, request: ListOffsetsRequest) -> ListOffsetsResponse {
    let read_committed = request.isolation_level == READ_COMMITTED;
    let numbers = numbers(&request);
    let repeated = repeated(&numbers, &request);
    let topics = numbers
        .into_iter()
        .zip(&request.topics)
        .map(|(number, topic)| {
            let found = topic_lookup::topic(call, Named::Name(&topic.name), Operation::Describe);
            let partitions = topic
                .partitions
                .iter()
                .map(|partition| {
                    let index = partition.partition_index;
                    let answer = match &found {
                        Err(error) => Err(*error),
                        Ok(_) if repeated.contains(&(number, index)) => {
                            Err(ErrorCode::InvalidRequest)
                        }
                        Ok(found) => find(call, found, partition, read_committed),
                    };
                    answer.map_or_else(
                        |error| refusal(index, error),
                        |found| to_wire(call, partition, found),
                    )
                })
                .collect();
            ListOffsetsTopicResponse { name: topic.name.clone(), partitions, ..Default::default() }
        })
        .collect();
    ListOffsetsResponse { topics, ..Default::default() }
}

/// The partitions that are named more than once, as the number of their topic and their own: it can't be known which
/// time is meant. Names are compared once for each topic and not for each partition, since they may be long.
fn repeated(numbers: &[usize], request: &ListOffsetsRequest) -> BTreeSet<(usize, PartitionIndex)> {
    let mut seen = BTreeSet::new();
    let mut repeated = BTreeSet::new();
    for (&number, topic) in numbers.iter().zip(&request.topics) {
        for partition in &topic.partitions {
            if !seen.insert((number, partition.partition_index)) {
                repeated.insert((number, partition.partition_index));
            }
        }
    }
    repeated
}

/// A number for each topic of the request, the same for the same name.
fn numbers(request: &ListOffsetsRequest) -> Vec<usize> {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    let places = request.topics.iter().enumerate();
    places.map(|(place, topic)| *first.entry(topic.name.as_str()).or_insert(place)).collect()
}

fn find(
    call: &Call<'_>,
    topic: &Topic,
    partition: &ListOffsetsPartition,
    read_committed: bool,
) -> Result<FoundOffset, ErrorCode> {
    let cell = match topic_lookup::partition(call, topic, partition.partition_index) {
        Hosted::Here(cell) => cell,
        Hosted::Elsewhere { .. } => return Err(ErrorCode::NotLeaderOrFollower),
        Hosted::Nowhere => return Err(ErrorCode::UnknownTopicOrPartition),
    };
    cell.check_leader_epoch(partition.current_leader_epoch)?;
    let view = cell.view();
    let bound = if read_committed { view.last_stable } else { view.high_watermark };
    match partition.timestamp {
        LATEST => {
            Ok(FoundOffset { offset: bound, timestamp: -1, leader_epoch: Some(view.leader_epoch) })
        }
        EARLIEST => cell.find_offset(OffsetQuery::Earliest, bound),
        // Nothing is tiered away, so that the local log is all of it.
        EARLIEST_LOCAL if call.version >= 8 => cell.find_offset(OffsetQuery::Earliest, bound),
        MAX_TIMESTAMP if call.version >= 7 => cell.find_offset(OffsetQuery::MaxTimestamp, bound),
        LATEST_TIERED if call.version >= 9 => Ok(NO_SUCH_OFFSET),
        EARLIEST_PENDING_UPLOAD if call.version >= 11 => Ok(NO_SUCH_OFFSET),
        time if time >= 0 => cell.find_offset(OffsetQuery::AtOrAfter(time), bound),
        _ => Err(ErrorCode::UnsupportedVersion),
    }
}

fn refusal(partition_index: PartitionIndex, error: ErrorCode) -> ListOffsetsPartitionResponse {
    ListOffsetsPartitionResponse { partition_index, error_code: error.code(), ..Default::default() }
}

fn to_wire(
    call: &Call<'_>,
    partition: &ListOffsetsPartition,
    found: FoundOffset,
) -> ListOffsetsPartitionResponse {
    // Older clients have no field for the epoch.
    let leader_epoch = found.leader_epoch.filter(|_| call.version >= 4).unwrap_or(NO_LEADER_EPOCH);
    ListOffsetsPartitionResponse {
        partition_index: partition.partition_index,
        timestamp: found.timestamp,
        offset: found.offset,
        leader_epoch,
        ..Default::default()
    }
}
