//! Appending: prepare (checks, changes nothing), write, then take note.

use std::collections::BTreeMap;
use std::io::IoSlice;

use bytes::Bytes;
use taffrail_model::{LeaderEpoch, Now, Offset, ProducerId, Timestamp};
use taffrail_protocol::batch::{Batch, BatchError, BatchHeader, Batches, stamp};

use super::Log;
use crate::disk::{Disk, DiskFile};
use crate::error::{AppendError, LogError};
use crate::producer::{Origin, ProducerEntry, ProducerStates, ProducerUpdate};

/// Where a batch is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The offset of its first record.
    pub base_offset: Offset,
    /// The offset of its last record.
    pub last_offset: Offset,
    /// Its greatest timestamp.
    pub max_timestamp: Timestamp,
    /// Whether it had been appended before: nothing was written, and the offsets are those of that time.
    pub is_duplicate: bool,
}

/// Batches that go into the active segment with one write.
struct Group {
    /// The offset of the batch that comes next.
    next_offset: Offset,
    parts: Vec<Bytes>,
    bytes: u64,
    batches: Vec<(BatchHeader, Option<ProducerUpdate>)>,
    /// The producers' states once the group is written.
    producers: BTreeMap<ProducerId, ProducerEntry>,
    /// The callers' batches that are done with the write, by their index.
    waiting: Vec<(usize, Appended)>,
}

impl Group {
    fn new(next_offset: Offset) -> Self {
        Self {
            next_offset,
            parts: Vec::new(),
            bytes: 0,
            batches: Vec::new(),
            producers: BTreeMap::new(),
            waiting: Vec::new(),
        }
    }

    fn push(&mut self, parts: impl IntoIterator<Item = Bytes>, prepared: Prepared) {
        let Prepared { header, update } = prepared;
        self.parts.extend(parts);
        self.bytes += header.size_in_bytes() as u64;
        self.next_offset = header.next_offset();
        if let Some(update) = &update {
            self.producers.insert(update.entry.producer_id, update.entry);
        }
        self.batches.push((header, update));
    }
}

/// A batch that may be appended, with the offsets and the epoch that it gets.
struct Prepared {
    header: BatchHeader,
    update: Option<ProducerUpdate>,
}

/// What to do with a leader's batch.
#[expect(
    clippy::large_enum_variant,
    reason = "it lives on the stack for one batch; a box would cost each append an allocation"
)]
enum Verdict {
    Append(Prepared),
    /// It is in the log, or will be with the group.
    Duplicate {
        original: Appended,
        is_in_group: bool,
    },
}

impl<D: Disk> Log<D> {
    /// Appends batches as the leader: each gets the next offsets and `leader_epoch`. Every element of
    /// `batches` is one batch that was validated; its records are written without a copy, and all of them
    /// with one write where they fit into the active segment.
    ///
    /// Each batch has an outcome of its own. After [`AppendError::Storage`] the batch isn't in the log; when
    /// that can't be made sure of, the log goes offline.
    pub fn append_as_leader(
        &mut self,
        batches: &[Bytes],
        leader_epoch: LeaderEpoch,
        origin: Origin,
        now: Now,
    ) -> Vec<Result<Appended, AppendError>> {
        let mut outcomes = Vec::with_capacity(batches.len());
        let mut group = Group::new(self.end_offset());
        for bytes in batches {
            let index = outcomes.len();
            let verdict = self
                .prepare_as_leader(&group, bytes, leader_epoch, origin)
                .and_then(|verdict| self.make_room(verdict, &mut group, &mut outcomes, now));
            outcomes.push(match verdict {
                Ok(Verdict::Append(prepared)) => {
                    let header = prepared.header;
                    let appended = Appended {
                        base_offset: header.base_offset,
                        last_offset: header.last_offset(),
                        max_timestamp: header.max_timestamp,
                        is_duplicate: false,
                    };
                    group.push(stamp(bytes, header.base_offset, leader_epoch), prepared);
                    group.waiting.push((index, appended));
                    Ok(appended)
                }
                Ok(Verdict::Duplicate { original, is_in_group }) => {
                    if is_in_group {
                        group.waiting.push((index, original));
                    }
                    Ok(original)
                }
                Err(error) => Err(error),
            });
        }
        // The failure is in the outcomes of the batches.
        let _written = self.write_group(&mut group, &mut outcomes, now);
        outcomes
    }

