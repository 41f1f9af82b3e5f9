//! What `place` promises.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::document::{self, BrokerState};
use crate::goal::Goal;
use crate::options::Operation;

const CAPACITY: f64 = 1_000.0;

fn all(amount: f64) -> Resources {
    Resources { cpu: amount, network_in: amount, network_out: amount, disk: amount }
}

/// A cluster without topics: racks of so many brokers, ids from 0, rack by rack.
fn racks(brokers: &[usize]) -> document::Cluster {
    let mut cluster = document::Cluster::default();
    for (rack, count) in brokers.iter().enumerate() {
        for _ in 0..*count {
            cluster.brokers.push(document::Broker {
                id: cluster.brokers.len() as i32,
                rack: Some(format!("rack-{rack}")),
                host: None,
                state: BrokerState::Alive,
                capacity: all(CAPACITY),
                log_dirs: Vec::new(),
            });
        }
    }
    cluster
}

/// A topic with a partition for each row of brokers; the first leads.
fn topic(name: &str, load: f64, partitions: &[&[i32]]) -> document::Topic {
    let replica =
        |broker: &i32| document::Replica { broker: *broker, log_dir: None, load: all(load) };
    document::Topic {
        name: name.to_owned(),
        excluded: false,
        min_leaders_per_broker: 0,
        partitions: (0..)
            .zip(partitions)
            .map(|(id, brokers)| document::Partition {
                id,
                leader: brokers.first().copied(),
                replicas: brokers.iter().map(replica).collect(),
                leader_extra: Resources::default(),
            })
            .collect(),
    }
}

fn new(topic: &str, partitions: u32, replication_factor: u32, load: f64) -> NewPartitions {
    NewPartitions {
        topic: topic.to_owned(),
        partitions,
        replication_factor,
        load: all(load),
        leader_extra: Resources::default(),
    }
}

fn model(cluster: document::Cluster) -> Model {
    Model::new(cluster).expect("valid")
}

fn options() -> Options {
    Options::new(Operation::Rebalance)
}

/// By broker: replicas and leaders.
fn counts(model: &Model, placed: &[Vec<i32>]) -> (Vec<u32>, Vec<u32>) {
    let mut counts = (vec![0; model.brokers.len()], vec![0; model.brokers.len()]);
    for brokers in placed {
        assert_eq!(
            brokers.iter().collect::<BTreeSet<_>>().len(),
            brokers.len(),
            "each broker once: {brokers:?}"
        );
        for (place, id) in brokers.iter().enumerate() {
            let index = model.broker_index(*id).expect("a broker of the model") as usize;
            counts.0[index] += 1;
            counts.1[index] += u32::from(place == 0);
        }
    }
    counts
}

fn difference(counts: &[u32]) -> u32 {
    counts.iter().max().unwrap_or(&0) - counts.iter().min().unwrap_or(&0)
}

/// Each rack has at most one replica of a partition more than another that has brokers left.
fn check_racks(model: &Model, placed: &[Vec<i32>]) {
    for brokers in placed {
        let mut on = vec![(0, 0); model.racks.len()];
        for broker in &model.brokers {
            on[broker.rack as usize].0 += u32::from(brokers.contains(&broker.id));
            on[broker.rack as usize].1 += 1;
        }
        let most = on.iter().map(|(held, _)| *held).max().unwrap_or(0);
        for (held, brokers) in on {
            assert!(held + 1 >= most || held == brokers, "racks: {brokers:?}");
        }
    }
}

#[test]
fn equal_racks_spread_a_topic_within_one() {
    for (racks_of, partitions, factor) in [
        (vec![1; 3], 1, 3),
        (vec![1; 3], 7, 2),
        (vec![4; 3], 12, 3),
        (vec![4; 3], 50, 3),
        (vec![5; 10], 100, 3),
        (vec![2; 6], 33, 4),
        (vec![3; 2], 40, 3),
        (vec![7; 1], 100, 3),
        (vec![1; 40], 1_000, 3),
        (vec![5; 10], 1_000, 3),
        (vec![3; 3], 20, 1),
    ] {
        for load in [0.0, 0.01] {
            let model = model(racks(&racks_of));
            let placed =
                place(&model, &options(), &new("x", partitions, factor, load)).expect("room");
            assert_eq!(placed.len(), partitions as usize);
            assert!(placed.iter().all(|brokers| brokers.len() == factor as usize));
            check_racks(&model, &placed);
            let (replicas, leaders) = counts(&model, &placed);
            assert!(difference(&replicas) <= 1, "{racks_of:?} {partitions} {factor}: {replicas:?}");
            assert!(difference(&leaders) <= 1, "{racks_of:?} {partitions} {factor}: {leaders:?}");
        }
    }
}

