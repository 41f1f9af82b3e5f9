//! What a partition's log must hold.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use taffrail_model::{LeaderEpoch, Offset, ProducerId, TopicIdPartition};
use taffrail_node::partition::ViewState;
use taffrail_protocol::batch::Batch;

use super::Stop;

/// Names a batch of an idempotent producer. Every producer here has epoch 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BatchKey {
    pub(crate) producer_id: ProducerId,
    pub(crate) sequence: i32,
}

/// Every batch that was ever sent: where to, and the checksum of its content.
#[derive(Debug, Default)]
pub(crate) struct SentBatches {
    checksums: BTreeMap<(TopicIdPartition, BatchKey), u32>,
}

impl SentBatches {
    pub(crate) fn add(&mut self, id: TopicIdPartition, key: BatchKey, checksum: u32) {
        self.checksums.insert((id, key), checksum);
    }
}

/// An acknowledged batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acked {
    pub(crate) base_offset: Offset,
    pub(crate) last_offset: Offset,
    pub(crate) key: BatchKey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Written {
    base_offset: Offset,
    next_offset: Offset,
    leader_epoch: LeaderEpoch,
    checksum: u32,
    key: BatchKey,
}

/// One partition's log, as far as it was seen.
#[derive(Debug)]
pub(crate) struct History {
    id: TopicIdPartition,
    /// `flush.messages=1`: what is acknowledged, and what consumers may read, survives a power cut.
    is_durable: bool,
    /// The node writes it itself (`__consumer_offsets`), so that nobody knows what was sent.
    is_own: bool,
    written: Vec<Written>,
    acked: BTreeMap<Offset, Acked>,
    next_sequences: BTreeMap<ProducerId, i32>,
    /// What lies below survives a power cut.
    durable_to: Offset,
    /// What lies below survives the end of the process.
    acked_to: Offset,
    /// A stop has taken something away that was seen here.
    has_lost: bool,
    last_view: Option<(LeaderEpoch, Offset)>,
}

/// What a stop has taken from a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Loss {
    pub(crate) batches: u64,
    pub(crate) acked_batches: u64,
}

impl History {
    pub(crate) fn new(id: TopicIdPartition, is_durable: bool, is_own: bool) -> Self {
        Self {
            id,
            is_durable,
            is_own,
            written: Vec::new(),
            acked: BTreeMap::new(),
            next_sequences: BTreeMap::new(),
            durable_to: 0,
            acked_to: 0,
            has_lost: false,
            last_view: None,
        }
    }

    /// Where the log ends, as far as it was seen.
    pub(crate) fn end(&self) -> Offset {
        self.written.last().map_or(0, |last| last.next_offset)
    }

    /// Whether a stop has taken something away that was seen here, so that producers may find a gap.
    pub(crate) fn has_lost(&self) -> bool {
        self.has_lost
    }

    /// Whether the producer has a later batch in the log than this one, which is there too.
    pub(crate) fn is_followed(&self, key: BatchKey) -> bool {
        let of_producer = |written: &&Written| written.key.producer_id == key.producer_id;
        let newest = self.written.iter().rev().find(of_producer);
        newest.is_some_and(|newest| newest.key.sequence > key.sequence)
            && self.written.iter().any(|written| written.key == key)
    }

    /// Takes note of the batches behind [`History::end`].
    pub(crate) fn observe(
        &mut self,
        batches: &[Batch],
        log_end: Offset,
        sent: &SentBatches,
    ) -> Result<()> {
        for batch in batches {
            let written = describe(batch);
            self.check_next(&written, sent)?;
            self.push(written);
        }
        self.check_end(log_end)
    }

    fn check_end(&self, log_end: Offset) -> Result<()> {
        let end = self.end();
        ensure!(
            end == log_end || (self.is_sparse() && end < log_end),
            "{:?}: the log ends at {log_end}, and its batches at {end}",
            self.id
        );
        Ok(())
    }

    /// A log that is compacted may lack offsets, so that recovery can't tell where a power cut has taken some that
    /// were not synced.
    fn is_sparse(&self) -> bool {
        self.is_own
    }

    fn check_next(&self, next: &Written, sent: &SentBatches) -> Result<()> {
        let id = self.id;
        ensure!(
            next.base_offset == self.end() || (self.is_sparse() && next.base_offset > self.end()),
            "{id:?}: offset {} follows {}",
            next.base_offset,
            self.end()
        );
        ensure!(next.next_offset > next.base_offset, "{id:?}: an empty batch {next:?}");
        let epoch = self.written.last().map_or(0, |last| last.leader_epoch);
        ensure!(next.leader_epoch >= epoch, "{id:?}: the leader epoch goes back in {next:?}");
        if let Some(acked) = self.acked.get(&next.base_offset) {
            ensure!(
                acked.key == next.key && acked.last_offset + 1 == next.next_offset,
                "{id:?}: {next:?} is where {acked:?} was acknowledged"
            );
        }
        if self.is_own {
            return Ok(());
        }
        match sent.checksums.get(&(id, next.key)) {
            Some(&checksum) if checksum == next.checksum => {}
            sent => bail!("{id:?}: {next:?} was not sent so: {sent:?}"),
        }
        if let Some(&expected) = self.next_sequences.get(&next.key.producer_id) {
            ensure!(
                next.key.sequence >= expected,
                "{id:?}: {next:?} is in the log twice, or behind later ones (expected sequence {expected})"
            );
            ensure!(
                self.has_lost || next.key.sequence == expected,
                "{id:?}: the batches of {next:?} from sequence {expected} on are missing"
            );
        }
        Ok(())
    }

