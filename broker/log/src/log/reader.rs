//! Reading a log, beside its writer and without its lock.

use std::sync::Arc;

use bytes::Bytes;
use taffrail_model::{LeaderEpoch, Offset, Timestamp};
use taffrail_protocol::wire::Records;

use super::shared::Shared;
use crate::disk::Disk;
use crate::error::LogError;
use crate::index::AbortedTxn;
use crate::leader_epochs::{EpochEnd, EpochEntry};
use crate::segment::{Chunk, Segment};

/// How often a read begins anew because its segment was removed under it.
const ATTEMPTS_MAX: usize = 8;

/// A handle to read a log with. Clones share the log; all of them may be used while it is written.
pub struct LogReader<D: Disk> {
    pub(super) shared: Arc<Shared<D>>,
}

impl<D: Disk> Clone for LogReader<D> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

/// What to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadRequest {
    /// The first offset wanted; the batch that holds it comes whole.
    pub from: Offset,
    /// The bytes to read at most.
    pub max_bytes: usize,
    /// No batch that ends past this offset is read: the high watermark, the last stable offset or the end.
    pub bound: Offset,
    /// Whether the first batch comes whole even if it is larger than `max_bytes`.
    pub min_one_batch: bool,
}

/// Whole batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadResult {
    /// The batches as they lie in the log; empty when there is nothing to read yet.
    pub records: Records,
    /// The base offset of the first batch, which may be before the offset asked for.
    pub base_offset: Offset,
    /// The offset to go on from.
    pub next_offset: Offset,
}

/// Which offset ListOffsets asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetQuery {
    /// The first offset (-2).
    Earliest,
    /// The offset behind the last record (-1). Consumers see the high watermark or the last stable offset
    /// instead, which the log doesn't know.
    Latest,
    /// The first record with the greatest timestamp (-3).
    MaxTimestamp,
    /// The first record whose timestamp isn't before this one.
    AtOrAfter(Timestamp),
}

/// An answer to an [`OffsetQuery`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundOffset {
    /// The record's timestamp, or -1 for the ends of the log.
    pub timestamp: Timestamp,
    /// The offset.
    pub offset: Offset,
    /// The epoch of the leader that wrote it, or would write it.
    pub leader_epoch: Option<LeaderEpoch>,
}

impl<D: Disk> LogReader<D> {
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

