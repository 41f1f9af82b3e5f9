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
    // Of partition 0 no replica is online: moving it would give it up.
    check(&dead, &options(), &after, &["1 leader [3,4]>[4,3] 4"], &[]);
}

/// A topic of one partition that has no leader, of which nothing is offline.
fn leaderless(brokers: &[i32]) -> Topic {
    let mut topic = topic(&[(brokers, 5.0)], &[]);
    topic.partitions[0].leader = None;
    topic
}

#[test]
fn a_leader_is_elected_before_anything_is_copied_from_it() {
    let model = model(brokers(6), leaderless(&[1, 2, 3]));
    // The one that is to lead stays.
    let after = target_led(&model, &[(0, 1, 5)], &[(0, 3, true)]);
    let steps = ["0 leader [1,2,3]>[3,1,2] 3", "0 move [3,1,2]>[3,5,2] 3"];
    check(&model, &options(), &after, &steps, &[]);
    // It moves: another that stays leads until it has.
    let after = target_led(&model, &[(0, 1, 5), (0, 3, 6)], &[(0, 3, true)]);
    let steps =
        ["0 leader [1,2,3]>[1,2,3] 2", "0 move [1,2,3]>[5,2,3] 2", "0 move [5,2,3]>[6,5,2] 6"];
    check(&model, &options(), &after, &steps, &[]);
    // Nobody has said who is to lead.
    let steps = ["0 leader [1,2,3]>[1,2,3] 1", "0 move [1,2,3]>[1,4,3] 1"];
    check(&model, &options(), &target(&model, &[(0, 2, 4)]), &steps, &[]);
}

#[test]
fn a_replica_that_is_offline_isnt_elected() {
    let mut brokers = brokers(4);
    brokers[0] = broker_with_dirs(1, "1", [50.0, 50.0]);
    brokers[0].log_dirs[0].state = LogDirState::Offline;
    let mut topic = leaderless(&[1, 2]);
    topic.partitions[0].replicas[0].log_dir = Some("/1".to_owned());
    let model = model(brokers, topic);
    let after = target_led(&model, &[(0, 1, 3)], &[(0, 1, true)]);
    let steps = ["0 leader [1,2]>[1,2] 2", "0 evacuate [1,2]>[3,2] 3"];
    check(&model, &options(), &after, &steps, &[]);
}

#[test]
fn a_leader_is_elected_whatever_it_costs() {
    let mut brokers = brokers(3);
    for broker in &mut brokers {
        broker.capacity.network_out = 0.5;
        (broker.host, broker.rack) = (Some("x".to_owned()), Some("x".to_owned()));
    }
    let model = model(brokers, leaderless(&[1, 2]));
    let after = target_led(&model, &[], &[(0, 2, true)]);
    check(&model, &options(), &after, &["0 leader [1,2]>[2,1] 2"], &[]);
    // What comes later is held to the limits again.
    let after = target_led(&model, &[(0, 2, 3)], &[(0, 2, true)]);
    let steps = ["0 leader [1,2]>[1,2] 1", "0 move [1,2]>[1,3] 1"];
    let reason = ["leadership doesn't go to broker 3"];
    check(&model, &options(), &after, &steps, &reason);
}

#[test]
fn a_broker_that_may_not_lead_is_elected_if_nobody_else_can_be() {
    let mut brokers = brokers(4);
    brokers[0].state = BrokerState::Demoted;
    let demoted = model(brokers.clone(), leaderless(&[1, 2]));
    let after = target_led(&demoted, &[(0, 2, 3)], &[(0, 2, true)]);
    let steps = ["0 leader [1,2]>[2,1] 2", "0 move [2,1]>[3,1] 3"];
    check(&demoted, &options(), &after, &steps, &[]);
    let alone = model(brokers, leaderless(&[1]));
    let after = target_led(&alone, &[], &[(0, 1, true)]);
    check(&alone, &options(), &after, &["0 leader [1]>[1] 1"], &[]);
}

#[test]
fn leadership_doesnt_follow_where_none_may_be() {
    let mut brokers = brokers(6);
    brokers[3].state = BrokerState::Demoted;
    brokers[4].state = BrokerState::Demoted;
    let model = model(brokers, topic(&[(&[1, 2], 5.0)], &[]));
    // In the end nobody that has it may lead; until then one does that may.
    let after = target_led(&model, &[(0, 1, 4), (0, 2, 5)], &[(0, 1, true)]);
    let steps = ["0 move [1,2]>[4,2] 2", "0 move [4,2]>[4,5] 4"];
    check(&model, &options(), &after, &steps, &[]);
    // Another that may lead stays: it leads in the end, whatever the target says.
    let after = target_led(&model, &[(0, 1, 4)], &[(0, 1, true)]);
    let reason = ["leadership doesn't go to broker 4"];
    check(&model, &options(), &after, &["0 move [1,2]>[4,2] 2"], &reason);
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

#[test]
fn leadership_is_taken_for_nothing_from_nobody() {
    let mut brokers = brokers(4);
    brokers[0].state = BrokerState::Draining;
    brokers[1].state = BrokerState::Draining;
    brokers[2].capacity.disk = 4.0;
    let both = model(brokers.clone(), topic(&[(&[1, 2], 5.0)], &[]));
    // There is no room where the one that is to lead was to go: it stays where it may not, and so does leadership.
    let after = target_led(&both, &[(0, 2, 3)], &[(0, 2, true)]);
    let reason = ["the replica on broker 2 doesn't move to broker 3"];
    check(&both, &options(), &after, &[], &reason);
    // The same when who leads goes on to where it may.
    let after = target_led(&both, &[(0, 1, 4), (0, 2, 3)], &[(0, 2, true)]);
    check(&both, &options(), &after, &["0 evacuate [1,2]>[4,2] 4"], &reason);
    // It is better off where it only isn't to lead than where it is to be emptied.
    brokers[1].state = BrokerState::Demoted;
    let demoted = model(brokers, topic(&[(&[1, 2], 5.0)], &[]));
    let after = target_led(&demoted, &[(0, 2, 3)], &[(0, 2, true)]);
    check(&demoted, &options(), &after, &["0 leader [1,2]>[2,1] 2"], &reason);
}

#[test]
fn leadership_follows_its_replica_rather_than_to_where_it_is_worse_off() {
    let mut brokers = brokers(4);
    brokers[1].state = BrokerState::Draining;
    brokers[3].state = BrokerState::Demoted;
    let model = model(brokers, topic(&[(&[1, 2], 5.0)], &[]));
    let after = target_led(&model, &[(0, 1, 4)], &[(0, 2, true)]);
    check(&model, &options(), &after, &["0 move [1,2]>[4,2] 4"], &[]);
}
