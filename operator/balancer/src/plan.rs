//! What a plan says.

use std::sync::Arc;

use serde::Serialize;

use crate::goal::Goal;

/// What is to be done, in order, and what comes of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// A hash of everything below: whoever approves a plan approves this.
    pub id: String,
    /// A hash of the placement, the states and the capacities that the plan was made from.
    pub basis: String,
    /// The seed that it was made with.
    pub seed: u64,
    /// The name of the operation.
    pub operation: &'static str,
    /// What to do, in this order. After each of them every hard goal holds that held before it.
    pub steps: Vec<Step>,
    /// The goals by priority, before and after.
    pub goals: Vec<GoalOutcome>,
    /// Bytes that are copied between brokers.
    pub bytes_moved: f64,
    /// No plan that ends within the same limits copies fewer (the module `bounds` has the proof).
    pub bytes_lower_bound: f64,
    /// Replicas that go to another broker.
    pub replicas_moved: u64,
    /// No plan that ends within the same limits moves fewer.
    pub replicas_lower_bound: u64,
    /// Partitions that get another leader.
    pub leaders_moved: u64,
    /// Whether the cluster has the right size for its goals.
    pub provision: Provision,
    /// Why the plan does less than it was asked for: what can't be met, the cause, and the smallest change that would
    /// help. Empty when everything is met.
    pub reasons: Vec<String>,
}

/// One step: the smallest thing that is done, waited for, and can be stopped after.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// The topic; all its steps share the name.
    pub topic: Arc<str>,
    /// The partition's number.
    pub partition: i32,
    /// The precondition: brokers of its replicas in order before the step.
    pub from: Vec<i32>,
    /// The same after it. At most one broker comes, and at most one goes; the one that comes takes over the load of the
    /// one that goes.
    pub to: Vec<i32>,
    /// Who leads after it.
    pub leader: Option<i32>,
    /// Bytes that it copies.
    pub bytes: f64,
    /// What it is for.
    pub kind: StepKind,
    /// For a replica that changes its log directory: where it is, from, to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_dir: Option<LogDirMove>,
}

/// A replica that changes its log directory without leaving its broker, or that is put into a certain one.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct LogDirMove {
    /// The broker.
    pub broker: i32,
    /// Where the replica is; none when it comes from another broker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Where it goes.
    pub to: String,
}

/// What a step is for.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// A replica leaves a broker or directory that is dead, draining or to be removed.
    Evacuate,
    /// A replica moves between brokers.
    Move,
    /// A replica comes without another going (a higher replication factor).
    Add,
    /// A replica goes without another coming (a lower one).
    Remove,
    /// Leadership or the order of the replicas changes; nothing is copied.
    Leader,
    /// A replica moves between the directories of its broker.
    LogDir,
}

/// A goal before and after.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct GoalOutcome {
    /// The goal.
    pub name: Goal,
    /// Whether a plan may never break it.
    pub hard: bool,
    /// How many things broke it: brokers for capacities and bands, pairs of topic and broker for goals of topics,
    /// partitions for racks, sets and preferred leaders, directories for goals inside a broker.
    pub violations_before: u64,
    /// How many will.
    pub violations_after: u64,
}

/// Whether a cluster has the right size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Provision {
    /// The verdict.
    pub status: ProvisionStatus,
    /// What to change, one sentence each; empty when the size is right.
    pub recommendations: Vec<String>,
}

/// The verdict on a cluster's size.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProvisionStatus {
    /// The goals can't be met with what is there.
    UnderProvisioned,
    /// They are met, and there is no more than it takes.
    RightSized,
    /// They would be met with less.
    OverProvisioned,
}
