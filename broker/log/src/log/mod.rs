//! The log of one partition.
//!
//! [`Log`] is the one writer; [`LogReader`]s read beside it. Appending is prepare, write, take note: a batch
//! changes no state before it is in the file, and readers see it last.
//!
//! Architecture Invariant: offsets rise strictly, and a (producer, epoch, sequence) is appended once.
//!
//! Architecture Invariant: after a failure that can't be undone the log is offline, and says so, until it
//! is opened again.

mod append;
mod load;
mod reader;
mod recover;
mod report;
mod retention;
mod roll;
mod shared;
mod sync;
mod truncate;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use taffrail_model::{LeaderEpoch, Mono, Now, Offset, Uuid};

pub use self::append::Appended;
pub use self::load::OpenLog;
pub use self::reader::{FoundOffset, LogReader, OffsetQuery, ReadRequest, ReadResult};
pub use self::report::{RecoveryReport, Truncation};
pub use self::retention::Retained;
use self::shared::Shared;
pub use self::sync::{SyncHandle, SyncScope};
use crate::config::LogConfig;
use crate::disk::Disk;
use crate::error::LogError;
use crate::file_names::deleted_dir_name;
use crate::producer::{ProducerStates, Snapshots};

/// The log of one partition, in a directory of its own.
pub struct Log<D: Disk> {
    disk: D,
    dir: PathBuf,
    topic_id: Option<Uuid>,
    config: LogConfig,
    shared: Arc<Shared<D>>,
    /// The producers at the end of the log.
    producers: ProducerStates,
    snapshots: Snapshots<D>,
    /// Below this offset all is durable.
    recovery_point: Offset,
    /// Since when there are batches that no sync has begun for.
    unsynced_since: Option<Mono>,
    /// How often files were made, renamed or removed, and up to which of these the directory was synced.
    names_changed: u64,
    names_synced: u64,
    /// How often the log was cut, by which a sync knows that one came between.
    truncations: u64,
    /// Files that are marked as deleted, in the order in which they are to go.
    doomed: VecDeque<Doomed>,
}

/// Files that wait for their removal, so that readers of the moment can finish.
struct Doomed {
    remove_at: Mono,
    paths: Vec<PathBuf>,
}

impl<D: Disk> Log<D> {
    /// A handle to read with, beside this writer.
    #[must_use]
    pub fn reader(&self) -> LogReader<D> {
        LogReader { shared: Arc::clone(&self.shared) }
    }

    /// The partition's directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The topic's id, where the directory knows it.
    #[must_use]
    pub fn topic_id(&self) -> Option<Uuid> {
        self.topic_id
    }

    /// The first offset that may be read.
    #[must_use]
    pub fn start_offset(&self) -> Offset {
        self.shared.start()
    }

    /// The offset that the next record will have.
    #[must_use]
    pub fn end_offset(&self) -> Offset {
        self.shared.end()
    }

    /// The number of segments.
    #[must_use]
    pub fn segment_count(&self) -> usize {
        self.shared.segments().len()
    }

    /// Fails when an earlier failure has taken the log offline.
    ///
    /// # Errors
    /// [`LogError::Offline`].
    pub fn check_online(&self) -> Result<(), LogError> {
        self.shared.check_online()
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &LogConfig {
        &self.config
    }

    /// Takes a new configuration, which was validated.
    pub fn set_config(&mut self, config: LogConfig) {
        self.config = config;
    }

    /// Takes note that this replica leads from here on in `epoch`, before its first batch (KIP-101).
    pub fn begin_epoch(&mut self, epoch: LeaderEpoch) {
        let end = self.end_offset();
        self.shared.change_epochs(|epochs| epochs.assign(epoch, end));
    }

    /// The first offset that readers of committed records must not pass: the beginning of the first
    /// transaction that is open, or that ended above the high watermark.
    #[must_use]
    pub fn first_unstable_offset(&self) -> Option<Offset> {
        self.producers.first_unstable_offset()
    }

    /// Takes note of the high watermark, below which ended transactions are stable.
    pub fn replicated_to(&mut self, high_watermark: Offset) {
        self.producers.replicated_to(high_watermark);
    }

    /// Forgets producers that have been idle for `producer.id.expiration.ms`.
    pub fn expire_producers(&mut self, now: Now) {
        self.producers.expire(now.wall, self.config.producer_id_expiration_ms);
    }

    /// The number of producers whose sequences are remembered.
    #[must_use]
    pub fn producer_count(&self) -> usize {
        self.producers.len()
    }

    /// Syncs everything and writes the producers' state, so that the next start, if it is marked as clean,
    /// has nothing to scan. Returns the recovery point, which is the end of the log.
    ///
    /// # Errors
    /// Errors of the disk. The dir must then not be marked as cleanly shut down.
    pub fn close(mut self, now: Now) -> Result<Offset, LogError> {
        self.flush(now)?;
        let end = self.end_offset();
        if !self.snapshots.contains(end) && self.snapshots.offsets().next_back() != Some(end) {
            self.snapshots.write(end, &self.producers)?;
        }
        self.snapshots.sync(end)?;
        for segment in self.shared.segments().iter() {
            segment.seal()?;
            segment.sync_indexes()?;
        }
        self.shared.write_epochs()?;
        self.remove_doomed_until(None)?;
        self.disk.sync_dir(&self.dir).map_err(LogError::io("sync", &self.dir))?;
        Ok(end)
    }

    /// Deletes the log: its directory is renamed to `<topic>-<partition>.<unique_id>-delete`, durably, and
    /// removed by [`LogDir::remove_deleted`](crate::LogDir::remove_deleted) later. Readers fail from now on.
    /// Returns the new directory.
    ///
    /// # Errors
    /// Errors of the disk.
    pub fn delete(self, unique_id: Uuid) -> Result<PathBuf, LogError> {
        self.shared.take_offline("it was deleted");
        let name = self.dir.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let deleted = self.dir.with_file_name(deleted_dir_name(name, unique_id));
        self.disk.rename(&self.dir, &deleted).map_err(LogError::io("rename", &self.dir))?;
        let parent = self.dir.parent().unwrap_or(Path::new("/"));
        self.disk.sync_dir(parent).map_err(LogError::io("sync", parent))?;
        Ok(deleted)
    }
}
