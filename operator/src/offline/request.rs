//! From the flags of `plan` to the options of the planner.
//!
//! Two kinds of mistakes are told apart: flags that don't fit together, whatever the model ([`Request::new`]), and names
//! that the model doesn't have ([`Request::options_for`]).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use taffrail_balancer::document::Cluster;
use taffrail_balancer::wording::thousands;
use taffrail_balancer::{Constraints, DEFAULT_GOALS, Goal, Operation, Options, Resource};

use super::plain::plain;
use super::thresholds::{self, Subject, Threshold};
use super::{model_file, usage};

/// Names or numbers that a message lists before it says how many more there are.
const LISTED_MAX: usize = 10;

/// The flags that say what is asked for.
#[derive(Args, Debug)]
pub(super) struct RequestArgs {
    /// What is to be done.
    #[arg(long, value_enum, value_name = "OPERATION", default_value_t = OperationName::Rebalance)]
    operation: OperationName,

    /// The brokers that are added, removed or demoted, by id.
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    brokers: Vec<i32>,

    /// For remove-log-dirs: the directories, each as BROKER:PATH.
    #[arg(long, value_name = "DIRS", value_delimiter = ',', value_parser = parse_log_dir)]
    log_dirs: Vec<(i32, String)>,

    /// For replication-factor: the topics; all that aren't excluded unless given.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    topics: Vec<String>,

    /// For replication-factor: how many replicas each partition is to have.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    factor: Option<u32>,

    /// The goals, the most important first; with or without "Goal" at the end of their names.
    #[arg(long, value_name = "GOALS", value_delimiter = ',')]
    goals: Vec<Goal>,

    /// Makes the choices of the search.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

/// What is left as it is, and what belongs together.
#[derive(Args, Debug)]
#[command(next_help_heading = "What stays where")]
pub(super) struct ExclusionArgs {
    /// Topics whose replicas stay where they are unless they are offline.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    excluded_topics: Vec<String>,

    /// Brokers that receive no replicas.
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    exclude_brokers_for_replicas: Vec<i32>,

    /// Brokers that are not made leaders.
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    exclude_brokers_for_leadership: Vec<i32>,

    /// Sets of brokers that topics stay inside of: a file with {"NAME": [IDS], ...}. Adds BrokerSetAwareGoal.
    #[arg(long, value_name = "FILE")]
    broker_sets: Option<PathBuf>,
}

/// Where bands and limits are.
#[derive(Args, Debug)]
#[command(next_help_heading = "Thresholds")]
pub(super) struct ThresholdArgs {
    /// How many times the average a broker may have: NUMBER for all but topics, or
    /// cpu|network_in|network_out|disk|replicas|leaders|topics=NUMBER [default: 1.10, topics=3]
    #[arg(long, value_name = "THRESHOLDS", value_delimiter = ',', value_parser = thresholds::balance)]
    balance_threshold: Vec<Threshold>,

    /// The share of its capacity that a broker may use: NUMBER, or
    /// cpu|network_in|network_out|disk=NUMBER [default: 0.8, cpu=0.7]
    #[arg(long, value_name = "THRESHOLDS", value_delimiter = ',', value_parser = thresholds::share)]
    capacity_threshold: Vec<Threshold>,

    /// The share of all capacity at and below which nothing moves for a resource's band, written like the one
    /// above [default: 0]
    #[arg(long, value_name = "THRESHOLDS", value_delimiter = ',', value_parser = thresholds::share)]
    low_utilization_threshold: Vec<Threshold>,

    /// How many replicas a broker may have [default: 10000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_replicas_per_broker: Option<u32>,

    /// A topic's band is at least so far from its average [default: 2]
    #[arg(long, value_name = "N")]
    topic_min_gap: Option<u32>,

    /// A topic's band is at most so far from its average [default: 40]
    #[arg(long, value_name = "N")]
    topic_max_gap: Option<u32>,

