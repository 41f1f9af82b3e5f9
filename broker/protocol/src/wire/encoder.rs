//! Writing: a list of chunks, of which only those that are not record data are built here.

use bytes::{BufMut, Bytes, BytesMut};
use taffrail_model::Uuid;

use super::{EncodeError, Lengths, RawTaggedField, Records, STRING_LENGTH_MAX, TaggedFields};

/// Writes values one after another. Record data becomes chunks of its own, without a copy.
#[derive(Debug)]
pub struct Encoder {
    chunks: Vec<Chunk>,
    chunks_len: usize,
    tail: BytesMut,
    field: &'static str,
}

/// A finished stretch of the output.
#[derive(Debug)]
enum Chunk {
    /// Built here; can still be patched.
    Built(BytesMut),
    /// Record data, shared with whoever had it.
    Shared(Bytes),
}

/// The bytes that a frame's size takes.
const SIZE_LEN: usize = 4;

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Encoder {
    /// An encoder without any bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(0)
    }

    /// An encoder that has room for so many bytes (record data aside).
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            chunks: Vec::new(),
            chunks_len: 0,
            tail: BytesMut::with_capacity(capacity),
            field: "output",
        }
    }

    /// An encoder of a frame: four bytes are left free at its start for the size of the rest.
    /// [`Encoder::finish_frame`] fills them in.
    #[must_use]
    pub fn framed() -> Self {
        let mut encoder = Self::with_capacity(256);
        encoder.int32(0);
        encoder
    }

    /// Ends a frame that [`Encoder::framed`] began, and returns its chunks with the size in front.
    ///
    /// # Errors
    /// [`EncodeError::TooLong`] when the frame has more bytes than its size can say.
    pub fn finish_frame(mut self) -> Result<Vec<Bytes>, EncodeError> {
        let length = self.len().saturating_sub(SIZE_LEN);
        let size = i32::try_from(length).map_err(|_| self.too_long(length))?;
        self.seal_tail();
        if let Some(Chunk::Built(first)) = self.chunks.first_mut()
            && let Some(place) = first.first_chunk_mut::<SIZE_LEN>()
        {
            *place = size.to_be_bytes();
        }
        Ok(self.finish())
    }

    /// The bytes written so far, in number.
    #[must_use]
    pub fn len(&self) -> usize {
        self.chunks_len + self.tail.len()
    }

    /// Whether nothing was written yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The chunks, none of them empty, in order.
    #[must_use]
    pub fn finish(mut self) -> Vec<Bytes> {
        self.seal_tail();
        self.chunks
            .into_iter()
            .map(|chunk| match chunk {
                Chunk::Built(bytes) => bytes.freeze(),
                Chunk::Shared(bytes) => bytes,
            })
            .collect()
    }

    /// All bytes in one piece. Copies when there is record data in between.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        if self.chunks.is_empty() {
            return self.tail.freeze();
        }
        Records::from(self.finish()).into_contiguous()
    }

    /// Names the field that is written next, for errors.
    #[inline]
    pub fn at(&mut self, field: &'static str) {
        self.field = field;
    }

    /// Checks that the message has this version.
    ///
    /// # Errors
    /// [`EncodeError::UnsupportedVersion`].
    pub fn check_version(
        &self,
        message: &'static str,
        version: i16,
        versions: std::ops::RangeInclusive<i16>,
    ) -> Result<(), EncodeError> {
        if versions.contains(&version) {
            return Ok(());
        }
        Err(EncodeError::UnsupportedVersion { message, version })
    }

    /// Refuses null where the version doesn't allow it.
    ///
    /// # Errors
    /// [`EncodeError::UnexpectedNull`], when `is_null` and not `allowed`.
    #[inline]
    pub fn check_null(&self, is_null: bool, allowed: bool) -> Result<(), EncodeError> {
        if is_null && !allowed {
            return Err(EncodeError::UnexpectedNull { field: self.field });
        }
        Ok(())
    }

    pub(super) fn tag_out_of_order(&self, tag: u32) -> EncodeError {
        EncodeError::TagOutOfOrder { field: self.field, tag }
    }

    fn seal_tail(&mut self) {
        if !self.tail.is_empty() {
            self.chunks_len += self.tail.len();
            self.chunks.push(Chunk::Built(self.tail.split()));
        }
    }

    /// Appends all that another encoder wrote.
    pub(super) fn append(&mut self, mut other: Self) {
        if other.chunks.is_empty() {
            self.tail.extend_from_slice(&other.tail);
            return;
        }
        self.seal_tail();
        other.seal_tail();
        self.chunks_len += other.chunks_len;
        self.chunks.append(&mut other.chunks);
    }
}

/// Values of a fixed width, big-endian.
impl Encoder {
    /// A boolean: one byte, 1 or 0.
    #[inline]
    pub fn bool(&mut self, value: bool) {
        self.tail.put_u8(u8::from(value));
    }

