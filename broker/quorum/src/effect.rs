//! What a quorum can ask for.

use bytes::Bytes;
use taffrail_model::{LeaderEpoch, Offset};

use crate::{AppendId, ElectionState};

/// Everything that a [`Quorum`](crate::Quorum) can ask of its carrier. Effects are carried out in order;
/// the carrier stops at the first that fails and answers with [`Event::StorageFailed`](crate::Event).
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Write the election state and sync it, then send
    /// [`Event::ElectionStatePersisted`](crate::Event::ElectionStatePersisted).
    PersistElectionState(ElectionState),
    /// Write the control batch that begins an epoch, then send
    /// [`Event::Appended`](crate::Event::Appended).
    AppendControl {
        /// The offset of the batch's first record: the log's end.
        base_offset: Offset,
        /// A whole control batch, its epoch and offsets set.
        batch: Bytes,
    },
    /// Write a batch of the leader's, then send [`Event::Appended`](crate::Event::Appended) before any
    /// other event.
    Append {
        /// The name that the append came with.
        id: AppendId,
        /// The offset of the batch's first record: the log's end.
        base_offset: Offset,
        /// The offset of the batch's last record: once committed, the append is.
        last_offset: Offset,
        /// A whole batch, its epoch and offsets set.
        batch: Bytes,
    },
    /// Nothing was appended.
    AppendRefused {
        /// The name that the append came with.
        id: AppendId,
        /// Why.
        refusal: Refusal,
    },
    /// Sync the log, at the carrier's leisure, then send [`Event::Flushed`](crate::Event::Flushed). No
    /// second flush is asked for while one is outstanding, so appends that arrive meanwhile share the next.
    Flush {
        /// The log's end at this moment; the carrier may sync more.
        offset: Offset,
    },
    /// All records below this offset are committed. It only rises.
    HighWatermark(Offset),
    /// This node leads, and everything from before its epoch is committed: it follows the
    /// [`Effect::HighWatermark`] that says so.
    BecameLeader {
        /// The new epoch.
        epoch: LeaderEpoch,
        /// Where the epoch begins: the offset of its `LeaderChange` record.
        start_offset: Offset,
    },
    /// This node, which had said [`Effect::BecameLeader`], leads no longer. Appends that aren't committed
    /// have an unknown fate.
    Resigned {
        /// The epoch that it led.
        epoch: LeaderEpoch,
    },
}

/// Why an append was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Only the leader appends.
    #[error("this node is not the leader of the metadata quorum")]
    NotLeader,
    /// A batch without records has no place in a log.
    #[error("an append without records")]
    Empty,
    /// The records don't fit a single batch, and two would not be atomic.
    #[error(
        "the records take {size} bytes, more than the {} bytes that a metadata batch may have",
        crate::MAX_BATCH_SIZE
    )]
    TooLarge {
        /// What the values alone take.
        size: usize,
    },
}
