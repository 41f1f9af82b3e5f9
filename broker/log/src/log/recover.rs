//! Recovery: which bytes of the segments are batches, and what follows from them.

use std::collections::BTreeSet;
use std::sync::Arc;

use taffrail_model::{Now, Offset};
use taffrail_protocol::batch::BatchHeader;

use super::load::{OpenLog, remove_segment_files};
use super::report::{RecoveryReport, Truncation};
use super::shared::SegmentList;
use crate::disk::Disk;
use crate::error::LogError;
use crate::leader_epochs::LeaderEpochs;
use crate::producer::{Origin, ProducerStates, Snapshots};
use crate::segment::{Located, Scan, ScanError, Segment};

/// One recovery under way.
pub(super) struct Recovery<'a, D: Disk> {
    pub(super) disk: &'a D,
    pub(super) open: &'a OpenLog,
    pub(super) now: Now,
    /// Whether offsets may be missing between batches.
    pub(super) is_sparse: bool,
    pub(super) snapshots: Snapshots<D>,
    pub(super) epochs: LeaderEpochs,
    pub(super) report: RecoveryReport,
    /// Whether files were removed whose names must not come back.
    pub(super) names_changed: bool,
}

/// What recovery found.
pub(super) struct Recovered<D: Disk> {
    pub(super) segments: SegmentList<D>,
    pub(super) producers: ProducerStates,
    pub(super) snapshots: Snapshots<D>,
    pub(super) epochs: LeaderEpochs,
    pub(super) start: Offset,
    pub(super) end: Offset,
    pub(super) report: RecoveryReport,
    pub(super) names_changed: bool,
}

impl<D: Disk> Recovery<'_, D> {
    /// Reads the segments in `to_scan` byte by byte, and of the others the headers that the producers' state
    /// needs.
    pub(super) fn run(
        mut self,
        mut segments: SegmentList<D>,
        to_scan: &BTreeSet<Offset>,
    ) -> Result<Recovered<D>, LogError> {
        let first_base = segments.first().map_or(0, |segment| segment.base_offset);
        // Below the first segment to scan everything is as it was when the snapshot was taken.
        let trusted_to = to_scan.first().copied().unwrap_or(Offset::MAX);
        if to_scan.is_empty()
            && let Some(last) = segments.last()
        {
            let end = last.next_offset()?;
            self.remove_snapshots_above(end)?;
        }
        let (from, mut producers) = match self.snapshots.load_latest(trusted_to)? {
            Some(snapshot) => snapshot,
            None => (first_base, ProducerStates::default()),
        };
        self.report.producers_replayed_from = from;

        let mut end = first_base;
        let mut kept = segments.len();
        let mut follows_scanned = false;
        for (index, segment) in segments.iter().enumerate() {
            let is_scanned = to_scan.contains(&segment.base_offset);
            if let Some(reason) = self.boundary_fault(segment, end, follows_scanned && is_scanned) {
                let bytes = segment.size();
                let segment = segment.base_offset;
                self.report.truncation = Some(Truncation { segment, position: 0, bytes, reason });
                kept = index;
                break;
            }
            follows_scanned = is_scanned;
            if is_scanned {
                end = self.scan(segment, &mut producers)?;
                if self.report.truncation.is_some() {
                    kept = index + 1;
                    break;
                }
                if index + 1 < segments.len() {
                    segment.sync_indexes()?;
                }
            } else {
                let following = segments.get(index + 1).map(|next| next.base_offset);
                end = match following {
                    Some(following) if following <= from => following,
                    _ => self.replay(segment, from, &mut producers)?,
                };
            }
        }
        for behind_cut in segments.split_off(kept) {
            self.remove_segment(&behind_cut)?;
        }
        if end < self.open.start_offset {
            // The segments were taken away, or DeleteRecords went further than what was synced.
            for segment in segments.drain(..) {
                self.remove_segment(&segment)?;
            }
            self.epochs.clear();
            producers = ProducerStates::default();
            end = self.open.start_offset;
        }
        if segments.is_empty() {
            end = self.open.start_offset;
            let created = Segment::create(self.disk, &self.open.dir, end, self.now.wall)?;
            segments.push(Arc::new(created));
        }
        self.remove_snapshots_above(end)?;
        let base = segments.first().map_or(end, |segment| segment.base_offset);
        let start = self.open.start_offset.max(base);
        self.epochs.truncate_from_end(end);
        self.epochs.truncate_from_start(start);
        producers.replicated_to(start);
        Ok(Recovered {
            segments,
            producers,
            snapshots: self.snapshots,
            epochs: self.epochs,
            start,
            end,
            report: self.report,
            names_changed: self.names_changed,
        })
    }

    /// Why a segment can't follow one that ends at `end`. After a power cut a segment may be there while
    /// the end of the one before it is lost, for neither was synced: what is left is then no prefix.
    fn boundary_fault(
        &self,
        segment: &Segment<D>,
        end: Offset,
        are_unsynced: bool,
    ) -> Option<String> {
        let base = segment.base_offset;
        if base < end {
            Some(format!("the segment begins at {base}, before {end}, the end of the one before"))
        } else if base > end && are_unsynced && !self.is_sparse {
            Some(format!("the batches from {end} to {base} are lost"))
        } else {
            None
        }
    }

    /// Reads every byte of a segment, rebuilds its indexes and cuts it where it stops being right. Returns
    /// the offset behind its last batch.
    fn scan(
        &mut self,
        segment: &Segment<D>,
        producers: &mut ProducerStates,
    ) -> Result<Offset, LogError> {
        let size = segment.size();
        segment.clear_indexes()?;
        segment.restart_at_zero();
        let mut end = segment.base_offset;
        let mut scan = Scan::batches(&segment.file, 0, size);
        let reason = loop {
            let located = match scan.next_batch() {
                Ok(Some((located, _))) => located,
                Ok(None) => break None,
                Err(ScanError::Invalid { reason, .. }) => break Some(reason.to_string()),
                // A disk that can't be read says nothing about what is on it: nothing is cut.
                Err(error @ ScanError::Io(_)) => return Err(segment.scan_error(error)),
            };
            if let Some(reason) = offsets_fault(&located.header, end, segment.base_offset) {
                break Some(reason);
            }
            self.take_up(segment, &located, producers)?;
            end = located.header.next_offset();
        };
        let position = segment.size();
        self.report.segments_scanned += 1;
        self.report.bytes_scanned += size;
        if let Some(reason) = reason {
            segment.cut(position)?;
            let bytes = size - position;
            let segment = segment.base_offset;
            self.report.truncation = Some(Truncation { segment, position, bytes, reason });
        }
        segment.seal()?;
        Ok(end)
    }

    /// Brings indexes, epochs and producers up to a batch of a segment that is scanned.
    fn take_up(
        &mut self,
        segment: &Segment<D>,
        located: &Located,
        producers: &mut ProducerStates,
    ) -> Result<(), LogError> {
        let header = &located.header;
        segment.appended(header, self.open.config.index_interval_bytes)?;
        if self.epochs.latest().is_none_or(|last| last.epoch < header.partition_leader_epoch) {
            self.epochs.assign(header.partition_leader_epoch, header.base_offset);
        }
        replay_batch(segment, located, producers, true)
    }

    /// Brings the producers up to a segment that is trusted, from `from` on. Returns its end.
    fn replay(
        &self,
        segment: &Segment<D>,
        from: Offset,
        producers: &mut ProducerStates,
    ) -> Result<Offset, LogError> {
        replay_segment(segment, from, Offset::MAX, producers)?;
        segment.next_offset()
    }

    fn remove_segment(&mut self, segment: &Segment<D>) -> Result<(), LogError> {
        self.names_changed = true;
        self.report.segments_removed += 1;
        remove_segment_files(self.disk, &self.open.dir, segment.base_offset)
    }

    fn remove_snapshots_above(&mut self, end: Offset) -> Result<(), LogError> {
        if self.snapshots.offsets().any(|offset| offset > end) {
            self.names_changed = true;
            self.snapshots.remove_where(|offset| offset > end)?;
        }
        Ok(())
    }
}

