//! All that a shard can ask for.

use bytes::Bytes;
use taffrail_model::{Offset, Timestamp};

use crate::answer::Answer;
use crate::load_report::LoadReport;
use crate::records::RecordError;

/// Names a request and its reply; chosen by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplyToken(pub u64);

/// Names an append of this shard; it rises by one with each, over the whole life of the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId(pub u64);

/// An output of [`crate::GroupShard::step`]. Effects are carried out in order; after an append that failed none of
/// the later *appends* of the shard may be tried, and the failure is told by [`crate::Event::AppendFailed`].
///
/// There is no condition on a reply: one that must wait for a commit is kept inside the shard, which hears of
/// appends and of the high watermark, and comes out when it is true (or as an error once it can't become true).
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Append these records to the partition as one batch, and say so by `Appended` or `AppendFailed`.
    Append {
        /// Which append this is.
        write_id: WriteId,
        /// The timestamp of all its records, in milliseconds since the Unix epoch.
        timestamp: Timestamp,
        /// The records, never none.
        records: Vec<CoordinatorRecord>,
    },
    /// Answer a request now.
    Reply {
        /// The request.
        token: ReplyToken,
        /// The answer, of the request's own kind.
        answer: Answer,
    },
    /// A rebalance begins; for the log and the metrics.
    Rebalancing {
        /// The group.
        group_id: String,
        /// The generation that ends.
        generation_id: i32,
        /// Why, with the reason that a client gave (KIP-800), cut to 255 characters.
        reason: String,
    },
    /// The load is over; for the log and the metrics.
    LoadFinished(LoadReport),
    /// A record can't be read, so the shard serves nothing until it is loaded again.
    LoadFailed {
        /// The last offset of the batch that holds the record.
        last_offset: Offset,
        /// What is wrong with it.
        error: RecordError,
    },
}

/// A record for `__consumer_offsets`, in Kafka's schemas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoordinatorRecord {
    /// The key, with its type in front.
    pub key: Bytes,
    /// The value, with its version in front, or `None` for a tombstone.
    pub value: Option<Bytes>,
}
