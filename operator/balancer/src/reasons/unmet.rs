//! Goals that a placement doesn't meet, each with what stands in its way.

use std::mem::discriminant;

use super::bulk::Bulk;
use super::receivers::Receivers;
use crate::evaluate::{BANDS, CAPACITIES, Evaluation, Place, Violation, each_violation};
use crate::goal::Goal;
use crate::limits::{LEADERS, Limits, REPLICAS, Totals, add, totals_of};
use crate::model::Resource;
use crate::options::Operation;
use crate::placement::Placement;
use crate::shortage::{Shortage, is_disk_full};
use crate::task::{Scope, Task};
use crate::wording::{amounts, count, of, partition, thousands};

/// What stands in the way of a goal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cause {
    /// The operation doesn't move what would have to move.
    Operation,
    /// Topics that are excluded hold too much where they are.
    ExcludedTopics,
    /// Only new brokers receive, and this one isn't new.
    NewBrokers,
    /// Only new brokers receive, and they can't take what is too much elsewhere.
    NewBrokersFull,
    /// Only new brokers receive, and what had to leave its rack is too much for them.
    NewBrokersPressed,
    /// Only new brokers receive, and they are in the racks that the partition is in already.
    NewBrokersInItsRacks,
    /// A replica that is larger than every band: its index.
    TooLarge(u32),
    /// There is more in all than all bands hold together.
    TooMuch {
        /// What there is.
        whole: i64,
        /// What the bands hold.
        allowed: i64,
    },
    /// So many replicas cost anything at all: fewer than there are brokers.
    TooFew(u64),
    /// Nothing that is provable.
    Unknown,
}

/// A goal and how many things break it for one cause.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Unmet {
    /// The goal.
    pub(crate) goal: Goal,
    /// What stands in its way.
    pub(crate) cause: Cause,
    /// How many things break it.
    pub(crate) count: u64,
    /// The one that breaks it most.
    pub(crate) worst: Violation,
}

/// The goals that the placement doesn't meet, by priority, without what a shortage explains, and without what lies
/// where nothing may stay, which is said on its own.
pub(crate) fn unmet(
    task: &Task<'_>,
    limits: &Limits,
    after: &Evaluation,
    placement: &Placement,
    shortages: &[Shortage],
) -> Vec<Unmet> {
    let fixed = fixed(task, placement);
    let receivers = Receivers::of(task, limits, placement);
    let mut found: Vec<Unmet> = Vec::new();
    for (goal, _) in after.violations.iter().filter(|(_, count)| *count > 0) {
        let bulk = Bulk::of(task, limits, after, placement, *goal);
        let first = found.len();
        each_violation(task, limits, placement, after, *goal, &mut |violation| {
            if is_said_elsewhere(task, limits, after, &violation)
                || shortages.iter().any(|shortage| shortage.explains(task, &violation))
            {
                return;
            }
            let cause = match cause(task, after, &fixed, &bulk, &violation) {
                Cause::Unknown => receivers_cause(&receivers, &violation),
                cause => cause,
            };
            match found[first..]
                .iter_mut()
                .find(|unmet| discriminant(&unmet.cause) == discriminant(&cause))
            {
                Some(unmet) => {
                    unmet.count += 1;
                    if violation.severity() > unmet.worst.severity() {
                        unmet.worst = violation;
                        unmet.cause = cause;
                    }
                }
                None => found.push(Unmet { goal: *goal, cause, count: 1, worst: violation }),
            }
        });
    }
    found
}

/// A sentence for each, and one for all that the operation leaves alone. `lacking`: shortages have been said already.
pub(super) fn sentences(
    task: &Task<'_>,
    before: &Evaluation,
    unmet: &[Unmet],
    lacking: bool,
) -> Vec<String> {
    let mut sentences: Vec<String> = unmet
        .iter()
        .filter(|unmet| unmet.cause != Cause::Operation)
        .map(|unmet| sentence(task, before.of(unmet.goal), unmet, lacking))
        .collect();
    let left: Vec<String> = unmet
        .iter()
        .filter(|unmet| unmet.cause == Cause::Operation)
        .map(|unmet| format!("{} ({})", unmet.goal, things(unmet)))
        .collect();
    if !left.is_empty() {
        let operation = task.options.operation.name();
        let why = match (&task.options.operation, task.scope) {
            (_, Scope::Leadership) => {
                format!("{operation} moves leadership alone: rebalance does the rest")
            }
            (Operation::Rebalance | Operation::AddBrokers(_), _) => {
                "while replicas are offline only they move: rebalance again when they are back"
                    .to_owned()
            }
            _ => format!("{operation} moves only what has to move: rebalance does the rest"),
        };
        sentences.push(format!("{} not met: {why}", left.join(", ")));
    }
    sentences
}

