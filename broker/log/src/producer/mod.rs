//! Producers: what makes an append idempotent, and which transactions are open.
//!
//! The state follows from the log alone. It is kept in memory up to the log's end, and in snapshots at the
//! base offsets of segments, so that a restart replays little.
//!
//! Architecture Invariant: a state that was computed before a write ([`ProducerStates::check`]) becomes the
//! state only after it ([`ProducerStates::apply`]).

mod entry;
mod marker;
mod snapshot;

use std::collections::BTreeMap;

use taffrail_model::{Offset, ProducerId, Timestamp};
use taffrail_protocol::batch::{Batch, BatchHeader};

pub use self::entry::Origin;
pub(crate) use self::entry::{ProducerEntry, Remembered};
use self::marker::Marker;
pub(crate) use self::snapshot::Snapshots;
use crate::error::AppendError;
use crate::index::AbortedTxn;

/// All producers of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProducerStates {
    producers: BTreeMap<ProducerId, ProducerEntry>,
    /// Open transactions, by their first offset.
    open: BTreeMap<Offset, ProducerId>,
    /// Ended transactions whose marker (the value) may not be replicated yet, by their first offset.
    unreplicated: BTreeMap<Offset, Offset>,
}

/// What a batch makes of its producer.
#[derive(Clone, Debug)]
pub(crate) struct ProducerUpdate {
    pub(crate) entry: ProducerEntry,
    ended: Option<EndedTxn>,
}

#[derive(Clone, Copy, Debug)]
struct EndedTxn {
    first_offset: Offset,
    last_offset: Offset,
    is_abort: bool,
}

impl ProducerStates {
    /// The producer's state, or that of an unknown one.
    pub(crate) fn entry(&self, producer_id: ProducerId) -> ProducerEntry {
        let known = self.producers.get(&producer_id);
        known.copied().unwrap_or_else(|| ProducerEntry::unknown(producer_id))
    }

    /// What a batch, at the offsets in its header, would make of its producer in the state `entry`. `None`
    /// for batches without a producer, and for control batches that are no markers.
    pub(crate) fn check(
        entry: &ProducerEntry,
        batch: &Batch,
        header: &BatchHeader,
        origin: Origin,
    ) -> Result<Option<ProducerUpdate>, AppendError> {
        if !header.has_producer_id() {
            return Ok(None);
        }
        if !header.is_control() {
            let entry = entry.with_batch(header, origin)?;
            return Ok(Some(ProducerUpdate { entry, ended: None }));
        }
        let Some(marker) = Marker::of(batch)? else { return Ok(None) };
        let next = entry.with_marker(header, marker, origin)?;
        let ended = entry.txn_first_offset.map(|first_offset| EndedTxn {
            first_offset,
            last_offset: header.base_offset,
            is_abort: marker.is_abort,
        });
        Ok(Some(ProducerUpdate { entry: next, ended }))
    }

    /// Makes an update the state. Returns the entry for the transaction index, if it aborted a transaction.
    pub(crate) fn apply(&mut self, update: &ProducerUpdate) -> Option<AbortedTxn> {
        let producer_id = update.entry.producer_id;
        self.producers.insert(producer_id, update.entry);
        if let Some(first_offset) = update.entry.txn_first_offset {
            self.open.insert(first_offset, producer_id);
        }
        let ended = update.ended?;
        self.open.remove(&ended.first_offset);
        self.unreplicated.insert(ended.first_offset, ended.last_offset);
        let next_open = self.open.keys().next().copied();
        ended.is_abort.then(|| AbortedTxn {
            producer_id,
            first_offset: ended.first_offset,
            last_offset: ended.last_offset,
            last_stable_offset: next_open.unwrap_or(ended.last_offset + 1),
        })
    }

    /// The first offset whose fate readers of committed data can't know yet: that of an open transaction, or
    /// of one whose marker is above the high watermark.
    pub(crate) fn first_unstable_offset(&self) -> Option<Offset> {
        let open = self.open.keys().next();
        let unreplicated = self.unreplicated.keys().next();
        open.into_iter().chain(unreplicated).min().copied()
    }

    /// Takes note that all below `offset` is replicated, or gone.
    pub(crate) fn replicated_to(&mut self, offset: Offset) {
        self.unreplicated.retain(|_, marker_offset| *marker_offset >= offset);
    }

    /// Forgets producers that have been idle for too long.
    pub(crate) fn expire(&mut self, now: Timestamp, expiration_ms: i64) {
        self.producers.retain(|_, entry| {
            entry.txn_first_offset.is_some()
                || now.saturating_sub(entry.last_timestamp) < expiration_ms
        });
    }

    /// The number of producers.
    pub(crate) fn len(&self) -> usize {
        self.producers.len()
    }

    fn iter(&self) -> impl Iterator<Item = &ProducerEntry> {
        self.producers.values()
    }

    fn insert(&mut self, entry: ProducerEntry) {
        if let Some(first_offset) = entry.txn_first_offset {
            self.open.insert(first_offset, entry.producer_id);
        }
        self.producers.insert(entry.producer_id, entry);
    }
}
