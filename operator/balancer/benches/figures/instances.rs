//! The clusters that are measured, and what is aimed at on each.

use taffrail_balancer::generate::{Distribution, Recipe};
use taffrail_balancer::wording::thousands;
use taffrail_balancer::{Constraints, Operation, Options};

/// The number of replicas and of brokers of the cluster whose load and capacities the others take over.
const BASE: (f64, f64) = (50_001.0, 40.0);

/// A size of cluster.
#[derive(Debug)]
pub(crate) struct Size {
    /// What it is called on the command line.
    pub(crate) label: &'static str,
    /// Brokers that hold something.
    brokers: u32,
    /// Empty ones beside them that alone may receive.
    new_brokers: u32,
    pub(crate) replicas: u32,
    topics: u32,
    /// Replicas that a broker may have.
    max_replicas_per_broker: u32,
    /// Whether capacities grow with the replicas on a broker, so that it is used as much as one of the base.
    scaled: bool,
    distributions: &'static [Distribution],
    /// How often each measurement is made.
    pub(crate) rounds: usize,
    pub(crate) target: Option<Target>,
}

/// What a plan should cost at most.
#[derive(Debug)]
pub(crate) struct Target {
    /// With one thread.
    pub(crate) seconds: f64,
    /// Of the whole process: the cluster, the model and the plan.
    pub(crate) memory: Option<u64>,
}

/// Replicas moved, against the lower bound of all plans; on skewed clusters.
pub(crate) const REPLICAS_TARGET: f64 = 1.10;
/// The same for bytes.
pub(crate) const BYTES_TARGET: f64 = 1.25;

/// The sizes, smallest first.
pub(crate) const SIZES: [Size; 6] = [
    Size {
        label: "40",
        brokers: 40,
        new_brokers: 0,
        replicas: 50_001,
        topics: 3_000,
        max_replicas_per_broker: 10_000,
        scaled: false,
        distributions: &Distribution::ALL,
        rounds: 5,
        target: Some(Target { seconds: 0.1, memory: None }),
    },
    Size {
        label: "40+4",
        brokers: 40,
        new_brokers: 4,
        replicas: 50_001,
        topics: 3_000,
        max_replicas_per_broker: 10_000,
        scaled: false,
        distributions: &[Distribution::Uniform, Distribution::Linear],
        rounds: 5,
        target: None,
    },
    Size {
        label: "100",
        brokers: 100,
        new_brokers: 0,
        replicas: 100_002,
        topics: 6_000,
        max_replicas_per_broker: 10_000,
        scaled: false,
        distributions: &Distribution::ALL,
        rounds: 5,
        target: Some(Target { seconds: 0.2, memory: None }),
    },
    Size {
        label: "200",
        brokers: 200,
        new_brokers: 0,
        replicas: 300_000,
        topics: 15_000,
        max_replicas_per_broker: 10_000,
        scaled: false,
        distributions: &Distribution::ALL,
        rounds: 3,
        target: Some(Target { seconds: 0.8, memory: None }),
    },
    Size {
        label: "1000",
        brokers: 1_000,
        new_brokers: 0,
        replicas: 1_000_002,
        topics: 20_000,
        max_replicas_per_broker: 10_000,
        scaled: false,
        distributions: &Distribution::ALL,
        rounds: 3,
        target: Some(Target { seconds: 10.0, memory: Some(500_000_000) }),
    },
    Size {
        label: "215",
        brokers: 215,
        new_brokers: 0,
        replicas: 2_800_002,
        topics: 40_000,
        // Twice what each has on the average.
        max_replicas_per_broker: 26_000,
        scaled: true,
        distributions: &Distribution::ALL,
        rounds: 2,
        target: Some(Target { seconds: 25.0, memory: None }),
    },
];

/// The sizes of `--quick`.
pub(crate) const QUICK: [&str; 3] = ["40", "40+4", "100"];

/// One cluster.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instance {
    pub(crate) size: &'static Size,
    pub(crate) distribution: Distribution,
}

impl Instance {
    /// Every one, by size.
    pub(crate) fn all() -> Vec<Self> {
        SIZES
            .iter()
            .flat_map(|size| {
                size.distributions.iter().map(move |&distribution| Self { size, distribution })
            })
            .collect()
    }

    /// `40-uniform` and the like.
    pub(crate) fn name(self) -> String {
        format!("{}-{}", self.size.label, self.distribution)
    }

    /// Whether the cluster is skewed, so that it takes far more than a few moves.
    pub(crate) fn is_skewed(self) -> bool {
        self.distribution != Distribution::Uniform
    }

    /// How it is made.
    pub(crate) fn recipe(self, seed: u64) -> Recipe {
        Recipe {
            brokers: self.size.brokers,
            new_brokers: self.size.new_brokers,
            replicas: self.size.replicas,
            topics: self.size.topics,
            capacity_factor: self.size.capacity_factor(),
            distribution: self.distribution,
            seed,
            ..Recipe::default()
        }
    }

    /// What is asked of the planner.
    pub(crate) fn options(self) -> Options {
        Options {
            constraints: Constraints {
                max_replicas_per_broker: self.size.max_replicas_per_broker,
                ..Constraints::default()
            },
            ..Options::new(Operation::Rebalance)
        }
    }
}

impl Size {
    /// In the style of the targets.
    pub(crate) fn describe(&self) -> String {
        let brokers = match self.new_brokers {
            0 => format!("{} brokers", thousands(u64::from(self.brokers))),
            new => format!("{} + {new} new brokers", self.brokers),
        };
        format!("{brokers}, {} replicas", thousands(u64::from(self.replicas)))
    }

    /// What it takes to make such a cluster, for the report.
    pub(crate) fn recipe_row(&self) -> [String; 5] {
        [
            self.describe(),
            thousands(u64::from(self.topics)),
            format!("{:.0}", f64::from(self.replicas) / f64::from(self.brokers)),
            format!("{:.2}", self.capacity_factor()),
            thousands(u64::from(self.max_replicas_per_broker)),
        ]
    }

    fn capacity_factor(&self) -> f64 {
        if self.scaled {
            f64::from(self.replicas) / f64::from(self.brokers) / (BASE.0 / BASE.1)
        } else {
            1.0
        }
    }
}
