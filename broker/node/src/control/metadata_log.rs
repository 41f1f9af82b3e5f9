//! The log of the metadata topic's only partition.

use std::path::Path;

use bytes::Bytes;
use taffrail_log::{Disk, Log, LogConfig, LogReader, OpenLog, ReadRequest, RecoveryReport};
use taffrail_model::{LeaderEpoch, Now, Offset, Uuid};
use taffrail_protocol::batch::{Batch, Batches};
use taffrail_quorum::OffsetAndEpoch;

use super::{ControlConfig, ControlFailure};

/// What is read of the log at once, in bytes, unless a batch is larger.
const READ_BYTES: usize = 1 << 20;

/// The metadata log: batches are appended as the quorum made them, and nothing is ever removed.
pub(super) struct MetadataLog<D: Disk> {
    log: Log<D>,
    reader: LogReader<D>,
    report: RecoveryReport,
    /// The epoch of the last record below the log, for a log without records.
    snapshot_epoch: LeaderEpoch,
}

impl<D: Disk> MetadataLog<D> {
    /// Opens the log, and recovers and syncs it. As in Kafka, no stop of the process counts as clean here:
    /// what the quorum builds on is read and checked. A log that ends before the snapshot is emptied, since
    /// the snapshot says more.
    pub(super) fn open(
        disk: &D,
        directory: &Path,
        config: &ControlConfig,
        snapshot: OffsetAndEpoch,
        now: Now,
    ) -> Result<Self, ControlFailure> {
        let open = OpenLog {
            dir: directory.to_owned(),
            topic_id: Some(Uuid::METADATA_TOPIC),
            config: LogConfig {
                segment_bytes: config.segment_bytes,
                segment_ms: config.segment_ms,
                is_cleaned_by_delete: false,
                ..LogConfig::default()
            },
            was_clean: false,
            recovery_point: 0,
            start_offset: 0,
        };
        open.config.validate()?;
        let (mut log, report) = Log::open(disk.clone(), open, now)?;
        if log.end_offset() < snapshot.offset {
            log.truncate_fully_and_start_at(snapshot.offset, now)?;
        }
        let log_start = log.start_offset();
        if log_start > snapshot.offset {
            let snapshot_end = snapshot.offset;
            return Err(ControlFailure::Gap { log_start, snapshot_end });
        }
        log.flush(now)?;
        let reader = log.reader();
        Ok(Self { log, reader, report, snapshot_epoch: snapshot.epoch })
    }

    /// What recovery found.
    pub(super) fn recovery_report(&self) -> &RecoveryReport {
        &self.report
    }

    /// The offset of the next record, and the epoch of the last.
    pub(super) fn end(&self) -> OffsetAndEpoch {
        OffsetAndEpoch {
            offset: self.reader.end_offset(),
            epoch: self.reader.latest_epoch().unwrap_or(self.snapshot_epoch),
        }
    }

    /// Writes a batch whose offsets and epoch are set; returns the log's new end.
    pub(super) fn append(&mut self, now: Now, batch: &Bytes) -> Result<Offset, ControlFailure> {
        self.log.append_as_follower(batch, now).map_err(ControlFailure::Append)?;
        Ok(self.log.end_offset())
    }

    /// Syncs the log; returns the offset below which all is durable.
    pub(super) fn flush(&mut self, now: Now) -> Result<Offset, ControlFailure> {
        self.log.flush(now)?;
        Ok(self.log.end_offset())
    }

    /// Calls `visit` with every batch that has an offset from `from` on, and none from `to` on.
    pub(super) fn for_each_batch(
        &self,
        from: Offset,
        to: Offset,
        visit: &mut dyn FnMut(&Batch) -> Result<(), ControlFailure>,
    ) -> Result<(), ControlFailure> {
        let mut next = from;
        while next < to {
            let read = self.reader.read(ReadRequest {
                from: next,
                max_bytes: READ_BYTES,
                bound: to,
                min_one_batch: true,
            })?;
            for batch in Batches::new(read.records.into_contiguous()) {
                let batch =
                    batch.map_err(|source| ControlFailure::Batch { offset: next, source })?;
                visit(&batch)?;
                next = batch.header.next_offset();
            }
            if read.next_offset <= read.base_offset {
                // The log ends here: `to` is an end that it gave itself, so there is nothing more to read.
                break;
            }
        }
        Ok(())
    }

    /// Closes the log.
    pub(super) fn close(self, now: Now) -> Result<(), ControlFailure> {
        self.log.close(now)?;
        Ok(())
    }
}
