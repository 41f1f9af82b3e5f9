//! Which session has to go when another one needs its slot.

use std::collections::BTreeSet;
use std::time::Duration;

use taffrail_model::Mono;

use super::session::FetchSession;

/// The order in which sessions are given up for others: consumers' before followers', small before large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Worth {
    pub(super) privileged: bool,
    pub(super) partitions: usize,
    pub(super) id: i32,
}

/// The sessions by last use and by worth, kept in step by [`Evictions::add`] and [`Evictions::remove`].
#[derive(Debug)]
pub(super) struct Evictions {
    min_age: Duration,
    by_last_use: BTreeSet<(Mono, i32)>,
    /// What any session may push out: sessions that are no longer new.
    by_all: BTreeSet<Worth>,
    /// What a follower's session may push out: those, and every consumer's.
    by_privileged: BTreeSet<Worth>,
}

impl Evictions {
    pub(super) fn new(min_age: Duration) -> Self {
        Self {
            min_age,
            by_last_use: BTreeSet::new(),
            by_all: BTreeSet::new(),
            by_privileged: BTreeSet::new(),
        }
    }

    /// Files a session as it is at `session.last_used`.
    pub(super) fn add(&mut self, id: i32, session: &FetchSession) {
        let worth = worth(id, session);
        let settled = session.last_used.saturating_since(session.created) > self.min_age;
        self.by_last_use.insert((session.last_used, id));
        if settled {
            self.by_all.insert(worth);
        }
        if settled || !session.privileged {
            self.by_privileged.insert(worth);
        }
    }

    /// Takes a session out, which must be as it was when it was filed.
    pub(super) fn remove(&mut self, id: i32, session: &FetchSession) {
        let worth = worth(id, session);
        self.by_last_use.remove(&(session.last_used, id));
        self.by_all.remove(&worth);
        self.by_privileged.remove(&worth);
    }

    /// The session that makes way for one of `candidate`'s worth, if any has to:
    /// one that was not used for long; else the least of those that may be pushed out, unless the candidate is less.
    pub(super) fn victim(&self, candidate: Worth, now: Mono) -> Option<i32> {
        let &(last_used, oldest) = self.by_last_use.first()?;
        if now.saturating_since(last_used) > self.min_age {
            return Some(oldest);
        }
        let evictable = if candidate.privileged { &self.by_privileged } else { &self.by_all };
        evictable.first().filter(|least| candidate >= **least).map(|least| least.id)
    }
}

fn worth(id: i32, session: &FetchSession) -> Worth {
    Worth { privileged: session.privileged, partitions: session.len(), id }
}
