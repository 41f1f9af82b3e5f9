//! Configurations as they are described, next to Apache Kafka's own answers.
//!
//! The fixture holds what an Apache Kafka 4.3.1 broker answered to DescribeConfigs, a line an entry:
//! resource, key, value, source, type, read-only, sensitive, synonyms; tabs between them. The broker was
//! started with [`SERVER_PROPERTIES`]; then a topic `a` was created and values were set as in [`image`].

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail by panicking, as the tests do")]

use std::collections::BTreeMap;

use taffrail_metadata::config::{
    CleanupPolicy, ConfigEntry, ConfigSource, StaticConfig, TopicConfigView, describe_broker,
    describe_cluster_default, describe_topic,
};
use taffrail_metadata::{ConfigResource, MetadataDelta, MetadataImage};
use taffrail_model::TopicName;
use taffrail_protocol::records::{ConfigRecord, MetadataRecord};

const FIXTURE: &str = include_str!("fixtures/describe-configs-4.3.1.tsv");

const SERVER_PROPERTIES: &[(&str, &str)] = &[
    ("process.roles", "broker,controller"),
    ("node.id", "1"),
    ("controller.quorum.voters", "1@localhost:39093"),
    ("listeners", "PLAINTEXT://localhost:39092,CONTROLLER://localhost:39093"),
    ("controller.listener.names", "CONTROLLER"),
    ("log.dirs", "/data"),
    ("inter.broker.listener.name", "PLAINTEXT"),
    ("listener.security.protocol.map", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT"),
    ("offsets.topic.replication.factor", "1"),
    ("log.retention.hours", "48"),
    ("log.roll.hours", "24"),
    ("num.partitions", "3"),
    ("some.unknown.key", "x"),
];

/// Keys of the broker that are answered otherwise, and why.
const DEVIATIONS: &[(&str, &str)] = &[
    ("broker.id", "Kafka sets it to node.id behind one's back"),
    (
        "log.retention.hours",
        "once log.retention.ms is set for all brokers, Kafka answers the default beside the source of \
         the file",
    ),
    // What Kafka can change while running and this broker can't is said to be read-only.
    ("listener.security.protocol.map", "read at the start"),
    ("listeners", "read at the start"),
    ("max.connections", "read at the start"),
    ("max.connections.per.ip", "read at the start"),
    ("num.io.threads", "read at the start"),
    ("num.network.threads", "read at the start"),
    ("num.recovery.threads.per.data.dir", "read at the start"),
];

fn server_properties() -> StaticConfig {
    let own = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
    StaticConfig::new(SERVER_PROPERTIES.iter().map(own).collect()).unwrap()
}

fn topic() -> TopicName {
    TopicName::new("a").unwrap()
}

fn image() -> MetadataImage {
    let mut image = MetadataImage::default();
    let set = [
        (ConfigResource::topic(&topic()), "retention.ms", "1000"),
        (ConfigResource::topic(&topic()), "max.message.bytes", "2000000"),
        (ConfigResource::cluster_default(), "min.insync.replicas", "1"),
        (ConfigResource::cluster_default(), "log.segment.bytes", "20000000"),
        (ConfigResource::cluster_default(), "log.retention.ms", "90000000"),
        (ConfigResource::broker(1), "log.segment.bytes", "30000000"),
    ];
    for (resource, name, value) in set {
        let record = MetadataRecord::from(ConfigRecord {
            resource_type: resource.kind.code(),
            resource_name: resource.name,
            name: name.to_owned(),
            value: Some(value.to_owned()),
            ..ConfigRecord::default()
        });
        image.replay(&record, &mut MetadataDelta::default()).unwrap();
    }
    image
}

fn source(source: ConfigSource) -> &'static str {
    match source {
        ConfigSource::DynamicTopic => "DYNAMIC_TOPIC_CONFIG",
        ConfigSource::DynamicBroker => "DYNAMIC_BROKER_CONFIG",
        ConfigSource::DynamicDefaultBroker => "DYNAMIC_DEFAULT_BROKER_CONFIG",
        ConfigSource::StaticBroker => "STATIC_BROKER_CONFIG",
        ConfigSource::Default => "DEFAULT_CONFIG",
    }
}

