//! Documents at random: most are bad, none may panic, and what is taken holds together.

use proptest::prelude::*;
use proptest::sample::select;

use crate::document::{
    Broker, BrokerState, Cluster, LogDir, LogDirState, Partition, Replica, Resources, Topic,
};
use crate::model::{Model, NONE, RESOURCES, Resource};

/// Numbers from so few that they often meet, and sometimes far off.
fn id() -> impl Strategy<Value = i32> {
    prop_oneof![20 => 0..4_i32, 1 => any::<i32>()]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![20 => select(vec!["a", "b", "c", "d", "(broker 1)"]).prop_map(str::to_owned), 1 => any::<String>()]
}

fn amount() -> impl Strategy<Value = f64> {
    prop_oneof![
        100 => 0.1..1e6,
        10 => select(vec![0.0, -0.0, 1e18, f64::MIN_POSITIVE, 1e-320]),
        1 => any::<f64>(),
        1 => select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, f64::MAX])
    ]
}

fn resources() -> impl Strategy<Value = Resources> {
    (amount(), amount(), amount(), amount()).prop_map(|(cpu, network_in, network_out, disk)| {
        Resources { cpu, network_in, network_out, disk }
    })
}

fn broker() -> impl Strategy<Value = Broker> {
    let state = select(vec![
        BrokerState::Alive,
        BrokerState::New,
        BrokerState::Dead,
        BrokerState::Demoted,
        BrokerState::Draining,
    ]);
    let dir_state = select(vec![LogDirState::Online, LogDirState::Offline]);
    let dir = (text(), amount(), dir_state).prop_map(|(path, capacity, state)| LogDir {
        path,
        capacity,
        state,
    });
    let dirs = proptest::collection::vec(dir, 0..3);
    (id(), proptest::option::of(text()), proptest::option::of(text()), state, resources(), dirs)
        .prop_map(|(id, rack, host, state, capacity, log_dirs)| Broker {
            id,
            rack,
            host,
            state,
            capacity,
            log_dirs,
        })
}

fn topic() -> impl Strategy<Value = Topic> {
    let replica = (id(), proptest::option::weighted(0.1, text()), resources())
        .prop_map(|(broker, log_dir, load)| Replica { broker, log_dir, load });
    let replicas = proptest::collection::vec(replica, 0..4);
    let partition = (id(), proptest::option::of(id()), replicas, resources()).prop_map(
        |(id, leader, replicas, leader_extra)| Partition { id, leader, replicas, leader_extra },
    );
    (text(), any::<bool>(), any::<u32>(), proptest::collection::vec(partition, 0..4)).prop_map(
        |(name, excluded, min_leaders_per_broker, partitions)| Topic {
            name,
            excluded,
            min_leaders_per_broker,
            partitions,
        },
    )
}

fn cluster() -> impl Strategy<Value = Cluster> {
    (proptest::collection::vec(broker(), 0..5), proptest::collection::vec(topic(), 0..4))
        .prop_map(|(brokers, topics)| Cluster { brokers, topics })
}

/// A cluster with nothing wrong in it.
fn good_cluster() -> impl Strategy<Value = Cluster> {
    let amount = || prop_oneof![1 => Just(0.0), 9 => 1e-9..1e12];
    let resources = move || {
        (amount(), amount(), amount(), amount()).prop_map(|(cpu, network_in, network_out, disk)| {
            Resources { cpu, network_in, network_out, disk }
        })
    };
    (2..8_usize).prop_flat_map(move |brokers| {
        let shape = (0..4_u8, 0..4_u8, 0..5_u8).prop_map(|(rack, dirs, state)| (rack, dirs, state));
        let shapes = proptest::collection::vec(shape, brokers);
        let partition = (
            proptest::sample::subsequence((0..brokers as i32).collect::<Vec<_>>(), 1..=brokers)
                .prop_shuffle(),
            any::<prop::sample::Index>(),
            any::<bool>(),
            proptest::collection::vec(resources(), brokers + 1),
        );
        let topics = proptest::collection::vec(proptest::collection::vec(partition, 0..5), 0..4);
        (shapes, topics).prop_map(|(shapes, topics)| {
            let topics = topics.into_iter().enumerate().map(|(index, partitions)| Topic {
                name: format!("t{index}"),
                excluded: false,
                min_leaders_per_broker: 0,
                partitions: partitions
                    .into_iter()
                    .zip(0..)
                    .map(|((on, leader, led, loads), id)| {
                        good_partition(&shapes, id, &on, led.then_some(*leader.get(&on)), &loads)
                    })
                    .collect(),
            });
            Cluster {
                topics: topics.collect(),
                brokers: shapes
                    .iter()
                    .zip(0..)
                    .map(|(shape, id)| good_broker(*shape, id))
                    .collect(),
            }
        })
    })
}

