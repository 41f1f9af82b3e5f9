//! The directories of a broker.

use taffrail_balancer::document::LogDirState::{Offline, Online};
use taffrail_balancer::{Goal, Operation};

use crate::scene::Scene;

fn scene() -> Scene {
    let scene = Scene::new(&["a", "b", "c"]);
    (0..3).fold(scene, |scene, first| {
        scene.same(&format!("t{first}"), 12, &[first + 1, (first + 1) % 3 + 1])
    })
}

#[test]
fn directories_of_a_broker_are_filled_alike() {
    let scene = scene().log_dirs(1, &[("/x", Online), ("/y", Online)]);
    let checked = scene.check();
    checked.assert_met();
    assert_eq!(checked.plan.replicas_moved, 0);
    assert_eq!(checked.plan.bytes_moved, 0.0);
    assert!(checked.plan.steps.iter().any(|step| step.log_dir.is_some()));
}

#[test]
fn a_full_directory_is_relieved() {
    let scene = scene().log_dirs(1, &[("/x", Online), ("/y", Online)]).broker(1, |broker| {
        broker.log_dirs[0].capacity = 200.0;
    });
    let checked = scene.goals(&[Goal::IntraBrokerDiskCapacity]).check();
    checked.assert_met();
    let moved: f64 = checked.plan.steps.iter().map(|step| step.bytes).sum();
    assert_eq!(moved, 80.0);
}

#[test]
fn a_broken_directory_is_emptied() {
    let scene = scene().log_dirs(1, &[("/x", Offline), ("/y", Online)]).edit(|cluster| {
        for partition in cluster.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
            let other = partition.replicas.iter().map(|replica| replica.broker).find(|id| *id != 1);
            partition.leader = partition.leader.filter(|id| *id != 1).or(other);
        }
    });
    for operation in [Operation::Rebalance, Operation::FixOffline] {
        let checked = scene.clone().operation(operation).check();
        assert_eq!(checked.verified.stranded_left, 0, "{:?}", checked.plan.reasons);
    }
}

#[test]
fn a_directory_is_removed() {
    let scene = scene().log_dirs(1, &[("/x", Online), ("/y", Online)]);
    let checked = scene.operation(Operation::RemoveLogDirs([(1, "/x".to_owned())].into())).check();
    assert_eq!(checked.verified.stranded_left, 0);
}

#[test]
fn a_broker_whose_directories_are_all_broken_receives_nothing() {
    // Broker 4 is alive, and can't hold a thing.
    let skewed =
        Scene::new(&["a", "b", "c", "d"]).same("t", 30, &[1, 2]).log_dirs(4, &[("/x", Offline)]);
    let checked = skewed.check();
    assert_eq!(checked.on(4).replicas, 0);
    assert!(checked.on(3).replicas > 0);
}
