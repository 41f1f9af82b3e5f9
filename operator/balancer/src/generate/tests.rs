//! Clusters, and recipes that there is no cluster for.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::{Distribution, Recipe, RecipeError, generate};
use crate::document::{BrokerState, Cluster, LogDirState, Partition};
use crate::model::Model;

fn cook(recipe: &Recipe) -> Cluster {
    generate(recipe).expect("a cluster")
}

fn partitions(cluster: &Cluster) -> impl Iterator<Item = &Partition> {
    cluster.topics.iter().flat_map(|topic| &topic.partitions)
}

fn replicas(cluster: &Cluster) -> usize {
    partitions(cluster).map(|partition| partition.replicas.len()).sum()
}

/// A recipe whose cluster is made quickly.
fn small() -> Recipe {
    Recipe { brokers: 12, racks: 4, replicas: 1_200, topics: 50, ..Recipe::default() }
}

#[test]
fn the_base_is_the_benchmarks() {
    let cluster = cook(&Recipe::default());
    assert_eq!(
        (cluster.brokers.len(), cluster.topics.len(), replicas(&cluster)),
        (40, 3_001, 50_081)
    );
    let racks: BTreeSet<_> = cluster.brokers.iter().map(|broker| broker.rack.clone()).collect();
    assert_eq!(racks.len(), 10);
    assert_eq!(cluster.brokers[39].capacity.disk, 150_000.0);
    let model = Model::new(cluster).expect("a model");
    assert!(model.partitions.iter().all(|partition| partition.leader == partition.first_replica));
}

#[test]
fn replicas_are_exactly_as_many_as_asked_for() {
    for (brokers, asked, topics, rf, rf_max) in [
        (40, 65_004, 3_000, 3, None),
        (40, 75_006, 8_000, 3, None),
        (80, 50_000, 3_000, 4, None),
        (140, 50_000, 7_000, 5, None),
        (40, 50_000, 3_000, 2, Some(5)),
        (40, 49_999, 3_000, 3, Some(4)),
        (10, 300, 100, 3, None),
        (10, 302, 100, 3, Some(7)),
        (10, 100, 100, 1, Some(2)),
        (2, 7, 3, 1, Some(2)),
    ] {
        let recipe =
            Recipe { brokers, replicas: asked, topics, rf, rf_max, racks: 2, ..Recipe::default() };
        assert_eq!(replicas(&cook(&recipe)), (asked + 2 * brokers) as usize, "{recipe:?}");
    }
}

#[test]
fn one_topic_has_a_leader_on_every_broker() {
    let cluster = cook(&small());
    let last = cluster.topics.last().expect("a topic");
    assert_eq!(
        last.partitions.iter().filter_map(|partition| partition.leader).collect::<Vec<_>>(),
        Vec::from_iter(0..12)
    );
    assert!(last.partitions.iter().all(|partition| partition.replicas.len() == 2));
}

#[test]
fn the_same_recipe_gives_the_same_cluster_and_another_seed_another() {
    assert_eq!(cook(&small()), cook(&small()));
    assert_ne!(cook(&small()), cook(&Recipe { seed: 1, ..small() }));
    // Frozen: a figure that was published has to be found again, on every machine.
    let json = serde_json::to_vec(&cook(&Recipe::default())).expect("json");
    let hash: String = Sha256::digest(&json).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hash, "7dd63c9adfd2f69d60385235734cf25fc6e70c0ab9f67420669a116e437515ca");
}

#[test]
fn a_knob_leaves_the_rest_alone() {
    let places = |recipe: &Recipe| {
        let cluster = cook(recipe);
        let brokers = |partition: &Partition| {
            partition.replicas.iter().map(|replica| replica.broker).collect()
        };
        partitions(&cluster).map(brokers).collect::<Vec<Vec<i32>>>()
    };
    let base = places(&small());
    assert_eq!(
        base,
        places(&Recipe { new_brokers: 3, dead_brokers: 2, capacity_factor: 5.0, ..small() })
    );
    assert_eq!(base, places(&Recipe { log_dirs: 3, offline_log_dirs: 2, ..small() }));
}

