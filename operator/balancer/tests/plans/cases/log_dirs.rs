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

/// Directory /x of broker 1, which has all that is on it, is broken, and others lead what it led.
fn broken() -> Scene {
    scene().log_dirs(1, &[("/x", Offline), ("/y", Online)]).edit(|cluster| {
        for partition in cluster.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
            let other = partition.replicas.iter().map(|replica| replica.broker).find(|id| *id != 1);
            partition.leader = partition.leader.filter(|id| *id != 1).or(other);
        }
    })
}

#[test]
fn a_broken_directory_is_emptied() {
    // Its broker can't copy out of it: what is in it goes to the one broker that hasn't the partition yet.
    for operation in [Operation::Rebalance, Operation::FixOffline] {
        let checked = broken().operation(operation).check();
        assert_eq!(checked.verified.stranded_left, 0, "{:?}", checked.plan.reasons);
        assert_eq!(checked.plan.replicas_moved, 24);
        assert_eq!(checked.on(1).replicas, 0);
    }
}

#[test]
fn what_no_other_broker_may_take_stays_in_a_broken_directory() {
    // The brokers beside it have a replica of everything, or are not to receive any.
    let two = Scene::new(&["a", "b"]).same("t", 6, &[2, 1]);
    let two = two.log_dirs(1, &[("/x", Offline), ("/y", Online)]);
    let three = broken().options(|options| options.excluded_for_replicas.extend([2, 3]));
    for (scene, left) in [(two, 6), (three, 24)] {
        for operation in [Operation::Rebalance, Operation::FixOffline] {
            let checked = scene.clone().operation(operation).check();
            assert_eq!(checked.verified.stranded_left, left);
            assert_eq!(checked.plan.bytes_moved, 0.0);
            checked.assert_reason("found no place");
        }
    }
}

#[test]
fn a_directory_is_removed() {
    let scene = scene().log_dirs(1, &[("/x", Online), ("/y", Online)]);
    let checked = scene.operation(Operation::RemoveLogDirs([(1, "/x".to_owned())].into())).check();
    assert_eq!(checked.verified.stranded_left, 0);
    // It is online, so that its broker can copy out of it.
    let inside = checked.plan.steps.iter().filter_map(|step| step.log_dir.as_ref());
    assert!(inside.filter(|log_dir| log_dir.from.as_deref() == Some("/x")).count() >= 20);
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

#[test]
fn a_leader_is_elected_before_anything_is_copied_from_it() {
    // What broker 1 led was in the broken directory: nobody leads it, and the second replica is there.
    let scene = scene().log_dirs(1, &[("/x", Offline), ("/y", Online)]).edit(|cluster| {
        for partition in &mut cluster.topics[0].partitions {
            partition.leader = None;
        }
    });
    for operation in [Operation::Rebalance, Operation::FixOffline] {
        let checked = scene.clone().operation(operation).check();
        assert_eq!(checked.verified.stranded_left, 0, "{:?}", checked.plan.reasons);
        for partition in 0..12 {
            let mut steps = checked.plan.steps.iter();
            let first = steps.find(|step| &*step.topic == "t0" && step.partition == partition);
            let first = first.expect("a partition without leader gets one");
            assert_eq!((first.leader, &first.from[..]), (Some(2), &[1, 2][..]));
        }
    }
}

#[test]
fn the_only_replica_in_a_broken_directory_is_not_given_up() {
    let scene =
        Scene::new(&["a", "b"]).same("t", 2, &[1]).log_dirs(1, &[("/x", Offline), ("/y", Online)]);
    let scene = scene.edit(|cluster| {
        for partition in &mut cluster.topics[0].partitions {
            partition.leader = None;
        }
    });
    let checked = scene.check();
    assert_eq!(checked.verified.stranded_left, 2);
    checked.assert_reason("no replica that is online");
}
