//! Snapshots of the metadata log (KIP-630): their names and their bytes.
//!
//! A snapshot is a file of batches: a control batch with a header (and, under KIP-853, the KRaft version
//! and the voters), batches of metadata records, a control batch with a footer. A file without its footer
//! is unfinished. The snapshot of offset 0 and epoch 0 is the bootstrap checkpoint: `format` writes it, it
//! names the first voters, and it is never replicated.

use bytes::Bytes;
use taffrail_model::{Offset, Timestamp};
use taffrail_protocol::batch::{BATCH_OVERHEAD, BatchError, Batches};
use taffrail_protocol::records::{KRaftVersionRecord, SnapshotFooterRecord, SnapshotHeaderRecord};
use taffrail_protocol::wire::EncodeError;

use crate::batches::{MAX_BATCH_SIZE, RECORD_OVERHEAD_MAX, control_batch, data_batch};
use crate::{ControlRecord, ControlRecordError, KRAFT_VERSION, OffsetAndEpoch, VoterSet};

/// The snapshot that `format` writes.
pub const BOOTSTRAP_SNAPSHOT_ID: OffsetAndEpoch = OffsetAndEpoch { offset: 0, epoch: 0 };

const SUFFIX: &str = ".checkpoint";

/// What a batch's records may take once decompressed, in bytes. Ours are never compressed, and hold more
/// than [`MAX_BATCH_SIZE`] only where a single record does; this leaves room for the snapshots of others.
const MAX_RECORDS_SIZE: usize = 8 * MAX_BATCH_SIZE;

/// The name of a snapshot's file: twenty digits of its offset, ten of its epoch.
#[must_use]
pub fn file_name(id: OffsetAndEpoch) -> String {
    format!("{:020}-{:010}{SUFFIX}", id.offset, id.epoch)
}

/// Which snapshot a file is, by its name; `None` for every other file.
#[must_use]
pub fn parse_file_name(name: &str) -> Option<OffsetAndEpoch> {
    let (offset, epoch) = name.strip_suffix(SUFFIX)?.split_once('-')?;
    let id = OffsetAndEpoch { offset: offset.parse().ok()?, epoch: epoch.parse().ok()? };
    // The one form that `file_name` writes: no signs, no other widths.
    (file_name(id) == name).then_some(id)
}

/// What a snapshot holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The time of the last record that it covers, in milliseconds since the Unix epoch.
    pub last_contained_log_timestamp: Timestamp,
    /// The KRaft version; 0 where the snapshot doesn't say.
    pub kraft_version: i16,
    /// The voters, where the snapshot names them.
    pub voters: Option<VoterSet>,
    /// The values of the metadata records, in order.
    pub values: Vec<Bytes>,
}

/// Why a snapshot can't be read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A batch is torn or corrupt.
    #[error("a corrupt batch after offset {after}")]
    Batch {
        /// The offset where the batch should have begun.
        after: Offset,
        /// What is wrong with it.
        source: BatchError,
    },
    /// A control record can't be read.
    #[error("a corrupt control record at offset {offset}")]
    ControlRecord {
        /// Where.
        offset: Offset,
        /// What is wrong with it.
        source: ControlRecordError,
    },
    /// A metadata record without a value.
    #[error("the record at offset {0} has no value")]
    NoValue(Offset),
    /// The first record is not a header.
    #[error("the file doesn't begin with a snapshot header")]
    NoHeader,
    /// The last record is not a footer: the writer died before the end.
    #[error("the file doesn't end with a snapshot footer")]
    NoFooter,
}

impl Snapshot {
    /// The file's bytes, as Kafka's `RecordsSnapshotWriter` lays them out. Batches hold as many records as
    /// fit [`MAX_BATCH_SIZE`].
    ///
    /// # Errors
    /// Where a voter's field doesn't fit the wire.
    pub fn encode(&self, id: OffsetAndEpoch, now: Timestamp) -> Result<Vec<Bytes>, EncodeError> {
        let mut head = vec![ControlRecord::SnapshotHeader(SnapshotHeaderRecord {
            version: 0,
            last_contained_log_timestamp: self.last_contained_log_timestamp,
            ..SnapshotHeaderRecord::default()
        })];
        if self.kraft_version >= KRAFT_VERSION {
            head.push(ControlRecord::KRaftVersion(KRaftVersionRecord {
                version: 0,
                kraft_version: self.kraft_version,
                ..KRaftVersionRecord::default()
            }));
            head.extend(
                self.voters.as_ref().map(|voters| ControlRecord::Voters(voters.to_record())),
            );
        }
        let mut batches = vec![control_batch(0, id.epoch, now, &head)?];
        let mut offset = head.len();
        for values in split(&self.values) {
            batches.push(data_batch(to_offset(offset), id.epoch, now, values));
            offset += values.len();
        }
        let footer = ControlRecord::SnapshotFooter(SnapshotFooterRecord::default());
        batches.push(control_batch(to_offset(offset), id.epoch, now, &[footer])?);
        Ok(batches)
    }

