//! Creating and deleting topics, and adding partitions.

use taffrail_metadata::{
    Answer, CreatePartitions, DeleteTopic, NewPartitions, NewTopic, Operation, Refusal,
};
use taffrail_model::{ErrorCode, Uuid};

use crate::harness::{Cluster, assert_invariants, by_hand, directory, topic};

fn with_configs(name: &str, configs: &[(&str, Option<&str>)]) -> NewTopic {
    NewTopic {
        configs: configs.iter().map(|(k, v)| ((*k).to_owned(), v.map(ToOwned::to_owned))).collect(),
        ..topic(name, 1, 1)
    }
}

#[test]
fn a_topic_is_created_with_its_defaults() {
    let mut cluster = Cluster::with_brokers(
        &[("num.partitions", "3"), ("default.replication.factor", "2")],
        &[1, 2],
    );
    let created = cluster.create_topics(vec![topic("a", -1, -1)]).remove(0);
    let created = created.result.unwrap();
    assert_eq!((created.num_partitions, created.replication_factor), (3, 2));
    let retention = created.configs.iter().find(|c| c.name == "retention.ms");
    assert_eq!(retention.unwrap().value.as_deref(), Some("604800000"));
    let image = &cluster.published;
    let topic = image.topic_by_name("a").unwrap();
    assert_eq!(topic.id, created.topic_id);
    assert_eq!(topic.partitions.len(), 3);
    for partition in topic.partitions.values() {
        assert_eq!(partition.isr, partition.replicas);
        assert_eq!(partition.leader, partition.replicas[0]);
        assert_eq!((partition.leader_epoch, partition.partition_epoch), (0, 0));
        let expected: Vec<Uuid> = partition.replicas.iter().map(|id| directory(*id, 1)).collect();
        assert_eq!(partition.directories, expected);
    }
    assert_invariants(image);
}

#[test]
fn what_cannot_be_created_is_said() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    cluster.create(topic("exists.already", 1, 1)).unwrap();
    let mut check = |topic: NewTopic, error: ErrorCode, message: &str| {
        let end = cluster.end_offset();
        let refused = cluster.create(topic).unwrap_err();
        assert_eq!(refused, (error, message.to_owned()));
        assert_eq!(cluster.end_offset(), end);
    };
    check(
        topic("exists.already", 1, 1),
        ErrorCode::TopicAlreadyExists,
        "Topic 'exists.already' already exists.",
    );
    check(
        topic("exists_already", 1, 1),
        ErrorCode::InvalidTopicException,
        "Topic 'exists_already' collides with existing topic: exists.already",
    );
    check(
        topic("a/b", 1, 1),
        ErrorCode::InvalidTopicException,
        "topic name is invalid: 'a/b' contains one or more characters other than ASCII alphanumerics, \
         '.', '_' and '-'",
    );
    check(
        topic("__cluster_metadata", 1, 1),
        ErrorCode::InvalidRequest,
        "Creation of internal topic __cluster_metadata is prohibited.",
    );
    check(
        topic("a", 0, 1),
        ErrorCode::InvalidPartitions,
        "Number of partitions was set to an invalid non-positive value.",
    );
    check(
        topic("a", 1, 0),
        ErrorCode::InvalidReplicationFactor,
        "Replication factor must be larger than 0, or -1 to use the default value.",
    );
    check(
        topic("a", 1, 2),
        ErrorCode::InvalidReplicationFactor,
        "Unable to replicate the partition 2 time(s): The target replication factor of 2 cannot be \
         reached because only 1 broker(s) are registered or some brokers have all their log directories \
         cordoned.",
    );
    check(
        with_configs("a", &[("retention.ms", None)]),
        ErrorCode::InvalidConfig,
        "Null value not supported for topic configs: retention.ms",
    );
    check(
        with_configs("a", &[("no.such.key", Some("1"))]),
        ErrorCode::InvalidConfig,
        "Unknown topic config name: no.such.key",
    );
    check(
        with_configs("a", &[("cleanup.policy", Some("compact"))]),
        ErrorCode::InvalidConfig,
        "Configuration cleanup.policy=compact is not supported: log compaction is not there yet; use \
         delete",
    );
    check(
        NewTopic { num_partitions: 1, ..by_hand("a", &[&[1]]) },
        ErrorCode::InvalidRequest,
        "A manual partition assignment was specified, but numPartitions was not set to -1.",
    );
    check(
        by_hand("a", &[&[]]),
        ErrorCode::InvalidReplicaAssignment,
        "The manual partition assignment includes an empty replica list.",
    );
    check(
        by_hand("a", &[&[9]]),
        ErrorCode::InvalidReplicaAssignment,
        "The manual partition assignment includes broker 9, but no such broker is registered.",
    );
    check(
        by_hand("a", &[&[1, 1]]),
        ErrorCode::InvalidReplicaAssignment,
        "The manual partition assignment includes the broker 1 more than once.",
    );
    check(
        NewTopic { assignments: vec![(1, vec![1])], ..topic("a", -1, -1) },
        ErrorCode::InvalidReplicaAssignment,
        "partitions should be a consecutive 0-based integer sequence",
    );
}

