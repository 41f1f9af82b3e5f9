//! Fetch (1): record batches for consumers, at once or as soon as there are enough.

use std::sync::Arc;
use std::time::Duration;

use taffrail_model::{ErrorCode, LeaderEpoch, NodeId, Offset, Uuid};
use taffrail_node::fetch_session::{
    FetchContext, FetchParams, FetchTarget, FetchTopic, PartitionOutcome, SessionRequest,
};
use taffrail_protocol::messages::FetchRequest;
use taffrail_protocol::messages::fetch_response::{
    FetchResponse, FetchableTopicResponse, LeaderIdAndEpoch, NodeEndpoint, PartitionData,
};
use taffrail_protocol::wire::Records;
use taffrail_security::Operation;

use super::Call;
use super::topic_lookup::{self, Hosted, Named};
use crate::runtime::{PartitionCell, ReplyCharge, Waiter, charged};

/// Topics have ids and no names from this version on.
const FIRST_TOPIC_ID_VERSION: i16 = 13;
const READ_COMMITTED: i8 = 1;
/// No topic has a longer name. Sessions compare names for every partition, so that long ones in a large request would
/// keep all other fetches waiting.
const TOPIC_NAME_BYTES_MAX: usize = 249;

pub(super) async fn handle(call: &Call<'_>, mut request: FetchRequest) -> FetchResponse {
    let limits = Limits {
        max_bytes: bytes(request.max_bytes).min(call.broker.fetch_max_bytes),
        min_bytes: bytes(request.min_bytes),
        read_committed: request.isolation_level == READ_COMMITTED,
        is_follower: request.replica_id >= 0 || request.replica_state.replica_id >= 0,
    };
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    if request.topics.iter().any(|topic| topic.topic.len() > TOPIC_NAME_BYTES_MAX) {
        let error_code = ErrorCode::InvalidTopicException.code();
        return FetchResponse { error_code, ..Default::default() };
    }
    let session = session_request(call, &mut request, limits.is_follower);
    let context = match call.broker.fetch_sessions.lock().begin(call.now.mono, session) {
        Ok(context) => context,
        Err(error) => return FetchResponse { error_code: error.code(), ..Default::default() },
    };
    let (reads, charge) = read_or_wait(call, &context, limits, wait).await;
    respond(call, &context, reads, &Arc::new(charge), limits)
}

/// A size as the wire has it; nothing is less than nothing.
fn bytes(size: i32) -> usize {
    usize::try_from(size).unwrap_or(0)
}

/// What a request allows and wants.
#[derive(Clone, Copy)]
struct Limits {
    max_bytes: usize,
    min_bytes: usize,
    read_committed: bool,
    is_follower: bool,
}

fn session_request(
    call: &Call<'_>,
    request: &mut FetchRequest,
    privileged: bool,
) -> SessionRequest {
    let by_id = call.version >= FIRST_TOPIC_ID_VERSION;
    let topic_of =
        |name: String, id| if by_id { FetchTopic::Id(id) } else { FetchTopic::Name(name.into()) };
    let mut partitions = Vec::new();
    for topic in std::mem::take(&mut request.topics) {
        let named = topic_of(topic.topic, topic.topic_id);
        for partition in topic.partitions {
            let target = FetchTarget { topic: named.clone(), partition: partition.partition };
            let params = FetchParams {
                fetch_offset: partition.fetch_offset,
                max_bytes: partition.partition_max_bytes,
                current_leader_epoch: partition.current_leader_epoch,
                last_fetched_epoch: partition.last_fetched_epoch,
                log_start_offset: partition.log_start_offset,
                high_watermark: partition.high_watermark,
            };
            partitions.push((target, params));
        }
    }
    let mut forgotten = Vec::new();
    for topic in std::mem::take(&mut request.forgotten_topics_data) {
        let named = topic_of(topic.topic, topic.topic_id);
        let targets = topic.partitions.into_iter();
        forgotten.extend(targets.map(|partition| FetchTarget { topic: named.clone(), partition }));
    }
    SessionRequest {
        session_id: request.session_id,
        epoch: request.session_epoch,
        privileged,
        uses_topic_ids: by_id,
        partitions,
        forgotten,
    }
}

/// What reading one partition gave.
struct Read {
    error: ErrorCode,
    high_watermark: Offset,
    last_stable: Offset,
    log_start: Offset,
    records: Records,
    /// Who leads instead, with an error that says that this node doesn't.
    current_leader: Option<(NodeId, LeaderEpoch)>,
    /// Whose records they are, if there are any.
    cell: Option<Arc<PartitionCell>>,
}

impl Read {
    fn refused(error: ErrorCode) -> Self {
        Self {
            error,
            high_watermark: -1,
            last_stable: -1,
            log_start: -1,
            records: Records::default(),
            current_leader: None,
            cell: None,
        }
    }
}

