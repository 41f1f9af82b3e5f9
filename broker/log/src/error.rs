//! What can go wrong with a log, and with one batch on its way into it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use taffrail_model::{ErrorCode, Offset, ProducerEpoch, ProducerId};
use taffrail_protocol::batch::BatchError;

/// Why an operation of the log failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The operating system refused a file operation.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// An earlier write failed and couldn't be undone, so what the files hold is unknown until the log is
    /// opened again.
    #[error("the log {} is offline: {reason}", dir.display())]
    Offline {
        /// The partition's directory.
        dir: PathBuf,
        /// The failure that took it offline.
        reason: String,
    },
    /// A file's content isn't what its name promises.
    #[error("{} is corrupt: {reason}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A read or a truncation named an offset that the log doesn't have.
    #[error("offset {offset} is out of range: the log has {start} to {end}")]
    OffsetOutOfRange {
        /// The offset asked for.
        offset: Offset,
        /// The first offset of the log.
        start: Offset,
        /// The offset after the last one.
        end: Offset,
    },
    /// The directory belongs to another topic of the same name.
    #[error("{} belongs to topic id {found}, expected {expected}", path.display())]
    TopicIdMismatch {
        /// The file that says so.
        path: PathBuf,
        /// The id in the file.
        found: taffrail_model::Uuid,
        /// The id that the metadata gives.
        expected: taffrail_model::Uuid,
    },
}

impl LogError {
    /// Wraps what the operating system said of `action` on `path`.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source: Arc::new(source) }
    }

    pub(crate) fn corrupt(path: &Path, reason: impl Into<String>) -> Self {
        Self::Corrupt { path: path.to_owned(), reason: reason.into() }
    }

    /// Whether the disk is full, which passes once room is made.
    #[must_use]
    pub fn is_no_space(&self) -> bool {
        matches!(self, Self::Io { source, .. } if is_no_space(source))
    }

    /// Kafka's code for this error.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::OffsetOutOfRange { .. } => ErrorCode::OffsetOutOfRange,
            Self::TopicIdMismatch { .. } => ErrorCode::InconsistentTopicId,
            Self::Io { .. } | Self::Offline { .. } | Self::Corrupt { .. } => {
                ErrorCode::KafkaStorageError
            }
        }
    }
}

/// Whether an I/O error says that the file system or the quota is full.
pub(crate) fn is_no_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Why one batch wasn't appended. Other batches of the same call may have been.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The bytes aren't one whole batch.
    #[error("not one whole batch")]
    NotABatch(#[from] BatchError),
    /// More or less than one batch where one was expected.
    #[error("{given} bytes given for a batch of {expected}")]
    NotOneBatch {
        /// The bytes given.
        given: usize,
        /// The size in the batch's header.
        expected: usize,
    },
    /// The batch's offsets can't be: a negative count, or past the range of offsets.
    #[error("offsets {base} to {last} are not valid for a batch")]
    InvalidOffsets {
        /// The batch's first offset.
        base: Offset,
        /// The batch's last offset.
        last: Offset,
    },
    /// The batch is larger than a segment may be.
    #[error("a batch of {size} bytes is larger than the segment size of {limit}")]
    LargerThanSegment {
        /// The batch's bytes.
        size: usize,
        /// `segment.bytes`.
        limit: u64,
    },
    /// A replicated batch begins before the end of the log.
    #[error("offset {base} of a replicated batch is before the log end {end}")]
    OffsetNotRising {
        /// The batch's first offset.
        base: Offset,
        /// The end of the log.
        end: Offset,
    },
    /// The sequence isn't the one that follows.
    #[error("producer {producer_id} sent sequence {given}, expected {expected}")]
    OutOfOrderSequence {
        /// The producer.
        producer_id: ProducerId,
        /// The sequence of the batch's first record.
        given: i32,
        /// The sequence that would follow, or -1 when only 0 would do.
        expected: i32,
    },
    /// A newer incarnation of the producer has written.
    #[error("producer {producer_id} has epoch {given}, older than the last seen {current}")]
    InvalidProducerEpoch {
        /// The producer.
        producer_id: ProducerId,
        /// The batch's epoch.
        given: ProducerEpoch,
        /// The newest epoch in the log.
        current: ProducerEpoch,
    },
    /// The producer has a transaction open, and the batch isn't part of it.
    #[error("producer {producer_id} has an open transaction, and the batch is not part of it")]
    InvalidTxnState {
        /// The producer.
        producer_id: ProducerId,
    },
    /// A marker from a coordinator that has been replaced.
    #[error("marker of coordinator epoch {given} for producer {producer_id}, older than {current}")]
    CoordinatorFenced {
        /// The producer.
        producer_id: ProducerId,
        /// The marker's coordinator epoch.
        given: i32,
        /// The newest coordinator epoch in the log.
        current: i32,
    },
    /// The disk failed or is full.
    #[error(transparent)]
    Storage(#[from] LogError),
}

impl AppendError {
    /// Kafka's code for this error, as a producer gets it.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotABatch(_) | Self::NotOneBatch { .. } | Self::OffsetNotRising { .. } => {
                ErrorCode::CorruptMessage
            }
            Self::InvalidOffsets { .. } => ErrorCode::InvalidRecord,
            Self::LargerThanSegment { .. } => ErrorCode::RecordListTooLarge,
            Self::OutOfOrderSequence { .. } => ErrorCode::OutOfOrderSequenceNumber,
            Self::InvalidProducerEpoch { .. } => ErrorCode::InvalidProducerEpoch,
            Self::InvalidTxnState { .. } => ErrorCode::InvalidTxnState,
            Self::CoordinatorFenced { .. } => ErrorCode::TransactionCoordinatorFenced,
            Self::Storage(error) => error.code(),
        }
    }
}
