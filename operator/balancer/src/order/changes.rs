//! What differs between two placements, partition by partition.
//!
//! Replicas of one partition that go where another of them comes from are untangled here: who of them goes where is
//! exchanged, so that the same brokers hold the partition in the end and nobody has to wait for himself. The search makes
//! no such thing; a target that does loses nothing but who is who.

use std::ops::Range;

use super::Leaving;
use super::jobs::{Change, Job, Kind};
use super::racks::Racks;
use crate::model::{Model, NONE};
use crate::placement::Placement;
use crate::task::Task;

/// More replicas than that of one partition aren't untangled: it takes their square.
const UNTANGLED: usize = 64;

/// What differs.
#[derive(Debug)]
pub(super) struct Changes {
    pub(super) changes: Vec<Change>,
    pub(super) jobs: Vec<Job>,
}

/// A replica that comes to another broker.
#[derive(Clone, Copy, Debug)]
struct Mover {
    replica: u32,
    broker: u32,
    log_dir: u32,
}

/// Finds what differs between the task's model and a placement.
pub(super) fn between(task: &Task<'_>, after: &Placement, leaving: &[Leaving]) -> Changes {
    let model = task.model;
    let mut found = Changes { changes: Vec::new(), jobs: Vec::new() };
    let mut racks = Racks::new(task);
    let mut movers: Vec<Mover> = Vec::new();
    let mut next_leaving = 0;
    for partition in 0..model.partitions.len() as u32 {
        let first_leaving = next_leaving;
        while leaving
            .get(next_leaving as usize)
            .is_some_and(|leaving| leaving.replica.partition == partition)
        {
            next_leaving += 1;
        }
        let first_job = found.jobs.len() as u32;
        let change = found.changes.len() as u32;
        let now = model.partitions[partition as usize].leader;
        let mut leader = after.leader[partition as usize];
        if leader == NONE {
            leader = now;
        }
        movers.clear();
        for replica in model.replicas_of(partition) {
            let (before, broker) =
                (&model.replicas[replica as usize], after.broker[replica as usize]);
            let log_dir = log_dir_at(model, broker, after.log_dir[replica as usize]);
            if broker == NONE
                || (broker == before.broker && (log_dir == before.log_dir || log_dir == NONE))
            {
                continue;
            }
            if broker == before.broker {
                found.jobs.push(Job { change, replica, broker, log_dir, kind: Kind::LogDir });
            } else {
                movers.push(Mover { replica, broker, log_dir });
            }
        }
        if movers.len() > 1 && movers.len() <= UNTANGLED {
            untangle_brokers(task, &mut movers, &mut leader);
            if racks.matter() && is_stuck(model, &mut racks, partition, &movers) {
                untangle_racks(model, &mut movers, &mut leader);
            }
        }
        let mut places = 0;
        for Mover { replica, broker, log_dir } in movers.iter().copied() {
            let kind = if model.replicas[replica as usize].broker == broker {
                Kind::LogDir
            } else {
                Kind::Place
            };
            places += u32::from(kind == Kind::Place);
            found.jobs.push(Job { change, replica, broker, log_dir, kind });
        }
        for index in first_leaving..next_leaving {
            let replica = model.replicas.len() as u32 + index;
            found.jobs.push(Job {
                change,
                replica,
                broker: NONE,
                log_dir: NONE,
                kind: Kind::Remove,
            });
        }
        let leader_first = after.leader_first[partition as usize] && leader != NONE;
        let reorder = leader_first
            && !leads_list(model, partition, leader, &leaving[range(first_leaving, next_leaving)]);
        let mut leader_job = NONE;
        if places == 0 && (leader != now || reorder) {
            leader_job = found.jobs.len() as u32;
            found.jobs.push(Job {
                change,
                replica: leader,
                broker: NONE,
                log_dir: NONE,
                kind: Kind::Leader,
            });
        }
        let jobs = found.jobs.len() as u32 - first_job;
        if jobs > 0 {
            found.changes.push(Change {
                partition,
                first_job,
                jobs,
                places,
                leader_job,
                leader,
                first_leaving,
                leaving: next_leaving - first_leaving,
                leader_first,
                reordered: false,
            });
        }
    }
    found
}

fn range(from: u32, to: u32) -> Range<usize> {
    from as usize..to as usize
}

