//! Reading and writing the zigzag varints of records.

/// What the parts of a record are read from: bytes that are at hand ([`Cursor`]), or that a decoder is still to
/// make.
pub(super) trait Source {
    /// What stands for a stretch of bytes: the bytes, or nothing where they are passed over.
    type Part;
    /// Made from a reason, which is a constant: an error on the hot path costs no allocation.
    type Error: From<&'static str>;

    fn byte(&mut self) -> Result<u8, Self::Error>;

    fn part(&mut self, length: usize) -> Result<Self::Part, Self::Error>;

    /// Everything up to the end, without moving on.
    fn rest(&self) -> Self::Part;

    /// Fails unless everything was read.
    fn finish(&mut self) -> Result<(), Self::Error>;

    /// A length as a varint, then that many bytes; -1 is null, and so is any other negative length, as
    /// Kafka reads it.
    fn nullable_part(&mut self) -> Result<Option<Self::Part>, Self::Error> {
        match usize::try_from(self.varint()?) {
            Ok(length) => self.part(length).map(Some),
            Err(_) => Ok(None),
        }
    }

    fn varint(&mut self) -> Result<i32, Self::Error> {
        i32::try_from(self.varlong()?).map_err(|_| "a varint in it passes 32 bits".into())
    }

    fn varlong(&mut self) -> Result<i64, Self::Error> {
        let mut bits = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && byte > 1 {
                break;
            }
            bits |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok((bits >> 1).cast_signed() ^ -(bits & 1).cast_signed());
            }
        }
        Err("a varint in it passes 64 bits".into())
    }
}

/// The source ended within a varint, or before a byte that has to be there.
pub(super) const TOO_EARLY: &str = "it ends too early";
/// A part ends after the source does.
pub(super) const PAST_THE_END: &str = "a length in it passes its end";
/// The source goes on after the last part.
pub(super) const TOO_SHORT: &str = "it is shorter than its size";

/// The bytes that are still to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Source for Cursor<'a> {
    type Part = &'a [u8];
    type Error = &'static str;

    fn byte(&mut self) -> Result<u8, &'static str> {
        let (&byte, rest) = self.0.split_first().ok_or(TOO_EARLY)?;
        self.0 = rest;
        Ok(byte)
    }

    fn part(&mut self, length: usize) -> Result<&'a [u8], &'static str> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(PAST_THE_END)?;
        self.0 = rest;
        Ok(taken)
    }

    fn rest(&self) -> &'a [u8] {
        self.0
    }

    fn finish(&mut self) -> Result<(), &'static str> {
        if self.0.is_empty() { Ok(()) } else { Err(TOO_SHORT) }
    }
}

/// Appends `value` as a zigzag varint; a 32-bit value has the same form as the 64-bit one.
pub(super) fn put_varlong(out: &mut Vec<u8>, value: i64) {
    let mut bits = zigzag(value);
    while bits >= 0x80 {
        out.push((bits & 0x7f) as u8 | 0x80);
        bits >>= 7;
    }
    out.push(bits as u8);
}

/// The bytes that [`put_varlong`] appends.
pub(super) const fn varlong_size(value: i64) -> usize {
    let bits = 64 - (zigzag(value) | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_go_both_ways() {
        let check = |value: i64, expect: &[u8]| {
            let mut out = Vec::new();
            put_varlong(&mut out, value);
            assert_eq!(out, expect, "{value}");
            assert_eq!(varlong_size(value), out.len(), "{value}");
            let mut cursor = Cursor(&out);
            assert_eq!(cursor.varlong(), Ok(value));
            assert!(cursor.0.is_empty());
        };
        check(0, &[0]);
        check(-1, &[1]);
        check(1, &[2]);
        check(63, &[0x7e]);
        check(-64, &[0x7f]);
        check(64, &[0x80, 0x01]);
        check(i64::from(i32::MAX), &[0xfe, 0xff, 0xff, 0xff, 0x0f]);
        check(i64::from(i32::MIN), &[0xff, 0xff, 0xff, 0xff, 0x0f]);
        let most = [0xff; 9];
        check(i64::MIN, &[&most[..], &[1]].concat());
    }

    #[test]
    fn varints_that_are_too_long_are_refused() {
        assert!(Cursor(&[0x80; 11]).varlong().is_err());
        assert!(
            Cursor(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]).varlong().is_err()
        );
        assert!(Cursor(&[0x80, 0x80, 0x80, 0x80, 0x10]).varint().is_err());
        assert!(Cursor(&[0x80]).varlong().is_err());
    }
}
