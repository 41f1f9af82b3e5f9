//! More partitions and other configurations, live.

use taffrail_model::{ErrorCode, Uuid};
use taffrail_protocol::messages::alter_configs_request::{
    AlterConfigsRequest, AlterConfigsResource as Replacement, AlterableConfig as ReplacedKey,
};
use taffrail_protocol::messages::create_partitions_request::{
    CreatePartitionsRequest, CreatePartitionsTopic,
};
use taffrail_protocol::messages::describe_configs_request::{
    DescribeConfigsRequest, DescribeConfigsResource,
};
use taffrail_protocol::messages::describe_configs_response::DescribeConfigsSynonym;
use taffrail_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use taffrail_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use taffrail_protocol::messages::list_offsets_request::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use taffrail_protocol::messages::metadata_request::{MetadataRequest, MetadataRequestTopic};
use taffrail_security::Authorizer;

use super::{Client, FOREVER, Node, batch, produce, topic};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;

fn more_partitions(wishes: &[(&str, i32)], validate_only: bool) -> CreatePartitionsRequest {
    let topic = |&(name, count): &(&str, i32)| CreatePartitionsTopic {
        name: name.to_owned(),
        count,
        // The default is an empty list, which assigns nothing to nobody.
        assignments: None,
        ..Default::default()
    };
    CreatePartitionsRequest {
        topics: wishes.iter().map(topic).collect(),
        timeout_ms: 30_000,
        validate_only,
        ..Default::default()
    }
}

/// Changes of one key: the resource's type and name, the key, the operation, the value.
type Wish<'a> = (i8, &'a str, &'a str, i8, Option<&'a str>);

async fn alter(client: &mut Client, wishes: &[Wish<'_>]) -> Vec<(Option<ErrorCode>, String)> {
    let resource = |&(resource_type, name, key, config_operation, value): &Wish<'_>| {
        let config = AlterableConfig {
            name: key.to_owned(),
            config_operation,
            value: value.map(str::to_owned),
            ..Default::default()
        };
        AlterConfigsResource {
            resource_type,
            resource_name: name.to_owned(),
            configs: vec![config],
            ..Default::default()
        }
    };
    let request = IncrementalAlterConfigsRequest {
        resources: wishes.iter().map(resource).collect(),
        ..Default::default()
    };
    let response = client.ask(1, &request).await;
    let named: Vec<_> = wishes.iter().map(|wish| (wish.0, wish.1)).collect();
    let answered: Vec<_> = response
        .responses
        .iter()
        .map(|answer| (answer.resource_type, answer.resource_name.as_str()))
        .collect();
    assert_eq!(answered, named, "in the order of the request");
    let outcome = |answer: AlterConfigsResourceResponse| {
        (ErrorCode::from_code(answer.error_code), answer.error_message.unwrap_or_default())
    };
    response.responses.into_iter().map(outcome).collect()
}

async fn partitions_of(client: &mut Client, name: &str) -> Vec<(i32, i32)> {
    let topic = MetadataRequestTopic { name: Some(name.to_owned()), ..Default::default() };
    let request = MetadataRequest { topics: Some(vec![topic]), ..Default::default() };
    let mut response = client.ask(12, &request).await;
    let topic = response.topics.remove(0);
    let mut found: Vec<_> = topic
        .partitions
        .iter()
        .map(|partition| (partition.partition_index, partition.leader_id))
        .collect();
    found.sort_unstable();
    found
}

