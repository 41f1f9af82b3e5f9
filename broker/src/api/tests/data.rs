//! Produce, Fetch and ListOffsets.

use taffrail_model::{ErrorCode, Uuid};
use taffrail_protocol::batch::BatchBuilder;
use taffrail_protocol::messages::delete_topics_request::{DeleteTopicState, DeleteTopicsRequest};
use taffrail_protocol::messages::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use taffrail_protocol::messages::fetch_response::{FetchResponse, PartitionData};
use taffrail_protocol::messages::list_offsets_request::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use taffrail_protocol::messages::produce_request::ProduceRequest;
use taffrail_protocol::messages::{InitProducerIdRequest, MetadataRequest};

use super::{Client, Node, batch, produce};

/// Fetches of names, with sessions.
const BY_NAME: i16 = 12;
/// Fetches of ids, with sessions.
const BY_ID: i16 = 18;
/// Longer than any test may take, so that only what a fetch waits for ends it.
const NEVER_MS: i32 = i32::MAX;

fn fetch(partitions: &[(&str, i32, i64)], max_wait_ms: i32) -> FetchRequest {
    let topics = partitions.iter().map(|&(topic, partition, fetch_offset)| FetchTopic {
        topic: topic.to_owned(),
        partitions: vec![FetchPartition {
            partition,
            fetch_offset,
            partition_max_bytes: 1 << 20,
            ..Default::default()
        }],
        ..Default::default()
    });
    FetchRequest {
        max_wait_ms,
        min_bytes: 1,
        max_bytes: 1 << 20,
        topics: topics.collect(),
        ..Default::default()
    }
}

fn partitions(response: &FetchResponse) -> Vec<&PartitionData> {
    response.responses.iter().flat_map(|topic| &topic.partitions).collect()
}

