//! Small cases by hand, and many by chance; all are replayed.

use crate::document::{
    Broker, BrokerState, Cluster, LogDir, LogDirState, Partition, Replica, Resources, Topic,
};
use crate::goal::Goal;
use crate::limits::Limits;
use crate::model::{Model, NONE};
use crate::options::{Operation, Options};
use crate::order::{Leaving, Ordered, order};
use crate::placement::Placement;
use crate::task::Task;

mod chance;
mod leaders;
mod log_dirs;
mod racks;
mod replay;
mod replicas;
mod room;

/// A broker with a rack, a disk, and plenty of the rest.
fn broker(id: i32, rack: &str, disk: f64) -> Broker {
    Broker {
        id,
        rack: Some(rack.to_owned()),
        host: None,
        state: BrokerState::Alive,
        capacity: Resources { cpu: 1000.0, network_in: 1000.0, network_out: 1000.0, disk },
        log_dirs: Vec::new(),
    }
}

/// A broker with two directories, `/1` and `/2`.
fn broker_with_dirs(id: i32, rack: &str, disks: [f64; 2]) -> Broker {
    let dir = |(index, capacity): (usize, &f64)| LogDir {
        path: format!("/{}", index + 1),
        capacity: *capacity,
        state: LogDirState::Online,
    };
    Broker {
        log_dirs: disks.iter().enumerate().map(dir).collect(),
        ..broker(id, rack, disks.iter().sum())
    }
}

/// A topic named `t` of partitions, each the brokers of its replicas and their disk; the first that isn't `offline` leads.
/// Leading costs 1 of network out.
fn topic(partitions: &[(&[i32], f64)], offline: &[i32]) -> Topic {
    let partitions = partitions.iter().enumerate().map(|(number, (brokers, disk))| Partition {
        id: number as i32,
        leader: brokers.iter().copied().find(|id| !offline.contains(id)),
        replicas: brokers
            .iter()
            .map(|broker| Replica {
                broker: *broker,
                log_dir: None,
                load: Resources { disk: *disk, ..Resources::default() },
            })
            .collect(),
        leader_extra: Resources { network_out: 1.0, ..Resources::default() },
    });
    Topic {
        name: "t".to_owned(),
        excluded: false,
        min_leaders_per_broker: 0,
        partitions: partitions.collect(),
    }
}

/// Options whose limits are the capacities.
fn options() -> Options {
    let mut options = Options::new(Operation::Rebalance);
    options.constraints.capacity_thresholds = [1.0; 4];
    options
}

fn model(brokers: Vec<Broker>, topic: Topic) -> Model {
    Model::new(Cluster { brokers, topics: vec![topic] }).expect("a cluster")
}

/// The replica of a partition on a broker.
fn replica(model: &Model, partition: u32, id: i32) -> u32 {
    let broker = model.broker_index(id).expect("a broker");
    let mut replicas = model.replicas_of(partition);
    replicas.find(|replica| model.replicas[*replica as usize].broker == broker).expect("a replica")
}

/// A target: partition, from, to. Leaders stay with their replicas.
fn target(model: &Model, moves: &[(u32, i32, i32)]) -> Placement {
    let mut after = Placement::of(model);
    for (partition, from, to) in moves {
        let replica = replica(model, *partition, *from) as usize;
        after.broker[replica] = model.broker_index(*to).expect("a broker");
        after.log_dir[replica] = NONE;
    }
    after
}

/// The same, and who leads: partition, the broker that its replica is on before, and whether it is to stand first.
fn target_led(model: &Model, moves: &[(u32, i32, i32)], leaders: &[(u32, i32, bool)]) -> Placement {
    let mut after = target(model, moves);
    for (partition, id, first) in leaders {
        after.leader[*partition as usize] = replica(model, *partition, *id);
        after.leader_first[*partition as usize] = *first;
    }
    after
}

/// Orders and replays.
fn ordered(model: &Model, options: &Options, after: &Placement, leaving: &[Leaving]) -> Ordered {
    let task = Task::new(model, options);
    let limits = Limits::new(&task);
    let ordered = order(&task, &limits, after, leaving);
    replay::replay(&task, &limits, leaving, &ordered);
    let again = order(&task, &limits, after, leaving);
    assert_eq!(ordered.steps, again.steps, "the same twice");
    ordered
}

