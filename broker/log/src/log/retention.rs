//! Taking away the beginning of a log: by age, by size, by DeleteRecords.
//!
//! Files are first renamed to `.deleted`, so that readers of the moment can finish, and removed by
//! [`Log::remove_doomed`] after `file.delete.delay.ms`.

use std::io;

use taffrail_model::{Mono, Now, Offset};

use super::load::{deleted_path, remove_if_exists};
use super::{Doomed, Log};
use crate::disk::Disk;
use crate::error::LogError;
use crate::file_names::{SEGMENT_SUFFIXES, offset_file};
use crate::segment::Segment;

/// What retention took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// The segments that went.
    pub segments_removed: usize,
    /// Their bytes.
    pub bytes_removed: u64,
}

impl<D: Disk> Log<D> {
    /// Lets the log begin at `offset` (DeleteRecords). The segments below it go with the next
    /// [`Log::apply_retention`]. An offset below the beginning changes nothing.
    ///
    /// # Errors
    /// [`LogError::OffsetOutOfRange`] for an offset past the high watermark.
    pub fn delete_records(
        &mut self,
        offset: Offset,
        high_watermark: Offset,
    ) -> Result<(), LogError> {
        self.shared.check_online()?;
        let (start, end) = (self.start_offset(), high_watermark.min(self.end_offset()));
        if offset > end {
            return Err(LogError::OffsetOutOfRange { offset, start, end });
        }
        self.advance_start(offset);
        Ok(())
    }

    /// Takes away the segments that DeleteRecords has passed, that are too old, or that are too much; never
    /// one that holds records at or above the high watermark. The files are removed later, by
    /// [`Log::remove_doomed`].
    ///
    /// # Errors
    /// Errors of the disk. What was taken away by then stays away.
    pub fn apply_retention(
        &mut self,
        high_watermark: Offset,
        now: Now,
    ) -> Result<Retained, LogError> {
        self.shared.check_online()?;
        let removable = self.count_removable(high_watermark, now)?;
        if removable == 0 {
            return Ok(Retained::default());
        }
        if removable == self.segment_count() {
            // A log always has a segment that takes appends.
            self.roll_to(self.end_offset(), now)?;
        }
        let mut segments = self.shared.segments().to_vec();
        let kept = segments.split_off(removable);
        let start = kept.first().map_or(self.end_offset(), |segment| segment.base_offset);
        // Readers are told of the new beginning before they can miss the segments.
        self.advance_start(start);
        self.shared.set_segments(kept);
        let mut retained = Retained::default();
        for segment in &segments {
            retained.segments_removed += 1;
            retained.bytes_removed += segment.size();
            self.doom(segment, now)?;
        }
        self.snapshots.remove_where(|offset| offset < start)?;
        Ok(retained)
    }

    /// How many segments at the front may go.
    fn count_removable(&self, high_watermark: Offset, now: Now) -> Result<usize, LogError> {
        let segments = self.shared.segments();
        let size: u64 = segments.iter().map(|segment| segment.size()).sum();
        let limit = self.config.retention_bytes.filter(|_| self.config.is_cleaned_by_delete);
        let mut surplus = limit.map_or(0, |limit| size.saturating_sub(limit));
        let mut removable = 0;
        for (index, segment) in segments.iter().enumerate() {
            let following = segments.get(index + 1).map(|next| next.base_offset);
            let end = following.unwrap_or(self.end_offset());
            let is_passed = following.is_some_and(|following| following <= self.start_offset());
            let is_surplus = segment.size() > 0 && segment.size() <= surplus;
            let is_empty_active = following.is_none() && segment.size() == 0;
            let may_go = is_passed || is_surplus || self.is_expired(segment, now)?;
            if end > high_watermark || is_empty_active || !may_go {
                break;
            }
            surplus = surplus.saturating_sub(segment.size());
            removable += 1;
        }
        Ok(removable)
    }

    fn is_expired(&self, segment: &Segment<D>, now: Now) -> Result<bool, LogError> {
        match self.config.retention_ms.filter(|_| self.config.is_cleaned_by_delete) {
            None => Ok(false),
            Some(limit) => Ok(now.wall.saturating_sub(segment.retention_timestamp()?) > limit),
        }
    }

    fn advance_start(&mut self, offset: Offset) {
        if offset > self.start_offset() {
            self.shared.set_start(offset);
            self.shared.change_epochs(|epochs| epochs.truncate_from_start(offset));
            self.producers.replicated_to(offset);
        }
    }

    /// Marks a segment that has left the log, and its files, which are removed after
    /// `file.delete.delay.ms`.
    pub(super) fn doom(&mut self, segment: &Segment<D>, now: Now) -> Result<(), LogError> {
        segment.mark_removed();
        let mut paths = Vec::new();
        for suffix in SEGMENT_SUFFIXES {
            let path = offset_file(&self.dir, segment.base_offset, suffix);
            let deleted = deleted_path(&path);
            match self.disk.rename(&path, &deleted) {
                Ok(()) => paths.push(deleted),
                // Indexes that were never written have no file.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(LogError::io("rename", &path)(error)),
            }
        }
        self.names_changed += 1;
        let remove_at = now.mono.plus_ms(self.config.file_delete_delay_ms);
        self.doomed.push_back(Doomed { remove_at, paths });
        Ok(())
    }

    /// When [`Log::remove_doomed`] has something to do next.
    #[must_use]
    pub fn next_removal_at(&self) -> Option<Mono> {
        self.doomed.front().map(|doomed| doomed.remove_at)
    }

    /// Removes the files whose delay has passed. Returns how many segments they were.
    ///
    /// # Errors
    /// Errors of the disk; the file is tried again the next time.
    pub fn remove_doomed(&mut self, now: Now) -> Result<usize, LogError> {
        self.remove_doomed_until(Some(now.mono))
    }

    /// As [`Log::remove_doomed`]; all of them without a time.
    pub(super) fn remove_doomed_until(&mut self, time: Option<Mono>) -> Result<usize, LogError> {
        let mut removed = 0;
        while let Some(doomed) = self.doomed.front()
            && time.is_none_or(|time| doomed.remove_at <= time)
        {
            doomed.paths.iter().try_for_each(|path| remove_if_exists(&self.disk, path))?;
            self.doomed.pop_front();
            removed += 1;
        }
        Ok(removed)
    }
}
