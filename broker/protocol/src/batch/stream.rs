//! The records of a batch, read one after another without being held.

use crate::compression::{Compression, DecompressError, Decompressor};

use super::cursor::{Cursor, PAST_THE_END, Source, TOO_EARLY, TOO_SHORT};
use super::error::BatchError;
use super::record::{Layout, read_size};

/// What the checks of a produced batch want to know of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outline {
    pub(super) timestamp_delta: i64,
    pub(super) offset_delta: i32,
    pub(super) has_key: bool,
}

impl<P> From<Layout<P>> for Outline {
    fn from(record: Layout<P>) -> Self {
        Self {
            timestamp_delta: record.timestamp_delta,
            offset_delta: record.offset_delta,
            has_key: record.key.is_some(),
        }
    }
}

/// Reads records, and checks their structure.
pub(super) struct RecordStream<'a>(Decompressor<'a>);

impl<'a> RecordStream<'a> {
    /// The records in `stored`, which take at most `cap` bytes once inflated.
    pub(super) fn new(
        codec: Compression,
        stored: &'a [u8],
        cap: usize,
    ) -> Result<Self, DecompressError> {
        Decompressor::new(codec, stored, cap).map(Self)
    }

    /// Hands the next `count` records to `visit`, each with its index.
    pub(super) fn each(
        &mut self,
        count: i32,
        mut visit: impl FnMut(i32, Outline),
    ) -> Result<(), BatchError> {
        let mut index = 0;
        while index < count {
            let at_hand = self.0.at_hand();
            let mut rest = Cursor(at_hand);
            while index < count
                && let Some((record, after)) = read_at_hand(rest)
            {
                visit(index, record);
                index += 1;
                rest = after;
            }
            let length = at_hand.len() - rest.0.len();
            self.0.consume(length);
            if index < count {
                let record = self.read_passing().map_err(|broken| broken.at(index))?;
                visit(index, record);
                index += 1;
            }
        }
        Ok(())
    }

    /// The next record, wherever it ends, inflating on the way; or what is wrong with it.
    fn read_passing(&mut self) -> Result<Outline, Broken> {
        let mut body = Passing { bytes: &mut self.0, left: usize::MAX };
        body.left = read_size(&mut body)?;
        Ok(Layout::read(&mut body)?.into())
    }

    /// Reads on to the end, and returns how many bytes there were.
    pub(super) fn surplus(mut self) -> Result<usize, DecompressError> {
        self.0.skip(usize::MAX)
    }
}

/// The record at the start, and what follows it, if the record is sound and all there: nearly every one.
fn read_at_hand(mut records: Cursor<'_>) -> Option<(Outline, Cursor<'_>)> {
    let size = read_size(&mut records).ok()?;
    let mut body = Cursor(records.part(size).ok()?);
    Some((Layout::read(&mut body).ok()?.into(), records))
}

/// Why a record can't be read.
enum Broken {
    Record(&'static str),
    Inflating(DecompressError),
}

impl Broken {
    fn at(self, index: i32) -> BatchError {
        match self {
            Self::Record(reason) => BatchError::Record { index, reason },
            Self::Inflating(error) => error.into(),
        }
    }
}

impl From<&'static str> for Broken {
    fn from(reason: &'static str) -> Self {
        Self::Record(reason)
    }
}

impl From<DecompressError> for Broken {
    fn from(error: DecompressError) -> Self {
        Self::Inflating(error)
    }
}

/// A record whose keys, values and headers are passed over while they are inflated.
struct Passing<'s, 'a> {
    bytes: &'s mut Decompressor<'a>,
    /// The bytes of the record that are still to be read.
    left: usize,
}

impl Source for Passing<'_, '_> {
    type Part = ();
    type Error = Broken;

    fn byte(&mut self) -> Result<u8, Broken> {
        self.left = self.left.checked_sub(1).ok_or(TOO_EARLY)?;
        Ok(self.bytes.byte()?.ok_or(TOO_EARLY)?)
    }

    fn part(&mut self, length: usize) -> Result<(), Broken> {
        self.left = self.left.checked_sub(length).ok_or(PAST_THE_END)?;
        if self.bytes.skip(length)? < length {
            return Err(PAST_THE_END.into());
        }
        Ok(())
    }

    fn rest(&self) {}

    fn finish(&mut self) -> Result<(), Broken> {
        if self.left == 0 {
            return Ok(());
        }
        // A size that passes the end of all records is named as that.
        self.part(self.left)?;
        Err(TOO_SHORT.into())
    }
}
