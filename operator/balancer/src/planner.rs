//! From a model and what is asked of it to a plan.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::bounds::bounds;
use crate::evaluate::{Evaluation, evaluate};
use crate::goal::Goal;
use crate::limits::Limits;
use crate::log_dirs::assign_log_dirs;
use crate::model::{Model, Resource};
use crate::options::{Operation, Options};
use crate::order::{Leaving, Ordered, order};
use crate::placement::Placement;
use crate::plan::{GoalOutcome, Plan, Step, StepKind};
use crate::provision::provision;
use crate::reasons::reasons;
use crate::replication_factor::{Changed, ReplicationFactorError, with_replication_factor};
use crate::search::{search, settle, stay};
use crate::task::{Scope, Task, roles};

/// Searches after the first, when it made a goal worse and none before it better.
const RETRIES: usize = 3;

/// The threads that a plan may use.
#[derive(Clone, Copy, Debug)]
pub enum Threads<'a> {
    /// The caller's own.
    One,
    /// Those of a pool. The plan is the same.
    Pool(&'a rayon::ThreadPool),
}

impl Threads<'_> {
    /// Does the same to all of them, some at the same time if there are threads for it.
    pub(crate) fn each<T: Send>(self, items: &mut [T], work: impl Fn(&mut T) + Send + Sync) {
        match self {
            Self::One => items.iter_mut().for_each(work),
            Self::Pool(pool) => pool.install(|| items.par_iter_mut().for_each(work)),
        }
    }

    /// What becomes of each of them, in their order; of some at the same time if there are threads for it.
    pub(crate) fn map<T: Send, R: Send>(
        self,
        items: impl IntoIterator<Item = T>
        + IntoParallelIterator<Item = T, Iter: IndexedParallelIterator>
        + Send,
        work: impl Fn(T) -> R + Send + Sync,
    ) -> Vec<R> {
        match self {
            Self::One => items.into_iter().map(work).collect(),
            Self::Pool(pool) => pool.install(|| items.into_par_iter().map(work).collect()),
        }
    }

    /// Does two things, at the same time if there are threads for it.
    fn both<A: Send, B: Send>(
        self,
        a: impl FnOnce() -> A + Send,
        b: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        match self {
            Self::One => (a(), b()),
            Self::Pool(pool) => pool.join(a, b),
        }
    }
}

/// Why there is no plan at all. What a plan can't reach is in its reasons instead.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// A broker that isn't there.
    #[error("the model has no broker {ids}: name brokers that it has", ids = listed(.0))]
    UnknownBrokers(BTreeSet<i32>),
    /// A log directory that isn't there.
    #[error("broker {broker} has no log directory \"{path}\": name one that the model has")]
    UnknownLogDir {
        /// The broker.
        broker: i32,
        /// The path.
        path: String,
    },
    /// A set of brokers that isn't there.
    #[error(
        "topic \"{topic}\" is said to belong to the broker set \"{set}\", which isn't defined: define it"
    )]
    UnknownBrokerSet {
        /// The topic.
        topic: String,
        /// The set.
        set: String,
    },
    /// A broker that is in two sets.
    #[error("broker {broker} is in two broker sets, \"{one}\" and \"{other}\": leave it in one")]
    TwoBrokerSets {
        /// The broker.
        broker: i32,
        /// A set.
        one: String,
        /// Another.
        other: String,
    },
    /// Goals that contradict each other.
    #[error("{0} and {1} contradict each other: ask for one of them")]
    Contradiction(Goal, Goal),
    /// A threshold that makes no sense.
    #[error("{name} is {value}: it has to be {range}")]
    Threshold {
        /// Which.
        name: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        range: &'static str,
    },
    /// There is nowhere to put replicas.
    #[error("no broker may receive replicas: all are dead, draining, to be removed or excluded")]
    NobodyReceives,
    /// A replication factor that can't be had.
    #[error(transparent)]
    ReplicationFactor(#[from] ReplicationFactorError),
}

fn listed(ids: &BTreeSet<i32>) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Plans.
///
/// # Errors
/// If the options don't fit the model or each other. A goal that can't be met is none: the plan does what can be done
/// and says why it does no more.
pub fn plan(model: &Model, options: &Options, threads: Threads<'_>) -> Result<Plan, PlanError> {
    match threads {
        Threads::One => plan_with(model, options, threads),
        // All of it on a thread of the pool: what it shares out it then shares with the others without being woken first.
        Threads::Pool(pool) => pool.install(|| plan_with(model, options, threads)),
    }
}

