//! Kafka's UUIDs: 16 bytes, shown as unpadded URL-safe base64.

use std::fmt;
use std::str::FromStr;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The id of a topic, a log directory, a cluster or an incarnation of a broker.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid([u8; 16]);

impl Uuid {
    /// "No id" on the wire.
    pub const ZERO: Self = Self([0; 16]);
    /// The topic id of `__cluster_metadata`. Reserved, as is the directory id `UNASSIGNED` of the same bits.
    pub const ONE: Self = Self([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    /// The topic id of `__cluster_metadata`.
    pub const METADATA_TOPIC: Self = Self::ONE;
    /// The directory id of a replica whose directory isn't known yet (KIP-858).
    pub const UNASSIGNED_DIR: Self = Self::ZERO;
    /// The directory id of a replica on a directory that went offline (KIP-858).
    pub const LOST_DIR: Self = Self::ONE;
    /// The directory id of a replica on a broker from before directory ids (KIP-858).
    pub const MIGRATING_DIR: Self = Self([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);

    /// An id from its bytes, most significant first.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes, most significant first.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// A version 4 id from 16 random bytes. Kafka never gives out an id whose text begins with a dash,
    /// since command-line tools would take it for an option; nor does this: the bits are turned.
    #[must_use]
    pub fn from_random(mut random: [u8; 16]) -> Self {
        random[6] = (random[6] & 0x0f) | 0x40;
        random[8] = (random[8] & 0x3f) | 0x80;
        if random[0] >> 2 == 62 {
            random[0] ^= 0x80;
        }
        Self(random)
    }

    /// Whether this is [`Uuid::ZERO`].
    #[must_use]
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }

    /// Whether the id is one of the first hundred, which Kafka reserves for ids with a meaning.
    #[must_use]
    pub fn is_reserved(self) -> bool {
        u128::from_be_bytes(self.0) < 100
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u128::from_be_bytes(self.0);
        let mut text = [0u8; 22];
        // 128 bits are 21 groups of six and two bits, which the last letter carries at its top.
        for (i, letter) in text.iter_mut().enumerate() {
            let group = if i < 21 { bits >> (122 - 6 * i) } else { bits << 4 };
            *letter = ALPHABET[(group & 63) as usize];
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Uuid {
    type Err = ParseUuidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim_end_matches('=');
        if text.len() != 22 {
            return Err(ParseUuidError(text.to_owned()));
        }
        let mut bits: u128 = 0;
        for (i, letter) in text.bytes().enumerate() {
            let group = ALPHABET
                .iter()
                .position(|&a| a == letter)
                .ok_or_else(|| ParseUuidError(text.to_owned()))? as u128;
            bits = if i < 21 { (bits << 6) | group } else { (bits << 2) | (group >> 4) };
        }
        Ok(Self(bits.to_be_bytes()))
    }
}

/// The text isn't 22 letters of URL-safe base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseUuidError(String);

impl fmt::Display for ParseUuidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' is not a Kafka UUID: 22 letters of URL-safe base64 are expected", self.0)
    }
}

impl std::error::Error for ParseUuidError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_kafkas() {
        assert_eq!(Uuid::ZERO.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(Uuid::ONE.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
        let bytes = *b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff";
        assert_eq!(Uuid::from_bytes(bytes).to_string(), "ABEiM0RVZneImaq7zN3u_w");
        for id in [Uuid::ZERO, Uuid::ONE, Uuid::from_bytes(bytes)] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert!("short".parse::<Uuid>().is_err());
        assert!("!!!!!!!!!!!!!!!!!!!!!!".parse::<Uuid>().is_err());
    }

    #[test]
    fn random_ids_never_begin_with_a_dash() {
        for first in 0..=255 {
            let mut bytes = [0xab; 16];
            bytes[0] = first;
            assert!(!Uuid::from_random(bytes).to_string().starts_with('-'));
        }
    }
}
