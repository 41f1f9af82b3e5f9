//! In which order jobs are offered.
//!
//! By urgency: leaders for partitions that have none; then what is dead; then what breaks a hard goal; then what is to be emptied, and new replicas; then leadership,
//! which costs nothing; then the other moves; then moves between directories; what goes at last.
//!
//! Of equally urgent ones, brokers that have to give before they can take everything that they are to take give first,
//! and take last: that keeps the room that there is for those who need it. Then round by round: in a round no broker has
//! to do with more than one job, so that whoever carries the plan out finds work for all of them near each other.

use super::Leaving;
use super::changes::Changes;
use super::jobs::{Change, Job, Kind};
use super::sums::{Amounts, LIMITED, Sums};
use crate::broker_sets::BrokerSets;
use crate::limits::REPLICAS;
use crate::model::{Model, NONE, Resource};
use crate::racks::Racks;
use crate::task::Task;

/// Of so many rounds, sixteen are one: in it jobs are in the order of their partitions, that is, of the memory that holds
/// them, which takes a third off the time of the whole. With so many the brokers still take turns.
const ROUNDS_FINE: u32 = 1024;
/// The part of a round's number that doesn't count then.
const ROUNDS_TOGETHER: u64 = 15;

/// How urgent a job is, the most urgent first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Urgency {
    Leaderless,
    Dead,
    Broken,
    Emptied,
    Leader,
    Move,
    LogDir,
    Remove,
}

/// The jobs in the order of their urgency.
pub(super) fn sequence(
    task: &Task<'_>,
    changes: &Changes,
    sums: &Sums<'_>,
    leaving: &[Leaving],
) -> Vec<u32> {
    let model = task.model;
    let short = short_brokers(model, changes, sums);
    let mut judge = Judge {
        task,
        sums,
        leaving,
        racks: Racks::new(task),
        sets: task.sets.clone(),
        excess: (NONE, 0),
    };
    let mut rounds = vec![0_u32; model.brokers.len()];
    let mut of_change = (NONE, 0);
    let mut keys: Vec<u64> = Vec::with_capacity(changes.jobs.len());
    for (index, job) in changes.jobs.iter().enumerate() {
        let change = &changes.changes[job.change as usize];
        let from = match job.kind {
            Kind::Elect | Kind::Leader => NONE,
            _ => model.replicas.get(job.replica as usize).map_or_else(
                || leaving[job.replica as usize - model.replicas.len()].replica.broker,
                |replica| replica.broker,
            ),
        };
        if of_change.0 != job.change {
            of_change = (job.change, 0);
        }
        let mut round = of_change.1;
        for broker in [from, job.broker] {
            round = round.max(rounds.get(broker as usize).copied().unwrap_or(0));
        }
        round += 1;
        of_change.1 = round;
        for broker in [from, job.broker] {
            if let Some(last) = rounds.get_mut(broker as usize) {
                *last = round;
            }
        }
        let is_short = |broker: u32| short.get(broker as usize).copied().unwrap_or(false);
        let relief = match (job.kind, is_short(from), is_short(job.broker)) {
            (Kind::Place, true, false) => 0,
            (Kind::Place, true, true) => 1,
            (Kind::Place, false, true) => 3,
            _ => 2,
        };
        let urgency = judge.urgency(change, job) as u64;
        // A round is no more than the jobs that there are, and those are fewer than replicas and partitions together.
        let round = u64::from(round.min((1 << 27) - 1));
        keys.push(urgency << 61 | relief << 59 | round << 32 | index as u64);
    }
    if rounds.iter().any(|rounds| *rounds > ROUNDS_FINE) {
        keys.iter_mut().for_each(|key| *key &= !(ROUNDS_TOGETHER << 32));
    }
    keys.sort_unstable();
    keys.into_iter().map(|key| key as u32).collect()
}

