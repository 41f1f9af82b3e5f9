//! All that a shard can be told.

use bytes::Bytes;
use taffrail_model::{ErrorCode, Offset, Uuid};

use crate::effect::{ReplyToken, WriteId};
use crate::request::{Request, RequestContext};

/// An input of [`crate::GroupShard::step`].
///
/// The life of a shard: `StartLoad`, any number of `Load`, `Loaded`, then everything else, then `Unload`.
#[derive(Clone, Debug)]
pub enum Event {
    /// This node became the leader of the partition. Whatever the shard held is dropped, as by `Unload`.
    StartLoad {
        /// The partition's high watermark so far (exclusive), or 0 when it isn't known yet.
        high_watermark: Offset,
    },
    /// The next batch of the partition, in log order. Control batches are left out by the caller.
    Load(LoadedBatch),
    /// The log was read to its end: requests are served from now on.
    Loaded,
    /// This node leads the partition no longer: every parked request gets `NOT_COORDINATOR`.
    Unload,
    /// A client's request. It is answered by exactly one [`crate::Effect::Reply`] with the same token.
    Request {
        /// Names the reply.
        token: ReplyToken,
        /// Who asks.
        context: RequestContext,
        /// What is asked.
        request: Request,
    },
    /// Topics were deleted: their committed offsets go.
    TopicsDeleted(Vec<DeletedTopic>),
    /// An [`crate::Effect::Append`] is in the log.
    Appended {
        /// Which one.
        write_id: WriteId,
        /// The offset of its last record.
        last_offset: Offset,
    },
    /// An [`crate::Effect::Append`] failed, and none after it was tried: it and all later ones are undone.
    AppendFailed {
        /// Which one.
        write_id: WriteId,
        /// Why, as the log said it; the shard maps it to what clients of a coordinator expect.
        error: ErrorCode,
    },
    /// The partition's high watermark moved: what lies below it is committed.
    Committed {
        /// The high watermark (exclusive).
        high_watermark: Offset,
    },
    /// Time passed. Due at [`crate::GroupShard::next_deadline`]; harmless at any other time.
    Tick,
}

/// One batch of `__consumer_offsets` at load.
#[derive(Clone, Debug)]
pub struct LoadedBatch {
    /// The offset of the batch's last record.
    pub last_offset: Offset,
    /// Whether the batch belongs to a transaction. Offsets committed in transactions are kept out for now, and counted.
    pub transactional: bool,
    /// Its records.
    pub records: Vec<LoadedRecord>,
}

/// One record of `__consumer_offsets` at load.
#[derive(Clone, Debug)]
pub struct LoadedRecord {
    /// The key; a record without one is counted as unknown.
    pub key: Option<Bytes>,
    /// The value, or `None` for a tombstone.
    pub value: Option<Bytes>,
}

/// A topic that is no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedTopic {
    /// Its name, by which offsets are stored.
    pub name: String,
    /// Its id: offsets of a later topic of the same name stay.
    pub topic_id: Uuid,
}
