//! Capacities and bands at their thresholds.

use taffrail_balancer::{Goal, Resource};

use crate::scene::Scene;

fn skewed() -> Scene {
    let scene = Scene::new(&["a", "b", "c", "d"]);
    (0..20).fold(scene, |scene, topic| scene.same(&format!("t{topic}"), 5, &[1, 2]))
}

#[test]
fn bands_of_every_width_are_met() {
    for threshold in [1.05, 1.25, 1.65] {
        let checked = skewed()
            .options(|options| {
                options.constraints.balance_thresholds = [threshold; 4];
                options.constraints.replica_threshold = threshold;
                options.constraints.leader_threshold = threshold;
            })
            .check();
        checked.assert_met();
        let share = 200.0 / 4.0;
        let most =
            checked.verified.after.iter().map(|totals| totals.replicas).max().unwrap_or_default()
                as f64;
        assert!(most <= (share * (1.0 + (threshold - 1.0) * 0.9)).ceil(), "{threshold}: {most}");
    }
}

#[test]
fn a_wider_band_moves_less() {
    let moved = |threshold: f64| {
        let scene = skewed().options(|options| options.constraints.replica_threshold = threshold);
        scene.goals(&[Goal::ReplicaDistribution]).check().plan.replicas_moved
    };
    assert!(moved(1.65) < moved(1.25) && moved(1.25) < moved(1.05));
}

#[test]
fn capacity_thresholds_are_kept() {
    // Broker 1 has 1,000 bytes of load: it may keep what its threshold lets it.
    for threshold in [0.7, 0.8, 0.9] {
        let checked = skewed()
            .broker(1, |broker| broker.capacity.disk = 1_000.0)
            .goals(&[Goal::RackAware, Goal::DiskCapacity])
            .options(|options| options.constraints.capacity_thresholds = [threshold; 4])
            .check();
        checked.assert_met();
        let left = checked.on(1).load[Resource::Disk as usize];
        assert!(
            left <= 1_000.0 * threshold && left > 1_000.0 * threshold - 20.0,
            "{threshold}: {left}"
        );
    }
}

#[test]
fn what_fits_nowhere_is_said() {
    let scene = skewed().edit(|cluster| {
        for broker in &mut cluster.brokers {
            broker.capacity.disk = 500.0;
        }
    });
    let checked = scene.goals(&[Goal::DiskCapacity]).check();
    assert!(checked.after(Goal::DiskCapacity) > 0);
    checked.assert_reason("DiskCapacityGoal");
}

#[test]
fn a_replica_larger_than_any_broker_is_said() {
    let mut scene = skewed();
    if let Some(replica) = scene.replicas_mut().next() {
        replica.load.disk = 1e9;
    }
    let checked = scene.goals(&[Goal::DiskCapacity]).check();
    assert_eq!(checked.after(Goal::DiskCapacity), 1);
    checked.assert_reason("DiskCapacityGoal");
}

#[test]
fn every_capacity_is_a_limit() {
    for (goal, resource) in [
        (Goal::CpuCapacity, Resource::Cpu),
        (Goal::NetworkInboundCapacity, Resource::NetworkIn),
        (Goal::NetworkOutboundCapacity, Resource::NetworkOut),
        (Goal::DiskCapacity, Resource::Disk),
    ] {
        let scene = skewed();
        let load = scene.check().verified.before[0].load[resource as usize];
        let capacity = load * 0.8;
        let scene = scene.goals(&[goal]).broker(1, |broker| match resource {
            Resource::Cpu => broker.capacity.cpu = capacity,
            Resource::NetworkIn => broker.capacity.network_in = capacity,
            Resource::NetworkOut => broker.capacity.network_out = capacity,
            Resource::Disk => broker.capacity.disk = capacity,
        });
        scene.check().assert_met();
    }
}

#[test]
fn a_number_of_replicas_is_a_limit() {
    let scene = skewed().goals(&[Goal::RackAware, Goal::ReplicaCapacity]);
    let checked =
        scene.clone().options(|options| options.constraints.max_replicas_per_broker = 60).check();
    checked.assert_met();
    assert_eq!(checked.plan.replicas_moved, 80);
    let checked = scene.options(|options| options.constraints.max_replicas_per_broker = 40).check();
    assert!(checked.after(Goal::ReplicaCapacity) > 0);
    checked.assert_reason("ReplicaCapacityGoal");
}

#[test]
fn a_cluster_that_idles_is_left_alone() {
    let goals = [Goal::DiskUsageDistribution, Goal::NetworkInboundUsageDistribution];
    let scene = skewed().goals(&goals);
    assert!(scene.check().plan.replicas_moved > 0);
    let idle =
        scene.options(|options| options.constraints.low_utilization_thresholds = [0.5; 4]).check();
    idle.assert_met();
    assert_eq!(idle.plan.replicas_moved, 0);
}

#[test]
fn potential_network_out_counts_followers() {
    let scene = skewed()
        .broker(2, |broker| broker.capacity.network_out = 100.0)
        .goals(&[Goal::PotentialNwOut]);
    let checked = scene.check();
    checked.assert_met();
    assert_eq!(checked.plan.replicas_moved, 20);
}
