//! Steps replayed on a cluster of three brokers.

use super::{BrokerStatistics, statistics_after, statistics_before};
use crate::plan::{Plan, Provision, ProvisionStatus, Step, StepKind};
use crate::tiny::Tiny;

fn plan(steps: &[(i32, &[i32], &[i32], i32)]) -> Plan {
    let steps = steps.iter().map(|(partition, from, to, leader)| Step {
        topic: "t".into(),
        partition: *partition,
        from: from.to_vec(),
        to: to.to_vec(),
        leader: Some(*leader),
        bytes: 0.0,
        kind: StepKind::Move,
        log_dir: None,
    });
    Plan {
        id: String::new(),
        basis: String::new(),
        seed: 0,
        operation: "rebalance",
        steps: steps.collect(),
        goals: Vec::new(),
        bytes_moved: 0.0,
        bytes_lower_bound: 0.0,
        replicas_moved: 0,
        replicas_lower_bound: 0,
        leaders_moved: 0,
        provision: Provision { status: ProvisionStatus::RightSized, recommendations: Vec::new() },
        reasons: Vec::new(),
    }
}

/// Partition 0 has replicas of 10 and 20 on brokers 1 and 2, and is led by the first; partition 1 the same of 1 and 2.
fn tiny() -> Tiny {
    Tiny::new(&["1 a", "2 b", "3 c"]).topic("t", &["1* 2", "1* 2"]).with(|cluster| {
        for (partition, size) in cluster.topics[0].partitions.iter_mut().zip([10.0, 1.0]) {
            partition.replicas[0].load.disk = size;
            partition.replicas[1].load.disk = 2.0 * size;
        }
    })
}

/// Replicas, leaders, disk and network out of each broker.
#[track_caller]
fn check(statistics: &[BrokerStatistics], expect: [(u64, u64, f64, f64); 3]) {
    let found: Vec<_> = statistics
        .iter()
        .map(|broker| (broker.replicas, broker.leaders, broker.load[3], broker.load[2]))
        .collect();
    assert_eq!(found, expect);
}

#[test]
fn steps_are_replayed() {
    let model = tiny().model();
    let before = [(2, 2, 11.0, 20.0), (2, 0, 22.0, 0.0), (0, 0, 0.0, 0.0)];
    check(&statistics_before(&model), before);
    check(&statistics_after(&model, &plan(&[])), before);
    // A replica moves, with what it costs.
    let moved = plan(&[(0, &[1, 2], &[1, 3], 1)]);
    check(
        &statistics_after(&model, &moved),
        [(2, 2, 11.0, 20.0), (1, 0, 2.0, 0.0), (1, 0, 20.0, 0.0)],
    );
    // It goes on and comes to lead.
    let twice = plan(&[(0, &[1, 2], &[1, 3], 1), (0, &[1, 3], &[3, 2], 3)]);
    check(
        &statistics_after(&model, &twice),
        [(1, 1, 1.0, 10.0), (2, 0, 12.0, 0.0), (1, 1, 20.0, 10.0)],
    );
    // One is added, of the leader's size, and the first goes.
    let added = plan(&[(1, &[1, 2], &[2, 1, 3], 2), (1, &[2, 1, 3], &[2, 3], 2)]);
    check(
        &statistics_after(&model, &added),
        [(1, 1, 10.0, 10.0), (2, 1, 22.0, 10.0), (1, 0, 1.0, 0.0)],
    );
}

#[test]
fn what_is_not_there_is_left_out() {
    let model = tiny().model();
    let other = plan(&[(7, &[1, 2], &[1, 3], 1)]);
    check(
        &statistics_after(&model, &other),
        [(2, 2, 11.0, 20.0), (2, 0, 22.0, 0.0), (0, 0, 0.0, 0.0)],
    );
}
