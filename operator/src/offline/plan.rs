//! `taffrail-operator plan`: what the balancer would do.

use std::io::{self, IsTerminal as _, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use taffrail_balancer::{Model, Options, Plan, Threads};

use super::report::{Report, Size};
use super::request::{ExclusionArgs, Request, RequestArgs, ThresholdArgs};
use super::{model_file, output, picture, table};

/// From so many replicas on a person at a terminal is told what goes on.
const LARGE_REPLICAS: usize = 200_000;
/// More threads than any machine has cores for.
const THREADS_MAX: usize = 1024;

/// Shown under the flags.
const EXAMPLES: &str = "\
Examples:
  taffrail-operator generate -o model.json
  taffrail-operator plan model.json                        what would you do?
  taffrail-operator plan model.json -o svg > load.svg      the load before and after, as a picture
  taffrail-operator plan model.json -o json | jq .steps    every step
  taffrail-operator plan model.json --operation remove-brokers --brokers 3,7
  taffrail-operator plan model.json --operation replication-factor --topics orders --factor 3
  taffrail-operator plan model.json --goals RackAware,DiskCapacity,DiskUsageDistribution
  taffrail-operator plan model.json --balance-threshold disk=1.05 --capacity-threshold 0.7

A plan is the same, byte for byte, for the same model, options and seed, whatever --threads says.
Exit code 0: there is a plan, even one that does nothing or says why it does less. 1: there is none.
2: the flags don't fit together.";

/// The flags of `plan`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct PlanArgs {
    /// The cluster as JSON: its brokers, topics, partitions, and what each replica costs; - is stdin.
    #[arg(value_name = "MODEL")]
    model: PathBuf,

    #[command(flatten)]
    request: RequestArgs,

    /// Threads to search with. The plan doesn't depend on them.
    #[arg(long, value_name = "N", default_value = "1", value_parser = parse_threads)]
    threads: NonZeroUsize,

    /// How the plan is written.
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Format::Table)]
    output: Format,

    /// In the table, show every broker and not only those that change most.
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    exclusions: ExclusionArgs,

    #[command(flatten)]
    thresholds: ThresholdArgs,
}

/// How a plan is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    /// The plan itself on one line, for programs.
    Json,
    /// For people: what moves, goals and brokers before and after, the first steps.
    Table,
    /// A picture of the load of each broker before and after.
    Svg,
}

/// Makes the plan and writes it to stdout.
///
/// # Errors
/// If there is no plan: the model can't be read or isn't sound, or names something that isn't in it.
pub(crate) fn run(args: PlanArgs) -> anyhow::Result<()> {
    if args.all && args.output != Format::Table {
        let message =
            "--all is about the table: leave it out, JSON and the picture leave nothing out anyway";
        return Err(super::usage(message));
    }
    let request = Request::new(args.request, args.exclusions, &args.thresholds)?;
    let name = model_file::display_name(&args.model);
    let mut cluster = model_file::read_cluster(&args.model)?;
    let options = request.options_for(&mut cluster, &name)?;
    let model = Model::new(cluster)
        .map_err(|problems| anyhow::anyhow!("{name} isn't sound:\n{problems}"))?;
    let size = Size::of(&model);
    if size.replicas >= LARGE_REPLICAS && io::stderr().is_terminal() {
        eprintln!("read {}; planning ...", size.sentence());
    }
    let plan = make_plan(&model, &options, args.threads)?;
    match args.output {
        Format::Json => output::to_stdout(|out| output::json(out, &plan)),
        Format::Table => {
            let report = Report::new(&model, &options, &plan)?;
            output::to_stdout(|out| write_line(out, &table::table(&report, args.all)))
        }
        Format::Svg => {
            let report = Report::new(&model, &options, &plan)?;
            output::to_stdout(|out| write_line(out, &picture::picture(&report)))
        }
    }
}

fn make_plan(model: &Model, options: &Options, threads: NonZeroUsize) -> anyhow::Result<Plan> {
    if threads.get() == 1 {
        return Ok(taffrail_balancer::plan(model, options, Threads::One)?);
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.get())
        .build()
        .with_context(|| format!("can't start {threads} threads (--threads)"))?;
    Ok(taffrail_balancer::plan(model, options, Threads::Pool(&pool))?)
}

fn write_line(out: &mut dyn Write, text: &str) -> io::Result<()> {
    out.write_all(text.as_bytes())?;
    if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") }
}

fn parse_threads(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse() {
        Ok(0) => Err("without threads nothing is planned: give 1 or more".to_owned()),
        Ok(number @ 1..=THREADS_MAX) => NonZeroUsize::new(number).ok_or_else(String::new),
        Ok(_) => Err(format!("no more than {THREADS_MAX} are of any use")),
        Err(_) => Err(format!("\"{text}\" is no number of threads")),
    }
}