/// By broker: whether it can't take all that it is to take before it has given something.
fn short_brokers(model: &Model, changes: &Changes, sums: &Sums<'_>) -> Vec<bool> {
    let mut comes: Vec<Amounts> = vec![[0; LIMITED]; model.brokers.len()];
    let mut comes_to_dir = vec![0_i64; model.log_dirs.len()];
    for job in changes.jobs.iter().filter(|job| job.kind == Kind::Place) {
        let change = &changes.changes[job.change as usize];
        let replica = &model.replicas[job.replica as usize];
        let sum = &mut comes[job.broker as usize];
        sum[REPLICAS] += 1;
        sum.iter_mut().zip(replica.load).for_each(|(sum, amount)| *sum += amount);
        if change.leader == job.replica {
            let extra = model.partitions[change.partition as usize].leader_extra;
            sum.iter_mut().zip(extra).for_each(|(sum, amount)| *sum += amount);
        }
        if let Some(sum) = comes_to_dir.get_mut(job.log_dir as usize) {
            *sum += replica.load[Resource::Disk as usize];
        }
    }
    let mut short: Vec<bool> = comes
        .iter()
        .enumerate()
        .map(|(broker, comes)| sums.is_short(broker as u32, comes))
        .collect();
    for (dir, comes) in comes_to_dir.into_iter().enumerate() {
        short[model.log_dirs[dir].broker as usize] |= sums.is_log_dir_short(dir as u32, comes);
    }
    short
}

/// Says how urgent jobs are.
struct Judge<'a> {
    task: &'a Task<'a>,
    sums: &'a Sums<'a>,
    leaving: &'a [Leaving],
    racks: Racks,
    sets: BrokerSets,
    /// The change that was looked at last, and how many replicas of its partition have to leave their racks.
    excess: (u32, u32),
}

impl Judge<'_> {
    fn urgency(&mut self, change: &Change, job: &Job) -> Urgency {
        let model = self.task.model;
        let topic = model.partitions[change.partition as usize].topic;
        match job.kind {
            Kind::Elect => Urgency::Leaderless,
            Kind::Remove => Urgency::Remove,
            Kind::Leader => {
                let to = model.replicas[job.replica as usize].broker;
                let mends = to != NONE && self.sums.lacks_leaders(topic, to);
                if mends || self.is_above(self.led_from(change)) {
                    Urgency::Broken
                } else {
                    Urgency::Leader
                }
            }
            Kind::LogDir | Kind::Place => {
                let from = model.replicas[job.replica as usize].broker;
                if from != NONE && model.is_offline(job.replica) {
                    Urgency::Dead
                } else if from != NONE
                    && job.kind == Kind::Place
                    && (self.is_above(from)
                        || !self.sets.allow(topic, from)
                        || self.leaves_rack(change, job))
                {
                    Urgency::Broken
                } else if self.task.is_stranded(job.replica) {
                    Urgency::Emptied
                } else if job.kind == Kind::LogDir {
                    Urgency::LogDir
                } else {
                    Urgency::Move
                }
            }
        }
    }

    /// The broker that leads a partition before the first step, if any does.
    fn led_from(&self, change: &Change) -> u32 {
        let model = self.task.model;
        let first = change.first_leaving as usize;
        let mut leaving = self.leaving[first..first + change.leaving as usize].iter();
        let goes = leaving.find(|goes| goes.leads);
        goes.map(|goes| &goes.replica)
            .or_else(|| {
                model.replicas.get(model.partitions[change.partition as usize].leader as usize)
            })
            .map_or(NONE, |replica| replica.broker)
    }

    fn is_above(&self, broker: u32) -> bool {
        self.sums.is_above(broker)
            || self.sums.is_host_above(self.task.model.brokers[broker as usize].host)
    }

    /// Whether a replica leaves a rack that it shares, of a partition that isn't spread as it should be.
    fn leaves_rack(&mut self, change: &Change, job: &Job) -> bool {
        let model = self.task.model;
        if !self.racks.matter() {
            return false;
        }
        let rack = |broker: u32| model.brokers[broker as usize].rack;
        let placed = model
            .replicas_of(change.partition)
            .map(|replica| model.replicas[replica as usize].broker);
        let mut at = placed.filter(|broker| *broker != NONE).map(rack);
        if self.excess.0 != job.change {
            let mut racks: Vec<u32> = at.clone().collect();
            self.excess = (job.change, self.racks.excess(&mut racks));
        }
        let own = rack(model.replicas[job.replica as usize].broker);
        self.excess.1 > 0
            && own != rack(job.broker)
            && at.by_ref().filter(|rack| *rack == own).count() > 1
    }
}
