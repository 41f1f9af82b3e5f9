//! Becoming the leader, losing it, and what happens to work that isn't committed.

use taffrail_metadata::{Answer, Event, Notice, Operation};
use taffrail_model::ErrorCode;
use taffrail_protocol::records::{AbortTransactionRecord, BeginTransactionRecord, MetadataRecord};

use crate::harness::{Cluster, Disk, topic};

fn create(name: &str) -> Operation {
    Operation::CreateTopics { topics: vec![topic(name, 1, 1)], validate_only: false }
}

#[test]
fn an_empty_log_is_begun_in_one_transaction() {
    let cluster = Cluster::leading(&[("min.insync.replicas", "2")]);
    let names: Vec<&str> = cluster.log.iter().map(MetadataRecord::name).collect();
    assert_eq!(
        names,
        [
            "BeginTransactionRecord",
            "FeatureLevelRecord",
            "FeatureLevelRecord",
            "FeatureLevelRecord",
            "FeatureLevelRecord",
            "FeatureLevelRecord",
            "FeatureLevelRecord",
            "ConfigRecord",
            "EndTransactionRecord"
        ]
    );
    let features: Vec<(&str, i16)> = cluster.published.features().iter().collect();
    assert_eq!(
        features,
        [
            ("eligible.leader.replicas.version", 1),
            ("group.version", 1),
            ("metadata.version", 30),
            ("share.version", 1),
            ("streams.version", 1),
            ("transaction.version", 2),
        ]
    );
    let cluster_default = taffrail_metadata::ConfigResource::cluster_default();
    assert_eq!(cluster.published.config_value(&cluster_default, "min.insync.replicas"), Some("2"));
    assert_eq!(
        cluster.notices[0].to_string(),
        "the metadata log is empty: it begins at metadata.version 4.3-IV0"
    );
}

#[test]
fn a_log_with_content_is_led_without_a_word() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    cluster.create(topic("a", 1, 1)).unwrap();
    let end = cluster.end_offset();
    cluster.step(Event::Resigned);
    cluster.become_leader();
    assert_eq!(cluster.end_offset(), end);
    assert!(cluster.published.topic_by_name("a").is_some());
}

#[test]
fn a_transaction_left_open_is_aborted_and_a_bootstrap_begun_anew() {
    let mut cluster = Cluster::new(&[]);
    let begin = MetadataRecord::from(BeginTransactionRecord::default());
    cluster.log.push(begin.clone());
    cluster.step(Event::Replay { base_offset: 0, records: vec![begin] });
    assert_eq!(cluster.published_offset, -1, "nothing is shown inside a transaction");
    cluster.become_leader();
    assert!(matches!(
        cluster.log[1],
        MetadataRecord::AbortTransaction(AbortTransactionRecord { .. })
    ));
    assert!(matches!(cluster.log[2], MetadataRecord::BeginTransaction(_)));
    assert_eq!(cluster.published.metadata_version().name(), "4.3-IV0");
    assert_eq!(cluster.notices[0], Notice::TransactionAborted { start_offset: 0 });
}

#[test]
fn who_does_not_lead_answers_not_controller() {
    let mut cluster = Cluster::new(&[]);
    let refusal = cluster.ask(create("a")).unwrap_err();
    assert_eq!(refusal.error, ErrorCode::NotController);
}

#[test]
fn nothing_is_answered_or_published_before_it_is_committed() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    cluster.disk = Disk::Appends;
    let first = cluster.send(create("a"));
    // A refusal that rests on what isn't committed waits for it too.
    let second = cluster.send(create("a"));
    assert!(cluster.replies.is_empty());
    assert!(cluster.published.topic_by_name("a").is_none());
    cluster.commit();
    assert!(cluster.published.topic_by_name("a").is_some());
    let error = |answer: &Answer| match answer {
        Answer::CreateTopics(topics) => topics[0].result.as_ref().err().map(|r| r.error),
        other => panic!("{other:?}"),
    };
    assert_eq!(error(cluster.replies[&first].as_ref().unwrap()), None);
    assert_eq!(
        error(cluster.replies[&second].as_ref().unwrap()),
        Some(ErrorCode::TopicAlreadyExists)
    );
}

