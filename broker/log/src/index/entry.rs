//! The three kinds of entries, in Kafka's layouts (big-endian).

use taffrail_model::{Offset, ProducerId, Timestamp};

/// An entry of fixed size in a sorted file.
pub(crate) trait IndexEntry: Copy + Send + Sync + 'static {
    /// The bytes of one entry.
    const SIZE: usize;
    /// Whether the file exists for a segment that has no entries. Kafka rebuilds a segment without its
    /// offset index, but makes a transaction index only when a transaction was aborted.
    const HAS_EMPTY_FILE: bool;

    /// What the entries are sorted by.
    fn key(&self) -> i64;
    /// The offset by which truncation drops the entry.
    fn offset(&self) -> Offset;
    fn encode(&self, base_offset: Offset, out: &mut Vec<u8>);
    /// The entry in [`IndexEntry::SIZE`] bytes, or `None` for other sizes and unknown versions.
    fn decode(bytes: &[u8], base_offset: Offset) -> Option<Self>;
}

/// `.index`: where in the segment the batch begins whose last record has this offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OffsetEntry {
    pub(crate) offset: Offset,
    pub(crate) position: u32,
}

/// `.timeindex`: the greatest timestamp up to this offset, which is the last of its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeEntry {
    pub(crate) timestamp: Timestamp,
    pub(crate) offset: Offset,
}

/// `.txnindex`: a transaction that was aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortedTxn {
    /// The producer.
    pub producer_id: ProducerId,
    /// The offset of the transaction's first record in this partition.
    pub first_offset: Offset,
    /// The offset of the marker.
    pub last_offset: Offset,
    /// The last stable offset once the transaction had ended.
    pub last_stable_offset: Offset,
}

impl IndexEntry for OffsetEntry {
    const SIZE: usize = 8;
    const HAS_EMPTY_FILE: bool = true;

    fn key(&self) -> i64 {
        self.offset
    }

    fn offset(&self) -> Offset {
        self.offset
    }

    fn encode(&self, base_offset: Offset, out: &mut Vec<u8>) {
        out.extend_from_slice(&relative(self.offset, base_offset));
        out.extend_from_slice(&self.position.to_be_bytes());
    }

    fn decode(bytes: &[u8], base_offset: Offset) -> Option<Self> {
        let (relative, position) = bytes.split_first_chunk()?;
        Some(Self {
            offset: absolute(*relative, base_offset),
            position: u32::from_be_bytes(position.try_into().ok()?),
        })
    }
}

impl IndexEntry for TimeEntry {
    const SIZE: usize = 12;
    const HAS_EMPTY_FILE: bool = true;

    fn key(&self) -> i64 {
        self.timestamp
    }

    fn offset(&self) -> Offset {
        self.offset
    }

    fn encode(&self, base_offset: Offset, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.timestamp.to_be_bytes());
        out.extend_from_slice(&relative(self.offset, base_offset));
    }

    fn decode(bytes: &[u8], base_offset: Offset) -> Option<Self> {
        let (timestamp, relative) = bytes.split_first_chunk()?;
        Some(Self {
            timestamp: i64::from_be_bytes(*timestamp),
            offset: absolute(relative.try_into().ok()?, base_offset),
        })
    }
}

/// The version that begins each entry of a `.txnindex`.
const ABORTED_TXN_VERSION: i16 = 0;

impl IndexEntry for AbortedTxn {
    const SIZE: usize = 34;
    const HAS_EMPTY_FILE: bool = false;

    fn key(&self) -> i64 {
        self.last_offset
    }

    fn offset(&self) -> Offset {
        self.last_offset
    }

    fn encode(&self, _base_offset: Offset, out: &mut Vec<u8>) {
        out.extend_from_slice(&ABORTED_TXN_VERSION.to_be_bytes());
        for field in
            [self.producer_id, self.first_offset, self.last_offset, self.last_stable_offset]
        {
            out.extend_from_slice(&field.to_be_bytes());
        }
    }

    fn decode(bytes: &[u8], _base_offset: Offset) -> Option<Self> {
        let (version, rest) = bytes.split_first_chunk()?;
        if i16::from_be_bytes(*version) != ABORTED_TXN_VERSION {
            return None;
        }
        let (producer_id, rest) = rest.split_first_chunk()?;
        let (first_offset, rest) = rest.split_first_chunk()?;
        let (last_offset, rest) = rest.split_first_chunk()?;
        Some(Self {
            producer_id: i64::from_be_bytes(*producer_id),
            first_offset: i64::from_be_bytes(*first_offset),
            last_offset: i64::from_be_bytes(*last_offset),
            last_stable_offset: i64::from_be_bytes(rest.try_into().ok()?),
        })
    }
}

/// An offset as the four bytes that a segment of at most 2^31 offsets needs. Segments roll before that.
fn relative(offset: Offset, base_offset: Offset) -> [u8; 4] {
    let relative = offset.saturating_sub(base_offset);
    i32::try_from(relative).unwrap_or(i32::MAX).to_be_bytes()
}

fn absolute(relative: [u8; 4], base_offset: Offset) -> Offset {
    base_offset.saturating_add(i64::from(i32::from_be_bytes(relative)))
}

#[cfg(test)]
mod tests {
    use super::{AbortedTxn, IndexEntry, OffsetEntry, TimeEntry};

    fn check<E: IndexEntry + PartialEq + std::fmt::Debug>(entry: E, expect: &[u8]) {
        let mut bytes = Vec::new();
        entry.encode(100, &mut bytes);
        assert_eq!(bytes, expect);
        assert_eq!(E::decode(&bytes, 100), Some(entry));
        assert_eq!(E::decode(&bytes[1..], 100), None);
    }

    #[test]
    fn the_layouts_are_kafkas() {
        check(OffsetEntry { offset: 105, position: 4200 }, &[0, 0, 0, 5, 0, 0, 0x10, 0x68]);
        check(TimeEntry { timestamp: 1, offset: 356 }, &[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0]);
        let txn =
            AbortedTxn { producer_id: 1, first_offset: 2, last_offset: 3, last_stable_offset: 4 };
        let mut expect = vec![0, 0];
        for field in 1..=4 {
            expect.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, field]);
        }
        check(txn, &expect);
    }
}
