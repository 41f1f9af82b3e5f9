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
    let expect = "the brokers have to hold disk 2.41 kB, but may hold 2.40 kB: DiskCapacityGoal needs 1 more broker \
                  like broker 1 (disk 1.00 kB)";
    check(&tiny(400.0), &[]);
    check(&tiny(401.0), &[expect]);
    // Brokers that are excluded keep what they have, and would do.
    let excluded = tiny(300.0).asked(|options| options.excluded_for_replicas = [3].into());
    check(&excluded, &[]);
    let excluded = tiny(330.0).asked(|options| options.excluded_for_replicas = [3].into());
    let expect = "the brokers have to hold disk 1.98 kB, but may hold 1.93 kB: DiskCapacityGoal needs 1 more broker \
                  like broker 1 (disk 1.00 kB), or the excluded broker 3";
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
fn too_little_room_in_several_racks() {
    // Racks a and b have to hold one of the three replicas of each partition between them.
    let partitions = ["1* 3 4"; 7];
    let brokers = ["1 a", "2 b", "3 c", "4 d"];
    let tiny = sized(topics(&brokers, &partitions), 100.0)
        .goals(&[Goal::RackAware, Goal::DiskCapacity])
        .with(|cluster| {
            cluster.brokers[..2].iter_mut().for_each(|broker| broker.capacity = all(400.0))
        });
    let expect = "racks a, b have to hold at least disk 700 B, but their brokers may hold 640 B: DiskCapacityGoal needs 1 more \
                  broker like broker 1 (disk 400 B) in racks a, b";
    check(&tiny, &[expect]);
}

#[test]
fn a_replica_that_is_too_large() {
    let tiny = sized(
        Tiny::new(&["1 a", "2 b", "3 c"]).topic("t", &["1* 2"]).goals(&[Goal::DiskCapacity]),
        900.0,
    );
    let expect = "a replica of t-0 alone has disk 900 B, but no broker may hold more than 800 B: DiskCapacityGoal needs \
                  brokers with disk 1.12 kB, or topic t more partitions";
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

/// So many topics of one partition each, with replicas on these brokers.
fn topics(brokers: &[&str], partitions: &[&str]) -> Tiny {
    let tiny = Tiny::new(brokers).goals(&[Goal::RackAware, Goal::ReplicaDistribution]);
    partitions
        .iter()
        .enumerate()
        .fold(tiny, |tiny, (number, partition)| tiny.topic(&format!("t{number}"), &[partition]))
}

#[test]
fn a_rack_with_too_few_brokers() {
    // 20 replicas on 3 brokers: from 6 to 8 each. Rack a has to hold one of each partition, and b can hold no more.
    let partitions: Vec<&str> = ["1* 2", "1* 3"].into_iter().cycle().take(10).collect();
    let tiny = topics(&["1 a", "2 b", "3 b"], &partitions);
    let expect = "with RackAwareGoal rack a has to hold at least 10 replicas, but its 1 broker should hold at most 8 \
                  replicas, and rack b can hold at most 10 replicas, but its 2 brokers should hold at least 12 replicas: \
                  ReplicaDistributionGoal needs 1 more broker like broker 1 in rack a, which has 1";
    check(&tiny, &[expect]);
    let spread = tiny.asked(|options| options.goals[0] = Goal::RackAwareDistribution);
    check(&spread, &[&expect.replace("RackAwareGoal", "RackAwareDistributionGoal")]);
    // With one more in the larger rack it's enough to move that.
    let larger = topics(&["1 a", "2 b", "3 b", "4 b"], &partitions);
    let expect = "with RackAwareGoal rack a has to hold at least 10 replicas, but its 1 broker should hold at most 6 \
                  replicas, and rack b can hold at most 10 replicas, but its 3 brokers should hold at least 12 replicas: \
                  ReplicaDistributionGoal needs 2 more brokers like broker 1 in rack a, which has 1, or broker 4 in rack a";
    check(&larger, &[expect]);
    // Racks of equal size could hold it.
    check(&topics(&["1 a", "2 b", "3 b", "4 a"], &partitions), &[]);
    // Without a goal about racks it could be anywhere.
    check(&spread.goals(&[Goal::ReplicaDistribution]), &[]);
}

#[test]
fn racks_with_too_few_brokers_together() {
    // Of each partition's 3 replicas at least one is in rack a or b. Each alone needs to hold none.
    let partitions: Vec<&str> =
        ["1* 3 7", "2* 4 8", "1* 5 9"].into_iter().cycle().take(12).collect();
    let brokers = ["1 a", "2 b", "3 c", "4 c", "5 c", "6 c", "7 d", "8 d", "9 d", "10 d"];
    let expect = "with RackAwareGoal racks a, b have to hold at least 12 replicas, but their 2 brokers should hold at most 8 \
                  replicas: ReplicaDistributionGoal needs 2 more brokers like broker 1 in racks a, b, which have 2, or \
                  broker 10 in rack a";
    check(&topics(&brokers, &partitions), &[expect]);
}

#[test]
fn a_rack_with_too_little_in_its_bands() {
    // 2 x 8 replicas of 100 B: broker 1 should hold between 485 and 581 B, and has to hold one replica of each partition.
    let partitions: Vec<&str> = ["1* 2", "1* 3"].into_iter().cycle().take(8).collect();
    let tiny = sized(topics(&["1 a", "2 b", "3 b"], &partitions), 100.0)
        .goals(&[Goal::RackAware, Goal::DiskUsageDistribution]);
    let expect = "with RackAwareGoal rack a has to hold at least disk 800 B, but its 1 broker should hold at most 581 B, and \
                  rack b can hold at most disk 800 B, but its 2 brokers should hold at least 971 B: \
                  DiskUsageDistributionGoal needs 1 more broker like broker 1 in rack a, which has 1";
    check(&tiny, &[expect]);
    // Partitions that are in one rack anyway could be anywhere.
    let apart: Vec<&str> = ["1* 2", "2* 3"].into_iter().cycle().take(8).collect();
    let tiny = sized(topics(&["1 a", "2 b", "3 b"], &apart), 100.0)
        .goals(&[Goal::RackAware, Goal::DiskUsageDistribution]);
    check(&tiny, &[]);
}
