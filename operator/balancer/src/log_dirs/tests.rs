//! What goes into which directory.

use proptest::prelude::*;

use super::*;
use crate::document::{self, BrokerState, LogDirState, Resources};
use crate::options::{Operation, Options};

const CAPACITY: f64 = 1_000.0;

fn disk(disk: f64) -> Resources {
    Resources { disk, ..Resources::default() }
}

/// Two brokers with these directories each: capacity and state. Each replica is a partition of its own: the broker, the
/// directory, the size. Those of a size that ends in .5 belong to a topic that is excluded.
fn model(dirs: &[(f64, LogDirState)], replicas: &[(i32, usize, f64)]) -> Model {
    let log_dirs: Vec<document::LogDir> = dirs
        .iter()
        .enumerate()
        .map(|(index, (capacity, state))| document::LogDir {
            path: format!("/d{index}"),
            capacity: *capacity,
            state: *state,
        })
        .collect();
    let brokers = (0..2)
        .map(|id| document::Broker {
            id,
            rack: None,
            host: None,
            state: BrokerState::Alive,
            capacity: Resources {
                cpu: 1.0,
                network_in: 1.0,
                network_out: 1.0,
                disk: CAPACITY * dirs.len() as f64,
            },
            log_dirs: log_dirs.clone(),
        })
        .collect();
    let topic = |name: &str, excluded: bool| document::Topic {
        name: name.to_owned(),
        excluded,
        min_leaders_per_broker: 0,
        partitions: (0..)
            .zip(replicas)
            .filter(|(_, replica)| (replica.2.fract() > 0.0) == excluded)
            .map(|(id, (broker, dir, size))| document::Partition {
                id,
                leader: None,
                replicas: vec![document::Replica {
                    broker: *broker,
                    log_dir: Some(format!("/d{dir}")),
                    load: disk(*size),
                }],
                leader_extra: Resources::default(),
            })
            .collect(),
    };
    Model::new(document::Cluster {
        brokers,
        topics: vec![topic("a", false), topic("excluded", true)],
    })
    .expect("valid")
}

/// Moves replicas (by index in the model) to the other broker, assigns directories, and gives the directory of each.
fn assigned(model: &Model, operation: Operation, goals: &[Goal], to_other: &[u32]) -> Vec<u32> {
    let mut options = Options::new(operation);
    options.goals = goals.to_vec();
    let task = Task::new(model, &options);
    let mut placement = Placement::of(model);
    for replica in to_other {
        placement.broker[*replica as usize] ^= 1;
    }
    assign_log_dirs(&task, &Limits::new(&task), &mut placement);
    for (broker, dir) in placement.broker.iter().zip(&placement.log_dir) {
        assert!(
            model.log_dirs_of(*broker).contains(dir),
            "every replica is in a directory of its broker"
        );
    }
    placement.log_dir
}

const OPEN: (f64, LogDirState) = (CAPACITY, LogDirState::Online);
const SHUT: (f64, LogDirState) = (CAPACITY, LogDirState::Offline);
const BOTH: [Goal; 2] = [Goal::IntraBrokerDiskCapacity, Goal::IntraBrokerDiskUsageDistribution];

#[test]
fn what_comes_goes_where_it_fills_least() {
    let model =
        model(&[OPEN, OPEN, OPEN], &[(0, 0, 300.0), (0, 1, 200.0), (1, 0, 250.0), (1, 0, 150.0)]);
    // 250 first, into the empty third; then 150, into the second.
    assert_eq!(assigned(&model, Operation::Rebalance, &[], &[2, 3]), [0, 1, 2, 1]);
}

#[test]
fn nothing_at_all_is_spread_by_numbers() {
    let model = model(&[OPEN, OPEN], &[(1, 0, 0.0), (1, 0, 0.0), (1, 0, 0.0), (1, 0, 0.0)]);
    assert_eq!(assigned(&model, Operation::Rebalance, &[], &[0, 1, 2, 3]), [0, 1, 0, 1]);
}

