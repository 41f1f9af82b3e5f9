//! Brokers register, live, go and fail.

use taffrail_metadata::{Answer, BrokerHeartbeat, Notice, Operation, RegisterBroker, VersionRange};
use taffrail_model::{ErrorCode, Uuid};

use crate::harness::{
    CONTROLLER, Cluster, Disk, assert_invariants, directory, registration, topic,
};

#[test]
fn a_broker_starts_fenced_and_is_unfenced_once_it_has_caught_up() {
    let mut cluster = Cluster::leading(&[]);
    let base = cluster.end_offset();
    let epoch = cluster.register(1, 1).unwrap();
    assert_eq!(epoch, base, "the epoch is the offset of the registration");
    assert!(cluster.published.broker(1).unwrap().fenced);
    let behind = BrokerHeartbeat { metadata_offset: epoch - 1, ..cluster.alive(1) };
    let reply = cluster.heartbeat_as(behind).unwrap();
    assert!(!reply.is_caught_up && reply.is_fenced);
    let waiting = BrokerHeartbeat { want_fence: true, ..cluster.alive(1) };
    let reply = cluster.heartbeat_as(waiting).unwrap();
    assert!(reply.is_caught_up && reply.is_fenced);
    let reply = cluster.heartbeat(1);
    assert!(reply.is_caught_up && !reply.is_fenced);
    assert!(!cluster.published.broker(1).unwrap().fenced);
    let end = cluster.end_offset();
    cluster.heartbeat(1);
    assert_eq!(cluster.end_offset(), end, "an ordinary heartbeat writes nothing");
}

#[test]
fn registrations_that_are_refused() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    let mut check = |request: RegisterBroker, error: ErrorCode, message: &str| {
        let refusal = cluster.register_as(request).unwrap_err();
        assert_eq!((refusal.error, refusal.message.as_str()), (error, message));
    };
    check(
        RegisterBroker { cluster_id: "other".to_owned(), ..registration(2, 1) },
        ErrorCode::InconsistentClusterId,
        "Expected cluster ID AAAAAAAAAAAAAAAAAAAAcQ, but got cluster ID other",
    );
    check(
        registration(1, 9),
        ErrorCode::DuplicateBrokerRegistration,
        "Another broker is registered with the id 1. If the broker was restarted, this resolves itself \
         once the session of its predecessor has run out.",
    );
    check(
        RegisterBroker { rack: Some("r".repeat(40_000)), ..registration(2, 1) },
        ErrorCode::InvalidRegistration,
        "A name of 40000 bytes is too long: 32767 are allowed",
    );
    check(
        RegisterBroker { log_dirs: vec![], ..registration(2, 1) },
        ErrorCode::InvalidRegistration,
        "No directories specified in request",
    );
    check(
        RegisterBroker { log_dirs: vec![Uuid::LOST_DIR], ..registration(2, 1) },
        ErrorCode::InvalidRegistration,
        "Reserved directory ID in request",
    );
    check(
        RegisterBroker { log_dirs: vec![directory(2, 1), directory(2, 1)], ..registration(2, 1) },
        ErrorCode::InvalidRegistration,
        "Duplicate directory ID in request",
    );
    check(
        RegisterBroker { log_dirs: vec![directory(1, 1)], ..registration(2, 1) },
        ErrorCode::InvalidRegistration,
        &format!("Broker 1 is already registered with directory {}", directory(1, 1)),
    );
    check(
        RegisterBroker { features: vec![], ..registration(2, 1) },
        ErrorCode::InvalidRegistration,
        "Request features do not contain 'metadata.version'",
    );
    check(
        RegisterBroker {
            features: vec![("metadata.version".to_owned(), VersionRange { min: 7, max: 29 })],
            ..registration(2, 1)
        },
        ErrorCode::UnsupportedVersion,
        "Unable to register because the broker does not support finalized version 30 of \
         metadata.version. The broker wants a version between 7 and 29, inclusive.",
    );
    check(
        RegisterBroker {
            features: vec![("metadata.version".to_owned(), VersionRange { min: 7, max: 30 })],
            ..registration(2, 1)
        },
        ErrorCode::UnsupportedVersion,
        "Unable to register because the broker does not support finalized version 1 of \
         eligible.leader.replicas.version. The broker wants a version between 0 and 0, inclusive.",
    );
}