fn good_broker((rack, dirs, state): (u8, u8, u8), id: i32) -> Broker {
    Broker {
        id,
        rack: (rack > 0).then(|| format!("r{rack}")),
        host: (rack % 2 == 0).then(|| format!("h{rack}")),
        state: [
            BrokerState::Alive,
            BrokerState::New,
            BrokerState::Dead,
            BrokerState::Demoted,
            BrokerState::Draining,
        ][usize::from(state)],
        capacity: Resources { cpu: 0.3, network_in: 1e6, network_out: 1e9, disk: 1e15 },
        log_dirs: (0..dirs)
            .map(|dir| LogDir {
                path: dir.to_string(),
                capacity: 1e14,
                state: if dir == state { LogDirState::Offline } else { LogDirState::Online },
            })
            .collect(),
    }
}

fn good_partition(
    shapes: &[(u8, u8, u8)],
    id: i32,
    on: &[i32],
    leader: Option<i32>,
    loads: &[Resources],
) -> Partition {
    let replica = |(broker, load): (&i32, &Resources)| {
        let dirs = shapes[*broker as usize].1;
        Replica {
            broker: *broker,
            log_dir: (dirs > 0).then(|| (dirs - 1).to_string()),
            load: *load,
        }
    };
    Partition {
        id,
        leader,
        replicas: on.iter().zip(&loads[1..]).map(replica).collect(),
        leader_extra: loads[0],
    }
}

/// Indices that point at each other, and sums that are exact.
fn assert_whole(model: &Model) {
    assert!(model.brokers.is_sorted_by(|a, b| a.id < b.id));
    assert!(model.topics.is_sorted_by(|a, b| a.name < b.name));
    assert!(model.racks.is_sorted_by(|a, b| a < b));
    let mut sums = [0_i64; RESOURCES];
    let mut add = |load: &[i64; RESOURCES]| {
        sums.iter_mut().zip(load).for_each(|(sum, amount)| *sum += amount)
    };
    for (index, broker) in model.brokers.iter().enumerate() {
        assert_eq!(model.hosts[broker.host as usize].rack, broker.rack);
        assert!((broker.rack as usize) < model.racks.len());
        assert!(broker.log_dirs > 0);
        for dir in model.log_dirs_of(index as u32) {
            assert_eq!(model.log_dirs[dir as usize].broker as usize, index);
        }
        add(&broker.capacity);
    }
    for index in 0..model.topics.len() as u32 {
        assert!(
            model
                .partitions_of(index)
                .all(|partition| model.partitions[partition as usize].topic == index)
        );
    }
    for (index, partition) in model.partitions.iter().enumerate() {
        let replicas = model.replicas_of(index as u32);
        assert!(!replicas.is_empty());
        assert!(
            partition.leader == NONE
                || replicas.contains(&partition.leader) && !model.is_offline(partition.leader)
        );
        for replica in replicas {
            let replica = &model.replicas[replica as usize];
            assert_eq!(replica.partition as usize, index);
            assert_eq!(model.log_dirs[replica.log_dir as usize].broker, replica.broker);
            add(&replica.load);
            add(&partition.leader_extra);
        }
    }
    assert!(sums.into_iter().all(|sum| (0..1_i64 << 53).contains(&sum)));
    assert!(model.replicas.iter().flat_map(|replica| replica.load).all(|amount| amount >= 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_document_panics(cluster in cluster()) {
        match Model::new(cluster) {
            Ok(model) => {
                assert_whole(&model);
                prop_assert_eq!(model.basis().len(), 64);
            }
            Err(error) => prop_assert!(!error.problems.is_empty() && !error.to_string().is_empty()),
        }
    }

    #[test]
    fn every_good_document_is_taken(cluster in good_cluster()) {
        let json = serde_json::to_vec(&cluster).expect("json");
        prop_assert_eq!(&Cluster::from_json(&json), &Ok(cluster.clone()));
        let model = Model::new(cluster.clone()).expect("a cluster");
        assert_whole(&model);
        // Turned back, nothing is off by more than half a unit.
        for (broker, given) in model.brokers.iter().zip(&cluster.brokers) {
            let given = [given.capacity.cpu, given.capacity.network_in, given.capacity.network_out, given.capacity.disk];
            for (resource, given) in Resource::ALL.into_iter().zip(given) {
                let amount = model.amount(resource, broker.capacity[resource as usize]);
                prop_assert!((amount - given).abs() <= model.units[resource as usize] / 2.0);
            }
        }
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Err(error) = Cluster::from_json(&bytes) {
            prop_assert!(!error.cause.is_empty());
        }
    }

    /// Good JSON with a byte changed, or cut short.
    #[test]
    fn no_damage_panics(cluster in cluster(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut json = serde_json::to_vec(&cluster).expect("json");
        let at = at.index(json.len());
        if cut {
            json.truncate(at);
        } else {
            json[at] = byte;
        }
        if let Ok(cluster) = Cluster::from_json(&json) {
            drop(Model::new(cluster));
        }
    }
}
