//! What has to leave each broker.

use super::knapsack::{Item, enough, knapsack, share_up};
use super::survey::{Survey, is_movable, least, weights};
use super::{ByWeight, DISK, WEIGHTS};
use crate::limits::{DIMENSIONS, Limits, REPLICAS, Totals, UNLIMITED, add};
use crate::model::NONE;
use crate::planner::Threads;
use crate::task::{Scope, Task};

/// By weight: the dimension that counts the same.
const OWN_DIMENSION: [usize; WEIGHTS] = [REPLICAS, DISK];

/// The weight that leaves each broker at least.
pub(super) fn leaving(
    task: &Task<'_>,
    limits: &Limits,
    survey: &Survey,
    threads: Threads<'_>,
) -> Vec<ByWeight> {
    let excess: Vec<Totals> =
        (0..survey.on.len()).map(|broker| excess(task, limits, survey, broker)).collect();
    let shed = Shed::of(task, &excess);
    let leave = |broker: usize| {
        if survey.empties[broker] {
            survey.on[broker]
        } else {
            shed.least(task, &excess[broker], broker, survey.topics_leave[broker])
        }
    };
    threads.map(0..excess.len(), leave)
}

/// What a broker that doesn't empty has above its limits, by dimension; 0 within them.
fn excess(task: &Task<'_>, limits: &Limits, survey: &Survey, broker: usize) -> Totals {
    let mut excess = [0; DIMENSIONS];
    if survey.empties[broker] {
        return excess;
    }
    let limits = &limits.brokers[broker];
    for (dimension, excess) in excess.iter_mut().enumerate() {
        let soft = if task.scope == Scope::All { limits.high[dimension] } else { UNLIMITED };
        *excess =
            survey.least[broker][dimension].saturating_sub(soft.min(limits.cap[dimension])).max(0);
    }
    excess
}

/// The movable replicas of brokers that have an excess, broker by broker.
struct Shed {
    /// By broker: where its replicas begin. One more at the end.
    first: Vec<u32>,
    replicas: Vec<u32>,
}

impl Shed {
    fn of(task: &Task<'_>, excess: &[Totals]) -> Self {
        let model = task.model;
        let over: Vec<bool> =
            excess.iter().map(|excess| excess.iter().any(|amount| *amount > 0)).collect();
        let sheds = |index: usize| {
            let replica = &model.replicas[index];
            let topic = model.partitions[replica.partition as usize].topic;
            let broker = replica.broker;
            (broker != NONE && over[broker as usize] && is_movable(task, topic, index as u32))
                .then_some(broker as usize)
        };
        let mut first = vec![0_u32; excess.len() + 1];
        for broker in (0..model.replicas.len()).filter_map(sheds) {
            first[broker + 1] += 1;
        }
        for broker in 0..excess.len() {
            first[broker + 1] += first[broker];
        }
        let mut next = first.clone();
        let mut replicas = vec![0; first[excess.len()] as usize];
        for index in 0..model.replicas.len() {
            if let Some(broker) = sheds(index) {
                replicas[next[broker] as usize] = index as u32;
                next[broker] += 1;
            }
        }
        Self { first, replicas }
    }

    /// The least weight that takes a broker's excess away, and no less than `floor`.
    fn least(&self, task: &Task<'_>, excess: &Totals, broker: usize, floor: ByWeight) -> ByWeight {
        let replicas = &self.replicas[self.first[broker] as usize..self.first[broker + 1] as usize];
        let movable: Vec<(ByWeight, Totals)> = replicas
            .iter()
            .map(|replica| (weights(task.model, *replica), least(task.model, *replica)))
            .collect();
        let (mut whole, mut sums) = ([0; WEIGHTS], [0; DIMENSIONS]);
        for (weights, amounts) in &movable {
            for (sum, weight) in whole.iter_mut().zip(weights) {
                *sum += weight;
            }
            add(&mut sums, amounts);
        }
        let mut leave = floor;
        for (weight, own) in OWN_DIMENSION.into_iter().enumerate() {
            // What every replica weighs and adds is the same then (it never weighs more): any cover of the need does.
            if whole[weight] == sums[own] {
                leave[weight] = leave[weight].max(excess[own].min(whole[weight]));
            }
        }
        let mut items = Vec::new();
        for dimension in (0..DIMENSIONS).filter(|dimension| excess[*dimension] > 0) {
            let (need, amount) = (excess[dimension], sums[dimension]);
            for weight in 0..WEIGHTS {
                if amount < need {
                    leave[weight] = whole[weight];
                    continue;
                }
                let covers = movable
                    .iter()
                    .map(|(weights, amounts)| Item {
                        weight: weights[weight],
                        amount: amounts[dimension],
                    })
                    .filter(|item| item.amount > 0);
                // Where even a cover that isn't the least weighs no more than another rule, the least doesn't.
                let whole = Item { weight: whole[weight], amount };
                if share_up(whole.weight, need, amount) <= leave[weight]
                    || enough(covers.clone(), whole, need) <= leave[weight]
                {
                    continue;
                }
                items.clear();
                items.extend(covers);
                leave[weight] =
                    leave[weight].max(knapsack(&mut items, need).unwrap_or(whole.weight));
            }
        }
        leave
    }
}
