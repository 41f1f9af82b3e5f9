//! Bounds of small clusters that can be worked out by hand. Every broker can carry 1,000 of everything, and every
//! replica weighs 10 of disk unless it says otherwise.

mod exhaustive;

use std::collections::BTreeSet;

use super::{Bounds, bounds};
use crate::document::{
    Broker, BrokerState, Cluster, LogDir, LogDirState, Partition, Replica, Resources, Topic,
};
use crate::goal::Goal;
use crate::limits::Limits;
use crate::model::{Model, NONE, Resource};
use crate::options::{Operation, Options};
use crate::planner::Threads;
use crate::task::Task;

/// Brokers 0, 1, ... in these racks.
fn brokers(racks: &[&str]) -> Vec<Broker> {
    let capacity = Resources { cpu: 1000.0, network_in: 1000.0, network_out: 1000.0, disk: 1000.0 };
    racks
        .iter()
        .zip(0..)
        .map(|(rack, id)| Broker {
            id,
            rack: Some((*rack).to_owned()),
            host: None,
            state: BrokerState::Alive,
            capacity,
            log_dirs: Vec::new(),
        })
        .collect()
}

/// A topic whose partitions have replicas on these brokers, of this much disk.
fn topic(name: &str, partitions: &[&[(i32, f64)]]) -> Topic {
    let partition = |(replicas, id): (&&[(i32, f64)], i32)| Partition {
        id,
        leader: replicas.first().map(|(broker, _)| *broker),
        replicas: replicas
            .iter()
            .map(|(broker, disk)| Replica {
                broker: *broker,
                log_dir: None,
                load: Resources { disk: *disk, ..Resources::default() },
            })
            .collect(),
        leader_extra: Resources::default(),
    };
    Topic {
        name: name.to_owned(),
        excluded: false,
        min_leaders_per_broker: 0,
        partitions: partitions.iter().zip(0..).map(partition).collect(),
    }
}