    /// Reads a whole file.
    ///
    /// # Errors
    /// [`SnapshotError`] for anything that isn't a finished snapshot.
    pub fn decode(bytes: Bytes) -> Result<Self, SnapshotError> {
        let mut snapshot = Self::default();
        let mut has_header = false;
        let mut has_footer = false;
        let mut next = 0;
        for batch in Batches::new(bytes) {
            let error = |source| SnapshotError::Batch { after: next, source };
            let batch = batch.map_err(error)?;
            batch.verify_crc().map_err(error)?;
            if has_footer {
                return Err(SnapshotError::NoFooter);
            }
            for record in batch.records(MAX_RECORDS_SIZE).map_err(error)? {
                let record = record.map_err(error)?;
                if !batch.header.is_control() {
                    let value = record.value.ok_or(SnapshotError::NoValue(record.offset))?;
                    snapshot.values.push(value);
                    continue;
                }
                let control = ControlRecord::decode(record.key.as_deref(), record.value).map_err(
                    |source| SnapshotError::ControlRecord { offset: record.offset, source },
                )?;
                match control {
                    ControlRecord::SnapshotHeader(header) => {
                        has_header = true;
                        snapshot.last_contained_log_timestamp = header.last_contained_log_timestamp;
                    }
                    ControlRecord::SnapshotFooter(_) => has_footer = true,
                    ControlRecord::KRaftVersion(version) => {
                        snapshot.kraft_version = version.kraft_version;
                    }
                    ControlRecord::Voters(voters) => {
                        snapshot.voters = Some(VoterSet::from_record(&voters));
                    }
                    ControlRecord::LeaderChange(_) => {}
                }
            }
            if !has_header {
                return Err(SnapshotError::NoHeader);
            }
            next = batch.header.next_offset();
        }
        if !has_header {
            return Err(SnapshotError::NoHeader);
        }
        if !has_footer {
            return Err(SnapshotError::NoFooter);
        }
        Ok(snapshot)
    }
}

/// Cuts the values into batches that each stay under [`MAX_BATCH_SIZE`]; a value that is larger alone
/// still gets its batch.
fn split(values: &[Bytes]) -> impl Iterator<Item = &[Bytes]> {
    let mut rest = values;
    std::iter::from_fn(move || {
        let mut size = BATCH_OVERHEAD;
        let fitting = rest
            .iter()
            .take_while(|value| {
                size = size.saturating_add(value.len() + RECORD_OVERHEAD_MAX);
                size <= MAX_BATCH_SIZE
            })
            .count();
        let (batch, after) = rest.split_at_checked(fitting.max(1))?;
        rest = after;
        Some(batch)
    })
}

fn to_offset(index: usize) -> Offset {
    Offset::try_from(index).expect("a snapshot in memory has fewer records than offsets")
}

#[cfg(test)]
mod tests {
    use taffrail_model::Uuid;

    use super::*;
    use crate::{Voter, VoterEndpoint, VoterKey};

    const ID: OffsetAndEpoch = OffsetAndEpoch { offset: 7, epoch: 3 };

    fn voters() -> VoterSet {
        VoterSet::new(vec![Voter::local(
            VoterKey { id: 1, directory_id: Uuid::from_bytes([5; 16]) },
            vec![VoterEndpoint {
                name: "CONTROLLER".to_owned(),
                host: "localhost".to_owned(),
                port: 9093,
            }],
        )])
    }

    fn encode(snapshot: &Snapshot) -> Vec<u8> {
        snapshot.encode(ID, 1_000).expect("encodable").concat()
    }

    #[test]
    fn names_are_kafkas() {
        assert_eq!(file_name(BOOTSTRAP_SNAPSHOT_ID), "00000000000000000000-0000000000.checkpoint");
        let name = file_name(ID);
        assert_eq!(name, "00000000000000000007-0000000003.checkpoint");
        assert_eq!(parse_file_name(&name), Some(ID));
        for other in [
            "",
            "bootstrap.checkpoint",
            "7-3.checkpoint",
            "+0000000000000000007-0000000003.checkpoint",
            "00000000000000000007-0000000003.checkpoint.deleted",
            "00000000000000000007-0000000003-123.checkpoint.part",
            "99999999999999999999-0000000003.checkpoint",
        ] {
            assert_eq!(parse_file_name(other), None, "{other}");
        }
    }

    #[test]
    fn snapshots_round_trip() {
        let full = Snapshot {
            last_contained_log_timestamp: 17,
            kraft_version: 1,
            voters: Some(voters()),
            values: vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")],
        };
        for snapshot in [Snapshot::default(), full] {
            let decoded = Snapshot::decode(encode(&snapshot).into()).expect("decodable");
            assert_eq!(decoded, snapshot);
        }
    }

    #[test]
    fn values_fill_batches_up_to_their_limit() {
        let value = Bytes::from(vec![b'x'; 3 << 20]);
        let huge = Bytes::from(vec![b'y'; 9 << 20]);
        let values = [&value, &value, &value, &huge, &value].map(Clone::clone);
        let lengths: Vec<usize> = split(&values).map(<[Bytes]>::len).collect();
        assert_eq!(lengths, [2, 1, 1, 1]);
        let snapshot = Snapshot { values: values[..3].to_vec(), ..Snapshot::default() };
        let decoded = Snapshot::decode(encode(&snapshot).into()).expect("decodable");
        assert_eq!(decoded, snapshot);
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_noticed() {
        let bytes = encode(&Snapshot {
            kraft_version: 1,
            voters: Some(voters()),
            values: vec![Bytes::from_static(b"one")],
            ..Snapshot::default()
        });
        for length in 0..bytes.len() {
            let cut = Bytes::copy_from_slice(&bytes[..length]);
            assert!(Snapshot::decode(cut).is_err(), "cut to {length} bytes");
        }
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x10;
            // Neither offsets nor epochs are under the checksum, and a snapshot has no use for them.
            if let Ok(decoded) = Snapshot::decode(flipped.into()) {
                assert_eq!(decoded.values, [Bytes::from_static(b"one")], "byte {at}");
            }
        }
    }
}
