//! The command line and its environment.

use std::net::SocketAddr;

use anyhow::Context as _;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use taffrail_crds::cluster::PullPolicy;
use tracing_subscriber::EnvFilter;

use crate::offline;
use crate::run;
use crate::settings::Settings;
use crate::stores::WatchScope;

/// The operator's own version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Libraries that tell in the log what the operator tells better, and at every attempt.
const QUIET: &str = "kube_client=off,kube_runtime=off,tower=off,hyper=off,rustls=error,h2=error";

/// Runs Kafka clusters on Kubernetes.
#[derive(Debug, Parser)]
#[command(name = "taffrail-operator", version, about, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch resources and bring clusters to what they say, until told to stop.
    Run(Box<RunArgs>),
    /// Say what the balancer would do with a cluster that is described in a file.
    Plan(Box<offline::PlanArgs>),
    /// Write a random cluster for `plan` to try out.
    Generate(Box<offline::GenerateArgs>),
    /// Print the version.
    Version,
}

/// The flags of `run`. Each has an environment variable; the flag wins.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Namespaces to watch, with commas between them. All of them unless given.
    #[arg(
        long,
        env = "WATCH_NAMESPACES",
        value_name = "NAMESPACES",
        default_value = "",
        hide_default_value = true
    )]
    watch_namespaces: String,

    /// Act only while holding the lease, so that several operators can stand by for each other.
    #[arg(
        long,
        env = "LEADER_ELECT",
        value_name = "BOOL",
        default_value_t = true,
        default_missing_value = "true",
        num_args = 0..=1,
        require_equals = true,
        action = ArgAction::Set
    )]
    leader_elect: bool,

    /// The name of that lease.
    #[arg(long, env = "LEASE_NAME", value_name = "NAME", default_value = "taffrail-operator")]
    lease_name: String,

    /// Its namespace. The operator's own unless given.
    #[arg(long, env = "LEASE_NAMESPACE", value_name = "NAMESPACE")]
    lease_namespace: Option<String>,

    /// Where /healthz, /readyz and /metrics are.
    #[arg(long, env = "HTTP_LISTEN", value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    http_listen: SocketAddr,

    /// The nodes' image, with its registry if there is one and without a tag.
    #[arg(
        long,
        env = "BROKER_IMAGE",
        value_name = "REPOSITORY",
        default_value = "taffrail/taffrail"
    )]
    broker_image: String,

    /// When the kubelet pulls that image: Always, IfNotPresent or Never.
    #[arg(
        long,
        env = "BROKER_IMAGE_PULL_POLICY",
        value_name = "POLICY",
        default_value = "IfNotPresent",
        value_parser = parse_pull_policy
    )]
    broker_image_pull_policy: PullPolicy,

    /// How much is told: error, warn, info, debug or trace, or a filter such as
    /// `info,taffrail_operator::topic=debug`.
    #[arg(long, env = "LOG_LEVEL", value_name = "LEVEL", default_value = "info")]
    log_level: String,

    /// How it is told.
    #[arg(long, env = "LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// For machines: one object a line.
    Json,
}

/// Does what the command line says.
///
/// # Errors
/// If the operator can't start, or has lost its lease; if there is no plan, or no such cluster.
pub fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Version => {
            println!("taffrail-operator {VERSION}");
            Ok(())
        }
        Command::Run(args) => {
            start_log(&args.log_level, args.log_format)?;
            run::run(options(*args)?)
        }
        Command::Plan(args) => offline::exit_on_misuse(offline::plan(*args)),
        Command::Generate(args) => offline::generate(*args),
    }
}

fn options(args: RunArgs) -> anyhow::Result<run::Options> {
    anyhow::ensure!(
        !args.broker_image.is_empty(),
        "--broker-image is empty: give a repository such as taffrail/taffrail"
    );
    Ok(run::Options {
        scope: watch_scope(&args.watch_namespaces),
        lease: args.leader_elect.then_some(run::LeaseOptions {
            name: args.lease_name,
            namespace: args.lease_namespace.filter(|namespace| !namespace.is_empty()),
        }),
        http_listen: args.http_listen,
        settings: Settings {
            broker_image: args.broker_image,
            pull_policy: args.broker_image_pull_policy,
            version: VERSION.to_owned(),
        },
    })
}

/// `a, b` are two namespaces, nothing is all of them.
fn watch_scope(namespaces: &str) -> WatchScope {
    let mut names: Vec<String> = namespaces
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    if names.is_empty() { WatchScope::All } else { WatchScope::Namespaces(names) }
}

fn parse_pull_policy(text: &str) -> Result<PullPolicy, String> {
    match text {
        "Always" => Ok(PullPolicy::Always),
        "IfNotPresent" => Ok(PullPolicy::IfNotPresent),
        "Never" => Ok(PullPolicy::Never),
        _ => Err("one of Always, IfNotPresent and Never".to_owned()),
    }
}

fn start_log(level: &str, format: LogFormat) -> anyhow::Result<()> {
    let filter =
        if level.contains(['=', ',']) { level.to_owned() } else { format!("{level},{QUIET}") };
    let filter = EnvFilter::try_new(filter)
        .with_context(|| format!("--log-level \"{level}\" is no filter"))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(args: &[&str]) -> Result<run::Options, String> {
        let line = ["taffrail-operator", "run"].iter().chain(args);
        match Cli::try_parse_from(line).map_err(|error| error.to_string())?.command {
            Command::Run(args) => options(*args).map_err(|error| error.to_string()),
            _ => Err("not a run".to_owned()),
        }
    }

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_defaults_are_those_of_the_chart() {
        let options = parse(&[]).expect("defaults");
        assert_eq!(options.scope, WatchScope::All);
        assert_eq!(options.lease.expect("a lease").name, "taffrail-operator");
        assert_eq!(options.http_listen.to_string(), "0.0.0.0:8080");
        assert_eq!(options.settings.broker_image, "taffrail/taffrail");
        assert_eq!(options.settings.pull_policy, PullPolicy::IfNotPresent);
    }

    #[test]
    fn namespaces_are_a_list() {
        let check = |text: &str, expect: &[&str]| {
            let expect = expect.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(watch_scope(text), WatchScope::Namespaces(expect), "{text}");
        };
        check("a", &["a"]);
        check("b, a,,a", &["a", "b"]);
        assert_eq!(watch_scope(" , "), WatchScope::All);
    }

    #[test]
    fn election_can_be_switched_off_and_on() {
        assert!(parse(&["--leader-elect=false"]).expect("off").lease.is_none());
        assert!(parse(&["--leader-elect"]).expect("on").lease.is_some());
        assert!(parse(&["--leader-elect=true"]).expect("on").lease.is_some());
    }

    #[test]
    fn bad_values_are_refused_with_the_flag_s_name() {
        for (flag, value) in [
            ("--broker-image-pull-policy", "Sometimes"),
            ("--http-listen", "8080"),
            ("--log-format", "xml"),
            ("--broker-image", ""),
        ] {
            let error = parse(&[&format!("{flag}={value}")]).expect_err(flag);
            assert!(error.contains(flag), "{error}");
        }
    }
}
