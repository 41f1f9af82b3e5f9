//! What a log remembers of one producer, and the rules by which its next batch follows.

use taffrail_model::{Offset, ProducerEpoch, ProducerId, Timestamp};
use taffrail_protocol::batch::{BatchHeader, NO_SEQUENCE, NO_TIMESTAMP};

use super::marker::Marker;
use crate::error::AppendError;

/// How many batches a producer may have in flight, and so how many are remembered.
const BATCHES_REMEMBERED: usize = 5;
const NO_PRODUCER_EPOCH: ProducerEpoch = -1;
const NO_COORDINATOR_EPOCH: i32 = -1;

/// Who wrote a batch, and so how much of it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A client: epochs and sequences are checked, duplicates are found.
    Client,
    /// A coordinator or the controller of this broker: epochs are checked; there are no sequences.
    Coordinator,
    /// The leader, or this log's own files: it was checked before.
    Replication,
}

/// A batch that was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) last_sequence: i32,
    pub(crate) last_offset: Offset,
    pub(crate) offset_delta: i32,
    pub(crate) timestamp: Timestamp,
}

impl Remembered {
    fn of(header: &BatchHeader) -> Self {
        Self {
            last_sequence: header.last_sequence(),
            last_offset: header.last_offset(),
            offset_delta: header.last_offset_delta,
            timestamp: header.max_timestamp,
        }
    }

    pub(crate) fn base_offset(&self) -> Offset {
        self.last_offset - i64::from(self.offset_delta)
    }

    fn first_sequence(&self) -> i32 {
        // The inverse of counting up, where 0 follows i32::MAX.
        self.last_sequence.wrapping_sub(self.offset_delta) & i32::MAX
    }
}

/// One producer. Small and `Copy`, as the next state is computed before the batch is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProducerEntry {
    pub(crate) producer_id: ProducerId,
    pub(crate) epoch: ProducerEpoch,
    pub(crate) coordinator_epoch: i32,
    pub(crate) last_timestamp: Timestamp,
    /// Where the open transaction begins.
    pub(crate) txn_first_offset: Option<Offset>,
    /// The latest batches of this epoch, the oldest first.
    batches: [Option<Remembered>; BATCHES_REMEMBERED],
}

impl ProducerEntry {
    /// A producer that hasn't been seen.
    pub(crate) fn unknown(producer_id: ProducerId) -> Self {
        Self {
            producer_id,
            epoch: NO_PRODUCER_EPOCH,
            coordinator_epoch: NO_COORDINATOR_EPOCH,
            last_timestamp: NO_TIMESTAMP,
            txn_first_offset: None,
            batches: [None; BATCHES_REMEMBERED],
        }
    }

    /// The last batch of this epoch.
    pub(crate) fn last_batch(&self) -> Option<&Remembered> {
        self.batches.iter().flatten().next_back()
    }

    /// The remembered batch with exactly the sequences of this one.
    pub(crate) fn duplicate_of(&self, header: &BatchHeader) -> Option<&Remembered> {
        self.batches.iter().flatten().find(|batch| {
            header.producer_epoch == self.epoch
                && batch.first_sequence() == header.base_sequence
                && batch.last_sequence == header.last_sequence()
        })
    }

    /// The state once this batch of data is appended at the offsets in its header.
    pub(crate) fn with_batch(
        &self,
        header: &BatchHeader,
        origin: Origin,
    ) -> Result<Self, AppendError> {
        self.check_epoch(header.producer_epoch, origin)?;
        if origin == Origin::Client {
            self.check_sequence(header)?;
        }
        let mut next = *self;
        next.begin_epoch(header.producer_epoch);
        next.remember(Remembered::of(header));
        match (self.txn_first_offset, header.is_transactional()) {
            (Some(_), false) if origin != Origin::Replication => {
                let producer_id = self.producer_id;
                return Err(AppendError::InvalidTxnState { producer_id });
            }
            (None, true) => next.txn_first_offset = Some(header.base_offset),
            (Some(_), _) | (None, false) => {}
        }
        Ok(next)
    }

    /// The state once this marker has ended the producer's transaction.
    pub(crate) fn with_marker(
        &self,
        header: &BatchHeader,
        marker: Marker,
        origin: Origin,
    ) -> Result<Self, AppendError> {
        self.check_epoch(header.producer_epoch, origin)?;
        if marker.coordinator_epoch < self.coordinator_epoch && origin != Origin::Replication {
            return Err(AppendError::CoordinatorFenced {
                producer_id: self.producer_id,
                given: marker.coordinator_epoch,
                current: self.coordinator_epoch,
            });
        }
        let mut next = *self;
        next.begin_epoch(header.producer_epoch);
        next.coordinator_epoch = marker.coordinator_epoch;
        next.last_timestamp = header.max_timestamp;
        next.txn_first_offset = None;
        Ok(next)
    }

    /// Adds a batch of the current epoch.
    pub(crate) fn remember(&mut self, batch: Remembered) {
        self.last_timestamp = batch.timestamp;
        match self.batches.iter_mut().find(|slot| slot.is_none()) {
            Some(slot) => *slot = Some(batch),
            None => {
                self.batches.rotate_left(1);
                if let Some(last) = self.batches.last_mut() {
                    *last = Some(batch);
                }
            }
        }
    }

