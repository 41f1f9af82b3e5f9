//! Reading: a cursor over bytes that trusts none of them.

use bytes::Bytes;
use taffrail_model::Uuid;

use super::{DecodeError, DecodeErrorKind, Lengths, RawTaggedField, Records, STRING_LENGTH_MAX};

/// A cursor over one buffer. Byte fields and records are slices of that buffer, without a copy.
#[derive(Clone, Debug)]
pub struct Decoder {
    bytes: Bytes,
    position: usize,
    field: &'static str,
}

impl Decoder {
    /// The most bytes of memory that an array takes for each byte that its elements take on the wire.
    /// The generated code asserts it for every type, when it is compiled.
    pub const MEMORY_PER_BYTE_MAX: usize = 48;

    /// A cursor at the start of `bytes`.
    #[must_use]
    pub const fn new(bytes: Bytes) -> Self {
        Self { bytes, position: 0, field: "input" }
    }

    /// The bytes not read yet, in number.
    #[must_use]
    #[inline]
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// How many bytes were read.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// The bytes not read yet.
    #[must_use]
    pub fn rest(&self) -> Bytes {
        self.bytes.slice(self.position..)
    }

    /// Names the field that is read next, for errors.
    #[inline]
    pub fn at(&mut self, field: &'static str) {
        self.field = field;
    }

    /// An error about the field that was named last.
    #[must_use]
    #[cold]
    pub fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError { field: self.field, offset: self.position, kind }
    }

    /// Checks that the message has this version.
    ///
    /// # Errors
    /// [`DecodeErrorKind::UnsupportedVersion`].
    pub fn check_version(
        &mut self,
        message: &'static str,
        version: i16,
        versions: std::ops::RangeInclusive<i16>,
    ) -> Result<(), DecodeError> {
        if versions.contains(&version) {
            return Ok(());
        }
        self.field = message;
        Err(self.error(DecodeErrorKind::UnsupportedVersion(version)))
    }

    /// Checks that nothing is left over.
    ///
    /// # Errors
    /// [`DecodeErrorKind::TrailingBytes`].
    pub fn finish(&self) -> Result<(), DecodeError> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(self.error(DecodeErrorKind::TrailingBytes(left))),
        }
    }

    #[inline]
    fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.bytes.get(self.position..).and_then(<[u8]>::first_chunk) {
            Some(&chunk) => {
                self.position += N;
                Ok(chunk)
            }
            None => Err(self.truncated(N)),
        }
    }

    #[inline]
    fn take_slice(&mut self, length: usize) -> Result<&[u8], DecodeError> {
        if length > self.remaining() {
            return Err(self.truncated(length));
        }
        let start = self.position;
        self.position += length;
        Ok(self.bytes.get(start..self.position).unwrap_or_default())
    }

    #[inline]
    fn take_bytes(&mut self, length: usize) -> Result<Bytes, DecodeError> {
        if length > self.remaining() {
            return Err(self.truncated(length));
        }
        let start = self.position;
        self.position += length;
        Ok(self.bytes.slice(start..self.position))
    }

    #[cold]
    fn truncated(&self, needed: usize) -> DecodeError {
        self.error(DecodeErrorKind::Truncated { needed, remaining: self.remaining() })
    }
}

/// Values of a fixed width, big-endian. All fail with [`DecodeErrorKind::Truncated`].
#[expect(clippy::missing_errors_doc, reason = "the block's sentence says it for all")]
impl Decoder {
    /// A boolean: any byte but 0 is true, as in Kafka.
    #[inline]
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        Ok(self.take::<1>()? != [0])
    }

    /// A signed byte.
    #[inline]
    pub fn int8(&mut self) -> Result<i8, DecodeError> {
        Ok(i8::from_be_bytes(self.take()?))
    }

    /// A signed integer of 16 bits.
    #[inline]
    pub fn int16(&mut self) -> Result<i16, DecodeError> {
        Ok(i16::from_be_bytes(self.take()?))
    }

    /// An unsigned integer of 16 bits.
    #[inline]
    pub fn uint16(&mut self) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(self.take()?))
    }

    /// A signed integer of 32 bits.
    #[inline]
    pub fn int32(&mut self) -> Result<i32, DecodeError> {
        Ok(i32::from_be_bytes(self.take()?))
    }

    /// An unsigned integer of 32 bits.
    #[inline]
    pub fn uint32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_be_bytes(self.take()?))
    }

    /// A signed integer of 64 bits.
    #[inline]
    pub fn int64(&mut self) -> Result<i64, DecodeError> {
        Ok(i64::from_be_bytes(self.take()?))
    }

    /// A double, as its IEEE 754 bits.
    #[inline]
    pub fn float64(&mut self) -> Result<f64, DecodeError> {
        Ok(f64::from_be_bytes(self.take()?))
    }

    /// A UUID of 16 bytes.
    #[inline]
    pub fn uuid(&mut self) -> Result<Uuid, DecodeError> {
        Ok(Uuid::from_bytes(self.take()?))
    }
}

