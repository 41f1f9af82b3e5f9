//! What is said about clusters as they are, as if the plan had left them so.

use super::reasons;
use crate::document::LogDirState;
use crate::evaluate::evaluate;
use crate::generate::{Distribution, Recipe, generate};
use crate::goal::Goal;
use crate::model::Model;
use crate::options::{Operation, Options};
use crate::plan::ProvisionStatus;
use crate::planner::{Threads, plan};
use crate::tiny::Tiny;

fn said(tiny: &Tiny) -> Vec<String> {
    tiny.show(|task, limits, placement, evaluation| {
        reasons(task, limits, evaluation, evaluation, placement)
    })
}

#[track_caller]
fn check(tiny: &Tiny, expect: &[&str]) {
    assert_eq!(said(tiny), expect);
}

#[test]
fn nothing_is_said_when_everything_is_met() {
    check(&Tiny::new(&["1 a", "2 b"]).topic("t", &["1* 2", "2* 1"]), &[]);
}

#[test]
fn partitions_without_a_replica_online() {
    let tiny =
        Tiny::new(&["1 a dead", "2 b dirs=2", "3 c"]).topic("t", &["1 2/d0", "1 3*"]).goals(&[]);
    let tiny = tiny.with(|cluster| cluster.brokers[1].log_dirs[0].state = LogDirState::Offline);
    let lost = "1 partition has no replica that is online (t-0): nothing can be copied from it, and moving it would lose \
                what it holds: bring back broker 1, /d0 of broker 2";
    let left = "1 replica found no place (t-1): the search found none within its budget: another seed (--seed) may help";
    check(&tiny, &[lost, left]);
}

#[test]
fn what_is_in_an_offline_directory_has_no_place_on_its_broker() {
    let tiny = Tiny::new(&["1 a", "2 b dirs=2"]).topic("t", &["1* 2/d0"]).goals(&[]);
    let tiny = tiny.with(|cluster| cluster.brokers[1].log_dirs[0].state = LogDirState::Offline);
    let held = "1 replica found no place (t-0): every broker that may receive has a replica of the same partition: \
                needs 1 more broker";
    check(&tiny, &[held]);
}

#[test]
fn replicas_that_find_no_place() {
    let held = Tiny::new(&["1 a", "2 b", "3 c dead", "4 d"]).topic("t", &["1* 2 3"]).goals(&[]);
    let held = held.asked(|options| options.excluded_for_replicas = [4].into());
    check(
        &held,
        &[
            "1 replica found no place (t-0): every broker that may receive has a replica of the same partition: \
                    needs 1 more broker",
        ],
    );
    let set =
        Tiny::new(&["1 a", "2 b", "3 c dead"]).topic("t", &["1* 3"]).goals(&[Goal::BrokerSetAware]);
    let set =
        set.asked(|options| options.broker_sets = [("blue".to_owned(), [1, 3].into())].into());
    check(
        &set,
        &[
            "1 replica found no place (t-0): no other broker of set blue may receive: BrokerSetAwareGoal needs 1 \
                   more broker in it",
        ],
    );
    let rack = Tiny::new(&["1 a", "2 a", "3 b dead", "4 b"])
        .topic("t", &["1* 3"])
        .goals(&[Goal::RackAware]);
    let rack = rack.asked(|options| options.excluded_for_replicas = [4].into());
    let found = said(&rack);
    assert!(
        found.iter().any(|text| text.contains("RackAwareGoal needs 1 more broker in another")),
        "{found:?}"
    );
    let room = Tiny::new(&["1 a", "2 b", "3 c dead"]).topic("t", &["1* 3"]).topic("u", &["2*"]);
    let room = room.goals(&[Goal::DiskCapacity]).with(|cluster| {
        cluster.topics[1].partitions[0].replicas[0].load.disk = 795.0;
    });
    check(
        &room,
        &[
            "1 replica found no place (t-0): the brokers that they could go to are at their limits, with no room \
                    for disk 10 B: needs 1 more broker",
        ],
    );
    let demote = Tiny::new(&["1 a", "2 b dead", "3 c"]).topic("t", &["1* 2"]).goals(&[]);
    let demote = demote.asked(|options| options.operation = Operation::Demote([1].into()));
    check(
        &demote,
        &[
            "1 replica stays where nothing may stay (t-0): demote moves leadership alone: fix-offline or \
                      remove-brokers does the rest",
        ],
    );
}

