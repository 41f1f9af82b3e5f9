//! Turns jobs into steps, one after the other.

use std::collections::VecDeque;
use std::sync::Arc;

use super::changes::Changes;
use super::jobs::{Change, Job, Kind};
use super::position::Position;
use super::sums::{Delta, Sums};
use super::waiting::{Blocked, Place, Standing, Waiting};
use super::{Leaving, Ordered};
use crate::model::{NONE, RESOURCES, Resource};
use crate::placement::Placement;
use crate::plan::Step;
use crate::racks::Racks;
use crate::task::Task;

/// How many steps that were left out are told of one by one.
const TOLD: usize = 20;
/// How many jobs are tried in vain where room came up, before the rest there has to wait until all else is done.
const VAIN: usize = 8;

/// A run through the jobs.
pub(super) struct Run<'a> {
    at: Position<'a>,
    changes: Vec<Change>,
    jobs: Vec<Job>,
    sums: Sums<'a>,
    racks: Racks,
    waiting: Waiting,
    /// Where room came up, and partitions that changed.
    freed: VecDeque<Place>,
    /// Places that have room, but more jobs than were looked at.
    unseen: Vec<Place>,
    /// By topic: its name, for the steps.
    names: Vec<Arc<str>>,
    steps: Vec<Step>,
    left_out: Vec<String>,
    not_told: usize,
    /// Racks of the replicas of the partition that is looked at; kept for its room.
    racks_held: Vec<u32>,
}

