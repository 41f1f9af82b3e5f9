//! Each goal on clusters that can be counted by hand.

use proptest::prelude::*;

use super::{Place, each_violation, priorities};
use crate::document::LogDirState;
use crate::goal::Goal;
use crate::limits::{LEADERS, REPLICAS, Totals, add, totals_of};
use crate::options::{Operation, Options};
use crate::placement::Placement;
use crate::tiny::{Tiny, all};

/// The violations of a goal where everything is now.
#[track_caller]
fn check(tiny: Tiny, goal: Goal, expect: u64) {
    let found = tiny.goals(&[goal]).show(|_, _, _, evaluation| evaluation.of(goal));
    assert_eq!(found, expect, "{goal}");
}

fn three() -> Tiny {
    Tiny::new(&["1 a", "2 b", "3 c"])
}

#[test]
fn no_two_replicas_in_a_rack() {
    let goal = Goal::RackAware;
    check(three().topic("t", &["1* 2 3", "2* 1 3"]), goal, 0);
    let two = || Tiny::new(&["1 a", "2 a", "3 b", "4 b"]);
    check(two().topic("t", &["1* 3", "1* 2", "3 4*", "2* 4"]), goal, 2);
    check(two().topic("t", &["1* 2 3 4"]), goal, 1);
    check(Tiny::new(&["1", "2"]).topic("t", &["1* 2"]), goal, 0);
    // A replica that is offline is in its rack as well.
    check(Tiny::new(&["1 a", "2 a dead"]).topic("t", &["1* 2"]), goal, 1);
}

#[test]
fn replicas_are_spread_over_racks() {
    let goal = Goal::RackAwareDistribution;
    let racks = || Tiny::new(&["1 a", "2 a", "3 b", "4 b", "5 b"]);
    check(racks().topic("t", &["1* 3", "1* 2"]), goal, 1);
    check(racks().topic("t", &["1* 2 3", "1* 3 4", "3* 4 5"]), goal, 1);
    check(racks().topic("t", &["1* 2 3 4", "1* 3 4 5"]), goal, 1);
    check(racks().topic("t", &["1* 2 3 4 5"]), goal, 0);
    // Two of three racks with one more than floor(4 / 3): one is what may be.
    let three = Tiny::new(&["1 a", "2 a", "3 b", "4 b", "5 c"]);
    check(three.topic("t", &["1* 2 3 5", "1* 2 3 4"]), goal, 1);
    // A rack whose only broker is dead is none to spread over.
    let dead = Tiny::new(&["1 a", "2 a", "3 b", "4 c dead"]);
    check(dead.topic("t", &["1* 2 3"]), goal, 0);
}

#[test]
fn topics_stay_in_their_sets() {
    let goal = Goal::BrokerSetAware;
    let sets = || {
        Tiny::new(&["1 a", "2 b", "3 c", "4 d", "5 e"]).asked(|options| {
            options.broker_sets.insert("blue".to_owned(), [1, 2].into());
            options.broker_sets.insert("red".to_owned(), [3, 4].into());
        })
    };
    let named = |tiny: Tiny, set: &str| {
        tiny.asked(|options| options.topic_sets = [("t".to_owned(), set.to_owned())].into())
    };
    check(sets().topic("t", &["1* 2", "2* 1"]), goal, 0);
    check(sets().topic("t", &["1* 2", "3* 4", "2* 3"]), goal, 2);
    check(named(sets(), "red").topic("t", &["1* 2", "3* 4", "2* 3"]), goal, 2);
    check(named(sets(), "blue").topic("t", &["1* 2", "3* 4", "1* 2"]), goal, 1);
    // Of equal ones, the first by name; a broker in no set is outside of all.
    check(sets().topic("t", &["3* 4", "1* 2", "1* 5"]), goal, 2);
    check(three().topic("t", &["1* 2"]), goal, 0);
}

#[test]
fn brokers_lead_their_least() {
    let goal = Goal::MinTopicLeadersPerBroker;
    let least = |tiny: Tiny, least: u32| {
        tiny.topic("t", &["1* 2", "1 2*", "1* 2", "3* 1"])
            .with(|cluster| cluster.topics[0].min_leaders_per_broker = least)
    };
    check(least(three(), 0), goal, 0);
    check(least(three(), 1), goal, 0);
    check(least(three(), 2), goal, 2);
    check(least(three(), 3), goal, 3);
    check(least(Tiny::new(&["1 a", "2 b", "3 c", "4 d"]), 1), goal, 1);
    check(least(Tiny::new(&["1 a", "2 b", "3 c", "4 d demoted"]), 1), goal, 0);
    check(least(Tiny::new(&["1 a", "2 b", "3 c", "4 d dead"]), 1), goal, 0);
}

