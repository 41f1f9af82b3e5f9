//! Time as an argument.

use std::ops::Add;
use std::time::Duration;

/// Monotonic time since the process began, for sessions, elections and deadlines. It never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(Duration);

impl Mono {
    /// Time zero: the start of the process.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// The instant `since_start` after the start of the process.
    #[must_use]
    pub const fn from_start(since_start: Duration) -> Self {
        Self(since_start)
    }

    /// The time since the start of the process.
    #[must_use]
    pub const fn since_start(self) -> Duration {
        self.0
    }

    /// The time from `earlier` to `self`, or zero when `earlier` is later.
    #[must_use]
    pub fn saturating_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// `self` plus a number of milliseconds; a negative number counts as zero.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        self + Duration::from_millis(u64::try_from(ms).unwrap_or(0))
    }
}

impl Add<Duration> for Mono {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

/// Milliseconds since the Unix epoch, as records carry them.
pub type Timestamp = i64;

/// Both clocks at one moment. `wall` may jump either way; only timestamps and retention may use it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Monotonic time, for sessions, elections and deadlines.
    pub mono: Mono,
    /// Wall-clock time in milliseconds since the Unix epoch, for timestamps and retention.
    pub wall: Timestamp,
}