#[test]
fn partitions_of_one_broker_are_shared_with_many() {
    let model = model(racks(&[3; 4]));
    let placed = place(&model, &options(), &new("x", 36, 3, 0.0)).expect("room");
    for id in 0..12 {
        let of_broker = placed.iter().filter(|brokers| brokers.contains(&id));
        let mates: BTreeSet<&i32> = of_broker.flatten().filter(|mate| **mate != id).collect();
        assert!(mates.len() >= 7, "broker {id} shares with {mates:?}");
    }
}

#[test]
fn further_partitions_even_a_topic_out() {
    let mut cluster = racks(&[2, 2]);
    cluster.topics = vec![
        topic("a", 1.0, &[&[0, 2], &[1, 3]]),
        topic("x", 1.0, &[&[0, 2], &[0, 2], &[0, 2]]),
        topic("z", 1.0, &[&[0, 2]]),
    ];
    let model = model(cluster);
    let placed = place(&model, &options(), &new("x", 3, 2, 1.0)).expect("room");
    let brokers: Vec<BTreeSet<i32>> =
        placed.iter().map(|brokers| brokers.iter().copied().collect()).collect();
    assert_eq!(brokers, [[1, 3].into(), [1, 3].into(), [1, 3].into()]);
    let (_, leaders) = counts(&model, &placed);
    assert!(leaders[1] + leaders[3] == 3 && leaders[1] >= 1 && leaders[3] >= 1, "{leaders:?}");
}

#[test]
fn the_less_loaded_of_equals_is_taken() {
    let mut cluster = racks(&[2, 2]);
    cluster.topics = vec![topic("a", 10.0, &[&[0, 3]])];
    let small = &mut cluster.brokers[2];
    small.capacity = all(CAPACITY / 4.0);
    let by_load = place(&model(cluster), &options(), &new("x", 1, 2, 20.0)).expect("room");
    assert!(by_load[0].contains(&1) && by_load[0].contains(&3), "broker 2 is small: {by_load:?}");
    let mut cluster = racks(&[2, 2]);
    cluster.topics = vec![topic("a", 0.0, &[&[0, 3], &[0, 3]])];
    let by_number = place(&model(cluster), &options(), &new("x", 1, 2, 0.0)).expect("room");
    assert!(by_number[0].contains(&1) && by_number[0].contains(&2), "{by_number:?}");
}

#[test]
fn brokers_that_may_not_hold_or_lead_do_not() {
    let mut cluster = racks(&[2, 2, 2]);
    cluster.brokers[0].state = BrokerState::Dead;
    cluster.brokers[2].state = BrokerState::Draining;
    cluster.brokers[3].state = BrokerState::Demoted;
    cluster.brokers[4].state = BrokerState::New;
    let mut options = options();
    options.excluded_for_replicas.insert(5);
    let placed = place(&model(cluster.clone()), &options, &new("x", 30, 3, 1.0)).expect("room");
    let (replicas, leaders) = counts(&model(cluster.clone()), &placed);
    assert_eq!(replicas, [0, 30, 0, 30, 30, 0]);
    assert_eq!(leaders, [0, 15, 0, 0, 15, 0]);
    options.excluded_for_leadership = [1, 4].into();
    let placed = place(&model(cluster.clone()), &options, &new("x", 30, 3, 1.0)).expect("room");
    assert_eq!(counts(&model(cluster), &placed).1, [0, 10, 0, 10, 10, 0], "someone has to lead");
}

