//! A clock that stands still until it is moved.

use std::time::Duration;

use taffrail_model::{Mono, Now, Timestamp};

/// Both clocks of [`Now`], moved by hand.
#[derive(Clone, Copy, Debug)]
pub struct ManualClock {
    now: Now,
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::at(1_700_000_000_000)
    }
}

impl ManualClock {
    /// A clock whose process has just started, at this wall-clock time in milliseconds since the epoch.
    #[must_use]
    pub fn at(wall: Timestamp) -> Self {
        Self { now: Now { mono: Mono::ZERO, wall } }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Now {
        self.now
    }

    /// Moves both clocks ahead, and returns the new time.
    pub fn advance_ms(&mut self, ms: u32) -> Now {
        self.now.mono = self.now.mono + Duration::from_millis(u64::from(ms));
        self.now.wall = self.now.wall.saturating_add(i64::from(ms));
        self.now
    }

    /// Sets the wall clock alone, forwards or back, as an operator or NTP does.
    pub fn jump_wall_to(&mut self, wall: Timestamp) {
        self.now.wall = wall;
    }
}