/// Whether it is a broker or a directory that should be empty and isn't, or a directory of a broker that is too full
/// as a whole.
fn is_said_elsewhere(
    task: &Task<'_>,
    limits: &Limits,
    after: &Evaluation,
    violation: &Violation,
) -> bool {
    match violation.place {
        Place::Broker(broker) => task.roles[broker as usize].closed,
        Place::LogDir(dir) => {
            let broker = task.model.log_dirs[dir as usize].broker;
            task.closed_dirs[dir as usize] || is_disk_full(limits, after, broker)
        }
        _ => false,
    }
}

fn is_about_leaders(goal: Goal) -> bool {
    matches!(
        goal,
        Goal::MinTopicLeadersPerBroker
            | Goal::LeaderReplicaDistribution
            | Goal::LeaderBytesInDistribution
            | Goal::TopicLeaderDistribution
            | Goal::PreferredLeaderElection
    )
}

fn cause(
    task: &Task<'_>,
    after: &Evaluation,
    fixed: &[Totals],
    bulk: &Bulk,
    violation: &Violation,
) -> Cause {
    let goal = violation.goal;
    let scoped = match task.scope {
        Scope::All => false,
        Scope::Stranded => true,
        Scope::Leadership => !is_about_leaders(goal) || has_too_few_to_lead(after, violation),
    };
    if scoped {
        return Cause::Operation;
    }
    let model = task.model;
    let excluded = |topic: u32| model.topics[topic as usize].excluded && !is_about_leaders(goal);
    let above = violation.amount > violation.limit;
    let starved =
        |broker: u32| !above && !task.roles[broker as usize].receives && !is_about_leaders(goal);
    match violation.place {
        Place::Partition(partition) if excluded(model.partitions[partition as usize].topic) => {
            Cause::ExcludedTopics
        }
        Place::Topic { topic, .. } if excluded(topic) => Cause::ExcludedTopics,
        Place::Topic { broker, .. } if starved(broker) => Cause::NewBrokers,
        Place::Broker(broker) => {
            let held = dimension(goal)
                .and_then(|dimension| fixed.get(broker as usize).map(|held| held[dimension]));
            if above && held.is_some_and(|held| held > violation.limit) {
                Cause::ExcludedTopics
            } else if starved(broker) {
                Cause::NewBrokers
            } else {
                bulk.cause(broker, above)
            }
        }
        Place::LogDir(dir) => bulk.cause(dir, above),
        _ => Cause::Unknown,
    }
}

/// What only some brokers receiving has to do with it.
fn receivers_cause(receivers: &Receivers<'_>, violation: &Violation) -> Cause {
    let (goal, above) = (violation.goal, violation.amount > violation.limit);
    match violation.place {
        Place::Broker(broker) if above && receivers.are_full(goal, broker) => Cause::NewBrokersFull,
        Place::Broker(broker) if above && receivers.are_pressed(goal, broker) => {
            Cause::NewBrokersPressed
        }
        Place::Partition(partition)
            if is_about_racks(goal) && receivers.are_in_its_racks(partition) =>
        {
            Cause::NewBrokersInItsRacks
        }
        _ => Cause::Unknown,
    }
}

fn is_about_racks(goal: Goal) -> bool {
    matches!(goal, Goal::RackAware | Goal::RackAwareDistribution)
}

/// Whether a broker should lead more than it holds.
fn has_too_few_to_lead(after: &Evaluation, violation: &Violation) -> bool {
    match violation.place {
        Place::Broker(broker) if violation.goal == Goal::LeaderReplicaDistribution => {
            after.totals[broker as usize][REPLICAS] < violation.limit
        }
        _ => false,
    }
}

/// What of a broker's totals a goal is about.
fn dimension(goal: Goal) -> Option<usize> {
    CAPACITIES
        .into_iter()
        .chain(BANDS)
        .find(|(other, _)| *other == goal)
        .map(|(_, dimension)| dimension)
}

/// What the topics that are excluded hold on each broker, their leaders apart; nothing without such topics.
fn fixed(task: &Task<'_>, placement: &Placement) -> Vec<Totals> {
    let model = task.model;
    if model.topics.iter().all(|topic| !topic.excluded) {
        return Vec::new();
    }
    let mut fixed = vec![Totals::default(); model.brokers.len()];
    for (topic, _) in model.topics.iter().enumerate().filter(|(_, topic)| topic.excluded) {
        for replica in
            model.partitions_of(topic as u32).flat_map(|partition| model.replicas_of(partition))
        {
            if let Some(sum) = fixed.get_mut(placement.broker[replica as usize] as usize)
                && !task.is_stranded(replica)
            {
                add(sum, &totals_of(model, replica, false));
            }
        }
    }
    fixed
}

/// How many things break the goal: `3 brokers`.
fn things(unmet: &Unmet) -> String {
    let thing = match unmet.worst.place {
        Place::Broker(_) => "broker",
        Place::Host(_) => "machine",
        Place::Topic { .. } => {
            return format!("{} of topic and broker", count(unmet.count, "pair"));
        }
        Place::Partition(_) => "partition",
        Place::LogDir(_) => "log directory",
    };
    count(unmet.count, thing)
}

