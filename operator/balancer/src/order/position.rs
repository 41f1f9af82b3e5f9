//! Where everything is at the point that the steps have reached.

use super::Leaving;
use super::jobs::{Change, Job, Kind};
use crate::model::{Load, Model, NONE, Replica, Resource};
use crate::placement::Placement;
use crate::task::Task;

/// Where the replicas are, those that leave among them. These are numbered on after the model's.
pub(super) struct Position<'a> {
    pub(super) task: &'a Task<'a>,
    pub(super) model: &'a Model,
    pub(super) leaving: &'a [Leaving],
    /// Where the model's replicas are.
    pub(super) now: Placement,
    /// By replica that leaves: whether it is gone.
    pub(super) gone: Vec<bool>,
}

impl<'a> Position<'a> {
    /// Where everything is before the first step. Lists are told to begin with their leaders where they are to.
    pub(super) fn new(task: &'a Task<'a>, after: &Placement, leaving: &'a [Leaving]) -> Self {
        let mut now = Placement::of(task.model);
        now.leader_first.copy_from_slice(&after.leader_first);
        for (index, goes) in (task.model.replicas.len() as u32..).zip(leaving) {
            if goes.leads {
                now.leader[goes.replica.partition as usize] = index;
            }
        }
        Self { task, model: task.model, leaving, now, gone: vec![false; leaving.len()] }
    }

    /// The replicas of a partition that have a place, in no certain order.
    pub(super) fn placed(&self, change: &Change) -> impl Iterator<Item = u32> + '_ {
        let first = self.model.replicas.len() as u32 + change.first_leaving;
        let all = self.model.replicas_of(change.partition).chain(first..first + change.leaving);
        all.filter(|replica| self.broker(*replica) != NONE)
    }

    /// Shows them in the order of the partition's list, but for a leader that was put first.
    fn each_in_order(&self, change: &Change, mut show: impl FnMut(u32)) {
        let mut show = |replica: u32| {
            if self.broker(replica) != NONE {
                show(replica);
            }
        };
        let mut leaving = (change.first_leaving..change.first_leaving + change.leaving).peekable();
        let first = self.model.replicas.len() as u32;
        let mut place = 0;
        for replica in self.model.replicas_of(change.partition) {
            while let Some(goes) =
                leaving.next_if(|index| self.leaving[*index as usize].place == place)
            {
                show(first + goes);
                place += 1;
            }
            show(replica);
            place += 1;
        }
        leaving.for_each(|goes| show(first + goes));
    }

    /// The brokers of a partition's replicas in the order of its list.
    pub(super) fn ids(&self, change: &Change) -> Vec<i32> {
        let mut ids = Vec::with_capacity(
            self.model.replicas_of(change.partition).len() + change.leaving as usize,
        );
        let mut leader = 0;
        self.each_in_order(change, |replica| {
            if replica == change.leader {
                leader = ids.len();
            }
            ids.push(self.model.brokers[self.broker(replica) as usize].id);
        });
        if change.reordered {
            ids[..=leader].rotate_right(1);
        }
        ids
    }

    pub(super) fn replica(&self, replica: u32) -> &Replica {
        let own = self.model.replicas.get(replica as usize);
        own.unwrap_or_else(|| &self.leaving[replica as usize - self.model.replicas.len()].replica)
    }

    pub(super) fn load(&self, replica: u32) -> &Load {
        &self.replica(replica).load
    }

    /// What a job copies, or takes away.
    pub(super) fn disk(&self, job: &Job) -> i64 {
        if matches!(job.kind, Kind::Elect | Kind::Leader) {
            0
        } else {
            self.load(job.replica)[Resource::Disk as usize]
        }
    }

    /// Where a replica is now.
    pub(super) fn broker(&self, replica: u32) -> u32 {
        match self.now.broker.get(replica as usize) {
            Some(broker) => *broker,
            None => {
                let index = replica as usize - self.model.replicas.len();
                if self.gone[index] { NONE } else { self.leaving[index].replica.broker }
            }
        }
    }

    /// Whether a replica is online where it is now.
    pub(super) fn is_online(&self, replica: u32) -> bool {
        let at = replica as usize;
        let Some(before) = self.model.replicas.get(at) else {
            let index = at - self.model.replicas.len();
            return !self.gone[index] && !self.leaving[index].offline;
        };
        let moved = self.now.broker[at] != before.broker || self.now.log_dir[at] != before.log_dir;
        self.now.broker[at] != NONE && (moved || !self.model.is_offline(replica))
    }

    /// How unfit to lead a broker is, the least first: one that is to lead no more is worse than one that is to be given
    /// nothing more to lead, and one that is to be emptied is worse than both.
    pub(super) fn unfitness(&self, broker: u32) -> (bool, bool, bool) {
        let role = self.task.roles.get(broker as usize);
        role.map_or((true, true, true), |role| (role.closed, role.resigns, !role.leads))
    }

    /// Whether a broker may lead.
    pub(super) fn leads(&self, broker: u32) -> bool {
        self.task.roles[broker as usize].leads
    }

    /// The replicas of a partition that are online and may lead where they are, but for one.
    pub(super) fn able(&self, change: &Change, but: u32) -> impl Iterator<Item = u32> + '_ {
        self.placed(change).filter(move |replica| {
            *replica != but && self.leads(self.broker(*replica)) && self.is_online(*replica)
        })
    }

    /// Whether the replica that is to lead a partition can and may, after a step that does this job.
    pub(super) fn may_take_over(&self, change: &Change, job: Option<&Job>) -> bool {
        let replica = change.leader;
        if replica == NONE {
            return false;
        }
        let moves = job.filter(|job| matches!(job.kind, Kind::Place | Kind::Remove));
        let comes = moves.filter(|job| job.replica == replica);
        if comes.is_none() && !self.is_online(replica) {
            return false;
        }
        if self.leads(comes.map_or_else(|| self.broker(replica), |job| job.broker)) {
            return true;
        }
        // It leads where none should once nobody else can: where it is to stay, after all that others are to do.
        let left = change.places - u32::from(moves.is_some_and(|job| job.kind == Kind::Place));
        let moved = moves.map_or(NONE, |job| job.replica);
        let arrives = moves.is_some_and(|job| {
            job.broker != NONE && job.replica != replica && self.leads(job.broker)
        });
        left == 0 && !arrives && !self.able(change, replica).any(|other| other != moved)
    }

    /// Whether the replica that is to lead could lead now, but for others that may while its broker may not.
    pub(super) fn gives_way(&self, change: &Change) -> bool {
        change.places == 0
            && change.leader != NONE
            && self.is_online(change.leader)
            && !self.may_take_over(change, None)
    }

    /// Whether the right replica leads and stands where it should.
    pub(super) fn is_settled(&self, change: &Change) -> bool {
        self.now.leader[change.partition as usize] == change.leader
            && (!change.leader_first || change.reordered || self.begins_with(change, change.leader))
    }

    fn begins_with(&self, change: &Change, replica: u32) -> bool {
        let mut first = NONE;
        self.each_in_order(change, |replica| {
            if first == NONE {
                first = replica;
            }
        });
        first == replica
    }
}
