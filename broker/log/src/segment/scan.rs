//! Walking the batches of a segment from a position on.

use std::io;

use taffrail_protocol::batch::{BATCH_OVERHEAD, BatchError, BatchHeader, crc_of};

use crate::disk::DiskFile;

/// What a scan reads at once when it looks at headers only: about one interval of the offset index.
const HEADER_CHUNK_BYTES: u64 = 8 * 1024;
/// What a scan reads at once when it looks at every byte.
const BATCH_CHUNK_BYTES: u64 = 1024 * 1024;

/// Why a scan stopped before the end.
#[derive(Debug)]
pub(crate) enum ScanError {
    /// The disk failed: nothing is known of what is there.
    Io(io::Error),
    /// What is at `position` isn't a whole, intact batch.
    Invalid { position: u64, reason: BatchError },
}

/// A batch and where it begins in its segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Located {
    pub(crate) position: u64,
    pub(crate) header: BatchHeader,
}

impl Located {
    /// The position behind the batch.
    pub(crate) fn end(&self) -> u64 {
        self.position + self.header.size_in_bytes() as u64
    }
}

/// An iterator over batches, from a batch's edge to the end of the valid bytes.
pub(crate) struct Scan<'a, F> {
    file: &'a F,
    position: u64,
    end: u64,
    chunk_bytes: u64,
    buffer: Vec<u8>,
    buffer_position: u64,
}

impl<'a, F: DiskFile> Scan<'a, F> {
    /// A scan that reads little more than headers.
    pub(crate) fn headers(file: &'a F, position: u64, end: u64) -> Self {
        Self::new(file, position, end, HEADER_CHUNK_BYTES)
    }

    /// A scan that reads every byte.
    pub(crate) fn batches(file: &'a F, position: u64, end: u64) -> Self {
        Self::new(file, position, end, BATCH_CHUNK_BYTES)
    }

    fn new(file: &'a F, position: u64, end: u64, chunk_bytes: u64) -> Self {
        Self { file, position, end, chunk_bytes, buffer: Vec::new(), buffer_position: 0 }
    }

    /// The next batch's header, or `None` at the end.
    pub(crate) fn next_header(&mut self) -> Result<Option<Located>, ScanError> {
        let position = self.position;
        if position >= self.end {
            return Ok(None);
        }
        let invalid = |reason| ScanError::Invalid { position, reason };
        let header = BatchHeader::parse(self.bytes(BATCH_OVERHEAD as u64)?).map_err(invalid)?;
        let size = header.size_in_bytes();
        let available = self.end - position;
        if size as u64 > available {
            let available = usize::try_from(available).unwrap_or(usize::MAX);
            return Err(invalid(BatchError::Torn { needed: size, available }));
        }
        self.position += size as u64;
        Ok(Some(Located { position, header }))
    }

    /// Lets the scan go on with a batch that it has passed.
    pub(crate) fn go_back_to(&mut self, located: &Located) {
        self.position = located.position;
    }

    /// The next batch with its bytes, whose CRC is right, or `None` at the end.
    pub(crate) fn next_batch(&mut self) -> Result<Option<(Located, &[u8])>, ScanError> {
        let Some(located) = self.next_header()? else { return Ok(None) };
        self.position = located.position;
        let size = located.header.size_in_bytes();
        let bytes = self.bytes(size as u64)?;
        let computed = crc_of(bytes);
        let stored = located.header.crc;
        if computed != stored || bytes.len() < size {
            let position = located.position;
            let reason = BatchError::Crc { stored, computed };
            return Err(ScanError::Invalid { position, reason });
        }
        self.position = located.end();
        // Borrowed again, since the position moved between.
        Ok(Some((located, self.buffered(located.position, size))))
    }

    /// Up to `count` bytes from the position on; fewer at the end.
    fn bytes(&mut self, count: u64) -> Result<&[u8], ScanError> {
        let count = count.min(self.end - self.position);
        let buffer_end = self.buffer_position + self.buffer.len() as u64;
        if self.position < self.buffer_position || self.position + count > buffer_end {
            let wanted = count.max(self.chunk_bytes).min(self.end - self.position);
            let wanted = usize::try_from(wanted).map_err(|e| ScanError::Io(io::Error::other(e)))?;
            self.buffer.resize(wanted, 0);
            let read = self.file.read_at(&mut self.buffer, self.position).map_err(ScanError::Io)?;
            self.buffer.truncate(read);
            self.buffer_position = self.position;
        }
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        Ok(self.buffered(self.position, count))
    }

    fn buffered(&self, position: u64, count: usize) -> &[u8] {
        let start = usize::try_from(position - self.buffer_position).unwrap_or(usize::MAX);
        let rest = self.buffer.get(start..).unwrap_or_default();
        rest.get(..count).unwrap_or(rest)
    }
}
