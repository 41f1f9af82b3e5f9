//! Who leads, and what it means for those who wait.

use taffrail_log::{EpochEntry, LogConfig};
use taffrail_model::Uuid;
use taffrail_node::partition::{Acks, Effect};
use taffrail_testkit::MemDisk;

use super::support::{DIR, ME, Scenario, config, durable, plain, registration, render};

#[test]
fn only_a_leader_appends() {
    let check = |prepare: fn(&mut Scenario)| {
        let mut scenario = Scenario::opened(MemDisk::new(), config(LogConfig::default()));
        prepare(&mut scenario);
        let said = scenario.append(&[("all", Acks::All, plain()), ("none", Acks::None, plain())]);
        assert_eq!(said, ["all: NotLeaderOrFollower", "none: NotLeaderOrFollower"]);
        assert!(!scenario.view().leading);
        assert_eq!(scenario.view().log_end, 0);
    };
    check(|_| {});
    check(|scenario| {
        scenario.assign(registration(2, &[ME, 2], &[ME, 2], (3, 3)));
        assert_eq!(scenario.view().leader_epoch, 3);
    });
    check(|scenario| {
        scenario.assign(registration(ME, &[ME], &[ME], (0, 0)));
        assert!(scenario.view().leading);
        scenario.resign();
    });
}

#[test]
fn who_waits_is_sent_away_when_leadership_ends() {
    let mut scenario = Scenario::with_silent_follower();
    scenario.append(&[("a", Acks::All, plain()), ("b", Acks::All, plain())]);
    let said = scenario.assign(registration(2, &[ME, 2], &[ME, 2], (1, 1)));
    assert_eq!(said, ["a: NotLeaderOrFollower", "b: NotLeaderOrFollower"]);

    let mut scenario = Scenario::alone(durable());
    scenario.append(&[("one", Acks::Leader, plain()), ("all", Acks::All, plain())]);
    let handle = scenario.begin_sync();
    assert_eq!(scenario.resign(), ["one: NotLeaderOrFollower", "all: NotLeaderOrFollower"]);
    // They were answered, and aren't answered again.
    assert!(scenario.end_sync(&handle).is_empty());
}

#[test]
fn who_waits_is_sent_away_when_the_partition_goes() {
    type Out = Vec<Effect<&'static str>>;
    let check = |go: fn(Scenario, &mut Out)| {
        let mut scenario = Scenario::with_silent_follower();
        scenario.append(&[("a", Acks::All, plain()), ("b", Acks::All, plain())]);
        let mut out = Vec::new();
        go(scenario, &mut out);
        let said: Vec<String> = out.iter().map(render).collect();
        assert_eq!(said, ["a: NotLeaderOrFollower", "b: NotLeaderOrFollower"]);
    };
    check(|scenario, out| {
        let end = scenario.partition.close(scenario.clock.now(), out).expect("closed");
        assert_eq!(end, 2);
    });
    check(|scenario, out| {
        let aside = scenario.partition.delete(Uuid::from_bytes([1; 16]), out).expect("deleted");
        assert!(taffrail_log::Disk::exists(&scenario.disk, &aside).expect("looked"));
        assert!(!taffrail_log::Disk::exists(&scenario.disk, DIR.as_ref()).expect("looked"));
    });
}

#[test]
fn those_who_wait_go_on_waiting_under_the_same_leader() {
    let mut scenario = Scenario::with_silent_follower();
    scenario.append(&[("a", Acks::All, plain())]);
    assert!(scenario.assign(registration(ME, &[ME, 2], &[ME, 2], (1, 1))).is_empty());
    let said = scenario.assign(registration(ME, &[ME, 2], &[ME], (1, 2)));
    assert_eq!(said, ["a: 0..0", "high watermark 1"]);
}

#[test]
fn an_election_begins_an_epoch_in_the_log() {
    let mut scenario = Scenario::alone(LogConfig::default());
    scenario.append(&[("a", Acks::All, plain())]);
    scenario.assign(registration(ME, &[ME], &[ME], (4, 1)));
    scenario.append(&[("b", Acks::All, plain())]);
    // Neither is news: an older epoch, and one that was heard.
    scenario.assign(registration(2, &[ME], &[ME], (3, 2)));
    scenario.assign(registration(ME, &[ME], &[ME], (4, 1)));
    let reader = scenario.partition.reader();
    assert_eq!(
        reader.leader_epochs(),
        [EpochEntry { epoch: 0, start_offset: 0 }, EpochEntry { epoch: 4, start_offset: 1 }]
    );
    assert_eq!((reader.epoch_of(0), reader.epoch_of(1)), (Some(0), Some(4)));
    assert!(scenario.view().leading);
    assert_eq!(scenario.view().leader_epoch, 4);
}