#[test]
fn capacities_hold_on_brokers() {
    let full = |disk: f64| {
        three().topic("t", &["1* 2"]).with(|cluster| {
            let partition = &mut cluster.topics[0].partitions[0];
            partition.replicas[0].load = all(disk);
            partition.leader_extra = all(1.0);
        })
    };
    check(full(799.0), Goal::DiskCapacity, 0);
    check(full(800.0), Goal::DiskCapacity, 1);
    check(full(799.0), Goal::NetworkInboundCapacity, 0);
    check(full(800.0), Goal::NetworkInboundCapacity, 1);
    check(full(799.0), Goal::NetworkOutboundCapacity, 0);
    check(full(800.0), Goal::NetworkOutboundCapacity, 1);
    check(full(699.0), Goal::CpuCapacity, 0);
    check(full(700.0), Goal::CpuCapacity, 1);
    let most = |most: u32| {
        three()
            .topic("t", &["1* 2", "1* 3", "1* 2"])
            .asked(|options| options.constraints.max_replicas_per_broker = most)
    };
    check(most(3), Goal::ReplicaCapacity, 0);
    check(most(2), Goal::ReplicaCapacity, 1);
    check(most(1), Goal::ReplicaCapacity, 2);
}

#[test]
fn what_should_be_empty_breaks_every_capacity() {
    for state in ["dead", "draining"] {
        let left = || {
            Tiny::new(&["1 a", "2 b", &format!("3 c {state}"), &format!("4 d {state}")])
                .topic("t", &["1* 3"])
        };
        for goal in [
            Goal::ReplicaCapacity,
            Goal::DiskCapacity,
            Goal::NetworkInboundCapacity,
            Goal::NetworkOutboundCapacity,
            Goal::CpuCapacity,
        ] {
            check(left(), goal, 1);
        }
        check(left().topic("u", &["2*"]), Goal::ReplicaDistribution, 1);
        // It is within the band of disk; the others are below.
        check(left().topic("u", &["2*"]), Goal::DiskUsageDistribution, 2);
    }
    let removed = Tiny::new(&["1 a", "2 b"]).topic("t", &["1* 2"]);
    let removed = removed.asked(|options| options.operation = Operation::RemoveBrokers([2].into()));
    check(removed, Goal::DiskCapacity, 1);
}

#[test]
fn capacities_hold_on_machines() {
    let hosts = |disk: f64| {
        Tiny::new(&["1 a host=x", "2 a host=x", "3 b"]).topic("t", &["1* 3", "2* 3"]).with(
            |cluster| {
                cluster.brokers[1].capacity = all(100.0);
                for partition in &mut cluster.topics[0].partitions {
                    partition.replicas[0].load = all(disk);
                    partition.replicas[1].load = all(0.0);
                    partition.leader_extra = all(0.0);
                }
            },
        )
    };
    // Broker 2 may have 80, and both together 880.
    check(hosts(80.0), Goal::NetworkInboundCapacity, 0);
    check(hosts(81.0), Goal::NetworkInboundCapacity, 1);
    check(hosts(441.0), Goal::NetworkInboundCapacity, 2);
    check(hosts(441.0), Goal::CpuCapacity, 2);
    // Disks aren't shared.
    check(hosts(441.0), Goal::DiskCapacity, 1);
}

