//! `taffrail-operator generate`: random clusters for `plan`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use taffrail_balancer::document::Resources;
use taffrail_balancer::generate::{self as clusters, Distribution, Recipe};

use super::output;

const EXAMPLES: &str = "\
Examples:
  taffrail-operator generate > model.json
  taffrail-operator generate --distribution exponential | taffrail-operator plan -
  taffrail-operator generate --brokers 12 --racks 3 --replicas 3000 --topics 200 -o model.json
  taffrail-operator generate --new-brokers 4 | taffrail-operator plan -
  taffrail-operator generate --dead-brokers 1 | taffrail-operator plan - --operation fix-offline

The same flags give the same cluster, byte for byte.";

/// The flags of `generate`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct GenerateArgs {
    /// Brokers; the last has a smaller disk and network than the others.
    #[arg(long, value_name = "N", default_value_t = Recipe::default().brokers)]
    brokers: u32,

    /// Replicas on them, without those of one more topic that has a leader on each broker.
    #[arg(long, value_name = "N", default_value_t = Recipe::default().replicas)]
    replicas: u32,

    /// Topics, without that one.
    #[arg(long, value_name = "N", default_value_t = Recipe::default().topics)]
    topics: u32,

    /// Racks.
    #[arg(long, value_name = "N", default_value_t = Recipe::default().racks)]
    racks: u32,

    /// Replicas of each partition.
    #[arg(long, value_name = "N", default_value_t = Recipe::default().rf)]
    rf: u32,

    /// Give each topic between --rf and so many replicas of each partition.
    #[arg(long, value_name = "N")]
    rf_max: Option<u32>,

    /// How replicas spread over brokers: uniform, linear or exponential.
    #[arg(long, value_name = "NAME", default_value_t = Recipe::default().distribution)]
    distribution: Distribution,

    /// Which of the clusters of this kind.
    #[arg(long, value_name = "N", default_value_t = Recipe::default().seed)]
    seed: u64,

    /// Write to a file instead of stdout.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    state: StateArgs,

    #[command(flatten)]
    size: SizeArgs,
}

/// The state of the cluster.
#[derive(Args, Debug)]
#[command(next_help_heading = "State")]
struct StateArgs {
    /// Brokers beyond the others that are new and empty.
    #[arg(long, value_name = "N", default_value_t = 0)]
    new_brokers: u32,

    /// How many brokers are dead.
    #[arg(long, value_name = "N", default_value_t = 0)]
    dead_brokers: u32,

    /// How many brokers are demoted.
    #[arg(long, value_name = "N", default_value_t = 0)]
    demoted_brokers: u32,

    /// How many brokers have a log directory that is offline; needs --log-dirs 2 or more.
    #[arg(long, value_name = "N", default_value_t = 0)]
    offline_log_dirs: u32,

    /// Keep the replicas of a partition in different racks from the start.
    #[arg(long)]
    rack_aware: bool,

    /// Let the second replica of each partition lead instead of the first.
    #[arg(long)]
    second_leads: bool,
}

/// The size of brokers and loads.
#[derive(Args, Debug)]
#[command(next_help_heading = "Size")]
struct SizeArgs {
    /// Brokers on each machine.
    #[arg(long, value_name = "N", default_value_t = Recipe::default().brokers_per_host)]
    brokers_per_host: u32,

    /// Log directories of each broker.
    #[arg(long, value_name = "N", default_value_t = Recipe::default().log_dirs)]
    log_dirs: u32,

    /// All capacities are times this.
    #[arg(long, value_name = "NUMBER", default_value_t = Recipe::default().capacity_factor)]
    capacity_factor: f64,

    /// Mean of the bytes of a replica.
    #[arg(long, value_name = "NUMBER", default_value_t = Recipe::default().mean_load.disk)]
    mean_disk: f64,

    /// Mean of the bytes that come in to a replica in a second.
    #[arg(long, value_name = "NUMBER", default_value_t = Recipe::default().mean_load.network_in)]
    mean_network_in: f64,

    /// Mean of the bytes that go out of a leader in a second.
    #[arg(long, value_name = "NUMBER", default_value_t = Recipe::default().mean_load.network_out)]
    mean_network_out: f64,

    /// Mean of the cores that a leader takes.
    #[arg(long, value_name = "NUMBER", default_value_t = Recipe::default().mean_load.cpu)]
    mean_cpu: f64,
}

impl From<GenerateArgs> for Recipe {
    fn from(args: GenerateArgs) -> Self {
        let GenerateArgs { state, size, .. } = args;
        Self {
            brokers: args.brokers,
            new_brokers: state.new_brokers,
            dead_brokers: state.dead_brokers,
            demoted_brokers: state.demoted_brokers,
            brokers_per_host: size.brokers_per_host,
            racks: args.racks,
            replicas: args.replicas,
            topics: args.topics,
            rf: args.rf,
            rf_max: args.rf_max,
            distribution: args.distribution,
            seed: args.seed,
            rack_aware: state.rack_aware,
            leader_first: !state.second_leads,
            capacity_factor: size.capacity_factor,
            log_dirs: size.log_dirs,
            offline_log_dirs: state.offline_log_dirs,
            mean_load: Resources {
                cpu: size.mean_cpu,
                network_in: size.mean_network_in,
                network_out: size.mean_network_out,
                disk: size.mean_disk,
            },
        }
    }
}

/// Makes the cluster and writes it as JSON.
///
/// # Errors
/// If there can't be such a cluster, or it can't be written.
pub(crate) fn run(mut args: GenerateArgs) -> anyhow::Result<()> {
    let path = args.output.take();
    let cluster = clusters::generate(&args.into()).context("there is no such cluster")?;
    match path {
        Some(path) => output::to_file(&path, |out| output::json(out, &cluster)),
        None => output::to_stdout(|out| output::json(out, &cluster)),
    }
}
