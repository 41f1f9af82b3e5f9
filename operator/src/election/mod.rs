//! Which of several operators acts: the one that holds a Lease of `coordination.k8s.io/v1`.
//!
//! [`decide`] looks at the lease and says what to do; [`Elector`] does it. The rules are those of
//! client-go, so that its tools read the lease.
//!
//! Invariants: nobody's clock is compared with anybody else's. A lease has run out when it hasn't
//! *changed* for its duration as this process saw it, by monotonic time. Writes carry the version that
//! was read, so that of two who try one fails. A holder that couldn't renew for [`RENEW_DEADLINE`] has
//! stopped acting well before another may begin.

mod elector;

use std::time::Duration;

pub use elector::{Elector, Leadership, LeaseName};

/// How long a lease holds without a renewal.
pub const LEASE_DURATION: Duration = Duration::from_secs(15);
/// After how long without a renewal its holder gives up.
pub const RENEW_DEADLINE: Duration = Duration::from_secs(10);
/// How often the holder renews it: a third of what it holds for.
pub const RENEW_PERIOD: Duration = Duration::from_secs(5);
/// How often those who wait look at it, and how soon a renewal that failed is tried again.
pub const RETRY_PERIOD: Duration = Duration::from_secs(2);

/// What a lease says, times of other clocks left aside but for noticing that they change.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LeaseRecord {
    /// Who holds it; empty when it was given back.
    pub holder: String,
    /// For how long without a renewal.
    pub duration: Duration,
    /// When it was renewed last, as the holder wrote it. Only ever compared with itself.
    pub renewed: String,
    /// How often it went from one holder to another.
    pub transitions: i32,
}

/// A lease as this process saw it, and since when it has been like that.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Observation {
    record: Option<LeaseRecord>,
    /// On this process's monotonic clock.
    unchanged_since: Duration,
}

impl Observation {
    /// Takes in what the API server answered at `now`; `None` when there is no lease.
    pub fn saw(&mut self, record: Option<LeaseRecord>, now: Duration) {
        if self.record != record {
            *self = Self { record, unchanged_since: now };
        }
    }
}

/// What to do about a lease.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Act {
    /// There is none: make it.
    Create,
    /// It is this process's own: renew it.
    Renew,
    /// Nobody holds it any more: take it.
    Take,
    /// Somebody else holds it: look again later.
    Wait,
}

/// What `me` does about the lease at `now`.
pub fn decide(me: &str, observed: &Observation, now: Duration) -> Act {
    let Some(record) = &observed.record else { return Act::Create };
    if record.holder == me {
        Act::Renew
    } else if record.holder.is_empty() || now >= observed.unchanged_since + record.duration {
        Act::Take
    } else {
        Act::Wait
    }
}

/// Whether a holder that renewed last at `renewed` may still act at `now`.
pub fn may_act(renewed: Duration, now: Duration) -> bool {
    now < renewed + RENEW_DEADLINE
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn lease(holder: &str, renewed: &str) -> Option<LeaseRecord> {
        Some(LeaseRecord {
            holder: holder.into(),
            duration: LEASE_DURATION,
            renewed: renewed.into(),
            transitions: 0,
        })
    }

    /// What `me` does at `now`, having seen these leases at these moments.
    fn check(seen: &[(u64, Option<LeaseRecord>)], now: u64, expect: Act) {
        let mut observation = Observation::default();
        for (at, record) in seen {
            observation.saw(record.clone(), seconds(*at));
        }
        assert_eq!(decide("me", &observation, seconds(now)), expect, "{seen:?} at {now}");
    }

    #[test]
    fn nobody_holds_it() {
        check(&[], 0, Act::Create);
        check(&[(0, None)], 100, Act::Create);
        check(&[(0, lease("other", "a")), (5, None)], 6, Act::Create);
        check(&[(0, lease("", "a"))], 0, Act::Take);
        check(&[(0, lease("other", "a")), (5, lease("", "b"))], 5, Act::Take);
    }

    #[test]
    fn it_is_mine() {
        check(&[(0, lease("me", "a"))], 1, Act::Renew);
        check(&[(0, lease("me", "a"))], 1000, Act::Renew);
    }

    #[test]
    fn another_holds_it_until_it_has_not_changed_for_its_duration() {
        check(&[(0, lease("other", "a"))], 0, Act::Wait);
        check(&[(0, lease("other", "a"))], 14, Act::Wait);
        check(&[(0, lease("other", "a"))], 15, Act::Take);
        check(&[(0, lease("other", "a")), (10, lease("other", "a"))], 15, Act::Take);
        check(&[(0, lease("other", "a")), (10, lease("other", "b"))], 24, Act::Wait);
        check(&[(0, lease("other", "a")), (10, lease("other", "b"))], 25, Act::Take);
        check(&[(0, lease("other", "a")), (14, lease("third", "a"))], 28, Act::Wait);
    }

    #[test]
    fn clocks_that_differ_change_nothing() {
        // Far in the past, far in the future, going backwards: a change is a sign of life all the same.
        check(&[(0, lease("other", "1970-01-01"))], 14, Act::Wait);
        check(&[(0, lease("other", "2999-01-01"))], 15, Act::Take);
        check(
            &[(0, lease("other", "2030-01-01")), (9, lease("other", "2029-01-01"))],
            20,
            Act::Wait,
        );
    }

    #[test]
    fn the_duration_is_the_holders() {
        let long = lease("other", "a").map(|lease| LeaseRecord { duration: seconds(60), ..lease });
        check(&[(0, long.clone())], 59, Act::Wait);
        check(&[(0, long)], 60, Act::Take);
    }

    #[test]
    fn a_holder_stops_before_another_begins() {
        assert!(may_act(seconds(100), seconds(109)));
        assert!(!may_act(seconds(100), seconds(110)));
        const { assert!(RENEW_DEADLINE.as_secs() < LEASE_DURATION.as_secs()) };
        const { assert!(RENEW_PERIOD.as_secs() + RETRY_PERIOD.as_secs() < RENEW_DEADLINE.as_secs()) };
    }
}