#[test]
fn replicas_spread_as_the_distribution_says() {
    for (distribution, expected) in [
        (Distribution::Uniform, [0.25, 0.25, 0.25, 0.25]),
        (Distribution::Linear, [0.1, 0.2, 0.3, 0.4]),
        (Distribution::Exponential, [1.0 / 16.0, 3.0 / 16.0, 5.0 / 16.0, 7.0 / 16.0]),
    ] {
        // One replica a partition: no two that keep out of each other's way.
        let recipe = Recipe {
            brokers: 4,
            racks: 4,
            rf: 1,
            replicas: 40_000,
            distribution,
            ..Recipe::default()
        };
        let cluster = cook(&recipe);
        let mut counts = [0.0_f64; 4];
        for partition in cluster.topics.iter().take(3_000).flat_map(|topic| &topic.partitions) {
            counts[partition.replicas[0].broker as usize] += 1.0 / 40_000.0;
        }
        for (count, expected) in counts.into_iter().zip(expected) {
            assert!((count - expected).abs() < 0.01, "{distribution}: {counts:?}");
        }
    }
}

#[test]
fn loads_have_their_means() {
    let cluster = cook(&Recipe::default());
    let mut sums = [0.0; 6];
    let (mut leaders, mut followers) = (0.0, 0.0);
    for partition in partitions(&cluster) {
        leaders += 1.0;
        sums[0] += partition.replicas[0].load.cpu + partition.leader_extra.cpu;
        sums[1] += partition.leader_extra.network_out;
        assert_eq!((partition.leader_extra.network_in, partition.leader_extra.disk), (0.0, 0.0));
        assert!(
            partition.replicas[0].load.cpu <= partition.leader_extra.cpu,
            "most of it goes with leading"
        );
        for replica in &partition.replicas {
            sums[2] += replica.load.network_in;
            sums[3] += replica.load.disk;
            assert_eq!(replica.load.network_out, 0.0);
        }
        for replica in &partition.replicas[1..] {
            followers += 1.0;
            sums[4] += replica.load.cpu;
        }
    }
    let all = leaders + followers;
    let means = [
        sums[0] / leaders,
        sums[1] / leaders / 1e4,
        sums[2] / all / 1e4,
        sums[3] / all / 1e4,
        sums[4] / followers,
    ];
    // Topics differ by their popularity: the mean over 3,000 of them is some per cent off.
    assert!(means.iter().all(|mean| (mean - 0.01).abs() < 0.001), "{means:?}");
}

#[test]
fn no_two_replicas_are_on_one_broker_nor_in_one_rack_if_asked() {
    let distinct = |cluster: &Cluster, of: &dyn Fn(i32) -> String| {
        partitions(cluster).all(|partition| {
            let seen: BTreeSet<String> =
                partition.replicas.iter().map(|replica| of(replica.broker)).collect();
            seen.len() == partition.replicas.len()
        })
    };
    for distribution in Distribution::ALL {
        let recipe = Recipe { distribution, rf: 4, rack_aware: true, ..small() };
        let cluster = cook(&recipe);
        assert!(
            distinct(&cluster, &|id| cluster.brokers[id as usize].rack.clone().expect("a rack")),
            "{distribution}"
        );
        // As many replicas as brokers: the last places are those that chance leaves out.
        let recipe = Recipe { distribution, rf: 12, ..small() };
        assert!(distinct(&cook(&recipe), &|id| id.to_string()), "{distribution}");
    }
}

#[test]
fn brokers_are_as_asked() {
    let recipe = Recipe {
        new_brokers: 2,
        dead_brokers: 1,
        demoted_brokers: 2,
        brokers_per_host: 2,
        log_dirs: 3,
        offline_log_dirs: 2,
        leader_first: false,
        ..small()
    };
    let cluster = cook(&recipe);
    let count = |state| cluster.brokers.iter().filter(|broker| broker.state == state).count();
    let states =
        [BrokerState::New, BrokerState::Dead, BrokerState::Demoted, BrokerState::Alive].map(count);
    assert_eq!(states, [2, 1, 2, 9]);
    let hosts: BTreeSet<_> = cluster.brokers.iter().map(|broker| broker.host.clone()).collect();
    assert_eq!(hosts.len(), 7);
    let offline: Vec<i32> = cluster
        .brokers
        .iter()
        .filter(|broker| broker.log_dirs.iter().any(|dir| dir.state == LogDirState::Offline))
        .map(|broker| broker.id)
        .collect();
    assert_eq!(offline, [1, 2]);
    assert!(
        partitions(&cluster)
            .all(|partition| partition.leader == Some(partition.replicas[1].broker))
    );
    assert!(
        partitions(&cluster)
            .flat_map(|partition| &partition.replicas)
            .all(|replica| replica.broker < 12)
    );
    Model::new(cluster).expect("a model");
}

