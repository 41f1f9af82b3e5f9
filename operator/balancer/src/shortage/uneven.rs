//! Racks of so unequal size that the brokers of some can't be inside their bands.

use crate::evaluate::{Place, Violation};
use crate::goal::Goal;
use crate::limits::{Limits, POTENTIAL_OUT};
use crate::task::Task;
use crate::wording::{amounts, count, of, racks, thousands};

use super::spread::{Spread, by_rack, sets, sum_of};

/// A remedy of more brokers that go to other racks is none.
const MOVED_MOST: usize = 5;

/// A band that brokers can't be inside of because of the racks that they are in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Uneven {
    /// The goal.
    goal: Goal,
    /// What of a broker's totals.
    dimension: usize,
    /// The goal that spreads replicas over racks.
    spread: Goal,
    /// Racks that have to hold more than they should, and racks that can't hold as much as they should: of each kind, if
    /// there are such, those that are the furthest from it.
    sides: Vec<Side>,
    /// Brokers in any racks that have to hold more than they should, ascending.
    above: Vec<u32>,
    /// Brokers in any racks that can't hold as much as they should, ascending.
    below: Vec<u32>,
    /// Brokers and the racks where they would have to be instead; empty when that wouldn't do.
    moves: Vec<(u32, u32)>,
}

/// Racks, and what is wrong with them.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Side {
    /// They have to hold too much; otherwise they can't hold enough.
    crowded: bool,
    racks: Vec<u32>,
    /// How many of their brokers are there to hold their share.
    brokers: u64,
    /// What they have to hold at least, or can hold at most.
    holds: i64,
    /// What they should hold at most, or at least.
    should: i64,
    /// How many more brokers like this one would do, in these racks or in others.
    more: Option<(u32, u64)>,
}

/// As in a [`Side`]: whether they are crowded, the racks, what they hold and what they should.
type Wrong = (bool, Vec<u32>, i64, i64);

/// What the brokers should hold, and where they are.
struct Layout<'a> {
    task: &'a Task<'a>,
    spread: &'a Spread,
    dimension: usize,
    /// By broker: its rack.
    rack: Vec<u32>,
    /// By broker: no more than this.
    high: &'a [i64],
    /// By broker: no less than this.
    low: Vec<i64>,
}

impl Layout<'_> {
    fn by_rack(&self, ends: &[i64]) -> Vec<i64> {
        let brokers = self.rack.iter().copied().zip(ends.iter().copied());
        by_rack(self.task.model.racks.len(), brokers)
    }

    /// Shows every set of racks that has to hold more than it should, or can't hold as much: which it is, the racks, what
    /// they hold, and what they should.
    fn each_wrong(&self, mut show: impl FnMut(bool, &[u32], i64, i64)) {
        let high = self.by_rack(self.high);
        for racks in sets(&self.spread.ranked(&high)) {
            let (holds, should) =
                (self.spread.least(racks.len(), self.dimension), sum_of(racks, &high));
            if holds > should {
                show(true, racks, holds, should);
            }
        }
        let low = self.by_rack(&self.low);
        let mut ranked = self.spread.ranked(&low);
        ranked.reverse();
        for racks in sets(&ranked) {
            let (holds, should) =
                (self.spread.most(racks.len(), self.dimension), sum_of(racks, &low));
            if holds < should {
                show(false, racks, holds, should);
            }
        }
    }

    /// The brokers in a rack that are there to hold their share, ascending.
    fn counted(&self, rack: u32) -> impl Iterator<Item = u32> {
        let brokers = self.rack.iter().zip(&self.task.roles).zip(0_u32..);
        let within = brokers.filter(move |((own, role), _)| **own == rack && role.counted);
        within.map(|(_, broker)| broker)
    }

    fn side(&self, (crowded, mut racks, holds, should): Wrong) -> Side {
        racks.sort_unstable();
        let brokers = racks.iter().map(|rack| self.counted(*rack).count() as u64).sum();
        let more = self.more(crowded, &racks, holds, should);
        Side { crowded, racks, brokers, holds, should, more }
    }

    /// How many more brokers would do, like the largest where they would be; small numbers to within rounding.
    ///
    /// Another broker has a part of what all have, so that the bands of the others become narrower; but for an absolute
    /// limit, which each has for itself.
    fn more(&self, crowded: bool, racks: &[u32], holds: i64, should: i64) -> Option<(u32, u64)> {
        let ends = if crowded { self.high } else { &self.low };
        let places = self.spread.racks.iter().filter(|rack| racks.contains(rack) == crowded);
        let like = places
            .flat_map(|rack| self.counted(*rack))
            .max_by_key(|broker| (ends[*broker as usize], std::cmp::Reverse(*broker)))?;
        let one = i128::from(ends[like as usize]);
        let all: i128 = ends.iter().map(|end| i128::from(*end)).sum();
        let (holds, should) = (i128::from(holds), i128::from(should));
        let (whole, part) = match crowded {
            true if self.dimension == POTENTIAL_OUT => (holds - should, one),
            true => (all * (holds - should), one * (all - holds)),
            false => (all * (should - holds), one * holds),
        };
        let number = (part > 0).then(|| (whole + part - 1) / part)?;
        Some((like, u64::try_from(number).ok()?))
    }

    /// The brokers that would have to be in other racks: each time the last of the rack that has most goes to the one that
    /// has fewest, until nothing is wrong.
    fn moves(mut self) -> Vec<(u32, u32)> {
        let mut moves = Vec::new();
        while moves.len() < MOVED_MOST {
            let mut numbers: Vec<(usize, u32)> =
                self.spread.racks.iter().map(|rack| (self.counted(*rack).count(), *rack)).collect();
            numbers.sort_unstable();
            let (Some((fewest, to)), Some((most, from))) = (numbers.first(), numbers.last()) else {
                break;
            };
            if fewest + 1 >= *most {
                break;
            }
            let Some(broker) = self.counted(*from).last() else { break };
            self.rack[broker as usize] = *to;
            moves.push((broker, *to));
            let mut wrong = false;
            self.each_wrong(|_, _, _, _| wrong = true);
            if !wrong {
                return moves;
            }
        }
        Vec::new()
    }
}

