//! What opening a log had to do.

use taffrail_model::Offset;

/// What opening a log had to do; all zero after a clean stop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// The segments that were found.
    pub segments: usize,
    /// Those of which every byte was read, and the indexes rebuilt.
    pub segments_scanned: usize,
    /// Segments behind a cut, or left behind by an interrupted compaction, that were removed.
    pub segments_removed: usize,
    /// The bytes of batches that were read.
    pub bytes_scanned: u64,
    /// The offset from which the producers' state was replayed.
    pub producers_replayed_from: Offset,
    /// Where the log was cut, and why.
    pub truncation: Option<Truncation>,
}

/// Bytes that were no whole, intact batch, and were cut off with all behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truncation {
    /// The base offset of the segment.
    pub segment: Offset,
    /// The size at which the segment ends now.
    pub position: u64,
    /// The bytes cut off in this segment.
    pub bytes: u64,
    /// What was wrong with the first of them.
    pub reason: String,
}