#[test]
fn the_same_process_may_amend_what_it_said() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    let epoch = cluster.epochs[&1];
    let request = RegisterBroker { rack: Some("r".to_owned()), ..registration(1, 1) };
    assert_eq!(cluster.register_as(request), Ok(epoch));
    let broker = cluster.published.broker(1).unwrap();
    assert_eq!(broker.rack.as_deref(), Some("r"));
    assert!(!broker.fenced);
}

#[test]
fn another_process_takes_over_once_the_session_is_over() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    let first = cluster.epochs[&1];
    cluster.advance_ms(9_000);
    assert_eq!(cluster.register(1, 9).unwrap_err().error, ErrorCode::DuplicateBrokerRegistration);
    cluster.advance_ms(1);
    let second = cluster.register(1, 9).unwrap();
    assert!(second > first);
    let stale = BrokerHeartbeat { epoch: first, ..cluster.alive(1) };
    assert_eq!(cluster.heartbeat_as(stale).unwrap_err().error, ErrorCode::StaleBrokerEpoch);
}

#[test]
fn the_controllers_own_broker_needn_t_wait_for_its_dead_predecessor() {
    let mut cluster = Cluster::with_brokers(&[], &[CONTROLLER]);
    let first = cluster.epochs[&CONTROLLER];
    let second = cluster.register(CONTROLLER, 9).unwrap();
    assert!(second > first);
    assert!(cluster.published.broker(CONTROLLER).unwrap().fenced);
}

#[test]
fn silence_fences_a_broker_and_moves_its_leaderships() {
    let mut cluster = Cluster::with_brokers(&[("min.insync.replicas", "1")], &[1, 2]);
    let id = cluster.create_on("a", &[1, 2]);
    let second = cluster.now.mono.plus_ms(4_000);
    cluster.advance_ms(4_000);
    cluster.heartbeat(2);
    assert!(cluster.controller.next_deadline().unwrap() > second);
    cluster.advance_ms(5_000);
    assert!(!cluster.published.broker(1).unwrap().fenced, "nine seconds are allowed");
    cluster.advance_ms(1);
    assert!(cluster.published.broker(1).unwrap().fenced);
    assert!(!cluster.published.broker(2).unwrap().fenced);
    assert!(cluster.notices.iter().any(|n| matches!(n, Notice::SessionExpired { id: 1, .. })));
    let partition = cluster.partition(id, 0);
    assert_eq!((partition.leader, partition.isr.as_slice()), (2, [2].as_slice()));
    assert_eq!(partition.leader_epoch, 1);
    assert_invariants(&cluster.published);
    // It comes back by itself, and isn't in sync until its leader says so.
    cluster.heartbeat(1);
    assert!(!cluster.published.broker(1).unwrap().fenced);
    assert_eq!(cluster.partition(id, 0).isr, [2]);
}

#[test]
fn a_new_leader_gives_every_broker_a_whole_session() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    cluster.advance_ms(8_999);
    cluster.step(taffrail_metadata::Event::Resigned);
    cluster.become_leader();
    cluster.advance_ms(9_000);
    assert!(!cluster.published.broker(1).unwrap().fenced);
    cluster.advance_ms(1);
    assert!(cluster.published.broker(1).unwrap().fenced);
}

#[test]
fn a_heartbeat_that_is_late_is_still_a_sign_of_life() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    cluster.advance_ms(8_000);
    let request = Operation::BrokerHeartbeat(cluster.alive(1));
    let late = cluster.now.mono;
    let token = cluster.send_until(request, Some(late));
    assert_eq!(cluster.replies[&token].as_ref().unwrap_err().error, ErrorCode::RequestTimedOut);
    cluster.advance_ms(8_000);
    assert!(!cluster.published.broker(1).unwrap().fenced);
}

