//! Making a log durable, outside of its lock.
//!
//! Under the lock the writer hands out a [`SyncHandle`]; the handle syncs while appends go on; then the
//! writer learns of it. Only then the recovery point moves.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use taffrail_model::{Mono, Now, Offset};

use super::Log;
use super::shared::Shared;
use crate::disk::{Disk, DiskFile, OpenMode};
use crate::error::LogError;
use crate::file_names::{SNAPSHOT_SUFFIX, offset_file};
use crate::segment::Segment;

/// How much to sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncScope {
    /// The segments that take no more appends.
    Sealed,
    /// All that was appended.
    All,
}

/// Files to sync, and the offset below which all is durable then.
pub struct SyncHandle<D: Disk> {
    shared: Arc<Shared<D>>,
    /// Segments with unsynced batches; the indexes of all but the active one are synced too.
    sealed: Vec<Arc<Segment<D>>>,
    active: Option<Arc<Segment<D>>>,
    snapshots: Vec<PathBuf>,
    syncs_names: bool,
    names_changed: u64,
    truncations: u64,
    target: Offset,
    begun: Mono,
    /// Whether any file was asked to be synced. A failure before that has lost nothing.
    has_synced: AtomicBool,
}

impl<D: Disk> SyncHandle<D> {
    /// The offset below which all is durable once [`SyncHandle::sync`] succeeded.
    #[must_use]
    pub fn target(&self) -> Offset {
        self.target
    }

    /// Syncs the files. Call [`Log::end_sync`] with the result, whatever it is. One at a time for each log.
    ///
    /// # Errors
    /// Errors of the disk.
    pub fn sync(&self) -> Result<(), LogError> {
        // What needs room on the disk comes first, as a full disk is no reason to give the log up.
        for segment in &self.sealed {
            segment.write_indexes()?;
        }
        // Recovery reads the batches above the recovery point, and so finds the epochs that begin there.
        // Those that begin below have to be in the file before the point moves.
        self.shared.write_epochs()?;
        self.has_synced.store(true, Ordering::Release);
        for segment in self.sealed.iter().chain(&self.active) {
            segment.sync_batches()?;
        }
        for segment in &self.sealed {
            segment.sync_indexes()?;
        }
        for path in &self.snapshots {
            // Retention may have removed it meanwhile, and then there is nothing to sync.
            if let Ok(file) = self.shared.disk.open(path, OpenMode::ReadWrite) {
                file.sync_all().map_err(LogError::io("sync", path))?;
            }
        }
        if self.syncs_names {
            let dir = &self.shared.dir;
            self.shared.disk.sync_dir(dir).map_err(LogError::io("sync", dir))?;
        }
        Ok(())
    }
}

impl<D: Disk> Log<D> {
    /// The offset below which all is durable, and from which recovery begins.
    #[must_use]
    pub fn recovery_point(&self) -> Offset {
        self.recovery_point
    }

    /// What `flush.messages`, `flush.ms` and rolled segments ask to be synced now.
    #[must_use]
    pub fn sync_due(&self, now: Now) -> Option<SyncScope> {
        let unsynced = self.end_offset() - self.recovery_point;
        let is_old = self.next_sync_at().is_some_and(|deadline| deadline <= now.mono);
        if unsynced > 0 && (unsynced >= self.config.flush_messages || is_old) {
            Some(SyncScope::All)
        } else if self.recovery_point < self.shared.active().base_offset {
            Some(SyncScope::Sealed)
        } else {
            None
        }
    }

    /// When `flush.ms` asks for a sync of what is unsynced now.
    #[must_use]
    pub fn next_sync_at(&self) -> Option<Mono> {
        Some(self.unsynced_since?.plus_ms(self.config.flush_ms?))
    }

    /// Begins a sync; `None` when all of the scope is durable.
    ///
    /// # Errors
    /// [`LogError::Offline`].
    pub fn begin_sync(
        &self,
        scope: SyncScope,
        now: Now,
    ) -> Result<Option<SyncHandle<D>>, LogError> {
        self.shared.check_online()?;
        let segments = self.shared.segments();
        let active = self.shared.active();
        let (target, active) = match scope {
            SyncScope::Sealed => (active.base_offset.min(self.end_offset()), None),
            SyncScope::All => (self.end_offset(), Some(active)),
        };
        if target <= self.recovery_point {
            return Ok(None);
        }
        // A segment ends where the next one begins.
        let following = segments.iter().skip(1).map(|segment| segment.base_offset);
        let sealed: Vec<_> = segments
            .iter()
            .zip(following)
            .filter(|(_, end)| *end > self.recovery_point)
            .map(|(segment, _)| Arc::clone(segment))
            .collect();
        let snapshots = self.snapshots.offsets().filter(|offset| *offset > self.recovery_point);
        let dir = &self.dir;
        Ok(Some(SyncHandle {
            snapshots: snapshots.map(|offset| offset_file(dir, offset, SNAPSHOT_SUFFIX)).collect(),
            sealed,
            active,
            shared: Arc::clone(&self.shared),
            syncs_names: self.names_changed > self.names_synced,
            names_changed: self.names_changed,
            truncations: self.truncations,
            target,
            begun: now.mono,
            has_synced: AtomicBool::new(false),
        }))
    }

    /// Takes note of a sync. After a failed one the log is offline: the operating system may have dropped
    /// what it couldn't write, so that trying again could succeed without the data. Only a disk that was full
    /// before anything was synced leaves the log as it was; the sync is due again.
    pub fn end_sync(&mut self, handle: &SyncHandle<D>, result: &Result<(), LogError>) {
        if let Err(error) = result {
            if error.is_no_space() && !handle.has_synced.load(Ordering::Acquire) {
                return;
            }
            self.shared.take_offline(&format!("a sync failed: {error}"));
            return;
        }
        self.names_synced = self.names_synced.max(handle.names_changed);
        // A truncation that came between may have been followed by other batches at the same offsets.
        if handle.truncations != self.truncations {
            return;
        }
        self.recovery_point = self.recovery_point.max(handle.target);
        self.unsynced_since = (self.recovery_point < self.end_offset()).then_some(handle.begun);
    }

    /// Syncs all that was appended, in place.
    ///
    /// # Errors
    /// Errors of the disk; the log is then offline.
    pub fn flush(&mut self, now: Now) -> Result<(), LogError> {
        if let Some(handle) = self.begin_sync(SyncScope::All, now)? {
            let result = handle.sync();
            self.end_sync(&handle, &result);
            result?;
        }
        Ok(())
    }
}
