//! Why a directory can't be formatted or used.

use std::io;
use std::path::{Path, PathBuf};

use taffrail_log::LogError;
use taffrail_model::NodeId;
use taffrail_protocol::wire::EncodeError;

use crate::control::CheckpointError;

/// Why [`format`](super::format) or [`verify_formatted`](super::verify_formatted) refused.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// There is nothing to format.
    #[error("no log directory is configured: set log.dirs")]
    NoDirectories,
    /// A cluster id that no file could hold.
    #[error("the cluster id {0:?} is not usable: letters, digits, '.', '_' and '-' are")]
    InvalidClusterId(String),
    /// A node id below zero.
    #[error("node.id must be 0 or more, and it is {0}")]
    InvalidNodeId(NodeId),
    /// The directory is formatted, and nobody said that this is all right.
    #[error(
        "log directory {} is already formatted; use --ignore-formatted to leave it as it is and format the others",
        .0.display()
    )]
    AlreadyFormatted(PathBuf),
    /// The directory has a metadata log without `meta.properties`.
    #[error(
        "log directory {} holds a metadata log, but no meta.properties: put that file back, or empty the directory, \
         since a node that forgets its votes must not vote again",
        .0.display()
    )]
    MetadataWithoutProperties(PathBuf),
    /// The directory was never formatted.
    #[error(
        "log directory {} is not formatted: run `taffrail storage format` first",
        .0.display()
    )]
    NotFormatted(PathBuf),
    /// The directory belongs to another cluster.
    #[error("log directory {} belongs to cluster {found}, and not to {expected}", path.display())]
    ClusterIdMismatch {
        /// The directory.
        path: PathBuf,
        /// The cluster of the directory.
        found: String,
        /// The cluster of the others, or the one asked for.
        expected: String,
    },
    /// The directory belongs to another node.
    #[error(
        "log directory {} belongs to node {found}, and node.id is {expected}",
        path.display()
    )]
    NodeIdMismatch {
        /// The directory.
        path: PathBuf,
        /// The node of the directory.
        found: NodeId,
        /// `node.id`.
        expected: NodeId,
    },
    /// Two directories with one id: one is a copy of the other.
    #[error("log directories {} and {} have the same directory.id", first.display(), second.display())]
    DuplicateDirectoryId {
        /// One of them.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A directory from before directory ids.
    #[error("meta.properties of log directory {} has no directory.id", .0.display())]
    NoDirectoryId(PathBuf),
    /// `meta.properties` can't be read or written.
    #[error(transparent)]
    MetaProperties(#[from] LogError),
    /// A bootstrap record has a field that is too large.
    #[error("the bootstrap metadata can't be encoded")]
    Bootstrap(#[source] EncodeError),
    /// A checkpoint can't be written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The disk failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
}

impl FormatError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}
