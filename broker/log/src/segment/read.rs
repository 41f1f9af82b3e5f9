//! Reading from a segment: finding an offset, and taking whole batches from there.

use bytes::{Bytes, BytesMut};
use taffrail_model::{Offset, Timestamp};
use taffrail_protocol::batch::{Batch, BatchHeader};

use super::{Located, Scan, ScanError, Segment};
use crate::disk::{Disk, DiskFile};
use crate::error::LogError;
use crate::log::FoundOffset;

/// What the records of one batch may take once they are decompressed, when a look-up has to see them. The
/// largest batch that a broker takes by default has 1 MiB; this leaves room for a topic that allows more.
const DECOMPRESSED_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Whole batches from a segment.
pub(crate) struct Chunk {
    pub(crate) bytes: Bytes,
    /// The base offset of the first batch.
    pub(crate) base_offset: Offset,
    /// The offset behind the last batch.
    pub(crate) next_offset: Offset,
}

impl<D: Disk> Segment<D> {
    /// The offset at which the next batch would begin.
    pub(crate) fn next_offset(&self) -> Result<Offset, LogError> {
        let last = self.offset_index.last().map_err(self.io("read the index of"))?;
        let mut scan = self.scan_from_index(last.map_or(self.base_offset, |entry| entry.offset))?;
        let mut next_offset = self.base_offset;
        loop {
            match scan.next_header() {
                Ok(Some(located)) => next_offset = located.header.next_offset(),
                Ok(None) => return Ok(next_offset),
                Err(error) => return Err(self.scan_error(error)),
            }
        }
    }

    /// Reads the batches from the one that holds `from` on: at most `max_bytes`, none that ends past `bound`.
    /// The first batch comes whole however large it is, if `min_one_batch`. `None` when the segment ends
    /// before `from`.
    pub(crate) fn read(
        &self,
        from: Offset,
        max_bytes: usize,
        bound: Offset,
        min_one_batch: bool,
    ) -> Result<Option<Chunk>, LogError> {
        let _not_cut_meanwhile = self.gate.read();
        let Some(first) = self.locate(from)? else { return Ok(None) };
        let first_size = first.header.size_in_bytes();
        let empty = Chunk { bytes: Bytes::new(), base_offset: from, next_offset: from };
        if first.header.next_offset() > bound || (first_size > max_bytes && !min_one_batch) {
            return Ok(Some(empty));
        }
        let available = usize::try_from(self.size() - first.position).unwrap_or(usize::MAX);
        let mut buffer = BytesMut::zeroed(max_bytes.max(first_size).min(available));
        self.file.read_exact_at(&mut buffer, first.position).map_err(self.io("read"))?;
        let (whole, next_offset) = whole_batches(&buffer, bound);
        buffer.truncate(whole);
        let base_offset = first.header.base_offset;
        Ok(Some(Chunk { bytes: buffer.freeze(), base_offset, next_offset }))
    }

    /// The first record at or after `starting_offset` whose timestamp is not before `timestamp`.
    pub(crate) fn find_timestamp(
        &self,
        timestamp: Timestamp,
        starting_offset: Offset,
    ) -> Result<Option<FoundOffset>, LogError> {
        let _not_cut_meanwhile = self.gate.read();
        let before = self
            .time_index
            .lookup(timestamp.saturating_sub(1))
            .map_err(self.io("look up a time in"))?;
        let from = before.map_or(self.base_offset, |entry| entry.offset).max(starting_offset);
        let mut scan = self.scan_from_index(from)?;
        while let Some(located) = scan.next_header().map_err(|error| self.scan_error(error))? {
            let header = &located.header;
            if header.max_timestamp < timestamp || header.last_offset() < starting_offset {
                continue;
            }
            let found = self.first_record(&located, |record_timestamp, offset| {
                record_timestamp >= timestamp && offset >= starting_offset
            })?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The first record that has the segment's greatest timestamp.
    pub(crate) fn find_greatest_timestamp(&self) -> Result<Option<FoundOffset>, LogError> {
        let _not_cut_meanwhile = self.gate.read();
        let greatest = self.greatest_timestamp()?;
        let Some(located) = self.locate(greatest.offset)? else { return Ok(None) };
        let timestamp = located.header.max_timestamp;
        self.first_record(&located, |record_timestamp, _| record_timestamp == timestamp)
    }

    /// The first record of a batch that satisfies a condition on timestamp and offset.
    fn first_record(
        &self,
        located: &Located,
        condition: impl Fn(Timestamp, Offset) -> bool,
    ) -> Result<Option<FoundOffset>, LogError> {
        let invalid = |error| {
            self.scan_error(ScanError::Invalid { position: located.position, reason: error })
        };
        let batch = self.batch(located)?;
        for record in batch.records(DECOMPRESSED_BYTES_MAX).map_err(invalid)? {
            let record = record.map_err(invalid)?;
            if condition(record.timestamp, record.offset) {
                let epoch = located.header.partition_leader_epoch;
                return Ok(Some(FoundOffset {
                    timestamp: record.timestamp,
                    offset: record.offset,
                    leader_epoch: (epoch >= 0).then_some(epoch),
                }));
            }
        }
        Ok(None)
    }

    /// All bytes of a batch.
    pub(crate) fn batch(&self, located: &Located) -> Result<Batch, LogError> {
        let mut bytes = BytesMut::zeroed(located.header.size_in_bytes());
        self.file.read_exact_at(&mut bytes, located.position).map_err(self.io("read"))?;
        Ok(Batch { header: located.header, bytes: bytes.freeze() })
    }

    /// The batch that holds `offset`, or the first one behind it; `None` past the end.
    pub(crate) fn locate(&self, offset: Offset) -> Result<Option<Located>, LogError> {
        let mut scan = self.scan_from_index(offset)?;
        while let Some(located) = scan.next_header().map_err(|error| self.scan_error(error))? {
            if located.header.last_offset() >= offset {
                return Ok(Some(located));
            }
        }
        Ok(None)
    }

    /// A scan of headers from a batch on that isn't behind `offset`, as near to it as the index knows. The
    /// index is a hint without a checksum; where the batch that it names isn't there, the scan begins at the
    /// front.
    pub(super) fn scan_from_index(&self, offset: Offset) -> Result<Scan<'_, D::File>, LogError> {
        let size = self.size();
        let entry = self.offset_index.lookup(offset).map_err(self.io("look up an offset in"))?;
        let Some(entry) = entry else { return Ok(Scan::headers(&self.file, 0, size)) };
        let mut scan = Scan::headers(&self.file, u64::from(entry.position), size);
        match scan.next_header() {
            Ok(Some(named)) if named.header.last_offset() == entry.offset => {
                scan.go_back_to(&named);
                Ok(scan)
            }
            Ok(_) | Err(ScanError::Invalid { .. }) => Ok(Scan::headers(&self.file, 0, size)),
            Err(error @ ScanError::Io(_)) => Err(self.scan_error(error)),
        }
    }
}

/// The bytes of the whole batches at the front that end within `bound`, and the offset behind them.
fn whole_batches(bytes: &[u8], bound: Offset) -> (usize, Offset) {
    let (mut whole, mut next_offset) = (0, 0);
    while let Some(rest) = bytes.get(whole..)
        && let Ok(header) = BatchHeader::parse(rest)
        && header.size_in_bytes() <= rest.len()
        && header.next_offset() <= bound
    {
        whole += header.size_in_bytes();
        next_offset = header.next_offset();
    }
    (whole, next_offset)
}