    /// Give brokers the same share of leader bytes in, however large they are, as Cruise Control does.
    #[arg(long)]
    same_leader_bytes_in: bool,
}

/// The operations by their names.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum OperationName {
    /// Bring every goal about.
    Rebalance,
    /// Give --brokers their share; no other broker receives anything.
    AddBrokers,
    /// Take everything from --brokers.
    RemoveBrokers,
    /// Put offline replicas elsewhere.
    FixOffline,
    /// Take everything out of --log-dirs.
    RemoveLogDirs,
    /// Take leadership from --brokers; nothing is copied.
    Demote,
    /// Balance leadership and make every leader the preferred one; nothing is copied.
    Leaders,
    /// Give --topics the replication factor --factor.
    ReplicationFactor,
}

impl OperationName {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// What is asked for. The flags fit together; whether the model has what they name isn't known yet.
#[derive(Debug)]
pub(super) struct Request {
    options: Options,
    excluded_topics: BTreeSet<String>,
}

impl Request {
    /// What the flags ask for.
    ///
    /// # Errors
    /// If they don't fit together, or a file that they name isn't what it should be.
    pub(super) fn new(
        args: RequestArgs,
        exclusions: ExclusionArgs,
        thresholds: &ThresholdArgs,
    ) -> anyhow::Result<Self> {
        let goals = goals(args.goals, exclusions.broker_sets.is_some())?;
        let flags = OperationFlags {
            name: args.operation,
            brokers: args.brokers.into_iter().collect(),
            log_dirs: args.log_dirs.into_iter().collect(),
            topics: args.topics.into_iter().collect(),
            factor: args.factor,
        };
        let mut options = Options::new(flags.operation()?);
        options.goals = goals;
        options.seed = args.seed;
        options.constraints = thresholds.constraints()?;
        options.excluded_for_replicas =
            exclusions.exclude_brokers_for_replicas.into_iter().collect();
        options.excluded_for_leadership =
            exclusions.exclude_brokers_for_leadership.into_iter().collect();
        if let Some(path) = &exclusions.broker_sets {
            let sets: BTreeMap<String, BTreeSet<i32>> =
                model_file::read_json("--broker-sets", path)?;
            check_disjoint(&sets)?;
            options.broker_sets = sets;
        }
        Ok(Self { options, excluded_topics: exclusions.excluded_topics.into_iter().collect() })
    }