#[test]
fn internal_topics_may_be_compacted() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    let offsets = with_configs("__consumer_offsets", &[("cleanup.policy", Some("compact"))]);
    cluster.create(offsets).unwrap();
}

#[test]
fn one_bad_topic_does_not_stop_the_others() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    let created = cluster.create_topics(vec![
        topic("good", 1, 1),
        topic("bad", 0, 1),
        topic("twice", 1, 1),
        topic("x.y", 1, 1),
        topic("x_y", 1, 1),
        topic("twice", 2, 1),
    ]);
    let errors: Vec<(&str, Option<ErrorCode>)> = created
        .iter()
        .map(|t| (t.name.as_str(), t.result.as_ref().err().map(|r| r.error)))
        .collect();
    assert_eq!(
        errors,
        [
            ("good", None),
            ("bad", Some(ErrorCode::InvalidPartitions)),
            ("twice", Some(ErrorCode::InvalidRequest)),
            ("x.y", None),
            ("x_y", Some(ErrorCode::InvalidTopicException)),
        ]
    );
    assert_eq!(cluster.published.topic_count(), 2);
}

#[test]
fn a_request_makes_at_most_ten_thousand_partitions() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    let mut check = |topics: Vec<NewTopic>| {
        let operation = Operation::CreateTopics { topics, validate_only: false };
        let refusal = cluster.ask(operation).unwrap_err();
        assert_eq!(
            refusal,
            Refusal::new(
                ErrorCode::PolicyViolation,
                "Excessively large number of partitions per request."
            )
        );
    };
    check(vec![topic("a", i32::MAX, 1)]);
    check(vec![topic("a", 5_001, 1), topic("b", 5_000, 1)]);
    let id = cluster.create(topic("a", 9_999, 1)).unwrap();
    let operation = Operation::CreatePartitions(CreatePartitions {
        topics: vec![NewPartitions { name: "a".to_owned(), count: i32::MAX, assignments: None }],
        validate_only: false,
    });
    match cluster.ask(operation).unwrap() {
        Answer::CreatePartitions(topics) => {
            let refusal = topics[0].1.as_ref().unwrap_err();
            assert_eq!(refusal.error, ErrorCode::PolicyViolation);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(cluster.published.topic(id).unwrap().partitions.len(), 9_999);
}

#[test]
fn nothing_is_placed_without_a_broker_that_may_lead() {
    let mut cluster = Cluster::leading(&[]);
    cluster.register(1, 1).unwrap();
    let (error, message) = cluster.create(topic("a", 1, 1)).unwrap_err();
    assert_eq!(error, ErrorCode::InvalidReplicationFactor);
    assert_eq!(
        message,
        "Unable to replicate the partition 1 time(s): All brokers are currently fenced, or have all \
         their log directories cordoned."
    );
    let (error, _) = cluster.create(by_hand("a", &[&[1]])).unwrap_err();
    assert_eq!(error, ErrorCode::InvalidReplicaAssignment);
}

#[test]
fn validation_alone_changes_nothing() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    let end = cluster.end_offset();
    let answer = cluster
        .ask(Operation::CreateTopics { topics: vec![topic("a", 1, 1)], validate_only: true });
    match answer.unwrap() {
        Answer::CreateTopics(topics) => assert!(topics[0].result.is_ok()),
        other => panic!("{other:?}"),
    }
    assert_eq!(cluster.end_offset(), end);
}

