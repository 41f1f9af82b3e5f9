//! Another replication factor.

use std::collections::BTreeSet;

use taffrail_balancer::{Operation, PlanError, StepKind};

use crate::scene::Scene;

fn scene() -> Scene {
    let scene = Scene::new(&["a", "b", "c", "d"]);
    (0..4).fold(scene, |scene, first| {
        scene.same(&format!("t{first}"), 12, &[first + 1, (first + 1) % 4 + 1])
    })
}

fn change(topics: &[&str], factor: u32) -> Operation {
    Operation::ReplicationFactor {
        topics: topics.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(),
        factor,
    }
}

#[test]
fn more_replicas_are_added_and_nothing_else_moves() {
    for factor in [3, 4] {
        let checked = scene().operation(change(&[], factor)).check();
        assert!(
            checked
                .plan
                .steps
                .iter()
                .all(|step| [StepKind::Add, StepKind::Leader].contains(&step.kind))
        );
        assert_eq!(checked.plan.replicas_moved, 48 * (u64::from(factor) - 2));
        assert_eq!(checked.plan.bytes_moved, 480.0 * (f64::from(factor) - 2.0));
    }
}

#[test]
fn fewer_replicas_are_removed_and_nothing_is_copied() {
    let checked = scene().operation(change(&[], 1)).check();
    assert_eq!(checked.plan.steps.iter().filter(|step| step.kind == StepKind::Remove).count(), 48);
    assert_eq!(checked.plan.bytes_moved, 0.0);
}

#[test]
fn topics_that_are_not_named_stay() {
    let checked = scene().operation(change(&["t1"], 3)).check();
    assert_eq!(checked.plan.replicas_moved, 12);
    assert_eq!(checked.moved_topics(), BTreeSet::from(["t1"]));
}

#[test]
fn excluded_topics_change_when_they_are_named() {
    let scene = scene().edit(|cluster| cluster.topics[1].excluded = true);
    assert_eq!(scene.clone().operation(change(&[], 3)).check().plan.replicas_moved, 36);
    assert_eq!(scene.operation(change(&["t1"], 3)).check().plan.replicas_moved, 12);
}

#[test]
fn more_replicas_than_racks_are_added_all_the_same() {
    let scene = Scene::new(&["a", "a", "b", "b"]).same("t", 8, &[1, 3]).operation(change(&[], 3));
    let checked = scene.check();
    checked.assert_reason("rack");
}

#[test]
fn more_replicas_than_brokers_are_refused() {
    let refusal = scene()
        .operation(change(&[], 5))
        .try_check()
        .expect("no plan is wrong")
        .expect_err("there are four");
    assert!(matches!(refusal, PlanError::ReplicationFactor(_)), "{refusal}");
}
