//! Documents, good and bad.

mod bad;
mod garbage;
mod good;

use crate::document::{
    Broker, BrokerState, Cluster, LogDir, LogDirState, Partition, Replica, Resources, Topic,
};

fn amounts(amount: f64) -> Resources {
    Resources { cpu: amount, network_in: amount, network_out: amount, disk: amount }
}

fn broker(id: i32, rack: &str) -> Broker {
    Broker {
        id,
        rack: Some(rack.to_owned()),
        host: None,
        state: BrokerState::Alive,
        capacity: amounts(100.0),
        log_dirs: Vec::new(),
    }
}

fn log_dir(path: &str, state: LogDirState) -> LogDir {
    LogDir { path: path.to_owned(), capacity: 50.0, state }
}

fn partition(id: i32, brokers: &[i32]) -> Partition {
    let replica = |broker: &i32| Replica { broker: *broker, log_dir: None, load: amounts(1.0) };
    Partition {
        id,
        leader: brokers.first().copied(),
        replicas: brokers.iter().map(replica).collect(),
        leader_extra: amounts(0.5),
    }
}

fn topic(name: &str, partitions: Vec<Partition>) -> Topic {
    Topic { name: name.to_owned(), excluded: false, min_leaders_per_broker: 0, partitions }
}

/// Three brokers in two racks; topic a with two partitions and topic b with one.
fn cluster() -> Cluster {
    Cluster {
        brokers: vec![broker(1, "x"), broker(2, "y"), broker(3, "y")],
        topics: vec![
            topic("a", vec![partition(0, &[1, 2]), partition(1, &[2, 3])]),
            topic("b", vec![partition(0, &[3, 1])]),
        ],
    }
}