    fn begin_epoch(&mut self, epoch: ProducerEpoch) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.batches = [None; BATCHES_REMEMBERED];
        }
    }

    fn check_epoch(&self, given: ProducerEpoch, origin: Origin) -> Result<(), AppendError> {
        if given < self.epoch && origin != Origin::Replication {
            let (producer_id, current) = (self.producer_id, self.epoch);
            return Err(AppendError::InvalidProducerEpoch { producer_id, given, current });
        }
        Ok(())
    }

    /// Kafka's `ProducerAppendInfo.checkSequence`. A producer of which nothing is known (its records may
    /// all have been deleted) may begin anywhere, a new epoch begins at 0, and otherwise the sequence rises
    /// by one and wraps to 0.
    fn check_sequence(&self, header: &BatchHeader) -> Result<(), AppendError> {
        let given = header.base_sequence;
        let last = match self.last_batch() {
            Some(batch) if header.producer_epoch == self.epoch => batch.last_sequence,
            _ => NO_SEQUENCE,
        };
        let expected = if last == i32::MAX { 0 } else { last + 1 };
        if self.epoch == NO_PRODUCER_EPOCH || given == expected {
            return Ok(());
        }
        Err(AppendError::OutOfOrderSequence { producer_id: self.producer_id, given, expected })
    }
}

#[cfg(test)]
mod tests {
    use taffrail_model::ErrorCode;

    use super::*;

    fn header(epoch: i16, first: i32, count: i32, base_offset: Offset) -> BatchHeader {
        BatchHeader {
            base_offset,
            batch_length: 100,
            partition_leader_epoch: 0,
            magic: 2,
            crc: 0,
            attributes: 0,
            last_offset_delta: count - 1,
            base_timestamp: 0,
            max_timestamp: 0,
            producer_id: 9,
            producer_epoch: epoch,
            base_sequence: first,
            records_count: count,
        }
    }

    /// Appends batches of (epoch, first sequence, count), and judges one more.
    fn check(before: &[(i16, i32, i32)], next: (i16, i32, i32), expect: Result<(), ErrorCode>) {
        let mut entry = ProducerEntry::unknown(9);
        for (offset, (epoch, first, count)) in (0..).step_by(100).zip(before) {
            let header = header(*epoch, *first, *count, offset);
            entry = entry.with_batch(&header, Origin::Client).expect("valid before");
        }
        let (epoch, first, count) = next;
        let result = entry.with_batch(&header(epoch, first, count, 1000), Origin::Client);
        let result = result.map(|_| ()).map_err(|error| error.code());
        assert_eq!(result, expect, "{before:?} then {next:?}");
    }

    #[test]
    fn sequences_follow_one_another() {
        let out_of_order = Err(ErrorCode::OutOfOrderSequenceNumber);
        check(&[], (0, 0, 1), Ok(()));
        check(&[], (0, 7, 1), Ok(()));
        check(&[(0, 0, 3)], (0, 3, 1), Ok(()));
        check(&[(0, 0, 3)], (0, 4, 1), out_of_order);
        check(&[(0, 0, 3)], (0, 2, 1), out_of_order);
        check(&[(0, 0, 3), (0, 3, 2)], (0, 0, 3), out_of_order);
    }

    #[test]
    fn a_new_epoch_begins_at_zero_and_fences_the_old() {
        check(&[(0, 0, 3)], (1, 0, 1), Ok(()));
        check(&[(0, 0, 3)], (1, 3, 1), Err(ErrorCode::OutOfOrderSequenceNumber));
        check(&[(1, 0, 3)], (0, 3, 1), Err(ErrorCode::InvalidProducerEpoch));
    }

    #[test]
    fn sequences_wrap_to_zero() {
        check(&[(0, i32::MAX, 1)], (0, 0, 1), Ok(()));
        check(&[(0, i32::MAX - 1, 4)], (0, 2, 1), Ok(()));
        check(&[(0, i32::MAX, 1)], (0, 1, 1), Err(ErrorCode::OutOfOrderSequenceNumber));
    }

    #[test]
    fn the_last_five_batches_are_known_as_duplicates() {
        let mut entry = ProducerEntry::unknown(9);
        for index in 0..6 {
            let header = header(0, index * 2, 2, i64::from(index) * 10);
            entry = entry.with_batch(&header, Origin::Client).expect("in order");
        }
        assert_eq!(entry.duplicate_of(&header(0, 0, 2, 0)), None);
        for index in 1..6 {
            let duplicate = entry.duplicate_of(&header(0, index * 2, 2, 0)).expect("remembered");
            assert_eq!(duplicate.base_offset(), i64::from(index) * 10);
        }
        assert_eq!(entry.duplicate_of(&header(0, 2, 1, 0)), None);
        assert_eq!(entry.duplicate_of(&header(1, 2, 2, 0)), None);
    }

    #[test]
    fn a_duplicate_is_found_across_the_wrap() {
        let first = header(0, i32::MAX, 3, 0);
        let entry = ProducerEntry::unknown(9).with_batch(&first, Origin::Client).expect("first");
        assert!(entry.duplicate_of(&first).is_some());
    }
}
