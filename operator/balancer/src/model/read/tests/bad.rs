//! Each kind of problem, with its place.

use super::{broker, cluster, log_dir, partition, topic};
use crate::document::{BrokerState, Cluster, LogDirState};
use crate::model::Model;

/// Reads a good cluster after an edit, and expects these lines.
fn check(edit: impl FnOnce(&mut Cluster), expected: &[&str]) {
    let mut cluster = cluster();
    edit(&mut cluster);
    let error = Model::new(cluster).expect_err("a problem");
    assert_eq!(error.to_string().lines().collect::<Vec<_>>(), expected);
}

#[test]
fn brokers_have_ids_of_their_own() {
    check(
        |cluster| *cluster = Cluster::default(),
        &["brokers: there are none: a cluster has at least one"],
    );
    check(
        |cluster| cluster.brokers.push(broker(2, "z")),
        &["brokers[3].id (broker 2): an earlier broker has this id: give each its own"],
    );
    check(
        |cluster| cluster.brokers.push(broker(-7, "z")),
        &["brokers[3].id (broker -7): ids are 0 or more"],
    );
}

#[test]
fn racks_and_hosts_have_names_and_a_host_is_in_one_rack() {
    check(
        |cluster| {
            cluster.brokers[0].rack = Some(String::new());
            cluster.brokers[1].host = Some(String::new());
        },
        &[
            "brokers[0].rack (broker 1): it is empty: give a name, or leave the field out",
            "brokers[1].host (broker 2): it is empty: give a name, or leave the field out",
        ],
    );
    check(
        |cluster| cluster.brokers.iter_mut().for_each(|broker| broker.host = Some("h".to_owned())),
        &[
            r#"brokers[1].host (broker 2): "h" is in rack "x" by broker 1 and in rack "y" here: a machine is in one rack"#,
            r#"brokers[2].host (broker 3): "h" is in rack "x" by broker 1 and in rack "y" here: a machine is in one rack"#,
        ],
    );
    check(
        |cluster| {
            cluster.brokers[1].host = Some("h".to_owned());
            cluster.brokers[2].host = Some("h".to_owned());
            cluster.brokers[2].rack = None;
        },
        &[
            r#"brokers[2].host (broker 3): "h" is in rack "y" by broker 2 and in no rack here: a machine is in one rack"#,
        ],
    );
}

#[test]
fn capacities_are_amounts_and_more_than_nothing() {
    let nothing = "nothing can be here without capacity: give what it has, or call it dead or offline if it is";
    check(
        |cluster| {
            cluster.brokers[0].capacity.cpu = -1.0;
            cluster.brokers[0].capacity.network_in = f64::NAN;
            cluster.brokers[1].capacity.network_out = f64::INFINITY;
            cluster.brokers[1].capacity.disk = 2e18;
            cluster.brokers[2].capacity.disk = 0.0;
        },
        &[
            "brokers[0].capacity.cpu (broker 1): -1 is less than nothing: give 0 or more",
            "brokers[0].capacity.network_in (broker 1): this is no number: give 0 or more",
            "brokers[1].capacity.network_out (broker 2): inf is too much: 1e18 is the most",
            "brokers[1].capacity.disk (broker 2): 2e18 is too much: 1e18 is the most",
            &format!("brokers[2].capacity.disk (broker 3): {nothing}"),
        ],
    );
    check(
        |cluster| {
            cluster.brokers[0].log_dirs =
                vec![log_dir("/a", LogDirState::Online), log_dir("/b", LogDirState::Offline)];
            cluster.brokers[0].log_dirs[0].capacity = 0.0;
            cluster.brokers[0].log_dirs[1].capacity = -0.5;
            cluster.topics.clear();
        },
        &[
            &format!("brokers[0].log_dirs[0].capacity (broker 1): {nothing}"),
            "brokers[0].log_dirs[1].capacity (broker 1): -0.5 is less than nothing: give 0 or more",
        ],
    );
}

#[test]
fn loads_are_amounts() {
    check(
        |cluster| {
            cluster.topics[0].partitions[1].replicas[1].load.disk = -3.0;
            cluster.topics[1].partitions[0].leader_extra.cpu = f64::NAN;
            cluster.topics[1].partitions[0].replicas[0].load.network_in = f64::NEG_INFINITY;
        },
        &[
            r#"topics[0].partitions[1].replicas[1].load.disk (topic "a", partition 1): -3 is less than nothing: give 0 or more"#,
            r#"topics[1].partitions[0].leader_extra.cpu (topic "b", partition 0): this is no number: give 0 or more"#,
            r#"topics[1].partitions[0].replicas[0].load.network_in (topic "b", partition 0): -inf is less than nothing: give 0 or more"#,
        ],
    );
}

