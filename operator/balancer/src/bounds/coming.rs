//! What has to come to each broker.

use super::knapsack::{Item, Top, knapsack, share_up};
use super::survey::{Survey, is_movable, most};
use super::{BYTES, ByWeight, COUNT, DISK, WEIGHTS};
use crate::limits::{DIMENSIONS, Limits, REPLICAS};
use crate::task::{Scope, Task};

/// What has to come to a broker.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Coming {
    /// The weight that comes at least.
    pub(super) come: ByWeight,
    /// What the broker lacks in replicas and in disk; below 0 what it has to spare.
    pub(super) short: ByWeight,
}

/// What has to come to each broker; nothing to those that don't receive, or that empty.
pub(super) fn coming(task: &Task<'_>, limits: &Limits, survey: &Survey) -> Vec<Coming> {
    let low = |broker: usize, dimension: usize| {
        if task.scope == Scope::All { limits.brokers[broker].low[dimension] } else { 0 }
    };
    let receives = |broker: &usize| task.roles[*broker].receives && !survey.empties[*broker];
    let receivers: Vec<usize> = (0..task.roles.len()).filter(receives).collect();
    let mut coming = vec![Coming::default(); task.roles.len()];
    for &broker in &receivers {
        let mut short = [0; WEIGHTS];
        short[COUNT] = low(broker, REPLICAS) - survey.on[broker][COUNT];
        short[BYTES] = low(broker, DISK) - survey.on[broker][BYTES];
        let mut come = [0; WEIGHTS];
        come[COUNT] = survey.topics_come[broker].max(0);
        come[BYTES] = short[BYTES].max(0);
        if short[COUNT] <= survey.movable[COUNT] {
            come[COUNT] = come[COUNT].max(short[COUNT]);
        }
        coming[broker] = Coming { come, short };
    }
    for dimension in (0..DIMENSIONS).filter(|dimension| *dimension != REPLICAS) {
        let sum = survey.movable_most[dimension];
        // The average covers a need with no fewer than the largest do: where even so many are no more than another rule
        // asks for, this one says nothing.
        let mut top = None;
        for &broker in &receivers {
            let need = low(broker, dimension) - survey.most[broker][dimension];
            let known = &mut coming[broker].come[COUNT];
            if need <= 0 || need > sum || share_up(survey.movable[COUNT], need, sum) <= *known {
                continue;
            }
            let top = top.get_or_insert_with(|| {
                Top::new(movable(task).map(|index| most(task.model, index)[dimension]).collect())
            });
            *known = (*known).max(top.cover(need).unwrap_or(0));
        }
    }
    coming
}

/// The movable replicas of the cluster.
fn movable(task: &Task<'_>) -> impl Iterator<Item = u32> {
    let model = task.model;
    (0..model.topics.len() as u32).flat_map(move |topic| {
        model
            .partitions_of(topic)
            .flat_map(move |partition| model.replicas_of(partition))
            .filter(move |replica| is_movable(task, topic, *replica))
    })
}

/// The sum of the smallest disk loads of so many movable replicas, or something less that is no more than `known`.
pub(super) fn smallest(task: &Task<'_>, survey: &Survey, replicas: i64, known: i64) -> i64 {
    let all = survey.movable;
    if replicas == 0 || share_up(all[BYTES], replicas, all[COUNT]) <= known {
        return 0;
    }
    let mut items: Vec<Item> = movable(task)
        .map(|index| Item { weight: task.model.replicas[index as usize].load[DISK], amount: 1 })
        .collect();
    knapsack(&mut items, replicas).unwrap_or(0)
}
