//! Brokers that come, go, fail and are spared.

use taffrail_balancer::document::BrokerState;
use taffrail_balancer::{Goal, Operation, PlanError, StepKind};

use crate::scene::Scene;

fn even(racks: &[&str]) -> Scene {
    let scene = Scene::new(racks);
    let last = racks.len() as i32;
    (0..last).fold(scene, |scene, first| {
        scene.same(&format!("t{first}"), 10, &[first + 1, (first + 1) % last + 1])
    })
}

#[test]
fn a_dead_broker_is_emptied_and_nothing_else_moves() {
    let checked = even(&["a", "b", "c", "d", "e"]).state(2, BrokerState::Dead).check();
    assert_eq!(checked.on(2).replicas, 0);
    assert_eq!(checked.plan.replicas_moved, 20);
    let copies = checked.plan.steps.iter().filter(|step| step.bytes > 0.0);
    assert!(copies.into_iter().all(|step| step.kind == StepKind::Evacuate));
}

#[test]
fn fix_offline_moves_what_is_offline_alone() {
    let scene =
        even(&["a", "b", "c", "d", "e"]).same("skew", 20, &[1, 3]).state(2, BrokerState::Dead);
    let checked = scene.operation(Operation::FixOffline).check();
    assert_eq!(checked.plan.replicas_moved, 20);
}

#[test]
fn a_removed_broker_is_emptied() {
    for operation in [Operation::RemoveBrokers([2].into()), Operation::RemoveBrokers([2, 4].into())]
    {
        let Operation::RemoveBrokers(ids) = operation.clone() else { continue };
        let checked = even(&["a", "b", "c", "d", "e", "f"]).operation(operation).check();
        assert_eq!(checked.verified.stranded_left, 0);
        assert_eq!(checked.plan.replicas_moved, 20 * ids.len() as u64);
    }
}

#[test]
fn a_draining_broker_is_emptied() {
    let checked = even(&["a", "b", "c", "d", "e"]).state(2, BrokerState::Draining).check();
    assert_eq!(checked.on(2).replicas, 0);
}

#[test]
fn a_broker_that_can_not_be_emptied_is_said() {
    // Three replicas need three brokers.
    let scene = Scene::new(&["a", "b", "c"])
        .same("t", 4, &[1, 2, 3])
        .operation(Operation::RemoveBrokers([3].into()));
    let checked = scene.check();
    assert_eq!(checked.verified.stranded_left, 4);
    checked.assert_reason("1 more broker");
}

#[test]
fn new_brokers_alone_receive() {
    for (brokers, state) in [(5, BrokerState::New), (5, BrokerState::Alive)] {
        let scene = Scene::new(&["a", "b", "c", "d", "e"]);
        let scene = (0..20).fold(scene, |scene, topic| {
            scene.same(&format!("t{topic}"), 4, &[topic % 4 + 1, (topic + 1) % 4 + 1])
        });
        let mut scene = scene.state(brokers, state);
        if state == BrokerState::Alive {
            scene = scene.operation(Operation::AddBrokers([brokers].into()));
        }
        let checked = scene.check();
        checked.assert_met();
        assert!(checked.on(5).replicas >= 29, "the new broker has its share: {:?}", checked.on(5));
    }
}

#[test]
fn a_broker_excluded_for_replicas_receives_none_and_may_keep_what_it_has() {
    let scene = even(&["a", "b", "c", "d"]).same("skew", 20, &[1, 2]);
    let checked = scene.options(|options| options.excluded_for_replicas = [4].into()).check();
    assert!(checked.on(4).replicas <= 20);
}

#[test]
fn a_broker_excluded_for_leadership_is_given_none() {
    let scene =
        even(&["a", "b", "c", "d"]).options(|options| options.excluded_for_leadership = [4].into());
    let checked = scene.check();
    assert!(checked.on(4).leaders <= 10);
}

#[test]
fn demoted_brokers_lead_nothing_and_nothing_is_copied() {
    let scene = even(&["a", "b", "c", "d"]).operation(Operation::Demote([1].into()));
    let checked = scene.check();
    assert_eq!(checked.on(1).leaders, 0);
    assert_eq!((checked.plan.replicas_moved, checked.plan.bytes_moved), (0, 0.0));
    let checked = even(&["a", "b", "c", "d"]).state(1, BrokerState::Demoted).check();
    assert_eq!(checked.on(1).leaders, 0);
}

