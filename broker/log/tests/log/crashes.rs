//! A crash, or a failure of the disk, at every single operation.

use std::collections::BTreeMap;

use bytes::Bytes;
use taffrail_log::{
    Log, LogConfig, LogDir, LogError, OffsetCheckpoint, OpenLog, Origin, SyncScope,
};
use taffrail_model::{Offset, TopicName, TopicPartition};
use taffrail_testkit::{Fault, ManualClock, MemDisk, SeededRng, TestBatch};

use crate::support::*;

/// The batches of the workload, and the offsets in each.
const BATCHES: i32 = 36;
const RECORDS: i32 = 2;
const PRODUCER: i64 = 7;

/// Every batch has bytes of its own, and the sequence that follows.
fn batch(index: i32) -> Bytes {
    let value =
        format!("batch {index} {}", "x".repeat(usize::try_from(index % 7).unwrap_or(0) * 60));
    let values = vec![Bytes::from(value); 2];
    let producer = Some((PRODUCER, 0, index * RECORDS));
    TestBatch { producer, values, ..TestBatch::default() }.build()
}

fn first_offset(index: i32) -> Offset {
    Offset::from(index * RECORDS)
}

fn partition() -> TopicPartition {
    TopicPartition { topic: TopicName::new("orders").expect("valid"), partition: 0 }
}

/// A machine that appends the batches in order and syncs from time to time.
struct Machine {
    disk: MemDisk,
    clock: ManualClock,
    config: LogConfig,
    /// The index of the next batch to append.
    next: i32,
    /// What was acknowledged as durable. It has to be there after every crash.
    durable_end: Offset,
}

impl Machine {
    fn new() -> Self {
        let config = LogConfig {
            segment_bytes: 1500,
            index_interval_bytes: 200,
            file_delete_delay_ms: 0,
            ..LogConfig::default()
        };
        let clock = ManualClock::default();
        Self { disk: formatted_disk(), clock, config, next: 0, durable_end: 0 }
    }

    fn log_dir(&self) -> LogDir<MemDisk> {
        LogDir::new(self.disk.clone(), "/data")
    }

    fn open(&self) -> Result<Log<MemDisk>, LogError> {
        let known = |checkpoint| -> Result<Offset, LogError> {
            Ok(self.log_dir().offsets(checkpoint)?.get(&partition()).copied().unwrap_or(0))
        };
        let open = OpenLog {
            was_clean: self.log_dir().take_clean_shutdown()?.is_some(),
            recovery_point: known(OffsetCheckpoint::RecoveryPoint)?,
            start_offset: known(OffsetCheckpoint::LogStart)?,
            ..unclean(&self.config)
        };
        Log::open(self.disk.clone(), open, self.clock.now()).map(|(log, _)| log)
    }

    /// Runs until all batches are in, or something fails.
    fn run(&mut self) -> Result<(), LogError> {
        let mut log = self.open()?;
        // What a crash has taken is sent again, as a producer does.
        self.next = i32::try_from(log.end_offset()).expect("small") / RECORDS;
        log.begin_epoch(0);
        while self.next < BATCHES {
            let now = self.clock.advance_ms(10);
            let batches: Vec<Bytes> = (self.next..BATCHES.min(self.next + 3)).map(batch).collect();
            for outcome in log.append_as_leader(&batches, 0, Origin::Client, now) {
                match outcome {
                    Ok(appended) => {
                        assert!(!appended.is_duplicate);
                        assert_eq!(appended.base_offset, first_offset(self.next));
                        self.next += 1;
                    }
                    Err(taffrail_log::AppendError::Storage(error)) => return Err(error),
                    Err(error) => panic!("refused: {error}"),
                }
            }
            let scope = if self.next % 2 == 0 { Some(SyncScope::All) } else { log.sync_due(now) };
            if let Some(scope) = scope
                && let Some(handle) = log.begin_sync(scope, now)?
            {
                let result = handle.sync();
                log.end_sync(&handle, &result);
                result?;
                self.durable_end = self.durable_end.max(log.recovery_point());
            }
            if self.next % 5 == 0 {
                self.write_recovery_point(log.recovery_point())?;
            }
        }
        let end = log.close(self.clock.now())?;
        self.durable_end = end;
        self.write_recovery_point(end)?;
        self.log_dir().mark_clean_shutdown(3)
    }

    fn write_recovery_point(&self, offset: Offset) -> Result<(), LogError> {
        let offsets = BTreeMap::from([(partition(), offset)]);
        self.log_dir().write_offsets(OffsetCheckpoint::RecoveryPoint, &offsets)
    }