#[test]
fn what_the_operation_leaves_is_said_once() {
    let skewed = |operation: Operation| {
        Tiny::new(&["1 a", "2 b"])
            .topic("t", &["1*", "1*", "1*", "1*"])
            .goals(&[Goal::ReplicaDistribution, Goal::DiskUsageDistribution])
            .asked(|options| options.operation = operation)
    };
    check(
        &skewed(Operation::FixOffline),
        &["ReplicaDistributionGoal (2 brokers), DiskUsageDistributionGoal (2 brokers) \
                                             not met: fix-offline moves only what has to move: rebalance does the rest"],
    );
    let leaders = skewed(Operation::Leaders);
    assert!(
        said(&leaders)[0]
            .ends_with("not met: leaders moves leadership alone: rebalance does the rest")
    );
}

#[test]
fn what_stands_in_the_way_is_named() {
    let skewed = |goal: Goal| {
        Tiny::new(&["1 a", "2 b"]).topic("t", &["1*", "1*", "1*", "1*"]).goals(&[goal])
    };
    let excluded =
        skewed(Goal::ReplicaDistribution).with(|cluster| cluster.topics[0].excluded = true);
    assert_eq!(
        said(&excluded)[0],
        "ReplicaDistributionGoal isn't met by 1 broker (2 before; broker 1 has 4 replicas, at \
                                    most 3 replicas): replicas of topics that are excluded are in the way: exclude fewer \
                                    topics"
    );
    let new =
        Tiny::new(&["1 a", "2 b", "3 c new"]).topic("t", &["1*", "1*", "1*", "1*", "3*", "3*"]);
    let new = new.goals(&[Goal::ReplicaDistribution]);
    assert!(said(&new).iter().any(|text| {
        text.contains("broker 2 has 0 replicas, at least 1 replica): only new brokers receive")
    }));
    let large = skewed(Goal::DiskUsageDistribution).topic("u", &["2*"]).with(|cluster| {
        cluster.topics[1].partitions[0].replicas[0].load.disk = 500.0;
    });
    let expect = "DiskUsageDistributionGoal isn't met by 2 brokers (2 before; broker 1 has disk 40 B, at least 246 B): u-0 \
                  alone is larger than the band of any: topic u needs more partitions, or the band a higher threshold";
    check(&large, &[expect]);
    let few = Tiny::new(&["1 a", "2 b", "3 c"])
        .topic("t", &["1*", "2*"])
        .goals(&[Goal::DiskUsageDistribution]);
    assert!(
        said(&few).iter().any(|text| text.contains("only 2 replicas cost anything of it")),
        "{:?}",
        said(&few)
    );
    let unknown = "DiskUsageDistributionGoal isn't met by 2 brokers (2 before; broker 2 has disk 0 B, at least 18 B): \
                   the search found no way within its budget: another seed (--seed) or a higher threshold may help";
    check(&skewed(Goal::DiskUsageDistribution), &[unknown]);
}

#[test]
fn new_brokers_that_cannot_take_more_are_named() {
    let on_one = ["1*"; 12];
    let full = Tiny::new(&["1 a", "2 b", "3 c new"])
        .topic("t", &on_one)
        .goals(&[Goal::ReplicaDistribution]);
    let said_of = |tiny: &Tiny, what: &str, why: &str| {
        let found = said(tiny);
        assert!(found.iter().any(|text| text.contains(what) && text.contains(why)), "{found:?}");
    };
    said_of(
        &full,
        "broker 1 has 12 replicas, at most 5 replicas",
        "they have no room for all that is too much elsewhere",
    );
    // With room enough it is for the search to use it.
    let room =
        Tiny::new(&["1 a", "2 b", "3 c new"]).topic("t", &["1*", "1*", "1*", "1*", "2*", "2*"]);
    let room = room.goals(&[Goal::ReplicaDistribution]);
    said_of(&room, "ReplicaDistributionGoal isn't met by 2 brokers", "the search found no way");
    let racks = |new: &str| {
        Tiny::new(&["1 a", "2 a", "3 b", "5 c", new])
            .topic("t", &["1* 2 3"])
            .goals(&[Goal::RackAware])
    };
    said_of(&racks("4 b new"), "t-0 isn't spread over enough racks", "only new brokers receive");
    said_of(&racks("4 c new"), "t-0 isn't spread over enough racks", "the search found no way");
}

#[test]
fn new_brokers_that_had_to_take_too_much_are_named() {
    // What shared rack a has gone to the new broker: nothing else could take it.
    let tiny = Tiny::new(&["1 a", "2 a", "3 b new", "4 b"]).topic("t", &["1* 2"; 12]);
    let tiny = tiny.goals(&[Goal::RackAware, Goal::ReplicaDistribution]);
    let found = tiny.show(|task, limits, placement, before| {
        let mut after = placement.clone();
        after.broker.iter_mut().skip(1).step_by(2).for_each(|broker| *broker = 2);
        let evaluation = evaluate(task, limits, &after);
        reasons(task, limits, before, &evaluation, &after)
    });
    assert!(
        found.iter().any(|text| text.contains("what has to leave its rack is too much for them")),
        "{found:?}"
    );
}

