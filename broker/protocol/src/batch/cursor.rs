//! Reading and writing the zigzag varints of records.

/// The bytes of a record section that are still to be read.
///
/// The reasons are constants, so that an error on the hot path costs no allocation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn byte(&mut self) -> Result<u8, &'static str> {
        let (&byte, rest) = self.0.split_first().ok_or("it ends too early")?;
        self.0 = rest;
        Ok(byte)
    }

    pub(super) fn bytes(&mut self, length: usize) -> Result<&'a [u8], &'static str> {
        let (taken, rest) =
            self.0.split_at_checked(length).ok_or("a length in it passes its end")?;
        self.0 = rest;
        Ok(taken)
    }

    /// A length as a varint, then that many bytes; -1 is null, and so is any other negative length, as
    /// Kafka reads it.
    pub(super) fn nullable_bytes(&mut self) -> Result<Option<&'a [u8]>, &'static str> {
        match usize::try_from(self.varint()?) {
            Ok(length) => self.bytes(length).map(Some),
            Err(_) => Ok(None),
        }
    }

    pub(super) fn varint(&mut self) -> Result<i32, &'static str> {
        i32::try_from(self.varlong()?).map_err(|_| "a varint in it passes 32 bits")
    }

    pub(super) fn varlong(&mut self) -> Result<i64, &'static str> {
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
        Err("a varint in it passes 64 bits")
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