fn line(resource: &str, entry: &ConfigEntry) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "null".to_owned());
    let synonyms: Vec<String> = entry
        .synonyms
        .iter()
        .map(|s| format!("{}:{}={}", source(s.source), s.name, text(&s.value)))
        .collect();
    [
        resource,
        &entry.name,
        &text(&entry.value),
        source(entry.source),
        entry.kind.map_or("UNKNOWN", |kind| kind.name()),
        &entry.read_only.to_string(),
        &entry.is_sensitive.to_string(),
        &synonyms.join(" "),
    ]
    .join("\t")
}

fn kafkas(resource: &str) -> BTreeMap<String, String> {
    FIXTURE
        .lines()
        .filter(|line| line.split('\t').next() == Some(resource))
        .map(|line| (line.split('\t').nth(1).unwrap().to_owned(), line.to_owned()))
        .collect()
}

fn check(resource: &str, entries: &[ConfigEntry], deviations: &[(&str, &str)]) {
    let ours: BTreeMap<String, String> =
        entries.iter().map(|entry| (entry.name.clone(), line(resource, entry))).collect();
    assert!(entries.is_sorted_by(|a, b| a.name < b.name));
    let kafkas = kafkas(resource);
    for name in kafkas.keys().chain(ours.keys()) {
        let deviates = deviations.iter().any(|(deviation, _)| deviation == name);
        let same = ours.get(name) == kafkas.get(name);
        assert_eq!(same, !deviates, "{name}:\n{:?}\n{:?}", ours.get(name), kafkas.get(name));
    }
}

#[test]
fn a_topic_is_described_as_kafka_does() {
    let entries = describe_topic(&image(), &server_properties(), 1, &topic());
    check("topic:a", &entries, &[]);
}

#[test]
fn the_default_of_all_brokers_is_described_as_kafka_does() {
    let entries = describe_cluster_default(&image(), &server_properties(), 1);
    check("broker:", &entries, &[]);
}

#[test]
fn a_broker_is_described_as_kafka_does() {
    let entries = describe_broker(&image(), &server_properties(), 1);
    check("broker:1", &entries, DEVIATIONS);
}

#[test]
fn the_strongest_layer_holds() {
    let (image, config) = (image(), server_properties());
    let view = TopicConfigView::resolve(&image, &config, 1, &topic());
    assert_eq!(view.retention_ms, 1_000, "the topic's own");
    assert_eq!(view.segment_bytes, 30_000_000, "the broker's");
    assert_eq!(view.segment_ms, 24 * 3_600_000, "the file's, in hours");
    assert_eq!(view.flush_ms, i64::MAX, "the default");
    let delete_only = CleanupPolicy { delete: true, compact: false };
    assert_eq!(view.cleanup_policy, delete_only);
    let other = TopicName::new("b").unwrap();
    let view = TopicConfigView::resolve(&image, &config, 2, &other);
    assert_eq!(view.retention_ms, 90_000_000, "the cluster's");
    assert_eq!(view.segment_bytes, 20_000_000, "the cluster's");
    assert_eq!(view.max_message_bytes, 1_048_588, "the default");
}

#[test]
fn a_value_that_cannot_be_read_counts_as_not_set() {
    let mut image = image();
    let record = MetadataRecord::from(ConfigRecord {
        resource_type: 2,
        resource_name: "a".to_owned(),
        name: "retention.ms".to_owned(),
        value: Some("soon".to_owned()),
        ..ConfigRecord::default()
    });
    image.replay(&record, &mut MetadataDelta::default()).unwrap();
    let view = TopicConfigView::resolve(&image, &server_properties(), 1, &topic());
    assert_eq!(view.retention_ms, 604_800_000);
}

#[test]
fn a_secret_is_not_shown() {
    let texts = [("ssl.keystore.password", "s3cret"), ("other.password", "s3cret")];
    let own = |(k, v): (&str, &str)| (k.to_owned(), v.to_owned());
    let config = StaticConfig::new(texts.into_iter().map(own).collect()).unwrap();
    let entries = describe_broker(&MetadataImage::default(), &config, 1);
    assert!(!format!("{entries:?}").contains("s3cret"));
    assert!(!format!("{config:?}").contains("s3cret"));
}
