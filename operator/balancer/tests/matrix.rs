//! The generator's matrix: random clusters of tens of thousands of replicas, in every shape that the benchmark has and
//! with everything that happens to clusters, each planned, verified, carried out and planned again.
//!
//! The run of every change has each variant with each distribution, and each seed several times;
//! `TAFFRAIL_MATRIX=full` runs the product with the seeds, `TAFFRAIL_MATRIX=<part of a name>` the cells of that name.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a test measures itself for whoever waits"
)]

mod verifier;

#[path = "plans/carry_out.rs"]
mod carry_out;
#[path = "plans/statistics.rs"]
mod statistics;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use taffrail_balancer::document::{Broker, BrokerState, Cluster, LogDir, LogDirState, Replica};
use taffrail_balancer::generate::{Distribution, Recipe, generate};
use taffrail_balancer::{Goal, Model, Operation, Options, Plan, Threads, plan};

const DISTRIBUTIONS: [Distribution; 3] =
    [Distribution::Uniform, Distribution::Linear, Distribution::Exponential];
const SEEDS: [u64; 12] =
    [3140, 5234, 72033, 1240, 7234, 100_000, 200_000, 300_000, 400_000, 500_000, 600_000, 700_000];

/// What is different from the base.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Variant {
    Base,
    Brokers(u32),
    Replicas(u32),
    Topics(u32),
    ReplicationFactor(u32),
    MaxReplicas(u32),
    Threshold105,
    Capacity08,
    DeadBrokers(u32),
    OfflineLogDirs(u32),
    Demoted(u32),
    SharedHosts,
}

const VARIANTS: [Variant; 18] = [
    Variant::Base,
    Variant::Brokers(80),
    Variant::Brokers(140),
    Variant::Replicas(65_004),
    Variant::Replicas(70_005),
    Variant::Replicas(75_006),
    Variant::Topics(7_000),
    Variant::Topics(8_000),
    Variant::ReplicationFactor(4),
    Variant::ReplicationFactor(5),
    Variant::MaxReplicas(1_500),
    Variant::MaxReplicas(3_000),
    Variant::Threshold105,
    Variant::Capacity08,
    Variant::DeadBrokers(2),
    Variant::OfflineLogDirs(4),
    Variant::Demoted(3),
    Variant::SharedHosts,
];

#[derive(Clone, Copy, Debug)]
struct Cell {
    variant: Variant,
    distribution: Distribution,
    seed: u64,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}-{:?}-{}", self.variant, self.distribution, self.seed)
    }
}

impl Cell {
    fn recipe(self) -> Recipe {
        let mut recipe =
            Recipe { distribution: self.distribution, seed: self.seed, ..Recipe::default() };
        match self.variant {
            Variant::Base
            | Variant::Threshold105
            | Variant::Capacity08
            | Variant::MaxReplicas(_) => {}
            Variant::Brokers(brokers) => recipe.brokers = brokers,
            Variant::Replicas(replicas) => {
                recipe.replicas = replicas;
                recipe.capacity_factor = 1.5;
            }
            Variant::Topics(topics) => recipe.topics = topics,
            Variant::ReplicationFactor(rf) => {
                recipe.rf = rf;
                recipe.replicas = 50_000;
            }
            Variant::DeadBrokers(dead) => recipe.dead_brokers = dead,
            Variant::OfflineLogDirs(dirs) => {
                recipe.log_dirs = 3;
                recipe.offline_log_dirs = dirs;
            }
            Variant::Demoted(brokers) => recipe.demoted_brokers = brokers,
            Variant::SharedHosts => recipe.brokers_per_host = 2,
        }
        recipe
    }

    fn options(self) -> Options {
        let mut options = Options::new(Operation::Rebalance);
        let constraints = &mut options.constraints;
        match self.variant {
            Variant::MaxReplicas(replicas) => constraints.max_replicas_per_broker = replicas,
            Variant::Threshold105 => {
                constraints.balance_thresholds = [1.05; 4];
                constraints.replica_threshold = 1.05;
                constraints.leader_threshold = 1.05;
            }
            Variant::Capacity08 => constraints.capacity_thresholds = [0.8; 4],
            _ => {}
        }
        options
    }

    /// Whether every goal can be met. Of replicas that stay where they are while others are offline nothing is asked, and
    /// brokers that may not lead can't have their share of what leaders cost.
    fn can_be_met(self) -> bool {
        !matches!(
            self.variant,
            Variant::DeadBrokers(_) | Variant::OfflineLogDirs(_) | Variant::Demoted(_)
        )
    }