#[test]
fn a_failed_append_is_as_if_nothing_had_been_decided() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    cluster.disk = Disk::Appends;
    let kept = cluster.send(create("kept"));
    cluster.disk = Disk::Fails;
    let lost = cluster.send(create("lost"));
    assert_eq!(cluster.replies[&lost].as_ref().unwrap_err().error, ErrorCode::NotController);
    cluster.disk = Disk::Commits;
    let again = cluster.send(create("lost"));
    assert!(cluster.replies[&kept].is_ok());
    match cluster.replies[&again].as_ref().unwrap() {
        Answer::CreateTopics(topics) => assert!(topics[0].result.is_ok()),
        other => panic!("{other:?}"),
    }
    let names: Vec<&str> = cluster.published.topics().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["kept", "lost"]);
    assert_eq!(cluster.controller.committed_image(), &cluster.published);
}

#[test]
fn a_lost_leadership_forgets_what_is_pending_and_learns_it_from_the_log() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    cluster.disk = Disk::Appends;
    let next = cluster.end_offset();
    let token = cluster.send(create("a"));
    cluster.step(Event::Resigned);
    assert_eq!(cluster.replies[&token].as_ref().unwrap_err().error, ErrorCode::NotController);
    assert!(cluster.published.topic_by_name("a").is_none());
    assert_eq!(cluster.controller.next_offset(), next);
    // The next leader committed it all the same.
    let records = cluster.log[usize::try_from(next).unwrap()..].to_vec();
    cluster.step(Event::Replay { base_offset: next, records: records.clone() });
    assert!(cluster.published.topic_by_name("a").is_some());
    let before = cluster.published.clone();
    cluster.step(Event::Replay { base_offset: next, records });
    assert_eq!(cluster.published, before, "what is known already is passed over");
}

#[test]
fn replies_have_deadlines() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    cluster.disk = Disk::Appends;
    let deadline = cluster.now.mono.plus_ms(500);
    let token = cluster.send_until(create("a"), Some(deadline));
    assert_eq!(cluster.controller.next_deadline(), Some(deadline));
    cluster.advance_ms(499);
    assert!(!cluster.replies.contains_key(&token));
    cluster.advance_ms(1);
    assert_eq!(cluster.replies[&token].as_ref().unwrap_err().error, ErrorCode::RequestTimedOut);
    cluster.commit();
    assert!(cluster.published.topic_by_name("a").is_some());
}

#[test]
fn the_log_may_grow_by_records_of_the_quorum() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    // A voters record takes an offset that the controller never sees.
    cluster.log.push(MetadataRecord::from(taffrail_protocol::records::NoOpRecord::default()));
    let end_offset = cluster.end_offset();
    cluster.step(Event::LogEndMoved { end_offset });
    cluster.create(topic("a", 1, 1)).unwrap();
    assert_eq!(cluster.published_offset, cluster.end_offset() - 1);
}

#[test]
fn a_snapshot_replaces_everything_and_says_what_changed() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    cluster.create(topic("a", 2, 1)).unwrap();
    let image = cluster.published.clone();
    let next_offset = cluster.end_offset();
    let mut other = Cluster::new(&[]);
    other.step(Event::LoadSnapshot { image: image.clone(), next_offset });
    assert_eq!(other.published, image);
    assert_eq!(other.published_offset, next_offset - 1);
    let topic = image.topic_by_name("a").unwrap();
    let delta = &other.delta.changed_topics[&topic.id];
    assert!(delta.created);
    assert_eq!(delta.partitions.len(), 2);
    assert!(other.delta.changed_brokers.contains(&1));
    assert!(other.delta.changed_features.contains("metadata.version"));
}

#[test]
fn an_idle_leader_writes_records_without_meaning() {
    let mut cluster = Cluster::with_brokers(&[("metadata.max.idle.interval.ms", "500")], &[1]);
    let end = cluster.end_offset();
    cluster.advance_ms(499);
    assert_eq!(cluster.end_offset(), end);
    cluster.advance_ms(1);
    assert!(matches!(cluster.log.last(), Some(MetadataRecord::NoOp(_))));
    assert_eq!(cluster.end_offset(), end + 1);
    cluster.disk = Disk::Appends;
    cluster.advance_ms(500);
    cluster.advance_ms(500);
    assert_eq!(cluster.end_offset(), end + 2, "one at a time waits for the quorum");
}
