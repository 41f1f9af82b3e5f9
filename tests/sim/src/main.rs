//! Runs seeds, and prints for one that fails how to repeat it.

use std::process::ExitCode;

use clap::Parser;
use taffrail_sim::{Coverage, run};

/// Runs whole nodes from seeds, with faults, and checks what they promise.
#[derive(Debug, Parser)]
#[command(name = "taffrail-sim")]
struct Arguments {
    /// How many seeds to run.
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    start: u64,
    /// Runs this seed alone.
    #[arg(long, conflicts_with_all = ["seeds", "start"])]
    seed: Option<u64>,
    /// Prints every event.
    #[arg(short, long)]
    verbose: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (first, count) = match arguments.seed {
        Some(seed) => (seed, 1),
        None => (arguments.start, arguments.seeds),
    };
    let mut coverage = Coverage::default();
    for seed in first..first.saturating_add(count) {
        match run(seed, arguments.verbose) {
            Ok(outcome) => {
                coverage.add(&outcome.coverage);
                if arguments.seed.is_some() {
                    println!("seed {seed}: trace {:016x}", outcome.trace);
                }
            }
            Err(failure) => {
                eprintln!("{failure}");
                return ExitCode::FAILURE;
            }
        }
    }
    println!("{count} seeds from {first} on\n{coverage}");
    let low = coverage.below_floor(count);
    for line in &low {
        eprintln!("too little was covered: {line}");
    }
    if low.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