/// Values of variable width.
impl Decoder {
    /// An unsigned varint of at most 32 bits.
    ///
    /// # Errors
    /// When the input ends, or the value has more than 32 bits.
    #[inline]
    pub fn unsigned_varint(&mut self) -> Result<u32, DecodeError> {
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.take::<1>()?;
            let bits = u32::from(byte & 0x7f);
            if shift == 28 && bits > 0x0f {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.error(DecodeErrorKind::VarintTooLong))
    }

    /// A length, or `None` for null.
    #[inline]
    fn length(&mut self, lengths: Lengths, string: bool) -> Result<Option<usize>, DecodeError> {
        let length = match (lengths, string) {
            (Lengths::Compact, _) => i64::from(self.unsigned_varint()?) - 1,
            (Lengths::Fixed, true) => i64::from(self.int16()?),
            (Lengths::Fixed, false) => i64::from(self.int32()?),
        };
        if length == -1 {
            return Ok(None);
        }
        match usize::try_from(length) {
            Ok(length) if !string || length <= STRING_LENGTH_MAX => Ok(Some(length)),
            _ => Err(self.error(DecodeErrorKind::InvalidLength(length))),
        }
    }

    #[inline]
    fn required<T>(&self, value: Option<T>) -> Result<T, DecodeError> {
        value.ok_or_else(|| self.error(DecodeErrorKind::UnexpectedNull))
    }

    /// Refuses null where the version doesn't allow it.
    ///
    /// # Errors
    /// [`DecodeErrorKind::UnexpectedNull`], when `is_null` and not `allowed`.
    #[inline]
    pub fn check_null(&self, is_null: bool, allowed: bool) -> Result<(), DecodeError> {
        if is_null && !allowed {
            return Err(self.error(DecodeErrorKind::UnexpectedNull));
        }
        Ok(())
    }

    /// A string.
    ///
    /// # Errors
    /// When it is null, cut off, too long or not UTF-8.
    pub fn string(&mut self, lengths: Lengths) -> Result<String, DecodeError> {
        let value = self.nullable_string(lengths)?;
        self.required(value)
    }

    /// A string or null.
    ///
    /// # Errors
    /// When it is cut off, too long or not UTF-8.
    pub fn nullable_string(&mut self, lengths: Lengths) -> Result<Option<String>, DecodeError> {
        let Some(length) = self.length(lengths, true)? else {
            return Ok(None);
        };
        match std::str::from_utf8(self.take_slice(length)?) {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(_) => Err(self.error(DecodeErrorKind::InvalidUtf8)),
        }
    }

    /// Bytes, as a slice of the input.
    ///
    /// # Errors
    /// When they are null or cut off, or the length is negative.
    pub fn bytes(&mut self, lengths: Lengths) -> Result<Bytes, DecodeError> {
        let value = self.nullable_bytes(lengths)?;
        self.required(value)
    }

    /// Bytes or null, as a slice of the input.
    ///
    /// # Errors
    /// When they are cut off, or the length is negative.
    pub fn nullable_bytes(&mut self, lengths: Lengths) -> Result<Option<Bytes>, DecodeError> {
        self.length(lengths, false)?.map(|length| self.take_bytes(length)).transpose()
    }

    /// Record data or null, as a slice of the input.
    ///
    /// # Errors
    /// When it is cut off, or the length is negative.
    pub fn nullable_records(&mut self, lengths: Lengths) -> Result<Option<Records>, DecodeError> {
        Ok(self.nullable_bytes(lengths)?.map(Records::from))
    }

    /// An array. `size_min` is the least number of bytes that one element takes.
    ///
    /// # Errors
    /// When it is null, claims more elements than fit in the remaining bytes, or an element is wrong.
    pub fn array<T>(
        &mut self,
        lengths: Lengths,
        size_min: usize,
        element: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let value = self.nullable_array(lengths, size_min, element)?;
        self.required(value)
    }

    /// An array or null. `size_min` is the least number of bytes that one element takes.
    ///
    /// # Errors
    /// When it claims more elements than fit in the remaining bytes, or an element is wrong.
    pub fn nullable_array<T>(
        &mut self,
        lengths: Lengths,
        size_min: usize,
        mut element: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<Vec<T>>, DecodeError> {
        let Some(length) = self.length(lengths, false)? else {
            return Ok(None);
        };
        // The claim is checked before it reserves anything: so the memory for an array is bounded by
        // the bytes that were received, times what the type takes in memory per byte on the wire.
        if length > self.remaining() / size_min.max(1) {
            return Err(
                self.error(DecodeErrorKind::ArrayTooLong { length, remaining: self.remaining() })
            );
        }
        let mut elements = Vec::with_capacity(length);
        for _ in 0..length {
            elements.push(element(self)?);
        }
        Ok(Some(elements))
    }

    /// A struct or null, told apart by a byte before it: negative is null.
    ///
    /// # Errors
    /// When the struct is wrong.
    pub fn nullable_struct<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if self.int8()? < 0 {
            return Ok(None);
        }
        read(self).map(Some)
    }

