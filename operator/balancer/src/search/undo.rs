//! Takes back what turned out not to be needed.

use crate::limits::REPLICAS;
use crate::model::{NONE, Resource};
use crate::planner::Threads;
use crate::search::ground::{Entry, Ground, Holder};
use crate::search::rules::Care;
use crate::search::shed::NOTHING;
use crate::search::state::State;

/// Passes at most: taking one move back can make room for another.
const PASSES: usize = 3;
/// A pass that takes back no more than one in so many replicas of the cluster is the last.
const FEW: usize = 100_000;

/// Sends home every replica whose move isn't needed for anything, the dearest first. Returns how many.
pub(super) fn undo(state: &mut State<'_>, threads: Threads<'_>) -> usize {
    let mut undone = 0;
    for _ in 0..PASSES {
        let before = undone;
        for replica in idle(state, threads) {
            let entry = state.entry(replica);
            let at = state.ground.broker_of[replica as usize];
            if !is_needed(&state.ground, &state.holders, &state.holders[at as usize], &entry) {
                state.apply_move(replica, entry.home);
                undone += 1;
            }
        }
        if (undone - before) * FEW <= state.ground.broker_of.len() {
            break;
        }
    }
    undone
}

/// The replicas that aren't needed where they went, each taken for itself; the dearest first.
fn idle(state: &State<'_>, threads: Threads<'_>) -> Vec<u32> {
    let (ground, holders) = (&state.ground, &state.holders);
    let of_holder = |holder: &Holder| -> Vec<u32> {
        let away =
            holder.entries.iter().filter(|entry| entry.home != NONE && entry.home != holder.index);
        let idle = away.filter(|entry| !is_needed(ground, holders, holder, entry));
        idle.map(|entry| entry.replica).collect()
    };
    let mut idle = threads.map(holders, of_holder).concat();
    let replicas = &ground.task.model.replicas;
    idle.sort_by_key(|replica| {
        (std::cmp::Reverse(replicas[*replica as usize].load[Resource::Disk as usize]), *replica)
    });
    idle
}

/// Whether something would be worse if a replica went home.
fn is_needed(ground: &Ground<'_>, holders: &[Holder], from: &Holder, entry: &Entry) -> bool {
    let to = &holders[entry.home as usize];
    let pricing = &ground.pricing;
    // Most are needed for the count alone; that is seen without a look at the replica.
    if pricing.scale(REPLICAS) > 0.0
        && from.price <= 0.0
        && (to.totals[REPLICAS] >= pricing.band(to.index).high[REPLICAS]
            || from.totals[REPLICAS] <= pricing.band(from.index).low[REPLICAS])
    {
        return true;
    }
    ground.task.is_stranded(entry.replica)
        || ground.rules.verdict(ground, entry.replica, entry.home, Care::AnyOrder).is_none()
        || ground.move_delta(entry, from, to).is_none_or(|delta| delta > NOTHING)
}
