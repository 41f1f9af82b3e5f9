//! Changes of configurations.

use taffrail_metadata::{
    Answer, ConfigAlteration, ConfigChange, ConfigOperation, ConfigReplacement, ConfigResource,
    Operation, Refusal, ResourceType,
};
use taffrail_model::{ErrorCode, TopicName};

use crate::harness::{Cluster, topic};

fn alter(
    cluster: &mut Cluster,
    resource: ConfigResource,
    changes: &[(&str, ConfigOperation)],
) -> Result<(), (ErrorCode, String)> {
    let answer = cluster.ask(Operation::IncrementalAlterConfigs {
        changes: vec![ConfigAlteration {
            resource,
            changes: changes
                .iter()
                .map(|(name, operation)| ConfigChange {
                    name: (*name).to_owned(),
                    operation: operation.clone(),
                })
                .collect(),
        }],
        validate_only: false,
    });
    let Answer::AlterConfigs(mut altered) = answer.unwrap() else {
        panic!("another answer");
    };
    let refused = |r: Refusal| (r.error, r.message);
    altered.remove(0).result.map_err(refused)
}

fn set(value: &str) -> ConfigOperation {
    ConfigOperation::Set(value.to_owned())
}

fn topic_a() -> ConfigResource {
    ConfigResource::topic(&TopicName::new("a").unwrap())
}

#[test]
fn values_are_set_and_taken_out() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    cluster.create(topic("a", 1, 1)).unwrap();
    alter(&mut cluster, topic_a(), &[("retention.ms", set("1000")), ("segment.ms", set("2000"))])
        .unwrap();
    assert_eq!(cluster.published.config_value(&topic_a(), "retention.ms"), Some("1000"));
    let end = cluster.end_offset();
    alter(&mut cluster, topic_a(), &[("retention.ms", set("1000"))]).unwrap();
    assert_eq!(cluster.end_offset(), end, "what is so already needs no record");
    alter(&mut cluster, topic_a(), &[("retention.ms", ConfigOperation::Delete)]).unwrap();
    assert_eq!(cluster.published.config_value(&topic_a(), "retention.ms"), None);
    assert!(cluster.delta.changed_configs.contains(&topic_a()));
}

#[test]
fn what_no_batch_of_the_log_holds_is_refused() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    let value = "x".repeat(32_767);
    let mut change = |count: usize| {
        let name = |number: usize| ConfigChange {
            name: format!("some.plugins.key.{number}"),
            operation: set(&value),
        };
        let changes = (0..count).map(name).collect();
        let resource = ConfigResource::cluster_default();
        let end = cluster.end_offset();
        let answer = cluster.ask(Operation::IncrementalAlterConfigs {
            changes: vec![ConfigAlteration { resource, changes }],
            validate_only: false,
        });
        (answer.map_err(|refusal| refusal.error).map(|_| ()), cluster.end_offset() - end)
    };
    assert_eq!(change(223), (Ok(()), 223));
    assert_eq!(change(224), (Err(ErrorCode::PolicyViolation), 0));
}

#[test]
fn lists_are_added_to_and_taken_from() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    cluster.create(topic("a", 1, 1)).unwrap();
    let key = "leader.replication.throttled.replicas";
    let append = |items: &str| ConfigOperation::Append(items.to_owned());
    alter(&mut cluster, topic_a(), &[(key, append("0:1,1:1"))]).unwrap();
    alter(&mut cluster, topic_a(), &[(key, append("1:1,2:1"))]).unwrap();
    assert_eq!(cluster.published.config_value(&topic_a(), key), Some("0:1,1:1,2:1"));
    let subtract = ConfigOperation::Subtract("0:1".to_owned());
    alter(&mut cluster, topic_a(), &[(key, subtract)]).unwrap();
    assert_eq!(cluster.published.config_value(&topic_a(), key), Some("1:1,2:1"));
    assert_eq!(
        alter(&mut cluster, topic_a(), &[("retention.ms", append("1"))]),
        Err((
            ErrorCode::InvalidConfig,
            "Can't APPEND to key retention.ms because its type is not LIST.".to_owned()
        ))
    );
}

