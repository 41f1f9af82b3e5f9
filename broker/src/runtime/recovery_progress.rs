//! How far the opening of the logs has come, for whoever waits for the node.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use taffrail_model::TopicPartition;

use super::clock::Clock;

/// Not yet.
const NEVER: i64 = -1;

/// Counts the logs that are opened at start. What is opened later, for new topics, isn't counted.
#[derive(Debug)]
pub(crate) struct RecoveryProgress {
    clock: Clock,
    /// Milliseconds of the clock, or [`NEVER`].
    began_at: AtomicI64,
    ended_at: AtomicI64,
    complete: AtomicBool,
    /// [`NEVER`] until the metadata said how many.
    total: AtomicI64,
    recovered: AtomicU64,
    bytes: AtomicU64,
    current: Mutex<BTreeSet<TopicPartition>>,
}

/// The progress at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recovery {
    /// All logs were opened and the metadata is loaded.
    pub(crate) is_complete: bool,
    /// Opening has begun.
    pub(crate) has_begun: bool,
    /// Logs to open; `None` until the metadata said which.
    pub(crate) logs_total: Option<u64>,
    /// Logs that were opened.
    pub(crate) logs_recovered: u64,
    /// Their bytes.
    pub(crate) bytes_recovered: u64,
    /// Logs that are being opened, few enough to show.
    pub(crate) current: Vec<String>,
    /// From the beginning to the end, or to now.
    pub(crate) elapsed: Duration,
}

impl RecoveryProgress {
    pub(super) fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            clock,
            began_at: AtomicI64::new(NEVER),
            ended_at: AtomicI64::new(NEVER),
            complete: AtomicBool::new(false),
            total: AtomicI64::new(NEVER),
            recovered: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            current: Mutex::default(),
        })
    }

    /// The directories are this node's, and their logs are next.
    pub(super) fn begin(&self) {
        self.began_at.store(self.now_ms(), Ordering::Release);
    }

    /// The metadata names this many logs.
    pub(super) fn expect_logs(&self, count: usize) {
        if !self.is_complete() {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.total.store(count, Ordering::Release);
        }
    }

    /// A log is being opened for as long as the returned value lives.
    pub(super) fn opening(&self, log: &TopicPartition) -> OpeningLog<'_> {
        let counted = (!self.is_complete()).then(|| log.clone());
        if let Some(log) = &counted {
            self.current.lock().insert(log.clone());
        }
        OpeningLog { progress: self, counted }
    }

    /// All logs are open, and the metadata is loaded.
    pub(super) fn complete(&self) {
        if !self.complete.swap(true, Ordering::AcqRel) {
            self.ended_at.store(self.now_ms(), Ordering::Release);
            // A node without partitions has nothing to open, and nobody said so.
            let _ = self.total.compare_exchange(NEVER, 0, Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    /// Whether all logs are open and the metadata is loaded.
    pub(crate) fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    /// The progress now; of the logs that are being opened `names_max` at most are named.
    pub(crate) fn load(&self, names_max: usize) -> Recovery {
        let began_at = self.began_at.load(Ordering::Acquire);
        let ended_at = match self.ended_at.load(Ordering::Acquire) {
            NEVER => self.now_ms(),
            ended_at => ended_at,
        };
        let elapsed_ms = if began_at == NEVER { 0 } else { ended_at.saturating_sub(began_at) };
        Recovery {
            is_complete: self.is_complete(),
            has_begun: began_at != NEVER,
            logs_total: u64::try_from(self.total.load(Ordering::Acquire)).ok(),
            logs_recovered: self.recovered.load(Ordering::Acquire),
            bytes_recovered: self.bytes.load(Ordering::Acquire),
            current: self.current.lock().iter().take(names_max).map(ToString::to_string).collect(),
            elapsed: Duration::from_millis(u64::try_from(elapsed_ms).unwrap_or(0)),
        }
    }

    fn now_ms(&self) -> i64 {
        i64::try_from(self.clock.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

/// A log that is being opened.
pub(super) struct OpeningLog<'a> {
    progress: &'a RecoveryProgress,
    counted: Option<TopicPartition>,
}

impl OpeningLog<'_> {
    /// It is open, and this large.
    pub(super) fn opened(self, bytes: u64) {
        if self.counted.is_some() {
            self.progress.recovered.fetch_add(1, Ordering::AcqRel);
            self.progress.bytes.fetch_add(bytes, Ordering::AcqRel);
        }
    }
}

impl Drop for OpeningLog<'_> {
    fn drop(&mut self) {
        if let Some(log) = &self.counted {
            self.progress.current.lock().remove(log);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_counted_until_all_are_open() {
        let progress = RecoveryProgress::new(Clock::start());
        assert_eq!(progress.load(9), Recovery::default());
        progress.begin();
        progress.expect_logs(3);
        let name = |partition| TopicPartition { topic: "t".parse().unwrap(), partition };
        let (a, b, failing) = (name(0), name(1), name(2));
        let first = progress.opening(&a);
        let second = progress.opening(&b);
        assert_eq!(progress.load(9).current, ["t-0", "t-1"]);
        assert_eq!(progress.load(1).current, ["t-0"]);
        first.opened(10);
        second.opened(5);
        drop(progress.opening(&failing));
        let recovery = progress.load(9);
        assert!(recovery.has_begun && !recovery.is_complete && recovery.current.is_empty());
        assert_eq!((recovery.logs_total, recovery.logs_recovered), (Some(3), 2));
        assert_eq!(recovery.bytes_recovered, 15);
        progress.complete();
        // A topic that is created later.
        progress.expect_logs(7);
        progress.opening(&a).opened(1);
        let recovery = progress.load(9);
        assert!(recovery.is_complete);
        assert_eq!((recovery.logs_total, recovery.logs_recovered), (Some(3), 2));
    }

    #[test]
    fn a_node_without_partitions_has_none_to_open() {
        let progress = RecoveryProgress::new(Clock::start());
        progress.begin();
        progress.complete();
        assert_eq!(progress.load(0).logs_total, Some(0));
    }
}