    /// Opens the log without a fault and checks what is in it.
    fn check(&self, what: &str) {
        let log = self.open().unwrap_or_else(|error| panic!("{what}: {error}"));
        let stored = all_batches(&log);
        assert!(
            log.end_offset() >= self.durable_end,
            "{what}: {} of {}",
            log.end_offset(),
            self.durable_end
        );
        for (index, stored) in (0..).zip(&stored) {
            assert_eq!(stored.header.base_offset, first_offset(index), "{what}");
            assert_eq!(stored.bytes[16..], batch(index)[16..], "{what}: batch {index}");
        }
        let count = i32::try_from(stored.len()).expect("small");
        assert_eq!(log.end_offset(), first_offset(count), "{what}");
        check_producer(log, count, what);
        // What is checked is checked twice: opening it once more changes nothing.
        let again = self.open().unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(all_batches(&again), stored, "{what}");
    }
}

/// The last batch is known as a duplicate, and only its successor follows.
fn check_producer(mut log: Log<MemDisk>, count: i32, what: &str) {
    let end = log.end_offset();
    if count > 0 {
        let again = append(&mut log, batch(count - 1)).expect("a duplicate");
        assert!(again.is_duplicate, "{what}");
        assert_eq!(again.base_offset, first_offset(count - 1), "{what}");
        append(&mut log, batch(count + 1)).expect_err("a gap");
    }
    assert_eq!(log.end_offset(), end, "{what}");
}

/// Runs the workload with a fault at `operation`. Returns whether the fault struck.
fn run_with_fault(machine: &mut Machine, operation: u64, fault: Fault) -> bool {
    machine.disk.fail_at(machine.disk.operations() + operation, fault);
    machine.run().is_err()
}

/// Runs to the end, which has to be reached by now.
fn finish(mut machine: Machine, what: &str) {
    machine.run().unwrap_or_else(|error| panic!("{what}: {error}"));
    machine.check(what);
    assert_eq!(machine.next, BATCHES, "{what}");
}

/// How many operations the workload has without a fault.
fn operations() -> u64 {
    let mut machine = Machine::new();
    let before = machine.disk.operations();
    machine.run().expect("no fault");
    machine.disk.operations() - before
}

#[test]
fn after_a_power_cut_at_any_operation_what_was_synced_is_there() {
    let operations = operations();
    assert!(operations > 150, "{operations}");
    for operation in 0..operations {
        for seed in 0..3 {
            let what = format!("operation {operation}, seed {seed}");
            let mut rng = SeededRng::new(operation * 1000 + seed);
            let mut machine = Machine::new();
            assert!(run_with_fault(&mut machine, operation, Fault::Crash), "{what}");
            machine.disk.crash(&mut rng);
            machine.check(&what);
            finish(machine, &what);
        }
    }
}

#[test]
fn a_second_power_cut_during_recovery_changes_nothing() {
    for first in (0..operations()).step_by(17) {
        for second in 0..40 {
            let what = format!("operation {first}, then {second}");
            let mut rng = SeededRng::new(first * 1000 + second);
            let mut machine = Machine::new();
            run_with_fault(&mut machine, first, Fault::Crash);
            machine.disk.crash(&mut rng);
            if !run_with_fault(&mut machine, second, Fault::Crash) {
                break;
            }
            machine.disk.crash(&mut rng);
            machine.check(&what);
            finish(machine, &what);
        }
    }
}

#[test]
fn after_a_kill_at_any_operation_nothing_acknowledged_is_lost() {
    for operation in 0..operations() {
        let what = format!("operation {operation}");
        let mut machine = Machine::new();
        assert!(run_with_fault(&mut machine, operation, Fault::Crash), "{what}");
        machine.disk.kill();
        // The operating system survives, and with it all that was appended.
        machine.durable_end = first_offset(machine.next);
        machine.check(&what);
        finish(machine, &what);
    }
}

#[test]
fn an_error_of_the_disk_at_any_operation_loses_nothing() {
    for fault in [Fault::Io, Fault::NoSpace] {
        for operation in 0..operations() {
            let what = format!("{fault:?} at operation {operation}");
            let mut machine = Machine::new();
            // Some errors are made up for on the spot: a sync of an optional file, an index that waits.
            run_with_fault(&mut machine, operation, fault);
            machine.disk.kill();
            machine.durable_end = first_offset(machine.next);
            machine.check(&what);
            finish(machine, &what);
        }
    }
}

#[test]
fn unsynced_data_does_get_lost_in_these_crashes() {
    // Without this the tests above could pass on a disk that never loses anything.
    let lost = (0..50)
        .filter(|seed| {
            let disk = formatted_disk();
            let mut log = open_new(&disk, &LogConfig::default());
            append(&mut log, batch(0)).expect("appended");
            disk.crash(&mut SeededRng::new(*seed));
            open_new(&disk, &LogConfig::default()).end_offset() == 0
        })
        .count();
    assert!((5..50).contains(&lost), "{lost}");
}
