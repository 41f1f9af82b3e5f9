//! What racks can hold at most when the replicas of a partition are spread over racks, and what they have to.
//!
//! So many racks can hold so many replicas of a partition: one each for `RackAware`, and for `RackAwareDistribution` each
//! what it should have at least, and one more in as many racks as there are more replicas than that. Which racks these
//! are doesn't matter, and of the replicas of a partition they may have those that cost most, with the leader among them.
//! The sum over all partitions is what so many racks hold at most in any placement; the other racks have to hold the rest.
//!
//! A partition that can't keep to the goal, or doesn't after the plan, counts as if it could be anywhere.

use crate::evaluate::{Evaluation, Place, each_violation};
use crate::goal::Goal;
use crate::limits::{Limits, POTENTIAL_OUT, REPLICAS, Totals, add, totals_of};
use crate::model::{RESOURCES, Resource};
use crate::placement::Placement;
use crate::racks::racks_to_spread_over;
use crate::task::Task;

/// What of a broker's totals each replica has a part in, whoever leads.
const SPREAD: [usize; 6] = [
    Resource::Cpu as usize,
    Resource::NetworkIn as usize,
    Resource::NetworkOut as usize,
    Resource::Disk as usize,
    REPLICAS,
    POTENTIAL_OUT,
];

/// What racks can hold and have to.
pub(super) struct Spread {
    /// The goal that spreads replicas over racks.
    pub(super) goal: Goal,
    /// Indices of the racks that have brokers which may hold something.
    pub(super) racks: Vec<u32>,
    /// By number of racks, from none: what so many can hold at most. Nothing is known of leaders.
    most: Vec<Totals>,
}

impl Spread {
    /// None unless a goal spreads replicas over racks, and there are several.
    pub(super) fn of(
        task: &Task<'_>,
        limits: &Limits,
        placement: &Placement,
        evaluation: &Evaluation,
    ) -> Option<Self> {
        let goals = [Goal::RackAware, Goal::RackAwareDistribution];
        let goal = goals.into_iter().find(|goal| task.options.has(*goal))?;
        let model = task.model;
        let mut open = vec![false; model.racks.len()];
        for (broker, role) in model.brokers.iter().zip(&task.roles) {
            open[broker.rack as usize] |= !role.closed;
        }
        let racks: Vec<u32> =
            (0..model.racks.len() as u32).filter(|rack| open[*rack as usize]).collect();
        let counted = racks_to_spread_over(task) as usize;
        if racks.len() < 2 || counted == 0 {
            return None;
        }
        let mut free = vec![false; model.partitions.len()];
        each_violation(task, limits, placement, evaluation, goal, &mut |violation| {
            if let Place::Partition(partition) = violation.place {
                free[partition as usize] = true;
            }
        });
        // What each rack adds to those before it; then their sums.
        let mut most = vec![Totals::default(); racks.len() + 1];
        let mut costs = Vec::new();
        for (index, partition) in model.partitions.iter().enumerate() {
            let replicas = partition.replicas as usize;
            let held = |racks: usize| match goal {
                _ if free[index] => replicas,
                Goal::RackAware => racks,
                _ => replicas / counted * racks + racks.min(replicas % counted),
            };
            let free = held(racks.len()) < replicas;
            for dimension in SPREAD {
                costs.clear();
                costs.extend(
                    model
                        .replicas_of(index as u32)
                        .map(|replica| totals_of(model, replica, false)[dimension]),
                );
                costs.sort_unstable_by(|left, right| right.cmp(left));
                let mut before = 0;
                for (number, most) in most.iter_mut().enumerate().skip(1) {
                    let until = if free { replicas } else { held(number).min(replicas) };
                    most[dimension] += costs[before..until].iter().sum::<i64>();
                    before = until;
                    if until == replicas {
                        break;
                    }
                }
            }
            let [_, first, ..] = most.as_mut_slice() else { continue };
            for (most, extra) in first[..RESOURCES].iter_mut().zip(partition.leader_extra) {
                *most += extra;
            }
        }
        let mut sum = Totals::default();
        for most in &mut most {
            add(&mut sum, most);
            *most = sum;
        }
        Some(Self { goal, racks, most })
    }

    /// What so many racks can hold at most.
    pub(super) fn most(&self, racks: usize, dimension: usize) -> i64 {
        self.most[racks.min(self.racks.len())][dimension]
    }

    /// What so many racks have to hold at least: what all others can't.
    pub(super) fn least(&self, racks: usize, dimension: usize) -> i64 {
        let others = self.racks.len().saturating_sub(racks);
        self.most(self.racks.len(), dimension) - self.most(others, dimension)
    }

    /// The racks, those with the least of an amount first; `amounts` are by rack.
    pub(super) fn ranked(&self, amounts: &[i64]) -> Vec<u32> {
        let mut racks = self.racks.clone();
        racks.sort_by_key(|rack| (amounts[*rack as usize], *rack));
        racks
    }
}

/// Sets of racks to look at: each alone, and the first of them together, up to all but one.
pub(super) fn sets(ranked: &[u32]) -> impl Iterator<Item = &[u32]> {
    let together = (2..ranked.len()).map(|number| &ranked[..number]);
    ranked.chunks(1).chain(together)
}

/// The sums of the racks, given those of the brokers and where each of them is.
pub(super) fn by_rack(racks: usize, brokers: impl Iterator<Item = (u32, i64)>) -> Vec<i64> {
    let mut sums = vec![0_i64; racks];
    for (rack, amount) in brokers {
        let sum = &mut sums[rack as usize];
        *sum = sum.saturating_add(amount);
    }
    sums
}

/// The sum of some racks.
pub(super) fn sum_of(racks: &[u32], sums: &[i64]) -> i64 {
    racks.iter().map(|rack| sums[*rack as usize]).fold(0, i64::saturating_add)
}