#[test]
fn topics_and_partitions_are_there_once() {
    check(
        |cluster| {
            cluster.topics.push(topic("a", vec![]));
            cluster.topics.push(topic("", vec![]));
        },
        &[
            r#"topics[3].name (topic ""): it is empty: give the topic's name"#,
            r#"topics[2].name (topic "a"): an earlier topic has this name: give each once"#,
        ],
    );
    check(
        |cluster| {
            cluster.topics[0].partitions.push(partition(0, &[1]));
            cluster.topics[1].partitions.push(partition(-2, &[1]));
        },
        &[
            r#"topics[0].partitions[2].id (topic "a", partition 0): an earlier partition has this id: give each once"#,
            r#"topics[1].partitions[1].id (topic "b", partition -2): ids are 0 or more"#,
        ],
    );
    check(
        |cluster| {
            cluster.topics[1].partitions = (0..65_536).map(|id| partition(id, &[1])).collect()
        },
        &[r#"topics[1].partitions (topic "b"): 65536 are too many: 65535 is the most"#],
    );
}

#[test]
fn replicas_are_on_brokers_that_are_there_and_once_on_each() {
    check(
        |cluster| {
            cluster.topics[0].partitions[0].replicas[1].broker = 9;
            cluster.topics[0].partitions[1].replicas[1].broker = 2;
            cluster.topics[1].partitions[0].replicas.clear();
            cluster.topics[1].partitions[0].leader = None;
        },
        &[
            r#"topics[0].partitions[0].replicas[1].broker (topic "a", partition 0): no broker has the id 9: add it to brokers (as dead, if it is gone)"#,
            r#"topics[0].partitions[1].replicas[1].broker (topic "a", partition 1): broker 2 has a replica of the partition already: give each broker once"#,
            r#"topics[1].partitions[0].replicas (topic "b", partition 0): there are none: a partition has at least one"#,
        ],
    );
}

#[test]
fn a_leader_is_on_a_broker_with_a_replica() {
    check(
        |cluster| {
            cluster.topics[0].partitions[0].leader = Some(3);
            cluster.topics[0].partitions[1].leader = Some(8);
        },
        &[
            r#"topics[0].partitions[0].leader (topic "a", partition 0): broker 3 has no replica of the partition"#,
            r#"topics[0].partitions[1].leader (topic "a", partition 1): no broker has the id 8: add it to brokers (as dead, if it is gone)"#,
        ],
    );
}

#[test]
fn log_dirs_have_paths_of_their_own() {
    check(
        |cluster| {
            cluster.topics.clear();
            cluster.brokers[0].log_dirs = vec![
                log_dir("/a", LogDirState::Online),
                log_dir("", LogDirState::Online),
                log_dir("/a", LogDirState::Offline),
            ];
        },
        &[
            "brokers[0].log_dirs[1].path (broker 1): it is empty: give the directory's path",
            r#"brokers[0].log_dirs[2].path (broker 1): the broker has "/a" already: give each its own"#,
        ],
    );
}

#[test]
fn a_replica_is_in_a_directory_of_its_broker() {
    check(
        |cluster| {
            cluster.brokers[0].log_dirs =
                vec![log_dir("/a", LogDirState::Online), log_dir("/b", LogDirState::Online)];
            cluster.topics[1].partitions[0].replicas[1].log_dir = Some("/c".to_owned());
            cluster.topics[0].partitions[0].replicas[1].log_dir = Some(String::new());
        },
        &[
            r#"topics[0].partitions[0].replicas[0].log_dir (topic "a", partition 0): broker 1 has several: say in which of them the replica is"#,
            r#"topics[0].partitions[0].replicas[1].log_dir (topic "a", partition 0): broker 2 has no directory "" in its log_dirs"#,
            r#"topics[1].partitions[0].replicas[1].log_dir (topic "b", partition 0): broker 1 has no directory "/c" in its log_dirs"#,
        ],
    );
}

#[test]
fn twenty_problems_are_kept_and_the_rest_counted() {
    let mut cluster = cluster();
    cluster.topics[0].partitions = (0..1_000).map(|id| partition(id, &[77])).collect();
    let error = Model::new(cluster).expect_err("problems");
    // Each partition has an unknown broker for its replica and for its leader.
    assert_eq!((error.problems.len(), error.more), (20, 1_980));
    assert_eq!(error.to_string().lines().last(), Some("and 1980 more"));
}

#[test]
fn long_and_odd_names_are_cut_and_escaped() {
    let mut cluster = cluster();
    cluster.topics[0].name = format!("\n{}", "é".repeat(10_000));
    cluster.topics[0].partitions[0].id = -1;
    cluster.brokers[0].state = BrokerState::Dead;
    let error = Model::new(cluster).expect_err("a problem");
    let place =
        format!(r#"topics[0].partitions[0].id (topic "\n{}"..., partition -1)"#, "é".repeat(79));
    assert_eq!(error.problems[0].place, place);
}
