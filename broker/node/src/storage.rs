//! The log dirs of a node: which of them holds a partition, what they remember of it, and what doesn't belong there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use taffrail_log::{Disk, LogDir, LogError, OffsetCheckpoint, partition_dir_name};
use taffrail_metadata::MetadataImage;
use taffrail_model::{BrokerEpoch, NodeId, Offset, TopicPartition, Uuid};

/// What Kafka appends to the name of a partition's directory that the metadata doesn't know.
const STRAY_SUFFIX: &str = "-stray";

/// What a file system allows for one name.
const DIR_NAME_BYTES_MAX: usize = 255;

/// The controller's own log lies beside the partitions and isn't one.
const METADATA_TOPIC: &str = "__cluster_metadata";

/// What a log dir remembers of one partition from the last process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// The topic whose directory was there at start, if any. Checkpoints go by name, so that what else is remembered holds
    /// for no later topic of that name.
    pub topic_id: Option<Uuid>,
    /// The last process stopped cleanly, so that the log's files are as they should be.
    pub clean: bool,
    /// What lies below was synced.
    pub recovery_point: Offset,
    /// Where the log begins.
    pub log_start: Offset,
    /// The high watermark.
    pub high_watermark: Offset,
}

impl Remembered {
    /// What of it holds for this topic: all or nothing.
    pub(crate) fn of_topic(self, topic_id: Uuid) -> Self {
        if self.topic_id == Some(topic_id) { self } else { Self::default() }
    }
}

/// One log dir.
#[derive(Debug)]
struct Dir<D> {
    id: Uuid,
    log_dir: LogDir<D>,
    /// The broker epoch of a clean shutdown; `None` after an unclean one.
    clean: Option<Option<BrokerEpoch>>,
    /// The topics of the partitions that had a directory at start.
    topic_ids: BTreeMap<TopicPartition, Uuid>,
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
                topic_ids: read_topic_ids(&log_dir)?,
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
        self.dirs.iter().filter(|dir| dir.is_offline()).map(|dir| dir.id).collect()
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
    /// else the one with the fewest partitions by `count`, of those that didn't fail.
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
        let emptiest = || {
            let online = self.dirs.iter().enumerate().filter(|(_, dir)| !dir.is_offline());
            online.map(|(index, _)| index).min_by_key(|&index| count(index)).unwrap_or(0)
        };
        Ok(assigned.unwrap_or_else(emptiest))
    }

    /// The path of a log dir.
    #[must_use]
    pub fn path(&self, dir: usize) -> Option<&Path> {
        self.dirs.get(dir).map(|dir| dir.log_dir.path())
    }

    /// What the last process left to know of the partition that had a directory of this name at start.
    #[must_use]
    pub fn remembered(&self, dir: usize, partition: &TopicPartition) -> Remembered {
        let Some(dir) = self.dirs.get(dir) else { return Remembered::default() };
        let of = |offsets: &BTreeMap<TopicPartition, Offset>| {
            offsets.get(partition).copied().unwrap_or(0)
        };
        Remembered {
            topic_id: dir.topic_ids.get(partition).copied(),
            clean: dir.clean.is_some(),
            recovery_point: of(&dir.recovery_points),
            log_start: of(&dir.log_starts),
            high_watermark: of(&dir.high_watermarks),
        }
    }

    /// Renames the directories of partitions that `image` doesn't place on `node`, so that a topic of the same name finds
    /// no old data, and nothing is lost either. Among them are those of a topic that was deleted and created again while
    /// the node was down: the name is still right then, and the id isn't. One without an id never had an append, since
    /// that needs the id on the disk first. Returns the new paths.
    ///
    /// To be called once, with the first image, before any partition is opened.
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
            let mut is_changed = false;
            for partition in partitions_of(&dir.log_dir)? {
                if !is_stray(&dir.log_dir, &partition, image, node)? {
                    continue;
                }
                let from = dir.log_dir.path().join(partition_dir_name(&partition));
                let to = self.free_stray_path(dir.log_dir.path(), &partition)?;
                self.disk.rename(&from, &to).map_err(LogError::io("rename", &from))?;
                is_changed = true;
                strays.push(to);
            }
            if is_changed {
                let path = dir.log_dir.path();
                self.disk.sync_dir(path).map_err(LogError::io("sync", path))?;
            }
        }
        Ok(strays)
    }

    /// A topic may have gone astray before under the same name.
    fn free_stray_path(
        &self,
        directory: &Path,
        partition: &TopicPartition,
    ) -> Result<PathBuf, LogError> {
        let mut number = 0;
        loop {
            let path = directory.join(stray_dir_name(partition, number));
            if !self.disk.exists(&path).map_err(LogError::io("look for", &path))? {
                return Ok(path);
            }
            number += 1;
        }
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

    /// Marks a clean shutdown, in each log dir of which every log was closed: the recovery points, written last, name
    /// them. A log that this process never opened, or couldn't, may still need the recovery that the mark would spare it.
    /// Returns the log dirs that stay without the mark.
    ///
    /// # Errors
    /// [`LogError`] of the first log dir that can't be read or written.
    pub fn mark_clean_shutdown(&self, broker_epoch: BrokerEpoch) -> Result<Vec<PathBuf>, LogError> {
        let mut unmarked = Vec::new();
        for dir in &self.dirs {
            let closed = dir.log_dir.offsets(OffsetCheckpoint::RecoveryPoint)?;
            let partitions = partitions_of(&dir.log_dir)?;
            if partitions.iter().all(|partition| closed.contains_key(partition)) {
                dir.log_dir.mark_clean_shutdown(broker_epoch)?;
            } else {
                unmarked.push(dir.log_dir.path().to_owned());
            }
        }
        Ok(unmarked)
    }
}

