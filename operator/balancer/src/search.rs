//! The search: from where everything is to where it should be.
//!
//! In this order: what has no place, and what breaks a rule, goes elsewhere (`mend`); replicas go from full brokers to
//! empty ones, with everyone's expected part of the leader's load (`shed`); what wasn't needed goes home (`undo`);
//! leadership, which is free, is balanced (`lead`); what is still outside its band is looked at with all that there is,
//! swaps included (`finish`); and once more what wasn't needed goes home.
//!
//! Every action is priced by the two brokers that it touches (`pricing`, `state`). Nothing here reads a clock: all loops
//! are bounded in rounds.

mod finish;
mod lead;
mod mend;
mod pricing;
mod rules;
mod shed;
mod state;
mod undo;

use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;

use crate::goal::Goal;
use crate::limits::Limits;
use crate::options::Operation;
use crate::placement::Placement;
use crate::planner::Threads;
use crate::search::pricing::View;
use crate::search::state::State;
use crate::task::{Scope, Task};

/// The part of each band that leadership aims at.
const NARROW: f64 = 0.6;

/// Where everything should be.
pub(crate) fn search(task: &Task<'_>, limits: &Limits, threads: Threads<'_>) -> Placement {
    let mut rng = ChaCha8Rng::seed_from_u64(task.options.seed);
    let start = Placement::of(task.model);
    let mut state = State::new(task, limits, View::Expected, &start, threads);
    if task.scope != Scope::Leadership {
        mend::mend(&mut state, &mut rng, threads);
        shed::shed(&mut state, &mut rng, threads);
        undo::undo(&mut state, threads);
    }
    state.view(View::Actual, NARROW, threads);
    lead::appoint(&mut state);
    lead::balance(&mut state, threads);
    state.view(View::Actual, 1.0, threads);
    lead::balance(&mut state, threads);
    if task.scope != Scope::Leadership {
        finish::finish(&mut state, &mut rng, threads);
        undo::undo(&mut state, threads);
    }
    let mut placement = state.placement(start.log_dir);
    if task.options.has(Goal::PreferredLeaderElection)
        || matches!(task.options.operation, Operation::Demote(_) | Operation::Leaders)
    {
        put_leaders_first(task, &mut placement);
    }
    placement
}

/// The leader is the preferred one: the list says so, instead of an election that would undo the balance.
fn put_leaders_first(task: &Task<'_>, placement: &mut Placement) {
    for (partition, first) in placement.leader_first.iter_mut().enumerate() {
        let partition = &task.model.partitions[partition];
        *first = !task.model.topics[partition.topic as usize].excluded;
    }
}
