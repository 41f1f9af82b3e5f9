//! The goals, before and after.

use taffrail_balancer::wording::thousands;
use taffrail_balancer::{Goal, GoalOutcome};

use super::super::report::Report;
use super::grid::{Grid, Side, arrows};

pub(super) fn write(text: &mut String, report: &Report<'_>) {
    let goals = &report.plan.goals;
    if goals.is_empty() {
        return;
    }
    text.push_str("\nGOALS, and what violates them before and after\n");
    let pairs: Vec<_> = goals
        .iter()
        .map(|goal| (thousands(goal.violations_before), thousands(goal.violations_after)))
        .collect();
    let mut grid = Grid::new(&[Side::Left, Side::Left, Side::Left, Side::Right, Side::Left]);
    for (goal, arrow) in goals.iter().zip(arrows(&pairs, "")) {
        let kind = if goal.hard { "hard" } else { "soft" };
        let of = if goal.violations_before.max(goal.violations_after) > 0 {
            what_counts(goal.name)
        } else {
            ""
        };
        grid.row([kind, goal.name.name(), verdict(goal), &arrow, of]);
    }
    grid.write(text);
}

const fn verdict(goal: &GoalOutcome) -> &'static str {
    match (goal.violations_before, goal.violations_after) {
        (0, 0) => "ok",
        (_, 0) => "mended",
        (before, after) if after < before => "better",
        (before, after) if after > before => "WORSE",
        _ => "VIOLATED",
    }
}

/// What is counted when a goal is violated.
const fn what_counts(goal: Goal) -> &'static str {
    match goal {
        Goal::RackAware
        | Goal::RackAwareDistribution
        | Goal::BrokerSetAware
        | Goal::PreferredLeaderElection => "partitions",
        Goal::MinTopicLeadersPerBroker
        | Goal::TopicReplicaDistribution
        | Goal::TopicLeaderDistribution => "pairs of topic and broker",
        Goal::IntraBrokerDiskCapacity | Goal::IntraBrokerDiskUsageDistribution => "log directories",
        _ => "brokers",
    }
}
