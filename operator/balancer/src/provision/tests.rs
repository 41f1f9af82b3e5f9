//! Verdicts on clusters as they are.

use super::provision;
use crate::goal::Goal;
use crate::plan::ProvisionStatus::{self, OverProvisioned, RightSized, UnderProvisioned};
use crate::tiny::{Tiny, all};

#[track_caller]
fn check(tiny: &Tiny, status: ProvisionStatus, recommendations: &[&str]) {
    let found = tiny.show(provision);
    assert_eq!(found.recommendations, recommendations);
    assert_eq!(found.status, status);
}

/// Brokers in racks of their own.
fn racks(number: usize) -> Tiny {
    let brokers: Vec<String> = (0..number).map(|id| format!("{id} r{id}")).collect();
    Tiny::new(&brokers.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn racks_that_are_missing_are_asked_for() {
    let tiny = Tiny::new(&["1 a", "2 a", "3 b"]).topic("t", &["1* 2 3"]).goals(&[Goal::RackAware]);
    let more =
        "RackAwareGoal needs brokers in 1 more rack, or RackAwareDistributionGoal in its place";
    check(&tiny, UnderProvisioned, &[more]);
}

#[test]
fn capacity_that_is_missing_is_counted_in_the_largest_brokers() {
    let full = Tiny::new(&["1 a", "2 b", "3 c"])
        .goals(&[Goal::DiskCapacity])
        .topic("t", &["1* 2", "1* 2"]);
    let full = full.with(|cluster| {
        cluster.brokers[1].capacity = all(2000.0);
        for replica in
            cluster.topics[0].partitions.iter_mut().flat_map(|partition| &mut partition.replicas)
        {
            replica.load.disk = 1300.0;
        }
    });
    // 5,200 in all; 3,200 is allowed, and 1,600 on each like broker 2.
    check(
        &full,
        UnderProvisioned,
        &["DiskCapacityGoal needs 2 more brokers like broker 2 (disk 2.00 kB)"],
    );
}

#[test]
fn a_capacity_left_broken_asks_for_a_broker() {
    let tiny =
        Tiny::new(&["1 a", "2 b"]).goals(&[Goal::DiskCapacity]).topic("t", &["1*", "1*", "2*"]);
    let tiny = tiny.with(|cluster| {
        for replica in
            cluster.topics[0].partitions.iter_mut().flat_map(|partition| &mut partition.replicas)
        {
            replica.load.disk = 450.0;
        }
    });
    check(&tiny, UnderProvisioned, &["DiskCapacityGoal needs 1 more broker"]);
}

#[test]
fn extra_racks_could_go() {
    let with = |number: usize| racks(number).goals(&[Goal::RackAware]).topic("t", &["0* 1"]);
    check(&with(3), RightSized, &[]);
    let go = "RackAwareGoal: there are 4 racks for at most 2 replicas of a partition: the brokers of 1 rack could go";
    check(&with(4), OverProvisioned, &[go]);
}

#[test]
fn brokers_with_few_replicas_could_go() {
    let few = racks(5).goals(&[Goal::ReplicaDistribution]).topic("t", &["0* 1", "2* 3", "4* 0"]);
    let go = "ReplicaDistributionGoal: no broker has more than 1,500 replicas: 3 brokers could go";
    check(&few, OverProvisioned, &[go]);
    // Not more than the capacities can do without, and none if another goal is content.
    let full =
        few.clone().goals(&[Goal::ReplicaDistribution, Goal::ReplicaCapacity]).asked(|options| {
            options.constraints.max_replicas_per_broker = 2;
        });
    check(&full, OverProvisioned, &[&go.replace("3 brokers", "2 brokers")]);
    let content = few.goals(&[Goal::ReplicaDistribution, Goal::DiskUsageDistribution]);
    let content = content.asked(|options| options.constraints.balance_thresholds = [10.0; 4]);
    check(&content, RightSized, &[]);
    // Small clusters are left alone.
    check(&racks(2).goals(&[Goal::ReplicaDistribution]).topic("t", &["0*"]), RightSized, &[]);
}

#[test]
fn idle_brokers_could_go() {
    let idle = racks(4).goals(&[Goal::DiskUsageDistribution]).topic("t", &["0* 1", "2* 3"]).asked(
        |options| {
            options.constraints.low_utilization_thresholds = [0.02; 4];
        },
    );
    let go = "DiskUsageDistributionGoal: disk 40 B of 4.00 kB are used, no more than the share of 0.02 at which a cluster \
              idles: 2 brokers could go";
    check(&idle, OverProvisioned, &[go]);
    let busy = idle.asked(|options| options.constraints.low_utilization_thresholds = [0.005; 4]);
    check(&busy, RightSized, &[]);
}
