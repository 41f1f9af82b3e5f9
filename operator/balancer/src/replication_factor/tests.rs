//! What comes and what goes.

use proptest::prelude::*;

use super::*;
use crate::document::{self, BrokerState, Resources};
use crate::model::Resource;
use crate::options::Operation;

/// Brokers by rack and state, ids from 0.
fn cluster(brokers: &[(&str, BrokerState)], topics: Vec<document::Topic>) -> Model {
    cluster_with(brokers, topics, |_| {})
}

fn cluster_with(
    brokers: &[(&str, BrokerState)],
    topics: Vec<document::Topic>,
    edit: impl Fn(&mut document::Broker),
) -> Model {
    let mut brokers: Vec<document::Broker> = (0..)
        .zip(brokers)
        .map(|(id, (rack, state))| document::Broker {
            id,
            rack: Some((*rack).to_owned()),
            host: None,
            state: *state,
            capacity: Resources { cpu: 1e3, network_in: 1e3, network_out: 1e3, disk: 1e3 },
            log_dirs: Vec::new(),
        })
        .collect();
    brokers.iter_mut().for_each(edit);
    Model::new(document::Cluster { brokers, topics }).expect("valid")
}

/// A partition for each row: the leader, if any, and its brokers. A replica's disk is 10 and its broker's id.
fn topic(name: &str, partitions: &[(Option<i32>, &[i32])]) -> document::Topic {
    let replica = |broker: &i32| document::Replica {
        broker: *broker,
        log_dir: None,
        load: Resources { disk: 10.0 + f64::from(*broker), ..Resources::default() },
    };
    document::Topic {
        name: name.to_owned(),
        excluded: false,
        min_leaders_per_broker: 0,
        partitions: (0..)
            .zip(partitions)
            .map(|(id, (leader, brokers))| document::Partition {
                id,
                leader: *leader,
                replicas: brokers.iter().map(replica).collect(),
                leader_extra: Resources::default(),
            })
            .collect(),
    }
}

fn change(model: &Model, topics: &[&str], factor: u32) -> Result<Changed, ReplicationFactorError> {
    let topics: BTreeSet<String> = topics.iter().map(|name| (*name).to_owned()).collect();
    let options = Options::new(Operation::ReplicationFactor { topics: topics.clone(), factor });
    let changed = with_replication_factor(model, &options, &topics, factor)?;
    check_indices(model, &changed);
    Ok(changed)
}

/// What has to hold of every changed model.
fn check_indices(before: &Model, changed: &Changed) {
    let after = &changed.model;
    assert_eq!(after.partitions.len(), before.partitions.len());
    assert_eq!(changed.origin.len(), after.replicas.len());
    let mut next = 0;
    for (index, (old, new)) in before.partitions.iter().zip(&after.partitions).enumerate() {
        assert_eq!(new.first_replica, next);
        next += new.replicas;
        for replica in after.replicas_of(index as u32) {
            let (new, origin) =
                (&after.replicas[replica as usize], changed.origin[replica as usize]);
            assert_eq!(new.partition, index as u32);
            if let Some(old) = before.replicas.get(origin as usize) {
                assert_eq!(
                    (old.partition, old.broker, old.log_dir),
                    (new.partition, new.broker, new.log_dir)
                );
            } else {
                assert_eq!((new.broker, new.log_dir), (NONE, NONE));
            }
        }
        match changed.origin.get(new.leader as usize) {
            Some(origin) => assert_eq!(*origin, old.leader),
            None => {
                let goes = old.leader == NONE || changed.removed.contains(&old.leader);
                assert_eq!((new.leader, goes), (NONE, true), "who leads stays");
            }
        }
    }
    assert_eq!(next as usize, after.replicas.len());
    let mut all: Vec<u32> =
        changed.origin.iter().copied().filter(|origin| *origin != NONE).collect();
    all.extend(&changed.removed);
    all.sort_unstable();
    assert!(all.into_iter().eq(0..before.replicas.len() as u32), "every replica stays or goes");
}