    fn push(&mut self, written: Written) {
        let count = i32::try_from(written.next_offset - written.base_offset).unwrap_or(i32::MAX);
        self.next_sequences.insert(written.key.producer_id, written.key.sequence + count);
        self.written.push(written);
    }

    /// Takes note of an answer.
    pub(crate) fn acknowledge(&mut self, acked: Acked) -> Result<()> {
        let id = self.id;
        let at = self.written.binary_search_by_key(&acked.base_offset, |w| w.base_offset);
        match at.ok().and_then(|index| self.written.get(index)) {
            Some(written) => ensure!(
                written.key == acked.key && written.next_offset == acked.last_offset + 1,
                "{id:?}: {acked:?} was acknowledged where {written:?} is"
            ),
            None => ensure!(
                acked.base_offset >= self.end(),
                "{id:?}: {acked:?} was acknowledged inside of another batch"
            ),
        }
        self.acked.insert(acked.base_offset, acked);
        self.acked_to = self.acked_to.max(acked.last_offset + 1);
        if self.is_durable {
            self.must_survive_power_cut(acked.last_offset + 1);
        }
        Ok(())
    }

    /// What lies below `offset` was said to be durable.
    pub(crate) fn must_survive_power_cut(&mut self, offset: Offset) {
        self.durable_to = self.durable_to.max(offset);
    }

    /// Checks the numbers that the partition publishes.
    pub(crate) fn check_view(&mut self, view: ViewState) -> Result<()> {
        let id = self.id;
        let ViewState { leader_epoch, high_watermark, log_start, last_stable, log_end, .. } = view;
        ensure!(
            log_start <= last_stable && last_stable <= high_watermark && high_watermark <= log_end,
            "{id:?}: the offsets are not in order: {view:?}"
        );
        if let Some((epoch, before)) = self.last_view {
            ensure!(
                leader_epoch >= epoch,
                "{id:?}: the leader epoch goes back from {epoch}: {view:?}"
            );
            ensure!(
                leader_epoch > epoch || high_watermark >= before,
                "{id:?}: the high watermark goes back from {before}: {view:?}"
            );
        }
        self.last_view = Some((leader_epoch, high_watermark));
        if self.is_durable && view.leading {
            // Consumers may have read it.
            self.must_survive_power_cut(high_watermark);
        }
        Ok(())
    }

    /// Checks what a consumer read, all of which was observed before.
    pub(crate) fn check_read(&self, batches: &[Batch], high_watermark: Offset) -> Result<()> {
        for batch in batches {
            let read = describe(batch);
            ensure!(
                read.next_offset <= high_watermark,
                "{:?}: a consumer read {read:?} above the high watermark {high_watermark}",
                self.id
            );
            let at = self.written.binary_search_by_key(&read.base_offset, |w| w.base_offset);
            let written = at.ok().and_then(|index| self.written.get(index));
            ensure!(
                written == Some(&read),
                "{:?}: a consumer read {read:?} where {written:?} was written",
                self.id
            );
        }
        Ok(())
    }

    /// The node stopped in good order: all that is there is synced.
    pub(crate) fn closed(&mut self) {
        self.durable_to = self.durable_to.max(self.end());
    }

    /// Compares the log, read in full after a start, with what was there before.
    pub(crate) fn recovered(
        &mut self,
        stop: Stop,
        batches: &[Batch],
        log_end: Offset,
        sent: &SentBatches,
    ) -> Result<Loss> {
        let id = self.id;
        let found: Vec<Written> = batches.iter().map(describe).collect();
        let end = found.last().map_or(0, |last| last.next_offset);
        let must_survive = match stop {
            Stop::Power => self.durable_to,
            Stop::Kill | Stop::Clean => self.end().max(self.acked_to).max(self.durable_to),
        };
        ensure!(
            end >= must_survive,
            "{id:?}: the log ends at {end} after {stop:?}, but what lies below {must_survive} must survive"
        );
        let before = std::mem::take(&mut self.written);
        let mut loss = Loss::default();
        if stop == Stop::Power && self.is_sparse() {
            for was in before.iter().filter(|was| was.next_offset <= must_survive) {
                ensure!(found.contains(was), "{id:?}: {was:?} was durable, and is gone");
            }
        } else {
            for (was, is) in before.iter().zip(&found) {
                ensure!(was == is, "{id:?}: {is:?} is where {was:?} was before {stop:?}");
            }
        }
        loss.batches = before.len().saturating_sub(found.len()) as u64;
        loss.acked_batches = self.acked.range(end..).count() as u64;
        self.has_lost |= loss != Loss::default();
        self.acked.split_off(&end);
        self.acked_to = self.acked_to.min(end);
        self.next_sequences.clear();
        self.last_view = self.last_view.map(|(epoch, _)| (epoch, 0));
        for written in found {
            self.check_next(&written, sent)?;
            self.push(written);
        }
        self.check_end(log_end)?;
        Ok(loss)
    }
}

fn describe(batch: &Batch) -> Written {
    let header = &batch.header;
    Written {
        base_offset: header.base_offset,
        next_offset: header.next_offset(),
        leader_epoch: header.partition_leader_epoch,
        checksum: header.crc,
        key: BatchKey { producer_id: header.producer_id, sequence: header.base_sequence },
    }
}
