//! What the writer of a log publishes to its readers.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use parking_lot::{Mutex, RwLock};
use taffrail_model::Offset;

use crate::checkpoint::write_text;
use crate::disk::Disk;
use crate::error::LogError;
use crate::file_names::LEADER_EPOCH_CHECKPOINT;
use crate::leader_epochs::LeaderEpochs;
use crate::segment::Segment;

/// The segments of a log, by rising base offset; never empty.
pub(crate) type SegmentList<D> = Vec<Arc<Segment<D>>>;

/// The state that readers see without the writer's lock.
pub(crate) struct Shared<D: Disk> {
    pub(crate) disk: D,
    pub(crate) dir: PathBuf,
    segments: ArcSwap<SegmentList<D>>,
    start: AtomicI64,
    end: AtomicI64,
    epochs: RwLock<LeaderEpochs>,
    /// The epochs have changed since they were written.
    are_epochs_dirty: AtomicBool,
    /// One writer of the epochs' file at a time, so that the newest content is the last to arrive.
    epochs_file: Mutex<()>,
    offline: OnceLock<String>,
}

impl<D: Disk> Shared<D> {
    pub(crate) fn new(
        disk: D,
        dir: PathBuf,
        segments: SegmentList<D>,
        epochs: LeaderEpochs,
        start: Offset,
        end: Offset,
    ) -> Self {
        Self {
            disk,
            dir,
            segments: ArcSwap::from_pointee(segments),
            start: AtomicI64::new(start),
            end: AtomicI64::new(end),
            epochs: RwLock::new(epochs),
            are_epochs_dirty: AtomicBool::new(true),
            epochs_file: Mutex::new(()),
            offline: OnceLock::new(),
        }
    }

    pub(crate) fn segments(&self) -> Arc<SegmentList<D>> {
        self.segments.load_full()
    }

    pub(crate) fn set_segments(&self, segments: SegmentList<D>) {
        assert!(!segments.is_empty(), "a log has at least one segment");
        self.segments.store(Arc::new(segments));
    }

    /// The segment that takes appends.
    pub(crate) fn active(&self) -> Arc<Segment<D>> {
        let segments = self.segments.load();
        #[expect(clippy::expect_used, reason = "`set_segments` and `new` are given at least one")]
        let active = segments.last().expect("a log has at least one segment");
        Arc::clone(active)
    }

    pub(crate) fn start(&self) -> Offset {
        self.start.load(Ordering::Acquire)
    }

    pub(crate) fn set_start(&self, offset: Offset) {
        self.start.store(offset, Ordering::Release);
    }

    pub(crate) fn end(&self) -> Offset {
        self.end.load(Ordering::Acquire)
    }

    pub(crate) fn set_end(&self, offset: Offset) {
        self.end.store(offset, Ordering::Release);
    }

    pub(crate) fn read_epochs<T>(&self, action: impl FnOnce(&LeaderEpochs) -> T) -> T {
        action(&self.epochs.read())
    }

    /// Changes the epochs in memory, if `action` says that it did. [`Shared::write_epochs`] makes it durable.
    pub(crate) fn change_epochs(&self, action: impl FnOnce(&mut LeaderEpochs) -> bool) {
        if action(&mut self.epochs.write()) {
            self.are_epochs_dirty.store(true, Ordering::Release);
        }
    }

    /// Writes the epochs, durably, if they have changed.
    pub(crate) fn write_epochs(&self) -> Result<(), LogError> {
        let _one_at_a_time = self.epochs_file.lock();
        if !self.are_epochs_dirty.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let text = self.epochs.read().to_text();
        let written = write_text(&self.disk, &self.dir.join(LEADER_EPOCH_CHECKPOINT), &text);
        if written.is_err() {
            self.are_epochs_dirty.store(true, Ordering::Release);
        }
        written
    }

    /// Fails when the log is offline.
    pub(crate) fn check_online(&self) -> Result<(), LogError> {
        match self.offline.get() {
            None => Ok(()),
            Some(reason) => {
                Err(LogError::Offline { dir: self.dir.clone(), reason: reason.clone() })
            }
        }
    }

    /// Takes the log offline for good. The first reason stays.
    pub(crate) fn take_offline(&self, reason: &str) {
        self.offline.get_or_init(|| reason.to_owned());
    }
}
