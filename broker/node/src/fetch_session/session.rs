//! One session: its partitions in the order in which they are read, and what its fetcher knows of each.

use std::collections::BTreeMap;

use taffrail_model::{Mono, NO_OFFSET, Offset};

use super::partition::{FetchParams, FetchTarget, PartitionOutcome};

/// A fetcher's session. The cache keeps its place among the evictable sessions.
#[derive(Debug)]
pub(super) struct FetchSession {
    /// Whether it belongs to a follower, whose sessions go before those of consumers.
    pub(super) privileged: bool,
    /// Whether its fetches name topics by id.
    pub(super) uses_topic_ids: bool,
    /// When it began.
    pub(super) created: Mono,
    /// When it was last fetched with.
    pub(super) last_used: Mono,
    /// The epoch that the next fetch must have.
    pub(super) epoch: i32,
    places: BTreeMap<FetchTarget, u64>,
    order: BTreeMap<u64, CachedPartition>,
    next_place: u64,
}

#[derive(Debug)]
struct CachedPartition {
    target: FetchTarget,
    params: FetchParams,
    /// What the last answer said; -1 says it anew whatever it is.
    high_watermark: Offset,
    log_start_offset: Offset,
}

impl FetchSession {
    pub(super) fn new(privileged: bool, uses_topic_ids: bool, now: Mono, epoch: i32) -> Self {
        Self {
            privileged,
            uses_topic_ids,
            created: now,
            last_used: now,
            epoch,
            places: BTreeMap::new(),
            order: BTreeMap::new(),
            next_place: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// Adds a partition at the end, or replaces what is asked of one that is here.
    pub(super) fn ask(&mut self, target: FetchTarget, params: FetchParams) {
        let known = self.places.get(&target).and_then(|place| self.order.get_mut(place));
        match known {
            Some(partition) => partition.params = params,
            None => self.push(CachedPartition {
                target,
                params,
                high_watermark: NO_OFFSET,
                log_start_offset: NO_OFFSET,
            }),
        }
    }

    pub(super) fn forget(&mut self, target: &FetchTarget) {
        if let Some(place) = self.places.remove(target) {
            self.order.remove(&place);
        }
    }

    /// The partitions with what is asked of each, in order.
    pub(super) fn partitions(&self) -> Vec<(FetchTarget, FetchParams)> {
        let one = |partition: &CachedPartition| (partition.target.clone(), partition.params);
        self.order.values().map(one).collect()
    }

    /// Records that a *full* answer told this to the fetcher.
    pub(super) fn told(&mut self, outcome: &PartitionOutcome) {
        if let Some(partition) =
            self.places.get(&outcome.target).and_then(|place| self.order.get_mut(place))
        {
            partition.high_watermark = outcome.high_watermark;
            partition.log_start_offset = outcome.log_start_offset;
        }
    }

    /// Whether an incremental answer must name this partition; if so, the fetcher now knows it.
    pub(super) fn tell(&mut self, outcome: &PartitionOutcome) -> bool {
        let Some(&place) = self.places.get(&outcome.target) else { return false };
        let Some(partition) = self.order.get_mut(&place) else { return false };
        let news = outcome.has_records
            || partition.high_watermark != outcome.high_watermark
            || partition.log_start_offset != outcome.log_start_offset
            || outcome.has_preferred_replica
            || outcome.has_diverging_epoch
            || !outcome.error.is_none();
        partition.log_start_offset = outcome.log_start_offset;
        // After an error the next answer names the partition again, even with the high watermark of before: the
        // fetcher has to hear that the error is over.
        partition.high_watermark =
            if outcome.error.is_none() { outcome.high_watermark } else { NO_OFFSET };
        if outcome.has_records
            && let Some(partition) = self.order.remove(&place)
        {
            self.push(partition);
        }
        news
    }

    fn push(&mut self, partition: CachedPartition) {
        self.places.insert(partition.target.clone(), self.next_place);
        self.order.insert(self.next_place, partition);
        self.next_place += 1;
    }
}
