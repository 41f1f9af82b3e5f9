//! What went through one partition since the process started.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one partition. They only grow, and each is right by itself: nobody reads two as of one moment.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    in_bytes: AtomicU64,
    in_records: AtomicU64,
    out_bytes: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TrafficCounts {
    /// Bytes of batches from producers.
    pub(crate) in_bytes: u64,
    /// Records from producers.
    pub(crate) in_records: u64,
    /// Bytes of batches to consumers.
    pub(crate) out_bytes: u64,
}

impl Traffic {
    /// A producer's batch goes into the log.
    pub(crate) fn count_produced(&self, bytes: u64, records: u64) {
        self.in_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.in_records.fetch_add(records, Ordering::Relaxed);
    }

    /// Batches go to a consumer.
    pub(crate) fn count_fetched(&self, bytes: u64) {
        self.out_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The counters now.
    pub(crate) fn load(&self) -> TrafficCounts {
        TrafficCounts {
            in_bytes: self.in_bytes.load(Ordering::Relaxed),
            in_records: self.in_records.load(Ordering::Relaxed),
            out_bytes: self.out_bytes.load(Ordering::Relaxed),
        }
    }
}