/// Reads until there are `min_bytes`, an error, or no time left. What was read is charged.
async fn read_or_wait(
    call: &Call<'_>,
    context: &FetchContext,
    limits: Limits,
    wait: Duration,
) -> (Vec<Read>, ReplyCharge) {
    let asked = context
        .partitions
        .iter()
        .fold(0usize, |sum, (_, params)| sum.saturating_add(bytes(params.max_bytes)));
    let deadline = tokio::time::Instant::now() + wait;
    let mut parked: Option<ParkedFetch> = None;
    loop {
        let sources: Vec<Source> = context
            .partitions
            .iter()
            .map(|(target, _)| find(call, target, limits.is_follower))
            .collect();
        let mut charge = call.broker.reply_memory.take_up_to(asked.min(limits.max_bytes));
        let room = charge.bytes();
        let reads = read_all(context, &sources, limits, room);
        let found = reads.iter().map(|read| read.records.len()).sum();
        charge.set(found);
        // Where there is no room for what was asked for, one batch is as good as can be.
        let wanted = limits.min_bytes.min(room.max(1));
        let stopping = &call.broker.stopping;
        let is_over = tokio::time::Instant::now() >= deadline || stopping.is_cancelled();
        if found >= wanted || is_over || cannot_wait(&sources, &reads) {
            return (reads, charge);
        }
        // What was read is read again when there is more; meanwhile its memory is others'.
        drop((reads, charge));
        match &parked {
            // Left only now, so that a fetch that needn't wait costs nothing here. What was appended since the
            // read above would be missed; the read that follows at once finds it.
            None => parked = Some(ParkedFetch::leave(&sources)),
            Some(parked) => {
                // In whatever way this ends, the next look decides.
                tokio::select! {
                    () = parked.waiter.woken() => {}
                    () = tokio::time::sleep_until(deadline) => {}
                    () = stopping.cancelled() => {}
                }
            }
        }
    }
}

/// Whether the client has to hear at once of what went wrong. A partition that couldn't be read is news; one that can't
/// even be looked for isn't, as long as another may have records: its consumer would ask again and again without a rest.
fn cannot_wait(sources: &[Source], reads: &[Read]) -> bool {
    let failed = |(source, read): (&Source, &Read)| {
        !matches!(source, Source::Refused(_)) && !read.error.is_none()
    };
    sources.iter().zip(reads).any(failed)
        || sources.iter().all(|source| matches!(source, Source::Refused(_)))
}

/// A waiter that every partition of the fetch holds, until the fetch is answered or dropped.
struct ParkedFetch {
    waiter: Arc<Waiter>,
}

impl ParkedFetch {
    fn leave(sources: &[Source]) -> Self {
        let waiter = Arc::new(Waiter::default());
        for source in sources {
            if let Source::Here(cell) = source {
                cell.waiters.park(&waiter);
            }
        }
        Self { waiter }
    }
}

impl Drop for ParkedFetch {
    fn drop(&mut self) {
        self.waiter.finish();
    }
}

/// Where a partition's records come from, or why they don't.
enum Source {
    Here(Arc<PartitionCell>),
    Elsewhere { leader: NodeId, leader_epoch: LeaderEpoch },
    Refused(ErrorCode),
}

fn find(call: &Call<'_>, target: &FetchTarget, is_follower: bool) -> Source {
    let named = match &target.topic {
        FetchTopic::Id(id) => Named::Id(*id),
        FetchTopic::Name(name) => Named::Name(name),
    };
    let topic = match topic_lookup::topic(call, named, Operation::Read) {
        Ok(topic) => topic,
        Err(error) => return Source::Refused(error),
    };
    match topic_lookup::partition(call, &topic, target.partition) {
        // No other node replicates from this one.
        Hosted::Here(_) if is_follower => Source::Refused(ErrorCode::NotLeaderOrFollower),
        Hosted::Here(cell) => Source::Here(cell),
        Hosted::Elsewhere { leader, leader_epoch } => Source::Elsewhere { leader, leader_epoch },
        Hosted::Nowhere => Source::Refused(ErrorCode::UnknownTopicOrPartition),
    }
}

fn read_all(
    context: &FetchContext,
    sources: &[Source],
    limits: Limits,
    mut room: usize,
) -> Vec<Read> {
    // The first partition that has records gives one batch at least, however large, so that a consumer whose limits
    // are smaller than a batch gets on (KIP-74).
    let mut owes_a_batch = true;
    let mut reads = Vec::with_capacity(sources.len());
    for ((_, params), source) in context.partitions.iter().zip(sources) {
        let read = match source {
            Source::Refused(error) => Read::refused(*error),
            Source::Elsewhere { leader, leader_epoch } => Read {
                current_leader: Some((*leader, *leader_epoch)),
                ..Read::refused(ErrorCode::NotLeaderOrFollower)
            },
            Source::Here(cell) => read_one(cell, params, room, owes_a_batch, limits.read_committed),
        };
        room = room.saturating_sub(read.records.len());
        owes_a_batch &= read.records.is_empty();
        reads.push(read);
    }
    reads
}

