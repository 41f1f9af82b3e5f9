//! When a leader does what nobody asks for.

use std::time::Duration;

use taffrail_model::Mono;

use crate::config::StaticConfig;

/// The times at which things are due.
#[derive(Debug)]
pub(super) struct Schedule {
    no_op: Option<Periodic>,
    preferred: Option<Periodic>,
    unclean: Periodic,
}

#[derive(Debug)]
struct Periodic {
    interval: Duration,
    due: Mono,
}

impl Schedule {
    pub(super) fn new(config: &StaticConfig, now: Mono) -> Self {
        let seconds = config.number("leader.imbalance.check.interval.seconds");
        let preferred = Periodic::new(seconds.saturating_mul(1000), now)
            .filter(|_| config.boolean("auto.leader.rebalance.enable"));
        let unclean = Periodic::new(config.number("unclean.leader.election.interval.ms"), now);
        Self {
            no_op: Periodic::new(config.number("metadata.max.idle.interval.ms"), now),
            preferred,
            // The key's bounds leave no room for less than a millisecond.
            unclean: unclean.unwrap_or(Periodic { interval: Duration::from_millis(1), due: now }),
        }
    }

    /// Something was appended: the log isn't idle.
    pub(super) fn appended(&mut self, now: Mono) {
        if let Some(no_op) = &mut self.no_op {
            no_op.due = now + no_op.interval;
        }
    }

    /// When the log has been idle for too long.
    pub(super) fn no_op_due(&self) -> Option<Mono> {
        self.no_op.as_ref().map(|no_op| no_op.due)
    }

    /// Whether it is time to give leadership back to preferred replicas; then it isn't for a while.
    pub(super) fn take_preferred(&mut self, now: Mono) -> bool {
        self.preferred.as_mut().is_some_and(|preferred| preferred.take(now))
    }

    /// Whether it is time to look for partitions that need an unclean election; then it isn't for a
    /// while.
    pub(super) fn take_unclean(&mut self, now: Mono) -> bool {
        self.unclean.take(now)
    }

    /// When the next look at elections is due.
    pub(super) fn next_election(&self) -> Mono {
        match &self.preferred {
            Some(preferred) => preferred.due.min(self.unclean.due),
            None => self.unclean.due,
        }
    }
}

impl Periodic {
    /// `None` when the interval is zero or negative: never.
    fn new(interval_ms: i64, now: Mono) -> Option<Self> {
        let interval_ms = u64::try_from(interval_ms).ok().filter(|ms| *ms > 0)?;
        let interval = Duration::from_millis(interval_ms);
        Some(Self { interval, due: now + interval })
    }

    fn take(&mut self, now: Mono) -> bool {
        let is_due = self.due <= now;
        if is_due {
            self.due = now + self.interval;
        }
        is_due
    }
}
