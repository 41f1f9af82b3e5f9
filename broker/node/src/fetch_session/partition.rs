//! One partition of a fetch: as it is asked for, and as it is answered.

use std::sync::Arc;

use taffrail_model::{
    ErrorCode, LeaderEpoch, NO_LEADER_EPOCH, NO_OFFSET, Offset, PartitionIndex, Uuid,
};

/// How a fetch names a topic: by id from version 13 on, by name before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FetchTopic {
    /// By id.
    Id(Uuid),
    /// By name, which may be of no topic at all.
    Name(Arc<str>),
}

/// How a fetch names a partition. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FetchTarget {
    /// The topic.
    pub topic: FetchTopic,
    /// The partition.
    pub partition: PartitionIndex,
}

/// What a fetcher wants of a partition. The numbers are the request's, -1 where it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchParams {
    /// The offset to read from.
    pub fetch_offset: Offset,
    /// The most bytes to return, as long as the first batch isn't larger.
    pub max_bytes: i32,
    /// The leader epoch that the fetcher believes in.
    pub current_leader_epoch: LeaderEpoch,
    /// The epoch of the last record that the fetcher has (KIP-595).
    pub last_fetched_epoch: LeaderEpoch,
    /// Where a follower's own log starts.
    pub log_start_offset: Offset,
    /// The high watermark that a follower knows (version 18 and up, KIP-1166); `i64::MAX` means that it wants no news of it.
    pub high_watermark: Offset,
}

impl Default for FetchParams {
    fn default() -> Self {
        Self {
            fetch_offset: 0,
            max_bytes: 0,
            current_leader_epoch: NO_LEADER_EPOCH,
            last_fetched_epoch: NO_LEADER_EPOCH,
            log_start_offset: NO_OFFSET,
            high_watermark: Offset::MAX,
        }
    }
}

/// What came out of reading a partition, as far as a session cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionOutcome {
    /// The partition.
    pub target: FetchTarget,
    /// Whether there are records.
    pub has_records: bool,
    /// The high watermark of the answer.
    pub high_watermark: Offset,
    /// The log's start of the answer.
    pub log_start_offset: Offset,
    /// The error, or `None`.
    pub error: ErrorCode,
    /// Whether the answer sends the fetcher to another replica (KIP-392).
    pub has_preferred_replica: bool,
    /// Whether the answer says where the fetcher's log diverges (KIP-595).
    pub has_diverging_epoch: bool,
}