fn plan_with(model: &Model, options: &Options, threads: Threads<'_>) -> Result<Plan, PlanError> {
    check(model, options)?;
    let changed = with_asked_factor(model, options)?;
    let leaving = changed.as_ref().map(|changed| Leaving::of(model, changed)).unwrap_or_default();
    let given = Task::new(model, options);
    let other = changed.as_ref().map(|changed| {
        let mut task = Task::new(&changed.model, options);
        task.sets = given.sets.clone();
        task
    });
    let task = other.as_ref().unwrap_or(&given);
    let limits = Limits::new(task);
    let carry = |placement: &Placement| carry_out(task, &limits, placement, &leaving, threads);
    let arranged = |mut placement| {
        assign_log_dirs(task, &limits, &mut placement);
        placement
    };
    // The search has work for all threads, the order of steps for one: the rest is done beside it.
    let searched = arranged(search(task, &limits, &[], threads));
    let (mut reached, (bounds, basis, before)) = threads.both(
        || carry(&searched),
        || {
            let limits_before = other.as_ref().map(|_| Limits::new(&given));
            let limits_before = limits_before.as_ref().unwrap_or(&limits);
            let before = evaluate(&given, limits_before, &Placement::of(model));
            (bounds(task, &limits, Threads::One), model.basis(), before)
        },
    );
    let mut emphasis = Vec::new();
    let mut stays = None;
    while let Some(goal) = worse(task, &before, &reached.after) {
        if emphasis.len() < RETRIES {
            emphasis.push(goal);
            reached = carry(&arranged(search(task, &limits, &emphasis, threads)));
        } else if stays.is_none() {
            stays = Some(goal);
            reached = carry(&stay(task));
        } else {
            break;
        }
    }
    for _ in 0..RETRIES {
        if task.scope == Scope::Leadership || !task.is_pressed() {
            break;
        }
        let Some(settled) = settle(task, &limits, &reached.placement, threads) else { break };
        reached = carry(&arranged(settled));
    }
    let Reached { steps, left_out, placement, after, hash } = reached;
    let goals = before
        .violations
        .iter()
        .zip(&after.violations)
        .map(|((goal, before), (_, after))| GoalOutcome {
            name: *goal,
            hard: goal.is_hard(),
            violations_before: *before,
            violations_after: *after,
        })
        .collect();
    let mut reasons = reasons(task, &limits, &before, &after, &placement);
    reasons.extend(left_out);
    if let Some(goal) = stays {
        reasons.insert(
            0,
            format!("nothing is moved: every way that was found makes {goal} worse and no goal before it better; try another --seed"),
        );
    }
    let provision = provision(task, &limits, &placement, &after);
    let mut plan = Plan {
        id: String::new(),
        basis,
        seed: options.seed,
        operation: options.operation.name(),
        goals,
        // The sum of no floats is -0.
        bytes_moved: copied(&steps).map(|step| step.bytes).fold(0.0, std::ops::Add::add),
        bytes_lower_bound: task.model.amount(Resource::Disk, bounds.bytes),
        replicas_moved: copied(&steps).count() as u64,
        replicas_lower_bound: bounds.replicas,
        leaders_moved: leaders_moved(task, &placement),
        steps,
        provision,
        reasons,
    };
    plan.id = identity(&plan, &hash);
    Ok(plan)
}

/// The model with other replication factors, if the operation is to change them.
pub(crate) fn with_asked_factor(
    model: &Model,
    options: &Options,
) -> Result<Option<Changed>, PlanError> {
    match &options.operation {
        Operation::ReplicationFactor { topics, factor } => {
            Ok(Some(with_replication_factor(model, options, topics, *factor)?))
        }
        _ => Ok(None),
    }
}

/// What comes of a placement that was searched for.
struct Reached {
    steps: Vec<Step>,
    left_out: Vec<String>,
    placement: Placement,
    after: Evaluation,
    /// The hash of the steps.
    hash: Hash,
}

/// Finds the steps to a placement, and looks at where they lead.
fn carry_out(
    task: &Task<'_>,
    limits: &Limits,
    placement: &Placement,
    leaving: &[Leaving],
    threads: Threads<'_>,
) -> Reached {
    let Ordered { steps, left_out, placement } = order(task, limits, placement, leaving);
    let (after, hash) =
        threads.both(|| evaluate(task, limits, &placement), || hash_of_steps(&steps));
    Reached { steps, left_out, placement, after, hash }
}

/// The first goal by priority that has become worse, if none before it has become better. Operations that say what is to
/// go have their way, and so has what can't stay: it may cost a goal.
fn worse(task: &Task<'_>, before: &Evaluation, after: &Evaluation) -> Option<Goal> {
    if !task.balances_leaders() || task.is_pressed() {
        return None;
    }
    let mut changes = before
        .violations
        .iter()
        .zip(&after.violations)
        .map(|((goal, a), (_, b))| (*goal, a.cmp(b)));
    let (goal, change) = changes.find(|(_, change)| change.is_ne())?;
    change.is_lt().then_some(goal)
}

/// The steps that copy a replica to another broker.
fn copied(steps: &[Step]) -> impl Iterator<Item = &Step> {
    steps
        .iter()
        .filter(|step| matches!(step.kind, StepKind::Move | StepKind::Evacuate | StepKind::Add))
}