impl Uneven {
    /// Looks at a goal; `high` is the most that each broker should hold by its band.
    pub(super) fn of(
        task: &Task<'_>,
        limits: &Limits,
        spread: &Spread,
        (goal, dimension): (Goal, usize),
        high: &[i64],
    ) -> Option<Self> {
        let brokers = limits.brokers.iter().zip(&task.roles);
        let low = brokers
            .map(|(limits, role)| if role.counted { limits.low[dimension] } else { 0 })
            .collect();
        let rack: Vec<u32> = task.model.brokers.iter().map(|broker| broker.rack).collect();
        let layout = Layout { task, spread, dimension, rack, high, low };
        let mut worst: [Option<(f64, Wrong)>; 2] = [None, None];
        let mut wrong = [vec![false; task.model.racks.len()], vec![false; task.model.racks.len()]];
        layout.each_wrong(|crowded, racks, holds, should| {
            let kind = usize::from(!crowded);
            racks.iter().for_each(|rack| wrong[kind][*rack as usize] = true);
            let severity = (holds - should).unsigned_abs() as f64 / (should as f64).max(1.0);
            if worst[kind].as_ref().is_none_or(|(worst, _)| severity > *worst) {
                worst[kind] = Some((severity, (crowded, racks.to_vec(), holds, should)));
            }
        });
        let worst = worst.into_iter().flatten();
        let sides: Vec<Side> = worst.map(|(_, wrong)| layout.side(wrong)).collect();
        if sides.is_empty() {
            return None;
        }
        let [above, below] = wrong.map(|wrong| {
            let brokers = task.model.brokers.iter().zip(0..);
            brokers
                .filter(|(broker, _)| wrong[broker.rack as usize])
                .map(|(_, index)| index)
                .collect()
        });
        let moves = layout.moves();
        Some(Self { goal, dimension, spread: spread.goal, sides, above, below, moves })
    }

    /// Whether it is why this breaks its goal.
    pub(super) fn explains(&self, violation: &Violation) -> bool {
        let Place::Broker(broker) = violation.place else { return false };
        let side = if violation.amount > violation.limit { &self.above } else { &self.below };
        violation.goal == self.goal && side.binary_search(&broker).is_ok()
    }

    /// What these racks hold, and what they should.
    pub(super) fn cause(&self, task: &Task<'_>) -> String {
        let sides = self.sides.iter().map(|side| {
            let [amount, limit] = amounts(task.model, self.dimension, [side.holds, side.should]);
            let one = side.racks.len() == 1;
            let holds = match (side.crowded, one) {
                (true, true) => "has to hold at least",
                (true, false) => "have to hold at least",
                (false, _) => "can hold at most",
            };
            let should = if side.crowded { "at most" } else { "at least" };
            format!(
                "{} {holds} {}{amount}, but {} {} should hold {should} {limit}",
                racks(task.model, &side.racks),
                of(self.dimension),
                if one { "its" } else { "their" },
                count(side.brokers, "broker"),
            )
        });
        format!("with {} {}", self.spread, sides.collect::<Vec<_>>().join(", and "))
    }

    /// The smallest change to the racks that would help: more brokers, or some of those that there are elsewhere.
    pub(super) fn remedy(&self, task: &Task<'_>) -> String {
        let model = task.model;
        let Some(side) = self.sides.first() else { return String::new() };
        let id = |broker: u32| model.brokers[broker as usize].id;
        let has = format!(
            "{}, which {} {}",
            racks(model, &side.racks),
            if side.racks.len() == 1 { "has" } else { "have" },
            thousands(side.brokers),
        );
        let more = side.more.map(|(like, number)| {
            let place = if side.crowded { "in" } else { "outside" };
            format!("{} like broker {} {place} {has}", count(number, "more broker"), id(like))
        });
        let moves = self
            .moves
            .iter()
            .map(|(broker, rack)| format!("broker {} in {}", id(*broker), racks(model, &[*rack])));
        let moves: Vec<String> = moves.collect();
        let moves = (!moves.is_empty()).then(|| moves.join(" and "));
        let ways: Vec<String> = more.into_iter().chain(moves).collect();
        if ways.is_empty() {
            return format!("{} needs another part of the brokers in {has}", self.goal);
        }
        format!("{} needs {}", self.goal, ways.join(", or "))
    }
}