    /// A signed byte.
    #[inline]
    pub fn int8(&mut self, value: i8) {
        self.tail.put_i8(value);
    }

    /// A signed integer of 16 bits.
    #[inline]
    pub fn int16(&mut self, value: i16) {
        self.tail.put_i16(value);
    }

    /// An unsigned integer of 16 bits.
    #[inline]
    pub fn uint16(&mut self, value: u16) {
        self.tail.put_u16(value);
    }

    /// A signed integer of 32 bits.
    #[inline]
    pub fn int32(&mut self, value: i32) {
        self.tail.put_i32(value);
    }

    /// An unsigned integer of 32 bits.
    #[inline]
    pub fn uint32(&mut self, value: u32) {
        self.tail.put_u32(value);
    }

    /// A signed integer of 64 bits.
    #[inline]
    pub fn int64(&mut self, value: i64) {
        self.tail.put_i64(value);
    }

    /// A double, as its IEEE 754 bits.
    #[inline]
    pub fn float64(&mut self, value: f64) {
        self.tail.put_f64(value);
    }

    /// A UUID of 16 bytes.
    #[inline]
    pub fn uuid(&mut self, value: Uuid) {
        self.tail.put_slice(&value.to_bytes());
    }

    /// Bytes as they are, without a length.
    #[inline]
    pub fn raw(&mut self, value: &[u8]) {
        self.tail.put_slice(value);
    }
}