#[test]
fn what_is_refused() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    cluster.create(topic("a", 1, 1)).unwrap();
    let named = |kind, name: &str| ConfigResource { kind, name: name.to_owned() };
    let broker = |name: &str| named(ResourceType::Broker, name);
    let mut check = |resource, key: &str, operation, error, message: &str| {
        let end = cluster.end_offset();
        assert_eq!(
            alter(&mut cluster, resource, &[(key, operation)]),
            Err((error, message.to_owned()))
        );
        assert_eq!(cluster.end_offset(), end);
    };
    check(
        named(ResourceType::Topic, ""),
        "retention.ms",
        set("1"),
        ErrorCode::InvalidRequest,
        "Default topic resources are not allowed.",
    );
    check(
        named(ResourceType::Topic, "b"),
        "retention.ms",
        set("1"),
        ErrorCode::UnknownTopicOrPartition,
        "The topic 'b' does not exist.",
    );
    check(
        topic_a(),
        "retention.ms",
        set("soon"),
        ErrorCode::InvalidConfig,
        "Invalid value soon for configuration retention.ms: Not a number of type LONG",
    );
    check(
        topic_a(),
        "cleanup.policy",
        ConfigOperation::Append("compact".to_owned()),
        ErrorCode::InvalidConfig,
        "Configuration cleanup.policy=delete,compact is not supported: log compaction is not there yet; \
         use delete",
    );
    check(
        topic_a(),
        "retention.ms",
        set(&"1".repeat(40_000)),
        ErrorCode::InvalidConfig,
        "The configuration value cannot be added because it exceeds the maximum value size of 32767 \
         bytes.",
    );
    for name in ["one", "01", "+1"] {
        check(
            broker(name),
            "log.retention.ms",
            set("1"),
            ErrorCode::InvalidRequest,
            "Unable to parse broker name as a base 10 number.",
        );
    }
    check(
        broker("-1"),
        "log.retention.ms",
        set("1"),
        ErrorCode::InvalidRequest,
        "Invalid negative broker ID.",
    );
    check(
        broker("7"),
        "log.retention.ms",
        set("1"),
        ErrorCode::BrokerIdNotRegistered,
        "No broker with id 7 found.",
    );
    check(
        broker("1"),
        "node.id",
        set("2"),
        ErrorCode::InvalidRequest,
        "Cannot update these configs dynamically: [node.id]",
    );
    check(
        broker("1"),
        "log.retention.ms",
        ConfigOperation::Append("1".to_owned()),
        ErrorCode::InvalidConfig,
        "Config value append is not allowed for config key: log.retention.ms",
    );
    check(
        broker("1"),
        "no.such.key",
        ConfigOperation::Subtract("1".to_owned()),
        ErrorCode::InvalidConfig,
        "Unknown config name: no.such.key",
    );
    check(
        broker("1"),
        "min.insync.replicas",
        set("2"),
        ErrorCode::InvalidConfig,
        "Broker-level min.insync.replicas cannot be altered while ELR is enabled.",
    );
    check(
        broker(""),
        "min.insync.replicas",
        ConfigOperation::Delete,
        ErrorCode::InvalidConfig,
        "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.",
    );
    check(
        named(ResourceType::Group, "g"),
        "consumer.session.timeout.ms",
        set("1"),
        ErrorCode::InvalidRequest,
        "Configurations of this kind of resource are not supported: group 'g'",
    );
}

#[test]
fn another_minimum_of_in_sync_replicas_clears_who_is_eligible() {
    let mut cluster = Cluster::with_brokers(&[("min.insync.replicas", "2")], &[1, 2]);
    let id = cluster.create_on("a", &[1, 2]);
    crate::isr::alter(&mut cluster, 1, id, &[1]).unwrap();
    assert_eq!(cluster.partition(id, 0).elr, [2]);
    alter(&mut cluster, ConfigResource::cluster_default(), &[("min.insync.replicas", set("1"))])
        .unwrap();
    let partition = cluster.partition(id, 0);
    assert!(partition.elr.is_empty());
    assert_eq!(partition.isr, [1]);
}

#[test]
fn a_resource_is_changed_once_a_request() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    cluster.create(topic("a", 1, 1)).unwrap();
    let change = ConfigAlteration {
        resource: topic_a(),
        changes: vec![ConfigChange { name: "retention.ms".to_owned(), operation: set("1") }],
    };
    let answer = cluster.ask(Operation::IncrementalAlterConfigs {
        changes: vec![change.clone(), change],
        validate_only: false,
    });
    let Answer::AlterConfigs(altered) = answer.unwrap() else {
        panic!("another answer");
    };
    let errors: Vec<ErrorCode> =
        altered.iter().filter_map(|altered| Some(altered.result.as_ref().err()?.error)).collect();
    assert_eq!(errors, [ErrorCode::InvalidRequest; 2]);
    assert_eq!(cluster.published.config_value(&topic_a(), "retention.ms"), None);
}

#[test]
fn what_a_replacement_leaves_out_is_taken_out() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    cluster.create(topic("a", 1, 1)).unwrap();
    alter(&mut cluster, topic_a(), &[("retention.ms", set("1000")), ("segment.ms", set("2000"))])
        .unwrap();
    let mut replace = |resource: ConfigResource, configs: &[(&str, &str)], validate_only| {
        let set = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let replacement =
            ConfigReplacement { resource, configs: configs.iter().map(set).collect() };
        let answer = cluster
            .ask(Operation::ReplaceConfigs { replacements: vec![replacement], validate_only });
        let Ok(Answer::AlterConfigs(mut altered)) = answer else {
            panic!("another answer");
        };
        let result = altered.remove(0).result.map_err(|refusal| refusal.error);
        let of = |key: &str| cluster.published.config_value(&topic_a(), key).map(str::to_owned);
        (result, of("retention.ms"), of("segment.ms"))
    };
    let value = |text: &str| Some(text.to_owned());
    let kept = (value("1000"), value("2000"));
    let mut check = |configs: &[(&str, &str)], validate_only, result, (retention, segment)| {
        let expect = (result, retention, segment);
        assert_eq!(replace(topic_a(), configs, validate_only), expect, "{configs:?}");
    };
    check(&[("segment.ms", "3000")], true, Ok(()), kept.clone());
    check(&[("segment.ms", "soon")], false, Err(ErrorCode::InvalidConfig), kept.clone());
    check(&[("segment.ms", "1"), ("segment.ms", "2")], false, Err(ErrorCode::InvalidRequest), kept);
    check(&[("segment.ms", "3000")], false, Ok(()), (None, value("3000")));
    check(&[], false, Ok(()), (None, None));
    // With ELR the cluster's minimum may not go, not even by being left out.
    let (result, ..) = replace(ConfigResource::cluster_default(), &[], false);
    assert_eq!(result, Err(ErrorCode::InvalidConfig));
}
