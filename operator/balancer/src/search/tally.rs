//! What every broker holds, summed anew.
//!
//! The replicas are gone through in the order of the model, which is that of the memory that holds them: broker by broker
//! nearly each would be waited for. With threads, each takes some of the brokers and skips what is on others.

use rayon::prelude::*;

use crate::limits::{DIMENSIONS, add};
use crate::model::NONE;
use crate::planner::Threads;
use crate::search::ground::{Ground, Holder};

/// Sums what the holders, by broker, have, and lists it too if their lists are empty so far.
pub(super) fn tally(
    ground: &Ground<'_>,
    holders: &mut [Holder],
    lists: bool,
    threads: Threads<'_>,
) {
    let Threads::Pool(pool) = threads else {
        return tally_some(ground, holders, lists);
    };
    let each = holders.len().div_ceil(pool.current_num_threads()).max(1);
    pool.install(|| {
        holders.par_chunks_mut(each).for_each(|holders| tally_some(ground, holders, lists));
    });
}

/// The same for holders one after the other.
fn tally_some(ground: &Ground<'_>, holders: &mut [Holder], lists: bool) {
    let Some(first) = holders.first().map(|holder| holder.index) else { return };
    // A broker before the first is as far beyond the last.
    let place = |broker: u32| broker.wrapping_sub(first) as usize;
    for holder in &mut *holders {
        holder.totals = [0; DIMENSIONS];
        holder.topics.fill([0; 2]);
    }
    if lists {
        let mut counts = vec![0; holders.len()];
        for broker in &ground.broker_of {
            if let Some(count) = counts.get_mut(place(*broker)) {
                *count += 1;
            }
        }
        for (holder, count) in holders.iter_mut().zip(counts) {
            holder.entries.reserve_exact(count);
        }
    }
    for (replica, broker) in (0..).zip(&ground.broker_of) {
        let Some(holder) = holders.get_mut(place(*broker)).filter(|_| *broker != NONE) else {
            continue;
        };
        let partition = ground.task.model.replicas[replica as usize].partition;
        let amounts = ground.amounts(replica);
        add(&mut holder.totals, &amounts);
        if let Some(column) = ground.column(partition) {
            let leads = ground.leader_of[partition as usize] == replica;
            let [replicas, leaders] = &mut holder.topics[column];
            *replicas = replicas.saturating_add(1);
            *leaders = leaders.saturating_add(u16::from(leads));
        }
        if lists {
            holder.entries.push(ground.entry(replica, &amounts));
        }
    }
}