/// The brokers of each partition, and who leads; None where a replica has no place.
fn shown(model: &Model) -> Vec<(Option<i32>, Vec<Option<i32>>)> {
    let id = |replica: u32| {
        let broker = model.replicas.get(replica as usize)?.broker;
        Some(model.brokers.get(broker as usize)?.id)
    };
    let partitions = 0..model.partitions.len() as u32;
    partitions
        .map(|index| {
            (
                id(model.partitions[index as usize].leader),
                model.replicas_of(index).map(id).collect(),
            )
        })
        .collect()
}

const ALIVE: BrokerState = BrokerState::Alive;

#[test]
fn more_replicas_come_without_a_place() {
    let brokers = [("a", ALIVE), ("b", ALIVE), ("c", ALIVE)];
    let model = cluster(
        &brokers,
        vec![topic("x", &[(Some(1), &[0, 1]), (None, &[2])]), topic("y", &[(Some(0), &[0])])],
    );
    let changed = change(&model, &["x"], 3).expect("possible");
    let expected = [
        (Some(1), vec![Some(0), Some(1), None]),
        (None, vec![Some(2), None, None]),
        (Some(0), vec![Some(0)]),
    ];
    assert_eq!(shown(&changed.model), expected);
    assert_eq!(changed.origin, [0, 1, NONE, 2, NONE, NONE, 3]);
    let cost = |replica: usize| {
        changed.model.amount(Resource::Disk, changed.model.replicas[replica].load[3])
    };
    assert_eq!([2, 4, 5].map(cost), [11.0, 12.0, 12.0], "as the leader's replica, or the first");
}

#[test]
fn no_names_are_all_topics_that_are_not_excluded() {
    let mut excluded = topic("y", &[(Some(0), &[0])]);
    excluded.excluded = true;
    let model =
        cluster(&[("a", ALIVE), ("b", ALIVE)], vec![topic("x", &[(Some(1), &[1])]), excluded]);
    let changed = change(&model, &[], 2).expect("possible");
    assert_eq!(shown(&changed.model), [(Some(1), vec![Some(1), None]), (Some(0), vec![Some(0)])]);
    let changed = change(&model, &["y"], 2).expect("possible");
    assert_eq!(shown(&changed.model)[1].1, [Some(0), None], "who names it means it");
}

#[track_caller]
fn check_stays(
    brokers: &[(&str, BrokerState)],
    leader: Option<i32>,
    replicas: &[i32],
    factor: u32,
    expect: &[i32],
) {
    let model = cluster(brokers, vec![topic("x", &[(leader, replicas)])]);
    let changed = change(&model, &["x"], factor).expect("possible");
    let expect: Vec<Option<i32>> = expect.iter().copied().map(Some).collect();
    assert_eq!(shown(&changed.model)[0].1, expect);
}

#[test]
fn fewer_replicas_keep_what_is_needed_most() {
    let alive = [("a", ALIVE), ("a", ALIVE), ("b", ALIVE), ("c", ALIVE)];
    check_stays(&alive, Some(2), &[0, 1, 2], 1, &[2]);
    check_stays(&alive, Some(2), &[0, 1, 2], 2, &[0, 2]);
    check_stays(&alive, Some(0), &[0, 2, 3, 1], 3, &[0, 2, 3]);
    check_stays(&alive, None, &[3, 0, 2, 1], 3, &[3, 0, 2]);
    // The larger ones are on the brokers with higher ids: their going evens out most.
    check_stays(&alive, Some(0), &[0, 3, 2], 2, &[0, 2]);
    let dead = [("a", ALIVE), ("a", ALIVE), ("b", BrokerState::Dead), ("c", BrokerState::Draining)];
    check_stays(&dead, Some(0), &[0, 1, 2], 2, &[0, 1]);
    check_stays(&dead, Some(0), &[0, 1, 3], 2, &[0, 1]);
    check_stays(&dead, None, &[2, 3], 1, &[3]);
    check_stays(&dead, Some(3), &[2, 3, 0], 2, &[3, 0]);
}