#[test]
fn a_small_directory_is_not_filled_beyond_its_capacity() {
    let small = (400.0, LogDirState::Online);
    let model = model(&[OPEN, small], &[(0, 0, 900.0), (0, 1, 100.0), (1, 0, 350.0), (1, 0, 80.0)]);
    // Neither holds 350 more: the one that is filled less takes it. 80 more fit into the first.
    assert_eq!(assigned(&model, Operation::Rebalance, &[], &[2, 3]), [0, 1, 1, 0]);
}

#[test]
fn removed_directories_are_emptied_in_place() {
    let model =
        model(&[OPEN, OPEN, OPEN], &[(0, 0, 300.0), (0, 1, 200.0), (0, 2, 10.0), (0, 0, 10.0)]);
    let without = |paths: &[&str]| {
        let dirs = paths.iter().map(|path| (0, (*path).to_owned())).collect();
        assigned(&model, Operation::RemoveLogDirs(dirs), &BOTH, &[])
    };
    assert_eq!(without(&["/d0"]), [2, 1, 2, 1]);
    assert_eq!(without(&["/d0", "/d1"]), [2, 2, 2, 2]);
}

#[test]
fn what_is_in_an_offline_directory_stays_in_it() {
    let model =
        model(&[SHUT, OPEN, OPEN], &[(0, 0, 300.0), (0, 1, 200.0), (0, 2, 10.0), (0, 0, 10.0)]);
    for operation in [Operation::Rebalance, Operation::FixOffline] {
        assert_eq!(assigned(&model, operation.clone(), &BOTH, &[]), [0, 1, 2, 0]);
        // What leaves the broker goes where it fills least.
        assert_eq!(assigned(&model, operation, &BOTH, &[0]), [4, 1, 2, 0]);
    }
    // What is to be removed is emptied beside it.
    let dirs = [(0, "/d0".to_owned()), (0, "/d1".to_owned())].into();
    assert_eq!(assigned(&model, Operation::RemoveLogDirs(dirs), &BOTH, &[]), [0, 2, 2, 0]);
}

#[test]
fn where_no_directory_is_open_nothing_changes() {
    let model = model(&[SHUT, SHUT], &[(0, 1, 300.0), (1, 1, 200.0)]);
    assert_eq!(assigned(&model, Operation::FixOffline, &BOTH, &[]), [1, 3]);
    assert_eq!(
        assigned(&model, Operation::FixOffline, &BOTH, &[1]),
        [1, 0],
        "there is one at least"
    );
}

#[test]
fn what_is_at_rest_moves_only_where_it_may() {
    // One directory has everything.
    let replicas = [(0, 0, 100.0), (0, 0, 100.0), (0, 0, 100.5), (0, 0, 100.5)];
    let model = model(&[OPEN, OPEN], &replicas);
    let moves = |operation: Operation, goals: &[Goal]| {
        assigned(&model, operation, goals, &[]).iter().filter(|dir| **dir == 1).count()
    };
    assert_eq!(moves(Operation::Rebalance, &BOTH), 2);
    assert_eq!(moves(Operation::Rebalance, &BOTH[..1]), 0, "no directory is beyond its capacity");
    assert_eq!(moves(Operation::Rebalance, &[]), 0);
    assert_eq!(moves(Operation::FixOffline, &BOTH), 0, "soft goals move what is stranded alone");
    assert_eq!(moves(Operation::Leaders, &BOTH), 0, "nothing is copied");
    assert_eq!(moves(Operation::AddBrokers([1].into()), &BOTH), 0, "old brokers are left alone");
    assert_eq!(moves(Operation::AddBrokers([0].into()), &BOTH), 2);
    let assigned = assigned(&model, Operation::Rebalance, &BOTH, &[]);
    assert_eq!(assigned[2..], [0, 0], "topics that are excluded stay");
}

#[test]
fn few_bytes_go_from_too_much_to_too_little() {
    // 600 and 200: the band is 364 to 436. 164 have to go: 150 and 14 are fewer bytes than 170, or than 150 and 15.
    let model = model(
        &[OPEN, OPEN],
        &[(0, 0, 170.0), (0, 0, 150.0), (0, 0, 15.0), (0, 0, 14.0), (0, 0, 251.0), (0, 1, 200.0)],
    );
    assert_eq!(assigned(&model, Operation::Rebalance, &BOTH, &[]), [0, 1, 0, 1, 0, 1]);
}