/// What is wrong with a batch's offsets behind a batch that ends at `end`.
fn offsets_fault(header: &BatchHeader, end: Offset, segment_base: Offset) -> Option<String> {
    let (base, last) = (header.base_offset, header.last_offset());
    if base < end {
        Some(format!("a batch begins at offset {base}, before {end}"))
    } else if header.last_offset_delta < 0 || last - segment_base > i64::from(i32::MAX) {
        Some(format!("a batch has the offsets {base} to {last}"))
    } else {
        None
    }
}

/// Brings producers up to the batches of a segment from `from` to before `to`.
pub(super) fn replay_segment<D: Disk>(
    segment: &Segment<D>,
    from: Offset,
    to: Offset,
    producers: &mut ProducerStates,
) -> Result<(), LogError> {
    let Some(first) = segment.locate(from)? else { return Ok(()) };
    let mut scan = Scan::headers(&segment.file, first.position, segment.size());
    loop {
        match scan.next_header() {
            Ok(Some(located)) if located.header.base_offset >= to => return Ok(()),
            Ok(Some(located)) => replay_batch(segment, &located, producers, false)?,
            Ok(None) => return Ok(()),
            Err(error) => return Err(segment.scan_error(error)),
        }
    }
}

/// Brings producers up to one batch. `is_indexing` adds an aborted transaction to the segment's index.
fn replay_batch<D: Disk>(
    segment: &Segment<D>,
    located: &Located,
    producers: &mut ProducerStates,
    is_indexing: bool,
) -> Result<(), LogError> {
    let header = &located.header;
    if !header.has_producer_id() {
        return Ok(());
    }
    // Only a marker's records matter.
    let batch = if header.is_control() {
        segment.batch(located)?
    } else {
        taffrail_protocol::batch::Batch { header: *header, bytes: bytes::Bytes::new() }
    };
    let entry = producers.entry(header.producer_id);
    let update = ProducerStates::check(&entry, &batch, header, Origin::Replication)
        .map_err(|error| LogError::corrupt(&segment.path, error.to_string()))?;
    if let Some(aborted) = update.and_then(|update| producers.apply(&update))
        && is_indexing
    {
        segment.txn_index.push(aborted).map_err(segment.io("index an abort in"))?;
    }
    Ok(())
}
