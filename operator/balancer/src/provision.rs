//! Whether a cluster has the right size for its goals, and what to add or what could go.
//!
//! The verdicts are Cruise Control's. Whatever the cluster provably lacks ([`shortage`](crate::shortage)), and a hard
//! capacity that is left broken without another cause, makes it too small. Otherwise it is too large when every goal that
//! can tell says so: racks ([`EXTRA_RACKS`] more than replicas), the number of replicas ([`FEW_REPLICAS`] a broker),
//! and use (at or below the threshold of low utilisation). It isn't too large for what its limits wouldn't let go.

use crate::evaluate::{CAPACITIES, Evaluation};
use crate::goal::Goal;
use crate::limits::{Limits, REPLICAS, UNLIMITED};
use crate::model::Resource;
use crate::placement::Placement;
use crate::plan::{Provision, ProvisionStatus};
use crate::racks::racks_to_spread_over;
use crate::reasons::{Cause, unmet};
use crate::shortage::shortages;
use crate::task::Task;
use crate::wording::{amount, count, of};

/// So many racks more than a partition has replicas are too many.
const EXTRA_RACKS: u32 = 2;
/// Brokers that all have no more replicas than this could have more.
const FEW_REPLICAS: i64 = 1_500;
/// A cluster of fewer brokers is never too large.
const FEW_BROKERS: usize = 3;

const USAGES: [(Goal, Resource); 4] = [
    (Goal::DiskUsageDistribution, Resource::Disk),
    (Goal::NetworkInboundUsageDistribution, Resource::NetworkIn),
    (Goal::NetworkOutboundUsageDistribution, Resource::NetworkOut),
    (Goal::CpuUsageDistribution, Resource::Cpu),
];

/// Whether the cluster has the right size for the goals of a task, judged by what the plan leaves.
pub(crate) fn provision(
    task: &Task<'_>,
    limits: &Limits,
    placement: &Placement,
    after: &Evaluation,
) -> Provision {
    let missing = missing(task, limits, placement, after);
    if !missing.is_empty() {
        return Provision { status: ProvisionStatus::UnderProvisioned, recommendations: missing };
    }
    match Size::of(task, limits, after).surplus() {
        Some(surplus) => {
            Provision { status: ProvisionStatus::OverProvisioned, recommendations: surplus }
        }
        None => Provision { status: ProvisionStatus::RightSized, recommendations: Vec::new() },
    }
}

fn missing(
    task: &Task<'_>,
    limits: &Limits,
    placement: &Placement,
    after: &Evaluation,
) -> Vec<String> {
    let shortages = shortages(task, limits, placement, after);
    let mut missing: Vec<String> = shortages.iter().map(|shortage| shortage.remedy(task)).collect();
    if CAPACITIES.iter().all(|(goal, _)| after.of(*goal) == 0) {
        return missing;
    }
    let crowded = unmet(task, limits, after, placement, &shortages).into_iter();
    let crowded = crowded.filter(|unmet| unmet.cause == Cause::Unknown).map(|unmet| unmet.goal);
    let crowded = crowded.filter(|goal| CAPACITIES.iter().any(|(capacity, _)| capacity == goal));
    missing.extend(crowded.map(|goal| format!("{goal} needs 1 more broker")));
    missing
}

/// What a goal says about a cluster that lacks nothing.
enum Verdict {
    Right,
    /// With so many brokers that could go, and why; no number when it is about racks.
    Large {
        brokers: Option<usize>,
        why: String,
    },
}

struct Size<'a> {
    task: &'a Task<'a>,
    limits: &'a Limits,
    after: &'a Evaluation,
    /// Indices of the brokers that are there to hold their share.
    counted: Vec<usize>,
    /// The most replicas that a partition has.
    factor: u32,
}

impl<'a> Size<'a> {
    fn of(task: &'a Task<'a>, limits: &'a Limits, after: &'a Evaluation) -> Self {
        let counted = (0..task.roles.len()).filter(|broker| task.roles[*broker].counted).collect();
        let factor =
            task.model.partitions.iter().map(|partition| partition.replicas).max().unwrap_or(0);
        Self { task, limits, after, counted, factor }
    }

