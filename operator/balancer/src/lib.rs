//! Plans where the partitions of a cluster go and who leads them.
//!
//! A pure room: a [`Model`] and [`Options`] go in, a [`Plan`] comes out. It knows no Kubernetes, no network, no clock, and
//! has no threads that it wasn't given ([`Threads`]). The same model, options and seed give the same plan, byte for byte,
//! whatever the number of threads: the search is bounded in iterations, never in time.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "indices are u32 by construction, and sums stay below 2^53"
)]

pub mod attribution;
mod bands;
mod bounds;
mod broker_sets;
pub mod document;
mod evaluate;
mod evenness;
pub mod generate;
mod goal;
mod limits;
mod log_dirs;
mod model;
mod options;
mod order;
mod place;
mod placement;
mod plan;
mod planner;
mod provision;
mod racks;
mod reasons;
mod replication_factor;
mod search;
mod shortage;
mod statistics;
mod task;
#[cfg(test)]
mod tiny;
pub mod wording;

pub use bands::{Band, BrokerBands, bands};
pub use goal::{DEFAULT_GOALS, Goal, UnknownGoal};
pub use model::{
    Broker, Host, Load, LogDir, Model, ModelError, NONE, Partition, Problem, RESOURCES, Replica,
    Resource, Topic,
};
pub use options::{Constraints, Operation, Options};
pub use place::{NewPartitions, PlaceError, place};
pub use plan::{GoalOutcome, LogDirMove, Plan, Provision, ProvisionStatus, Step, StepKind};
pub use planner::{PlanError, Threads, plan};
pub use replication_factor::ReplicationFactorError;
pub use statistics::{BrokerStatistics, statistics_after, statistics_before};
