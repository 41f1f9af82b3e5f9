//! An append and its answer.

use bytes::Bytes;
use taffrail_log::AppendError;
use taffrail_model::{ErrorCode, Offset, Timestamp};

/// What must be true before an append is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// Nothing but the write. So with `acks=0`, where the answer says whether the connection must be closed, and with
    /// appends of the node's own, which follow the high watermark themselves.
    None,
    /// The batch is in this node's log (`acks=1`), and synced there with `flush.messages=1`.
    Leader,
    /// The high watermark has passed the batch (`acks=all`).
    All,
}

/// One validated batch on its way into the log. `R` is how the carrier remembers whom to answer.
#[derive(Debug)]
pub struct Append<R> {
    /// The batch, with base offset 0.
    pub batch: Bytes,
    /// When to answer.
    pub acks: Acks,
    /// The time that records of a `LogAppendTime` topic got, or -1.
    pub log_append_time: Timestamp,
    /// Whom to answer.
    pub reply: R,
}

/// A batch that is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The offset of its first record.
    pub base_offset: Offset,
    /// The offset of its last record.
    pub last_offset: Offset,
    /// The time that its records got from the log, or -1.
    pub log_append_time: Timestamp,
    /// Where the log starts.
    pub log_start_offset: Offset,
}

/// Why a batch isn't in the log, or isn't safe there.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendRefusal {
    /// This node doesn't lead the partition, or ceased to while the append waited.
    #[error("this node does not lead the partition")]
    NotLeader,
    /// `acks=all`, and too few replicas are in sync. Nothing was appended.
    #[error("the in-sync replicas are fewer than min.insync.replicas")]
    NotEnoughReplicas,
    /// The log refused the batch.
    #[error(transparent)]
    Log(#[from] AppendError),
}

impl AppendRefusal {
    /// Kafka's code for this refusal.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotLeader => ErrorCode::NotLeaderOrFollower,
            Self::NotEnoughReplicas => ErrorCode::NotEnoughReplicas,
            Self::Log(error) => error.code(),
        }
    }
}