/// What breaks it: `broker 4 has disk 12 GB, at most 10 GB`.
fn describe(task: &Task<'_>, violation: &Violation) -> String {
    let model = task.model;
    let bound = if violation.amount > violation.limit { "at most" } else { "at least" };
    let figures = |dimension: usize| {
        let [held, limit] = amounts(model, dimension, [violation.amount, violation.limit]);
        format!("has {}{held}, {bound} {limit}", of(dimension))
    };
    let dimension = dimension(violation.goal).unwrap_or(REPLICAS);
    match violation.place {
        Place::Broker(broker) => {
            format!("broker {} {}", model.brokers[broker as usize].id, figures(dimension))
        }
        Place::Host(host) => {
            format!("machine {} {}", model.hosts[host as usize].name, figures(dimension))
        }
        Place::Topic { topic, broker } => {
            let dimension =
                if violation.goal == Goal::TopicReplicaDistribution { REPLICAS } else { LEADERS };
            let (topic, broker) =
                (&model.topics[topic as usize].name, model.brokers[broker as usize].id);
            format!("topic {topic} on broker {broker} {}", figures(dimension))
        }
        Place::Partition(index) => {
            let name = partition(model, index);
            match violation.goal {
                Goal::BrokerSetAware => format!(
                    "{name} has {} outside its set",
                    count(violation.amount as u64, "replica")
                ),
                Goal::PreferredLeaderElection => format!("{name} isn't led by its first replica"),
                _ => format!("{name} isn't spread over enough racks"),
            }
        }
        Place::LogDir(dir) => {
            let dir = &model.log_dirs[dir as usize];
            let name = if dir.path.is_empty() { "the log directory" } else { &dir.path };
            let disk = Resource::Disk as usize;
            let [held, limit] = amounts(model, disk, [violation.amount, violation.limit]);
            format!(
                "{name} of broker {} has {held}, {bound} {limit}",
                model.brokers[dir.broker as usize].id
            )
        }
    }
}

fn sentence(task: &Task<'_>, before: u64, unmet: &Unmet, lacking: bool) -> String {
    let model = task.model;
    let what = format!(
        "{} isn't met by {} ({} before; {})",
        unmet.goal,
        things(unmet),
        thousands(before),
        describe(task, &unmet.worst)
    );
    match unmet.cause {
        // Said once for all goals.
        Cause::Operation => what,
        Cause::ExcludedTopics => {
            format!(
                "{what}: replicas of topics that are excluded are in the way: exclude fewer topics"
            )
        }
        Cause::NewBrokers => {
            format!("{what}: only new brokers receive: rebalance again when they are no longer new")
        }
        Cause::NewBrokersFull => format!(
            "{what}: only new brokers receive, and they have no room for all that is too much elsewhere: rebalance again \
             when they are no longer new"
        ),
        Cause::NewBrokersPressed => format!(
            "{what}: only new brokers receive, and what has to leave its rack is too much for them: rebalance again when \
             they are no longer new"
        ),
        Cause::NewBrokersInItsRacks => format!(
            "{what}: only new brokers receive, and none of them is in another rack with room: rebalance again when they \
             are no longer new"
        ),
        Cause::TooLarge(replica) => {
            let replica = &model.replicas[replica as usize];
            let name = partition(model, replica.partition);
            let topic =
                &model.topics[model.partitions[replica.partition as usize].topic as usize].name;
            format!(
                "{what}: {name} alone is larger than the band of any: topic {topic} needs more partitions, or the band a \
                 higher threshold"
            )
        }
        Cause::TooFew(number) => {
            let costs = if number == 1 { "costs" } else { "cost" };
            format!(
                "{what}: only {} {costs} anything of it, fewer than there are brokers: more partitions would help",
                count(number, "replica"),
            )
        }
        Cause::TooMuch { whole, allowed } => {
            let dimension = dimension(unmet.goal).unwrap_or(REPLICAS);
            let counted = task.roles.iter().filter(|role| role.counted).count() as i64;
            let each = (allowed / counted.max(1)).max(1);
            let missing = (whole - allowed).unsigned_abs().div_ceil(each.unsigned_abs());
            let [whole, allowed] = amounts(model, dimension, [whole, allowed]);
            format!(
                "{what}: the brokers have {whole} in all, but should have {allowed}: {} like these would help",
                count(missing, "more broker"),
            )
        }
        Cause::Unknown if lacking && !unmet.goal.is_hard() => {
            format!("{what}: what the cluster lacks is in the way")
        }
        Cause::Unknown => {
            let help = match unmet.goal {
                Goal::RackAware | Goal::RackAwareDistribution => "1 more broker in another rack",
                Goal::BrokerSetAware => "1 more broker in the set",
                Goal::MinTopicLeadersPerBroker => "more partitions",
                goal if goal.is_hard() => "1 more broker",
                Goal::PreferredLeaderElection => "the operation leaders",
                _ if task.scope == Scope::Leadership => {
                    "a rebalance, which moves replicas as well,"
                }
                _ => "a higher threshold",
            };
            format!(
                "{what}: the search found no way within its budget: another seed (--seed) or {help} may help"
            )
        }
    }
}
