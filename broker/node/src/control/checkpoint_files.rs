//! The snapshots of the metadata log on the disk, and the bootstrap metadata beside it.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use taffrail_log::{Disk, DiskFile, OpenMode};
use taffrail_model::Timestamp;
use taffrail_protocol::wire::EncodeError;
use taffrail_quorum::OffsetAndEpoch;
use taffrail_quorum::snapshot::{Snapshot, SnapshotError, file_name, parse_file_name};

/// The name of the bootstrap metadata's file, in the metadata directory itself. Kafka up to 4.3 writes it;
/// later versions keep its records in the bootstrap checkpoint.
pub const BOOTSTRAP_FILE: &str = "bootstrap.checkpoint";

/// The directory of the metadata log in the metadata directory.
pub const CLUSTER_METADATA_DIR: &str = "__cluster_metadata-0";

/// A snapshot is read whole. A cluster of a million partitions has one of some hundred megabytes.
const LIMIT_BYTES: u64 = 4 << 30;

/// Why a checkpoint can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
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
    /// The file isn't a whole snapshot.
    #[error("{} is not a usable snapshot", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: SnapshotError,
    },
    /// A field is too large for the wire.
    #[error("the content of {} can't be encoded", path.display())]
    Unencodable {
        /// The file.
        path: PathBuf,
        /// Which field.
        source: EncodeError,
    },
}

/// The latest snapshot of a metadata log's directory. Unfinished (`.part`) and deleted ones don't count.
///
/// # Errors
/// Where the disk fails.
pub fn latest_snapshot<D: Disk>(
    disk: &D,
    directory: &Path,
) -> Result<Option<OffsetAndEpoch>, CheckpointError> {
    let entries = disk.read_dir(directory).map_err(|source| CheckpointError::Io {
        action: "list",
        path: directory.to_owned(),
        source,
    })?;
    Ok(entries
        .iter()
        .filter(|entry| !entry.is_dir)
        .filter_map(|entry| parse_file_name(&entry.name))
        .max())
}

/// Reads a snapshot of a metadata log's directory.
///
/// # Errors
/// Where the disk fails, or the file isn't a whole snapshot.
pub fn read_snapshot<D: Disk>(
    disk: &D,
    directory: &Path,
    id: OffsetAndEpoch,
) -> Result<Snapshot, CheckpointError> {
    read(disk, &directory.join(file_name(id)))
}

/// Reads the bootstrap metadata of a metadata directory: the values of its records; `None` without a file.
///
/// # Errors
/// Where the disk fails, or the file isn't whole.
pub fn read_bootstrap<D: Disk>(
    disk: &D,
    metadata_dir: &Path,
) -> Result<Option<Vec<Bytes>>, CheckpointError> {
    match read(disk, &metadata_dir.join(BOOTSTRAP_FILE)) {
        Ok(snapshot) => Ok(Some(snapshot.values)),
        Err(CheckpointError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Writes a snapshot so that a file of its name is whole and durable: first as `.part`, then renamed.
///
/// # Errors
/// Where the disk fails, or a field is too large for the wire.
pub fn write_snapshot<D: Disk>(
    disk: &D,
    path: &Path,
    id: OffsetAndEpoch,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Result<(), CheckpointError> {
    let batches = snapshot
        .encode(id, now)
        .map_err(|source| CheckpointError::Unencodable { path: path.to_owned(), source })?;
    write_parts(disk, path, &batches).map_err(|source| CheckpointError::Io {
        action: "write",
        path: path.to_owned(),
        source,
    })
}

fn write_parts<D: Disk>(disk: &D, path: &Path, parts: &[Bytes]) -> io::Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".part");
    let partial = PathBuf::from(partial);
    let file = disk.open(&partial, OpenMode::Create)?;
    file.set_len(0)?;
    let mut position = 0;
    for part in parts {
        file.write_all_at(part, position)?;
        position += part.len() as u64;
    }
    file.sync_all()?;
    disk.rename(&partial, path)?;
    path.parent().map_or(Ok(()), |directory| disk.sync_dir(directory))
}

fn read<D: Disk>(disk: &D, path: &Path) -> Result<Snapshot, CheckpointError> {
    let content = disk.read(path, LIMIT_BYTES).map_err(|source| CheckpointError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    Snapshot::decode(content.into())
        .map_err(|source| CheckpointError::Corrupt { path: path.to_owned(), source })
}
