//! The deadlines of a shard. They are soft state: a load starts them anew.

use std::collections::{BTreeMap, BTreeSet};

use taffrail_model::Mono;

use crate::state::{GroupId, MemberId};

/// What a deadline is for. There is one deadline per key; setting it again moves it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TimerKey {
    /// A member, or the holder of an unused member id, must be heard from.
    Session(GroupId, MemberId),
    /// The join phase of a rebalance ends.
    Join(GroupId),
    /// The members that have joined must have synced.
    Sync(GroupId),
    /// Expired offsets are looked for.
    Expiry,
}

/// Deadlines by key and by time.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    deadlines: BTreeMap<TimerKey, Mono>,
    queue: BTreeSet<(Mono, TimerKey)>,
}

impl Timers {
    pub(crate) fn set(&mut self, key: TimerKey, deadline: Mono) {
        self.cancel(&key);
        self.queue.insert((deadline, key.clone()));
        self.deadlines.insert(key, deadline);
    }

    pub(crate) fn cancel(&mut self, key: &TimerKey) {
        if let Some((key, deadline)) = self.deadlines.remove_entry(key) {
            self.queue.remove(&(deadline, key));
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Mono> {
        self.queue.first().map(|(deadline, _)| *deadline)
    }

    /// Takes the first deadline that is not after `now`.
    pub(crate) fn pop_due(&mut self, now: Mono) -> Option<TimerKey> {
        let (deadline, _) = self.queue.first()?;
        if *deadline > now {
            return None;
        }
        let (_, key) = self.queue.pop_first()?;
        self.deadlines.remove(&key);
        Some(key)
    }

    pub(crate) fn clear(&mut self) {
        self.deadlines.clear();
        self.queue.clear();
    }
}