    /// The options for a cluster, in which the topics that the flags exclude are marked so.
    ///
    /// # Errors
    /// If the flags name brokers, directories or topics that it doesn't have.
    pub(super) fn options_for(self, cluster: &mut Cluster, model: &str) -> anyhow::Result<Options> {
        let options = self.options;
        let known = Known::of(cluster, model);
        match &options.operation {
            Operation::AddBrokers(ids) | Operation::RemoveBrokers(ids) | Operation::Demote(ids) => {
                known.brokers("--brokers", ids)?;
            }
            Operation::RemoveLogDirs(dirs) => known.log_dirs(dirs)?,
            Operation::ReplicationFactor { topics, .. } => known.topics("--topics", topics)?,
            Operation::Rebalance | Operation::FixOffline | Operation::Leaders => {}
        }
        known.brokers("--exclude-brokers-for-replicas", &options.excluded_for_replicas)?;
        known.brokers("--exclude-brokers-for-leadership", &options.excluded_for_leadership)?;
        for ids in options.broker_sets.values() {
            known.brokers("--broker-sets", ids)?;
        }
        known.topics("--excluded-topics", &self.excluded_topics)?;
        for topic in &mut cluster.topics {
            topic.excluded |= self.excluded_topics.contains(&topic.name);
        }
        Ok(options)
    }
}

/// The goals asked for, each once; the default ones if none are.
fn goals(asked: Vec<Goal>, sets: bool) -> anyhow::Result<Vec<Goal>> {
    if asked.is_empty() {
        let mut goals = DEFAULT_GOALS.to_vec();
        if sets {
            goals.insert(1, Goal::BrokerSetAware);
        }
        return Ok(goals);
    }
    let mut goals = Vec::with_capacity(asked.len());
    for goal in asked {
        if !goals.contains(&goal) {
            goals.push(goal);
        }
    }
    match (goals.contains(&Goal::BrokerSetAware), sets) {
        (true, false) => Err(usage(
            "--goals has BrokerSetAwareGoal, but no sets are given: add --broker-sets FILE, or leave the goal out",
        )),
        (false, true) => Err(usage(
            "--broker-sets is of no use without its goal: add BrokerSetAwareGoal to --goals, or leave the sets out",
        )),
        _ => Ok(goals),
    }
}

fn check_disjoint(sets: &BTreeMap<String, BTreeSet<i32>>) -> anyhow::Result<()> {
    let mut set_of = BTreeMap::new();
    for (name, ids) in sets {
        for id in ids {
            if let Some(other) = set_of.insert(id, name) {
                anyhow::bail!(
                    "--broker-sets: broker {id} is in \"{}\" and in \"{}\": a broker belongs to one set",
                    plain(other),
                    plain(name)
                );
            }
        }
    }
    Ok(())
}

/// An operation, and the flags that only some operations use.
struct OperationFlags {
    name: OperationName,
    brokers: BTreeSet<i32>,
    log_dirs: BTreeSet<(i32, String)>,
    topics: BTreeSet<String>,
    factor: Option<u32>,
}

impl OperationFlags {
    fn operation(self) -> anyhow::Result<Operation> {
        use OperationName as Name;
        let brokers = &[Name::AddBrokers, Name::RemoveBrokers, Name::Demote];
        self.check(
            "--brokers",
            !self.brokers.is_empty(),
            brokers,
            "which ones, such as --brokers 1,2",
        )?;
        let dirs = "which ones, such as --log-dirs 1:/var/lib/kafka";
        self.check("--log-dirs", !self.log_dirs.is_empty(), &[Name::RemoveLogDirs], dirs)?;
        let factor = "how many replicas each partition is to have, such as --factor 3";
        self.check("--factor", self.factor.is_some(), &[Name::ReplicationFactor], factor)?;
        // Without topics all get the factor.
        if self.name != Name::ReplicationFactor {
            self.check("--topics", !self.topics.is_empty(), &[Name::ReplicationFactor], "")?;
        }
        Ok(match self.name {
            Name::Rebalance => Operation::Rebalance,
            Name::AddBrokers => Operation::AddBrokers(self.brokers),
            Name::RemoveBrokers => Operation::RemoveBrokers(self.brokers),
            Name::FixOffline => Operation::FixOffline,
            Name::RemoveLogDirs => Operation::RemoveLogDirs(self.log_dirs),
            Name::Demote => Operation::Demote(self.brokers),
            Name::Leaders => Operation::Leaders,
            Name::ReplicationFactor => Operation::ReplicationFactor {
                topics: self.topics,
                factor: self.factor.unwrap_or_default(),
            },
        })
    }

    /// A flag is given if, and only if, the operation is one of those that use it.
    fn check(
        &self,
        flag: &str,
        given: bool,
        users: &[OperationName],
        what: &str,
    ) -> anyhow::Result<()> {
        let operation = self.name.name();
        match (given, users.contains(&self.name)) {
            (false, true) => Err(usage(&format!(
                "{flag} is missing: --operation {operation} has to be told {what}"
            ))),
            (true, false) => {
                let users: Vec<String> = users.iter().map(|user| user.name()).collect();
                Err(usage(&format!(
                    "{flag} is of no use to --operation {operation}: leave it out, or ask for --operation {}",
                    users.join(" or ")
                )))
            }
            _ => Ok(()),
        }
    }
}

impl ThresholdArgs {
    fn constraints(&self) -> anyhow::Result<Constraints> {
        let mut constraints = Constraints::default();
        for threshold in &self.balance_threshold {
            let number = threshold.number;
            match threshold.subject {
                Some(Subject::Use(resource)) => {
                    constraints.balance_thresholds[resource as usize] = number
                }
                Some(Subject::Replicas) => constraints.replica_threshold = number,
                Some(Subject::Leaders) => constraints.leader_threshold = number,
                Some(Subject::Topics) => constraints.topic_threshold = number,
                None => {
                    constraints.balance_thresholds = [number; Resource::ALL.len()];
                    constraints.replica_threshold = number;
                    constraints.leader_threshold = number;
                }
            }
        }
        thresholds::set_shares(&self.capacity_threshold, &mut constraints.capacity_thresholds);
        thresholds::set_shares(
            &self.low_utilization_threshold,
            &mut constraints.low_utilization_thresholds,
        );
        if let Some(max) = self.max_replicas_per_broker {
            constraints.max_replicas_per_broker = max;
        }
        constraints.topic_min_gap = self.topic_min_gap.unwrap_or(constraints.topic_min_gap);
        constraints.topic_max_gap = self.topic_max_gap.unwrap_or(constraints.topic_max_gap);
        if constraints.topic_min_gap > constraints.topic_max_gap {
            return Err(usage(&format!(
                "--topic-min-gap {} is more than --topic-max-gap {}: exchange them",
                constraints.topic_min_gap, constraints.topic_max_gap
            )));
        }
        constraints.weigh_leader_bytes_in = !self.same_leader_bytes_in;
        Ok(constraints)
    }
}

/// What a model has that flags can name.
struct Known<'a> {
    cluster: &'a Cluster,
    brokers: BTreeSet<i32>,
    model: &'a str,
}

