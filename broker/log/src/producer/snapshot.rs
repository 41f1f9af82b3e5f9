//! Snapshots of the producers' state, in files `<offset>.snapshot` in Kafka's format.
//!
//! A snapshot may be written without a sync: its CRC tells whether all of it arrived, and one that didn't is
//! passed over for an older one.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use crc_fast::CrcAlgorithm;
use taffrail_model::Offset;
use taffrail_protocol::Message;
use taffrail_protocol::records::{ProducerSnapshot, producer_snapshot};
use taffrail_protocol::wire::{Decoder, Encoder};

use super::{ProducerEntry, ProducerStates, Remembered};
use crate::disk::{Disk, DiskFile, OpenMode};
use crate::error::LogError;
use crate::file_names::{SNAPSHOT_SUFFIX, offset_file};

const CRC_AT: usize = 2;
/// Where the bytes begin that the CRC covers: behind the version and itself.
const ENTRIES_AT: usize = 6;
/// Far more than the state of a partition takes: some five million producers.
const SNAPSHOT_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The snapshots of one log.
pub(crate) struct Snapshots<D: Disk> {
    disk: D,
    dir: PathBuf,
    offsets: BTreeSet<Offset>,
}

impl<D: Disk> Snapshots<D> {
    /// The snapshots at these offsets in `dir`.
    pub(crate) fn new(disk: D, dir: &Path, offsets: BTreeSet<Offset>) -> Self {
        Self { disk, dir: dir.to_owned(), offsets }
    }

    pub(crate) fn contains(&self, offset: Offset) -> bool {
        self.offsets.contains(&offset)
    }

    /// The offsets of all snapshots, rising.
    pub(crate) fn offsets(&self) -> impl DoubleEndedIterator<Item = Offset> {
        self.offsets.iter().copied()
    }

    /// Writes a snapshot of the state at `offset`, without a sync.
    pub(crate) fn write(
        &mut self,
        offset: Offset,
        states: &ProducerStates,
    ) -> Result<(), LogError> {
        let path = self.path(offset);
        let content =
            encode(states).map_err(|error| LogError::corrupt(&path, error.to_string()))?;
        let file =
            self.disk.open(&path, OpenMode::Create).map_err(LogError::io("create", &path))?;
        self.offsets.insert(offset);
        file.set_len(0).map_err(LogError::io("truncate", &path))?;
        file.write_all_at(&content, 0).map_err(LogError::io("write", &path))
    }

    /// Makes the snapshot at `offset` durable, if there is one.
    pub(crate) fn sync(&self, offset: Offset) -> Result<(), LogError> {
        if !self.contains(offset) {
            return Ok(());
        }
        let path = self.path(offset);
        let file =
            self.disk.open(&path, OpenMode::ReadWrite).map_err(LogError::io("open", &path))?;
        file.sync_all().map_err(LogError::io("sync", &path))
    }

    /// The latest intact snapshot at or below `offset`; those that are torn are removed.
    pub(crate) fn load_latest(
        &mut self,
        offset: Offset,
    ) -> Result<Option<(Offset, ProducerStates)>, LogError> {
        while let Some(latest) = self.offsets.range(..=offset).next_back().copied() {
            let path = self.path(latest);
            let content =
                self.disk.read(&path, SNAPSHOT_BYTES_MAX).map_err(LogError::io("read", &path))?;
            match decode(Bytes::from(content)) {
                Some(states) => return Ok(Some((latest, states))),
                None => self.remove(latest)?,
            }
        }
        Ok(None)
    }

    /// Removes the snapshots at the offsets that satisfy a condition.
    pub(crate) fn remove_where(
        &mut self,
        condition: impl Fn(Offset) -> bool,
    ) -> Result<(), LogError> {
        let removed: Vec<Offset> = self.offsets().filter(|offset| condition(*offset)).collect();
        removed.into_iter().try_for_each(|offset| self.remove(offset))
    }

    fn remove(&mut self, offset: Offset) -> Result<(), LogError> {
        self.offsets.remove(&offset);
        let path = self.path(offset);
        match self.disk.remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(LogError::io("remove", &path)(error))
            }
            _ => Ok(()),
        }
    }

    fn path(&self, offset: Offset) -> PathBuf {
        offset_file(&self.dir, offset, SNAPSHOT_SUFFIX)
    }
}

