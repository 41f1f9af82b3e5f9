//! Why there is no cluster of a recipe.

use super::recipe::AMOUNT_MAX;

/// A cluster that there can't be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RecipeError {
    /// Too few or too many of something.
    #[error("{what}: {count} is out of range, give {least} to {most}")]
    OutOfRange {
        /// Of what.
        what: &'static str,
        /// How many were asked for.
        count: u32,
        /// The fewest.
        least: u32,
        /// The most.
        most: u32,
    },
    /// More of something than there is to put it.
    #[error("{what}: {count} is more than there are {of} ({most}), give fewer or more of those")]
    More {
        /// Of what.
        what: &'static str,
        /// How many were asked for.
        count: u32,
        /// What there are too few of.
        of: &'static str,
        /// How many there are.
        most: u32,
    },
    /// The most is less than the fewest.
    #[error("rf: {rf} is more than rf_max ({rf_max}), give less or more there")]
    RfMax {
        /// The fewest replicas of a partition.
        rf: u32,
        /// The most.
        rf_max: u32,
    },
    /// Racks are fewer than the replicas of a partition.
    #[error("{needed} replicas of a partition need as many racks, there are {racks}")]
    TooFewRacks {
        /// How many there are.
        racks: u32,
        /// How many are needed.
        needed: u32,
    },
    /// The only directory of a broker can't be offline.
    #[error("a directory can be offline beside another only, give at least 2 log dirs a broker")]
    OnlyLogDir,
    /// Not a partition for each topic.
    #[error("{replicas} replicas are too few for {topics} topics, give at least {needed}")]
    TooFewReplicas {
        /// How many there are.
        replicas: u32,
        /// Topics.
        topics: u32,
        /// How many are needed.
        needed: u64,
    },
    /// The number of replicas doesn't come out.
    #[error(
        "{replicas} replicas can't be reached exactly: {made} is as near as whole partitions come"
    )]
    Inexact {
        /// How many were asked for.
        replicas: u32,
        /// How many there would be.
        made: u32,
    },
    /// A topic is too large.
    #[error(
        "a topic would have {partitions} partitions, more than {most}: give more topics or fewer replicas"
    )]
    TooManyPartitions {
        /// How many it would have.
        partitions: u32,
        /// The most.
        most: usize,
    },
    /// The factor is none.
    #[error("capacity factor {0} is out of range, give more than 0 and up to {AMOUNT_MAX:e}")]
    CapacityFactor(f64),
    /// The mean is none.
    #[error("mean load of {what}: {mean} is out of range, give 0 to {AMOUNT_MAX:e}")]
    Mean {
        /// The resource.
        what: &'static str,
        /// What was asked for.
        mean: f64,
    },
    /// No distribution is named so.
    #[error("no distribution is named \"{0}\": there are uniform, linear and exponential")]
    UnknownDistribution(String),
}
