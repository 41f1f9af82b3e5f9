//! Leadership on the way.

use super::*;

fn brokers(count: i32) -> Vec<Broker> {
    (1..=count).map(|id| broker(id, &id.to_string(), 100.0)).collect()
}

#[test]
fn leadership_goes_with_the_last_move() {
    let model = model(brokers(6), topic(&[(&[1, 2, 3], 5.0)], &[]));
    let after = target_led(&model, &[(0, 2, 5), (0, 3, 6)], &[(0, 3, true)]);
    check(
        &model,
        &options(),
        &after,
        &["0 move [1,2,3]>[1,5,3] 1", "0 move [1,5,3]>[6,1,5] 6"],
        &[],
    );
}

#[test]
fn leadership_leaves_earlier_if_its_replica_goes() {
    let model = model(brokers(6), topic(&[(&[1, 2, 3], 5.0)], &[]));
    let after = target_led(&model, &[(0, 1, 5), (0, 3, 6)], &[(0, 2, true)]);
    check(
        &model,
        &options(),
        &after,
        &["0 move [1,2,3]>[2,5,3] 2", "0 move [2,5,3]>[2,5,6] 2"],
        &[],
    );
}

#[test]
fn a_new_order_is_a_step_when_nothing_moves() {
    let model = model(brokers(3), topic(&[(&[1, 2, 3], 5.0)], &[]));
    let after = target_led(&model, &[], &[(0, 3, true)]);
    check(&model, &options(), &after, &["0 leader [1,2,3]>[3,1,2] 3"], &[]);
    let after = target_led(&model, &[], &[(0, 3, false)]);
    check(&model, &options(), &after, &["0 leader [1,2,3]>[1,2,3] 3"], &[]);
}

#[test]
fn a_partition_without_a_leader_gets_one_as_soon_as_it_can() {
    let mut brokers = brokers(4);
    brokers[0].state = BrokerState::Dead;
    brokers[1].state = BrokerState::Dead;
    let dead = model(brokers, topic(&[(&[1, 2], 5.0), (&[3, 4], 5.0)], &[1, 2]));
    let after = target_led(&dead, &[(0, 1, 3), (0, 2, 4)], &[(0, 1, true), (1, 4, true)]);
    let steps = ["0 evacuate [1,2]>[3,2] 3", "0 evacuate [3,2]>[3,4] 3", "1 leader [3,4]>[4,3] 4"];
    check(&dead, &options(), &after, &steps, &[]);
}

#[test]
fn a_replica_that_is_offline_leads_only_once_it_has_moved() {
    let mut brokers = brokers(4);
    brokers[1].state = BrokerState::Dead;
    let model = model(brokers, topic(&[(&[1, 2], 5.0)], &[2]));
    // The leader goes to 3, and the one on the dead broker leads from 4.
    let after = target_led(&model, &[(0, 1, 3), (0, 2, 4)], &[(0, 2, true)]);
    check(&model, &options(), &after, &["0 evacuate [1,2]>[1,4] 1", "0 move [1,4]>[4,3] 4"], &[]);
    // It doesn't move at all: it can't lead.
    let after = target_led(&model, &[(0, 1, 3)], &[(0, 2, true)]);
    check(
        &model,
        &options(),
        &after,
        &["0 move [1,2]>[3,2] 3"],
        &["leadership doesn't go to broker 2"],
    );
}

#[test]
fn a_broker_that_may_not_lead_isnt_led_through() {
    let mut brokers = brokers(5);
    brokers[3].state = BrokerState::Demoted;
    let model = model(brokers, topic(&[(&[1, 2, 3], 5.0)], &[]));
    // The leader's replica goes to 4, which may not lead: leadership goes to 2 with it, though more moves follow.
    let after = target_led(&model, &[(0, 1, 4), (0, 3, 5)], &[(0, 2, false)]);
    check(
        &model,
        &options(),
        &after,
        &["0 move [1,2,3]>[4,2,3] 2", "0 move [4,2,3]>[4,2,5] 2"],
        &[],
    );
}

#[test]
fn leading_is_a_load() {
    let mut brokers = brokers(3);
    brokers[1].capacity.network_out = 1.0;
    // Broker 2 can carry one leader: it gives one before it takes one.
    let partitions: [(&[i32], f64); 2] = [(&[1, 2], 1.0), (&[2, 3], 1.0)];
    let model = model(brokers, topic(&partitions, &[]));
    let after = target_led(&model, &[], &[(0, 2, true), (1, 3, true)]);
    check(&model, &options(), &after, &["1 leader [2,3]>[3,2] 3", "0 leader [1,2]>[2,1] 2"], &[]);
    let after = target_led(&model, &[], &[(0, 2, true)]);
    check(&model, &options(), &after, &[], &["broker 2 has no room for it (network_out)"]);
    // The replica moves in time, and leadership follows when it can.
    let after = target_led(&model, &[(0, 1, 3)], &[(0, 2, true)]);
    let reason = ["leadership doesn't go to broker 2"];
    check(&model, &options(), &after, &["0 move [1,2]>[3,2] 3"], &reason);
}

#[test]
fn the_fewest_leaders_of_a_topic_are_kept() {
    let mut topic = topic(&[(&[1, 2], 1.0), (&[2, 1], 1.0), (&[2, 1], 1.0)], &[]);
    topic.min_leaders_per_broker = 1;
    let model = model(brokers(2), topic);
    // Broker 1 leads one only: it gets another before it gives its own away.
    let after = target_led(&model, &[], &[(0, 2, true), (1, 1, true)]);
    check(&model, &options(), &after, &["1 leader [2,1]>[1,2] 1", "0 leader [1,2]>[2,1] 2"], &[]);
    let after = target_led(&model, &[], &[(0, 2, true)]);
    check(
        &model,
        &options(),
        &after,
        &[],
        &["broker 1 would lead too few partitions of the topic"],
    );
}
