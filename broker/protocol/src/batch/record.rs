//! One record of a batch.

use bytes::Bytes;
use taffrail_model::{Offset, Timestamp};

use super::cursor::{Cursor, Source, put_varlong, varlong_size};
use super::header::{BatchHeader, TimestampType};

/// A record, its parts slices of the batch that it lies in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The position in the partition.
    pub offset: Offset,
    /// Milliseconds since the Unix epoch, or -1.
    pub timestamp: Timestamp,
    /// The key, or null.
    pub key: Option<Bytes>,
    /// The value, or null: a tombstone on a compacted topic.
    pub value: Option<Bytes>,
    /// The headers, in the producer's order; keys may repeat.
    pub headers: Vec<Header>,
}

/// A header of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The key. Bytes that aren't UTF-8 are replaced, as Java's clients do; nothing on the way to the log checks them.
    pub key: String,
    /// The value, or null.
    pub value: Option<Bytes>,
}

/// A record whose structure was checked, borrowed from the batch's records.
#[derive(Clone, Copy, Debug)]
pub struct RecordView<'a> {
    /// The position in the partition.
    pub offset: Offset,
    /// Milliseconds since the Unix epoch, or -1.
    pub timestamp: Timestamp,
    /// The offset as the batch stores it: relative to the base offset.
    pub offset_delta: i32,
    /// The key, or null.
    pub key: Option<&'a [u8]>,
    /// The value, or null.
    pub value: Option<&'a [u8]>,
    headers: &'a [u8],
}

/// A header of a [`RecordView`]: its key, and its value or null.
pub type HeaderView<'a> = (&'a [u8], Option<&'a [u8]>);

impl<'a> RecordView<'a> {
    /// Reads the record at the start of `cursor`; its headers are walked and not kept.
    pub(super) fn read(cursor: &mut Cursor<'a>, batch: &BatchHeader) -> Result<Self, &'static str> {
        let size = read_size(cursor)?;
        let Layout { timestamp_delta, offset_delta, key, value, headers } =
            Layout::read(&mut Cursor(cursor.part(size)?))?;
        Ok(Self {
            offset: batch.base_offset.wrapping_add(i64::from(offset_delta)),
            timestamp: timestamp(batch, timestamp_delta),
            offset_delta,
            key,
            value,
            headers,
        })
    }

    /// The headers, in the producer's order.
    #[must_use]
    pub fn headers(&self) -> HeaderViews<'a> {
        let mut rest = Cursor(self.headers);
        let left = header_count(&mut rest).unwrap_or(0);
        HeaderViews { rest, left }
    }

    /// The record with its parts as slices of `records`, which it was read from.
    pub(super) fn to_record(self, records: &Bytes) -> Record {
        Record {
            offset: self.offset,
            timestamp: self.timestamp,
            key: self.key.map(|key| records.slice_ref(key)),
            value: self.value.map(|value| records.slice_ref(value)),
            headers: self
                .headers()
                .map(|(key, value)| Header {
                    key: String::from_utf8_lossy(key).into_owned(),
                    value: value.map(|value| records.slice_ref(value)),
                })
                .collect(),
        }
    }
}

/// The headers of a [`RecordView`].
#[derive(Clone, Debug)]
pub struct HeaderViews<'a> {
    rest: Cursor<'a>,
    left: i32,
}

impl<'a> Iterator for HeaderViews<'a> {
    type Item = HeaderView<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        read_header(&mut self.rest).ok()
    }
}

/// The parts of a record, after its size. Its attributes have no meaning.
pub(super) struct Layout<P> {
    pub(super) timestamp_delta: i64,
    pub(super) offset_delta: i32,
    pub(super) key: Option<P>,
    value: Option<P>,
    headers: P,
}

impl<P> Layout<P> {
    /// Reads `body`, which is the whole record and nothing beyond it.
    pub(super) fn read<S: Source<Part = P>>(body: &mut S) -> Result<Self, S::Error> {
        let _attributes = body.byte()?;
        let timestamp_delta = body.varlong()?;
        let offset_delta = body.varint()?;
        let key = body.nullable_part()?;
        let value = body.nullable_part()?;
        let headers = body.rest();
        for _ in 0..header_count(body)? {
            read_header(body)?;
        }
        body.finish()?;
        Ok(Self { timestamp_delta, offset_delta, key, value, headers })
    }
}

/// How many bytes a record takes after this.
pub(super) fn read_size<S: Source>(source: &mut S) -> Result<usize, S::Error> {
    usize::try_from(source.varint()?).map_err(|_| "its size is negative".into())
}

/// The timestamp of a record with this delta.
pub(super) const fn timestamp(batch: &BatchHeader, delta: i64) -> Timestamp {
    match batch.timestamp_type() {
        TimestampType::CreateTime => batch.base_timestamp.wrapping_add(delta),
        TimestampType::LogAppendTime => batch.max_timestamp,
    }
}

fn header_count<S: Source>(source: &mut S) -> Result<i32, S::Error> {
    match source.varint()? {
        count if count < 0 => Err("its count of headers is negative".into()),
        count => Ok(count),
    }
}

/// A key, and a value or null.
type HeaderParts<P> = (P, Option<P>);

fn read_header<S: Source>(source: &mut S) -> Result<HeaderParts<S::Part>, S::Error> {
    let key = source.nullable_part()?.ok_or("a header has no key")?;
    Ok((key, source.nullable_part()?))
}

/// What [`write_record`] writes.
pub(super) struct RecordParts<'a> {
    pub(super) timestamp_delta: i64,
    pub(super) offset_delta: i32,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
    pub(super) headers: &'a [(&'a str, Option<&'a [u8]>)],
}

pub(super) fn write_record(out: &mut Vec<u8>, record: &RecordParts<'_>) {
    put_varlong(out, length(body_size(record)));
    // Attributes: no bit of them has a meaning.
    out.push(0);
    put_varlong(out, record.timestamp_delta);
    put_varlong(out, i64::from(record.offset_delta));
    put_nullable(out, record.key);
    put_nullable(out, record.value);
    put_varlong(out, length(record.headers.len()));
    for (key, value) in record.headers {
        put_nullable(out, Some(key.as_bytes()));
        put_nullable(out, *value);
    }
}

fn body_size(record: &RecordParts<'_>) -> usize {
    let headers = record
        .headers
        .iter()
        .map(|(key, value)| nullable_size(Some(key.as_bytes())) + nullable_size(*value));
    1 + varlong_size(record.timestamp_delta)
        + varlong_size(i64::from(record.offset_delta))
        + nullable_size(record.key)
        + nullable_size(record.value)
        + varlong_size(length(record.headers.len()))
        + headers.sum::<usize>()
}

fn put_nullable(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    put_varlong(out, bytes.map_or(-1, |bytes| length(bytes.len())));
    out.extend_from_slice(bytes.unwrap_or_default());
}

fn nullable_size(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(varlong_size(-1), |bytes| varlong_size(length(bytes.len())) + bytes.len())
}

/// A length as varints take it; memory holds no more than `i64::MAX` bytes.
fn length(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
