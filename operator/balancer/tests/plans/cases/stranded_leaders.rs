//! Leaders where nothing may stay.

use std::collections::BTreeSet;

use taffrail_balancer::document::BrokerState;
use taffrail_balancer::{Operation, StepKind};

use crate::scene::Scene;

fn one_replica_each() -> Operation {
    Operation::ReplicationFactor { topics: BTreeSet::new(), factor: 1 }
}

#[test]
fn a_leader_on_a_draining_broker_is_removed_rather_than_copied() {
    let scene = Scene::new(&["a", "b", "c"])
        .topic("t", &[&[1, 2], &[1, 3], &[2, 3], &[3, 2]])
        .state(1, BrokerState::Draining)
        .operation(one_replica_each());
    let checked = scene.check();
    assert_eq!((checked.on(1).replicas, checked.verified.stranded_left), (0, 0));
    assert_eq!(checked.plan.replicas_moved, 0, "{:?}", checked.plan.steps);
    let of_first = checked.plan.steps.iter().filter(|step| step.partition == 0);
    let kinds: Vec<StepKind> = of_first.map(|step| step.kind).collect();
    assert_eq!(
        kinds,
        [StepKind::Leader, StepKind::Remove],
        "leadership goes before its replica does"
    );
}

#[test]
fn a_leader_on_a_draining_broker_is_copied_if_nobody_else_may_lead() {
    let scene = Scene::new(&["a", "b", "c"])
        .topic("t", &[&[1, 2]])
        .state(1, BrokerState::Draining)
        .state(2, BrokerState::Demoted)
        .operation(one_replica_each());
    let checked = scene.check();
    assert_eq!((checked.on(3).leaders, checked.verified.stranded_left), (1, 0));
}
