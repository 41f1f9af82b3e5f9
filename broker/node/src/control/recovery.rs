//! What the metadata directory says at the start.

use std::path::Path;

use bytes::Bytes;
use taffrail_log::Disk;
use taffrail_metadata::{ImageLoader, MetadataImage};
use taffrail_model::Offset;
use taffrail_protocol::batch::Batch;
use taffrail_protocol::records::MetadataRecord;
use taffrail_quorum::snapshot::BOOTSTRAP_SNAPSHOT_ID;
use taffrail_quorum::{ControlRecord, MAX_BATCH_SIZE, OffsetAndEpoch, VoterSet};

use super::metadata_log::MetadataLog;
use super::{ControlFailure, latest_snapshot, read_snapshot};

/// What the records of one batch may take once decompressed, in bytes. Kafka compresses no metadata, and
/// only a single record that is larger alone exceeds a batch's limit.
const MAX_RECORDS_SIZE: usize = 8 * MAX_BATCH_SIZE;

/// What a snapshot and the control records after it say of the quorum, and the image of the snapshot.
#[derive(Default)]
pub(super) struct Recovery {
    /// The latest snapshot; offset 0 of epoch 0 for the bootstrap checkpoint, or none.
    pub(super) snapshot_id: OffsetAndEpoch,
    /// The metadata in the snapshot.
    pub(super) image: MetadataImage,
    /// The metadata records of the bootstrap checkpoint, where later versions of Kafka keep them.
    pub(super) bootstrap_values: Vec<Bytes>,
    pub(super) kraft_version: i16,
    pub(super) voters: VoterSet,
    pub(super) voters_in_log: bool,
}

impl Recovery {
    /// Reads the latest snapshot of the metadata log's directory.
    pub(super) fn from_snapshot<D: Disk>(
        disk: &D,
        directory: &Path,
    ) -> Result<Self, ControlFailure> {
        let Some(snapshot_id) = latest_snapshot(disk, directory)? else {
            return Ok(Self::default());
        };
        let snapshot = read_snapshot(disk, directory, snapshot_id)?;
        let is_bootstrap = snapshot_id == BOOTSTRAP_SNAPSHOT_ID;
        let mut recovery = Self {
            snapshot_id,
            kraft_version: snapshot.kraft_version,
            voters_in_log: !is_bootstrap && snapshot.voters.is_some(),
            voters: snapshot.voters.unwrap_or_default(),
            ..Self::default()
        };
        if is_bootstrap {
            recovery.bootstrap_values = snapshot.values;
        } else {
            recovery.image = replay_snapshot(&snapshot.values)?;
        }
        Ok(recovery)
    }

    /// Reads the control records of the log after the snapshot. What isn't committed yet counts as well, as
    /// in Kafka: voters change with the record's append (KIP-853).
    pub(super) fn read_control_records<D: Disk>(
        &mut self,
        log: &MetadataLog<D>,
    ) -> Result<(), ControlFailure> {
        log.for_each_batch(self.snapshot_id.offset, log.end().offset, &mut |batch| {
            if !batch.header.is_control() {
                return Ok(());
            }
            for record in read_records(batch)? {
                let (offset, key, value) = record?;
                let control = ControlRecord::decode(key.as_deref(), value)
                    .map_err(|source| ControlFailure::ControlRecord { offset, source })?;
                match control {
                    ControlRecord::KRaftVersion(version) => {
                        self.kraft_version = version.kraft_version;
                    }
                    ControlRecord::Voters(voters) => {
                        self.voters = VoterSet::from_record(&voters);
                        self.voters_in_log = true;
                    }
                    ControlRecord::LeaderChange(_)
                    | ControlRecord::SnapshotHeader(_)
                    | ControlRecord::SnapshotFooter(_) => {}
                }
            }
            Ok(())
        })
    }
}

/// The metadata records of a batch of the log.
pub(super) fn decode_metadata(batch: &Batch) -> Result<Vec<MetadataRecord>, ControlFailure> {
    read_records(batch)?
        .map(|record| {
            let (offset, _, value) = record?;
            decode_value(offset, value.ok_or(ControlFailure::NoValue(offset))?)
        })
        .collect()
}

/// The metadata records of a snapshot or of bootstrap metadata.
pub(super) fn decode_values(values: &[Bytes]) -> Result<Vec<MetadataRecord>, ControlFailure> {
    (0..).zip(values).map(|(index, value)| decode_value(index, value.clone())).collect()
}

fn decode_value(offset: Offset, value: Bytes) -> Result<MetadataRecord, ControlFailure> {
    MetadataRecord::decode_value(value).map_err(|source| ControlFailure::Record { offset, source })
}

type KeyAndValue = (Offset, Option<Bytes>, Option<Bytes>);

fn read_records(
    batch: &Batch,
) -> Result<impl Iterator<Item = Result<KeyAndValue, ControlFailure>>, ControlFailure> {
    let offset = batch.header.base_offset;
    let corrupt = move |source| ControlFailure::Batch { offset, source };
    batch.verify_crc().map_err(corrupt)?;
    let records = batch.records(MAX_RECORDS_SIZE).map_err(corrupt)?;
    Ok(records.map(move |record| {
        record.map(|record| (record.offset, record.key, record.value)).map_err(corrupt)
    }))
}

fn replay_snapshot(values: &[Bytes]) -> Result<MetadataImage, ControlFailure> {
    let mut loader = ImageLoader::default();
    for (offset, record) in (0..).zip(decode_values(values)?) {
        loader
            .replay(offset, &record)
            .map_err(|source| ControlFailure::Replay { offset, source })?;
    }
    Ok(loader.image().clone())
}