#[test]
fn topics_are_deleted_by_name_and_by_id() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    let a = cluster.create(topic("a.a", 1, 1)).unwrap();
    let b = cluster.create(with_configs("b", &[("retention.ms", Some("1000"))])).unwrap();
    let unknown = Uuid::from_bytes([9; 16]);
    let answer = cluster.ask(Operation::DeleteTopics {
        topics: vec![
            DeleteTopic::Name("a.a".to_owned()),
            DeleteTopic::Id(a),
            DeleteTopic::Id(b),
            DeleteTopic::Name("c".to_owned()),
            DeleteTopic::Id(unknown),
        ],
    });
    let Answer::DeleteTopics(deleted) = answer.unwrap() else {
        panic!("another answer");
    };
    let errors: Vec<_> = deleted
        .iter()
        .map(|t| (t.name.as_deref(), t.topic_id, t.result.as_ref().err().map(|r| r.error)))
        .collect();
    assert_eq!(
        errors,
        [
            (Some("a.a"), a, None),
            (Some("a.a"), a, Some(ErrorCode::InvalidRequest)),
            (Some("b"), b, None),
            (Some("c"), Uuid::ZERO, Some(ErrorCode::UnknownTopicOrPartition)),
            (None, unknown, Some(ErrorCode::UnknownTopicId)),
        ]
    );
    assert_eq!(cluster.published.topic_count(), 0);
    assert_eq!(cluster.delta.deleted_topics.len(), 2);
    // Neither the name, nor what collided with it, nor the configuration stays behind.
    cluster.create(topic("a_a", 1, 1)).unwrap();
    cluster.create(topic("b", 1, 1)).unwrap();
    let b = taffrail_model::TopicName::new("b").unwrap();
    let resource = taffrail_metadata::ConfigResource::topic(&b);
    assert!(cluster.published.config(&resource).is_empty());
}

#[test]
fn deletion_may_be_disabled() {
    let mut cluster = Cluster::with_brokers(&[("delete.topic.enable", "false")], &[1]);
    cluster.create(topic("a", 1, 1)).unwrap();
    let refusal = cluster
        .ask(Operation::DeleteTopics { topics: vec![DeleteTopic::Name("a".to_owned())] })
        .unwrap_err();
    assert_eq!(refusal.error, ErrorCode::TopicDeletionDisabled);
}

#[test]
fn partitions_are_added() {
    let mut cluster = Cluster::with_brokers(&[], &[1, 2]);
    let id = cluster.create(topic("a", 2, 2)).unwrap();
    let mut check =
        |count, assignments: Option<&[&[i32]]>, expect: Result<(), (ErrorCode, &str)>| {
            let answer = cluster.ask(Operation::CreatePartitions(CreatePartitions {
                topics: vec![NewPartitions {
                    name: "a".to_owned(),
                    count,
                    assignments: assignments.map(|a| a.iter().map(|r| r.to_vec()).collect()),
                }],
                validate_only: false,
            }));
            let Answer::CreatePartitions(topics) = answer.unwrap() else {
                panic!("another answer");
            };
            let result = topics[0].1.as_ref().copied();
            assert_eq!(result.map_err(|r| (r.error, r.message.as_str())), expect);
        };
    check(2, None, Err((ErrorCode::InvalidPartitions, "Topic already has 2 partition(s).")));
    check(
        -1,
        None,
        Err((
            ErrorCode::InvalidPartitions,
            "The topic a currently has 2 partition(s); -1 would not be an increase.",
        )),
    );
    check(
        4,
        Some(&[&[1, 2]]),
        Err((
            ErrorCode::InvalidReplicaAssignment,
            "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.",
        )),
    );
    check(
        3,
        Some(&[&[1]]),
        Err((
            ErrorCode::InvalidReplicaAssignment,
            "The manual partition assignment includes a partition with 1 replica(s), but this is not \
             consistent with previous partitions, which have 2 replica(s).",
        )),
    );
    check(3, Some(&[&[2, 1]]), Ok(()));
    check(5, None, Ok(()));
    assert_eq!(cluster.partition(id, 2).replicas, [2, 1]);
    assert_eq!(cluster.published.topic(id).unwrap().partitions.len(), 5);
    assert_invariants(&cluster.published);
}

#[test]
fn the_partitions_of_the_groups_topic_keep_their_number() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    let id = cluster.create(topic("__consumer_offsets", 3, 1)).unwrap();
    let more = NewPartitions { name: "__consumer_offsets".to_owned(), count: 4, assignments: None };
    let answer = cluster.ask(Operation::CreatePartitions(CreatePartitions {
        topics: vec![more],
        validate_only: false,
    }));
    let Ok(Answer::CreatePartitions(topics)) = answer else { panic!("another answer") };
    assert_eq!(topics[0].1.as_ref().unwrap_err().error, ErrorCode::InvalidRequest);
    assert_eq!(cluster.published.topic(id).unwrap().partitions.len(), 3);
}

#[test]
fn partitions_of_a_topic_are_added_once_a_request() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    cluster.create(topic("a", 1, 1)).unwrap();
    let more = |count| NewPartitions { name: "a".to_owned(), count, assignments: None };
    let answer = cluster.ask(Operation::CreatePartitions(CreatePartitions {
        topics: vec![more(2), more(3)],
        validate_only: false,
    }));
    let refusal = Refusal::new(ErrorCode::InvalidRequest, "Duplicate topic name.");
    assert_eq!(answer, Ok(Answer::CreatePartitions(vec![("a".to_owned(), Err(refusal))])));
}
