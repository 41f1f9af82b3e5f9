//! A log dir: the directory that holds partitions, its checkpoints, its identity and its lock.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use taffrail_model::{BrokerEpoch, Offset, TopicPartition, Uuid};

use crate::checkpoint::{
    MetaProperties, parse_offsets, parse_partition_metadata, read_text, render_offsets, write_text,
};
use crate::disk::{Disk, LockError};
use crate::error::LogError;
use crate::file_names::{
    PARTITION_METADATA, is_deleted_dir_name, parse_partition_dir_name, partition_dir_name,
};

const LOCK: &str = ".lock";
const CLEAN_SHUTDOWN: &str = ".kafka_cleanshutdown";
const META_PROPERTIES: &str = "meta.properties";

/// The offsets that a log dir keeps for each of its partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetCheckpoint {
    /// What lies below was synced.
    RecoveryPoint,
    /// Where the log begins, which DeleteRecords may have moved into a segment.
    LogStart,
    /// The high watermark.
    HighWatermark,
}

impl OffsetCheckpoint {
    /// The file's name.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::RecoveryPoint => "recovery-point-offset-checkpoint",
            Self::LogStart => "log-start-offset-checkpoint",
            Self::HighWatermark => "replication-offset-checkpoint",
        }
    }
}

/// What the last process left in `.kafka_cleanshutdown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanShutdown {
    /// The broker epoch under which it stopped, by which the controller trusts the replicas (KIP-966).
    pub broker_epoch: Option<BrokerEpoch>,
}

/// A log dir on a disk. It keeps nothing in memory.
#[derive(Clone, Debug)]
pub struct LogDir<D> {
    disk: D,
    path: PathBuf,
}

impl<D: Disk> LogDir<D> {
    /// The log dir at `path`. Nothing is touched yet.
    pub fn new(disk: D, path: impl Into<PathBuf>) -> Self {
        Self { disk, path: path.into() }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Locks the directory against other processes until the lock is dropped.
    ///
    /// # Errors
    /// [`LockError::Held`] with the holder's process id where it is known.
    pub fn lock(&self) -> Result<D::Lock, LockError> {
        self.disk.lock_exclusive(&self.path.join(LOCK))
    }

    /// The directory's identity, or `None` when it isn't formatted.
    ///
    /// # Errors
    /// [`LogError::Io`] and [`LogError::Corrupt`].
    pub fn meta_properties(&self) -> Result<Option<MetaProperties>, LogError> {
        read_text(&self.disk, &self.path.join(META_PROPERTIES), MetaProperties::from_text)
    }

    /// Writes the directory's identity.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn write_meta_properties(&self, meta: &MetaProperties) -> Result<(), LogError> {
        write_text(&self.disk, &self.path.join(META_PROPERTIES), &meta.to_text())
    }

    /// Reads a checkpoint; one that was never written is empty.
    ///
    /// # Errors
    /// [`LogError::Io`] and [`LogError::Corrupt`].
    pub fn offsets(
        &self,
        checkpoint: OffsetCheckpoint,
    ) -> Result<BTreeMap<TopicPartition, Offset>, LogError> {
        let path = self.path.join(checkpoint.file_name());
        Ok(read_text(&self.disk, &path, parse_offsets)?.unwrap_or_default())
    }

    /// Replaces a checkpoint.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn write_offsets(
        &self,
        checkpoint: OffsetCheckpoint,
        offsets: &BTreeMap<TopicPartition, Offset>,
    ) -> Result<(), LogError> {
        let path = self.path.join(checkpoint.file_name());
        write_text(&self.disk, &path, &render_offsets(offsets))
    }

    /// Whether the last process stopped cleanly; the mark is removed, durably, as it says nothing of this
    /// process. Ask once, before the first log is opened.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn take_clean_shutdown(&self) -> Result<Option<CleanShutdown>, LogError> {
        let path = self.path.join(CLEAN_SHUTDOWN);
        let mark = read_text(&self.disk, &path, |text| Ok(parse_clean_shutdown(text)))?;
        if mark.is_some() {
            self.disk.remove_file(&path).map_err(LogError::io("remove", &path))?;
            self.disk.sync_dir(&self.path).map_err(LogError::io("sync", &self.path))?;
        }
        Ok(mark)
    }

    /// Marks that this process stopped cleanly: every log was closed, and the checkpoints were written.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn mark_clean_shutdown(&self, broker_epoch: BrokerEpoch) -> Result<(), LogError> {
        let text = format!("{{\"version\":0,\"brokerEpoch\":{broker_epoch}}}");
        write_text(&self.disk, &self.path.join(CLEAN_SHUTDOWN), &text)
    }

    /// The partitions that have a directory here, sorted by directory name.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn partitions(&self) -> Result<Vec<TopicPartition>, LogError> {
        Ok(self.directories()?.iter().filter_map(|name| parse_partition_dir_name(name)).collect())
    }

    /// The topic that a partition's directory belongs to, or `None` where the directory or its `partition.metadata` is
    /// missing.
    ///
    /// # Errors
    /// [`LogError::Io`] and [`LogError::Corrupt`].
    pub fn topic_id(&self, partition: &TopicPartition) -> Result<Option<Uuid>, LogError> {
        let path = self.path.join(partition_dir_name(partition)).join(PARTITION_METADATA);
        read_text(&self.disk, &path, parse_partition_metadata)
    }

    /// Removes the directories of partitions that were deleted. Returns how many there were.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn remove_deleted(&self) -> Result<usize, LogError> {
        let mut deleted = self.directories()?;
        deleted.retain(|name| is_deleted_dir_name(name));
        for name in &deleted {
            let path = self.path.join(name);
            match self.disk.remove_dir_all(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(LogError::io("remove", &path)(error));
                }
                _ => {}
            }
        }
        Ok(deleted.len())
    }

    fn directories(&self) -> Result<Vec<String>, LogError> {
        let entries = self.disk.read_dir(&self.path).map_err(LogError::io("list", &self.path))?;
        Ok(entries.into_iter().filter(|entry| entry.is_dir).map(|entry| entry.name).collect())
    }
}

/// The mark counts by being there; its broker epoch is read where it can be, since older versions left the
/// file empty.
fn parse_clean_shutdown(text: &str) -> CleanShutdown {
    let after = text.split_once("\"brokerEpoch\"").map(|(_, rest)| rest.trim_start());
    let number = after.and_then(|rest| rest.strip_prefix(':')).map(str::trim_start);
    let digits = number.map(|rest| {
        rest.find(|c: char| c != '-' && !c.is_ascii_digit()).map_or(rest, |end| &rest[..end])
    });
    CleanShutdown { broker_epoch: digits.and_then(|digits| digits.parse().ok()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_of_a_clean_shutdown_is_kafkas() {
        let check = |text: &str, expect: Option<BrokerEpoch>| {
            assert_eq!(parse_clean_shutdown(text).broker_epoch, expect, "{text:?}");
        };
        check("{\"version\":0,\"brokerEpoch\":12}", Some(12));
        check("{\"brokerEpoch\" : -1, \"version\":0}", Some(-1));
        check("", None);
        check("{\"version\":0}", None);
        check("{\"brokerEpoch\":null}", None);
    }
}