#[test]
fn bands_hold_on_brokers() {
    // Shares of 5 replicas and 50 of disk: from 4.55 and 45.5 to 5.45 and 54.5.
    let level =
        || Tiny::new(&["1 a", "2 b"]).topic("t", &["1*", "2*", "1*", "2*", "1* 2", "1 2*", "1* 2"]);
    check(level(), Goal::ReplicaDistribution, 0);
    check(level(), Goal::DiskUsageDistribution, 0);
    check(level(), Goal::NetworkInboundUsageDistribution, 0);
    let skewed = || level().topic("u", &["1*", "1*"]);
    check(skewed(), Goal::ReplicaDistribution, 0);
    check(skewed(), Goal::DiskUsageDistribution, 2);
    check(skewed(), Goal::NetworkInboundUsageDistribution, 2);
    check(skewed(), Goal::NetworkOutboundUsageDistribution, 2);
    check(skewed(), Goal::CpuUsageDistribution, 2);
    check(skewed(), Goal::LeaderReplicaDistribution, 2);
    check(skewed(), Goal::LeaderBytesInDistribution, 1);
    let far = || level().topic("u", &["1*", "1*", "1*", "1*"]);
    check(far(), Goal::ReplicaDistribution, 2);
    // A broker that isn't counted may have less than a share; the one that is should have it all.
    check(
        far().asked(|options| options.excluded_for_replicas = [2].into()),
        Goal::ReplicaDistribution,
        1,
    );
    // At low utilisation nobody has too little.
    let idle = skewed().asked(|options| options.constraints.low_utilization_thresholds = [0.5; 4]);
    check(idle, Goal::DiskUsageDistribution, 0);
}

#[test]
fn network_out_would_hold_if_all_led() {
    let potential = |out: f64| {
        three().topic("t", &["1* 2", "1 2*", "1* 3"]).with(|cluster| {
            for partition in &mut cluster.topics[0].partitions {
                partition.leader_extra.network_out = out;
            }
        })
    };
    check(potential(266.0), Goal::PotentialNwOut, 0);
    check(potential(267.0), Goal::PotentialNwOut, 1);
    check(potential(401.0), Goal::PotentialNwOut, 2);
}

#[test]
fn topics_are_spread_over_brokers() {
    // Shares of 2 and 5: up to 2.8 times that, 6 and 14, are in the band.
    let topic = |partitions: &[&str]| three().topic("t", partitions).topic("u", &["1*"]);
    check(topic(&["1*", "1*", "1*", "1*", "2*", "3*"]), Goal::TopicReplicaDistribution, 0);
    check(topic(&["1*"; 15]), Goal::TopicReplicaDistribution, 1);
    check(topic(&["1*"; 15]), Goal::TopicLeaderDistribution, 1);
    let narrow = |tiny: Tiny| {
        tiny.asked(|options| {
            options.constraints.topic_threshold = 1.0;
            options.constraints.topic_min_gap = 0;
            options.constraints.topic_max_gap = 0;
        })
    };
    // Topic u, of one replica, may have none or one on each broker.
    check(narrow(topic(&["1* 2", "2* 3", "3* 1"])), Goal::TopicReplicaDistribution, 0);
    check(narrow(topic(&["1* 2", "2* 1", "2* 3"])), Goal::TopicReplicaDistribution, 2);
    check(narrow(topic(&["1* 2", "2* 1", "2* 3"])), Goal::TopicLeaderDistribution, 2);
}

#[test]
fn leaders_are_the_first_that_are_online() {
    let goal = Goal::PreferredLeaderElection;
    check(three().topic("t", &["1* 2 3", "1 2* 3", "1 2 3"]), goal, 2);
    let dead = || Tiny::new(&["1 a dead", "2 b", "3 c"]);
    check(dead().topic("t", &["1 2* 3", "1 2 3*", "1"]), goal, 1);
    check(Tiny::new(&["1 a draining", "2 b"]).topic("t", &["1* 2", "1 2*"]), goal, 1);
    let offline =
        Tiny::new(&["1 a dirs=2", "2 b"]).topic("t", &["1/d0 2*", "1/d1 2*"]).with(|cluster| {
            cluster.brokers[0].log_dirs[0].state = LogDirState::Offline;
        });
    check(offline, goal, 1);
}

#[test]
fn a_leader_that_is_put_first_is_the_preferred_one() {
    let tiny = three().topic("t", &["1 2* 3"]).goals(&[Goal::PreferredLeaderElection]);
    tiny.show(|task, limits, placement, _| {
        let mut placement = placement.clone();
        placement.leader_first[0] = true;
        assert_eq!(super::evaluate(task, limits, &placement).of(Goal::PreferredLeaderElection), 0);
    });
}