#[test]
fn no_limit_is_exceeded() {
    // Broker 0 has room for 10 of the 80, the others for 40 each.
    let mut cluster = racks(&[2, 2]);
    cluster.topics = vec![topic("a", 600.0, &[&[0]])];
    let mut options = options();
    options.goals.retain(|goal| *goal != Goal::CpuCapacity);
    let model = model(cluster);
    let placed = place(&model, &options, &new("x", 50, 2, 20.0)).expect("room");
    let (replicas, _) = counts(&model, &placed);
    check_racks(&model, &placed);
    assert_eq!((replicas[0], replicas[1]), (10, 40));
}

#[test]
fn room_decides_where_evenness_runs_into_the_limits() {
    // Every partition needs broker 0: the others have room for 5 each.
    let mut cluster = racks(&[1, 1, 1]);
    let full = 1_000.0 * 0.7 - 50.0;
    cluster.topics = vec![topic("a", full, &[&[1], &[2]])];
    let model = model(cluster);
    let placed = place(&model, &options(), &new("x", 10, 2, 10.0)).expect("there is room");
    assert_eq!(counts(&model, &placed).0, [10, 5, 5]);
}

#[test]
fn leading_needs_room_too() {
    let mut cluster = racks(&[1, 1, 1]);
    cluster.topics = vec![topic("a", 600.0, &[&[1], &[2]])];
    let model = model(cluster);
    let mut asked = new("x", 3, 3, 1.0);
    asked.leader_extra = all(60.0);
    let placed = place(&model, &options(), &asked).expect("room");
    // 100 are left for the processor on brokers 1 and 2, 700 on broker 0.
    assert_eq!(counts(&model, &placed).1, [1, 1, 1]);
    asked.leader_extra = all(120.0);
    let placed = place(&model, &options(), &asked).expect("room");
    assert_eq!(counts(&model, &placed).1, [3, 0, 0]);
}

#[test]
fn a_topic_stays_in_its_set() {
    let mut cluster = racks(&[2, 2]);
    cluster.topics = vec![topic("a", 1.0, &[&[0, 2]])];
    let model = model(cluster);
    let mut options = options();
    options.goals.push(Goal::BrokerSetAware);
    options.broker_sets =
        [("east".to_owned(), [0, 2].into()), ("west".to_owned(), [1, 3].into())].into();
    let on = |options: &Options, topic: &str| {
        counts(&model, &place(&model, options, &new(topic, 4, 2, 1.0)).expect("room")).0
    };
    assert_eq!(on(&options, "a"), [4, 0, 4, 0]);
    assert_eq!(on(&options, "new"), [0, 4, 0, 4], "the emptier set");
    options.topic_sets = [("new".to_owned(), "east".to_owned())].into();
    assert_eq!(on(&options, "new"), [4, 0, 4, 0]);
    let error = place(&model, &options, &new("new", 1, 3, 1.0)).expect_err("too few");
    assert_eq!(
        error.to_string(),
        "a replication factor of 3 needs as many brokers, and 2 may hold replicas in the set \"east\": \
         add brokers or ask for 2 at most"
    );
}

#[test]
fn new_partitions_are_part_of_the_model_as_the_others() {
    let mut cluster = racks(&[1, 1]);
    cluster.topics = vec![topic("a", 1.0, &[&[0], &[1]]), topic("c", 1.0, &[&[1], &[0]])];
    let before = model(cluster);
    for (name, topics) in [
        ("a", ["a", "c"].as_slice()),
        ("b", &["a", "b", "c"]),
        ("c", &["a", "c"]),
        ("d", &["a", "c", "d"]),
    ] {
        let after = Extended::new(&before, &new(name, 3, 2, 5.0)).model;
        let names: Vec<&str> = after.topics.iter().map(|topic| topic.name.as_str()).collect();
        assert_eq!(names, topics);
        let mut replicas = 0;
        for (index, topic) in after.topics.iter().enumerate() {
            let numbers: Vec<i32> = after
                .partitions_of(index as u32)
                .map(|partition| after.partitions[partition as usize].number)
                .collect();
            let expected = if topic.name == name { 3 } else { 0 }
                + if ["a", "c"].contains(&&*topic.name) { 2 } else { 0 };
            assert_eq!(numbers, (0..expected).collect::<Vec<_>>());
            for partition in after.partitions_of(index as u32) {
                assert_eq!(after.partitions[partition as usize].topic, index as u32);
                let own = after.replicas_of(partition);
                assert_eq!(own.start, replicas);
                replicas = own.end;
                assert!(own.contains(&after.partitions[partition as usize].leader));
                assert!(
                    own.clone()
                        .all(|replica| after.replicas[replica as usize].partition == partition)
                );
            }
        }
        assert_eq!(replicas as usize, after.replicas.len());
    }
}

