//! What differs between two placements, partition by partition.
//!
//! Replicas of one partition that go where another of them comes from are untangled here: who of them goes where is
//! exchanged, so that the same brokers hold the partition in the end and nobody has to wait for himself. The search makes
//! no such thing; a target that does loses nothing but who is who.

use std::ops::Range;

use super::Leaving;
use super::jobs::{Change, Job, Kind};
use crate::model::{Model, NONE};
use crate::placement::Placement;
use crate::racks::Racks;
use crate::task::Task;

/// More replicas than that of one partition aren't untangled: it takes their square.
const UNTANGLED: usize = 64;

/// What differs.
#[derive(Debug)]
pub(super) struct Changes {
    pub(super) changes: Vec<Change>,
    pub(super) jobs: Vec<Job>,
}

/// A replica that comes to another broker, or to another directory of its own.
#[derive(Clone, Copy, Debug)]
struct Mover {
    replica: u32,
    broker: u32,
    log_dir: u32,
    /// Whether it was to come to another broker before it was untangled.
    leaves: bool,
}

/// Finds what differs between the task's model and a placement.
pub(super) fn between(task: &Task<'_>, after: &Placement, leaving: &[Leaving]) -> Changes {
    let mut found = Changes { changes: Vec::new(), jobs: Vec::new() };
    let racks = Racks::new(task);
    let mut movers: Vec<Mover> = Vec::new();
    let mut leaves = 0..0;
    for partition in 0..task.model.partitions.len() as u32 {
        leaves.start = leaves.end;
        while leaving.get(leaves.end).is_some_and(|leaving| leaving.replica.partition == partition)
        {
            leaves.end += 1;
        }
        if task.model.replicas_of(partition).all(|replica| task.model.is_offline(replica)) {
            // There is nothing to copy from, and what moves or goes would be given up.
            continue;
        }
        let mut leader = after.leader[partition as usize];
        if leader == NONE {
            leader = task.model.partitions[partition as usize].leader;
        }
        if leader == NONE {
            leader = anyone(task, after, partition);
        }
        find_movers(task.model, after, partition, &mut movers);
        if movers.len() > 1 && movers.len() <= UNTANGLED {
            untangle_brokers(task, &mut movers, &mut leader);
            if racks.matter() && is_stuck(task.model, racks, partition, &movers) {
                untangle_racks(task.model, &mut movers, &mut leader);
            }
        }
        let leader_first = after.leader_first[partition as usize] && leader != NONE;
        found.add(task.model, partition, &movers, leaving, leaves.clone(), (leader, leader_first));
    }
    found
}

/// A replica that can lead a partition in the end where nobody has said who is to, one that may if there is one.
fn anyone(task: &Task<'_>, after: &Placement, partition: u32) -> u32 {
    let broker = |replica: u32| after.broker[replica as usize];
    let online = |replica: &u32| task.is_online(*replica, broker(*replica));
    let may = |replica: &u32| task.may_lead(*replica, broker(*replica));
    let replicas = task.model.replicas_of(partition).filter(online);
    replicas.min_by_key(|replica| !may(replica)).unwrap_or(NONE)
}

/// Finds the replicas of a partition that come to another broker or another directory.
fn find_movers(model: &Model, after: &Placement, partition: u32, movers: &mut Vec<Mover>) {
    movers.clear();
    for replica in model.replicas_of(partition) {
        let before = &model.replicas[replica as usize];
        let broker = after.broker[replica as usize];
        let log_dir = log_dir_at(model, broker, after.log_dir[replica as usize]);
        let stays = broker == before.broker && (log_dir == before.log_dir || log_dir == NONE);
        if broker != NONE && !stays {
            movers.push(Mover { replica, broker, log_dir, leaves: broker != before.broker });
        }
    }
}

impl Changes {
    /// Adds what changes in a partition, if anything does: who comes, who leaves, who leads and whether that one is to
    /// stand first.
    fn add(
        &mut self,
        model: &Model,
        partition: u32,
        movers: &[Mover],
        leaving: &[Leaving],
        leaves: Range<usize>,
        (leader, leader_first): (u32, bool),
    ) {
        let change = self.changes.len() as u32;
        let first_job = self.jobs.len() as u32;
        let mut places = 0;
        let now = (leaves.clone().find(|index| leaving[*index].leads))
            .map_or(model.partitions[partition as usize].leader, |index| {
                (model.replicas.len() + index) as u32
            });
        if now == NONE {
            let kind = Kind::Elect;
            self.jobs.push(Job { change, replica: NONE, broker: NONE, log_dir: NONE, kind });
        }
        for Mover { replica, broker, log_dir, .. } in movers.iter().copied() {
            let stays = model.replicas[replica as usize].broker == broker;
            let kind = if stays { Kind::LogDir } else { Kind::Place };
            places += u32::from(kind == Kind::Place);
            self.jobs.push(Job { change, replica, broker, log_dir, kind });
        }
        for index in leaves.clone() {
            let replica = (model.replicas.len() + index) as u32;
            self.jobs.push(Job {
                change,
                replica,
                broker: NONE,
                log_dir: NONE,
                kind: Kind::Remove,
            });
        }
        let reorder =
            || leader_first && !begins_with(model, partition, leader, &leaving[leaves.clone()]);
        let mut leader_job = NONE;
        // Who is elected may be who is to lead: what is left to do is known then.
        if places == 0 && now != NONE && (leader != now || reorder()) {
            leader_job = self.jobs.len() as u32;
            let kind = Kind::Leader;
            self.jobs.push(Job { change, replica: leader, broker: NONE, log_dir: NONE, kind });
        }
        let jobs = self.jobs.len() as u32 - first_job;
        if jobs > 0 {
            self.changes.push(Change {
                partition,
                first_job,
                jobs,
                places,
                leader_job,
                leader,
                first_leaving: leaves.start as u32,
                leaving: leaves.len() as u32,
                leader_first,
                reordered: false,
            });
        }
    }
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
fn begins_with(model: &Model, partition: u32, leader: u32, leaving: &[Leaving]) -> bool {
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
    // Who stays for that reason needs another directory only if its own is closed.
    movers.retain(|mover| {
        let dir = before(mover).log_dir;
        !stays(mover)
            || !mover.leaves
            || (mover.log_dir != NONE
                && mover.log_dir != dir
                && (dir == NONE || task.closed_dirs[dir as usize]))
    });
}

/// Whether the replicas of a partition that move block each other by their racks, whatever the order.
fn is_stuck(model: &Model, racks: Racks, partition: u32, movers: &[Mover]) -> bool {
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
    let count = |at: &[(u32, u32)]| {
        let mut racks_held: Vec<u32> =
            at.iter().map(|(_, rack)| *rack).filter(|rack| *rack != NONE).collect();
        racks.excess(&mut racks_held)
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