impl<'a> Known<'a> {
    fn of(cluster: &'a Cluster, model: &'a str) -> Self {
        let brokers = cluster.brokers.iter().map(|broker| broker.id).collect();
        Self { cluster, brokers, model }
    }

    fn brokers(&self, flag: &str, ids: &BTreeSet<i32>) -> anyhow::Result<()> {
        let unknown: Vec<String> = ids.difference(&self.brokers).map(i32::to_string).collect();
        anyhow::ensure!(
            unknown.is_empty(),
            "{flag}: {} has no broker {}; it has {}",
            self.model,
            listed(&unknown),
            listed(&self.brokers.iter().map(i32::to_string).collect::<Vec<_>>())
        );
        Ok(())
    }

    fn log_dirs(&self, dirs: &BTreeSet<(i32, String)>) -> anyhow::Result<()> {
        self.brokers("--log-dirs", &dirs.iter().map(|(broker, _)| *broker).collect())?;
        for (id, path) in dirs {
            let brokers = self.cluster.brokers.iter().filter(|broker| broker.id == *id);
            let paths: Vec<&str> =
                brokers.flat_map(|broker| &broker.log_dirs).map(|dir| dir.path.as_str()).collect();
            if paths.is_empty() {
                anyhow::bail!(
                    "--log-dirs: {} names no log_dirs of broker {id}: it has one disk, which only \
                     --operation remove-brokers --brokers {id} empties",
                    self.model
                );
            }
            anyhow::ensure!(
                paths.contains(&path.as_str()),
                "--log-dirs: broker {id} has no directory \"{}\"; it has {}",
                plain(path),
                listed(&paths)
            );
        }
        Ok(())
    }

    fn topics(&self, flag: &str, names: &BTreeSet<String>) -> anyhow::Result<()> {
        let mut missing: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        for topic in &self.cluster.topics {
            missing.remove(topic.name.as_str());
        }
        let missing: Vec<&str> = missing.into_iter().collect();
        anyhow::ensure!(
            missing.is_empty(),
            "{flag}: {} has no topic {}; `jq -r '.topics[].name'` lists those that it has",
            self.model,
            listed(&missing)
        );
        Ok(())
    }
}

/// `1, 2, 3 and 37 more`.
fn listed(names: &[impl AsRef<str>]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let shown: Vec<String> =
        names.iter().take(LISTED_MAX).map(|name| plain(name.as_ref())).collect();
    let more = names.len() - shown.len();
    let list = shown.join(", ");
    if more > 0 { format!("{list} and {} more", thousands(more as u64)) } else { list }
}

fn parse_log_dir(text: &str) -> Result<(i32, String), String> {
    let way_out = "write BROKER:PATH, such as 1:/var/lib/kafka";
    let (broker, path) = text.split_once(':').ok_or_else(|| way_out.to_owned())?;
    let broker =
        broker.parse().map_err(|_| format!("\"{broker}\" is no broker's id: {way_out}"))?;
    if path.is_empty() { Err(way_out.to_owned()) } else { Ok((broker, path.to_owned())) }
}
