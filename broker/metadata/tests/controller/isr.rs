//! Leaders ask for other in-sync replicas.

use taffrail_metadata::{
    AlterPartition, AlterPartitionTopic, AlteredPartition, Answer, IsrChange, IsrMember,
    LeaderRecoveryState, Operation,
};
use taffrail_model::{ErrorCode, NodeId, Uuid};

use crate::harness::{Cluster, assert_invariants};

fn wish(cluster: &Cluster, id: Uuid, isr: &[NodeId]) -> IsrChange {
    let partition = cluster.partition(id, 0);
    IsrChange {
        partition: 0,
        leader_epoch: partition.leader_epoch,
        partition_epoch: partition.partition_epoch,
        new_isr: isr
            .iter()
            .map(|broker_id| IsrMember {
                broker_id: *broker_id,
                broker_epoch: cluster.epochs.get(broker_id).copied().unwrap_or(0),
            })
            .collect(),
        leader_recovery_state: partition.leader_recovery_state,
    }
}

fn ask(
    cluster: &mut Cluster,
    broker: NodeId,
    topic_id: Uuid,
    change: IsrChange,
) -> Result<AlteredPartition, ErrorCode> {
    let request = AlterPartition {
        broker_id: broker,
        broker_epoch: cluster.epochs[&broker],
        topics: vec![AlterPartitionTopic { topic_id, partitions: vec![change] }],
    };
    match cluster.ask(Operation::AlterPartition(request)) {
        Ok(Answer::AlterPartition(topics)) => topics[0].partitions[0].1.clone(),
        Ok(other) => panic!("{other:?}"),
        Err(refusal) => Err(refusal.error),
    }
}

/// Asks, as `broker`, for the in-sync replicas `isr` of a topic's first partition.
pub(crate) fn alter(
    cluster: &mut Cluster,
    broker: NodeId,
    id: Uuid,
    isr: &[NodeId],
) -> Result<AlteredPartition, ErrorCode> {
    let change = wish(cluster, id, isr);
    ask(cluster, broker, id, change)
}

#[test]
fn an_isr_shrinks_and_grows() {
    let mut cluster = Cluster::with_brokers(&[("min.insync.replicas", "2")], &[1, 2, 3]);
    let id = cluster.create_on("a", &[1, 2, 3]);
    let altered = alter(&mut cluster, 1, id, &[1]).unwrap();
    assert_eq!(altered.isr, [1]);
    assert_eq!((altered.leader_epoch, altered.partition_epoch), (0, 1));
    assert_eq!(cluster.partition(id, 0).elr, [2, 3]);
    let altered = alter(&mut cluster, 1, id, &[1, 3]).unwrap();
    assert_eq!(altered.isr, [1, 3]);
    assert_eq!(cluster.partition(id, 0).elr, [] as [NodeId; 0]);
    assert_invariants(&cluster.published);
    // What is so already is confirmed, without a record.
    let end = cluster.end_offset();
    assert_eq!(alter(&mut cluster, 1, id, &[1, 3]).unwrap().partition_epoch, 2);
    assert_eq!(cluster.end_offset(), end);
}

#[test]
fn wishes_that_are_refused() {
    let mut cluster = Cluster::with_brokers(&[], &[1, 2, 3, 4]);
    let id = cluster.create_on("a", &[1, 2, 3]);
    alter(&mut cluster, 1, id, &[1, 2]).unwrap();
    let mut check = |broker: NodeId, error: ErrorCode, change: &dyn Fn(&mut IsrChange)| {
        let mut wanted = wish(&cluster, id, &[1, 2, 3]);
        change(&mut wanted);
        let end = cluster.end_offset();
        assert_eq!(ask(&mut cluster, broker, id, wanted), Err(error));
        assert_eq!(cluster.end_offset(), end);
    };
    check(1, ErrorCode::UnknownTopicOrPartition, &|c| c.partition = 1);
    check(1, ErrorCode::NotController, &|c| c.leader_epoch += 1);
    check(1, ErrorCode::NotController, &|c| c.partition_epoch += 1);
    check(1, ErrorCode::FencedLeaderEpoch, &|c| c.leader_epoch -= 1);
    check(1, ErrorCode::InvalidUpdateVersion, &|c| c.partition_epoch -= 1);
    check(2, ErrorCode::InvalidRequest, &|_| {});
    check(1, ErrorCode::InvalidRequest, &|c| {
        c.new_isr.remove(0);
    });
    check(1, ErrorCode::InvalidRequest, &|c| c.new_isr[2] = c.new_isr[1]);
    check(1, ErrorCode::InvalidRequest, &|c| c.new_isr[2].broker_id = 4);
    check(1, ErrorCode::InvalidRequest, &|c| {
        c.leader_recovery_state = LeaderRecoveryState::Recovering;
    });
    check(1, ErrorCode::IneligibleReplica, &|c| c.new_isr[2].broker_epoch += 1);
    let unknown = Uuid::from_bytes([9; 16]);
    let wanted = wish(&cluster, id, &[1, 2, 3]);
    assert_eq!(ask(&mut cluster, 1, unknown, wanted), Err(ErrorCode::UnknownTopicId));
}

#[test]
fn a_fenced_broker_is_not_let_in() {
    let mut cluster = Cluster::with_brokers(&[], &[1, 2]);
    let id = cluster.create_on("a", &[1, 2]);
    cluster.advance_ms(5_000);
    cluster.heartbeat(1);
    cluster.advance_ms(4_001);
    assert_eq!(alter(&mut cluster, 1, id, &[1, 2]), Err(ErrorCode::IneligibleReplica));
}

#[test]
fn a_leader_ends_its_recovery() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    let id = cluster.create_on("a", &[1]);
    cluster.advance_ms(9_001);
    cluster.register(1, 2).unwrap();
    cluster.heartbeat(1);
    let mut wanted = wish(&cluster, id, &[1]);
    assert_eq!(wanted.leader_recovery_state, LeaderRecoveryState::Recovering);
    wanted.leader_recovery_state = LeaderRecoveryState::Recovered;
    let altered = ask(&mut cluster, 1, id, wanted).unwrap();
    assert_eq!(altered.leader_recovery_state, LeaderRecoveryState::Recovered);
}