#[test]
fn a_controlled_shutdown_moves_leaders_and_waits_for_the_others() {
    let mut cluster = Cluster::with_brokers(&[], &[1, 2]);
    let id = cluster.create_on("a", &[1, 2]);
    let leave = |cluster: &mut Cluster| {
        let request = BrokerHeartbeat { want_shutdown: true, ..cluster.alive(1) };
        cluster.heartbeat_as(request).unwrap()
    };
    let behind = BrokerHeartbeat { metadata_offset: 1, ..cluster.alive(2) };
    cluster.heartbeat_as(behind).unwrap();
    let reply = leave(&mut cluster);
    assert!(reply.in_controlled_shutdown && !reply.should_shut_down && !reply.is_fenced);
    assert!(cluster.published.broker(1).unwrap().in_controlled_shutdown);
    let partition = cluster.partition(id, 0);
    assert_eq!((partition.leader, partition.isr.as_slice()), (2, [2].as_slice()));
    // The other broker hasn't read yet that it leads.
    assert!(!leave(&mut cluster).should_shut_down);
    let caught_up = BrokerHeartbeat { metadata_offset: cluster.end_offset(), ..cluster.alive(2) };
    cluster.heartbeat_as(caught_up).unwrap();
    let reply = leave(&mut cluster);
    assert!(reply.should_shut_down && reply.is_fenced);
    assert!(cluster.published.broker(1).unwrap().fenced);
    assert_invariants(&cluster.published);
    // It said that it goes; to come back, it registers again.
    assert!(cluster.heartbeat(1).is_fenced);
    // New partitions aren't given to one that is on its way out.
    assert!(cluster.create(topic("b", 1, 2)).is_err());
}

#[test]
fn a_broker_without_leaderships_may_go_at_once() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    let request = BrokerHeartbeat { want_shutdown: true, ..cluster.alive(1) };
    let reply = cluster.heartbeat_as(request).unwrap();
    assert!(reply.should_shut_down);
}

#[test]
fn a_broker_is_forgotten() {
    let mut cluster = Cluster::with_brokers(&[], &[1, 2]);
    let id = cluster.create_on("a", &[1, 2]);
    let answer = cluster.ask(Operation::UnregisterBroker { id: 1 });
    assert_eq!(answer, Ok(Answer::UnregisterBroker));
    assert!(cluster.published.broker(1).is_none());
    assert_eq!(cluster.partition(id, 0).leader, 2);
    let refusal = cluster.ask(Operation::UnregisterBroker { id: 1 }).unwrap_err();
    assert_eq!(refusal.error, ErrorCode::BrokerIdNotRegistered);
}

#[test]
fn a_failed_directory_takes_its_replicas_along() {
    let mut cluster = Cluster::leading(&[]);
    for id in [1, 2] {
        let request = RegisterBroker {
            log_dirs: vec![directory(id, 1), directory(id, 2)],
            ..registration(id, u8::try_from(id).unwrap())
        };
        cluster.register_as(request).unwrap();
        cluster.heartbeat(id);
    }
    let unassigned = cluster.create_on("unassigned", &[1, 2]);
    let request = BrokerHeartbeat { offline_log_dirs: vec![directory(1, 2)], ..cluster.alive(1) };
    cluster.heartbeat_as(request).unwrap();
    assert_eq!(cluster.published.broker(1).unwrap().log_dirs, [directory(1, 1)]);
    assert_eq!(cluster.partition(unassigned, 0).leader, 1);
    // With one directory left, a new replica's place is known.
    let assigned = cluster.create_on("assigned", &[1, 2]);
    assert_eq!(cluster.partition(assigned, 0).directories, [directory(1, 1), Uuid::UNASSIGNED_DIR]);
    let request = BrokerHeartbeat { offline_log_dirs: vec![directory(1, 1)], ..cluster.alive(1) };
    let refusal = cluster.heartbeat_as(request).unwrap_err();
    assert_eq!(refusal.error, ErrorCode::InvalidRequest);
}

#[test]
fn producer_ids_come_in_blocks_that_never_meet() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    let allocate = |cluster: &Cluster| Operation::AllocateProducerIds {
        broker_id: 1,
        broker_epoch: cluster.epochs[&1],
    };
    let mut next = 0;
    for _ in 0..3 {
        let operation = allocate(&cluster);
        match cluster.ask(operation).unwrap() {
            Answer::AllocateProducerIds(block) => {
                assert_eq!((block.first, block.count), (next, 1_000));
                next += 1_000;
            }
            other => panic!("{other:?}"),
        }
    }
    // A block that wasn't written wasn't given out.
    cluster.disk = Disk::Fails;
    let operation = allocate(&cluster);
    assert!(cluster.ask(operation).is_err());
    cluster.disk = Disk::Commits;
    let operation = allocate(&cluster);
    match cluster.ask(operation).unwrap() {
        Answer::AllocateProducerIds(block) => assert_eq!(block.first, next),
        other => panic!("{other:?}"),
    }
    let stale = Operation::AllocateProducerIds { broker_id: 1, broker_epoch: 0 };
    assert_eq!(cluster.ask(stale).unwrap_err().error, ErrorCode::StaleBrokerEpoch);
}