#[test]
fn a_leader_that_has_to_go_stays_only_if_nobody_else_could_lead() {
    let brokers = [
        ("a", ALIVE),
        ("b", ALIVE),
        ("c", BrokerState::Draining),
        ("d", BrokerState::Draining),
        ("e", BrokerState::Demoted),
        ("f", BrokerState::Dead),
    ];
    check_stays(&brokers, Some(2), &[2, 0], 1, &[0]);
    check_stays(&brokers, Some(2), &[2, 0, 1], 2, &[0, 1]);
    // What is dead goes before it, and one that is well placed and leads stays.
    check_stays(&brokers, Some(2), &[2, 5, 0], 2, &[2, 0]);
    check_stays(&brokers, Some(0), &[1, 2, 0], 1, &[0]);
    check_stays(&brokers, Some(4), &[4, 0], 1, &[4]);
    // Of the others none may lead.
    check_stays(&brokers, Some(2), &[2, 3], 1, &[2]);
    check_stays(&brokers, Some(2), &[2, 4], 1, &[2]);
    check_stays(&brokers, Some(2), &[2, 5], 1, &[2]);
    // The one that may lead stays for it.
    check_stays(&brokers, Some(2), &[2, 0, 4], 1, &[0]);
    check_stays(&brokers, None, &[4, 0], 1, &[0]);
}

#[test]
fn a_leader_that_has_to_go_stays_if_nobody_has_room_to_lead() {
    let mut topic = topic("x", &[(Some(0), &[0, 1, 2])]);
    topic.partitions[0].leader_extra.network_out = 500.0;
    let brokers = [("a", BrokerState::Draining), ("b", ALIVE), ("c", ALIVE)];
    let with_room = |ids: &[i32]| {
        let model = cluster_with(&brokers, vec![topic.clone()], |broker| {
            broker.capacity.network_out = if ids.contains(&broker.id) { 1e3 } else { 100.0 };
        });
        shown(&change(&model, &["x"], 1).expect("possible").model)[0].1.clone()
    };
    assert_eq!(with_room(&[0]), [Some(0)]);
    assert_eq!(with_room(&[0, 1]), [Some(1)]);
    assert_eq!(with_room(&[0, 2]), [Some(2)]);
}

#[test]
fn a_leader_whose_directory_is_offline_leads_nothing() {
    let mut topic = topic("x", &[(Some(0), &[0, 1])]);
    topic.partitions[0].replicas[0].log_dir = Some("/b".to_owned());
    let brokers = [("a", ALIVE), ("b", ALIVE)];
    let model = cluster_with(&brokers, vec![topic], |broker| {
        let dir =
            |path: &str, state| document::LogDir { path: path.to_owned(), capacity: 500.0, state };
        if broker.id == 0 {
            broker.log_dirs = vec![
                dir("/a", document::LogDirState::Online),
                dir("/b", document::LogDirState::Offline),
            ];
        }
    });
    let changed = change(&model, &["x"], 1).expect("possible");
    assert_eq!(shown(&changed.model), [(None, vec![Some(1)])]);
}

#[test]
fn the_fullest_brokers_lose_most() {
    // Broker 0 has a replica of everything, the others of half of it each.
    let partitions: Vec<(Option<i32>, &[i32])> = (0..20)
        .map(|index| if index % 2 == 0 { (None, &[0, 1][..]) } else { (None, &[2, 0][..]) })
        .collect();
    let brokers = [("a", ALIVE), ("b", ALIVE), ("c", ALIVE)];
    let model = cluster(&brokers, vec![topic("x", &partitions)]);
    let changed = change(&model, &["x"], 1).expect("possible");
    let count = |id: i32| {
        shown(&changed.model).iter().filter(|(_, brokers)| brokers[0] == Some(id)).count()
    };
    assert!(
        [0, 1, 2].map(count).into_iter().all(|count| (5..=8).contains(&count)),
        "{:?}",
        [0, 1, 2].map(count)
    );
}

