//! `flush.messages=1`: what isn't synced isn't acknowledged, and not shown to consumers.

use taffrail_log::LogConfig;
use taffrail_node::partition::{Acks, Event, Partition};
use taffrail_testkit::{Fault, ManualClock, MemDisk, SeededRng};

use super::support::{ME, Scenario, config, durable, plain, registration, sequenced};

#[test]
fn nobody_who_asked_to_wait_is_answered_before_the_sync() {
    let mut scenario = Scenario::alone(durable());
    let said = scenario.append(&[
        ("all", Acks::All, plain()),
        ("one", Acks::Leader, plain()),
        ("none", Acks::None, plain()),
    ]);
    assert_eq!(said, ["none: 2..2", "sync"]);
    assert_eq!(scenario.view().high_watermark, 0);
    assert_eq!(scenario.view().log_end, 3);
    assert_eq!(scenario.sync(), ["one: 1..1", "all: 0..0", "high watermark 3"]);
    assert_eq!(scenario.view().high_watermark, 3);
}

#[test]
fn a_sync_answers_what_was_there_when_it_began() {
    let mut scenario = Scenario::alone(durable());
    scenario.append(&[("first", Acks::All, sequenced(0, 1))]);
    let handle = scenario.begin_sync();
    let said = scenario.append(&[
        ("second", Acks::All, sequenced(1, 1)),
        ("first again", Acks::All, sequenced(0, 1)),
        ("second again", Acks::Leader, sequenced(1, 1)),
        ("first in haste", Acks::Leader, sequenced(0, 1)),
    ]);
    assert_eq!(said, ["sync"]);
    assert_eq!(
        scenario.end_sync(&handle),
        ["sync", "first in haste: 0..0", "first: 0..0", "first again: 0..0", "high watermark 1"]
    );
    assert_eq!(scenario.sync(), ["second again: 1..1", "second: 1..1", "high watermark 2"]);
}

#[test]
fn a_duplicate_of_what_is_synced_needs_no_sync() {
    let mut scenario = Scenario::alone(durable());
    scenario.append(&[("first", Acks::All, sequenced(0, 1))]);
    scenario.sync();
    let said = scenario.append(&[
        ("again", Acks::All, sequenced(0, 1)),
        ("once more", Acks::Leader, sequenced(0, 1)),
    ]);
    assert_eq!(said, ["once more: 0..0", "again: 0..0"]);
}

#[test]
fn a_sync_alone_commits_nothing_while_a_follower_is_behind() {
    let mut scenario = Scenario::with_silent_follower();
    scenario.step(Event::Configured { log: durable(), min_isr: 1 });
    assert_eq!(
        scenario.append(&[("all", Acks::All, plain()), ("one", Acks::Leader, plain())]),
        ["sync"]
    );
    assert_eq!(scenario.sync(), ["one: 1..1"]);
    let said = scenario.assign(registration(ME, &[ME, 2], &[ME], (0, 1)));
    assert_eq!(said, ["all: 0..0", "high watermark 2"]);
}

/// A disk with one record, of which only the operating system knows: the process was killed before the sync.
fn with_unsynced_record() -> MemDisk {
    let mut scenario = Scenario::alone(durable());
    scenario.append(&[("a", Acks::All, plain())]);
    scenario.disk.kill();
    scenario.disk
}

#[test]
fn what_a_killed_process_left_unsynced_is_synced_before_it_is_shown() {
    let disk = with_unsynced_record();
    let mut scenario = Scenario::opened(disk.clone(), config(durable()));
    let said = scenario.assign(registration(ME, &[ME], &[ME], (1, 1)));
    assert_eq!(said, ["high watermark 1"]);

    drop(scenario);
    disk.crash(&mut SeededRng::new(1));
    let scenario = Scenario::opened(disk, config(durable()));
    assert_eq!(scenario.view().log_end, 1);
}

#[test]
fn what_a_full_disk_leaves_unsynced_is_not_shown_before_it_is_synced() {
    // Whatever of the start the disk has no room for: it fails, or what is shown is durable.
    let mut has_waited = false;
    for operation in 0.. {
        let disk = with_unsynced_record();
        let first = disk.operations();
        disk.fail_at(first + operation, Fault::NoSpace);
        let now = ManualClock::default().now();
        let Ok((partition, _)) = Partition::open(disk.clone(), config(durable()), now) else {
            continue;
        };
        if first + operation >= disk.operations() {
            break;
        }
        let mut scenario = Scenario { disk, clock: ManualClock::default(), partition };
        let said = scenario.assign(registration(ME, &[ME], &[ME], (1, 1)));
        if said == ["sync"] {
            has_waited = true;
            assert_eq!((scenario.view().high_watermark, scenario.view().log_end), (0, 1));
            assert_eq!(scenario.sync(), ["high watermark 1"]);
        }
        assert_eq!(scenario.view().high_watermark, scenario.partition.log().recovery_point());
    }
    assert!(has_waited, "one of them is the sync's own");
}

#[test]
fn switching_it_off_lets_those_who_wait_go() {
    let mut scenario = Scenario::alone(durable());
    scenario.append(&[("all", Acks::All, plain()), ("one", Acks::Leader, plain())]);
    let said = scenario.step(Event::Configured { log: LogConfig::default(), min_isr: 1 });
    assert_eq!(said, ["one: 1..1", "all: 0..0", "high watermark 2"]);
}

#[test]
fn switching_it_off_during_a_sync_loses_nobody() {
    let mut scenario = Scenario::alone(durable());
    scenario.append(&[("before", Acks::All, plain())]);
    let handle = scenario.begin_sync();
    scenario.step(Event::Configured { log: LogConfig::default(), min_isr: 1 });
    assert_eq!(
        scenario.append(&[("after", Acks::All, plain())]),
        ["after: 1..1", "high watermark 2"]
    );
    assert!(scenario.end_sync(&handle).is_empty());
}

#[test]
fn switching_it_on_holds_back_what_is_not_synced_yet() {
    let mut scenario = Scenario::with_silent_follower();
    scenario.append(&[("before", Acks::All, plain())]);
    assert_eq!(scenario.step(Event::Configured { log: durable(), min_isr: 1 }), ["sync"]);
    assert_eq!(scenario.assign(registration(ME, &[ME, 2], &[ME], (0, 1))), ["sync"]);
    assert_eq!(scenario.sync(), ["before: 0..0", "high watermark 1"]);
}

#[test]
fn a_high_watermark_stays_where_it_is_when_syncing_begins_to_matter() {
    let mut scenario = Scenario::alone(LogConfig::default());
    scenario.append(&[("a", Acks::All, plain())]);
    assert_eq!(scenario.step(Event::Configured { log: durable(), min_isr: 1 }), ["sync"]);
    assert_eq!(scenario.view().high_watermark, 1);
    assert_eq!(scenario.append(&[("b", Acks::All, plain())]), ["sync"]);
    assert_eq!(scenario.sync(), ["b: 1..1", "high watermark 2"]);
}