/// What a job comes to now.
struct Move {
    delta: Delta,
    /// Who leads after it, as the index of a replica.
    leader: u32,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        task: &'a Task<'a>,
        changes: Changes,
        sums: Sums<'a>,
        after: &Placement,
        leaving: &'a [Leaving],
    ) -> Self {
        let Changes { changes, jobs } = changes;
        Self {
            at: Position::new(task, after, leaving),
            sums,
            racks: Racks::new(task),
            waiting: Waiting::new(task.model, jobs.len()),
            freed: VecDeque::new(),
            unseen: Vec::new(),
            names: task.model.topics.iter().map(|topic| Arc::from(topic.name.as_str())).collect(),
            steps: Vec::with_capacity(jobs.len()),
            left_out: Vec::new(),
            not_told: 0,
            racks_held: Vec::new(),
            changes,
            jobs,
        }
    }

    /// Does all jobs, in this order as far as they can be.
    pub(super) fn all(mut self, sequence: &[u32]) -> Ordered {
        for job in sequence {
            if self.waiting.standing(*job) == Standing::New {
                self.offer(*job);
                self.follow_up();
            }
        }
        self.give_up();
        if self.not_told > 0 {
            self.left_out
                .push(format!("and {} more steps are left out for such reasons", self.not_told));
        }
        // What was to go is none of the task's model. If it stayed and leads, as before or for want of another, the model
        // knows nobody, or the one that was to follow.
        let replicas = self.at.model.replicas.len();
        for change in &self.changes {
            let leader = &mut self.at.now.leader[change.partition as usize];
            if let Some(goes) = leader.checked_sub(replicas as u32).filter(|_| *leader != NONE) {
                let led = self.at.leaving[goes as usize].leads;
                *leader = if led { NONE } else { change.leader };
            }
        }
        Ordered { steps: self.steps, left_out: self.left_out, placement: self.at.now }
    }

    /// Does a job, or lets it wait.
    fn offer(&mut self, job: u32) -> bool {
        match self.next_move(self.jobs[job as usize]) {
            Ok(Some(next)) => self.take(job, &next),
            Ok(None) => self.waiting.settle(job, Standing::Done),
            Err(blocked) => {
                self.waiting.wait(job, blocked);
                return false;
            }
        }
        true
    }

    /// Offers what waits where room came up, until nothing more can be done.
    fn follow_up(&mut self) {
        while let Some(place) = self.freed.pop_front() {
            self.offer_at(place, VAIN);
        }
    }

    fn offer_at(&mut self, place: Place, vain: usize) {
        if let Place::Partition(change) = place {
            let Change { first_job, jobs, leader_job, .. } = self.changes[change as usize];
            let own = first_job..first_job + jobs;
            let leader_job =
                (leader_job != NONE && !own.contains(&leader_job)).then_some(leader_job);
            for job in own.chain(leader_job) {
                if matches!(self.waiting.standing(job), Standing::Waits(..)) {
                    self.offer(job);
                }
            }
            return;
        }
        let mut failed = 0;
        while let Some(job) = self.waiting.next(place, self.sums.room(place)) {
            failed += usize::from(!self.offer(job));
            if failed == vain {
                self.unseen.push(place);
                return;
            }
        }
    }

    /// Leaves out what waits in a circle, the smallest first, and does what that sets free.
    fn give_up(&mut self) {
        let mut known = 0;
        loop {
            self.look_at_unseen();
            let mut stuck: Vec<(i64, u32)> = (known..self.jobs.len() as u32)
                .filter(|job| matches!(self.waiting.standing(*job), Standing::Waits(..)))
                .map(|job| (self.at.disk(&self.jobs[job as usize]), job))
                .collect();
            if stuck.is_empty() {
                return;
            }
            // Jobs that come up from now on are changes of leaders that are left over.
            known = self.jobs.len() as u32;
            stuck.sort_unstable();
            for (_, job) in stuck {
                if let Standing::Waits(place, _) = self.waiting.standing(job) {
                    self.leave_out(job, place);
                    self.follow_up();
                    self.look_at_unseen();
                }
            }
        }
    }

    fn look_at_unseen(&mut self) {
        while !self.unseen.is_empty() {
            let mut unseen = std::mem::take(&mut self.unseen);
            unseen.sort_unstable();
            unseen.dedup();
            for place in unseen {
                self.offer_at(place, usize::MAX);
                self.follow_up();
            }
        }
    }

    fn leave_out(&mut self, index: u32, place: Place) {
        self.waiting.settle(index, Standing::LeftOut);
        let job = self.jobs[index as usize];
        let change = &mut self.changes[job.change as usize];
        if self.left_out.len() < TOLD {
            self.left_out.push(self.at.reason(&job, change, place));
        } else {
            self.not_told += 1;
        }
        match job.kind {
            Kind::Place => {
                change.places -= 1;
                if job.replica == change.leader {
                    self.keep_leader(job.change);
                }
                self.leave_leader_over(job.change);
            }
            Kind::Leader => self.at.now.leader_first[change.partition as usize] = change.reordered,
            Kind::Elect | Kind::LogDir | Kind::Remove => {}
        }
        self.freed.push_back(Place::Partition(job.change));
    }

    /// The replica that is to lead stays where it is. If it may not lead there, who leads now goes on unless that is worse:
    /// leadership is taken from nobody for nothing.
    fn keep_leader(&mut self, index: u32) {
        let change = &mut self.changes[index as usize];
        let leads = self.at.now.leader[change.partition as usize];
        let stays = (leads as usize) < self.at.model.replicas.len();
        // A list that was put in its order already is told by who is to lead.
        let free = stays && leads != change.leader && !change.reordered;
        let unfit = self.at.unfitness(self.at.broker(change.leader));
        if free && unfit.2 && self.at.unfitness(self.at.broker(leads)) <= unfit {
            change.leader = leads;
            change.leader_first = false;
            self.at.now.leader_first[change.partition as usize] = false;
        }
    }

    /// What a job comes to now; nothing if it is done already.
    fn next_move(&mut self, job: Job) -> Result<Option<Move>, Blocked> {
        let for_partition = Err(Blocked { place: Place::Partition(job.change), needed: 0 });
        let change = &self.changes[job.change as usize];
        let leads = self.at.now.leader[change.partition as usize];
        match job.kind {
            // A partition without a leader is worse than a broker above its limits: they aren't asked.
            Kind::Elect => Ok(self.elected(&job).map(|leader| {
                let delta = self.delta(&job, leader);
                Move { delta, leader }
            })),
            Kind::Place => self.next_place(&job),
            Kind::LogDir => self.attempt(&job, leads),
            Kind::Remove => self.next_removal(&job),
            Kind::Leader if self.at.is_settled(change) => Ok(None),
            Kind::Leader if leads != change.leader && !self.at.may_take_over(change, None) => {
                for_partition
            }
            Kind::Leader => self.attempt(&job, change.leader),
        }
    }

    /// What a job comes to if this replica leads after it.
    fn attempt(&self, job: &Job, leader: u32) -> Result<Option<Move>, Blocked> {
        let delta = self.delta(job, leader);
        self.sums.fits(&delta).map(|()| Some(Move { delta, leader }))
    }

    /// The first of these that a job can make the leader; or what blocks the first of all.
    fn attempt_any(
        &self,
        job: &Job,
        leaders: impl IntoIterator<Item = u32>,
        mut blocked: Option<Blocked>,
    ) -> Result<Option<Move>, Blocked> {
        for leader in leaders {
            match self.attempt(job, leader) {
                Ok(next) => return Ok(next),
                Err(other) => blocked = blocked.or(Some(other)),
            }
        }
        Err(blocked.unwrap_or(Blocked { place: Place::Partition(job.change), needed: 0 }))
    }

    /// Who is to lead a partition that has no leader: of its online replicas one that may, that stays, that is to lead in
    /// the end, that has room; in this order.
    fn elected(&self, job: &Job) -> Option<u32> {
        let change = &self.changes[job.change as usize];
        let online = self.at.placed(change).filter(|replica| self.at.is_online(*replica));
        online.min_by_key(|replica| {
            (
                !self.at.leads(self.at.broker(*replica)),
                self.departs(change, *replica),
                *replica != change.leader,
                self.attempt(job, *replica).is_err(),
            )
        })
    }

    /// Whether a replica is still to leave its broker.
    fn departs(&self, change: &Change, replica: u32) -> bool {
        let mut jobs = change.first_job..change.first_job + change.jobs;
        jobs.any(|index| {
            let job = &self.jobs[index as usize];
            job.replica == replica
                && matches!(job.kind, Kind::Place | Kind::Remove)
                && !matches!(self.waiting.standing(index), Standing::Done | Standing::LeftOut)
        })
    }

    /// Those that may lead while this job moves or removes who does, the ones that stay first.
    fn successors(&self, job: &Job) -> Vec<u32> {
        let change = &self.changes[job.change as usize];
        let mut able: Vec<u32> = self.at.able(change, job.replica).collect();
        able.sort_by_key(|replica| self.departs(change, *replica));
        able
    }

    /// A replica goes, once all that come have come and leadership is where it is to be. If it leads, for want of another
    /// that may, another follows it. One that is offline is no copy that could be missed: it makes way for those that come.
    fn next_removal(&mut self, job: &Job) -> Result<Option<Move>, Blocked> {
        let change = &self.changes[job.change as usize];
        let leader_waits = change.leader_job != NONE
            && !matches!(
                self.waiting.standing(change.leader_job),
                Standing::Done | Standing::LeftOut
            )
            && !self.at.gives_way(change);
        let copies_wait = change.places > 0 && self.at.is_online(job.replica);
        if copies_wait || leader_waits || !self.racks_allow(job) {
            return Err(Blocked { place: Place::Partition(job.change), needed: 0 });
        }
        let change = &self.changes[job.change as usize];
        let leads = self.at.now.leader[change.partition as usize];
        if leads != job.replica {
            return self.attempt(job, leads);
        }
        let due = self.at.may_take_over(change, Some(job)).then_some(change.leader);
        self.attempt_any(job, due.into_iter().chain(self.successors(job)), None)
    }

    /// A replica comes to a broker. Leadership goes where it is to be with it if it can, and stays with its replica if not;
    /// but it doesn't follow to a broker that may not lead while another replica could.
    fn next_place(&mut self, job: &Job) -> Result<Option<Move>, Blocked> {
        let change = &self.changes[job.change as usize];
        let held = self.at.placed(change).any(|replica| self.at.broker(replica) == job.broker);
        if held || !self.racks_allow(job) {
            return Err(Blocked { place: Place::Partition(job.change), needed: 0 });
        }
        self.follow_leader(job);
        let change = &self.changes[job.change as usize];
        let leads = self.at.now.leader[change.partition as usize];
        let mut blocked = None;
        let due = change.places == 1 || leads == job.replica;
        if due && leads != change.leader && self.at.may_take_over(change, Some(job)) {
            match self.attempt(job, change.leader) {
                Ok(next) => return Ok(next),
                Err(other) => blocked = Some(other),
            }
        }
        if leads != job.replica || self.at.leads(job.broker) {
            return self.attempt(job, leads);
        }
        let able = self.successors(job);
        // Another may be able later.
        let waits = leads != change.leader && self.at.leads(self.at.broker(job.replica));
        if able.is_empty() && !waits {
            return self.attempt(job, leads);
        }
        self.attempt_any(job, able, blocked)
    }

    /// Lets leadership follow its replica to where this job takes it, though it may not be led from there, if the one that
    /// is to lead stays where that is even worse.
    fn follow_leader(&mut self, job: &Job) {
        let change = &self.changes[job.change as usize];
        let leads = self.at.now.leader[change.partition as usize];
        let free = leads == job.replica && !change.reordered && change.leader != NONE;
        if free && !self.at.leads(job.broker) && !self.departs(change, change.leader) {
            let unfit = self.at.unfitness(self.at.broker(change.leader));
            if self.at.unfitness(job.broker) < unfit {
                self.changes[job.change as usize].leader = leads;
            }
        }
    }

    /// What a job adds and takes away if this replica leads after it.
    fn delta(&self, job: &Job, leader: u32) -> Delta {
        let (model, at) = (self.at.model, &self.at);
        let change = &self.changes[job.change as usize];
        let partition = &model.partitions[change.partition as usize];
        let mut delta = Delta {
            topic: partition.topic,
            load: [0; RESOURCES],
            brokers: [NONE; 2],
            log_dirs: [NONE; 2],
            leader_extra: [0; RESOURCES],
            leaders: [NONE; 2],
        };
        if !matches!(job.kind, Kind::Elect | Kind::Leader) {
            let replica = at.replica(job.replica);
            let log_dir =
                at.now.log_dir.get(job.replica as usize).copied().unwrap_or(replica.log_dir);
            delta.load = replica.load;
            delta.log_dirs = [log_dir, job.log_dir];
            if job.kind != Kind::LogDir {
                delta.brokers = [at.broker(job.replica), job.broker];
            }
        }
        let broker = |replica: u32| if replica == NONE { NONE } else { at.broker(replica) };
        let leads = at.now.leader[change.partition as usize];
        let comes = job.kind == Kind::Place && job.replica == leader;
        delta.leaders = [broker(leads), if comes { job.broker } else { broker(leader) }];
        if delta.leaders[0] != delta.leaders[1] {
            delta.leader_extra = partition.leader_extra;
        }
        delta
    }

    /// Whether no more replicas have to leave their racks after a job than before.
    fn racks_allow(&mut self, job: &Job) -> bool {
        if !self.racks.matter() {
            return true;
        }
        let at = &self.at;
        let held = &mut self.racks_held;
        let mut excess = |own: u32| {
            let others = at.placed(&self.changes[job.change as usize]);
            let others = others.filter(|replica| *replica != job.replica);
            let brokers = others.map(|replica| at.broker(replica)).chain([own]);
            held.clear();
            held.extend(
                brokers
                    .filter(|broker| *broker != NONE)
                    .map(|broker| at.model.brokers[broker as usize].rack),
            );
            self.racks.excess(held)
        };
        excess(job.broker) <= excess(at.broker(job.replica))
    }

    /// Makes a step of a job.
    fn take(&mut self, index: u32, next: &Move) {
        let model = self.at.model;
        let job = self.jobs[index as usize];
        let change = &mut self.changes[job.change as usize];
        let partition = &model.partitions[change.partition as usize];
        let from = self.at.ids(change);
        let leader = &mut self.at.now.leader[change.partition as usize];
        let turns = match job.kind {
            Kind::Elect | Kind::Leader => true,
            Kind::Place => change.places == 1 || *leader != next.leader,
            Kind::Remove => *leader != next.leader,
            Kind::LogDir => false,
        };
        change.reordered |= change.leader_first && turns && next.leader == change.leader;
        *leader = next.leader;
        let (kind, log_dir) = (self.at.step_kind(&job), self.at.log_dir_move(&job));
        let copied = if job.kind == Kind::Remove { 0 } else { self.at.disk(&job) };
        match job.kind {
            Kind::Place | Kind::LogDir => {
                self.at.now.broker[job.replica as usize] = job.broker;
                self.at.now.log_dir[job.replica as usize] = job.log_dir;
            }
            Kind::Remove => self.at.gone[job.replica as usize - model.replicas.len()] = true,
            Kind::Elect | Kind::Leader => {}
        }
        let (waiting, freed) = (&self.waiting, &mut self.freed);
        self.sums.apply(&next.delta, &mut |place| {
            if waiting.any_at(place) {
                freed.push_back(place);
            }
        });
        self.waiting.settle(index, Standing::Done);
        let leads = if next.leader == NONE { NONE } else { self.at.broker(next.leader) };
        self.steps.push(Step {
            topic: Arc::clone(&self.names[partition.topic as usize]),
            partition: partition.number,
            from,
            to: self.at.ids(change),
            leader: model.brokers.get(leads as usize).map(|broker| broker.id),
            bytes: model.amount(Resource::Disk, copied),
            kind,
            log_dir,
        });
        if change.jobs > 1 || change.leader_job != NONE {
            self.freed.push_back(Place::Partition(job.change));
        }
        if job.kind == Kind::Place {
            change.places -= 1;
        }
        if matches!(job.kind, Kind::Elect | Kind::Place) {
            self.leave_leader_over(job.change);
        }
    }

    /// Makes a job of a change of the leader that no replica that comes can carry any more.
    fn leave_leader_over(&mut self, index: u32) {
        let job = self.jobs.len() as u32;
        let change = &mut self.changes[index as usize];
        if change.places > 0 || change.leader_job != NONE || self.at.is_settled(change) {
            return;
        }
        change.leader_job = job;
        let replica = change.leader;
        self.jobs.push(Job {
            change: index,
            replica,
            broker: NONE,
            log_dir: NONE,
            kind: Kind::Leader,
        });
        self.waiting.grow();
        self.offer(job);
    }
}
