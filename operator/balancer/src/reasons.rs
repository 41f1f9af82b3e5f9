//! Why a plan does less than it was asked for, in sentences: the thing, the cause, and the smallest change that helps.
//!
//! What is proven comes first: partitions that nothing can be copied from, then what the cluster lacks
//! ([`shortage`](crate::shortage)), then replicas that found no place ([`homeless`]), then goals with what stands in
//! their way ([`mod@unmet`]). Only what has no other cause is put on the search.

mod bulk;
mod homeless;
mod receivers;
mod unmet;

use std::collections::BTreeSet;

use crate::document::BrokerState;
use crate::evaluate::Evaluation;
use crate::limits::Limits;
use crate::model::{Model, NONE};
use crate::placement::Placement;
use crate::shortage::{Shortage, shortages};
use crate::task::Task;
use crate::wording::{have, partition, some, thousands};

pub(crate) use unmet::{Cause, unmet};

/// How many sentences are said; the rest is counted.
const SHOWN: usize = 10;

/// Why the placement after the plan doesn't do all that was asked for; empty when it does.
pub(crate) fn reasons(
    task: &Task<'_>,
    limits: &Limits,
    before: &Evaluation,
    after: &Evaluation,
    placement: &Placement,
) -> Vec<String> {
    let shortages = shortages(task, limits, placement, after);
    let mut reasons: Vec<String> = unreachable(task.model).into_iter().collect();
    reasons.extend(
        shortages
            .iter()
            .map(|shortage| format!("{}: {}", shortage.cause(task), shortage.remedy(task))),
    );
    if !matches!(shortages.as_slice(), [Shortage::NoBrokers { .. }]) {
        reasons.extend(homeless::sentences(task, limits, after, placement));
        let unmet = unmet(task, limits, after, placement, &shortages);
        reasons.extend(unmet::sentences(task, before, &unmet, !shortages.is_empty()));
    }
    if let Some(more) = reasons.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        reasons.truncate(SHOWN);
        reasons.push(format!("and {} more like these", thousands(more as u64)));
    }
    reasons
}

/// Whether no replica of a partition is online, so that there is nothing to copy it from.
fn is_unreachable(model: &Model, partition: u32) -> bool {
    let mut replicas = model.replicas_of(partition);
    replicas.clone().any(|replica| model.replicas[replica as usize].broker != NONE)
        && replicas.all(|replica| model.is_offline(replica))
}

/// The partitions that nothing can be copied from.
fn unreachable(model: &Model) -> Option<String> {
    let mut places = BTreeSet::new();
    let mut names = Vec::new();
    for index in (0..model.partitions.len() as u32).filter(|index| is_unreachable(model, *index)) {
        names.push(partition(model, index));
        for replica in model.replicas_of(index) {
            let replica = &model.replicas[replica as usize];
            if let Some(broker) = model.brokers.get(replica.broker as usize) {
                let dead = broker.state == BrokerState::Dead;
                places.insert((broker.id, if dead { NONE } else { replica.log_dir }));
            }
        }
    }
    if names.is_empty() {
        return None;
    }
    let places = places.into_iter().map(|(id, dir)| match model.log_dirs.get(dir as usize) {
        Some(dir) if !dir.path.is_empty() => format!("{} of broker {id}", dir.path),
        _ => format!("broker {id}"),
    });
    let places: Vec<String> = places.collect();
    let (them, they) = if names.len() == 1 { ("it", "it holds") } else { ("them", "they hold") };
    Some(format!(
        "{} no replica that is online ({}): nothing can be copied from {them}, and moving {them} would lose what {they}: \
         bring back {}",
        have(names.len() as u64, "partition"),
        some(&names),
        some(&places),
    ))
}

#[cfg(test)]
mod tests;
