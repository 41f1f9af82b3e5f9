//! The log dirs of a node: which of them holds a partition, what they remember of it, and what doesn't belong there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use taffrail_log::{Disk, LogDir, LogError, OffsetCheckpoint, partition_dir_name};
use taffrail_metadata::MetadataImage;
use taffrail_model::{BrokerEpoch, NodeId, Offset, TopicPartition, Uuid};

/// What Kafka appends to the name of a partition's directory that the metadata doesn't know.
const STRAY_SUFFIX: &str = "-stray";

/// The controller's own log lies beside the partitions and isn't one.
const METADATA_TOPIC: &str = "__cluster_metadata";

/// What a log dir remembers of one partition from the last process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// The last process stopped cleanly, so that the log's files are as they should be.
    pub clean: bool,
    /// What lies below was synced.
    pub recovery_point: Offset,
    /// Where the log begins.
    pub log_start: Offset,
    /// The high watermark.
    pub high_watermark: Offset,
}

/// One log dir.
#[derive(Debug)]
struct Dir<D> {
    id: Uuid,
    log_dir: LogDir<D>,
    /// The broker epoch of a clean shutdown; `None` after an unclean one.
    clean: Option<Option<BrokerEpoch>>,
    recovery_points: BTreeMap<TopicPartition, Offset>,
    log_starts: BTreeMap<TopicPartition, Offset>,
    high_watermarks: BTreeMap<TopicPartition, Offset>,
    offline: AtomicBool,
}

/// The log dirs of a node, as they were found at start.
#[derive(Debug)]
pub struct Storage<D> {
    disk: D,
    dirs: Vec<Dir<D>>,
}

impl<D: Disk> Storage<D> {
    /// Reads what the last process left in formatted log dirs, and finishes the deletions that it began.
    ///
    /// # Errors
    /// [`LogError`] of the first directory that can't be read.
    pub fn open(disk: D, directories: &[(PathBuf, Uuid)]) -> Result<Self, LogError> {
        let mut dirs = Vec::with_capacity(directories.len());
        for (path, id) in directories {
            let log_dir = LogDir::new(disk.clone(), path.clone());
            let clean = log_dir.take_clean_shutdown()?.map(|mark| mark.broker_epoch);
            log_dir.remove_deleted()?;
            dirs.push(Dir {
                id: *id,
                clean,
                recovery_points: log_dir.offsets(OffsetCheckpoint::RecoveryPoint)?,
                log_starts: log_dir.offsets(OffsetCheckpoint::LogStart)?,
                high_watermarks: log_dir.offsets(OffsetCheckpoint::HighWatermark)?,
                log_dir,
                offline: AtomicBool::new(false),
            });
        }
        Ok(Self { disk, dirs })
    }

    /// The disk under all of it.
    #[must_use]
    pub fn disk(&self) -> &D {
        &self.disk
    }