#[test]
fn recipes_that_there_is_no_cluster_for() {
    let check = |recipe: Recipe, expected: &str| {
        assert_eq!(
            generate(&recipe).map(|_| ()).map_err(|error| error.to_string()),
            Err(expected.to_owned())
        );
    };
    let base = Recipe::default;
    check(Recipe { brokers: 0, ..base() }, "brokers: 0 is out of range, give 2 to 65535");
    check(
        Recipe { brokers: u32::MAX, ..base() },
        "brokers: 4294967295 is out of range, give 2 to 65535",
    );
    check(
        Recipe { new_brokers: u32::MAX, ..base() },
        "new brokers: 4294967295 is out of range, give 0 to 65535",
    );
    check(Recipe { racks: 0, ..base() }, "racks: 0 is out of range, give 1 to 65535");
    check(Recipe { topics: 0, ..base() }, "topics: 0 is out of range, give 1 to 50000000");
    check(Recipe { replicas: 0, ..base() }, "replicas: 0 is out of range, give 1 to 50000000");
    check(
        Recipe { replicas: u32::MAX, ..base() },
        "replicas: 4294967295 is out of range, give 1 to 50000000",
    );
    check(Recipe { rf: 0, ..base() }, "replicas of a partition: 0 is out of range, give 1 to 100");
    check(Recipe { log_dirs: 0, ..base() }, "log dirs: 0 is out of range, give 1 to 100");
    check(
        Recipe { brokers_per_host: 0, ..base() },
        "brokers per host: 0 is out of range, give 1 to 65535",
    );
    check(
        Recipe { racks: 41, ..base() },
        "racks: 41 is more than there are machines (40), give fewer or more of those",
    );
    check(
        Recipe { brokers_per_host: 8, ..base() },
        "racks: 10 is more than there are machines (5), give fewer or more of those",
    );
    check(
        Recipe { dead_brokers: 30, demoted_brokers: 11, ..base() },
        "dead and demoted brokers: 41 is more than there are brokers (40), give fewer or more of those",
    );
    check(
        Recipe { dead_brokers: 40, ..base() },
        "dead brokers: 40 is more than there are brokers but one (39), give fewer or more of those",
    );
    check(
        Recipe { offline_log_dirs: 40, dead_brokers: 1, log_dirs: 2, ..base() },
        "offline log dirs: 40 is more than there are brokers alive (39), give fewer or more of those",
    );
    check(
        Recipe { offline_log_dirs: 1, ..base() },
        "a directory can be offline beside another only, give at least 2 log dirs a broker",
    );
    check(
        Recipe { rf: 41, ..base() },
        "replicas of a partition: 41 is more than there are brokers (40), give fewer or more of those",
    );
    check(
        Recipe { rf: 4, rf_max: Some(3), ..base() },
        "rf: 4 is more than rf_max (3), give less or more there",
    );
    check(
        Recipe { rf: 11, rack_aware: true, ..base() },
        "11 replicas of a partition need as many racks, there are 10",
    );
    check(
        Recipe { replicas: 8_999, ..base() },
        "8999 replicas are too few for 3000 topics, give at least 9000",
    );
    check(
        Recipe { replicas: 50_000, ..base() },
        "50000 replicas can't be reached exactly: 49998 is as near as whole partitions come",
    );
    check(
        Recipe { replicas: 300_000, topics: 1, ..base() },
        "a topic would have 100000 partitions, more than 65535: give more topics or fewer replicas",
    );
    check(
        Recipe { capacity_factor: 0.0, ..base() },
        "capacity factor 0 is out of range, give more than 0 and up to 1e9",
    );
    let mut means = base().mean_load;
    means.disk = f64::NAN;
    check(
        Recipe { mean_load: means, ..base() },
        "mean load of disk: NaN is out of range, give 0 to 1e9",
    );
    assert_eq!(
        "flat".parse::<Distribution>(),
        Err(RecipeError::UnknownDistribution("flat".to_owned()))
    );
    assert_eq!("linear".parse::<Distribution>(), Ok(Distribution::Linear));
}
