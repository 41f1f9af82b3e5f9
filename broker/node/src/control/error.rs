//! Why the control part can't start, or can't go on.

use std::io;
use std::path::PathBuf;

use taffrail_log::{AppendError, InvalidLogConfig, LogError};
use taffrail_metadata::ReplayError;
use taffrail_model::Offset;
use taffrail_protocol::batch::BatchError;
use taffrail_protocol::wire::DecodeError;
use taffrail_quorum::{ControlRecordError, QuorumError};

use super::{CheckpointError, QuorumStateFileError};

/// Why the control part can't start, or must stop.
#[derive(Debug, thiserror::Error)]
pub enum ControlFailure {
    /// The metadata directory was never formatted for a controller.
    #[error(
        "{} is not there: run `taffrail storage format` for this node first",
        .0.display()
    )]
    NotFormatted(PathBuf),
    /// The metadata disk failed while the process ran.
    #[error("cannot {action} {}: the metadata disk failed", path.display())]
    Disk {
        /// What was tried.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// The metadata log can't work as configured.
    #[error("the metadata log can't work with its configuration")]
    Config(#[from] InvalidLogConfig),
    /// The metadata log can't be opened, read or synced.
    #[error("the metadata log failed")]
    Log(#[from] LogError),
    /// The metadata log can't be written.
    #[error("cannot append to the metadata log")]
    Append(#[source] AppendError),
    /// A snapshot can't be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The election state can't be read.
    #[error(transparent)]
    QuorumState(#[from] QuorumStateFileError),
    /// This node can't be a part of the quorum.
    #[error(transparent)]
    Quorum(#[from] QuorumError),
    /// A batch of the metadata log is corrupt.
    #[error("the metadata log has a corrupt batch at offset {offset}")]
    Batch {
        /// The batch's first offset.
        offset: Offset,
        /// What is wrong with it.
        source: BatchError,
    },
    /// A control record can't be read.
    #[error("the metadata log has an unusable control record at offset {offset}")]
    ControlRecord {
        /// Where.
        offset: Offset,
        /// What is wrong with it.
        source: ControlRecordError,
    },
    /// A metadata record can't be read: it is corrupt, or from a later version.
    #[error("the metadata log has an unusable record at offset {offset}")]
    Record {
        /// Where; in a snapshot or the bootstrap metadata, the record's index.
        offset: Offset,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// A record without a value.
    #[error("the metadata log has a record without a value at offset {0}")]
    NoValue(Offset),
    /// A committed record contradicts those before it.
    #[error("the record at offset {offset} of the metadata doesn't fit those before it")]
    Replay {
        /// Where.
        offset: Offset,
        /// Why.
        source: ReplayError,
    },
    /// The log begins after the end of the last snapshot, so that some of the metadata is missing.
    #[error(
        "the metadata log begins at offset {log_start}, and the last snapshot ends at offset {snapshot_end}: \
         the records between them are missing"
    )]
    Gap {
        /// The log's first offset.
        log_start: Offset,
        /// The offset after the snapshot, 0 without one.
        snapshot_end: Offset,
    },
}
