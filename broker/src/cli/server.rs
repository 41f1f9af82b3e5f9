//! `taffrail server`: a node from a configuration file; and the life of a node, from start to signal.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use super::first_format::{check_cluster, format_empty};
use crate::admin::AdminServer;
use crate::config::{Properties, ServerConfig};
use crate::runtime::{NodeView, RunningBroker, start};
use crate::telemetry::Metrics;

/// How long threads that wait for a disk may still take once everything else has ended.
const THREADS_DEADLINE: Duration = Duration::from_secs(1);

/// Start a node from a configuration file
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  taffrail storage format --cluster-id \"$(taffrail storage random-uuid)\" --config server.properties
  taffrail server --config server.properties
  taffrail server --config server.properties --override node.id=2 --override log.dirs=/data/2
  taffrail server --config server.properties --cluster-id \"$CLUSTER_ID\" --format-empty")]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// The cluster that the directories have to belong to
    #[arg(long, value_name = "ID")]
    cluster_id: Option<String>,
    /// Format directories that are empty or absent for that cluster; others are never formatted
    #[arg(long, requires = "cluster_id")]
    format_empty: bool,
}

/// Where a node's configuration comes from.
#[derive(clap::Args, Debug)]
pub(super) struct ConfigArgs {
    /// The node's server.properties, with Kafka's keys
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// A key to set beside the file, or in place of what it says; may be given several times
    #[arg(long = "override", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

impl ConfigArgs {
    /// The file with its overrides, resolved.
    pub(super) fn resolve(&self) -> anyhow::Result<ServerConfig> {
        let mut properties = read_properties(&self.config)?;
        for text in &self.overrides {
            properties.apply_override(text)?;
        }
        ServerConfig::resolve(properties)
            .with_context(|| format!("the configuration {} can't be used", self.config.display()))
    }
}

fn read_properties(path: &Path) -> anyhow::Result<Properties> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the configuration {} can't be read", path.display()))?;
    Properties::parse(&text)
        .with_context(|| format!("the configuration {} can't be read", path.display()))
}

/// Runs the node until it is told to stop.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let config = args.config.resolve()?;
    prepare(&config, args)?;
    run_node(config, |_| {})
}

/// Sees to it that the directories are those of the cluster that was named.
fn prepare(config: &ServerConfig, args: &Args) -> anyhow::Result<()> {
    let Some(cluster_id) = &args.cluster_id else { return Ok(()) };
    if !args.format_empty {
        return Ok(check_cluster(config, cluster_id)?);
    }
    for formatted in format_empty(config, cluster_id)?.formatted {
        let (path, id) = (formatted.path.display(), formatted.directory_id);
        info!(directory = %path, %id, cluster = cluster_id, "formatted");
    }
    Ok(())
}

/// A node that has just become ready.
pub(super) struct Started {
    /// Where health and metrics are served.
    pub(super) http: Option<SocketAddr>,
    /// Where the node answers over gRPC.
    pub(super) grpc: Option<SocketAddr>,
    /// How long the start took.
    pub(super) took: Duration,
}

/// Runs a node on formatted directories, says so once it serves, and lets it end in good order when a
/// signal asks for it. A second signal ends the process at once.
pub(super) fn run_node(
    config: ServerConfig,
    announce: impl FnOnce(&Started),
) -> anyhow::Result<()> {
    let began = Instant::now();
    raise_file_limit();
    for warning in config.static_config.warnings() {
        warn!("{warning}");
    }
    let metrics = Arc::new(Metrics::new());
    state_limits(&config, &metrics);
    config.memory.verify()?;
    let view = NodeView::starting(&config);
    let admin = AdminServer::start(&config, &view, &metrics)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(config.threads.network)
        .max_blocking_threads(config.threads.io)
        .thread_name("network")
        .enable_all()
        .build()
        .context("threads can't be started")?;
    runtime.spawn(Arc::clone(&view).beat());
    let result = runtime.block_on(async {
        let deadline = config.shutdown_timeout;
        let mut signals = StopSignals::new()?;
        let broker = tokio::select! {
            started = start(config, metrics, &view) => started?,
            name = signals.next() => {
                // Nobody has been served yet, so that there is nothing to end in order.
                info!(signal = name, "ending before the start was complete");
                return Ok(());
            }
        };
        view.set_ready();
        let started = Started { http: admin.http, grpc: admin.grpc, took: began.elapsed() };
        log_ready(&broker, &started);
        announce(&started);
        until_stopped(broker, signals, &view, deadline).await
    });
    runtime.shutdown_timeout(THREADS_DEADLINE);
    result
}

fn log_ready(broker: &RunningBroker, started: &Started) {
    for (listener, address) in broker.addresses() {
        info!(listener, %address, "listening");
    }
    let text = |address: Option<SocketAddr>| address.map(|address| address.to_string());
    let (http, grpc) = (text(started.http), text(started.grpc));
    let took_ms = started.took.as_millis();
    info!(cluster = broker.cluster_id(), http, grpc, took_ms, "ready");
}

/// Says what the process may use and what became of it.
fn state_limits(config: &ServerConfig, metrics: &Metrics) {
    let ServerConfig { machine, memory, threads, .. } = config;
    info!(
        memory_bytes = memory.limit_bytes,
        request_max_bytes = memory.request_max_bytes,
        requests_bytes = memory.requests_bytes,
        control_bytes = memory.control_bytes,
        replies_bytes = memory.replies_bytes,
        group_bytes = memory.group_bytes,
        cpu_limit_cores = machine.cpu_limit_cores,
        network_threads = threads.network,
        io_threads = threads.io,
        "limits"
    );
    for (share, bytes) in [
        ("all", memory.limit_bytes),
        ("request_max", Some(memory.request_max_bytes)),
        ("requests", Some(memory.requests_bytes)),
        ("control", Some(memory.control_bytes)),
        ("replies", Some(memory.replies_bytes)),
        ("group", Some(memory.group_bytes)),
    ] {
        if let Some(bytes) = bytes {
            metrics.limits.set_memory(share, bytes);
        }
    }
    if let Some(cores) = machine.cpu_limit_cores {
        metrics.limits.set_cores("quota", cores);
    }
    let parallelism = u32::try_from(machine.parallelism).unwrap_or(u32::MAX);
    metrics.limits.set_cores("threads", f64::from(parallelism));
}

/// Waits for a signal, or for a failure that the node can't go on with; then shuts down.
async fn until_stopped(
    mut broker: RunningBroker,
    mut signals: StopSignals,
    view: &NodeView,
    deadline: Duration,
) -> anyhow::Result<()> {
    let failure = tokio::select! {
        name = signals.next() => {
            info!(signal = name, "shutting down; a second signal ends the process at once");
            None
        }
        reason = broker.failed() => Some(reason),
    };
    view.set_stopping();
    tokio::spawn(async move {
        let name = signals.next().await;
        warn!(signal = name, "ending at once; the next start recovers the logs");
        std::process::exit(1);
    });
    broker.shutdown(deadline).await;
    match failure {
        Some(reason) => bail!("the node had to stop: {reason}"),
        None => Ok(()),
    }
}

/// The signals that ask a process to end.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("signals can't be listened for");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Waits for one, and names it.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Every connection and segment is a file descriptor; the soft limit of most systems, 1,024, is for
/// programs that use `select`.
fn raise_file_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: maximum, maximum };
    if current != maximum
        && let Err(error) = setrlimit(Resource::Nofile, raised)
    {
        warn!(%error, ?current, "the limit of open files can't be raised");
    }
}
