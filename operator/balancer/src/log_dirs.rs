//! Which log directory each replica is put into, once it is known which broker holds it.
//!
//! - A replica that came to its broker, or that has to leave a closed directory without leaving its broker, gets an open
//!   directory. It is copied anyway, so that it may as well go where it helps most. Out of a directory that is offline
//!   a broker can't copy: what stays on it stays in it.
//! - `IntraBrokerDiskCapacityGoal` and `IntraBrokerDiskUsageDistributionGoal`, when they are asked for, may then move
//!   what was at rest: capacity first, the band after it, with few bytes ([`balance`] has the rules). That is only done
//!   where replicas may move for a soft goal, on brokers that receive, and never to topics that are excluded.
//! - Everything else stays where it is. A replica without a broker has no directory. A replica on a broker that has no
//!   open directory stays where it is, too: the goals say so, not this module.
//!
//! The band of a directory is the average fill of its broker's open directories, times 1 - b to 1 + b, of its own
//! capacity: what lies in closed directories isn't part of the average. A directory that is alone on its broker, or
//! closed, has none.
//!
//! Brokers with one directory, which are most, cost one look at each of their replicas.

mod balance;

use crate::goal::Goal;
use crate::limits::{Limits, UNLIMITED, totals_of};
use crate::model::{Model, NONE, Resource};
use crate::placement::Placement;
use crate::task::{Scope, Task};
use balance::{Item, Shelf};

/// Puts every replica that has a broker into one of its directories.
pub(crate) fn assign_log_dirs(task: &Task<'_>, limits: &Limits, placement: &mut Placement) {
    let model = task.model;
    let several: Vec<u32> = (0..model.brokers.len() as u32)
        .filter(|broker| model.brokers[*broker as usize].log_dirs > 1)
        .collect();
    let mut held: Vec<Vec<u32>> = vec![Vec::new(); several.len()];
    for (replica, broker) in placement.broker.iter().enumerate() {
        if *broker == NONE {
            placement.log_dir[replica] = NONE;
        } else if model.brokers[*broker as usize].log_dirs == 1 {
            placement.log_dir[replica] = model.brokers[*broker as usize].first_log_dir;
        } else if let Ok(index) = several.binary_search(broker) {
            held[index].push(replica as u32);
        }
    }
    for (broker, replicas) in several.into_iter().zip(held) {
        arrange(task, limits, placement, broker, &replicas);
    }
}

/// What lies in each directory at a placement, by directory, in units of disk: what the leader has on top included.
pub(crate) fn log_dir_use(model: &Model, placement: &Placement) -> Vec<i64> {
    let mut used = vec![0; model.log_dirs.len()];
    for (replica, dir) in placement.log_dir.iter().enumerate() {
        if *dir != NONE {
            used[*dir as usize] += size(model, placement, replica as u32);
        }
    }
    used
}

/// The band of each directory, by directory, in units of disk, when so much lies in each of them. Both ends belong to it.
/// Without the goal, and for directories that have no band, it is everything.
pub(crate) fn log_dir_bands(task: &Task<'_>, used: &[i64]) -> Vec<(i64, i64)> {
    let mut bands = vec![(0, UNLIMITED); task.model.log_dirs.len()];
    if task.options.has(Goal::IntraBrokerDiskUsageDistribution) {
        for broker in (0..task.model.brokers.len() as u32)
            .filter(|b| task.model.brokers[*b as usize].log_dirs > 1)
        {
            let open = open_dirs(task, broker);
            let used: Vec<i64> = open.iter().map(|dir| used[*dir as usize]).collect();
            for (dir, band) in open.iter().zip(bands_between(task, &open, &used)) {
                bands[*dir as usize] = band;
            }
        }
    }
    bands
}

/// The bands of one broker's open directories, when so much lies in each of them.
fn bands_between(task: &Task<'_>, open: &[u32], used: &[i64]) -> Vec<(i64, i64)> {
    let capacity = |dir: u32| task.model.log_dirs[dir as usize].capacity as f64;
    let whole: f64 = open.iter().map(|dir| capacity(*dir)).sum();
    if open.len() < 2 || whole <= 0.0 {
        return vec![(0, UNLIMITED); open.len()];
    }
    let sum = used.iter().sum::<i64>() as f64;
    let b = task.options.constraints.resource_band(Resource::Disk);
    open.iter()
        .map(|dir| {
            let share = sum * (capacity(*dir) / whole);
            ((share * (1.0 - b).max(0.0)).ceil() as i64, (share * (1.0 + b)).floor() as i64)
        })
        .collect()
}

/// The directories of a broker that may be used.
fn open_dirs(task: &Task<'_>, broker: u32) -> Vec<u32> {
    task.model.log_dirs_of(broker).filter(|dir| !task.closed_dirs[*dir as usize]).collect()
}

fn size(model: &Model, placement: &Placement, replica: u32) -> i64 {
    let partition = model.replicas[replica as usize].partition;
    let leads = placement.leader[partition as usize] == replica;
    totals_of(model, replica, leads)[Resource::Disk as usize]
}

/// Arranges the replicas of one broker with several directories.
fn arrange(
    task: &Task<'_>,
    limits: &Limits,
    placement: &mut Placement,
    broker: u32,
    replicas: &[u32],
) {
    let model = task.model;
    let open = open_dirs(task, broker);
    let soft = task.scope == Scope::All && task.roles[broker as usize].receives;
    let mut items = Vec::new();
    for replica in replicas.iter().copied() {
        let before = &model.replicas[replica as usize];
        let stays = before.broker == broker;
        let caught = stays && task.is_stranded(replica) && !task.may_stay_on_broker(replica);
        if open.is_empty() || caught || (stays && task.scope == Scope::Leadership) {
            // What is in a directory that is offline can't be copied out of it. Nothing should have come where no
            // directory is open; what did still needs one that exists.
            let dir =
                if stays { before.log_dir } else { model.brokers[broker as usize].first_log_dir };
            placement.log_dir[replica as usize] = dir;
            continue;
        }
        let home = open.iter().position(|dir| stays && *dir == before.log_dir);
        let pinned = home.is_some() && !(soft && task.is_movable(replica));
        items.push(Item {
            replica,
            size: size(model, placement, replica),
            home,
            pinned,
            shelf: home.unwrap_or(0),
        });
    }
    let mut shelves: Vec<Shelf> = open
        .iter()
        .map(|dir| {
            Shelf::new(model.log_dirs[*dir as usize].capacity, limits.log_dirs[*dir as usize].cap)
        })
        .collect();
    balance::fill(&mut shelves, &mut items);
    if task.options.has(Goal::IntraBrokerDiskCapacity) {
        balance::bring_below_caps(&mut shelves, &mut items);
    }
    if task.options.has(Goal::IntraBrokerDiskUsageDistribution) {
        let used: Vec<i64> = shelves.iter().map(|shelf| shelf.used).collect();
        balance::bring_into_bands(&mut shelves, &mut items, &bands_between(task, &open, &used));
    }
    for item in items {
        placement.log_dir[item.replica as usize] = open[item.shelf];
    }
}

#[cfg(test)]
mod tests;
