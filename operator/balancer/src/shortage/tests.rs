//! Each shortage where it is, and just not.

use super::shortages;
use crate::goal::Goal;
use crate::tiny::{Tiny, all};

/// What is said about where everything is now.
#[track_caller]
fn check(tiny: &Tiny, expect: &[&str]) {
    let found: Vec<String> = tiny.show(|task, limits, placement, evaluation| {
        let found = shortages(task, limits, placement, evaluation);
        found
            .iter()
            .map(|shortage| format!("{}: {}", shortage.cause(task), shortage.remedy(task)))
            .collect()
    });
    assert_eq!(found, expect);
}

fn sized(tiny: Tiny, disk: f64) -> Tiny {
    tiny.with(|cluster| {
        for partition in cluster.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
            partition.replicas.iter_mut().for_each(|replica| replica.load.disk = disk);
        }
    })
}

#[test]
fn nobody_holds() {
    let tiny =
        Tiny::new(&["1 a dead", "2 b draining"]).topic("t", &["1 2"]).goals(&[Goal::DiskCapacity]);
    let nobody = "each of the 2 brokers is dead, draining, to be removed or excluded: needs 2 brokers that may hold \
                  replicas";
    check(&tiny, &[nobody]);
    check(&Tiny::new(&["1 a dead"]).goals(&[Goal::DiskCapacity]), &[]);
}

#[test]
fn too_few_brokers() {
    let tiny = Tiny::new(&["1 a", "2 b", "3 c dead"])
        .topic("t", &["1* 2 3", "1* 2"])
        .goals(&[Goal::ReplicaDistribution]);
    check(
        &tiny,
        &[
            "1 partition has up to 3 replicas, but only 2 brokers may hold them: needs 1 more broker",
        ],
    );
}

#[test]
fn too_few_racks() {
    let brokers = || Tiny::new(&["1 a", "2 a", "3 b"]).goals(&[Goal::RackAware]);
    let other =
        "RackAwareGoal needs brokers in 1 more rack, or RackAwareDistributionGoal in its place";
    let expect = format!(
        "2 partitions of topic t have up to 3 replicas, but only 2 racks have brokers that may hold \
                          them: {other}"
    );
    check(&brokers().topic("t", &["1* 2 3", "2* 3 1", "1* 3"]), &[&expect]);
    let expect = format!(
        "4 partitions of 4 topics (a, b, c and 1 more) have up to 3 replicas, but only 2 racks have \
                          brokers that may hold them: {other}"
    );
    let four = ["a", "b", "c", "d"]
        .into_iter()
        .fold(brokers(), |tiny, name| tiny.topic(name, &["1* 2 3"]));
    check(&four, &[&expect]);
    // It's for the search to spread these.
    check(&brokers().topic("t", &["1* 2"]), &[]);
}

#[test]
fn too_few_partitions_for_the_leaders() {
    let tiny = |brokers: &[&str]| {
        Tiny::new(brokers)
            .topic("t", &["1* 2", "1* 2", "1* 2"])
            .with(|cluster| cluster.topics[0].min_leaders_per_broker = 2)
            .goals(&[Goal::MinTopicLeadersPerBroker])
    };
    let expect = "topic t has 3 partitions, but 2 brokers x 2 leaders need 4: MinTopicLeadersPerBrokerGoal needs 1 more \
                  partition, or fewer brokers that may lead";
    check(&tiny(&["1 a", "2 b"]), &[expect]);
    check(&tiny(&["1 a", "2 b demoted"]), &[]);
}

#[test]
fn too_little_room() {
    let goals = [Goal::DiskCapacity];
    let tiny = |disk: f64| {
        sized(
            Tiny::new(&["1 a", "2 b", "3 c"]).topic("t", &["1* 2", "1* 3", "1* 2"]).goals(&goals),
            disk,
        )
    };
    let expect = "the brokers have to hold disk 2.406 kB, but may hold 2.4 kB: DiskCapacityGoal needs 1 more broker \
                  like broker 1 (disk 1 kB)";
    check(&tiny(400.0), &[]);
    check(&tiny(401.0), &[expect]);
    // Brokers that are excluded keep what they have, and would do.
    let excluded = tiny(300.0).asked(|options| options.excluded_for_replicas = [3].into());
    check(&excluded, &[]);
    let excluded = tiny(330.0).asked(|options| options.excluded_for_replicas = [3].into());
    let expect = "the brokers have to hold disk 1.98 kB, but may hold 1.93 kB: DiskCapacityGoal needs 1 more broker \
                  like broker 1 (disk 1 kB), or the excluded broker 3";
    check(&excluded, &[expect]);
}

#[test]
fn too_many_replicas() {
    let tiny = Tiny::new(&["1 a", "2 b"])
        .topic("t", &["1* 2", "1* 2", "1* 2"])
        .goals(&[Goal::ReplicaCapacity]);
    let tiny = tiny.asked(|options| options.constraints.max_replicas_per_broker = 2);
    let expect = "the brokers have to hold 6 replicas, but may hold 4 replicas: ReplicaCapacityGoal needs 1 more \
                  broker like broker 1";
    check(&tiny, &[expect]);
}

#[test]
fn too_little_room_in_a_rack() {
    let tiny =
        Tiny::new(&["1 a", "2 b", "3 c", "4 c"]).goals(&[Goal::RackAware, Goal::DiskCapacity]);
    let tiny = sized(tiny.topic("t", &["1* 2 3", "1* 2 4"]), 300.0)
        .with(|cluster| cluster.brokers[1].capacity = all(500.0));
    let expect = "rack b has to hold at least disk 600 B, but its brokers may hold 400 B: DiskCapacityGoal needs 1 \
                  more broker like broker 2 (disk 500 B) in rack b";
    check(&tiny, &[expect]);
}

#[test]
fn a_replica_that_is_too_large() {
    let tiny = sized(
        Tiny::new(&["1 a", "2 b", "3 c"]).topic("t", &["1* 2"]).goals(&[Goal::DiskCapacity]),
        900.0,
    );
    let expect = "a replica of t-0 alone has disk 900 B, but no broker may hold more than 800 B: DiskCapacityGoal needs \
                  brokers with disk 1.125 kB, or topic t more partitions";
    check(&tiny, &[expect]);
}

#[test]
fn too_little_room_in_log_dirs() {
    let tiny = Tiny::new(&["1 a dirs=2", "2 b"]).topic("t", &["1/d0*", "1/d1*"]);
    let tiny = sized(tiny.goals(&[Goal::IntraBrokerDiskCapacity]), 450.0);
    let expect = "broker 1 holds 900 B, but its log directories may hold 800 B: IntraBrokerDiskCapacityGoal needs room for \
                  100 B more on broker 1";
    check(&tiny, &[expect]);
}