/// Partitions that another broker leads.
fn leaders_moved(task: &Task<'_>, after: &Placement) -> u64 {
    let partitions = task.model.partitions.iter().zip(&after.leader);
    let broker = |replica: u32, brokers: &dyn Fn(usize) -> u32| {
        if replica == crate::model::NONE { replica } else { brokers(replica as usize) }
    };
    partitions
        .filter(|(partition, leader)| {
            broker(partition.leader, &|replica| task.model.replicas[replica].broker)
                != broker(**leader, &|replica| after.broker[replica])
        })
        .count() as u64
}

type Hash = [u8; 32];

/// The hash of what a plan says, so that who approves an id approves that and nothing else.
fn identity(plan: &Plan, steps: &Hash) -> String {
    let mut hash = Sha256::new();
    let mut text = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    text(&plan.basis);
    text(plan.operation);
    text(&plan.seed.to_string());
    text(&format!("{:?}", plan.provision.status));
    text(&format!("{:?}", (plan.bytes_moved, plan.bytes_lower_bound, plan.replicas_moved)));
    text(&format!("{:?}", (plan.replicas_lower_bound, plan.leaders_moved)));
    for goal in &plan.goals {
        let GoalOutcome { name, violations_before, violations_after, .. } = goal;
        text(&format!("{} {violations_before} {violations_after}", name.name()));
    }
    for sentences in [&plan.reasons, &plan.provision.recommendations] {
        text(&sentences.len().to_string());
        sentences.iter().for_each(|sentence| text(sentence));
    }
    hash.update(steps);
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hash_of_steps(steps: &[Step]) -> Hash {
    let mut hash = Sha256::new();
    let mut line = Vec::new();
    for step in steps {
        line.clear();
        let text = |line: &mut Vec<u8>, text: &str| {
            line.extend((text.len() as u64).to_le_bytes());
            line.extend(text.as_bytes());
        };
        let ids = |line: &mut Vec<u8>, ids: &[i32]| {
            line.extend((ids.len() as u64).to_le_bytes());
            ids.iter().for_each(|id| line.extend(id.to_le_bytes()));
        };
        text(&mut line, &step.topic);
        line.extend(step.partition.to_le_bytes());
        ids(&mut line, &step.from);
        ids(&mut line, &step.to);
        line.extend(step.leader.unwrap_or(-1).to_le_bytes());
        line.extend(step.bytes.to_bits().to_le_bytes());
        line.push(step.kind as u8);
        if let Some(log_dir) = &step.log_dir {
            line.extend(log_dir.broker.to_le_bytes());
            text(&mut line, log_dir.from.as_deref().unwrap_or_default());
            text(&mut line, &log_dir.to);
        }
        hash.update((line.len() as u64).to_le_bytes());
        hash.update(&line);
    }
    hash.finalize().into()
}

pub(crate) fn check(model: &Model, options: &Options) -> Result<(), PlanError> {
    let mut named = options.excluded_for_replicas.clone();
    named.extend(&options.excluded_for_leadership);
    named.extend(options.broker_sets.values().flatten());
    match &options.operation {
        Operation::AddBrokers(ids) | Operation::RemoveBrokers(ids) | Operation::Demote(ids) => {
            named.extend(ids)
        }
        Operation::RemoveLogDirs(dirs) => named.extend(dirs.iter().map(|(broker, _)| *broker)),
        _ => {}
    }
    named.retain(|id| model.broker_index(*id).is_none());
    if !named.is_empty() {
        return Err(PlanError::UnknownBrokers(named));
    }
    if let Operation::RemoveLogDirs(dirs) = &options.operation {
        for (broker, path) in dirs {
            let index = model.broker_index(*broker).expect("just found");
            if !model.log_dirs_of(index).any(|dir| model.log_dirs[dir as usize].path == *path) {
                return Err(PlanError::UnknownLogDir { broker: *broker, path: path.clone() });
            }
        }
    }
    for (topic, set) in &options.topic_sets {
        if !options.broker_sets.contains_key(set) {
            return Err(PlanError::UnknownBrokerSet { topic: topic.clone(), set: set.clone() });
        }
    }
    let mut set_of: BTreeMap<i32, &String> = BTreeMap::new();
    for (set, brokers) in &options.broker_sets {
        for broker in brokers {
            if let Some(one) = set_of.insert(*broker, set) {
                return Err(PlanError::TwoBrokerSets {
                    broker: *broker,
                    one: one.clone(),
                    other: set.clone(),
                });
            }
        }
    }
    if options.has(Goal::RackAware) && options.has(Goal::RackAwareDistribution) {
        return Err(PlanError::Contradiction(Goal::RackAware, Goal::RackAwareDistribution));
    }
    options.constraints.check()?;
    let copies = !matches!(options.operation, Operation::Leaders | Operation::Demote(_));
    if copies && !roles(model, options).iter().any(|role| role.receives) {
        return Err(PlanError::NobodyReceives);
    }
    Ok(())
}