fn length(partition: &PartitionData) -> usize {
    partition.records.as_ref().map_or(0, |records| records.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_acks_is_answered() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    client.create_topic("a", 1).await;
    for (acks, base_offset) in [(1, 0), (-1, 2)] {
        let produced = client.produce(acks, "a", batch(&["x", "y"])).await;
        assert_eq!((produced.error_code, produced.base_offset), (0, base_offset), "{acks}");
    }
    // No reply, so that the next answer belongs to the next request.
    client.send(12, &produce(0, "a", Uuid::ZERO, batch(&["z"]))).await;
    let produced = client.produce(1, "a", batch(&["x"])).await;
    assert_eq!(produced.base_offset, 5);

    let produced = client.produce(2, "a", batch(&["x"])).await;
    assert_eq!(produced.error_code, ErrorCode::InvalidRequiredAcks.code());
    // A write of this node alone doesn't depend on the timeout, which is for replicas.
    let hasty = ProduceRequest { timeout_ms: 0, ..produce(1, "a", Uuid::ZERO, batch(&["x"])) };
    let produced = client.ask(12, &hasty).await;
    assert_eq!(produced.responses[0].partition_responses[0].error_code, 0);

    client.send(12, &produce(0, "missing", Uuid::ZERO, batch(&["x"]))).await;
    client.expect_closed().await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_produced_is_refused() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    client.create_topic("a", 1).await;
    client.find_coordinator("g").await;
    let transactional = BatchBuilder::new().producer(7, 0, 0).transactional(true);
    let transactional = {
        let mut builder = transactional;
        builder.append(0, None, Some(b"x"), &[]);
        builder.build()
    };
    let mut damaged = batch(&["x"]).to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    let cases = [
        ("missing", batch(&["x"]), ErrorCode::UnknownTopicOrPartition),
        ("__consumer_offsets", batch(&["x"]), ErrorCode::InvalidTopicException),
        ("a", transactional, ErrorCode::TransactionalIdAuthorizationFailed),
        ("a", damaged.into(), ErrorCode::CorruptMessage),
        ("a", [batch(&["x"]), batch(&["y"])].concat().into(), ErrorCode::InvalidRecord),
    ];
    for (topic, batch, expect) in cases {
        let produced = client.produce(-1, topic, batch).await;
        assert_eq!(produced.error_code, expect.code(), "{topic}: {expect}");
        assert_eq!(produced.base_offset, -1);
    }
    let mut request = produce(-1, "a", Uuid::ZERO, batch(&["x"]));
    request.topic_data[0].partition_data[0].index = 1;
    let response = client.ask(12, &request).await;
    let code = response.responses[0].partition_responses[0].error_code;
    assert_eq!(code, ErrorCode::UnknownTopicOrPartition.code());
    request.topic_data[0].partition_data[0].index = 0;
    request.topic_data[0].partition_data[0].records = None;
    let response = client.ask(12, &request).await;
    let code = response.responses[0].partition_responses[0].error_code;
    assert_eq!(code, ErrorCode::InvalidRecord.code());
    // Where topics have ids, one of zeros is an id that no topic has.
    let response = client.ask(13, &produce(-1, "", Uuid::ZERO, batch(&["x"]))).await;
    let code = response.responses[0].partition_responses[0].error_code;
    assert_eq!(code, ErrorCode::UnknownTopicId.code());
    // A request for nothing gets an answer of nothing.
    let response = client.ask(12, &ProduceRequest { acks: -1, ..Default::default() }).await;
    assert!(response.responses.is_empty());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn producers_of_one_partition_are_all_answered() {
    const PRODUCERS: usize = 8;
    const EACH: usize = 100;
    let node = Node::start().await;
    node.connect().await.create_topic("a", 1).await;
    let mut producers = tokio::task::JoinSet::new();
    for producer in 0..PRODUCERS {
        let mut client = node.connect().await;
        producers.spawn(async move {
            let mut offsets = Vec::with_capacity(EACH);
            for n in 0..EACH {
                let acks = if (producer + n) % 2 == 0 { 1 } else { -1 };
                let produced = client.produce(acks, "a", batch(&["x"])).await;
                assert_eq!(produced.error_code, 0);
                offsets.push(produced.base_offset);
            }
            offsets
        });
    }
    let mut offsets: Vec<i64> = producers.join_all().await.concat();
    offsets.sort_unstable();
    assert!(offsets.iter().copied().eq(0..(PRODUCERS * EACH) as i64));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idempotent_producers_get_ids_and_their_repetitions_one_offset() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    client.create_topic("a", 1).await;
    let request = InitProducerIdRequest { transactional_id: None, ..Default::default() };
    let first = client.ask(4, &request).await;
    let second = client.ask(4, &request).await;
    assert_ne!(first.producer_id, second.producer_id);
    let numbered = |sequence| {
        let mut builder =
            BatchBuilder::new().producer(first.producer_id, first.producer_epoch, sequence);
        builder.append(0, None, Some(b"x"), &[]);
        builder.build()
    };
    for (sequence, expect) in [(0, Ok(0)), (0, Ok(0)), (1, Ok(1))] {
        let produced = client.produce(-1, "a", numbered(sequence)).await;
        assert_eq!((produced.error_code, Ok::<_, ()>(produced.base_offset)), (0, expect));
    }
    let produced = client.produce(-1, "a", numbered(7)).await;
    assert_eq!(produced.error_code, ErrorCode::OutOfOrderSequenceNumber.code());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fetch_waits_until_there_is_something() {
    let node = Node::start().await;
    let (mut consumer, mut producer) = (node.connect().await, node.connect().await);
    producer.create_topic("a", 2).await;
    // A topic that isn't there is told with the answer, and doesn't end the wait.
    consumer.send(BY_NAME, &fetch(&[("missing", 0, 0), ("a", 0, 0), ("a", 1, 0)], NEVER_MS)).await;
    assert_eq!(producer.produce(-1, "a", batch(&["x"])).await.error_code, 0);
    let response = consumer.receive::<FetchRequest>(BY_NAME).await;
    let found = partitions(&response);
    let codes: Vec<i16> = found.iter().map(|partition| partition.error_code).collect();
    assert_eq!(codes, [ErrorCode::UnknownTopicOrPartition.code(), 0, 0]);
    assert!(length(found[1]) > 0);
    assert_eq!((found[1].high_watermark, found[1].last_stable_offset), (1, 1));
    assert_eq!(length(found[2]), 0);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fetch_that_cannot_succeed_does_not_wait() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    client.create_topic("a", 1).await;
    let check = async |client: &mut Client, request: &FetchRequest, expect: ErrorCode| {
        let response = client.ask(BY_NAME, request).await;
        assert_eq!(partitions(&response)[0].error_code, expect.code());
    };
    let unknown = ErrorCode::UnknownTopicOrPartition;
    check(&mut client, &fetch(&[("missing", 0, 0)], NEVER_MS), unknown).await;
    check(&mut client, &fetch(&[("a", 1, 0)], NEVER_MS), unknown).await;
    check(&mut client, &fetch(&[("a", 0, 1)], NEVER_MS), ErrorCode::OffsetOutOfRange).await;
    check(&mut client, &fetch(&[("a", 0, -1)], NEVER_MS), ErrorCode::OffsetOutOfRange).await;
    let mut newer = fetch(&[("a", 0, 0)], NEVER_MS);
    newer.topics[0].partitions[0].current_leader_epoch = 7;
    check(&mut client, &newer, ErrorCode::UnknownLeaderEpoch).await;
    // Where topics have ids, one of zeros is an id that no topic has.
    let response = client.ask(BY_ID, &fetch(&[("", 0, 0)], NEVER_MS)).await;
    assert_eq!(partitions(&response)[0].error_code, ErrorCode::UnknownTopicId.code());
    let nothing = client.ask(BY_NAME, &fetch(&[], NEVER_MS)).await;
    assert_eq!((nothing.error_code, nothing.responses.len()), (0, 0));
    let unlimited = FetchRequest { min_bytes: 0, ..fetch(&[("a", 0, 0)], NEVER_MS) };
    check(&mut client, &unlimited, ErrorCode::None).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_topic_ends_the_wait_for_it() {
    let node = Node::start().await;
    let (mut consumer, mut admin) = (node.connect().await, node.connect().await);
    let id = admin.create_topic("a", 1).await;
    let mut request = fetch(&[("", 0, 0)], NEVER_MS);
    request.topics[0].topic_id = id;
    consumer.send(BY_ID, &request).await;
    let topic = DeleteTopicState { topic_id: id, ..Default::default() };
    let delete =
        DeleteTopicsRequest { topics: vec![topic], timeout_ms: 30_000, ..Default::default() };
    assert_eq!(admin.ask(6, &delete).await.responses[0].error_code, 0);
    let response = consumer.receive::<FetchRequest>(BY_ID).await;
    let code = partitions(&response)[0].error_code;
    let expect = [ErrorCode::NotLeaderOrFollower.code(), ErrorCode::UnknownTopicId.code()];
    assert!(expect.contains(&code), "{code}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_gets_on_whatever_its_limits() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    client.create_topic("a", 2).await;
    let one = batch(&["0123456789"]);
    for _ in 0..2 {
        assert_eq!(client.produce(-1, "a", one.clone()).await.error_code, 0);
    }
    let check = async |client: &mut Client, max_bytes, partition_max_bytes, expect: usize| {
        let mut request = fetch(&[("a", 0, 0), ("a", 1, 0)], 0);
        request.max_bytes = max_bytes;
        request.topics[0].partitions[0].partition_max_bytes = partition_max_bytes;
        let response = client.ask(BY_NAME, &request).await;
        assert_eq!(length(partitions(&response)[0]), expect, "{max_bytes} {partition_max_bytes}");
    };
    check(&mut client, 1 << 20, 1 << 20, 2 * one.len()).await;
    check(&mut client, 1 << 20, 1, one.len()).await;
    check(&mut client, 1, 1 << 20, one.len()).await;
    check(&mut client, 0, 0, one.len()).await;
    check(&mut client, -1, -1, one.len()).await;
    check(&mut client, i32::try_from(one.len()).unwrap() + 1, 1 << 20, one.len()).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_tells_only_what_is_new() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    client.create_topic("a", 2).await;
    let full = FetchRequest { session_epoch: 0, ..fetch(&[("a", 0, 0), ("a", 1, 0)], 0) };
    let response = client.ask(BY_NAME, &full).await;
    assert_eq!(partitions(&response).len(), 2);
    let session_id = response.session_id;
    assert_ne!(session_id, 0);
    let next = |session_epoch| FetchRequest { session_id, session_epoch, ..fetch(&[], 0) };
    assert_eq!(partitions(&client.ask(BY_NAME, &next(1)).await).len(), 0);
    assert_eq!(client.produce(-1, "a", batch(&["x"])).await.error_code, 0);
    let response = client.ask(BY_NAME, &next(2)).await;
    let [news] = partitions(&response)[..] else { panic!("{response:?}") };
    assert_eq!(news.partition_index, 0);
    assert!(length(news) > 0);

    let check = |response: FetchResponse, expect: ErrorCode| {
        assert_eq!((response.error_code, response.responses.len()), (expect.code(), 0));
    };
    check(client.ask(BY_NAME, &next(2)).await, ErrorCode::InvalidFetchSessionEpoch);
    check(client.ask(BY_ID, &next(3)).await, ErrorCode::FetchSessionTopicIdError);
    let unknown = FetchRequest { session_id: session_id ^ 1, ..next(3) };
    check(client.ask(BY_NAME, &unknown).await, ErrorCode::FetchSessionIdNotFound);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offsets_are_found_by_time_and_by_end() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    client.create_topic("a", 1).await;
    let mut builder = BatchBuilder::new();
    for timestamp in [1_000, 3_000, 2_000] {
        builder.append(timestamp, None, Some(b"x"), &[]);
    }
    assert_eq!(client.produce(-1, "a", builder.build()).await.error_code, 0);
    let check = async |client: &mut Client, version, timestamp, expect: Result<(i64, i64), _>| {
        let request = list(&[("a", timestamp)]);
        let response = client.ask(version, &request).await;
        let found = &response.topics[0].partitions[0];
        match expect {
            Ok((offset, time)) => {
                assert_eq!((found.error_code, found.offset, found.timestamp), (0, offset, time));
            }
            Err(error) => {
                let error: ErrorCode = error;
                assert_eq!((found.error_code, found.offset), (error.code(), -1), "{timestamp}");
            }
        }
    };
    check(&mut client, 11, -2, Ok((0, -1))).await;
    check(&mut client, 11, -1, Ok((3, -1))).await;
    check(&mut client, 11, -3, Ok((1, 3_000))).await;
    check(&mut client, 11, -4, Ok((0, -1))).await;
    check(&mut client, 11, -5, Ok((-1, -1))).await;
    check(&mut client, 11, 0, Ok((0, 1_000))).await;
    check(&mut client, 11, 1_001, Ok((1, 3_000))).await;
    check(&mut client, 11, 3_001, Ok((-1, -1))).await;
    check(&mut client, 11, -7, Err(ErrorCode::UnsupportedVersion)).await;
    // Each of these came with a version of its own.
    check(&mut client, 6, -3, Err(ErrorCode::UnsupportedVersion)).await;
    check(&mut client, 7, -4, Err(ErrorCode::UnsupportedVersion)).await;
    check(&mut client, 8, -5, Err(ErrorCode::UnsupportedVersion)).await;
    check(&mut client, 10, -6, Err(ErrorCode::UnsupportedVersion)).await;

    let response = client.ask(11, &list(&[("a", -1), ("a", -2), ("b", -1)])).await;
    let codes: Vec<i16> =
        response.topics.iter().map(|topic| topic.partitions[0].error_code).collect();
    let (twice, unknown) = (ErrorCode::InvalidRequest, ErrorCode::UnknownTopicOrPartition);
    assert_eq!(codes, [twice.code(), twice.code(), unknown.code()]);
    node.stop().await;
}

fn list(topics: &[(&str, i64)]) -> ListOffsetsRequest {
    let topics = topics.iter().map(|&(name, timestamp)| ListOffsetsTopic {
        name: name.to_owned(),
        partitions: vec![ListOffsetsPartition { timestamp, ..Default::default() }],
        ..Default::default()
    });
    ListOffsetsRequest { replica_id: -1, topics: topics.collect(), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_served_closes_the_connection() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    // AddRaftVoter: of Kafka, but not served here.
    client.stream_bytes(&[0, 0, 0, 10, 0, 80, 0, 0, 0, 0, 0, 1, 0, 0]).await;
    client.expect_closed().await;
    let mut client = node.connect_to("CONTROLLER").await;
    client.send(12, &MetadataRequest::default()).await;
    client.expect_closed().await;
    node.stop().await;
}