#[test]
fn two_change_places_where_none_fits_alone() {
    // 500 and 300: the band is 364 to 436. No replica is between 64 and 136.
    let model = model(&[OPEN, OPEN], &[(0, 0, 250.0), (0, 0, 250.0), (0, 1, 150.0), (0, 1, 150.0)]);
    let dirs = assigned(&model, Operation::Rebalance, &BOTH, &[]);
    assert_eq!(dirs.iter().filter(|dir| **dir == 0).count(), 2);
    let used: f64 = [250.0, 250.0, 150.0, 150.0]
        .iter()
        .zip(&dirs)
        .filter(|(_, dir)| **dir == 0)
        .map(|(s, _)| s)
        .sum();
    assert!((used - 400.0).abs() < f64::EPSILON, "{dirs:?}");
}

#[test]
fn what_is_copied_anyway_goes_before_what_is_at_rest() {
    // The first takes 100 more than it should, unless what comes goes to the second: that costs nothing more.
    let model = model(&[OPEN, OPEN], &[(0, 0, 500.0), (0, 1, 400.0), (1, 0, 90.0)]);
    assert_eq!(assigned(&model, Operation::Rebalance, &BOTH, &[2]), [0, 1, 1]);
}

#[test]
fn capacity_comes_before_the_band() {
    // 900 of 1000 is more than 800; the small ones below it can't all go, and one has to.
    let model = model(&[OPEN, OPEN], &[(0, 0, 700.5), (0, 0, 110.0), (0, 0, 89.5), (0, 1, 1.5)]);
    let dirs = assigned(&model, Operation::Rebalance, &BOTH, &[]);
    // Topic "a" has the one that may move.
    assert_eq!(dirs, [1, 0, 0, 1]);
}

proptest! {
    /// Nothing moves without need, and the band is reached as closely as the largest replica lets it.
    #[test]
    fn directories_end_inside_their_band(
        dirs in prop::collection::vec(500.0..2_000.0_f64, 1..6),
        sizes in prop::collection::vec((0_usize..6, 0.0..20.0_f64), 100..300),
        away in prop::collection::vec(any::<bool>(), 300),
    ) {
        let dirs: Vec<_> = dirs.into_iter().map(|capacity| (capacity, LogDirState::Online)).collect();
        let replicas: Vec<_> = sizes.iter().map(|(dir, size)| (0, dir % dirs.len(), size.floor())).collect();
        let model = model(&dirs, &replicas);
        let options = Options::new(Operation::Rebalance);
        let task = Task::new(&model, &options);
        let limits = Limits::new(&task);
        let mut placement = Placement::of(&model);
        for (broker, away) in placement.broker.iter_mut().zip(away) {
            *broker = u32::from(away);
        }
        assign_log_dirs(&task, &limits, &mut placement);
        let again = { let mut again = placement.clone(); assign_log_dirs(&task, &limits, &mut again); again };
        prop_assert_eq!(&again, &placement);
        let used = log_dir_use(&model, &placement);
        let bands = log_dir_bands(&task, &used);
        for (dir, used) in used.iter().enumerate() {
            let slack = model.replicas().iter().map(|replica| replica.load[3]).max().unwrap_or(0);
            prop_assert!(*used >= bands[dir].0 - slack && *used <= bands[dir].1.saturating_add(slack));
        }
        // What left home was needed elsewhere: with it at home, some directory would be outside.
        for (index, replica) in model.replicas().iter().enumerate() {
            let (from, to) = (replica.log_dir as usize, placement.log_dir[index] as usize);
            if placement.broker[index] == replica.broker && from != to {
                let high = |dir: usize| bands[dir].1.min(limits.log_dirs[dir].cap);
                let outside = |dir: usize, used: i64| (used - high(dir)).max(bands[dir].0 - used).max(0);
                let size = replica.load[3];
                let before = outside(from, used[from]).max(outside(to, used[to]));
                let after = outside(from, used[from] + size).max(outside(to, used[to] - size));
                prop_assert!(after > before || size > 0 && after > 0, "replica {} moved for nothing", index);
            }
        }
    }
}