/// The directory that was told, if it is one of the broker; the broker's only one otherwise.
fn log_dir_at(model: &Model, broker: u32, log_dir: u32) -> u32 {
    if broker == NONE {
        return NONE;
    }
    let dirs = model.log_dirs_of(broker);
    if dirs.contains(&log_dir) {
        log_dir
    } else if dirs.len() == 1 {
        dirs.start
    } else {
        NONE
    }
}

/// Whether the list of a partition of which nothing moves begins with this replica.
fn leads_list(model: &Model, partition: u32, leader: u32, leaving: &[Leaving]) -> bool {
    let first = model
        .replicas_of(partition)
        .find(|replica| model.replicas[*replica as usize].broker != NONE);
    first == Some(leader) && leaving.iter().all(|leaving| leaving.place != 0)
}

/// Exchanges where two movers go, and with it who of them leads.
fn exchange(movers: &mut [Mover], leader: &mut u32, one: usize, other: usize) {
    let (first, second) = (movers[one], movers[other]);
    (movers[one].broker, movers[one].log_dir) = (second.broker, second.log_dir);
    (movers[other].broker, movers[other].log_dir) = (first.broker, first.log_dir);
    if *leader == first.replica {
        *leader = second.replica;
    } else if *leader == second.replica {
        *leader = first.replica;
    }
}

/// Lets a replica stay where another one was to take its place.
fn untangle_brokers(task: &Task<'_>, movers: &mut Vec<Mover>, leader: &mut u32) {
    let before = |mover: &Mover| &task.model.replicas[mover.replica as usize];
    let stays = |mover: &Mover| before(mover).broker == mover.broker;
    for one in 0..movers.len() {
        while !stays(&movers[one]) {
            let to = movers[one].broker;
            let Some(other) =
                movers.iter().position(|mover| before(mover).broker == to && !stays(mover))
            else {
                break;
            };
            exchange(movers, leader, one, other);
        }
    }
    // Who stays needs another directory only if its own is closed.
    movers.retain(|mover| {
        let dir = before(mover).log_dir;
        !stays(mover)
            || (mover.log_dir != NONE
                && mover.log_dir != dir
                && (dir == NONE || task.closed_dirs[dir as usize]))
    });
}

/// Whether the replicas of a partition that move block each other by their racks, whatever the order.
fn is_stuck(model: &Model, racks: &mut Racks, partition: u32, movers: &[Mover]) -> bool {
    let rack =
        |broker: u32| if broker == NONE { NONE } else { model.brokers[broker as usize].rack };
    let from = |mover: &Mover| rack(model.replicas[mover.replica as usize].broker);
    let moves_in = |rack_to: u32| {
        movers.iter().any(|mover| from(mover) == rack_to && rack(mover.broker) != rack_to)
    };
    if !movers.iter().any(|mover| from(mover) != rack(mover.broker) && moves_in(rack(mover.broker)))
    {
        return false;
    }
    let mut at: Vec<(u32, u32)> = model
        .replicas_of(partition)
        .map(|replica| (replica, rack(model.replicas[replica as usize].broker)))
        .collect();
    let mut count = |at: &[(u32, u32)]| {
        racks.excess(at.iter().map(|(_, rack)| *rack).filter(|rack| *rack != NONE))
    };
    let mut left: Vec<Mover> = movers.to_vec();
    let mut excess = count(&at);
    loop {
        let waiting = left.len();
        left.retain(|mover| {
            let Some(place) = at.iter().position(|(replica, _)| *replica == mover.replica) else {
                return false;
            };
            let from = std::mem::replace(&mut at[place].1, rack(mover.broker));
            let after = count(&at);
            if after > excess {
                at[place].1 = from;
                return true;
            }
            excess = after;
            false
        });
        if left.is_empty() {
            return false;
        }
        if left.len() == waiting {
            return true;
        }
    }
}

/// Lets replicas stay in their racks where others were to come to them.
fn untangle_racks(model: &Model, movers: &mut [Mover], leader: &mut u32) {
    let rack =
        |broker: u32| if broker == NONE { NONE } else { model.brokers[broker as usize].rack };
    let from = |mover: &Mover| rack(model.replicas[mover.replica as usize].broker);
    let stays = |mover: &Mover| from(mover) == rack(mover.broker);
    for one in 0..movers.len() {
        if stays(&movers[one]) {
            continue;
        }
        let own = from(&movers[one]);
        if let Some(other) =
            movers.iter().position(|mover| rack(mover.broker) == own && !stays(mover))
        {
            exchange(movers, leader, one, other);
        }
    }
}