    /// Appends batches as a follower, or as a replica of another log: offsets and epochs stay as they are.
    /// A batch that is cut short at the end of `records` is left out, as it ends a fetch.
    ///
    /// # Errors
    /// At the first batch that is corrupt or goes back; those before it may have been appended. Errors of
    /// the disk as in [`Log::append_as_leader`].
    pub fn append_as_follower(&mut self, records: &Bytes, now: Now) -> Result<(), AppendError> {
        let mut group = Group::new(self.end_offset());
        let mut refused = Ok(());
        for batch in Batches::new(records.clone()) {
            let prepared = match batch {
                Err(BatchError::Torn { .. }) => break,
                Err(error) => Err(error.into()),
                Ok(batch) => {
                    self.prepare_as_follower(&group, &batch).map(|prepared| (prepared, batch))
                }
            };
            match prepared {
                Ok((prepared, batch)) => {
                    if self.must_roll(&prepared.header, &group, now)? {
                        self.write_group(&mut group, &mut [], now)?;
                        self.roll_to(prepared.header.base_offset, now)?;
                    }
                    group.push([batch.bytes], prepared);
                }
                Err(error) => {
                    refused = Err(error);
                    break;
                }
            }
        }
        self.write_group(&mut group, &mut [], now)?;
        refused
    }

    /// Checks a leader's batch against the log and against the group before it.
    fn prepare_as_leader(
        &self,
        group: &Group,
        bytes: &Bytes,
        leader_epoch: LeaderEpoch,
        origin: Origin,
    ) -> Result<Verdict, AppendError> {
        self.shared.check_online()?;
        let batch = Batch::parse(bytes)?;
        if batch.bytes.len() != bytes.len() {
            let expected = batch.bytes.len();
            return Err(AppendError::NotOneBatch { given: bytes.len(), expected });
        }
        let header = BatchHeader {
            base_offset: group.next_offset,
            partition_leader_epoch: leader_epoch,
            ..batch.header
        };
        self.check_shape(&header)?;
        let (entry, is_in_group) = self.producer_entry(group, header.producer_id);
        if origin == Origin::Client
            && header.has_producer_id()
            && let Some(original) = entry.duplicate_of(&header)
        {
            let original = Appended {
                base_offset: original.base_offset(),
                last_offset: original.last_offset,
                max_timestamp: original.timestamp,
                is_duplicate: true,
            };
            return Ok(Verdict::Duplicate { original, is_in_group });
        }
        let update = ProducerStates::check(&entry, &batch, &header, origin)?;
        Ok(Verdict::Append(Prepared { header, update }))
    }

    fn prepare_as_follower(&self, group: &Group, batch: &Batch) -> Result<Prepared, AppendError> {
        self.shared.check_online()?;
        batch.verify_crc()?;
        let header = batch.header;
        self.check_shape(&header)?;
        if header.base_offset < group.next_offset {
            let (base, end) = (header.base_offset, group.next_offset);
            return Err(AppendError::OffsetNotRising { base, end });
        }
        let (entry, _) = self.producer_entry(group, header.producer_id);
        let update = ProducerStates::check(&entry, batch, &header, Origin::Replication)?;
        Ok(Prepared { header, update })
    }

    /// The producer's state behind the group, and whether the group has changed it.
    fn producer_entry(&self, group: &Group, producer_id: ProducerId) -> (ProducerEntry, bool) {
        match group.producers.get(&producer_id) {
            Some(entry) => (*entry, true),
            None => (self.producers.entry(producer_id), false),
        }
    }

