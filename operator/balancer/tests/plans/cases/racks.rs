//! Racks: layouts that can be mended, and layouts that can't.

use taffrail_balancer::document::BrokerState;
use taffrail_balancer::{DEFAULT_GOALS, Goal};

use crate::scene::Scene;

fn even_racks() -> Vec<Goal> {
    let goals = DEFAULT_GOALS.into_iter();
    goals
        .map(|goal| if goal == Goal::RackAware { Goal::RackAwareDistribution } else { goal })
        .collect()
}

#[test]
fn replicas_of_a_rack_are_parted() {
    for racks in [&["a", "a", "b", "b"][..], &["a", "a", "b", "b", "c", "c"]] {
        let checked = Scene::new(racks).same("t", 12, &[1, 2]).check();
        checked.assert_met();
        assert!(checked.plan.replicas_moved >= 12, "one of each two goes to another rack");
    }
}

#[test]
fn brokers_without_a_rack_are_one_each() {
    let checked = Scene::new(&["", "", ""]).same("t", 6, &[1, 2, 3]).check();
    checked.assert_met();
    assert_eq!(checked.plan.replicas_moved, 0);
}

#[test]
fn brokers_of_a_machine_without_a_rack_are_one_together() {
    let scene = Scene::new(&["", "", ""]).same("t", 6, &[1, 2]);
    let scene = [1, 2]
        .into_iter()
        .fold(scene, |scene, id| scene.broker(id, |broker| broker.host = Some("m".into())));
    let checked = scene.goals(&[Goal::RackAware]).check();
    checked.assert_met();
    assert_eq!(checked.plan.replicas_moved, 6);
}

#[test]
fn too_few_racks_are_said_and_nothing_gets_worse() {
    let checked = Scene::new(&["a", "a", "b", "b"]).same("t", 12, &[1, 2, 3]).check();
    assert_eq!(checked.after(Goal::RackAware), 12);
    checked.assert_reason("rack");
}

#[test]
fn a_rack_is_not_doubled_to_balance() {
    // Rack b is one broker: it has to hold a replica of everything, far above its share.
    let checked = Scene::new(&["a", "a", "a", "b"]).same("t", 30, &[1, 4]).check();
    assert_eq!(checked.after(Goal::RackAware), 0);
    assert!(checked.after(Goal::ReplicaDistribution) > 0);
    assert_eq!(checked.on(4).replicas, 30);
    checked.assert_reason("ReplicaDistributionGoal");
}

#[test]
fn racks_are_filled_evenly_where_that_is_asked() {
    let goals = even_racks();
    for (racks, replicas) in [
        (&["a", "a", "b", "b"][..], &[1, 2][..]),
        (&["a", "a", "a", "b", "b", "b"], &[1, 2, 3]),
        (&["a", "a", "a", "b", "b", "b"], &[1, 2, 3, 4]),
        (&["a", "a", "a", "b", "b", "c", "c"], &[1, 2, 3, 4, 5]),
    ] {
        let checked = Scene::new(racks).same("t", 12, replicas).goals(&goals).check();
        assert_eq!(
            checked.after(Goal::RackAwareDistribution),
            0,
            "{racks:?} {replicas:?}: {:?}",
            checked.plan.reasons
        );
    }
}

#[test]
fn racks_too_small_for_an_even_share_are_said() {
    // Rack b has one broker and can't hold two of four replicas.
    let checked =
        Scene::new(&["a", "a", "a", "b"]).same("t", 4, &[1, 2, 3, 4]).goals(&even_racks()).check();
    assert_eq!(checked.after(Goal::RackAwareDistribution), 4);
    checked.assert_reason("RackAwareDistributionGoal");
}

#[test]
fn offline_replicas_of_a_rack_that_is_doubled_anyway_are_mended() {
    // One rack for all: the goal can't be met, but what broker 4 had must be copied all the same.
    let scene = Scene::new(&["a", "a", "a", "a"]).same("t", 6, &[1, 4]).state(4, BrokerState::Dead);
    let checked = scene.check();
    assert_eq!(checked.verified.stranded_left, 0, "{:?}", checked.plan.reasons);
    assert_eq!(checked.on(4).replicas, 0);
}