#[test]
fn a_topic_loses_what_is_outside_of_its_set() {
    let brokers = [("a", ALIVE), ("b", ALIVE), ("c", ALIVE)];
    let model = cluster(&brokers, vec![topic("x", &[(Some(1), &[1, 0, 2])])]);
    let mut options = Options::new(Operation::Rebalance);
    options.goals.push(crate::goal::Goal::BrokerSetAware);
    options.broker_sets =
        [("east".to_owned(), [1, 2].into()), ("west".to_owned(), [0].into())].into();
    let changed = with_replication_factor(&model, &options, &BTreeSet::new(), 2).expect("possible");
    assert_eq!(shown(&changed.model)[0].1, [Some(1), Some(2)]);
}

#[test]
fn what_can_not_be_had_is_said() {
    let brokers =
        [("a", ALIVE), ("a", ALIVE), ("a", BrokerState::Dead), ("a", BrokerState::Draining)];
    let model = cluster(&brokers, vec![topic("x", &[(Some(0), &[0])])]);
    let check = |topics: &[&str], factor, expect: &str| {
        assert_eq!(change(&model, topics, factor).expect_err("impossible").to_string(), expect);
    };
    check(&[], 0, "a replication factor of 0 would delete the data: ask for 1 at least");
    check(&[], 32_768, "a replication factor of 32768 is too large: Kafka allows 32767 at most");
    check(
        &[],
        3,
        "a replication factor of 3 needs as many brokers, and 2 may hold replicas: \
         add brokers or ask for 2 at most",
    );
    check(
        &["y", "x", "z"],
        2,
        "no topic is named \"y\", \"z\": name topics of the model, or none to change all",
    );
    assert!(change(&model, &["x"], 2).is_ok(), "too few racks are for the plan to say");
}

#[test]
fn sums_stay_exact_however_much_is_added() {
    let mut topic = topic("x", &[(Some(0), &[0])]);
    topic.partitions[0].replicas[0].load.disk = 1e18;
    let brokers: Vec<(&str, BrokerState)> = vec![("a", ALIVE); 1_000];
    let model = cluster(&brokers, vec![topic]);
    let changed = change(&model, &[], 1_000).expect("possible").model;
    let sum: i128 = changed.replicas.iter().map(|replica| i128::from(replica.load[3])).sum();
    assert!(sum <= 1 << 53);
    let amount = changed.amount(Resource::Disk, changed.replicas[0].load[3]);
    assert!((amount / 1e18 - 1.0).abs() < 1e-9, "{amount}");
}

proptest! {
    #[test]
    fn every_partition_has_the_factor(
        partitions in prop::collection::vec((prop::collection::btree_set(0..8_i32, 1..6), any::<bool>()), 1..40),
        factor in 1_u32..8,
    ) {
        let states = [ALIVE, ALIVE, ALIVE, ALIVE, ALIVE, ALIVE, ALIVE, BrokerState::Dead];
        let brokers: Vec<_> = ["a", "b", "c", "a", "b", "c", "d", "d"].into_iter().zip(states).collect();
        let rows: Vec<(Option<i32>, Vec<i32>)> = partitions
            .iter()
            .map(|(brokers, led)| {
                let brokers: Vec<i32> = brokers.iter().copied().collect();
                (brokers.first().copied().filter(|first| *led && *first != 7), brokers)
            })
            .collect();
        let rows: Vec<(Option<i32>, &[i32])> = rows.iter().map(|(leader, brokers)| (*leader, &brokers[..])).collect();
        let model = cluster(&brokers, vec![topic("x", &rows)]);
        let changed = change(&model, &[], factor).expect("possible");
        for (leader, brokers) in shown(&changed.model) {
            prop_assert_eq!(brokers.len(), factor as usize);
            prop_assert!(leader.is_none_or(|leader| brokers.contains(&Some(leader))));
        }
        for partition in 0..model.partitions.len() as u32 {
            let dead = |replica: &u32| model.is_offline(*replica);
            let goes: Vec<u32> =
                model.replicas_of(partition).filter(|replica| changed.removed.contains(replica)).collect();
            let kept_dead = model.replicas_of(partition).filter(|r| !goes.contains(r)).any(|r| dead(&r));
            prop_assert!(!kept_dead || goes.iter().all(dead), "what is offline goes first");
        }
    }
}
