//! The bytes of one file: what programs see, what is durable, and which sectors differ.

use std::collections::BTreeSet;

use crate::SeededRng;

/// The unit that a disk writes whole: a crash keeps a sector's old content or its new one.
const SECTOR_BYTES: usize = 512;

/// One file.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    /// What reads return.
    bytes: Vec<u8>,
    /// What the last sync left on the disk.
    durable: Vec<u8>,
    /// The sectors that were changed since.
    dirty: BTreeSet<usize>,
}

impl Content {
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn read(&self, buffer: &mut [u8], position: usize) -> usize {
        let Some(rest) = self.bytes.get(position..) else { return 0 };
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        count
    }

    pub(super) fn write(&mut self, bytes: &[u8], position: usize) {
        let end = position + bytes.len();
        let old_len = self.bytes.len();
        if end > old_len {
            self.bytes.resize(end, 0);
        }
        self.bytes[position..end].copy_from_slice(bytes);
        self.mark_dirty(position.min(old_len), end);
    }

    pub(super) fn set_len(&mut self, len: usize) {
        let old_len = self.bytes.len();
        self.bytes.resize(len, 0);
        self.mark_dirty(len.min(old_len), len.max(old_len));
    }

    pub(super) fn sync(&mut self) {
        self.durable.resize(self.bytes.len(), 0);
        for sector in std::mem::take(&mut self.dirty) {
            copy_sector(&self.bytes, &mut self.durable, sector);
        }
    }

    /// Loses power: each unsynced sector is old or new, and an unsynced length is old, new or, for a file
    /// that grew, anything between.
    pub(super) fn crash(&mut self, rng: &mut SeededRng) {
        let (old_len, new_len) = (self.durable.len(), self.bytes.len());
        let len = match rng.below(4) {
            0 => old_len,
            1 => new_len,
            _ if new_len > old_len => {
                let growth = u64::try_from(new_len - old_len).unwrap_or(u64::MAX);
                old_len + usize::try_from(rng.below(growth + 1)).unwrap_or(0)
            }
            choice => [old_len, new_len][usize::from(choice == 2)],
        };
        self.durable.resize(len, 0);
        for sector in std::mem::take(&mut self.dirty) {
            if rng.coin() {
                copy_sector(&self.bytes, &mut self.durable, sector);
            }
        }
        self.bytes.clone_from(&self.durable);
    }

    fn mark_dirty(&mut self, start: usize, end: usize) {
        if start < end {
            self.dirty.extend(start / SECTOR_BYTES..=(end - 1) / SECTOR_BYTES);
        }
    }
}

/// Copies what both files have of a sector.
fn copy_sector(from: &[u8], to: &mut [u8], sector: usize) {
    let start = sector * SECTOR_BYTES;
    let end = (start + SECTOR_BYTES).min(from.len()).min(to.len());
    if start < end {
        to[start..end].copy_from_slice(&from[start..end]);
    }
}

#[cfg(test)]
mod tests {
    use super::{Content, SECTOR_BYTES};
    use crate::SeededRng;

    fn crashed(content: &Content, seed: u64) -> Vec<u8> {
        let mut copy = content.clone();
        copy.crash(&mut SeededRng::new(seed));
        copy.bytes
    }

    #[test]
    fn what_was_synced_survives_every_crash() {
        let mut content = Content::default();
        content.write(&[7; 1000], 0);
        content.sync();
        content.write(&[8; 3000], 1000);
        for seed in 0..200 {
            let after = crashed(&content, seed);
            assert_eq!(&after[..1000], &[7; 1000], "seed {seed}");
            assert!(after.len() <= 4000);
            assert!(after[1000..].iter().all(|byte| [0, 8].contains(byte)));
        }
    }

    #[test]
    fn unsynced_sectors_are_old_or_new_each_for_itself() {
        let mut content = Content::default();
        content.write(&[1; 2 * SECTOR_BYTES], 0);
        content.sync();
        content.write(&[2; 2 * SECTOR_BYTES], 0);
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..100 {
            let after = crashed(&content, seed);
            assert!(
                after.chunks(SECTOR_BYTES).all(|sector| sector.iter().all(|b| *b == sector[0]))
            );
            seen.insert((after[0], after[SECTOR_BYTES]));
        }
        assert_eq!(seen.len(), 4);
    }
}