    /// The bytes of all segments.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.shared.segments().iter().map(|segment| segment.size()).sum()
    }

    /// Reads whole batches from the one that holds `from` on, out of one segment.
    ///
    /// # Errors
    /// [`LogError::OffsetOutOfRange`] when `from` isn't in the log, nor its end. Errors of the disk.
    pub fn read(&self, request: ReadRequest) -> Result<ReadResult, LogError> {
        self.retry(|segments| {
            let (start, end) = (self.start_offset(), self.end_offset());
            let ReadRequest { from, max_bytes, bound, min_one_batch } = request;
            if from < start || from > end {
                return Err(LogError::OffsetOutOfRange { offset: from, start, end });
            }
            let bound = bound.min(end);
            let mut chunk = Chunk { bytes: Bytes::new(), base_offset: from, next_offset: from };
            if from < bound {
                for segment in from_offset(segments, from) {
                    let read = segment.read(from, max_bytes, bound, min_one_batch);
                    if let Some(read) = read? {
                        chunk = read;
                        break;
                    }
                }
            }
            Ok(ReadResult {
                records: Records::from(chunk.bytes),
                base_offset: chunk.base_offset,
                next_offset: chunk.next_offset,
            })
        })
    }

    /// Finds an offset; `None` when no record is late enough.
    ///
    /// # Errors
    /// Errors of the disk, and [`LogError::Corrupt`] for a batch that can't be read.
    pub fn find_offset(&self, query: OffsetQuery) -> Result<Option<FoundOffset>, LogError> {
        let end_of_log =
            |offset, leader_epoch| Ok(Some(FoundOffset { timestamp: -1, offset, leader_epoch }));
        match query {
            OffsetQuery::Earliest => {
                let offset = self.start_offset();
                end_of_log(offset, self.epoch_of(offset))
            }
            OffsetQuery::Latest => end_of_log(self.end_offset(), self.latest_epoch()),
            OffsetQuery::MaxTimestamp => self.retry(Self::find_greatest_timestamp),
            OffsetQuery::AtOrAfter(timestamp) => {
                self.retry(|segments| self.find_timestamp(segments, timestamp))
            }
        }
    }

    fn find_greatest_timestamp(
        segments: &[Arc<Segment<D>>],
    ) -> Result<Option<FoundOffset>, LogError> {
        let mut greatest: Option<(Timestamp, &Arc<Segment<D>>)> = None;
        for segment in segments {
            let timestamp = segment.greatest_timestamp()?.timestamp;
            if timestamp >= 0 && greatest.is_none_or(|(known, _)| timestamp > known) {
                greatest = Some((timestamp, segment));
            }
        }
        greatest.map_or(Ok(None), |(_, segment)| segment.find_greatest_timestamp())
    }

    fn find_timestamp(
        &self,
        segments: &[Arc<Segment<D>>],
        timestamp: Timestamp,
    ) -> Result<Option<FoundOffset>, LogError> {
        for segment in segments {
            if segment.greatest_timestamp()?.timestamp >= timestamp
                && let Some(found) = segment.find_timestamp(timestamp, self.start_offset())?
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Where a leader epoch ends in this log (OffsetForLeaderEpoch).
    #[must_use]
    pub fn end_of_epoch(&self, epoch: LeaderEpoch) -> EpochEnd {
        self.shared.read_epochs(|epochs| epochs.end_of(epoch, self.end_offset()))
    }

    /// The newest leader epoch in the log.
    #[must_use]
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.shared.read_epochs(|epochs| epochs.latest().map(|entry| entry.epoch))
    }

    /// The leader epoch that wrote `offset`.
    #[must_use]
    pub fn epoch_of(&self, offset: Offset) -> Option<LeaderEpoch> {
        self.shared.read_epochs(|epochs| epochs.epoch_of(offset))
    }

    /// All leader epochs of the log, rising.
    #[must_use]
    pub fn leader_epochs(&self) -> Vec<EpochEntry> {
        self.shared.read_epochs(|epochs| epochs.entries().to_vec())
    }

    /// The aborted transactions that have records from `from` on and before `bound`, as a consumer of
    /// committed records needs them.
    ///
    /// # Errors
    /// Errors of the disk.
    pub fn aborted_transactions(
        &self,
        from: Offset,
        bound: Offset,
    ) -> Result<Vec<AbortedTxn>, LogError> {
        self.retry(|segments| {
            let mut found = Vec::new();
            for segment in from_offset(segments, from) {
                let all = segment.txn_index.all().map_err(segment.io("read the aborts of"))?;
                for aborted in all {
                    if aborted.last_offset >= from && aborted.first_offset < bound {
                        found.push(aborted);
                    }
                    // All that ended before this one is known by now.
                    if aborted.last_stable_offset >= bound {
                        return Ok(found);
                    }
                }
            }
            Ok(found)
        })
    }

    /// Reads from the segments as they are, and again when a segment was removed meanwhile.
    fn retry<T>(
        &self,
        action: impl Fn(&[Arc<Segment<D>>]) -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        let mut attempts = 1;
        loop {
            self.shared.check_online()?;
            let segments = self.shared.segments();
            match action(&segments) {
                Err(_)
                    if attempts < ATTEMPTS_MAX
                        && segments.iter().any(|segment| segment.is_removed()) =>
                {
                    attempts += 1;
                }
                result => return result,
            }
        }
    }
}

/// The segments from the one that would hold `offset` on.
fn from_offset<D: Disk>(segments: &[Arc<Segment<D>>], offset: Offset) -> &[Arc<Segment<D>>] {
    let above = segments.partition_point(|segment| segment.base_offset <= offset);
    segments.get(above.saturating_sub(1)..).unwrap_or_default()
}