#[test]
fn racks_of_unequal_size_are_not_put_on_the_search() {
    let recipe = Recipe {
        brokers: 12,
        racks: 4,
        replicas: 6_000,
        topics: 300,
        distribution: Distribution::Exponential,
        seed: 5234,
        ..Recipe::default()
    };
    let model = Model::new(generate(&recipe).expect("a cluster")).expect("a sound cluster");
    let plan = plan(&model, &Options::new(Operation::Rebalance), Threads::One).expect("a plan");
    let expect = "with RackAwareGoal racks rack-0, rack-1, rack-3 have to hold at least 4,012 replicas, but their 7 brokers \
                  should hold at most 3,836 replicas, and rack rack-2 can hold at most 2,012 replicas, but its 5 brokers \
                  should hold at least 2,280 replicas: ";
    let remedy = "ReplicaDistributionGoal needs 1 more broker like broker 0 in racks rack-0, rack-1, rack-3, which have 7, or \
                  broker 10 in rack rack-1";
    assert_eq!(plan.reasons.first(), Some(&format!("{expect}{remedy}")));
    assert!(!plan.reasons.iter().any(|text| text.contains("budget")), "{:?}", plan.reasons);
    assert_eq!(plan.provision.status, ProvisionStatus::UnderProvisioned);
    assert!(plan.provision.recommendations.contains(&remedy.to_owned()), "{:?}", plan.provision);
}

#[test]
fn ten_are_said_and_the_rest_is_counted() {
    let tiny = (0..14).fold(Tiny::new(&["1 a", "2 b"]), |tiny, topic| {
        tiny.topic(&format!("t{topic}"), &["1* 2"])
    });
    let tiny = tiny.goals(&[Goal::MinTopicLeadersPerBroker]).with(|cluster| {
        cluster.topics.iter_mut().for_each(|topic| topic.min_leaders_per_broker = 1);
    });
    let found = said(&tiny);
    assert_eq!(found.len(), 11);
    assert_eq!(found[10], "and 4 more like these");
}

#[test]
fn more_than_all_bands_hold_is_told_from_a_search_that_failed() {
    let potential =
        Tiny::new(&["1 a", "2 b"]).topic("t", &["1* 2", "2* 1"]).goals(&[Goal::PotentialNwOut]);
    let potential = potential.with(|cluster| {
        cluster.topics[0]
            .partitions
            .iter_mut()
            .for_each(|partition| partition.leader_extra.network_out = 500.0);
    });
    let expect = "PotentialNwOutGoal isn't met by 2 brokers (2 before; broker 1 has potential network out 1.00 kB/s, at most \
                  800 B/s): the brokers have 2.00 kB/s in all, but should have 1.60 kB/s: 1 more broker like these would help";
    check(&potential, &[expect]);
    let lacking = Tiny::new(&["1 a", "2 b", "3 c"]).topic("t", &["1* 2", "1* 2"]);
    let lacking =
        lacking.goals(&[Goal::ReplicaCapacity, Goal::ReplicaDistribution]).asked(|options| {
            options.constraints.max_replicas_per_broker = 1;
        });
    let found = said(&lacking);
    assert!(found[1].starts_with("ReplicaDistributionGoal isn't met by 1 broker"), "{found:?}");
    assert!(found[1].ends_with(": what the cluster lacks is in the way"), "{found:?}");
}

#[test]
fn a_full_broker_is_said_once() {
    let full = Tiny::new(&["1 a dirs=2", "2 b"]).topic("t", &["1/d0*", "1/d1*"]);
    let full = full.goals(&[Goal::DiskCapacity, Goal::IntraBrokerDiskCapacity]).with(|cluster| {
        cluster.topics[0]
            .partitions
            .iter_mut()
            .for_each(|partition| partition.replicas[0].load.disk = 450.0);
    });
    let found = said(&full);
    assert!(found.len() == 1 && found[0].starts_with("DiskCapacityGoal"), "{found:?}");
}

#[test]
fn a_broker_cannot_lead_more_than_it_holds() {
    let tiny = Tiny::new(&["1 a", "2 b"]).topic("t", &["1*"; 6]).topic("u", &["2*"]);
    let tiny = tiny
        .goals(&[Goal::LeaderReplicaDistribution])
        .asked(|options| options.operation = Operation::Leaders);
    check(
        &tiny,
        &[
            "LeaderReplicaDistributionGoal isn't met by 1 broker (2 before; broker 1 has 6 leaders, at most 4 leaders): the \
             search found no way within its budget: another seed (--seed) or a rebalance, which moves replicas as well, may \
             help",
            "LeaderReplicaDistributionGoal (1 broker) not met: leaders moves leadership alone: rebalance does the rest",
        ],
    );
}
