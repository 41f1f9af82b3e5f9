//! The rule about racks, and how far the replicas of a partition are from it.

use crate::goal::Goal;
use crate::task::Task;

/// What the goals ask of the racks of a partition's replicas.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum RackRule {
    /// Nothing.
    Any,
    /// One replica in a rack.
    Aware,
    /// As evenly as possible.
    Distribution,
}

/// The rule, and the racks that it is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Racks {
    rule: RackRule,
    /// How many racks there are to spread over.
    spread: usize,
}

impl Racks {
    /// The rule that the goals of a task make.
    pub(crate) fn new(task: &Task<'_>) -> Self {
        let rule = if task.options.has(Goal::RackAware) {
            RackRule::Aware
        } else if task.options.has(Goal::RackAwareDistribution) {
            RackRule::Distribution
        } else {
            RackRule::Any
        };
        Self { rule, spread: racks_to_spread_over(task).max(1) as usize }
    }

    /// What is asked.
    pub(crate) fn rule(&self) -> RackRule {
        self.rule
    }

    /// Whether anything is asked at all.
    pub(crate) fn matter(&self) -> bool {
        self.rule != RackRule::Any
    }

    /// How many replicas have to leave their racks, given the rack of each; sorts them.
    pub(crate) fn excess(&self, racks: &mut [u32]) -> u32 {
        let (fair, mut more) = match self.rule {
            RackRule::Any => return 0,
            RackRule::Aware => (1, 0),
            RackRule::Distribution => (racks.len() / self.spread, racks.len() % self.spread),
        };
        racks.sort_unstable();
        let mut excess = 0;
        for together in racks.chunk_by(|one, other| one == other) {
            let mut above = together.len().saturating_sub(fair);
            if above > 0 && more > 0 {
                more -= 1;
                above -= 1;
            }
            excess += above;
        }
        excess as u32
    }
}

/// By rack: whether a broker that is there to hold its share stands in it.
pub(crate) fn racks_counted(task: &Task<'_>) -> Vec<bool> {
    let mut racks = vec![false; task.model.racks.len()];
    for (broker, role) in task.model.brokers.iter().zip(&task.roles) {
        racks[broker.rack as usize] |= role.counted;
    }
    racks
}

/// How many racks have a broker that is there to hold its share.
pub(crate) fn racks_to_spread_over(task: &Task<'_>) -> u32 {
    racks_counted(task).into_iter().filter(|counted| *counted).count() as u32
}

#[cfg(test)]
mod tests {
    use super::{RackRule, Racks};

    #[test]
    fn those_that_have_to_leave_are_counted() {
        let check = |rule, spread, racks: &[u32], expect| {
            let excess = Racks { rule, spread }.excess(&mut racks.to_vec());
            assert_eq!(excess, expect, "{rule:?} over {spread}: {racks:?}");
        };
        check(RackRule::Any, 3, &[0, 0, 0], 0);
        check(RackRule::Aware, 3, &[], 0);
        check(RackRule::Aware, 3, &[2, 0, 1], 0);
        check(RackRule::Aware, 3, &[2, 0, 2, 2], 2);
        check(RackRule::Distribution, 3, &[2, 0, 2, 1], 0);
        check(RackRule::Distribution, 3, &[2, 0, 2, 0], 1);
        check(RackRule::Distribution, 2, &[1, 1, 1, 1], 2);
        check(RackRule::Distribution, 2, &[1, 1, 0], 0);
        check(RackRule::Distribution, 2, &[1, 1, 1, 0], 1);
        check(RackRule::Distribution, 1, &[4, 4, 4], 0);
    }
}