#[track_caller]
fn check_refused(model: &Model, new: &NewPartitions, expect: &str) {
    assert_eq!(place(model, &options(), new).expect_err("refused").to_string(), expect);
}

#[test]
fn what_can_not_be_had_is_said() {
    let mut cluster = racks(&[2, 1]);
    cluster.topics = vec![topic("gap", 1.0, &[&[0], &[1], &[2]])];
    cluster.topics[0].partitions.remove(1);
    let model = model(cluster);
    check_refused(&model, &new("", 1, 1, 0.0), "the topic has no name: give it one");
    check_refused(
        &model,
        &new("x", 1, 0, 0.0),
        "a replication factor of 0 keeps no data: ask for 1 at least",
    );
    check_refused(
        &model,
        &new("x", u32::MAX, u32::MAX, 0.0),
        "a replication factor of 4294967295 needs as many brokers, and 3 may hold replicas: \
         add brokers or ask for 3 at most",
    );
    check_refused(
        &model,
        &new("x", u32::MAX, 1, 0.0),
        "topic \"x\" would have 4294967295 partitions: 65535 is the most",
    );
    check_refused(
        &model,
        &new("gap", 1, 1, 0.0),
        "the model doesn't know partition 1 of topic \"gap\", but one after it: \
         what it holds can't be counted; give all of the topic's partitions",
    );
    let mut asked = new("x", 1, 1, 0.0);
    for (amount, shown) in [(f64::NAN, "NaN"), (-1.0, "-1"), (f64::INFINITY, "inf")] {
        asked.leader_extra.disk = amount;
        check_refused(
            &model,
            &asked,
            &format!(
                "leader_extra.disk of the new partitions is {shown}: give a number from 0 to 1e18"
            ),
        );
    }
    assert_eq!(
        place(&model, &options(), &new("x", 0, 1, 0.0)).expect("nothing"),
        Vec::<Vec<i32>>::new()
    );
}

#[test]
fn what_is_full_is_named() {
    let model = model(racks(&[2, 1]));
    // The processor goes first, at 700 of 1000: 3 on each broker, and every partition needs the second rack.
    check_refused(
        &model,
        &new("x", 6, 2, 200.0),
        "partition 3 of topic \"x\" has no place: brokers at their limit of cpu: 1, \
         brokers on racks that have their share of the partition: 1; \
         add brokers or capacity, or ask for 3 partitions at most",
    );
    let huge =
        place(&model, &options(), &new("x", 65_535, 3, 1e18)).expect_err("no room").to_string();
    assert!(
        huge.contains("brokers at their limit of cpu: 3") && huge.contains("ask for 0"),
        "{huge}"
    );
    let mut options = options();
    options.constraints.max_replicas_per_broker = 2;
    let error = place(&model, &options, &new("x", 3, 3, 0.0)).expect_err("no room").to_string();
    assert!(error.contains("limit of replicas: 3"), "{error}");
    options.excluded_for_replicas = [0, 1, 2].into();
    assert!(place(&model, &options, &new("x", 3, 3, 0.0)).is_err());
}