/// A topic of partitions with one replica of 10, so many on each broker.
fn singles(name: &str, counts: &[usize]) -> Topic {
    let replicas: Vec<Vec<(i32, f64)>> = counts
        .iter()
        .zip(0..)
        .flat_map(|(count, broker)| vec![vec![(broker, 10.0)]; *count])
        .collect();
    topic(name, &replicas.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn rebalance(goals: &[Goal]) -> Options {
    Options { goals: goals.to_vec(), ..Options::new(Operation::Rebalance) }
}

fn bounds_of(cluster: &Cluster, options: &Options) -> (u64, f64) {
    bounds_of_model(&Model::new(cluster.clone()).expect("the cluster is fine"), options)
}

fn bounds_of_model(model: &Model, options: &Options) -> (u64, f64) {
    let task = Task::new(model, options);
    let limits = Limits::new(&task);
    let alone = bounds(&task, &limits, Threads::One);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("a pool");
    assert_eq!(alone, bounds(&task, &limits, Threads::Pool(&pool)), "with one thread and with two");
    let Bounds { replicas, bytes } = alone;
    (replicas, model.amount(Resource::Disk, bytes))
}

#[track_caller]
fn check(racks: &[&str], topics: Vec<Topic>, options: &Options, expect: (u64, f64)) {
    assert_eq!(bounds_of(&Cluster { brokers: brokers(racks), topics }, options), expect);
}

#[test]
fn a_balanced_cluster_has_nothing_to_move() {
    let partitions: Vec<[(i32, f64); 2]> =
        (0..12).map(|i| [(i % 3, 10.0), ((i + 1) % 3, 10.0)]).collect();
    let partitions: Vec<&[(i32, f64)]> = partitions.iter().map(|replicas| &replicas[..]).collect();
    let default = Options::new(Operation::Rebalance);
    check(&["a", "b", "c"], vec![topic("t", &partitions)], &default, (0, 0.0));
    check(&["a", "b", "c"], Vec::new(), &default, (0, 0.0));
}

#[test]
fn counts_leave_and_come() {
    let goals = rebalance(&[Goal::ReplicaDistribution]);
    // The band of 10 on average is 9 to 11.
    check(&["a", "b"], vec![singles("t", &[15, 5])], &goals, (4, 40.0));
    // Three brokers lack 1 each; one has 2 too many.
    check(&["a", "b", "c", "d"], vec![singles("t", &[13, 9, 9, 9])], &goals, (2, 20.0));
    check(&["a", "b", "c", "d"], vec![singles("t", &[11, 11, 11, 7])], &goals, (2, 20.0));
}

#[test]
fn light_replicas_leave_for_a_count() {
    let mut heavy = singles("t", &[15, 5]);
    for partition in heavy.partitions.iter_mut().take(13) {
        partition.replicas[0].load.disk = 100.0;
    }
    // Of the 4 that leave 2 are light.
    check(&["a", "b"], vec![heavy], &rebalance(&[Goal::ReplicaDistribution]), (4, 220.0));
}

#[test]
fn heavy_replicas_leave_for_disk() {
    let goals = rebalance(&[Goal::DiskUsageDistribution]);
    // 300 in all: 136.5 to 163.5 each. The largest two of broker 0 are enough.
    let big: &[(i32, f64)] = &[(0, 40.0)];
    let small: &[(i32, f64)] = &[(0, 10.0)];
    let other: &[(i32, f64)] = &[(1, 80.0)];
    let mut partitions = vec![big; 4];
    partitions.extend(vec![small; 6]);
    partitions.push(other);
    check(&["a", "b"], vec![topic("t", &partitions)], &goals, (2, 56.5));
}

#[test]
fn the_only_replica_takes_what_leading_costs() {
    let mut only = topic("t", &[&[(0, 10.0)], &[(0, 10.0)], &[(1, 10.0)]]);
    for partition in &mut only.partitions {
        partition.leader_extra.network_out = 500.0;
    }
    let goals = rebalance(&[Goal::NetworkOutboundCapacity]);
    check(&["a", "b", "c"], vec![only.clone()], &goals, (1, 10.0));
    for partition in &mut only.partitions {
        partition.replicas.push(Replica { broker: 2, ..partition.replicas[0].clone() });
    }
    check(&["a", "b", "c"], vec![only], &goals, (0, 0.0));
}

#[test]
fn racks_are_repaired_where_nothing_leaves() {
    let goals = rebalance(&[Goal::RackAware]);
    let racks = ["a", "a", "b", "c"];
    // The lighter of two, the two lighter of three.
    check(&racks, vec![topic("t", &[&[(0, 10.0), (1, 30.0)]])], &goals, (1, 10.0));
    let three: &[(i32, f64)] = &[(0, 10.0), (1, 30.0), (2, 20.0)];
    check(&["a", "a", "a", "b", "c"], vec![topic("t", &[three])], &goals, (2, 30.0));
    check(&racks, vec![topic("t", &[&[(0, 10.0), (2, 30.0)]])], &goals, (0, 0.0));
}

#[test]
fn a_repair_is_free_where_something_leaves_anyway() {
    let racks = ["a", "a", "b", "c"];
    let both = rebalance(&[Goal::RackAware, Goal::ReplicaCapacity]);
    let limited = |most| {
        let mut options = both.clone();
        options.constraints.max_replicas_per_broker = most;
        options
    };
    let pair: &[(i32, f64)] = &[(0, 10.0), (1, 10.0)];
    let topics = vec![topic("t", &[pair; 6])];
    // 6 are in the wrong rack; of those 2 leave broker 0, and 2 broker 1, for their number.
    check(&racks, topics.clone(), &limited(4), (6, 60.0));
    check(&racks, topics.clone(), &limited(6), (6, 60.0));
    check(&racks, topics, &limited(2), (8, 80.0));
}

#[test]
fn racks_may_share_evenly() {
    let goals = rebalance(&[Goal::RackAwareDistribution]);
    let four: &[(i32, f64)] = &[(0, 10.0), (1, 20.0), (2, 30.0), (3, 40.0)];
    check(&["a", "a", "a", "b", "b"], vec![topic("t", &[four])], &goals, (1, 10.0));
    check(&["a", "a", "b", "b", "b"], vec![topic("t", &[four])], &goals, (0, 0.0));
}

#[test]
fn excluded_topics_stay() {
    let mut stays = singles("stays", &[15, 5]);
    stays.excluded = true;
    let goals =
        rebalance(&[Goal::ReplicaDistribution, Goal::RackAware, Goal::TopicReplicaDistribution]);
    check(&["a", "b"], vec![stays.clone()], &goals, (0, 0.0));
    check(&["a", "b"], vec![stays, singles("goes", &[2, 0])], &goals, (2, 20.0));
    // The one that stays is the one that the rack keeps.
    let mut stays = topic("stays", &[&[(0, 10.0), (1, 10.0)]]);
    stays.excluded = true;
    check(&["a", "a", "b"], vec![stays], &rebalance(&[Goal::RackAware]), (0, 0.0));
}

#[test]
fn everything_leaves_a_dead_broker_and_nothing_else_moves_for_a_band() {
    let mut cluster =
        Cluster { brokers: brokers(&["a", "b", "c"]), topics: vec![singles("t", &[3, 20, 1])] };
    cluster.brokers[0].state = BrokerState::Dead;
    for partition in &mut cluster.topics[0].partitions[..3] {
        partition.leader = None;
    }
    assert_eq!(bounds_of(&cluster, &Options::new(Operation::Rebalance)), (3, 30.0));
    assert_eq!(bounds_of(&cluster, &Options::new(Operation::FixOffline)), (3, 30.0));
    assert_eq!(bounds_of(&cluster, &Options::new(Operation::Leaders)), (0, 0.0));
}

#[test]
fn replicas_without_a_place_come_to_one() {
    let pair: &[(i32, f64)] = &[(0, 10.0), (1, 20.0)];
    let cluster =
        Cluster { brokers: brokers(&["a", "a", "b"]), topics: vec![topic("t", &[pair; 3])] };
    let mut model = Model::new(cluster).expect("the cluster is fine");
    let options = Options::new(Operation::ReplicationFactor { topics: BTreeSet::new(), factor: 2 });
    // All three pairs share a rack.
    assert_eq!(bounds_of_model(&model, &options), (3, 30.0));
    (model.replicas[1].broker, model.replicas[1].log_dir) = (NONE, NONE);
    assert_eq!(bounds_of_model(&model, &options), (3, 40.0));
}

#[test]
fn a_replica_may_change_its_directory_instead_of_its_broker() {
    let dir = |path: &str, state| LogDir { path: path.to_owned(), capacity: 500.0, state };
    let mut cluster =
        Cluster { brokers: brokers(&["a", "b"]), topics: vec![singles("t", &[2, 2])] };
    cluster.brokers[0].log_dirs =
        vec![dir("/a", LogDirState::Online), dir("/b", LogDirState::Online)];
    for partition in &mut cluster.topics[0].partitions[..2] {
        partition.replicas[0].log_dir = Some("/a".to_owned());
    }
    let remove = |paths: &[&str]| {
        let dirs = paths.iter().map(|path| (0, (*path).to_owned())).collect();
        Options::new(Operation::RemoveLogDirs(dirs))
    };
    assert_eq!(bounds_of(&cluster, &remove(&["/a"])), (0, 0.0));
    assert_eq!(bounds_of(&cluster, &remove(&["/a", "/b"])), (2, 20.0));
}

#[test]
fn new_brokers_fill_up() {
    let mut cluster =
        Cluster { brokers: brokers(&["a", "b", "c"]), topics: vec![singles("t", &[11, 19, 0])] };
    cluster.brokers[2].state = BrokerState::New;
    let goals = rebalance(&[Goal::ReplicaDistribution]);
    // 9 have to come, 8 have to leave.
    assert_eq!(bounds_of(&cluster, &goals), (9, 90.0));
    // What an old broker lacks can't be brought to it.
    cluster.topics = vec![singles("t", &[1, 29, 0])];
    assert_eq!(bounds_of(&cluster, &goals), (18, 180.0));
    cluster.brokers[2].state = BrokerState::Alive;
    let adds =
        Options { goals: goals.goals, ..Options::new(Operation::AddBrokers(BTreeSet::from([2]))) };
    assert_eq!(bounds_of(&cluster, &adds), (18, 180.0));
}

#[test]
fn topics_leave_and_come() {
    let mut options = rebalance(&[Goal::TopicReplicaDistribution]);
    options.constraints.topic_min_gap = 1;
    options.constraints.topic_threshold = 1.0;
    // 4 on average: 3 to 5.
    check(
        &["a", "b", "c"],
        vec![singles("t", &[8, 2, 2]), singles("u", &[1, 3, 8])],
        &options,
        (6, 60.0),
    );
    check(&["a", "b", "c", "d"], vec![singles("t", &[5, 5, 5, 1])], &options, (2, 20.0));
}

#[test]
fn leaders_need_replicas() {
    let mut leads = singles("t", &[4, 0, 0]);
    leads.min_leaders_per_broker = 1;
    let goals = rebalance(&[Goal::MinTopicLeadersPerBroker]);
    check(&["a", "b", "c"], vec![leads.clone()], &goals, (2, 20.0));
    // Of a broker outside the topic's set none are asked.
    let mut sets = rebalance(&[Goal::BrokerSetAware, Goal::MinTopicLeadersPerBroker]);
    sets.broker_sets = [("s".to_owned(), [0, 1].into()), ("u".to_owned(), [2].into())].into();
    check(&["a", "b", "c"], vec![leads], &sets, (1, 10.0));
}

#[test]
fn a_wider_band_never_asks_for_more() {
    let topics = vec![singles("t", &[30, 3, 12, 7]), singles("u", &[1, 9, 2, 25])];
    let cluster = Cluster { brokers: brokers(&["a", "b", "c", "d"]), topics };
    let mut last = (u64::MAX, f64::MAX);
    for threshold in [1.0, 1.05, 1.1, 1.3, 1.7, 2.5] {
        let mut options = Options::new(Operation::Rebalance);
        options.constraints.replica_threshold = threshold;
        options.constraints.balance_thresholds = [threshold; 4];
        let (replicas, bytes) = bounds_of(&cluster, &options);
        assert!(
            replicas <= last.0 && bytes <= last.1,
            "{replicas} and {bytes} at {threshold}, before {last:?}"
        );
        last = (replicas, bytes);
    }
}
