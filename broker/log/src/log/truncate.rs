//! Cutting a log at its end, or anew altogether.

use std::sync::Arc;

use taffrail_model::{Now, Offset};

use super::Log;
use super::recover::replay_segment;
use crate::disk::Disk;
use crate::error::LogError;
use crate::producer::ProducerStates;
use crate::segment::Segment;

impl<D: Disk> Log<D> {
    /// Cuts off the batch that holds `offset` and all behind it, durably. Returns the new end of the log,
    /// which is below `offset` only if that was inside of a batch. An offset at the end or past it cuts
    /// nothing but epochs that begin there.
    ///
    /// The recovery point goes down with the end. It has to be in the log dir's checkpoint before the next
    /// append: with the old one, recovery would trust what wasn't synced.
    ///
    /// # Errors
    /// [`LogError::OffsetOutOfRange`] for a negative offset. Errors of the disk; the log is then offline.
    pub fn truncate_to(&mut self, offset: Offset, now: Now) -> Result<Offset, LogError> {
        self.shared.check_online()?;
        let (start, end) = (self.start_offset(), self.end_offset());
        if offset < 0 {
            return Err(LogError::OffsetOutOfRange { offset, start, end });
        }
        if offset >= end {
            self.shared.change_epochs(|epochs| epochs.truncate_from_end(end));
            return Ok(end);
        }
        let first_base = self.shared.segments().first().map(|segment| segment.base_offset);
        if first_base.is_some_and(|base| base > offset) {
            self.truncate_fully_and_start_at(offset, now)?;
            return Ok(offset);
        }
        self.offline_on_error(|log| log.cut_at(offset, now))
    }

    /// Drops everything, and begins an empty log at `offset`, durably. What [`Log::truncate_to`] says of the
    /// recovery point holds here as well.
    ///
    /// # Errors
    /// Errors of the disk; the log is then offline.
    pub fn truncate_fully_and_start_at(
        &mut self,
        offset: Offset,
        now: Now,
    ) -> Result<(), LogError> {
        self.shared.check_online()?;
        self.offline_on_error(|log| log.start_anew(offset, now))
    }

    fn cut_at(&mut self, offset: Offset, now: Now) -> Result<Offset, LogError> {
        self.truncations += 1;
        // Readers are told first, so that none of them looks for what is about to go.
        self.shared.set_end(offset);
        let mut segments = self.shared.segments().to_vec();
        let kept = segments.partition_point(|segment| segment.base_offset <= offset);
        let dropped = segments.split_off(kept.max(1));
        self.shared.set_segments(segments);
        self.doom_durably(&dropped, now)?;
        let active = self.shared.active();
        let end = active.truncate_to(offset)?.min(offset);
        self.shared.set_end(end);
        self.shared.set_start(self.start_offset().min(end));
        self.shared.change_epochs(|epochs| epochs.truncate_from_end(end));
        self.recovery_point = self.recovery_point.min(end);
        self.snapshots.remove_where(|offset| offset > end)?;
        self.reload_producers(end)?;
        self.make_cut_durable()?;
        Ok(end)
    }

    fn start_anew(&mut self, offset: Offset, now: Now) -> Result<(), LogError> {
        self.truncations += 1;
        self.shared.set_start(offset);
        self.shared.set_end(offset);
        let old = self.shared.segments();
        // The old files are out of the way before a new one may have the same name.
        self.doom_durably(&old, now)?;
        let segment = Segment::create(&self.disk, &self.dir, offset, now.wall)?;
        self.shared.set_segments(vec![Arc::new(segment)]);
        self.shared.change_epochs(|epochs| {
            epochs.clear();
            true
        });
        self.producers = ProducerStates::default();
        self.snapshots.remove_where(|_| true)?;
        self.recovery_point = offset;
        self.make_cut_durable()
    }

    /// Marks segments at the end as deleted, durably and the last one first: a crash in between leaves a
    /// prefix of them, and never a hole.
    fn doom_durably(&mut self, segments: &[Arc<Segment<D>>], now: Now) -> Result<(), LogError> {
        for segment in segments.iter().rev() {
            self.doom(segment, now)?;
        }
        self.disk.sync_dir(&self.dir).map_err(LogError::io("sync", &self.dir))
    }

    /// Rebuilds the producers' state at the new end from the last snapshot below it.
    fn reload_producers(&mut self, end: Offset) -> Result<(), LogError> {
        let segments = self.shared.segments();
        let first_base = segments.first().map_or(end, |segment| segment.base_offset);
        let (from, mut producers) = match self.snapshots.load_latest(end)? {
            Some(snapshot) => snapshot,
            None => (first_base, ProducerStates::default()),
        };
        let above = segments.partition_point(|segment| segment.base_offset <= from);
        for segment in segments.iter().skip(above.saturating_sub(1)) {
            replay_segment(segment, from.max(segment.base_offset), end, &mut producers)?;
        }
        self.producers = producers;
        Ok(())
    }

    /// What was cut must not come back, behind batches that follow it now.
    fn make_cut_durable(&mut self) -> Result<(), LogError> {
        self.names_changed += 1;
        self.disk.sync_dir(&self.dir).map_err(LogError::io("sync", &self.dir))?;
        self.names_synced = self.names_changed;
        self.shared.write_epochs()?;
        self.unsynced_since =
            self.unsynced_since.filter(|_| self.recovery_point < self.end_offset());
        Ok(())
    }

    /// A change of several files that stops half-way leaves the log in no state to go on from.
    fn offline_on_error<T>(
        &mut self,
        change: impl FnOnce(&mut Self) -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        let result = change(self);
        if let Err(error) = &result {
            self.shared.take_offline(&format!("a truncation failed: {error}"));
        }
        result
    }
}
