//! What a load met.

use std::collections::BTreeMap;

/// Counts of one load.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Records that were replayed.
    pub replayed: u64,
    /// Groups with a metadata record or offsets, at the end.
    pub groups: usize,
    /// Records that were left out, by what they are: groups of protocols that aren't served yet, offsets of
    /// transactions, and types that Kafka 4.3 doesn't know.
    pub skipped: BTreeMap<SkippedRecord, u64>,
}

/// Why a record was left out at load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkippedRecord {
    /// A record of a type that this coordinator doesn't serve (consumer, share and streams groups), by the number in
    /// front of its key.
    Type(i16),
    /// An offset that was committed inside a transaction.
    Transactional,
    /// A record without a key.
    NoKey,
}
