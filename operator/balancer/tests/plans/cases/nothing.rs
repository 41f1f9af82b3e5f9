//! Clusters that need nothing.

use taffrail_balancer::{Operation, ProvisionStatus};

use crate::scene::Scene;

fn balanced() -> Scene {
    let scene = Scene::new(&["a", "b", "c", "d"]);
    (0..20).fold(scene, |scene, topic| {
        scene.same(&format!("t{topic}"), 3, &[topic % 4 + 1, (topic + 1) % 4 + 1])
    })
}

#[test]
fn a_balanced_cluster_is_left_alone() {
    for operation in [Operation::Rebalance, Operation::FixOffline, Operation::Leaders] {
        let checked = balanced().operation(operation).check();
        checked.assert_met();
        assert!(checked.plan.steps.is_empty(), "{:?}", checked.plan.steps);
        assert!(checked.plan.provision.status != ProvisionStatus::UnderProvisioned);
    }
}

#[test]
fn a_cluster_without_topics_is_left_alone() {
    let checked = Scene::new(&["a", "b", "c"]).check();
    checked.assert_met();
    assert!(checked.plan.steps.is_empty());
}

#[test]
fn a_topic_without_load_is_balanced_by_count() {
    let scene = Scene::new(&["a", "b", "c"]).same("t", 30, &[1]).edit(|cluster| {
        for partition in &mut cluster.topics[0].partitions {
            partition.leader_extra = Default::default();
            partition.replicas[0].load = Default::default();
        }
    });
    let checked = scene.check();
    checked.assert_met();
    assert_eq!(checked.plan.bytes_moved, 0.0);
    assert!(checked.plan.replicas_moved >= 18);
}

#[test]
fn a_second_run_finds_nothing_to_do() {
    let scene = Scene::new(&["a", "b", "c", "d"]).same("t", 40, &[1, 2]).same("u", 40, &[1, 3]);
    let first = scene.check();
    first.assert_met();
    let again = Scene {
        cluster: crate::carry_out::carry_out(&scene.cluster, &first.plan),
        options: scene.options,
    };
    let second = again.check();
    assert!(second.plan.steps.is_empty(), "{:?}", second.plan.steps);
}
