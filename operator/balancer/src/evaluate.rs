//! What a placement breaks: how many things break each goal, and which.
//!
//! There is one definition of a violation for each goal ([`Survey`] has them); counting, and naming the worst for the
//! reasons of a plan, both go through it. Every survey is a few passes over flat arrays. Topics are counted one at a time
//! in one array over brokers, so that nothing here grows with topics times brokers.
//!
//! What is deliberately absent: how goals could be met (the search), and why they can't ([`reasons`](crate::reasons)).

mod survey;

use crate::goal::Goal;
use crate::limits::{Limits, Totals, add, totals_of};
use crate::model::NONE;
use crate::options::Options;
use crate::placement::Placement;
use crate::task::Task;
use survey::Survey;

pub(crate) use survey::{BANDS, CAPACITIES, Place, Violation};

/// What a placement breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Evaluation {
    /// The goals asked for by priority, hard ones first, and how many things break each.
    pub(crate) violations: Vec<(Goal, u64)>,
    /// The sums of each broker.
    pub(crate) totals: Vec<Totals>,
    /// The sum of the replicas that have no place.
    pub(crate) unplaced: Totals,
    /// Replicas that are where nothing may stay, or nowhere.
    pub(crate) stranded: u64,
}

impl Evaluation {
    /// How many things break a goal; none if it isn't asked for.
    pub(crate) fn of(&self, goal: Goal) -> u64 {
        self.violations.iter().find(|(other, _)| *other == goal).map_or(0, |(_, count)| *count)
    }

    /// Whether every goal is met, and nothing is where nothing may stay.
    pub(crate) fn is_met(&self) -> bool {
        self.stranded == 0 && self.violations.iter().all(|(_, count)| *count == 0)
    }

    /// What the cluster holds in all: on its brokers and nowhere yet.
    pub(crate) fn whole(&self) -> Totals {
        let mut whole = self.unplaced;
        for totals in &self.totals {
            add(&mut whole, totals);
        }
        whole
    }
}

/// The goals asked for by priority, each once: hard ones before soft ones, otherwise in the order that they stand in.
pub(crate) fn priorities(options: &Options) -> Vec<Goal> {
    let mut goals: Vec<Goal> = Vec::new();
    for goal in &options.goals {
        if !goals.contains(goal) {
            goals.push(*goal);
        }
    }
    goals.sort_by_key(|goal| !goal.is_hard());
    goals
}

/// What a placement breaks.
pub(crate) fn evaluate(task: &Task<'_>, limits: &Limits, placement: &Placement) -> Evaluation {
    let (totals, unplaced) = sums(task, placement);
    let goals = priorities(task.options);
    let mut counts = [0_u64; Goal::ALL.len()];
    Survey::new(task, limits, placement, &totals, &goals)
        .each(&mut |violation| counts[violation.goal as usize] += 1);
    Evaluation {
        violations: goals.into_iter().map(|goal| (goal, counts[goal as usize])).collect(),
        totals,
        unplaced,
        stranded: stranded(task, placement).count() as u64,
    }
}

/// Shows everything that breaks a goal.
pub(crate) fn each_violation(
    task: &Task<'_>,
    limits: &Limits,
    placement: &Placement,
    evaluation: &Evaluation,
    goal: Goal,
    show: &mut impl FnMut(Violation),
) {
    Survey::new(task, limits, placement, &evaluation.totals, &[goal]).each(show);
}

/// The replicas that are where nothing may stay, or nowhere.
pub(crate) fn stranded<'a>(
    task: &'a Task<'_>,
    placement: &'a Placement,
) -> impl Iterator<Item = u32> + 'a {
    let place = placement.broker.iter().zip(&placement.log_dir).enumerate();
    let left = place.filter(|(_, (broker, dir))| {
        **broker == NONE
            || task.roles[**broker as usize].closed
            || (**dir != NONE && task.closed_dirs[**dir as usize])
    });
    left.map(|(replica, _)| replica as u32)
}

fn sums(task: &Task<'_>, placement: &Placement) -> (Vec<Totals>, Totals) {
    let mut totals = vec![Totals::default(); task.model.brokers.len()];
    let mut unplaced = Totals::default();
    for (index, replica) in task.model.replicas.iter().enumerate() {
        let leads = placement.leader[replica.partition as usize] == index as u32;
        let broker = placement.broker[index];
        let sum = if broker == NONE { &mut unplaced } else { &mut totals[broker as usize] };
        add(sum, &totals_of(task.model, index as u32, leads));
    }
    (totals, unplaced)
}

#[cfg(test)]
mod tests;