/// A key's value, its source, and its synonyms as `name=value`.
async fn described(
    client: &mut Client,
    resource: (i8, &str),
    key: &str,
) -> (Option<String>, i8, Vec<String>) {
    let resource = DescribeConfigsResource {
        resource_type: resource.0,
        resource_name: resource.1.to_owned(),
        configuration_keys: Some(vec![key.to_owned()]),
        ..Default::default()
    };
    let request = DescribeConfigsRequest {
        resources: vec![resource],
        include_synonyms: true,
        ..Default::default()
    };
    let mut response = client.ask(4, &request).await;
    let entry = response.results.remove(0).configs.remove(0);
    let synonym = |synonym: &DescribeConfigsSynonym| {
        format!("{}={}", synonym.name, synonym.value.as_deref().unwrap_or("null"))
    };
    (entry.value, entry.config_source, entry.synonyms.iter().map(synonym).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_partitions_are_led_at_once() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    client.create_topic("a", 1).await;
    client.create_topic("b", 2).await;
    let wishes = [("a", 4), ("twice", 3), ("b", 1), ("missing", 3), ("twice", 4), ("b\u{e9}", 1)];
    let check = async |client: &mut Client, validate_only, expect: &[(&str, ErrorCode)]| {
        let response = client.ask(3, &more_partitions(&wishes, validate_only)).await;
        let found: Vec<_> = response
            .results
            .iter()
            .map(|result| (result.name.as_str(), ErrorCode::from_code(result.error_code)))
            .collect();
        let expect: Vec<_> = expect.iter().map(|&(name, error)| (name, Some(error))).collect();
        assert_eq!(found, expect);
    };
    let expect = [
        ("a", ErrorCode::None),
        ("twice", ErrorCode::InvalidRequest),
        ("b", ErrorCode::InvalidPartitions),
        ("missing", ErrorCode::UnknownTopicOrPartition),
        ("b\u{e9}", ErrorCode::UnknownTopicOrPartition),
    ];
    check(&mut client, true, &expect).await;
    assert_eq!(partitions_of(&mut client, "a").await, [(0, 1)]);
    check(&mut client, false, &expect).await;
    assert_eq!(partitions_of(&mut client, "a").await, [(0, 1), (1, 1), (2, 1), (3, 1)]);
    assert_eq!(partitions_of(&mut client, "b").await, [(0, 1), (1, 1)]);
    // Whoever was told that they are there finds them.
    let mut request = produce(-1, "a", Uuid::ZERO, batch(&["x"]));
    request.topic_data[0].partition_data[0].index = 3;
    let response = client.ask(12, &request).await;
    assert_eq!(response.responses[0].partition_responses[0].error_code, 0);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topics_new_configuration_holds_for_open_logs() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    client.create_topic("a", 1).await;
    let large = "x".repeat(2_000);
    assert_eq!(client.produce(-1, "a", batch(&[&large])).await.error_code, 0);
    let outcome = alter(&mut client, &[(TOPIC, "a", "max.message.bytes", SET, Some("1000"))]).await;
    assert_eq!(outcome, [(Some(ErrorCode::None), String::new())]);
    let refused = client.produce(-1, "a", batch(&[&large])).await;
    assert_eq!(refused.error_code, ErrorCode::MessageTooLarge.code());
    let (value, source, synonyms) = described(&mut client, (TOPIC, "a"), "max.message.bytes").await;
    assert_eq!((value.as_deref(), source), (Some("1000"), 1));
    assert_eq!(synonyms, ["max.message.bytes=1000", "message.max.bytes=1048588"]);
    alter(&mut client, &[(TOPIC, "a", "max.message.bytes", DELETE, None)]).await;
    assert_eq!(client.produce(-1, "a", batch(&[&large])).await.error_code, 0);

    // What the cluster and the broker have set reaches topics that set nothing.
    alter(&mut client, &[(BROKER, "", "message.max.bytes", SET, Some("1000"))]).await;
    let refused = client.produce(-1, "a", batch(&[&large])).await;
    assert_eq!(refused.error_code, ErrorCode::MessageTooLarge.code());
    alter(&mut client, &[(BROKER, "1", "message.max.bytes", SET, Some("9000"))]).await;
    assert_eq!(client.produce(-1, "a", batch(&[&large])).await.error_code, 0);
    let (value, source, synonyms) = described(&mut client, (TOPIC, "a"), "max.message.bytes").await;
    assert_eq!((value.as_deref(), source), (Some("9000"), 2));
    assert_eq!(
        synonyms,
        ["message.max.bytes=9000", "message.max.bytes=1000", "message.max.bytes=1048588"]
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shorter_retention_reaches_what_was_written_before() {
    let keys = [("log.retention.check.interval.ms", "20")];
    let node = Node::start_with(&keys, Authorizer::AllowAll).await;
    let mut client = node.connect().await;
    // The records of `batch` are years old.
    client.create(topic("a", 1, &[("retention.ms", "-1")])).await;
    assert_eq!(client.produce(-1, "a", batch(&["x", "y"])).await.error_code, 0);
    let partition = ListOffsetsPartition { timestamp: -2, ..Default::default() };
    let earliest = ListOffsetsRequest {
        replica_id: -1,
        topics: vec![ListOffsetsTopic {
            name: "a".to_owned(),
            partitions: vec![partition],
            ..Default::default()
        }],
        ..Default::default()
    };
    assert_eq!(client.ask(7, &earliest).await.topics[0].partitions[0].offset, 0);
    alter(&mut client, &[(TOPIC, "a", "retention.ms", DELETE, None)]).await;
    let deleted = async {
        while client.ask(7, &earliest).await.topics[0].partitions[0].offset != 2 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(FOREVER, deleted).await.expect("the old records go");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_configured_is_said_of_each_resource() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    client.create_topic("a", 1).await;
    client.create_topic("b", 1).await;
    let compaction = "Configuration cleanup.policy=delete,compact is not supported: log compaction is not \
                      there yet; use delete";
    let cases: &[(Wish<'_>, ErrorCode, &str)] = &[
        ((TOPIC, "b", "retention.ms", SET, Some("1")), ErrorCode::None, ""),
        (
            (TOPIC, "a", "cleanup.policy", APPEND, Some("compact")),
            ErrorCode::InvalidConfig,
            compaction,
        ),
        (
            (TOPIC, "missing", "retention.ms", SET, Some("1")),
            ErrorCode::UnknownTopicOrPartition,
            "The topic 'missing' does not exist.",
        ),
        (
            (TOPIC, "", "retention.ms", SET, Some("1")),
            ErrorCode::InvalidRequest,
            "Default topic resources are not allowed.",
        ),
        (
            (TOPIC, "not a name", "retention.ms", SET, None),
            ErrorCode::InvalidRequest,
            "Null value not supported for : retention.ms",
        ),
        (
            (TOPIC, "c", "retention.ms", 4, Some("1")),
            ErrorCode::InvalidRequest,
            "Unknown operations type 4",
        ),
        (
            (BROKER, "2", "log.retention.ms", SET, Some("1")),
            ErrorCode::InvalidRequest,
            "Unexpected broker id, expected 1, but received 2",
        ),
        (
            (BROKER, "one", "log.retention.ms", SET, Some("1")),
            ErrorCode::InvalidRequest,
            "Node id must be an integer, but it is: one",
        ),
        (
            (BROKER, "1", "log.dirs", SET, Some("/x")),
            ErrorCode::InvalidRequest,
            "Cannot update these configs dynamically: [log.dirs]",
        ),
        (
            (8, "1", "root", SET, Some("INFO")),
            ErrorCode::InvalidRequest,
            "the levels of loggers can't be changed while the broker runs; start it with --log-level",
        ),
        (
            (32, "readers", "consumer.session.timeout.ms", SET, Some("1")),
            ErrorCode::InvalidRequest,
            "Configurations of this kind of resource are not supported: group 'readers'",
        ),
        ((7, "x", "y", SET, Some("z")), ErrorCode::InvalidRequest, "Unknown resource type 7"),
    ];
    let wishes: Vec<Wish<'_>> = cases.iter().map(|case| case.0).collect();
    let outcomes = alter(&mut client, &wishes).await;
    let expect: Vec<_> =
        cases.iter().map(|&(_, error, message)| (Some(error), message.to_owned())).collect();
    assert_eq!(outcomes, expect);

    let twice = (TOPIC, "a", "retention.ms", SET, Some("1"));
    // Also if one of them is wrong by itself.
    for twin in [twice, (TOPIC, "a", "retention.ms", SET, None)] {
        let outcomes = alter(&mut client, &[twice, twin]).await;
        let refused = (Some(ErrorCode::InvalidRequest), "Each resource must appear at most once.");
        assert_eq!(outcomes, [refused, refused].map(|(error, text)| (error, text.to_owned())));
    }
    assert_eq!(described(&mut client, (TOPIC, "a"), "retention.ms").await.1, 5);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_older_request_takes_out_what_it_leaves_out() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    client.create_topic("a", 1).await;
    let mut replace = async |configs: &[(&str, &str)], validate_only| {
        let config = |&(name, value): &(&str, &str)| ReplacedKey {
            name: name.to_owned(),
            value: Some(value.to_owned()),
            ..Default::default()
        };
        let replacement = Replacement {
            resource_type: TOPIC,
            resource_name: "a".to_owned(),
            configs: configs.iter().map(config).collect(),
            ..Default::default()
        };
        let request = AlterConfigsRequest {
            resources: vec![replacement],
            validate_only,
            ..Default::default()
        };
        let answer = client.ask(2, &request).await.responses.remove(0);
        let retention = described(&mut client, (TOPIC, "a"), "retention.ms").await.0;
        let segment = described(&mut client, (TOPIC, "a"), "segment.ms").await.0;
        (answer.error_code, retention.unwrap_or_default(), segment.unwrap_or_default())
    };
    let mut check =
        async |configs: &[(&str, &str)], validate_only, error: ErrorCode, expect: (&str, &str)| {
            let (code, retention, segment) = replace(configs, validate_only).await;
            assert_eq!(
                (code, retention.as_str(), segment.as_str()),
                (error.code(), expect.0, expect.1)
            );
        };
    let week = "604800000";
    check(&[("retention.ms", "1000")], false, ErrorCode::None, ("1000", week)).await;
    check(&[("segment.ms", "2000")], true, ErrorCode::None, ("1000", week)).await;
    check(&[("segment.ms", "soon")], false, ErrorCode::InvalidConfig, ("1000", week)).await;
    check(&[("segment.ms", "2000")], false, ErrorCode::None, (week, "2000")).await;
    check(&[], false, ErrorCode::None, (week, week)).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn controllers_listeners_take_changes_too() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    client.create_topic("a", 1).await;
    let mut controller = node.connect_to("CONTROLLER").await;
    let outcome = alter(&mut controller, &[(TOPIC, "a", "retention.ms", SET, Some("1000"))]).await;
    assert_eq!(outcome, [(Some(ErrorCode::None), String::new())]);
    let outcome =
        alter(&mut controller, &[(BROKER, "2", "log.retention.ms", SET, Some("1"))]).await;
    assert_eq!(outcome[0].0, Some(ErrorCode::BrokerIdNotRegistered));
    let response = controller.ask(3, &more_partitions(&[("a", 2)], false)).await;
    assert_eq!(response.results[0].error_code, 0);
    assert_eq!(partitions_of(&mut client, "a").await, [(0, 1), (1, 1)]);
    node.stop().await;
}