#[test]
fn a_broker_that_is_the_only_one_has_nothing_to_do() {
    let checked = Scene::new(&["a"]).same("t", 8, &[1]).check();
    checked.assert_met();
    assert!(checked.plan.steps.is_empty());
}

#[test]
fn everything_dead_is_refused() {
    let scene = Scene::new(&["a", "b"]).same("t", 4, &[1, 2]);
    let scene = scene.broker(1, |broker| broker.state = BrokerState::Dead);
    let scene = scene.broker(2, |broker| broker.state = BrokerState::Dead).edit(|cluster| {
        for partition in &mut cluster.topics[0].partitions {
            partition.leader = None;
        }
    });
    let refusal =
        scene.try_check().expect("no plan is wrong").expect_err("there is nobody to hold anything");
    assert_eq!(refusal, PlanError::NobodyReceives);
}

#[test]
fn a_partition_that_is_nowhere_online_is_said_and_not_copied() {
    let checked = even(&["a", "b", "c", "d"]).same("lost", 1, &[2]).edit(|cluster| {
        cluster.brokers[1].state = BrokerState::Dead;
        for partition in cluster.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
            let others =
                partition.replicas.iter().map(|replica| replica.broker).find(|id| *id != 2);
            partition.leader = partition.leader.filter(|id| *id != 2).or(others);
        }
    });
    let checked = checked.check();
    assert_eq!(checked.verified.stranded_left, 1);
    checked.assert_reason("no replica that is online");
}

#[test]
fn a_partition_without_leader_gets_one() {
    let scene =
        even(&["a", "b", "c", "d"]).edit(|cluster| cluster.topics[0].partitions[0].leader = None);
    let checked = scene.check();
    assert_eq!(checked.verified.after.iter().map(|totals| totals.leaders).sum::<u64>(), 40);
}

#[test]
fn unequal_brokers_hold_by_their_capacity() {
    let scene = even(&["a", "b", "c", "d"]).broker(4, |broker| {
        broker.capacity.disk *= 0.5;
        broker.capacity.network_in *= 0.5;
        broker.capacity.network_out *= 0.5;
        broker.capacity.cpu *= 0.5;
    });
    let scene = scene.goals(&[
        Goal::RackAware,
        Goal::DiskUsageDistribution,
        Goal::LeaderBytesInDistribution,
    ]);
    let checked = scene.check();
    checked.assert_met();
    assert!(
        checked.on(4).replicas < 15,
        "half the capacity holds half as much: {:?}",
        checked.on(4)
    );
}

#[test]
fn what_a_machine_can_carry_is_shared_by_its_brokers() {
    // Each broker has room, the machine of the first two has not.
    let scene = Scene::new(&["a", "a", "b", "c"]).same("t", 8, &[1, 3]).same("u", 8, &[2, 4]);
    let scene = [1, 2].into_iter().fold(scene, |scene, id| {
        scene.broker(id, |broker| {
            broker.host = Some("m".into());
            broker.capacity.network_in = 10.0;
        })
    });
    let checked = scene.goals(&[Goal::RackAware, Goal::NetworkInboundCapacity]).check();
    checked.assert_met();
}

#[test]
fn what_is_offline_goes_to_new_brokers_first() {
    // One rack for all: the new broker breaks the goal about racks no more than an old one.
    let scene = Scene::new(&["a", "a", "a", "a", "a"]).same("t", 6, &[1, 2, 3]);
    let checked = scene.state(3, BrokerState::Dead).state(5, BrokerState::New).check();
    assert_eq!((checked.on(4).replicas, checked.on(5).replicas), (0, 6));
}

#[test]
fn what_is_offline_goes_to_old_brokers_when_it_has_to() {
    // The new broker has no room for all of it.
    let scene = Scene::new(&["a", "b", "c", "d", "e"]).same("t", 6, &[1, 3]);
    let scene = scene.state(3, BrokerState::Dead).state(5, BrokerState::New);
    let checked = scene.broker(5, |broker| broker.capacity.disk = 50.0).check();
    assert_eq!(checked.verified.stranded_left, 0, "{:?}", checked.plan.reasons);
    assert_eq!(checked.on(5).replicas, 4);
}