    /// A struct or null in a tagged field, told apart by a varint before it: 0 is null.
    ///
    /// # Errors
    /// When the struct is wrong.
    pub fn nullable_tagged_struct<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if self.unsigned_varint()? == 0 {
            return Ok(None);
        }
        read(self).map(Some)
    }

    /// The tagged fields at the end of a struct, none of which is known.
    ///
    /// # Errors
    /// When a field is cut off, or a tag appears twice.
    pub fn unknown_tagged_fields(&mut self) -> Result<Vec<RawTaggedField>, DecodeError> {
        self.tagged_fields(|_, _| Ok(false))
    }

    /// The tagged fields at the end of a struct. `known` reads the content of a field that it knows and
    /// says so; the others are returned, by rising tag.
    ///
    /// Kafka doesn't insist on rising tags when it reads, and lets the last of two win; nor does this
    /// for known fields. A repeated unknown tag is refused, since it could not be written again.
    ///
    /// # Errors
    /// When a field is cut off, isn't used up by its reader, or an unknown tag appears twice.
    pub fn tagged_fields(
        &mut self,
        mut known: impl FnMut(u32, &mut Self) -> Result<bool, DecodeError>,
    ) -> Result<Vec<RawTaggedField>, DecodeError> {
        let mut unknown: Vec<RawTaggedField> = Vec::new();
        let count = self.unsigned_varint()?;
        for _ in 0..count {
            let tag = self.unsigned_varint()?;
            let size = self.unsigned_varint()? as usize;
            let start = self.position;
            let data = self.take_bytes(size)?;
            let mut content = Self {
                bytes: self.bytes.slice(..self.position),
                position: start,
                field: self.field,
            };
            if known(tag, &mut content)? {
                if content.remaining() > 0 {
                    let left = content.remaining();
                    return Err(content.error(DecodeErrorKind::TaggedFieldTooLong(left)));
                }
                continue;
            }
            unknown.push(RawTaggedField { tag, data });
        }
        // Sorted once at the end: a place found for each would cost the square of their number, which
        // the sender chooses.
        unknown.sort_by_key(|field| field.tag);
        let twice = unknown.windows(2).find_map(|pair| match pair {
            [first, second] if first.tag == second.tag => Some(first.tag),
            _ => None,
        });
        if let Some(tag) = twice {
            return Err(self.error(DecodeErrorKind::DuplicateTag(tag)));
        }
        Ok(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BIG: &[u8] = &[0x7f, 0xff, 0xff, 0xff];

    fn check<T: std::fmt::Debug + PartialEq>(
        bytes: &[u8],
        read: impl FnOnce(&mut Decoder) -> Result<T, DecodeError>,
        expect: &Result<T, DecodeErrorKind>,
    ) {
        let mut decoder = Decoder::new(Bytes::copy_from_slice(bytes));
        let result = read(&mut decoder).map_err(|error| error.kind);
        assert_eq!(&result, expect, "{bytes:02x?}");
    }

    fn truncated<T>(needed: usize, remaining: usize) -> Result<T, DecodeErrorKind> {
        Err(DecodeErrorKind::Truncated { needed, remaining })
    }

    #[test]
    fn varints_have_at_most_32_bits() {
        let check = |bytes: &[u8], expect| check(bytes, Decoder::unsigned_varint, &expect);
        check(&[0], Ok(0));
        check(&[0xac, 0x02], Ok(300));
        check(&[0xff, 0xff, 0xff, 0xff, 0x0f], Ok(u32::MAX));
        check(&[0xff, 0xff, 0xff, 0xff, 0x1f], Err(DecodeErrorKind::VarintTooLong));
        check(&[0x80; 6], Err(DecodeErrorKind::VarintTooLong));
        check(&[0x80], truncated(1, 0));
    }

    #[test]
    fn strings_are_bounded_and_utf8() {
        use Lengths::{Compact, Fixed};
        let check = |lengths, bytes: &[u8], expect| {
            check(bytes, |d| d.nullable_string(lengths), &expect);
        };
        check(Fixed, &[0, 1, b'a'], Ok(Some("a".to_owned())));
        check(Fixed, &[0xff, 0xff], Ok(None));
        check(Fixed, &[0xff, 0xfe], Err(DecodeErrorKind::InvalidLength(-2)));
        check(Fixed, &[0, 2, b'a'], truncated(2, 1));
        check(Fixed, &[0, 1, 0xff], Err(DecodeErrorKind::InvalidUtf8));
        check(Compact, &[2, b'a'], Ok(Some("a".to_owned())));
        check(Compact, &[0], Ok(None));
        check(Compact, &[1], Ok(Some(String::new())));
        // 0x8001 less one is one byte more than a string may have.
        check(Compact, &[0x81, 0x80, 0x02], Err(DecodeErrorKind::InvalidLength(0x8000)));
        let mut decoder = Decoder::new(Bytes::from_static(&[0]));
        let error = decoder.string(Compact).unwrap_err();
        assert_eq!(error.kind, DecodeErrorKind::UnexpectedNull);
    }

    #[test]
    fn bytes_are_slices_of_the_input() {
        let input = Bytes::from(vec![0, 0, 0, 2, 7, 8, 9]);
        let mut decoder = Decoder::new(input.clone());
        let bytes = decoder.bytes(Lengths::Fixed).unwrap();
        assert_eq!(bytes.as_ptr(), input[4..].as_ptr());
        assert_eq!(decoder.remaining(), 1);
        check(BIG, |d| d.nullable_bytes(Lengths::Fixed), &truncated(0x7fff_ffff, 0));
        check(
            &[0x80, 0, 0, 0],
            |d| d.nullable_bytes(Lengths::Fixed),
            &Err(DecodeErrorKind::InvalidLength(i64::from(i32::MIN))),
        );
    }

    #[test]
    fn an_array_reserves_nothing_on_its_own_word() {
        let too_long = |length, remaining| Err(DecodeErrorKind::ArrayTooLong { length, remaining });
        let check = |bytes: &[u8], expect| {
            check(bytes, |d| d.nullable_array(Lengths::Fixed, 4, Decoder::int32), &expect);
        };
        check(BIG, too_long(0x7fff_ffff, 0));
        check(&[0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0], too_long(2, 7));
        check(&[0, 0, 0, 1, 0, 0, 0, 1], Ok(Some(vec![1])));
        check(&[0xff, 0xff, 0xff, 0xff], Ok(None));
        check(&[0xff, 0xff, 0xff, 0xfe], Err(DecodeErrorKind::InvalidLength(-2)));
        let compact = [0xff, 0xff, 0xff, 0xff, 0x0f];
        let mut decoder = Decoder::new(Bytes::copy_from_slice(&compact));
        let error = decoder.array(Lengths::Compact, 0, Decoder::int8).unwrap_err();
        assert_eq!(
            error.kind,
            DecodeErrorKind::ArrayTooLong { length: u32::MAX as usize - 1, remaining: 0 }
        );
    }

    #[test]
    fn tagged_fields_come_back_sorted_and_once() {
        let raw = |tag, data: &'static [u8]| RawTaggedField { tag, data: Bytes::from_static(data) };
        check(
            &[2, 9, 1, 7, 4, 0],
            Decoder::unknown_tagged_fields,
            &Ok(vec![raw(4, b""), raw(9, b"\x07")]),
        );
        check(
            &[2, 4, 0, 4, 0],
            Decoder::unknown_tagged_fields,
            &Err(DecodeErrorKind::DuplicateTag(4)),
        );
        check(&[1, 4, 9, 0], Decoder::unknown_tagged_fields, &truncated(9, 1));
        check(&[0xff, 0xff, 0xff, 0xff, 0x0f], Decoder::unknown_tagged_fields, &truncated(1, 0));
    }

    #[test]
    fn a_known_tagged_field_is_used_up_and_not_overrun() {
        let read = |decoder: &mut Decoder| {
            let mut value = 0;
            decoder.tagged_fields(|tag, decoder| {
                if tag == 0 {
                    value = decoder.int16()?;
                }
                Ok(tag == 0)
            })?;
            Ok(value)
        };
        check(&[1, 0, 2, 1, 2], read, &Ok(0x0102));
        check(&[1, 0, 3, 1, 2, 3], read, &Err(DecodeErrorKind::TaggedFieldTooLong(1)));
        check(&[1, 0, 1, 1, 2], read, &truncated(2, 1));
    }

    #[test]
    fn errors_name_the_field_and_the_place() {
        let mut decoder = Decoder::new(Bytes::from_static(&[0, 0, 0, 1, 9]));
        decoder.at("First.field");
        decoder.int32().unwrap();
        decoder.at("Second.field");
        let error = decoder.int16().unwrap_err();
        assert_eq!(error.to_string(), "Second.field: 2 bytes are needed, 1 remain (at byte 4)");
        assert_eq!(decoder.finish().unwrap_err().kind, DecodeErrorKind::TrailingBytes(1));
    }
}
