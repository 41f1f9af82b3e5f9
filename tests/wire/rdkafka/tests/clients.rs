//! Producing, consuming and groups through the crate `rdkafka`.

use std::collections::BTreeMap;

use rdkafka::Message;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rdkafka::message::{Header, Headers, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::util::Timeout;
use taffrail_wire_rdkafka::{Broker, PATIENCE};

fn value(number: u32) -> String {
    format!("record {number} {}", "knot ".repeat((number % 40) as usize))
}

async fn produce(
    broker: &Broker,
    topic: &str,
    numbers: std::ops::Range<u32>,
    settings: &[(&str, &str)],
) {
    let mut config = broker.client();
    for (key, value) in settings {
        config.set(*key, *value);
    }
    let producer: FutureProducer = config.create().expect("a producer");
    let mut reports = Vec::new();
    for number in numbers {
        let key = number.to_string();
        let headers = OwnedHeaders::new().insert(Header { key: "number", value: Some(&key) });
        let payload = value(number);
        let record = FutureRecord::to(topic).key(&key).payload(&payload).headers(headers);
        reports.push(
            producer.send_result(record).map_err(|(error, _)| error).expect("room in the queue"),
        );
    }
    for report in reports {
        report.await.expect("the producer lives").map_err(|(error, _)| error).expect("delivered");
    }
}

fn member(broker: &Broker, group: &str, topic: &str) -> StreamConsumer {
    let consumer: StreamConsumer = broker
        .client()
        .set("group.id", group)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .create()
        .expect("a consumer");
    consumer.subscribe(&[topic]).expect("subscribed");
    consumer
}

/// Takes `count` records: how often each number came. Every record is checked against its number.
async fn take(consumer: &StreamConsumer, count: usize) -> BTreeMap<u32, usize> {
    let mut seen = BTreeMap::new();
    for _ in 0..count {
        let message = tokio::time::timeout(PATIENCE, consumer.recv())
            .await
            .expect("a record in time")
            .expect("a record");
        let key = std::str::from_utf8(message.key().expect("a key")).expect("text");
        let number: u32 = key.parse().expect("a number");
        assert_eq!(message.payload(), Some(value(number).as_bytes()));
        let header = message.headers().expect("headers").get(0);
        assert_eq!((header.key, header.value), ("number", Some(key.as_bytes())));
        *seen.entry(number).or_default() += 1;
    }
    seen
}

fn once_each(numbers: std::ops::Range<u32>) -> BTreeMap<u32, usize> {
    numbers.map(|number| (number, 1)).collect()
}

#[tokio::test]
async fn what_is_produced_is_consumed() {
    let broker = Broker::start().expect("a broker");
    for codec in ["none", "snappy", "lz4"] {
        broker.create_topic(codec, 3).await;
        produce(&broker, codec, 0..1_000, &[("compression.type", codec)]).await;
        assert_eq!(
            take(&member(&broker, codec, codec), 1_000).await,
            once_each(0..1_000),
            "{codec}"
        );
    }
}

#[tokio::test]
async fn a_group_commits_and_resumes() {
    let broker = Broker::start().expect("a broker");
    broker.create_topic("resumed", 1).await;
    produce(&broker, "resumed", 0..10, &[]).await;
    let first = member(&broker, "group", "resumed");
    assert_eq!(take(&first, 10).await, once_each(0..10));
    first.commit_consumer_state(CommitMode::Sync).expect("committed");
    first.unsubscribe();
    drop(first);
    produce(&broker, "resumed", 10..15, &[]).await;
    assert_eq!(take(&member(&broker, "group", "resumed"), 5).await, once_each(10..15));
}

#[tokio::test]
async fn two_members_share_the_partitions() {
    let broker = Broker::start().expect("a broker");
    broker.create_topic("shared", 4).await;
    let members = [member(&broker, "group", "shared"), member(&broker, "group", "shared")];
    let held =
        |member: &StreamConsumer| member.assignment().as_ref().map_or(0, TopicPartitionList::count);
    let both = async {
        while members.iter().any(|member| held(member) != 2) {
            tokio::select! {
                _ = members[0].recv() => {}
                _ = members[1].recv() => {}
                () = tokio::time::sleep(std::time::Duration::from_millis(50)) => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, both).await.expect("each member gets two of four partitions");
}

#[tokio::test]
async fn an_idempotent_producer_survives_kill_9() {
    let mut broker = Broker::start().expect("a broker");
    broker.create_topic("idempotent", 1).await;
    let settings = [("enable.idempotence", "true"), ("compression.type", "lz4")];
    produce(&broker, "idempotent", 0..5_000, &settings).await;

    let producer: FutureProducer =
        broker.client().set("enable.idempotence", "true").create().expect("an idempotent producer");
    let sender = tokio::spawn(async move {
        for number in 5_000..7_000u32 {
            let key = number.to_string();
            let headers = OwnedHeaders::new().insert(Header { key: "number", value: Some(&key) });
            let payload = value(number);
            let record =
                FutureRecord::to("idempotent").key(&key).payload(&payload).headers(headers);
            producer
                .send(record, Timeout::Never)
                .await
                .map_err(|(error, _)| error)
                .expect("delivered");
        }
    });
    let watcher = member(&broker, "watcher", "idempotent");
    take(&watcher, 5_500).await;
    assert!(!sender.is_finished(), "the producer is at work while the broker dies");
    broker.kill_and_restart().expect("the broker is back");
    sender.await.expect("all was delivered");

    assert_eq!(take(&member(&broker, "auditor", "idempotent"), 7_000).await, once_each(0..7_000));
    let (low, high) = watcher.fetch_watermarks("idempotent", 0, PATIENCE).expect("watermarks");
    assert_eq!((low, high), (0, 7_000), "no record is there twice");
}