fn read_one(
    cell: &Arc<PartitionCell>,
    params: &FetchParams,
    room: usize,
    owes_a_batch: bool,
    read_committed: bool,
) -> Read {
    let view = cell.view();
    if let Err(error) = cell.check_leader_epoch(params.current_leader_epoch) {
        let current_leader =
            (error == ErrorCode::FencedLeaderEpoch).then_some((cell.node_id(), view.leader_epoch));
        return Read { current_leader, ..Read::refused(error) };
    }
    if params.fetch_offset < view.log_start || params.fetch_offset > view.log_end {
        return Read::refused(ErrorCode::OffsetOutOfRange);
    }
    let bound = if read_committed { view.last_stable } else { view.high_watermark };
    let max_bytes = bytes(params.max_bytes).min(room);
    let records = if params.fetch_offset >= bound || (max_bytes == 0 && !owes_a_batch) {
        Ok(Records::default())
    } else {
        cell.read(params.fetch_offset, bound, max_bytes, owes_a_batch)
    };
    match records {
        Ok(records) => Read {
            error: ErrorCode::None,
            high_watermark: view.high_watermark,
            last_stable: view.last_stable,
            log_start: view.log_start,
            cell: (!records.is_empty()).then(|| Arc::clone(cell)),
            records,
            current_leader: None,
        },
        Err(error) => Read::refused(error),
    }
}

fn respond(
    call: &Call<'_>,
    context: &FetchContext,
    reads: Vec<Read>,
    charge: &Arc<ReplyCharge>,
    limits: Limits,
) -> FetchResponse {
    let outcomes: Vec<PartitionOutcome> = context
        .partitions
        .iter()
        .zip(&reads)
        .map(|((target, _), read)| PartitionOutcome {
            target: target.clone(),
            has_records: !read.records.is_empty(),
            high_watermark: read.high_watermark,
            log_start_offset: read.log_start,
            error: read.error,
            has_preferred_replica: false,
            has_diverging_epoch: false,
        })
        .collect();
    let random = rand::random();
    let answer =
        call.broker.fetch_sessions.lock().complete(call.now.mono, context, &outcomes, random);
    let mut response = FetchResponse {
        error_code: answer.error.code(),
        session_id: answer.session_id,
        ..Default::default()
    };
    let mut included = answer.included.into_iter().peekable();
    for (index, ((target, _), mut read)) in context.partitions.iter().zip(reads).enumerate() {
        if included.next_if_eq(&index).is_none() {
            continue;
        }
        count(call, &read);
        read.records = charged(read.records, charge);
        if let Some((leader, _)) = read.current_leader.filter(|_| call.version >= 16) {
            add_endpoint(call, leader, &mut response.node_endpoints);
        }
        let data = to_wire(call, target, read, limits.read_committed);
        match response.responses.last_mut() {
            Some(topic) if is_topic(topic, &target.topic) => topic.partitions.push(data),
            _ => response.responses.push(topic_to_wire(&target.topic, data)),
        }
    }
    response
}

fn count(call: &Call<'_>, read: &Read) {
    let metrics = &call.broker.metrics.topics;
    metrics.fetch_requests.inc();
    let bytes = read.records.len() as u64;
    metrics.bytes_out.inc_by(bytes);
    if let Some(cell) = &read.cell {
        cell.traffic.count_fetched(bytes);
    }
    if !read.error.is_none() {
        metrics.failed_fetch_requests.inc();
    }
}

fn is_topic(topic: &FetchableTopicResponse, named: &FetchTopic) -> bool {
    match named {
        FetchTopic::Id(id) => topic.topic_id == *id,
        FetchTopic::Name(name) => topic.topic == **name,
    }
}

fn topic_to_wire(named: &FetchTopic, data: PartitionData) -> FetchableTopicResponse {
    let (topic, topic_id) = match named {
        FetchTopic::Id(id) => (String::new(), *id),
        FetchTopic::Name(name) => (name.to_string(), Uuid::ZERO),
    };
    FetchableTopicResponse { topic, topic_id, partitions: vec![data], ..Default::default() }
}

fn to_wire(
    call: &Call<'_>,
    target: &FetchTarget,
    read: Read,
    read_committed: bool,
) -> PartitionData {
    let is_good = read.error.is_none();
    let mut data = PartitionData {
        partition_index: target.partition,
        error_code: read.error.code(),
        high_watermark: read.high_watermark,
        last_stable_offset: read.last_stable,
        log_start_offset: read.log_start,
        // Nothing was aborted, since there are no transactions; who asks for committed records is told so.
        aborted_transactions: (read_committed && is_good).then(Vec::new),
        records: Some(read.records),
        ..Default::default()
    };
    if let Some((leader_id, leader_epoch)) = read.current_leader.filter(|_| call.version >= 12) {
        data.current_leader = LeaderIdAndEpoch { leader_id, leader_epoch, ..Default::default() };
    }
    data
}

/// KIP-951: where the leader is, so that the client needn't ask for metadata first.
fn add_endpoint(call: &Call<'_>, leader: NodeId, endpoints: &mut Vec<NodeEndpoint>) {
    if endpoints.iter().any(|known| known.node_id == leader) {
        return;
    }
    if let Some(address) = topic_lookup::endpoint(call, leader) {
        endpoints.push(NodeEndpoint {
            node_id: leader,
            host: address.host,
            port: address.port,
            rack: address.rack,
            ..Default::default()
        });
    }
}
