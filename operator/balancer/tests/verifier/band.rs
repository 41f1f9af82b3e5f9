//! Limits with the doubt that rounding leaves at their edges.

/// Relative width of the doubt. The planner rounds a load to 2^-53 of the cluster's sum, far below it.
const DOUBT: f64 = 1e-7;

/// What may be between two limits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    /// Surely low enough for nothing to be below it, and surely high enough.
    low: (f64, f64),
    /// The same above.
    high: (f64, f64),
    /// The ends as they are defined.
    ends: (f64, f64),
}

/// Where a value is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    Inside,
    /// Too near an edge to say.
    Edge,
    Outside,
}

impl Band {
    /// Loads between two limits.
    pub(super) fn of_loads(low: f64, high: f64) -> Self {
        let doubt = DOUBT * high.abs();
        Self {
            low: (low - doubt, low + doubt),
            high: (high - doubt, high + doubt),
            ends: (low, high),
        }
    }

    /// Loads up to a limit.
    pub(super) fn below(high: f64) -> Self {
        Self::of_loads(0.0, high).without_low()
    }

    /// Counts between two limits that are rounded outwards. A limit that is a whole number but for rounding is in doubt.
    pub(super) fn of_counts(low: f64, high: f64) -> Self {
        let doubt = |limit: f64| 1e-9 * limit.abs().max(1.0);
        Self {
            low: ((low - doubt(low)).floor().max(0.0), (low + doubt(low)).floor().max(0.0)),
            high: ((high - doubt(high)).ceil(), (high + doubt(high)).ceil()),
            ends: (low.floor().max(0.0), high.ceil()),
        }
    }

    /// The same upper limit, and nothing is too little.
    pub(super) fn without_low(self) -> Self {
        let nothing = f64::NEG_INFINITY;
        Self { low: (nothing, nothing), ends: (0.0, self.ends.1), ..self }
    }

    /// Limits held between others: `low` of each pair for the lower limit, `high` for the upper one.
    pub(super) fn clamped(self, low: (f64, f64), high: (f64, f64)) -> Self {
        let (low_min, low_max) = low;
        let (high_min, high_max) = high;
        Self {
            low: (self.low.0.clamp(low_min, low_max), self.low.1.clamp(low_min, low_max)),
            high: (self.high.0.clamp(high_min, high_max), self.high.1.clamp(high_min, high_max)),
            ends: (self.ends.0.clamp(low_min, low_max), self.ends.1.clamp(high_min, high_max)),
        }
    }

    pub(super) fn judge(&self, value: f64) -> Verdict {
        if value < self.low.0 || value > self.high.1 {
            Verdict::Outside
        } else if value < self.low.1 || value > self.high.0 {
            Verdict::Edge
        } else {
            Verdict::Inside
        }
    }

    /// The lowest and the highest value inside.
    pub(super) fn ends(&self) -> (f64, f64) {
        self.ends
    }
}

/// How many are outside: as many as `sure`, and up to `edge` more.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Count {
    pub(super) sure: u64,
    pub(super) edge: u64,
    /// How far they are outside, in all: as shares of the ends that they are beyond.
    pub(super) distance: f64,
}

impl Count {
    /// Judges a value.
    pub(super) fn add(&mut self, band: Band, value: f64) {
        match band.judge(value) {
            Verdict::Inside => {}
            Verdict::Edge => self.edge += 1,
            Verdict::Outside => self.sure += 1,
        }
        let (low, high) = band.ends;
        let beyond = if value > high {
            (value - high) / high.max(1.0)
        } else {
            (low - value).max(0.0) / low.max(1.0)
        };
        self.distance += beyond;
    }

    /// Adds something that is outside by so many steps.
    pub(super) fn add_steps(&mut self, steps: u64) {
        self.sure += u64::from(steps > 0);
        self.distance += steps as f64;
    }

    pub(super) fn may_be(&self, number: u64) -> bool {
        (self.sure..=self.sure + self.edge).contains(&number)
    }

    /// More of them are outside than of the other, and farther.
    pub(super) fn is_worse_than(&self, other: &Self) -> bool {
        self.sure > other.sure + other.edge
            && self.distance > other.distance + 1e-7 * (1.0 + other.distance)
    }

    /// Fewer of them are outside than of the other, or less far.
    pub(super) fn is_better_than(&self, other: &Self) -> bool {
        self.sure + self.edge < other.sure
            || self.distance < other.distance - 1e-7 * (1.0 + other.distance)
    }
}