    /// What could go, when every goal that can tell says that something could.
    fn surplus(&self) -> Option<Vec<String>> {
        let verdicts: Vec<Verdict> = [self.racks(), self.replicas()]
            .into_iter()
            .chain(USAGES.into_iter().map(|(goal, resource)| self.usage(goal, resource)))
            .flatten()
            .collect();
        let spare = self.spare();
        if verdicts.is_empty() || spare == 0 || self.counted.len() < FEW_BROKERS {
            return None;
        }
        verdicts
            .into_iter()
            .map(|verdict| match verdict {
                Verdict::Right => None,
                Verdict::Large { brokers: None, why } => Some(why),
                Verdict::Large { brokers: Some(brokers), why } => {
                    let brokers = count(brokers.min(spare) as u64, "broker");
                    Some(format!("{why}: {brokers} could go"))
                }
            })
            .collect()
    }

    /// How many brokers could go at most: as many as every replica of a partition, and every capacity, can do without.
    fn spare(&self) -> usize {
        let whole = self.after.whole();
        let mut spare = self.counted.len().saturating_sub(self.factor as usize);
        for (goal, dimension) in CAPACITIES {
            if !self.task.options.has(goal) {
                continue;
            }
            let mut caps: Vec<i64> = self
                .counted
                .iter()
                .map(|broker| self.limits.brokers[*broker].cap[dimension])
                .collect();
            caps.sort_unstable_by(|left, right| right.cmp(left));
            let mut left = caps.iter().fold(0_i64, |sum, cap| sum.saturating_add(*cap));
            let going = caps.iter().take_while(|cap| {
                left = if left == UNLIMITED { left } else { left - **cap };
                left >= whole[dimension]
            });
            spare = spare.min(going.count());
        }
        spare
    }

    fn racks(&self) -> Option<Verdict> {
        let goals = [Goal::RackAware, Goal::RackAwareDistribution];
        let goal = goals.into_iter().find(|goal| self.task.options.has(*goal))?;
        if self.after.of(goal) > 0 {
            return None;
        }
        let racks = racks_to_spread_over(self.task);
        let extra = racks.saturating_sub(self.factor);
        if extra < EXTRA_RACKS {
            return Some(Verdict::Right);
        }
        let spare = count(u64::from(extra - EXTRA_RACKS + 1), "rack");
        let (racks, factor) =
            (count(u64::from(racks), "rack"), count(u64::from(self.factor), "replica"));
        let why = format!(
            "{goal}: there are {racks} for at most {factor} of a partition: the brokers of {spare} could go"
        );
        Some(Verdict::Large { brokers: None, why })
    }

    fn replicas(&self) -> Option<Verdict> {
        let goal = Goal::ReplicaDistribution;
        if !self.task.options.has(goal) || self.after.of(goal) > 0 {
            return None;
        }
        let needed = (self.after.whole()[REPLICAS] / FEW_REPLICAS) as usize;
        let spare = self.counted.len().saturating_sub(needed);
        if spare == 0 || self.after.totals.iter().any(|totals| totals[REPLICAS] > FEW_REPLICAS) {
            return Some(Verdict::Right);
        }
        let why =
            format!("{goal}: no broker has more than {}", count(FEW_REPLICAS as u64, "replica"));
        Some(Verdict::Large { brokers: Some(spare), why })
    }

    fn usage(&self, goal: Goal, resource: Resource) -> Option<Verdict> {
        if !self.task.options.has(goal) || self.after.of(goal) > 0 {
            return None;
        }
        let dimension = resource as usize;
        let idle = self.task.options.constraints.low_utilization_thresholds[dimension];
        let capacities =
            self.counted.iter().map(|broker| self.task.model.brokers[*broker].capacity[dimension]);
        let (capacity, largest) =
            capacities.fold((0, 0), |(sum, most), capacity| (sum + capacity, capacity.max(most)));
        let whole = self.after.whole()[dimension];
        if idle <= 0.0 || largest == 0 || whole as f64 > idle * capacity as f64 {
            return Some(Verdict::Right);
        }
        let needed = (whole as f64 / idle / largest as f64).floor() as usize;
        let model = self.task.model;
        let why = format!(
            "{goal}: {}{} of {} are used, no more than the share of {idle} at which a cluster idles",
            of(dimension),
            amount(model, dimension, whole),
            amount(model, dimension, capacity),
        );
        Some(Verdict::Large {
            brokers: Some(self.counted.len().saturating_sub(needed).max(1)),
            why,
        })
    }
}

#[cfg(test)]
mod tests;
