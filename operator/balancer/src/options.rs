//! What a plan is asked for: the operation, the goals, the thresholds and the seed.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::goal::{DEFAULT_GOALS, Goal};
use crate::model::{RESOURCES, Resource};
use crate::planner::PlanError;

/// What a plan is asked for. [`Options::new`] has the defaults.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is to be done.
    pub operation: Operation,
    /// The goals, the first before the rest. Hard goals come before soft ones, wherever they stand here.
    pub goals: Vec<Goal>,
    /// Where the bands and the limits are.
    pub constraints: Constraints,
    /// Makes the choices of the search. The same model, options and seed give the same plan, whatever the threads.
    pub seed: u64,
    /// Ids of brokers that receive no replicas and are not counted on to hold their share.
    pub excluded_for_replicas: BTreeSet<i32>,
    /// Ids of brokers that are not made leaders.
    pub excluded_for_leadership: BTreeSet<i32>,
    /// Sets of brokers for `BrokerSetAwareGoal`: name to ids.
    pub broker_sets: BTreeMap<String, BTreeSet<i32>>,
    /// The set that each topic belongs to. A topic that isn't here belongs to the set that has most of its bytes.
    pub topic_sets: BTreeMap<String, String>,
}

impl Options {
    /// The defaults for an operation.
    #[must_use]
    pub fn new(operation: Operation) -> Self {
        Self {
            operation,
            goals: DEFAULT_GOALS.to_vec(),
            constraints: Constraints::default(),
            seed: 0,
            excluded_for_replicas: BTreeSet::new(),
            excluded_for_leadership: BTreeSet::new(),
            broker_sets: BTreeMap::new(),
            topic_sets: BTreeMap::new(),
        }
    }

    /// Whether the goal is among those asked for.
    #[must_use]
    pub fn has(&self, goal: Goal) -> bool {
        self.goals.contains(&goal)
    }
}

/// What is to be done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Operation {
    /// Bring every goal about. With offline replicas in the model, soft goals move those alone; with new brokers in it,
    /// only they receive.
    Rebalance,
    /// Give these brokers their share; no other receives anything.
    AddBrokers(BTreeSet<i32>),
    /// Take everything from these brokers.
    RemoveBrokers(BTreeSet<i32>),
    /// Put offline replicas elsewhere, and move nothing else for a soft goal.
    FixOffline,
    /// Take everything out of these log directories: broker and path.
    RemoveLogDirs(BTreeSet<(i32, String)>),
    /// Take leadership, and the first place in the replica list, from these brokers. Nothing is copied.
    Demote(BTreeSet<i32>),
    /// Balance leadership alone, and make every leader the preferred one. Nothing is copied.
    Leaders,
    /// Give topics another replication factor.
    ReplicationFactor {
        /// Names of topics; empty is all that aren't excluded.
        topics: BTreeSet<String>,
        /// Replicas of each partition.
        factor: u32,
    },
}

impl Operation {
    /// Its name on the command line and in a plan.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Rebalance => "rebalance",
            Self::AddBrokers(_) => "add-brokers",
            Self::RemoveBrokers(_) => "remove-brokers",
            Self::FixOffline => "fix-offline",
            Self::RemoveLogDirs(_) => "remove-log-dirs",
            Self::Demote(_) => "demote",
            Self::Leaders => "leaders",
            Self::ReplicationFactor { .. } => "replication-factor",
        }
    }
}

/// Where bands and limits are. Names and defaults are Cruise Control's.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Constraints {
    /// By resource: use may be so many times the average; 1.10 unless told otherwise.
    pub balance_thresholds: [f64; RESOURCES],
    /// By resource: the share of the capacity that may be used; 0.8, and 0.7 of the processor.
    pub capacity_thresholds: [f64; RESOURCES],
    /// By resource: at and below this share of all capacity the cluster idles: its band has no lower end, and its upper
    /// one is no lower than nine tenths of this share.
    pub low_utilization_thresholds: [f64; RESOURCES],
    /// The same as `balance_thresholds` for the number of replicas.
    pub replica_threshold: f64,
    /// For the number of leaders.
    pub leader_threshold: f64,
    /// For the replicas and the leaders of one topic; 3.00.
    pub topic_threshold: f64,
    /// A topic's band is at least so far from the average...
    pub topic_min_gap: u32,
    /// ... and at most so far.
    pub topic_max_gap: u32,
    /// Replicas that a broker may have; 10,000.
    pub max_replicas_per_broker: u32,
    /// Weigh a broker's share of leader bytes in by its capacity. Cruise Control doesn't.
    pub weigh_leader_bytes_in: bool,
}

impl Constraints {
    /// How much of a band is used: the rest is kept for what changes until the plan is carried out.
    pub const MARGIN: f64 = 0.9;

    /// Whether the thresholds make sense.
    pub(crate) fn check(&self) -> Result<(), PlanError> {
        let refuse = |name, value: String, range| Err(PlanError::Threshold { name, value, range });
        let bands = [
            ("a resource's balance threshold", &self.balance_thresholds[..]),
            ("the balance threshold of replicas", &[self.replica_threshold]),
            ("the balance threshold of leaders", &[self.leader_threshold]),
            ("the balance threshold of topics", &[self.topic_threshold]),
        ];
        for (name, thresholds) in bands {
            if let Some(value) = thresholds.iter().find(|value| !(1.0..=1_000.0).contains(*value)) {
                return refuse(name, value.to_string(), "from 1 to 1000");
            }
        }
        if let Some(value) =
            self.capacity_thresholds.iter().find(|value| !(0.0..=1.0).contains(*value))
        {
            return refuse("a resource's capacity threshold", value.to_string(), "from 0 to 1");
        }
        if let Some(value) =
            self.low_utilization_thresholds.iter().find(|value| !(0.0..=1.0).contains(*value))
        {
            return refuse(
                "a resource's low utilisation threshold",
                value.to_string(),
                "from 0 to 1",
            );
        }
        if self.topic_min_gap > self.topic_max_gap {
            return refuse(
                "the least gap of topics",
                self.topic_min_gap.to_string(),
                "no more than the largest gap",
            );
        }
        Ok(())
    }

    /// Half the width of a band with this threshold, as a share of the average.
    #[must_use]
    pub fn band(threshold: f64) -> f64 {
        (threshold - 1.0) * Self::MARGIN
    }

    /// The same, of a resource.
    #[must_use]
    pub fn resource_band(&self, resource: Resource) -> f64 {
        Self::band(self.balance_thresholds[resource as usize])
    }
}

impl Default for Constraints {
    fn default() -> Self {
        Self {
            balance_thresholds: [1.10; RESOURCES],
            capacity_thresholds: [0.7, 0.8, 0.8, 0.8],
            low_utilization_thresholds: [0.0; RESOURCES],
            replica_threshold: 1.10,
            leader_threshold: 1.10,
            topic_threshold: 3.00,
            topic_min_gap: 2,
            topic_max_gap: 40,
            max_replicas_per_broker: 10_000,
            weigh_leader_bytes_in: true,
        }
    }
}