fn encode(states: &ProducerStates) -> Result<Bytes, taffrail_protocol::wire::EncodeError> {
    let snapshot =
        ProducerSnapshot { crc: 0, producer_entries: states.iter().map(to_wire).collect() };
    let mut encoder = Encoder::new();
    encoder.int16(ProducerSnapshot::MAX_VERSION);
    snapshot.encode(&mut encoder, ProducerSnapshot::MAX_VERSION)?;
    let mut content = BytesMut::from(encoder.into_bytes());
    let crc = crc_of(&content);
    if let Some(field) = content.get_mut(CRC_AT..ENTRIES_AT) {
        field.copy_from_slice(&crc.to_be_bytes());
    }
    Ok(content.freeze())
}

/// The state in a snapshot, or `None` when it isn't intact or of an unknown version.
fn decode(content: Bytes) -> Option<ProducerStates> {
    let crc = crc_of(&content);
    let mut decoder = Decoder::new(content);
    let version = decoder.int16().ok()?;
    let snapshot = ProducerSnapshot::decode(&mut decoder, version).ok()?;
    if snapshot.crc != crc || decoder.remaining() != 0 {
        return None;
    }
    let mut states = ProducerStates::default();
    for entry in &snapshot.producer_entries {
        states.insert(from_wire(entry));
    }
    Some(states)
}

fn crc_of(content: &[u8]) -> u32 {
    let covered = content.get(ENTRIES_AT..).unwrap_or_default();
    crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, covered) as u32
}

/// Only the last batch is kept, as in Kafka: after a restart older duplicates are out of order instead.
fn to_wire(entry: &ProducerEntry) -> producer_snapshot::ProducerEntry {
    let last = entry.last_batch();
    producer_snapshot::ProducerEntry {
        producer_id: entry.producer_id,
        epoch: entry.epoch,
        last_sequence: last.map_or(-1, |batch| batch.last_sequence),
        last_offset: last.map_or(-1, |batch| batch.last_offset),
        offset_delta: last.map_or(0, |batch| batch.offset_delta),
        timestamp: entry.last_timestamp,
        coordinator_epoch: entry.coordinator_epoch,
        current_txn_first_offset: entry.txn_first_offset.unwrap_or(-1),
    }
}

fn from_wire(wire: &producer_snapshot::ProducerEntry) -> ProducerEntry {
    let mut entry = ProducerEntry::unknown(wire.producer_id);
    entry.epoch = wire.epoch;
    entry.coordinator_epoch = wire.coordinator_epoch;
    entry.txn_first_offset =
        (wire.current_txn_first_offset >= 0).then_some(wire.current_txn_first_offset);
    if wire.last_offset >= 0 {
        entry.remember(Remembered {
            last_sequence: wire.last_sequence,
            last_offset: wire.last_offset,
            offset_delta: wire.offset_delta,
            timestamp: wire.timestamp,
        });
    }
    entry.last_timestamp = wire.timestamp;
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states() -> ProducerStates {
        let mut states = ProducerStates::default();
        let mut entry = ProducerEntry::unknown(7);
        entry.epoch = 2;
        entry.remember(Remembered {
            last_sequence: 9,
            last_offset: 100,
            offset_delta: 4,
            timestamp: 55,
        });
        states.insert(entry);
        let mut in_transaction = ProducerEntry::unknown(8);
        in_transaction.epoch = 0;
        in_transaction.txn_first_offset = Some(40);
        states.insert(in_transaction);
        states
    }

    #[test]
    fn the_format_is_kafkas() {
        let content = encode(&states()).expect("encodable");
        assert_eq!(&content[..2], &[0, 1]);
        assert_eq!(&content[6..10], &[0, 0, 0, 2]);
        assert_eq!(&content[10..18], &[0, 0, 0, 0, 0, 0, 0, 7]);
        assert_eq!(content.len(), 10 + 2 * 46);
        assert_eq!(decode(content), Some(states()));
    }

    #[test]
    fn a_snapshot_with_any_byte_wrong_or_missing_is_not_taken() {
        let content = encode(&states()).expect("encodable");
        for at in 0..content.len() {
            let mut flipped = BytesMut::from(content.clone());
            flipped[at] ^= 0x10;
            assert_eq!(decode(flipped.freeze()), None, "byte {at}");
            assert_eq!(decode(content.slice(..at)), None, "cut at {at}");
        }
    }
}
