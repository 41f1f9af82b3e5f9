//! Measures the planner on clusters from 50,000 to 2.8 million replicas: its time with one thread and with two, what it
//! leaves violated, what it moves against the lower bounds, its memory; beside it a plain greedy in Cruise Control's
//! style.
//!
//! Each cluster is measured in a child process, so that its peak of memory is its own. Nothing here asserts: the figures
//! are for people, and [`REPORT.md`](REPORT.md) keeps the last ones.
//!
//! ```text
//! cargo bench -p taffrail-balancer --bench figures -- --quick
//! cargo bench -p taffrail-balancer --bench figures -- --report operator/balancer/benches/figures/REPORT.md
//! ```
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock"
)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "indices are u32 by construction, and sums stay below 2^53"
)]

mod greedy;
mod instances;
mod machine;
mod measure;
mod report;

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;

use instances::{Instance, QUICK, SIZES};
use measure::{Measurement, Setting};

/// Measures the planner and writes a report in Markdown.
#[derive(Debug, Parser)]
struct Arguments {
    /// Measures the smaller clusters alone, twice each.
    #[arg(long)]
    quick: bool,
    /// The clusters to measure, by the number of their brokers (40, 40+4, 100, 200, 1000, 215) or by name (40-linear).
    #[arg(long, value_delimiter = ',')]
    instances: Vec<String>,
    /// How often each is measured, instead of two to five times.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// Runs the greedy on clusters of no more replicas than this: on larger ones it takes minutes.
    #[arg(long, default_value_t = 300_000)]
    greedy_max_replicas: u32,
    /// Makes the clusters.
    #[arg(long, default_value_t = 3140)]
    seed: u64,
    /// Where to write the report, besides standard output. A relative path begins at the root of the workspace.
    #[arg(long)]
    report: Option<PathBuf>,
    /// Measures this one in this process and writes JSON: how the benchmark calls itself.
    #[arg(long, hide = true)]
    child: Option<String>,
    /// What `cargo bench` passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let mut arguments = Arguments::parse();
    // `cargo test --all-targets` runs benchmarks without `--bench`: to see that they work, not to wait for them.
    if !arguments.bench {
        arguments.quick = true;
    }
    match &arguments.child {
        Some(name) => child(&arguments, name),
        None => parent(&arguments),
    }
}

impl Arguments {
    fn chosen(&self) -> Result<Vec<Instance>> {
        let names: Vec<&str> = match &self.instances[..] {
            [] if self.quick => QUICK.to_vec(),
            [] => SIZES.iter().map(|size| size.label).collect(),
            names => names.iter().map(String::as_str).collect(),
        };
        let mut chosen = Vec::new();
        for name in names {
            let known = chosen.len();
            let is_named = |at: &Instance| at.size.label == name || at.name() == name;
            chosen.extend(Instance::all().into_iter().filter(is_named));
            if chosen.len() == known {
                let all: Vec<String> = Instance::all().into_iter().map(Instance::name).collect();
                bail!("no cluster is named {name}: there are {}", all.join(", "));
            }
        }
        Ok(chosen)
    }

    fn setting(&self, instance: Instance) -> Setting {
        let rounds = match self.rounds {
            Some(rounds) => rounds as usize,
            None if self.quick => 2,
            None => instance.size.rounds,
        };
        Setting {
            seed: self.seed,
            rounds,
            with_greedy: instance.size.replicas <= self.greedy_max_replicas,
        }
    }
}

fn parent(arguments: &Arguments) -> Result<()> {
    let machine = machine::describe()?;
    let mut rows = Vec::new();
    for instance in arguments.chosen()? {
        eprintln!("measuring {}", instance.name());
        let outcome = in_child(instance).map_err(|error| format!("{error:#}"));
        if let Err(cause) = &outcome {
            eprintln!("{}: {cause}", instance.name());
        }
        rows.push((instance, outcome));
    }
    let passed: Vec<String> =
        env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let heading =
        report::Heading { machine: &machine, arguments: &passed.join(" "), seed: arguments.seed };
    let page = report::write(&heading, &rows);
    print!("{page}");
    if let Some(path) = &arguments.report {
        // Cargo runs a benchmark in the directory of its crate.
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let path = PathBuf::from(root).join(path);
        fs::write(&path, &page).with_context(|| format!("writing {}", path.display()))?;
    }
    ensure!(rows.iter().all(|(_, outcome)| outcome.is_ok()), "not every cluster could be measured");
    Ok(())
}

/// Calls this program once more, with the same arguments, for one cluster.
fn in_child(instance: Instance) -> Result<Measurement> {
    let output = Command::new(env::current_exe().context("finding this program")?)
        .args(env::args_os().skip(1))
        .args(["--child", &instance.name()])
        .output()
        .context("starting a process")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "its process ended with {}: {}", output.status, said.trim());
    serde_json::from_slice(&output.stdout).context("reading what its process measured")
}

fn child(arguments: &Arguments, name: &str) -> Result<()> {
    let instance = Instance::all().into_iter().find(|at| at.name() == name);
    let instance = instance.with_context(|| format!("no cluster is named {name}"))?;
    let measured = Measurement::of(instance, arguments.setting(instance))?;
    println!("{}", serde_json::to_string(&measured).context("writing what was measured")?);
    Ok(())
}
