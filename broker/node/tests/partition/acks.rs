//! What an append waits for.

use taffrail_log::LogConfig;
use taffrail_node::partition::{Acks, Append, Effect, Event};
use taffrail_testkit::TestBatch;

use super::support::{ME, Scenario, plain, registration, sequenced};

#[test]
fn a_sole_replica_answers_all_at_once() {
    let mut scenario = Scenario::alone(LogConfig::default());
    let said = scenario.append(&[
        ("all", Acks::All, plain()),
        ("one", Acks::Leader, plain()),
        ("none", Acks::None, plain()),
        ("all too", Acks::All, plain()),
    ]);
    assert_eq!(said, ["one: 1..1", "none: 2..2", "all: 0..0", "all too: 3..3", "high watermark 4"]);
    assert_eq!(scenario.view().high_watermark, 4);
    assert_eq!(scenario.view().log_end, 4);
}

#[test]
fn acks_all_waits_for_the_high_watermark_in_the_order_of_the_log() {
    let mut scenario = Scenario::with_silent_follower();
    assert_eq!(
        scenario.append(&[("a", Acks::All, plain()), ("b", Acks::Leader, plain())]),
        ["b: 1..1"]
    );
    assert!(scenario.append(&[("c", Acks::All, plain())]).is_empty());
    assert_eq!(scenario.view().high_watermark, 0);

    // The controller lets the silent follower go.
    let said = scenario.assign(registration(ME, &[ME, 2], &[ME], (0, 1)));
    assert_eq!(said, ["a: 0..0", "c: 2..2", "high watermark 3"]);
    assert_eq!(scenario.view().high_watermark, 3);
}

#[test]
fn too_few_in_sync_replicas_refuse_acks_all_and_nothing_else() {
    let check = |replicas: &[i32], isr: &[i32], min_isr: usize, expect: &[&str]| {
        let mut scenario = Scenario::alone(LogConfig::default());
        scenario.step(Event::Configured { log: LogConfig::default(), min_isr });
        scenario.assign(registration(ME, replicas, isr, (1, 1)));
        let said = scenario.append(&[("all", Acks::All, plain()), ("one", Acks::Leader, plain())]);
        assert_eq!(said, expect, "{isr:?} of {replicas:?}, {min_isr} wanted");
    };
    check(&[ME, 2], &[ME], 2, &["all: NotEnoughReplicas", "one: 0..0"]);
    check(&[ME, 2], &[ME, 2], 3, &["one: 1..1"]);
    check(&[ME], &[ME], 2, &["one: 1..1", "all: 0..0", "high watermark 2"]);
}

#[test]
fn a_lower_min_isr_lets_the_high_watermark_go() {
    let mut scenario = Scenario::with_silent_follower();
    scenario.step(Event::Configured { log: LogConfig::default(), min_isr: 2 });
    assert!(scenario.append(&[("a", Acks::All, plain())]).is_empty());
    assert!(scenario.assign(registration(ME, &[ME, 2], &[ME], (0, 1))).is_empty());
    let said = scenario.step(Event::Configured { log: LogConfig::default(), min_isr: 1 });
    assert_eq!(said, ["a: 0..0", "high watermark 1"]);
}

#[test]
fn a_duplicate_is_answered_as_the_original_and_not_before_it() {
    let mut scenario = Scenario::with_silent_follower();
    let said = scenario.append(&[
        ("first", Acks::All, sequenced(0, 3)),
        ("first again", Acks::All, sequenced(0, 3)),
        ("second", Acks::All, sequenced(3, 1)),
    ]);
    assert!(said.is_empty(), "{said:?}");
    assert!(scenario.append(&[("first once more", Acks::All, sequenced(0, 3))]).is_empty());
    // A producer that doesn't wait for the others isn't made to.
    let said = scenario.append(&[("in haste", Acks::Leader, sequenced(0, 3))]);
    assert_eq!(said, ["in haste: 0..2"]);
    let said = scenario.assign(registration(ME, &[ME, 2], &[ME], (0, 1)));
    assert_eq!(
        said,
        [
            "first: 0..2",
            "first again: 0..2",
            "first once more: 0..2",
            "second: 3..3",
            "high watermark 4"
        ]
    );
}

#[test]
fn a_duplicate_of_what_is_committed_passes_those_who_wait() {
    let mut scenario = Scenario::alone(LogConfig::default());
    scenario.append(&[("first", Acks::All, sequenced(0, 1))]);
    scenario.assign(registration(ME, &[ME, 2], &[ME, 2], (0, 1)));
    assert!(scenario.append(&[("second", Acks::All, sequenced(1, 1))]).is_empty());
    let said = scenario.append(&[("first again", Acks::All, sequenced(0, 1))]);
    assert_eq!(said, ["first again: 0..0"]);
    assert_eq!(scenario.view().log_end, 2);
}

#[test]
fn a_duplicate_has_the_time_that_the_log_gave_to_the_original() {
    let mut scenario = Scenario::alone(LogConfig::default());
    let mut times = Vec::new();
    for (timestamp, sequence) in [(1_000, 0), (2_000, 0), (3_000, 1)] {
        let producer = Some((9, 0, sequence));
        let batch = TestBatch { timestamp, producer, ..TestBatch::default() }.build();
        let append = Append { batch, acks: Acks::All, log_append_time: timestamp, reply: "it" };
        let mut out = Vec::new();
        scenario.partition.step(scenario.clock.now(), Event::Append(vec![append]), &mut out);
        times.extend(out.iter().filter_map(|effect| match effect {
            Effect::Reply { result, .. } => result.as_ref().ok().map(|it| it.log_append_time),
            _ => None,
        }));
    }
    assert_eq!(times, [1_000, 1_000, 3_000]);
}

#[test]
fn each_batch_is_refused_for_itself() {
    let mut scenario = Scenario::alone(LogConfig::default());
    let said = scenario.append(&[
        ("first", Acks::All, sequenced(0, 1)),
        ("a gap", Acks::All, sequenced(5, 1)),
        ("no batch", Acks::None, bytes::Bytes::from_static(b"garbage")),
        ("second", Acks::All, sequenced(1, 1)),
    ]);
    assert_eq!(
        said,
        [
            "a gap: OutOfOrderSequenceNumber",
            "no batch: CorruptMessage",
            "first: 0..0",
            "second: 1..1",
            "high watermark 2"
        ]
    );
}