impl<D> Dir<D> {
    fn is_offline(&self) -> bool {
        self.offline.load(Ordering::Relaxed)
    }
}

/// The partitions that have a directory, but for the controller's log.
fn partitions_of<D: Disk>(log_dir: &LogDir<D>) -> Result<Vec<TopicPartition>, LogError> {
    let mut partitions = log_dir.partitions()?;
    partitions.retain(|partition| partition.topic.as_str() != METADATA_TOPIC);
    Ok(partitions)
}

fn read_topic_ids<D: Disk>(
    log_dir: &LogDir<D>,
) -> Result<BTreeMap<TopicPartition, Uuid>, LogError> {
    let mut topic_ids = BTreeMap::new();
    for partition in partitions_of(log_dir)? {
        match log_dir.topic_id(&partition) {
            Ok(Some(topic_id)) => {
                topic_ids.insert(partition, topic_id);
            }
            // Opening the log says so, and then only this partition is lost.
            Ok(None) | Err(LogError::Corrupt { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(topic_ids)
}

fn is_stray<D: Disk>(
    log_dir: &LogDir<D>,
    partition: &TopicPartition,
    image: &MetadataImage,
    node: NodeId,
) -> Result<bool, LogError> {
    let topic_id = match log_dir.topic_id(partition) {
        Ok(Some(topic_id)) => topic_id,
        Ok(None) => return Ok(true),
        // Nobody can say whose log it is, and a new one in its place would pass for empty.
        Err(LogError::Corrupt { .. }) => return Ok(false),
        Err(error) => return Err(error),
    };
    let is_placed_here = image
        .topic(topic_id)
        .filter(|topic| topic.name == partition.topic)
        .and_then(|topic| topic.partitions.get(&partition.partition))
        .is_some_and(|registration| registration.replicas.contains(&node));
    Ok(!is_placed_here)
}

/// `<topic>-<partition>.<number>-stray`, the topic cut so that the name fits a file system. Kafka refuses to start over a
/// directory that ends like a stray and has nothing between the partition and the ending.
fn stray_dir_name(partition: &TopicPartition, number: u32) -> String {
    let tail = format!("-{}.{number}{STRAY_SUFFIX}", partition.partition);
    let topic = partition.topic.as_str().chars();
    topic.take(DIR_NAME_BYTES_MAX - tail.len()).chain(tail.chars()).collect()
}
