//! Produce (0): record batches from clients.
//!
//! Batches are validated once, here, on the connection's thread and outside of any lock; what goes into the
//! partition's queue is known to be good.

use std::time::Duration;

use bytes::Bytes;
use taffrail_model::{ErrorCode, PartitionIndex, TopicIdPartition};
use taffrail_node::partition::{Acks, AppendRefusal, Appended};
use taffrail_protocol::batch::{self, ProduceRules, Rejection, TimestampType, ValidatedBatch};
use taffrail_protocol::messages::ProduceRequest;
use taffrail_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use taffrail_protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse,
    ProduceResponse, TopicProduceResponse,
};
use taffrail_security::Operation;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;

use super::topic_lookup::{self, Hosted, Named};
use super::{Call, Reply};
use crate::net::Outcome;

pub(super) async fn handle(call: &Call<'_>, request: ProduceRequest) -> ProduceReply {
    let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
    let acks = match request.acks {
        0 => Some(Acks::None),
        1 => Some(Acks::Leader),
        -1 => Some(Acks::All),
        _ => None,
    };
    // Everything is put into its partition's queue before the first answer is awaited.
    let mut topics = Vec::with_capacity(request.topic_data.len());
    for topic in request.topic_data {
        topics.push(submit_topic(call, acks, topic));
    }
    // The timeout is for the replicas. A write of this node alone is waited for: it happens, and its answer says so.
    let deadline = (acks == Some(Acks::All)).then(|| tokio::time::Instant::now() + timeout);
    let mut response = ProduceResponse::default();
    for (mut head, partitions) in topics {
        for (index, progress) in partitions {
            let result = match progress {
                Progress::Refused(refusal) => Err(refusal),
                Progress::Submitted(answer) => settle(answer, deadline).await,
            };
            head.partition_responses.push(to_wire(
                call,
                index,
                result,
                &mut response.node_endpoints,
            ));
        }
        response.responses.push(head);
    }
    match acks {
        Some(Acks::None) => ProduceReply::Silent(first_error(&response)),
        _ => ProduceReply::Spoken(response),
    }
}

/// Produce with acks=0 has no reply, and says that something failed by closing the connection.
pub(super) enum ProduceReply {
    Spoken(ProduceResponse),
    Silent(Option<String>),
}

impl Reply for ProduceReply {
    fn into_outcome(self, call: &Call<'_>) -> Outcome {
        match self {
            Self::Spoken(response) => response.into_outcome(call),
            Self::Silent(None) => Outcome::NoReply,
            Self::Silent(Some(error)) => {
                Outcome::Close(format!("a produce with acks=0 failed: {error}"))
            }
        }
    }
}

/// Topics have ids and no names from this version on.
const FIRST_TOPIC_ID_VERSION: i16 = 13;
/// The size from which a batch is validated with the thread's other connections out of the way.
const LARGE_BATCH_BYTES: usize = 64 * 1024;
/// "The record kept its own time" in the response.
const NO_TIMESTAMP: i64 = -1;

/// Why a partition's batch isn't appended.
struct Refusal {
    error: ErrorCode,
    message: Option<String>,
    record_errors: Vec<(i32, String)>,
    current_leader: Option<(i32, i32)>,
}

impl Refusal {
    fn plain(error: ErrorCode) -> Self {
        Self { error, message: None, record_errors: Vec::new(), current_leader: None }
    }

    fn because(error: ErrorCode, message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), ..Self::plain(error) }
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self {
            error: rejection.error,
            message: Some(rejection.message),
            record_errors: rejection.record_errors,
            current_leader: None,
        }
    }
}

enum Progress {
    Refused(Refusal),
    Submitted(oneshot::Receiver<Result<Appended, AppendRefusal>>),
}

type Partitions = Vec<(PartitionIndex, Progress)>;

fn submit_topic(
    call: &Call<'_>,
    acks: Option<Acks>,
    topic: TopicProduceData,
) -> (TopicProduceResponse, Partitions) {
    let head = TopicProduceResponse {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        ..Default::default()
    };
    let named = Named::of_version(call, FIRST_TOPIC_ID_VERSION, &topic.name, topic.topic_id);
    let found = topic_lookup::topic(call, named, Operation::Write);
    let partitions = topic
        .partition_data
        .into_iter()
        .map(|partition| {
            let index = partition.index;
            let submitted = match (&found, acks) {
                (_, None) => Err(Refusal::because(
                    ErrorCode::InvalidRequiredAcks,
                    "acks must be -1 (all), 0 (none) or 1 (the leader)",
                )),
                (Err(error), _) => Err(Refusal::plain(*error)),
                (Ok(topic), Some(acks)) => submit(call, acks, topic, partition),
            };
            (index, submitted.map_or_else(Progress::Refused, Progress::Submitted))
        })
        .collect();
    (head, partitions)
}

