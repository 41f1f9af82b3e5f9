//! Any sequence of operations against a model that is a list of batches.

use bytes::Bytes;
use proptest::prelude::*;
use taffrail_log::{Log, LogConfig, OpenLog};
use taffrail_testkit::{ManualClock, MemDisk, TestBatch};

use crate::support::*;

#[derive(Clone, Debug)]
enum Step {
    Append { records: usize, value_bytes: usize },
    Truncate { back: i64 },
    DeleteRecords { ahead: i64 },
    ApplyRetention,
    Roll,
    Flush,
    Reopen { is_clean: bool },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (1usize..5, 0usize..200)
            .prop_map(|(records, value_bytes)| Step::Append { records, value_bytes }),
        1 => (0i64..30).prop_map(|back| Step::Truncate { back }),
        1 => (0i64..10).prop_map(|ahead| Step::DeleteRecords { ahead }),
        1 => Just(Step::ApplyRetention),
        1 => Just(Step::Roll),
        1 => Just(Step::Flush),
        1 => any::<bool>().prop_map(|is_clean| Step::Reopen { is_clean }),
    ]
}

/// What a log should hold.
#[derive(Default)]
struct Model {
    /// First and last offset, and the bytes behind the leader's part of the header.
    batches: Vec<(i64, i64, Bytes)>,
    start: i64,
    end: i64,
}

struct Machine {
    disk: MemDisk,
    clock: ManualClock,
    config: LogConfig,
    log: Option<Log<MemDisk>>,
    model: Model,
}

impl Machine {
    fn new() -> Self {
        let config = LogConfig { retention_ms: None, ..small_config() };
        let disk = formatted_disk();
        let log = Some(open_new(&disk, &config));
        Self { disk, clock: ManualClock::default(), config, log, model: Model::default() }
    }

    fn run(&mut self, step: &Step) {
        let now = self.clock.advance_ms(1000);
        let mut log = self.log.take().expect("open");
        let model = &mut self.model;
        match step {
            Step::Append { records, value_bytes } => {
                let values = vec![Bytes::from(vec![7; *value_bytes]); *records];
                let batch =
                    TestBatch { timestamp: now.wall, values, ..TestBatch::default() }.build();
                let appended = append(&mut log, batch.clone()).expect("appended");
                assert_eq!(appended.base_offset, model.end);
                model.batches.push((appended.base_offset, appended.last_offset, batch.slice(16..)));
                model.end = appended.last_offset + 1;
            }
            Step::Truncate { back } => {
                let target = (model.end - back).max(0);
                // A cut inside of a batch takes the batch.
                let cut = model.batches.iter().find(|(_, last, _)| *last >= target);
                let cut_base = cut.map(|(first, _, _)| *first);
                model.batches.retain(|(_, last, _)| *last < target);
                model.end = log.truncate_to(target, now).expect("cut");
                assert!(
                    model.end == target || cut_base == Some(model.end),
                    "{target}: {cut_base:?}"
                );
                model.start = model.start.min(model.end);
                assert_eq!(log.start_offset(), model.start);
            }
            Step::DeleteRecords { ahead } => {
                model.start = (model.start + ahead).min(model.end);
                log.delete_records(model.start, model.end).expect("within the log");
            }
            Step::ApplyRetention => {
                log.apply_retention(model.end, now).expect("applied");
                log.remove_doomed(now).expect("removed");
            }
            Step::Roll => log.roll(now).expect("rolled"),
            Step::Flush => {
                log.flush(now).expect("synced");
                assert_eq!(log.recovery_point(), model.end);
            }
            Step::Reopen { is_clean } => {
                let recovery_point = log.recovery_point();
                if *is_clean {
                    log.close(now).expect("closed");
                } else {
                    drop(log);
                    self.disk.kill();
                }
                let open = OpenLog {
                    was_clean: *is_clean,
                    recovery_point,
                    start_offset: model.start,
                    ..unclean(&self.config)
                };
                log = Log::open(self.disk.clone(), open, now).expect("opened").0;
            }
        }
        self.check(&log);
        self.log = Some(log);
    }

    fn check(&self, log: &Log<MemDisk>) {
        assert_eq!((log.start_offset(), log.end_offset()), (self.model.start, self.model.end));
        let live = self.model.batches.iter().filter(|(_, last, _)| *last >= self.model.start);
        let expect: Vec<_> = live.map(|(first, _, bytes)| (*first, bytes.clone())).collect();
        let stored: Vec<_> = all_batches(log)
            .into_iter()
            .map(|batch| (batch.header.base_offset, batch.bytes.slice(16..)))
            .collect();
        assert_eq!(stored, expect);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_log_holds_what_the_model_says(steps in prop::collection::vec(step(), 1..80)) {
        let mut machine = Machine::new();
        for step in &steps {
            machine.run(step);
        }
    }
}