#[test]
fn as_many_as_are_said_to_have_room_have_it() {
    // With 39 partitions in mind more than these get a place, and with that many in mind fewer do.
    let capacities = [103.35, 175.99, 381.56, 33.57, 120.34, 80.5];
    let mut cluster = racks(&[2; 3]);
    for (broker, capacity) in cluster.brokers.iter_mut().zip(capacities) {
        broker.capacity = all(capacity);
    }
    let model = model(cluster);
    let mut asked = new("x", 39, 2, 2.536_242);
    asked.leader_extra = all(9.415_349);
    let Err(PlaceError::Full { placed, .. }) = place(&model, &options(), &asked) else {
        panic!("there isn't room for all");
    };
    asked.partitions = placed;
    assert_eq!(place(&model, &options(), &asked).expect("room").len(), placed as usize);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Racks, evenness within racks and between equal ones, leaders, and the same answer twice.
    #[test]
    fn promises_hold_where_there_is_room(
        sizes in prop::collection::vec(1_usize..6, 1..7),
        equal in any::<bool>(),
        partitions in 1_u32..80,
        factor in 1_u32..6,
        before in prop::collection::vec(0_usize..30, 0..40),
        load in 0.0..0.5_f64,
    ) {
        let sizes = if equal { vec![sizes[0]; sizes.len()] } else { sizes };
        let mut cluster = racks(&sizes);
        let count = cluster.brokers.len();
        let factor = factor.min(count as u32);
        let other: Vec<[i32; 1]> = before.iter().map(|broker| [(broker % count) as i32]).collect();
        let rows: Vec<&[i32]> = other.iter().map(|row| &row[..]).collect();
        cluster.topics = vec![topic("other", 1.0, &rows)];
        let model = model(cluster);
        let asked = new("x", partitions, factor, load);
        let placed = place(&model, &options(), &asked).expect("room");
        prop_assert_eq!(&placed, &place(&model, &options(), &asked).expect("room"));
        prop_assert_eq!(placed.len(), partitions as usize);
        prop_assert!(placed.iter().all(|brokers| brokers.len() == factor as usize));
        check_racks(&model, &placed);
        let (replicas, leaders) = counts(&model, &placed);
        for rack in 0..sizes.len() {
            let own: Vec<u32> =
                replicas.iter().zip(&model.brokers).filter(|(_, b)| b.rack as usize == rack).map(|(c, _)| *c).collect();
            prop_assert!(difference(&own) <= 1, "{:?}", replicas);
        }
        if equal {
            prop_assert!(difference(&replicas) <= 1, "{:?}", replicas);
            prop_assert!(difference(&leaders) <= 1, "{:?}", leaders);
        }
        // Nobody leads at least two more than another that has one of its partitions.
        for brokers in &placed {
            let count = |id: &i32| leaders[model.broker_index(*id).expect("known") as usize];
            prop_assert!(brokers.iter().all(|other| count(other) + 2 > count(&brokers[0])), "{:?}", leaders);
        }
    }

    /// Never above a limit, whatever the capacities; and an error only where partitions are refused for it.
    #[test]
    fn limits_hold_whatever_the_capacities(
        capacities in prop::collection::vec(10.0..400.0_f64, 3..12),
        partitions in 1_u32..60,
        factor in 1_u32..4,
        load in 0.0..10.0_f64,
        extra in 0.0..10.0_f64,
    ) {
        let mut cluster = racks(&[capacities.len().div_ceil(3); 3]);
        for (broker, capacity) in cluster.brokers.iter_mut().zip(&capacities) {
            broker.capacity = all(*capacity);
        }
        let model = model(cluster);
        let mut asked = new("x", partitions, factor, load);
        asked.leader_extra = all(extra);
        match place(&model, &options(), &asked) {
            Ok(placed) => {
                check_racks(&model, &placed);
                let (replicas, leaders) = counts(&model, &placed);
                for (broker, (replicas, leaders)) in model.brokers.iter().zip(replicas.iter().zip(leaders)) {
                    let used = f64::from(*replicas) * load + f64::from(leaders) * extra;
                    let cpu = model.amount(Resource::Cpu, broker.capacity[0]);
                    prop_assert!(used <= cpu * 0.7 + 1e-6, "{} of {}", used, cpu);
                }
            }
            Err(PlaceError::Full { placed, causes, .. }) => {
                prop_assert!(placed < partitions && !causes.is_empty());
                if placed > 0 {
                    asked.partitions = placed;
                    prop_assert!(place(&model, &options(), &asked).is_ok(), "as many as the error says have room");
                }
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}