fn submit(
    call: &Call<'_>,
    acks: Acks,
    topic: &topic_lookup::Topic,
    partition: PartitionProduceData,
) -> Result<oneshot::Receiver<Result<Appended, AppendRefusal>>, Refusal> {
    if topic.name.is_internal() {
        return Err(Refusal::because(
            ErrorCode::InvalidTopicException,
            format!("{} is written by the brokers alone", topic.name),
        ));
    }
    let metrics = &call.broker.metrics.topics;
    metrics.produce_requests.inc();
    let id = TopicIdPartition { topic_id: topic.id, partition: partition.index };
    let cell = match topic_lookup::partition(call, topic, partition.index) {
        Hosted::Here(cell) => cell,
        Hosted::Elsewhere { leader, leader_epoch } => {
            return Err(Refusal {
                current_leader: Some((leader, leader_epoch)),
                ..Refusal::plain(ErrorCode::NotLeaderOrFollower)
            });
        }
        Hosted::Nowhere => return Err(Refusal::plain(ErrorCode::UnknownTopicOrPartition)),
    };
    let records = partition.records.ok_or_else(|| {
        Refusal::because(
            ErrorCode::InvalidRecord,
            format!("no records for {}-{}", topic.name, id.partition),
        )
    })?;
    let rules = cell.produce_rules(call.now, call.version);
    let records = records.into_contiguous();
    let bytes = records.len() as u64;
    let validated = validate(records, &rules).inspect_err(|_| {
        metrics.bytes_rejected.inc_by(bytes);
    })?;
    if validated.is_transactional {
        return Err(Refusal::because(
            ErrorCode::TransactionalIdAuthorizationFailed,
            super::init_producer_id::NO_TRANSACTIONS,
        ));
    }
    let (bytes, records) =
        (validated.bytes.len() as u64, u64::try_from(validated.records_count).unwrap_or(0));
    metrics.bytes_in.inc_by(bytes);
    metrics.messages_in.inc_by(records);
    cell.traffic.count_produced(bytes, records);
    let log_append_time = if rules.timestamp_type == TimestampType::LogAppendTime {
        call.now.wall
    } else {
        NO_TIMESTAMP
    };
    Ok(cell.append(validated, log_append_time, acks))
}

/// Walks every record. Large batches take long enough for other connections of this thread to notice, so those move on.
fn validate(records: Bytes, rules: &ProduceRules) -> Result<ValidatedBatch, Rejection> {
    let can_move = Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread;
    if can_move && records.len() >= LARGE_BATCH_BYTES {
        tokio::task::block_in_place(|| batch::validate_produced(records, rules))
    } else {
        batch::validate_produced(records, rules)
    }
}

async fn settle(
    answer: oneshot::Receiver<Result<Appended, AppendRefusal>>,
    deadline: Option<tokio::time::Instant>,
) -> Result<Appended, Refusal> {
    let answered = match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline, answer).await,
        None => Ok(answer.await),
    };
    match answered {
        Ok(Ok(Ok(appended))) => Ok(appended),
        Ok(Ok(Err(error))) => Err(Refusal::because(error.code(), error.to_string())),
        // The partition went away with the append in its queue.
        Ok(Err(_)) => Err(Refusal::plain(ErrorCode::NotLeaderOrFollower)),
        Err(_) => Err(Refusal::plain(ErrorCode::RequestTimedOut)),
    }
}

fn to_wire(
    call: &Call<'_>,
    index: PartitionIndex,
    result: Result<Appended, Refusal>,
    endpoints: &mut Vec<NodeEndpoint>,
) -> PartitionProduceResponse {
    match result {
        Ok(appended) => PartitionProduceResponse {
            index,
            base_offset: appended.base_offset,
            log_append_time_ms: appended.log_append_time,
            log_start_offset: appended.log_start_offset,
            ..Default::default()
        },
        Err(refusal) => {
            call.broker.metrics.topics.failed_produce_requests.inc();
            let mut response = PartitionProduceResponse {
                index,
                error_code: refusal.error.code(),
                base_offset: -1,
                error_message: refusal.message,
                record_errors: refusal
                    .record_errors
                    .into_iter()
                    .map(|(batch_index, message)| BatchIndexAndErrorMessage {
                        batch_index,
                        batch_index_error_message: Some(message),
                        ..Default::default()
                    })
                    .collect(),
                ..Default::default()
            };
            // KIP-951: who leads now, so that the client needn't ask for metadata first.
            if let Some((leader_id, leader_epoch)) =
                refusal.current_leader.filter(|_| call.version >= 10)
            {
                response.current_leader =
                    LeaderIdAndEpoch { leader_id, leader_epoch, ..Default::default() };
                if let Some(endpoint) = topic_lookup::endpoint(call, leader_id)
                    && !endpoints.iter().any(|known| known.node_id == leader_id)
                {
                    endpoints.push(NodeEndpoint {
                        node_id: leader_id,
                        host: endpoint.host,
                        port: endpoint.port,
                        rack: endpoint.rack,
                        ..Default::default()
                    });
                }
            }
            response
        }
    }
}

fn first_error(response: &ProduceResponse) -> Option<String> {
    response.responses.iter().flat_map(|topic| &topic.partition_responses).find_map(|partition| {
        let error = ErrorCode::from_code(partition.error_code)?;
        (!error.is_none()).then(|| match &partition.error_message {
            Some(message) => format!("{error}: {message}"),
            None => error.to_string(),
        })
    })
}
