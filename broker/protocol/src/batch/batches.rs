//! Whole batches, and the records in them.

use bytes::Bytes;

use crate::compression::{Compression, DecompressError, decompress};

use super::cursor::Cursor;
use super::error::BatchError;
use super::header::{BATCH_OVERHEAD, BatchHeader, crc_of};
use super::record::{Record, RecordView};

/// One batch: its header, and all of its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The header, parsed.
    pub header: BatchHeader,
    /// The whole batch, header included, and nothing beyond it.
    pub bytes: Bytes,
}

impl Batch {
    /// Reads the batch at the start of `bytes`, whose CRC and records aren't looked at.
    ///
    /// # Errors
    /// Those of [`BatchHeader::parse`], and [`BatchError::Torn`] when the records aren't all there.
    pub fn parse(bytes: &Bytes) -> Result<Self, BatchError> {
        let header = BatchHeader::parse(bytes)?;
        let size = header.size_in_bytes();
        if size > bytes.len() {
            return Err(BatchError::Torn { needed: size, available: bytes.len() });
        }
        Ok(Self { header, bytes: bytes.slice(..size) })
    }

    /// Compares the CRC with the bytes.
    ///
    /// # Errors
    /// [`BatchError::Crc`] when they differ.
    pub fn verify_crc(&self) -> Result<(), BatchError> {
        let computed = crc_of(&self.bytes);
        if computed == self.header.crc {
            Ok(())
        } else {
            Err(BatchError::Crc { stored: self.header.crc, computed })
        }
    }

    /// The records as bytes: a slice of the batch, or decompressed into at most `cap` bytes.
    ///
    /// # Errors
    /// [`BatchError::UnknownCompression`] and [`BatchError::Decompress`].
    pub fn record_bytes(&self, cap: usize) -> Result<Bytes, BatchError> {
        let stored = self.stored_records();
        match self.header.compression()? {
            codec @ Compression::None if stored.len() > cap => {
                Err(DecompressError::TooLarge { codec, cap }.into())
            }
            Compression::None => Ok(stored),
            codec => Ok(decompress(codec, &stored, cap)?.into()),
        }
    }

    /// The records as they lie in the batch, compressed or not.
    pub(super) fn stored_records(&self) -> Bytes {
        self.bytes.slice(BATCH_OVERHEAD.min(self.bytes.len())..)
    }

    /// The records, decompressed into at most `cap` bytes when they are compressed.
    ///
    /// # Errors
    /// Those of [`Batch::record_bytes`], and [`BatchError::Count`]. What is wrong with a record, the iterator
    /// tells.
    pub fn records(&self, cap: usize) -> Result<RecordIter, BatchError> {
        if self.header.records_count < 0 {
            return Err(BatchError::Count(self.header.records_count));
        }
        Ok(RecordIter { header: self.header, rest: self.record_bytes(cap)?, index: 0 })
    }
}

/// The batches that follow one another in a buffer, such as a fetch's answer or a part of a segment.
///
/// The iterator ends after the first error. A torn last batch is the error [`BatchError::Torn`]: whether it is
/// expected (the end of a fetch) or not (the middle of a log), the caller knows.
#[derive(Clone, Debug)]
pub struct Batches {
    rest: Bytes,
}

impl Batches {
    /// The batches in `bytes`.
    #[must_use]
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self { rest: bytes.into() }
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let batch = Batch::parse(&self.rest);
        self.rest = match &batch {
            Ok(batch) => self.rest.slice(batch.bytes.len()..),
            Err(_) => Bytes::new(),
        };
        Some(batch)
    }
}

/// The records of a batch. It ends after the first error; bytes after the last record are one.
#[derive(Clone, Debug)]
pub struct RecordIter {
    header: BatchHeader,
    rest: Bytes,
    index: i32,
}

impl Iterator for RecordIter {
    type Item = Result<Record, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.index == self.header.records_count {
            if self.rest.is_empty() {
                return None;
            }
            let surplus = std::mem::take(&mut self.rest).len();
            return Some(Err(BatchError::Surplus(surplus)));
        }
        let mut cursor = Cursor(&self.rest);
        let record = match RecordView::read(&mut cursor, &self.header) {
            Ok(view) => Ok(view.to_record(&self.rest)),
            Err(reason) => Err(BatchError::Record { index: self.index, reason }),
        };
        match &record {
            Ok(_) => {
                let used = self.rest.len() - cursor.0.len();
                self.rest = self.rest.slice(used..);
                self.index += 1;
            }
            Err(_) => {
                self.index = self.header.records_count;
                self.rest = Bytes::new();
            }
        }
        Some(record)
    }
}
