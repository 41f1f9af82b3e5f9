//! Who leads when brokers come and go: ISR, ELR, the last known leader, and unclean elections.

use taffrail_metadata::{
    ConfigAlteration, ConfigChange, ConfigOperation, ConfigResource, LeaderRecoveryState, Notice,
    Operation, PartitionRegistration, RegisterBroker,
};
use taffrail_model::{NO_NODE, NodeId, TopicName, Uuid};

use crate::harness::{Cluster, assert_invariants, registration};

/// Lets the sessions of all brokers but `alive` run out, the first named longest silent.
fn silence(cluster: &mut Cluster, alive: &[NodeId], silent: &[NodeId]) {
    for last in 0..silent.len() {
        for id in alive.iter().chain(&silent[last + 1..]) {
            if !cluster.published.broker(*id).unwrap().fenced {
                cluster.heartbeat(*id);
            }
        }
        cluster.advance_ms(5_000);
        for id in alive.iter().chain(&silent[last + 1..]) {
            if !cluster.published.broker(*id).unwrap().fenced {
                cluster.heartbeat(*id);
            }
        }
        cluster.advance_ms(4_001);
    }
    for id in silent {
        assert!(cluster.published.broker(*id).unwrap().fenced, "{id}");
    }
    assert_invariants(&cluster.published);
}

fn restart(cluster: &mut Cluster, id: NodeId, incarnation: u8, previous_epoch: i64) {
    let request = RegisterBroker { previous_epoch, ..registration(id, incarnation) };
    cluster.register_as(request).unwrap();
    assert!(!cluster.heartbeat(id).is_fenced);
    assert_invariants(&cluster.published);
}

fn summary(p: &PartitionRegistration) -> (NodeId, Vec<NodeId>, Vec<NodeId>, Vec<NodeId>) {
    (p.leader, p.isr.clone(), p.elr.clone(), p.last_known_elr.clone())
}

fn check(cluster: &Cluster, id: Uuid, expect: (NodeId, &[NodeId], &[NodeId], &[NodeId])) {
    let (leader, isr, elr, last) = expect;
    assert_eq!(
        summary(&cluster.partition(id, 0)),
        (leader, isr.to_vec(), elr.to_vec(), last.to_vec())
    );
}

#[test]
fn who_leaves_below_the_minimum_stays_eligible() {
    let mut cluster = Cluster::with_brokers(&[("min.insync.replicas", "2")], &[1, 2, 3]);
    let id = cluster.create_on("a", &[1, 2, 3]);
    silence(&mut cluster, &[2, 3], &[1]);
    check(&cluster, id, (2, &[2, 3], &[], &[]));
    silence(&mut cluster, &[3], &[2]);
    check(&cluster, id, (3, &[3], &[2], &[]));
    silence(&mut cluster, &[], &[3]);
    check(&cluster, id, (NO_NODE, &[], &[2, 3], &[3]));
    // The first of the eligible to return leads, cleanly.
    cluster.heartbeat(1);
    check(&cluster, id, (NO_NODE, &[], &[2, 3], &[3]));
    cluster.heartbeat(2);
    check(&cluster, id, (2, &[2], &[3], &[]));
    let partition = cluster.partition(id, 0);
    assert_eq!(partition.leader_recovery_state, LeaderRecoveryState::Recovered);
    assert!(!cluster.notices.iter().any(|n| matches!(n, Notice::UncleanElection { .. })));
}

#[test]
fn the_sole_last_leader_returns_after_a_crash_and_recovers() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    let id = cluster.create_on("a", &[1]);
    cluster.advance_ms(9_001);
    check(&cluster, id, (NO_NODE, &[], &[1], &[1]));
    // The process died: nothing it has is known to be complete.
    cluster.register(1, 2).unwrap();
    check(&cluster, id, (NO_NODE, &[], &[], &[1]));
    cluster.heartbeat(1);
    check(&cluster, id, (1, &[1], &[], &[]));
    let partition = cluster.partition(id, 0);
    assert_eq!(partition.leader_recovery_state, LeaderRecoveryState::Recovering);
    assert_eq!(
        cluster.notices.last(),
        Some(&Notice::UncleanElection {
            topic: TopicName::new("a").unwrap(),
            partition: 0,
            leader: 1
        })
    );
}

