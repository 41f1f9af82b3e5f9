//! Ranges of versions, as Kafka writes them: `3`, `0-4`, `2+`, `none`.

use std::fmt;
use std::str::FromStr;

use anyhow::Context;

/// An inclusive range of versions; empty when `low > high`.
#[derive(Clone, Copy, Debug)]
pub struct Versions {
    /// The lowest version.
    pub low: i16,
    /// The highest version; `i16::MAX` when the range is open.
    pub high: i16,
}

impl Versions {
    /// No version.
    pub const NONE: Self = Self { low: 0, high: -1 };
    /// Every version.
    pub const ALL: Self = Self { low: 0, high: i16::MAX };

    /// Whether there is no version in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.low > self.high
    }

    /// Whether the version is in it.
    #[must_use]
    pub const fn contains(self, version: i16) -> bool {
        self.low <= version && version <= self.high
    }

    /// The versions in both.
    #[must_use]
    pub fn intersect(self, other: Self) -> Self {
        Self { low: self.low.max(other.low), high: self.high.min(other.high) }
    }

    /// Whether all of these are in `other`.
    #[must_use]
    pub fn is_within(self, other: Self) -> bool {
        self.is_empty() || (other.low <= self.low && self.high <= other.high)
    }

    /// These without an upper part that is open, such as the tagged versions of a field.
    #[must_use]
    pub fn without_tail(self, tail: Self) -> Self {
        if tail.is_empty() {
            return self;
        }
        Self { low: self.low, high: self.high.min(tail.low - 1) }
    }
}

impl PartialEq for Versions {
    fn eq(&self, other: &Self) -> bool {
        (self.is_empty() && other.is_empty()) || (self.low == other.low && self.high == other.high)
    }
}

impl Eq for Versions {}

impl FromStr for Versions {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let number = |part: &str| {
            part.parse::<i16>().with_context(|| format!("'{text}' is not a range of versions"))
        };
        if text == "none" {
            return Ok(Self::NONE);
        }
        if let Some(low) = text.strip_suffix('+') {
            return Ok(Self { low: number(low)?, high: i16::MAX });
        }
        let (low, high) = text.split_once('-').unwrap_or((text, text));
        Ok(Self { low: number(low)?, high: number(high)? })
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            f.write_str("none")
        } else if self.low == self.high {
            write!(f, "{}", self.low)
        } else if self.high == i16::MAX {
            write!(f, "{}+", self.low)
        } else {
            write!(f, "{}-{}", self.low, self.high)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        for text in ["none", "3", "0-4", "2+"] {
            assert_eq!(text.parse::<Versions>().unwrap().to_string(), text);
        }
        assert!("2-".parse::<Versions>().is_err());
    }

    #[test]
    fn the_untagged_part_lies_below_the_tagged_one() {
        let check = |all: &str, tail: &str, expect: &str| {
            let left = all.parse::<Versions>().unwrap();
            assert_eq!(left.without_tail(tail.parse().unwrap()), expect.parse().unwrap());
        };
        check("0+", "12+", "0-11");
        check("12+", "12+", "none");
        check("3-5", "none", "3-5");
    }
}