    /// Plans, carries the plan out, adds two brokers, and plans again.
    fn run(self) -> Result<(), String> {
        let cluster = generate(&self.recipe()).map_err(|error| error.to_string())?;
        let options = self.options();
        let first = verified(&cluster, &options, "")?;
        if self.can_be_met() {
            all_met(&first)?;
        }
        let mut cluster = carry_out::carry_out(&cluster, &first);
        add_brokers(&mut cluster);
        verified(&cluster, &options, "with two new brokers: ")?;
        Ok(())
    }
}

/// A plan that the verifier has nothing against.
fn verified(cluster: &Cluster, options: &Options, when: &str) -> Result<Plan, String> {
    let model = Model::new(cluster.clone()).map_err(|error| error.to_string())?;
    let plan = plan(&model, options, Threads::One).map_err(|error| error.to_string())?;
    let verified = verifier::verify(cluster, options, &plan)
        .map_err(|complaints| format!("{when}{}", complaints.join("\n")))?;
    let lost = without_a_source(cluster);
    if verified.stranded_left != lost {
        return Err(format!(
            "{when}{} replicas stay stranded, and {lost} have nothing to be copied from: {:?}",
            verified.stranded_left, plan.reasons
        ));
    }
    let differences = statistics::compare(&model, &plan, &verified);
    if !differences.is_empty() {
        return Err(format!("{when}{}", differences.join("\n")));
    }
    Ok(plan)
}

/// Replicas of partitions that are nowhere online: to move them would lose what they hold.
fn without_a_source(cluster: &Cluster) -> usize {
    let is_online = |replica: &Replica| {
        let holds = |dir: &LogDir| {
            replica.log_dir.as_ref() == Some(&dir.path) && dir.state == LogDirState::Offline
        };
        cluster.brokers.iter().any(|broker| {
            broker.id == replica.broker
                && broker.state != BrokerState::Dead
                && !broker.log_dirs.iter().any(holds)
        })
    };
    let partitions = cluster.topics.iter().flat_map(|topic| &topic.partitions);
    partitions
        .filter(|partition| !partition.replicas.iter().any(is_online))
        .map(|partition| partition.replicas.len())
        .sum()
}

fn all_met(plan: &Plan) -> Result<(), String> {
    let unmet: Vec<(Goal, u64)> = plan
        .goals
        .iter()
        .filter(|outcome| outcome.violations_after > 0)
        .map(|outcome| (outcome.name, outcome.violations_after))
        .collect();
    if unmet.is_empty() {
        Ok(())
    } else {
        Err(format!("left violated: {unmet:?}: {:?}", plan.reasons))
    }
}

fn add_brokers(cluster: &mut Cluster) {
    let last = cluster.brokers.iter().map(|broker| broker.id).max().unwrap_or_default();
    for (new, id) in (last + 1..=last + 2).enumerate() {
        let like = cluster.brokers[new].clone();
        let broker =
            Broker { id, host: None, state: BrokerState::New, log_dirs: Vec::new(), ..like };
        cluster.brokers.push(broker);
    }
}

/// Each variant with each distribution, and the seeds in turn.
fn covering() -> Vec<Cell> {
    let pairs = VARIANTS
        .into_iter()
        .flat_map(|variant| DISTRIBUTIONS.map(|distribution| (variant, distribution)));
    let cell = |(index, (variant, distribution))| Cell {
        variant,
        distribution,
        seed: SEEDS[index % SEEDS.len()],
    };
    pairs.enumerate().map(cell).collect()
}

fn all() -> Vec<Cell> {
    let mut cells = Vec::new();
    for variant in VARIANTS {
        for distribution in DISTRIBUTIONS {
            cells.extend(SEEDS.map(|seed| Cell { variant, distribution, seed }));
        }
    }
    cells
}

#[test]
fn every_cell_is_planned_right() {
    let told = std::env::var("TAFFRAIL_MATRIX").unwrap_or_default();
    let cells = match told.as_str() {
        "" => covering(),
        "full" => all(),
        part => all().into_iter().filter(|cell| cell.to_string().contains(part)).collect(),
    };
    assert!(!cells.is_empty(), "no cell is named {told}");
    let next = AtomicUsize::new(0);
    let work = || {
        let mut failures = Vec::new();
        while let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
            let begun = std::time::Instant::now();
            let result = cell.run();
            println!(
                "{cell} {:.1} s{}",
                begun.elapsed().as_secs_f64(),
                if result.is_ok() { "" } else { " WRONG" }
            );
            if let Err(complaint) = result {
                failures.push(format!("TAFFRAIL_MATRIX={cell}: {complaint}"));
            }
        }
        failures
    };
    let failures: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a plan never panics")).collect()
    });
    assert!(
        failures.is_empty(),
        "{} of {} cells are wrong:\n{}",
        failures.len(),
        cells.len(),
        failures.join("\n")
    );
}
