//! How well the replicas of a partition are spread over racks.

use crate::goal::Goal;
use crate::task::Task;

/// The rule that the goals make about racks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Rule {
    Any,
    /// One replica in a rack.
    Aware,
    /// As evenly as possible.
    Distribution,
}

/// Counts the replicas that have to leave their racks.
#[derive(Debug)]
pub(super) struct Racks {
    rule: Rule,
    /// How many racks there are to spread over.
    spread: usize,
    /// By rack: how many replicas were counted; zero between counts.
    counts: Vec<u32>,
}

impl Racks {
    pub(super) fn new(task: &Task<'_>) -> Self {
        let rule = if task.options.has(Goal::RackAware) {
            Rule::Aware
        } else if task.options.has(Goal::RackAwareDistribution) {
            Rule::Distribution
        } else {
            Rule::Any
        };
        let mut counted = vec![false; task.model.racks.len()];
        for (broker, role) in task.model.brokers.iter().zip(&task.roles) {
            counted[broker.rack as usize] |= role.counted;
        }
        let spread = counted.iter().filter(|counted| **counted).count().max(1);
        Self { rule, spread, counts: vec![0; task.model.racks.len()] }
    }

    /// Whether racks matter at all.
    pub(super) fn matter(&self) -> bool {
        self.rule != Rule::Any
    }

    /// How many replicas have to leave their racks, given the rack of each.
    pub(super) fn excess(&mut self, racks: impl Iterator<Item = u32> + Clone) -> u32 {
        let (fair, mut more) = match self.rule {
            Rule::Any => return 0,
            Rule::Aware => (1, 0),
            Rule::Distribution => {
                let replicas = racks.clone().count();
                ((replicas / self.spread) as u32, (replicas % self.spread) as u32)
            }
        };
        let mut excess = 0;
        for rack in racks.clone() {
            let count = &mut self.counts[rack as usize];
            *count += 1;
            if *count == fair + 1 && more > 0 {
                more -= 1;
            } else if *count > fair {
                excess += 1;
            }
        }
        for rack in racks {
            self.counts[rack as usize] = 0;
        }
        excess
    }
}