    fn check_shape(&self, header: &BatchHeader) -> Result<(), AppendError> {
        let size = header.size_in_bytes();
        let limit = self.config.segment_bytes;
        if size as u64 > limit {
            return Err(AppendError::LargerThanSegment { size, limit });
        }
        let last = header.base_offset.checked_add(i64::from(header.last_offset_delta));
        let is_valid = header.base_offset >= 0
            && header.last_offset_delta >= 0
            && last.is_some_and(|last| last < Offset::MAX);
        if is_valid {
            return Ok(());
        }
        Err(AppendError::InvalidOffsets { base: header.base_offset, last: header.last_offset() })
    }

    /// Rolls before a batch that doesn't fit, once the group before it is written.
    fn make_room(
        &mut self,
        verdict: Verdict,
        group: &mut Group,
        outcomes: &mut [Result<Appended, AppendError>],
        now: Now,
    ) -> Result<Verdict, AppendError> {
        let Verdict::Append(prepared) = &verdict else { return Ok(verdict) };
        if !self.must_roll(&prepared.header, group, now)? {
            return Ok(verdict);
        }
        let base_offset = prepared.header.base_offset;
        // Without the group the batch can't follow: it was checked against it.
        self.write_group(group, outcomes, now)?;
        self.roll_to(base_offset, now)?;
        Ok(verdict)
    }

    fn must_roll(&self, header: &BatchHeader, group: &Group, now: Now) -> Result<bool, LogError> {
        self.shared.active().should_roll(header, group.bytes, &self.config, now.wall)
    }

    /// Writes a group and takes note of it, or takes its failure back out of `outcomes`. The group is empty
    /// afterwards.
    fn write_group(
        &mut self,
        group: &mut Group,
        outcomes: &mut [Result<Appended, AppendError>],
        now: Now,
    ) -> Result<(), LogError> {
        let written = self.write(group, now);
        if let Err(error) = &written {
            for (index, _) in &group.waiting {
                if let Some(outcome) = outcomes.get_mut(*index) {
                    *outcome = Err(error.clone().into());
                }
            }
        }
        *group = Group::new(self.end_offset());
        written
    }

    fn write(&mut self, group: &Group, now: Now) -> Result<(), LogError> {
        if group.batches.is_empty() {
            return Ok(());
        }
        let active = self.shared.active();
        let position = active.size();
        let parts: Vec<IoSlice<'_>> = group.parts.iter().map(|part| IoSlice::new(part)).collect();
        if let Err(error) = active.file.write_vectored_at(&parts, position) {
            // A part of the bytes may have arrived, and the next write has to begin where these did.
            if let Err(second) = active.file.set_len(position) {
                self.shared.take_offline(&format!(
                    "a failed write ({error}) could not be taken back ({second})"
                ));
            }
            return Err(active.io("write")(error));
        }
        let noted = group
            .batches
            .iter()
            .try_for_each(|(header, update)| self.take_note(header, update.as_ref()));
        if let Err(error) = &noted {
            self.shared
                .take_offline(&format!("a batch was written but not taken note of: {error}"));
            return noted;
        }
        self.shared.set_end(group.next_offset);
        self.unsynced_since.get_or_insert(now.mono);
        Ok(())
    }

    /// Brings indexes, producers and epochs up to a batch that was written.
    fn take_note(
        &mut self,
        header: &BatchHeader,
        update: Option<&ProducerUpdate>,
    ) -> Result<(), LogError> {
        let active = self.shared.active();
        active.appended(header, self.config.index_interval_bytes)?;
        let (epoch, base_offset) = (header.partition_leader_epoch, header.base_offset);
        if self.shared.read_epochs(|epochs| epochs.latest().is_none_or(|last| last.epoch < epoch)) {
            self.shared.change_epochs(|epochs| epochs.assign(epoch, base_offset));
        }
        if let Some(aborted) = update.and_then(|update| self.producers.apply(update)) {
            active.txn_index.push(aborted).map_err(active.io("index an abort in"))?;
        }
        Ok(())
    }
}
