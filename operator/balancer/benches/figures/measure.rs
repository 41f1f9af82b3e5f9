//! The measuring of one cluster, in a process of its own.

use std::io::{self, Write};
use std::time::Instant;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use taffrail_balancer::generate::generate;
use taffrail_balancer::{GoalOutcome, Model, Options, Plan, Threads, plan};

use crate::greedy;
use crate::instances::Instance;
use crate::machine;

/// How a cluster is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) seed: u64,
    pub(crate) rounds: usize,
    pub(crate) with_greedy: bool,
}

/// What one cluster gave.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Measurement {
    pub(crate) generate_seconds: f64,
    pub(crate) model_seconds: f64,
    /// The planner with one thread.
    pub(crate) one: Times,
    /// The planner with two.
    pub(crate) two: Times,
    pub(crate) plan: Figures,
    /// Whether all plans were the same, byte for byte.
    pub(crate) identical: bool,
    /// Of the process, before the greedy's first turn: the cluster, the model and the plans.
    pub(crate) peak_memory: u64,
    pub(crate) greedy: Option<Greedy>,
}

/// The times of several runs, in seconds.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Times {
    pub(crate) wall: Vec<f64>,
    /// Of the thread that called.
    pub(crate) processor: Vec<f64>,
}

/// What a plan says of itself.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Figures {
    pub(crate) goals: Vec<Violations>,
    pub(crate) steps: usize,
    pub(crate) replicas: u64,
    pub(crate) replicas_bound: u64,
    pub(crate) bytes: f64,
    pub(crate) bytes_bound: f64,
    pub(crate) leaders: u64,
    pub(crate) reasons: Vec<String>,
}

/// A goal, before and after.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Violations {
    pub(crate) goal: String,
    pub(crate) hard: bool,
    pub(crate) before: u64,
    pub(crate) after: u64,
}

/// What the plain greedy made of it.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Greedy {
    pub(crate) times: Times,
    /// `after` is what it leaves.
    pub(crate) goals: Vec<Violations>,
    pub(crate) replicas: u64,
    pub(crate) bytes: f64,
}

impl Times {
    fn take<T>(&mut self, work: impl FnOnce() -> T) -> Result<T> {
        let (processor, wall) = (machine::thread_seconds()?, Instant::now());
        let done = work();
        self.wall.push(wall.elapsed().as_secs_f64());
        self.processor.push(machine::thread_seconds()? - processor);
        Ok(done)
    }

    pub(crate) fn least(&self) -> f64 {
        least(&self.wall)
    }

    pub(crate) fn median(&self) -> f64 {
        median(&self.wall)
    }

    pub(crate) fn least_processor(&self) -> f64 {
        least(&self.processor)
    }

    pub(crate) fn median_processor(&self) -> f64 {
        median(&self.processor)
    }
}

fn least(times: &[f64]) -> f64 {
    times.iter().copied().fold(f64::INFINITY, f64::min)
}

/// The lower of the two in the middle when there are two.
fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(times.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

impl Measurement {
    /// Plans with one thread and with two, and runs the greedy, in turns.
    pub(crate) fn of(instance: Instance, setting: Setting) -> Result<Self> {
        let recipe = instance.recipe(setting.seed);
        let begin = Instant::now();
        let cluster = generate(&recipe).context("generating the cluster")?;
        let generate_seconds = begin.elapsed().as_secs_f64();
        let begin = Instant::now();
        let model = Model::new(cluster).context("reading the cluster")?;
        let model_seconds = begin.elapsed().as_secs_f64();

        let options = instance.options();
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(2)
            .build()
            .context("starting two threads")?;
        let (mut one, mut two, mut greedy_times) =
            (Times::default(), Times::default(), Times::default());
        let mut first = None;
        let mut identical = true;
        let mut peak_memory = 0;
        let mut outcome = None;
        for round in 0..setting.rounds {
            for (times, threads) in [(&mut one, Threads::One), (&mut two, Threads::Pool(&pool))] {
                let plan = times.take(|| plan(&model, &options, threads))?.context("planning")?;
                let digest = digest(&plan)?;
                match &first {
                    None => first = Some((Figures::of(plan), digest)),
                    Some((_, expected)) => identical &= digest == *expected,
                }
            }
            if round == 0 {
                peak_memory = machine::peak_memory()?;
            }
            if setting.with_greedy {
                outcome = Some(greedy_times.take(|| greedy::run(&model, &options.constraints))?);
            }
        }
        let (figures, _) = first.context("no rounds: nothing was measured")?;
        let greedy = match outcome {
            None => None,
            Some(outcome) => {
                let (replicas, bytes) = outcome.moved(&model);
                let mut cluster = generate(&recipe).context("generating the cluster")?;
                outcome.write(&model, &mut cluster);
                let goals = left_by_greedy(cluster, &options, &figures)?;
                Some(Greedy { times: greedy_times, goals, replicas, bytes })
            }
        };
        Ok(Self {
            generate_seconds,
            model_seconds,
            one,
            two,
            plan: figures,
            identical,
            peak_memory,
            greedy,
        })
    }
}

/// Counts what the greedy left by the planner's own rules: what it leaves is what a plan on its outcome starts from.
fn left_by_greedy(
    cluster: taffrail_balancer::document::Cluster,
    options: &Options,
    before: &Figures,
) -> Result<Vec<Violations>> {
    let model = Model::new(cluster).context("reading the greedy's outcome")?;
    let after = plan(&model, options, Threads::One).context("planning on the greedy's outcome")?;
    let goals = before.goals.iter().zip(&after.goals).map(
        |(before, outcome): (&Violations, &GoalOutcome)| Violations {
            goal: before.goal.clone(),
            hard: before.hard,
            before: before.before,
            after: outcome.violations_before,
        },
    );
    Ok(goals.collect())
}

impl Figures {
    fn of(plan: Plan) -> Self {
        Self {
            goals: plan
                .goals
                .iter()
                .map(|goal| Violations {
                    goal: goal.name.to_string(),
                    hard: goal.hard,
                    before: goal.violations_before,
                    after: goal.violations_after,
                })
                .collect(),
            steps: plan.steps.len(),
            replicas: plan.replicas_moved,
            replicas_bound: plan.replicas_lower_bound,
            bytes: plan.bytes_moved,
            bytes_bound: plan.bytes_lower_bound,
            leaders: plan.leaders_moved,
            reasons: plan.reasons,
        }
    }
}

/// A hash of the plan as it is written, without holding all of it in memory at once.
fn digest(plan: &Plan) -> Result<Vec<u8>> {
    struct Hashing(Sha256);
    impl Write for Hashing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut hashing = io::BufWriter::new(Hashing(Sha256::new()));
    serde_json::to_writer(&mut hashing, plan).context("writing the plan")?;
    let hashing =
        hashing.into_inner().map_err(io::IntoInnerError::into_error).context("hashing the plan")?;
    Ok(hashing.0.finalize().to_vec())
}