/// Orders, replays, and compares: steps like `0 move [1,2]>[3,2] 3`, with the partition, the lists, and who leads; and what
/// is left out by a part of the sentence that says why.
#[track_caller]
fn check(model: &Model, options: &Options, after: &Placement, steps: &[&str], left_out: &[&str]) {
    check_leaving(model, options, after, &[], steps, left_out);
}

#[track_caller]
fn check_leaving(
    model: &Model,
    options: &Options,
    after: &Placement,
    leaving: &[Leaving],
    steps: &[&str],
    left_out: &[&str],
) {
    let ordered = ordered(model, options, after, leaving);
    let list = |ids: &[i32]| format!("{ids:?}").replace(' ', "");
    let told: Vec<String> = ordered
        .steps
        .iter()
        .map(|step| {
            let kind = format!("{:?}", step.kind).to_lowercase();
            let leader = step.leader.map_or("-".to_owned(), |id| id.to_string());
            let log_dir = step.log_dir.as_ref().map_or(String::new(), |dir| {
                format!(" {}:{}>{}", dir.broker, dir.from.as_deref().unwrap_or_default(), dir.to)
            });
            format!(
                "{} {kind} {}>{} {leader}{log_dir}",
                step.partition,
                list(&step.from),
                list(&step.to)
            )
        })
        .collect();
    assert_eq!(told, steps, "left out: {:?}", ordered.left_out);
    assert_eq!(ordered.left_out.len(), left_out.len(), "left out: {:?}", ordered.left_out);
    for (told, expected) in ordered.left_out.iter().zip(left_out) {
        assert!(told.contains(expected), "{told} doesn't contain {expected}");
    }
}

#[test]
fn nothing_to_do_is_no_step() {
    let model =
        model(vec![broker(1, "a", 100.0), broker(2, "b", 100.0)], topic(&[(&[1, 2], 10.0)], &[]));
    check(&model, &options(), &Placement::of(&model), &[], &[]);
    // The leader stands first already.
    check(&model, &options(), &target_led(&model, &[], &[(0, 1, true)]), &[], &[]);
}

#[test]
fn the_most_urgent_comes_first() {
    let mut brokers: Vec<Broker> = (1..=7).map(|id| broker(id, &id.to_string(), 100.0)).collect();
    brokers[0].state = BrokerState::Dead;
    brokers[1].state = BrokerState::Draining;
    brokers[5].rack = Some("7".to_owned());
    let partitions: [(&[i32], f64); 5] =
        [(&[4, 3], 1.0), (&[3, 4], 1.0), (&[2, 3], 1.0), (&[6, 7], 1.0), (&[1, 3], 1.0)];
    let model = model(brokers, topic(&partitions, &[1]));
    let mut options = options();
    options.goals.retain(|goal| *goal != Goal::MinTopicLeadersPerBroker);
    let moves = [(0, 4, 5), (2, 2, 5), (3, 7, 5), (4, 1, 5)];
    let after = target_led(&model, &moves, &[(1, 4, true)]);
    let steps = [
        "4 evacuate [1,3]>[5,3] 3",
        "3 move [6,7]>[6,5] 6",
        "2 evacuate [2,3]>[5,3] 5",
        "1 leader [3,4]>[4,3] 4",
        "0 move [4,3]>[5,3] 5",
    ];
    check(&model, &options, &after, &steps, &[]);
}

#[test]
fn brokers_take_turns() {
    // Three brokers give two replicas each to three others.
    let brokers = (1..=6).map(|id| broker(id, &id.to_string(), 100.0)).collect();
    let partitions: [(&[i32], f64); 6] =
        [(&[1], 1.0), (&[1], 1.0), (&[2], 1.0), (&[2], 1.0), (&[3], 1.0), (&[3], 1.0)];
    let model = model(brokers, topic(&partitions, &[]));
    let after = target(&model, &[(0, 1, 4), (1, 1, 4), (2, 2, 5), (3, 2, 5), (4, 3, 6), (5, 3, 6)]);
    let ordered = ordered(&model, &options(), &after, &[]);
    let partitions: Vec<i32> = ordered.steps.iter().map(|step| step.partition).collect();
    assert_eq!(partitions, [0, 2, 4, 1, 3, 5]);
}