/// Values of variable width. All fail with [`EncodeError::TooLong`] when the length can't be written.
#[expect(clippy::missing_errors_doc, reason = "the block's sentence says it for all")]
impl Encoder {
    /// An unsigned varint.
    #[inline]
    pub fn unsigned_varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.tail.put_u8((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.tail.put_u8(value as u8);
    }

    /// An unsigned varint of a number of bytes or elements.
    #[inline]
    pub fn unsigned_varint_of(&mut self, length: usize) -> Result<(), EncodeError> {
        let value = i32::try_from(length).map_err(|_| self.too_long(length))?;
        self.unsigned_varint(value.unsigned_abs());
        Ok(())
    }

    #[cold]
    fn too_long(&self, length: usize) -> EncodeError {
        EncodeError::TooLong { field: self.field, length }
    }

    /// The length of anything but a string; `None` is null.
    #[inline]
    fn length(&mut self, lengths: Lengths, length: Option<usize>) -> Result<(), EncodeError> {
        match (lengths, length) {
            (Lengths::Compact, None) => self.unsigned_varint(0),
            (Lengths::Compact, Some(length)) => self.unsigned_varint_of(length + 1)?,
            (Lengths::Fixed, None) => self.int32(-1),
            (Lengths::Fixed, Some(length)) => {
                let value = i32::try_from(length).map_err(|_| self.too_long(length))?;
                self.int32(value);
            }
        }
        Ok(())
    }

    /// A string.
    pub fn string(&mut self, lengths: Lengths, value: &str) -> Result<(), EncodeError> {
        self.nullable_string(lengths, Some(value))
    }

    /// A string or null.
    pub fn nullable_string(
        &mut self,
        lengths: Lengths,
        value: Option<&str>,
    ) -> Result<(), EncodeError> {
        let length = value.map(str::len);
        if let Some(length) = length
            && length > STRING_LENGTH_MAX
        {
            return Err(self.too_long(length));
        }
        match lengths {
            Lengths::Compact => self.length(lengths, length)?,
            Lengths::Fixed => {
                let short = match length {
                    None => -1,
                    Some(length) => i16::try_from(length).map_err(|_| self.too_long(length))?,
                };
                self.int16(short);
            }
        }
        self.raw(value.unwrap_or_default().as_bytes());
        Ok(())
    }

    /// Bytes.
    pub fn bytes(&mut self, lengths: Lengths, value: &[u8]) -> Result<(), EncodeError> {
        self.nullable_bytes(lengths, Some(value))
    }

    /// Bytes or null.
    pub fn nullable_bytes(
        &mut self,
        lengths: Lengths,
        value: Option<&[u8]>,
    ) -> Result<(), EncodeError> {
        self.length(lengths, value.map(<[u8]>::len))?;
        self.raw(value.unwrap_or_default());
        Ok(())
    }

    /// Record data or null; its parts become chunks of the output as they are.
    pub fn nullable_records(
        &mut self,
        lengths: Lengths,
        value: Option<&Records>,
    ) -> Result<(), EncodeError> {
        self.length(lengths, value.map(Records::len))?;
        if let Some(records) = value
            && !records.is_empty()
        {
            self.seal_tail();
            self.chunks_len += records.len();
            self.chunks.extend(records.parts().iter().cloned().map(Chunk::Shared));
        }
        Ok(())
    }

    /// An array.
    pub fn array<T>(
        &mut self,
        lengths: Lengths,
        values: &[T],
        element: impl FnMut(&mut Self, &T) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.nullable_array(lengths, Some(values), element)
    }

    /// An array or null.
    pub fn nullable_array<T>(
        &mut self,
        lengths: Lengths,
        values: Option<&[T]>,
        mut element: impl FnMut(&mut Self, &T) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.length(lengths, values.map(<[T]>::len))?;
        for value in values.unwrap_or_default() {
            element(self, value)?;
        }
        Ok(())
    }

    /// A struct or null, told apart by a byte before it: 1, or -1 for null.
    pub fn nullable_struct<T>(
        &mut self,
        value: Option<&T>,
        write: impl FnOnce(&mut Self, &T) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.int8(if value.is_some() { 1 } else { -1 });
        value.map_or(Ok(()), |value| write(self, value))
    }

    /// A struct or null in a tagged field, told apart by a varint before it: 1, or 0 for null.
    pub fn nullable_tagged_struct<T>(
        &mut self,
        value: Option<&T>,
        write: impl FnOnce(&mut Self, &T) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.unsigned_varint(u32::from(value.is_some()));
        value.map_or(Ok(()), |value| write(self, value))
    }

    /// The tagged fields at the end of a struct that knows none.
    pub fn unknown_tagged_fields(&mut self, raw: &[RawTaggedField]) -> Result<(), EncodeError> {
        if raw.is_empty() {
            self.unsigned_varint(0);
            return Ok(());
        }
        TaggedFields::new(raw).write(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Encoder) -> Result<(), EncodeError>) -> Vec<u8> {
        let mut encoder = Encoder::new();
        write(&mut encoder).unwrap();
        encoder.into_bytes().to_vec()
    }

    #[test]
    fn lengths_have_two_forms() {
        use Lengths::{Compact, Fixed};
        assert_eq!(written(|e| e.string(Fixed, "ab")), [0, 2, b'a', b'b']);
        assert_eq!(written(|e| e.string(Compact, "ab")), [3, b'a', b'b']);
        assert_eq!(written(|e| e.nullable_string(Fixed, None)), [0xff; 2]);
        assert_eq!(written(|e| e.nullable_string(Compact, None)), [0]);
        assert_eq!(written(|e| e.nullable_bytes(Fixed, None)), [0xff; 4]);
        assert_eq!(written(|e| e.bytes(Compact, &[9; 127]))[..2], [0x80, 1]);
    }

    #[test]
    fn a_string_longer_than_kafkas_is_refused() {
        let long = "x".repeat(STRING_LENGTH_MAX + 1);
        for lengths in [Lengths::Fixed, Lengths::Compact] {
            let mut encoder = Encoder::new();
            encoder.at("Some.field");
            assert_eq!(
                encoder.string(lengths, &long),
                Err(EncodeError::TooLong { field: "Some.field", length: 0x8000 })
            );
            assert!(encoder.string(lengths, &long[1..]).is_ok());
        }
    }

    #[test]
    fn record_parts_become_chunks_as_they_are() {
        let parts = vec![Bytes::from(vec![1; 10]), Bytes::from(vec![2; 20])];
        let records = Records::from(parts.clone());
        let mut encoder = Encoder::framed();
        encoder.int16(5);
        encoder.nullable_records(Lengths::Fixed, Some(&records)).unwrap();
        encoder.int8(6);
        assert_eq!(encoder.len(), 4 + 2 + 4 + 30 + 1);
        let chunks = encoder.finish_frame().unwrap();
        assert_eq!(chunks[0][..], [0, 0, 0, 37, 0, 5, 0, 0, 0, 30]);
        assert_eq!(chunks[1].as_ptr(), parts[0].as_ptr());
        assert_eq!(chunks[2].as_ptr(), parts[1].as_ptr());
        assert_eq!(chunks[3][..], [6]);
    }

    #[test]
    fn tagged_fields_are_merged_by_tag() {
        let raw = |tag| RawTaggedField { tag, data: Bytes::from_static(&[0xee]) };
        let write = |fields: &[RawTaggedField]| {
            let mut encoder = Encoder::new();
            let mut tagged = TaggedFields::new(fields);
            tagged.add(3, |encoder| encoder.string(Lengths::Compact, "a"))?;
            tagged.write(&mut encoder)?;
            Ok(encoder.into_bytes().to_vec())
        };
        assert_eq!(
            write(&[raw(1), raw(200)]),
            Ok(vec![3, 1, 1, 0xee, 3, 2, 2, b'a', 0xc8, 1, 1, 0xee])
        );
        for (fields, tag) in [([raw(2), raw(1)], 1), ([raw(1), raw(3)], 3)] {
            let error = EncodeError::TagOutOfOrder { field: "output", tag };
            assert_eq!(write(&fields), Err::<Vec<u8>, _>(error));
        }
    }
}
