//! Replicas that come without another going, and the other way round.

use std::collections::BTreeSet;

use super::*;
use crate::model::Resource;
use crate::replication_factor::{Changed, with_replication_factor};

fn changed(model: &Model, options: &Options, factor: u32) -> Changed {
    with_replication_factor(model, options, &BTreeSet::new(), factor)
        .expect("a factor that can be had")
}

fn for_factor(factor: u32) -> Options {
    Options {
        operation: Operation::ReplicationFactor { topics: BTreeSet::new(), factor },
        ..options()
    }
}

fn brokers(count: i32, disk: f64) -> Vec<Broker> {
    (1..=count).map(|id| broker(id, &id.to_string(), disk)).collect()
}

/// Puts the replicas of a partition that have no place on these brokers.
fn add(model: &Model, after: &mut Placement, partition: u32, ids: &[i32]) {
    let unplaced: Vec<u32> = model
        .replicas_of(partition)
        .filter(|replica| model.replicas[*replica as usize].broker == NONE)
        .collect();
    for (replica, id) in unplaced.into_iter().zip(ids) {
        after.broker[replica as usize] = model.broker_index(*id).expect("a broker");
    }
}

#[test]
fn added_replicas_come_one_by_one() {
    let given = model(brokers(4, 100.0), topic(&[(&[1], 5.0), (&[2], 5.0)], &[]));
    let options = for_factor(3);
    let model = changed(&given, &options, 3).model;
    let mut after = Placement::of(&model);
    add(&model, &mut after, 0, &[2, 3]);
    add(&model, &mut after, 1, &[3, 4]);
    after.leader[1] = model.partitions[1].first_replica + 2;
    after.leader_first[1] = true;
    let steps = [
        "0 add [1]>[1,2] 1",
        "0 add [1,2]>[1,2,3] 1",
        "1 add [2]>[2,3] 2",
        "1 add [2,3]>[4,2,3] 4",
    ];
    check(&model, &options, &after, &steps, &[]);
    // One has no place at all.
    let mut after = Placement::of(&model);
    add(&model, &mut after, 0, &[2]);
    check(&model, &options, &after, &["0 add [1]>[1,2] 1"], &[]);
}

#[test]
fn an_added_replica_shares_no_rack() {
    let mut brokers = brokers(3, 100.0);
    brokers[1].rack = Some("1".to_owned());
    let given = model(brokers, topic(&[(&[1], 5.0)], &[]));
    let options = for_factor(3);
    let model = changed(&given, &options, 3).model;
    let mut after = Placement::of(&model);
    add(&model, &mut after, 0, &[2, 3]);
    check(&model, &options, &after, &["0 add [1]>[1,3] 1"], &["no replica is added on broker 2"]);
}

#[test]
fn removed_replicas_go_last() {
    let given = model(brokers(3, 100.0), topic(&[(&[1, 2, 3], 5.0), (&[3, 2, 1], 5.0)], &[]));
    let options = for_factor(2);
    let changed = changed(&given, &options, 2);
    let leaving = Leaving::of(&given, &changed);
    let after = Placement::of(&changed.model);
    let ordered = ordered(&changed.model, &options, &after, &leaving);
    assert_eq!((ordered.steps.len(), ordered.left_out.len()), (2, 0));
    // The one that leads afterwards leads before the other goes.
    let mut after = Placement::of(&changed.model);
    after.leader[0] = changed.model.partitions[0].first_replica + 1;
    after.leader_first[0] = true;
    let ordered = super::ordered(&changed.model, &options, &after, &leaving);
    let steps: Vec<(i32, usize)> =
        ordered.steps.iter().map(|step| (step.partition, step.to.len())).collect();
    assert_eq!(steps, [(0, 3), (0, 2), (1, 2)]);
}

#[test]
fn a_replica_that_goes_leads_until_then_if_nobody_else_may() {
    let mut brokers = brokers(4, 100.0);
    brokers[1].state = BrokerState::Demoted;
    brokers[3].state = BrokerState::Demoted;
    let mut topic = topic(&[(&[3, 2], 5.0)], &[]);
    topic.partitions[0].leader = Some(2);
    let given = model(brokers, topic);
    let options = for_factor(1);
    let changed = changed(&given, &options, 1);
    let leaving = Leaving::of(&given, &changed);
    let mut after = target(&changed.model, &[(0, 2, 4)]);
    after.leader_first[0] = true;
    let steps = ["0 move [3,2]>[3,4] 3", "0 remove [3,4]>[4] 4"];
    check_leaving(&changed.model, &options, &after, &leaving, &steps, &[]);
}

#[test]
fn a_leader_that_goes_hands_leadership_on_first() {
    let mut brokers = brokers(3, 100.0);
    brokers[0].state = BrokerState::Draining;
    let given = model(brokers, topic(&[(&[1, 2], 5.0), (&[2, 3], 5.0)], &[]));
    let options = for_factor(1);
    let mut changed = changed(&given, &options, 1);
    let leaving = Leaving::of(&given, &changed);
    assert!(leaving[0].leads);
    let mut after = Placement::of(&changed.model);
    after.leader[0] = changed.model.partitions[0].first_replica;
    after.leader_first[0] = true;
    let steps = ["0 leader [1,2]>[2,1] 2", "0 remove [2,1]>[2] 2", "1 remove [2,3]>[2] 2"];
    check_leaving(&changed.model, &options, &after, &leaving, &steps, &[]);
    // There is no room for it where it is to go, and it goes on leading.
    changed.model.partitions[0].leader_extra[Resource::NetworkOut as usize] = i64::MAX / 4;
    let reasons = ["leadership doesn't go to broker 2", "broker 1 isn't removed"];
    let steps = ["1 remove [2,3]>[2] 2"];
    check_leaving(&changed.model, &options, &after, &leaving, &steps, &reasons);
    let ordered = ordered(&changed.model, &options, &after, &leaving);
    assert_eq!(ordered.placement.leader[0], NONE, "it is none of the model's");
}

#[test]
fn a_removed_replica_that_is_offline_makes_way() {
    // Broker 4 is in the rack of the dead one.
    let mut brokers = brokers(4, 100.0);
    brokers[0].state = BrokerState::Dead;
    brokers[1].state = BrokerState::Draining;
    brokers[3].rack = Some("1".to_owned());
    let given = model(brokers, topic(&[(&[1, 2, 3], 5.0)], &[1]));
    let options = for_factor(2);
    let changed = changed(&given, &options, 2);
    let leaving = Leaving::of(&given, &changed);
    let mut after = target(&changed.model, &[(0, 2, 4)]);
    after.leader[0] = changed.model.partitions[0].first_replica + 1;
    let steps = ["0 remove [1,2,3]>[2,3] 2", "0 evacuate [2,3]>[4,3] 3"];
    check_leaving(&changed.model, &options, &after, &leaving, &steps, &[]);
}

#[test]
fn a_removed_replica_goes_sooner_where_its_disk_is_needed() {
    // Nothing can come to broker 3 before its replica of partition 0 is gone.
    let mut brokers = brokers(3, 100.0);
    brokers[2].capacity.disk = 10.0;
    let given = model(brokers, topic(&[(&[1, 3], 8.0), (&[2], 8.0)], &[]));
    let options = for_factor(1);
    let changed = changed(&given, &options, 1);
    let leaving = Leaving::of(&given, &changed);
    assert_eq!(leaving.len(), 1);
    let after = target(&changed.model, &[(1, 2, 3)]);
    let steps = ["0 remove [1,3]>[1] 1", "1 move [2]>[3] 3"];
    check_leaving(&changed.model, &options, &after, &leaving, &steps, &[]);
}
