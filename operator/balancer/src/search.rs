//! The search: from where everything is to where it should be.
//!
//! In this order: what has no place, and what breaks a rule, goes elsewhere (`mend`); replicas go from full brokers to
//! empty ones, with everyone's expected part of the leader's load (`shed`); what wasn't needed goes home (`undo`);
//! leadership, which is free, is balanced (`lead`); what is still outside its band is looked at with all that there is,
//! swaps included (`finish`); and once more what wasn't needed goes home.
//!
//! Every action is priced by the two brokers that it touches (`pricing`, `ground`). Nothing here reads a clock: all loops
//! are bounded in rounds.

mod finish;
mod ground;
mod lead;
mod mend;
mod pricing;
mod rules;
mod shed;
mod state;
mod tally;
mod undo;

use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;

use crate::goal::Goal;
use crate::limits::Limits;
use crate::model::NONE;
use crate::options::Operation;
use crate::placement::Placement;
use crate::planner::Threads;
use crate::search::ground::Ground;
use crate::search::pricing::View;
use crate::search::state::State;
use crate::task::{Scope, Task};

/// The part of each band that leadership aims at.
const NARROW: f64 = 0.6;

/// Where everything should be. `emphasis` are goals that an earlier search made worse: they weigh more in this one, the
/// more the more often they are named.
pub(crate) fn search(
    task: &Task<'_>,
    limits: &Limits,
    emphasis: &[Goal],
    threads: Threads<'_>,
) -> Placement {
    let mut rng = ChaCha8Rng::seed_from_u64(task.options.seed);
    let start = Placement::of(task.model);
    let copies = task.scope != Scope::Leadership;
    let view = if copies { View::Expected } else { View::Actual };
    let mut state = State::new(Ground::new(task, limits, emphasis, &start, view), threads);
    if copies {
        mend::mend(&mut state, &mut rng, threads);
        shed::shed(&mut state, &mut rng, threads);
        undo::undo(&mut state, threads);
    }
    state.view(View::Actual, NARROW, threads);
    lead::appoint(&mut state);
    lead::spread_topics(&mut state);
    lead::balance(&mut state, threads);
    state.view(View::Actual, 1.0, threads);
    lead::balance(&mut state, threads);
    if copies {
        // Shedding may have made room for what had none.
        mend::place_stranded(&mut state, &mut rng);
        finish::finish(&mut state, &mut rng, threads);
        undo::undo(&mut state, threads);
    }
    let mut placement = state.placement(&start);
    put_leaders_first(task, &start, &mut placement);
    placement
}

/// Once more for what found no place: where everything is in the end there may be room, and a place that couldn't be
/// reached may not be the only one. None if that changes nothing.
pub(crate) fn settle(
    task: &Task<'_>,
    limits: &Limits,
    reached: &Placement,
    threads: Threads<'_>,
) -> Option<Placement> {
    let mut rng = ChaCha8Rng::seed_from_u64(task.options.seed);
    let mut state = State::new(Ground::new(task, limits, &[], reached, View::Actual), threads);
    mend::place_stranded(&mut state, &mut rng);
    lead::appoint(&mut state);
    let mut placement = state.placement(reached);
    put_leaders_first(task, &Placement::of(task.model), &mut placement);
    (placement.broker != reached.broker).then_some(placement)
}

/// Everything where it is, and only the lists in the order that they should be in.
pub(crate) fn stay(task: &Task<'_>) -> Placement {
    let start = Placement::of(task.model);
    let mut placement = start.clone();
    put_leaders_first(task, &start, &mut placement);
    placement
}

/// The leader is the preferred one: the list says so, instead of an election that would undo the balance.
fn put_leaders_first(task: &Task<'_>, start: &Placement, placement: &mut Placement) {
    let operation = &task.options.operation;
    let asked = matches!(operation, Operation::Demote(_) | Operation::Leaders);
    if !asked && !task.options.has(Goal::PreferredLeaderElection) {
        return;
    }
    for partition in 0..task.model.partitions.len() as u32 {
        let of_partition = &task.model.partitions[partition as usize];
        let replicas = task.model.replicas_of(partition);
        let excluded = task.model.topics[of_partition.topic as usize].excluded;
        let changes = placement.leader[partition as usize] != of_partition.leader
            || replicas.clone().any(|replica| {
                placement.broker[replica as usize] != start.broker[replica as usize]
                    || task.is_stranded(replica)
            });
        let touches = |mut replicas: std::ops::Range<u32>| {
            replicas.any(|replica| {
                let broker = placement.broker[replica as usize];
                broker != NONE && !task.roles[broker as usize].leads
            })
        };
        placement.leader_first[partition as usize] = match task.scope {
            Scope::Leadership if matches!(operation, Operation::Demote(_)) => {
                changes || touches(replicas)
            }
            Scope::All | Scope::Leadership => changes || !excluded,
            Scope::Stranded => changes,
        };
    }
}