    /// How many log dirs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.dirs.len()
    }

    /// Whether there are none, which a broker can't work with.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.dirs.is_empty()
    }

    /// The ids of the log dirs.
    #[must_use]
    pub fn ids(&self) -> Vec<Uuid> {
        self.dirs.iter().map(|dir| dir.id).collect()
    }

    /// The ids of the log dirs that failed.
    #[must_use]
    pub fn offline(&self) -> Vec<Uuid> {
        self.dirs
            .iter()
            .filter(|dir| dir.offline.load(Ordering::Relaxed))
            .map(|dir| dir.id)
            .collect()
    }

    /// Says that a log dir failed.
    pub fn set_offline(&self, dir: usize) {
        if let Some(dir) = self.dirs.get(dir) {
            dir.offline.store(true, Ordering::Relaxed);
        }
    }

    /// The broker epoch under which the last process stopped cleanly, on all log dirs alike; -1 otherwise (KIP-966).
    #[must_use]
    pub fn previous_broker_epoch(&self) -> BrokerEpoch {
        let mut epochs = self.dirs.iter().map(|dir| dir.clean.flatten());
        match epochs.next().flatten() {
            Some(first) if epochs.all(|epoch| epoch == Some(first)) => first,
            _ => -1,
        }
    }

    /// The log dir that holds the partition or shall hold it: where its directory is, else where the controller put it,
    /// else the one with the fewest partitions by `count`.
    ///
    /// # Errors
    /// [`LogError::Io`] when a log dir can't be looked into.
    pub fn place(
        &self,
        partition: &TopicPartition,
        assigned: Option<Uuid>,
        count: impl Fn(usize) -> usize,
    ) -> Result<usize, LogError> {
        for (index, dir) in self.dirs.iter().enumerate() {
            let path = dir.log_dir.path().join(partition_dir_name(partition));
            let exists = self.disk.exists(&path).map_err(LogError::io("look for", &path))?;
            if exists {
                return Ok(index);
            }
        }
        let assigned = assigned.and_then(|id| self.dirs.iter().position(|dir| dir.id == id));
        let emptiest = || (0..self.dirs.len()).min_by_key(|&index| count(index)).unwrap_or(0);
        Ok(assigned.unwrap_or_else(emptiest))
    }

    /// The path of a log dir.
    #[must_use]
    pub fn path(&self, dir: usize) -> Option<&Path> {
        self.dirs.get(dir).map(|dir| dir.log_dir.path())
    }

    /// What the last process left to know of a partition.
    #[must_use]
    pub fn remembered(&self, dir: usize, partition: &TopicPartition) -> Remembered {
        let Some(dir) = self.dirs.get(dir) else { return Remembered::default() };
        let of = |offsets: &BTreeMap<TopicPartition, Offset>| {
            offsets.get(partition).copied().unwrap_or(0)
        };
        Remembered {
            clean: dir.clean.is_some(),
            recovery_point: of(&dir.recovery_points),
            log_start: of(&dir.log_starts),
            high_watermark: of(&dir.high_watermarks),
        }
    }

    /// Renames the directories of partitions that `image` doesn't place on `node`, so that a topic of the same name finds
    /// no old data, and nothing is lost either. Returns the new paths.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn set_strays_aside(
        &self,
        image: &MetadataImage,
        node: NodeId,
    ) -> Result<Vec<PathBuf>, LogError> {
        let mut strays = Vec::new();
        for dir in &self.dirs {
            for partition in dir.log_dir.partitions()? {
                let hosted = image
                    .topic_by_name(partition.topic.as_str())
                    .and_then(|topic| topic.partitions.get(&partition.partition))
                    .is_some_and(|registration| registration.replicas.contains(&node));
                if hosted || partition.topic.as_str() == METADATA_TOPIC {
                    continue;
                }
                let from = dir.log_dir.path().join(partition_dir_name(&partition));
                let to = self.free_stray_name(&from)?;
                self.disk.rename(&from, &to).map_err(LogError::io("rename", &from))?;
                self.disk
                    .sync_dir(dir.log_dir.path())
                    .map_err(LogError::io("sync", dir.log_dir.path()))?;
                strays.push(to);
            }
        }
        Ok(strays)
    }

    /// A topic may have gone astray before under the same name.
    fn free_stray_name(&self, from: &Path) -> Result<PathBuf, LogError> {
        let name = |number: u32| {
            let mut name = from.as_os_str().to_owned();
            if number > 0 {
                name.push(format!(".{number}"));
            }
            name.push(STRAY_SUFFIX);
            PathBuf::from(name)
        };
        let mut number = 0;
        while self.disk.exists(&name(number)).map_err(LogError::io("look for", from))? {
            number += 1;
        }
        Ok(name(number))
    }

    /// Replaces a checkpoint of one log dir.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn checkpoint(
        &self,
        dir: usize,
        kind: OffsetCheckpoint,
        offsets: &BTreeMap<TopicPartition, Offset>,
    ) -> Result<(), LogError> {
        match self.dirs.get(dir) {
            Some(dir) => dir.log_dir.write_offsets(kind, offsets),
            None => Ok(()),
        }
    }

    /// Removes what was deleted, in one log dir.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn remove_deleted(&self, dir: usize) -> Result<usize, LogError> {
        self.dirs.get(dir).map_or(Ok(0), |dir| dir.log_dir.remove_deleted())
    }

    /// Marks a clean shutdown: every log is closed and every checkpoint written.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn mark_clean_shutdown(&self, broker_epoch: BrokerEpoch) -> Result<(), LogError> {
        self.dirs.iter().try_for_each(|dir| dir.log_dir.mark_clean_shutdown(broker_epoch))
    }
}