#[test]
fn a_crash_that_nobody_noticed_counts_all_the_same() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    let id = cluster.create_on("a", &[1]);
    // The controller is new, and the broker is back before its session could run out.
    cluster.step(taffrail_metadata::Event::Resigned);
    cluster.advance_ms(60_000);
    cluster.become_leader();
    cluster.now.mono = cluster.now.mono.plus_ms(9_001);
    restart(&mut cluster, 1, 2, -1);
    check(&cluster, id, (1, &[1], &[], &[]));
    assert_eq!(cluster.partition(id, 0).leader_recovery_state, LeaderRecoveryState::Recovering);
}

#[test]
fn a_clean_restart_loses_nothing() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    let id = cluster.create_on("a", &[1]);
    let epoch = cluster.epochs[&1];
    cluster.advance_ms(9_001);
    restart(&mut cluster, 1, 2, epoch);
    check(&cluster, id, (1, &[1], &[], &[]));
    assert_eq!(cluster.partition(id, 0).leader_recovery_state, LeaderRecoveryState::Recovered);
}

#[test]
fn an_unclean_restart_is_no_longer_eligible() {
    let mut cluster = Cluster::with_brokers(&[("min.insync.replicas", "2")], &[1, 2]);
    let id = cluster.create_on("a", &[1, 2]);
    silence(&mut cluster, &[2], &[1]);
    check(&cluster, id, (2, &[2], &[1], &[]));
    cluster.register(1, 9).unwrap();
    check(&cluster, id, (2, &[2], &[], &[]));
    silence(&mut cluster, &[], &[2]);
    cluster.heartbeat(1);
    check(&cluster, id, (NO_NODE, &[], &[2], &[2]));
}

fn allow_unclean(cluster: &mut Cluster, topic: &str) {
    let topic = TopicName::new(topic).unwrap();
    cluster
        .ask(Operation::IncrementalAlterConfigs {
            changes: vec![ConfigAlteration {
                resource: ConfigResource::topic(&topic),
                changes: vec![ConfigChange {
                    name: "unclean.leader.election.enable".to_owned(),
                    operation: ConfigOperation::Set("true".to_owned()),
                }],
            }],
            validate_only: false,
        })
        .unwrap();
}

#[test]
fn others_lead_only_where_losing_records_is_allowed() {
    let mut cluster = Cluster::with_brokers(&[], &[1, 2]);
    let id = cluster.create_on("a", &[1, 2]);
    silence(&mut cluster, &[2], &[1]);
    check(&cluster, id, (2, &[2], &[], &[]));
    cluster.heartbeat(1);
    silence(&mut cluster, &[1], &[2]);
    check(&cluster, id, (NO_NODE, &[], &[2], &[2]));
    // With nobody in sync and broker 2 away, broker 1 waits; a look every five minutes changes that
    // once it is allowed.
    let keep_alive = |cluster: &mut Cluster, ms: i64| {
        for _ in 0..ms / 5_000 {
            cluster.heartbeat(1);
            cluster.advance_ms(5_000);
        }
    };
    keep_alive(&mut cluster, 300_000);
    check(&cluster, id, (NO_NODE, &[], &[2], &[2]));
    allow_unclean(&mut cluster, "a");
    keep_alive(&mut cluster, 300_000);
    check(&cluster, id, (1, &[1], &[], &[]));
    assert_eq!(cluster.partition(id, 0).leader_recovery_state, LeaderRecoveryState::Recovering);
    assert_invariants(&cluster.published);
}

#[test]
fn leadership_goes_back_to_the_preferred_replica() {
    let mut cluster =
        Cluster::with_brokers(&[("leader.imbalance.check.interval.seconds", "1")], &[1, 2]);
    let id = cluster.create_on("a", &[1, 2]);
    silence(&mut cluster, &[2], &[1]);
    cluster.heartbeat(1);
    assert_eq!(cluster.partition(id, 0).leader, 2);
    cluster.heartbeat(2);
    cluster.advance_ms(1_000);
    assert_eq!(cluster.partition(id, 0).leader, 2, "it isn't in sync yet");
    crate::isr::alter(&mut cluster, 2, id, &[2, 1]).unwrap();
    cluster.advance_ms(1_000);
    let partition = cluster.partition(id, 0);
    assert_eq!((partition.leader, partition.isr.as_slice()), (1, [2, 1].as_slice()));
}