#[test]
fn log_dirs_are_filled_alike() {
    let dirs = |partitions: &[&str], disk: f64| {
        Tiny::new(&["1 a dirs=2", "2 b"]).topic("t", partitions).with(|cluster| {
            for partition in &mut cluster.topics[0].partitions {
                partition.replicas[0].load.disk = disk;
            }
        })
    };
    let (cap, band) = (Goal::IntraBrokerDiskCapacity, Goal::IntraBrokerDiskUsageDistribution);
    check(dirs(&["1/d0* 2", "1/d1* 2"], 400.0), cap, 0);
    check(dirs(&["1/d0* 2", "1/d1* 2"], 401.0), cap, 2);
    check(dirs(&["1/d0* 2", "1/d1* 2"], 401.0), band, 0);
    check(dirs(&["1/d0* 2", "1/d0* 2"], 10.0), band, 2);
    let offline = |tiny: Tiny| {
        tiny.with(|cluster| cluster.brokers[0].log_dirs[0].state = LogDirState::Offline)
    };
    check(offline(dirs(&["1/d0* 2", "1/d1* 2"], 10.0)), cap, 1);
    check(offline(dirs(&["1/d0 2*", "1/d1 2*"], 10.0)), band, 0);
}

#[test]
fn goals_come_hard_first_and_once() {
    let mut options = Options::new(Operation::Rebalance);
    options.goals = vec![
        Goal::CpuUsageDistribution,
        Goal::DiskCapacity,
        Goal::CpuUsageDistribution,
        Goal::RackAware,
    ];
    assert_eq!(
        priorities(&options),
        [Goal::DiskCapacity, Goal::RackAware, Goal::CpuUsageDistribution]
    );
}

#[test]
fn what_has_no_place_is_counted_apart() {
    three().topic("t", &["1* 2", "2* 3"]).show(|task, limits, placement, evaluation| {
        assert_eq!(evaluation.stranded, 0);
        let mut placement: Placement = placement.clone();
        (placement.broker[1], placement.log_dir[1]) = (crate::NONE, crate::NONE);
        let without = super::evaluate(task, limits, &placement);
        assert_eq!((without.stranded, without.unplaced[REPLICAS]), (1, 1));
        assert_eq!(without.whole(), evaluation.whole());
    });
}

proptest! {
    /// Wherever replicas are, the brokers' sums are the cluster's, and what is listed is what is counted.
    #[test]
    fn sums_over_brokers_are_the_totals(
        places in prop::collection::vec((0_u32..4, 0_u32..4, 0_u32..2), 1..40),
        loads in prop::collection::vec(0.0_f64..1e9, 80),
    ) {
        let texts: Vec<String> = places.iter().map(|_| "1* 2".to_owned()).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let tiny = Tiny::new(&["1 a", "2 b host=x", "3 b host=x", "4 a dead"]).topic("t", &texts).with(|cluster| {
            for (partition, loads) in cluster.topics[0].partitions.iter_mut().zip(loads.chunks(2)) {
                partition.replicas[0].load = all(loads[0]);
                partition.replicas[1].load = all(loads[1]);
                partition.leader_extra = all(loads[0] / 3.0);
            }
        });
        tiny.show(|task, limits, placement, _| {
            let mut placement = placement.clone();
            for (partition, (first, second, leader)) in places.iter().enumerate() {
                for (replica, broker) in [(2 * partition, *first), (2 * partition + 1, *second)] {
                    placement.broker[replica] = broker;
                    placement.log_dir[replica] = task.model.brokers[broker as usize].first_log_dir;
                }
                placement.leader[partition] = (2 * partition) as u32 + leader;
            }
            let evaluation = super::evaluate(task, limits, &placement);
            let mut whole = Totals::default();
            for (replica, held) in task.model.replicas.iter().enumerate() {
                let leads = placement.leader[held.partition as usize] == replica as u32;
                add(&mut whole, &totals_of(task.model, replica as u32, leads));
            }
            prop_assert_eq!(evaluation.whole(), whole);
            prop_assert_eq!(whole[LEADERS], places.len() as i64);
            prop_assert_eq!(whole[REPLICAS], 2 * places.len() as i64);
            for (goal, count) in &evaluation.violations {
                let mut listed = 0;
                each_violation(task, limits, &placement, &evaluation, *goal, &mut |violation| {
                    assert_eq!(violation.goal, *goal);
                    assert!(violation.amount != violation.limit || violation.place == Place::Broker(3));
                    listed += 1;
                });
                prop_assert_eq!(listed, *count);
            }
            Ok(())
        })?;
    }
}
