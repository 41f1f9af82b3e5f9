//! The life of the process: connect, watch, wait for the lease, act, give it back.
//!
//! Watches run from the start, so that one that takes over knows all already. Controllers run only
//! while the lease is held; one that loses it ends the process, since only that stops everything at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use kube::{Client, Config};
use rand::RngExt as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::election::{Elector, Leadership, LeaseName};
use crate::events::Recorder;
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::stores::{Stores, WatchScope};
use crate::{cluster, http, rebalance, topic, user};

/// Threads: work is waiting for others, and memory is what an operator is judged by.
const WORKERS: usize = 2;
/// Threads for what blocks, which is looking up names.
const BLOCKING_MAX: usize = 4;
/// A thread's stack. Nothing recurses; the deepest frames are those of TLS.
const STACK_BYTES: usize = 1 << 20;
/// How long a connection to the API server may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long such a connection may be silent. Lists, and watches until they are answered, have no other deadline: without
/// this one, an API server that takes a request and goes away in silence would leave a store as it is for ever. Longer
/// than watches last.
const SILENCE_MAX: Duration = Duration::from_secs(150);

/// What the process was told at its start.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Options {
    /// Where to look for resources.
    pub scope: WatchScope,
    /// The lease; `None` to act without one.
    pub lease: Option<LeaseOptions>,
    /// Where probes and metrics are.
    pub http_listen: SocketAddr,
    /// What reconciles lean on.
    pub settings: Settings,
}

/// Which lease.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeaseOptions {
    /// Its name.
    pub name: String,
    /// Its namespace; the process's own unless given.
    pub namespace: Option<String>,
}

/// Runs the operator until it is told to stop.
///
/// # Errors
/// If it can't start, or has lost its lease.
pub fn run(options: Options) -> anyhow::Result<()> {
    // Somebody may have installed one already; which of two is the same.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(BLOCKING_MAX)
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()
        .context("can't start the runtime")?
        .block_on(live(options))
}

async fn live(options: Options) -> anyhow::Result<()> {
    let shutdown = CancellationToken::new();
    stop_on_signals(&shutdown)?;
    let mut config = Config::infer().await.context(
        "found no way to the API server: neither a service account in a pod nor a kubeconfig",
    )?;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.read_timeout = Some(SILENCE_MAX);
    config.reset_reader_on_write = true;
    let own_namespace = own_namespace(&config);
    let server = config.cluster_url.clone();
    let client = Client::try_from(config).context("can't make a client of the API server")?;
    let listener = TcpListener::bind(options.http_listen)
        .await
        .with_context(|| format!("can't listen on {} (--http-listen)", options.http_listen))?;

    let identity = identity();
    let metrics = Metrics::new();
    let stores = Stores::default();
    tracing::info!(
        version = options.settings.version, %server, scope = ?options.scope, identity,
        http = %options.http_listen, "the operator starts"
    );
    // Probes are answered to the end, and watches feed what ends in order.
    let end = CancellationToken::new();
    let _end = end.clone().drop_guard();
    let mut watches = stores.watch(&client, &options.scope, &metrics, &end);
    let mut endpoints = JoinSet::new();
    endpoints.spawn(http::serve(listener, stores.clone(), metrics.clone(), end));

    let context = Context {
        recorder: Recorder::new(client.clone(), &identity, metrics.clone()),
        client: client.clone(),
        settings: Arc::new(options.settings),
        stores,
        metrics,
    };
    let acting = async {
        match options.lease {
            Some(lease) => {
                let namespace = lease.namespace.unwrap_or(own_namespace);
                let name = LeaseName { namespace, name: lease.name, identity };
                act_as_leader(&context, Elector::new(client, name), &shutdown).await
            }
            None => {
                context.metrics.leads(true);
                act(&context, &shutdown).await
            }
        }
    };
    tokio::select! {
        ended = acting => ended,
        Some(ended) = endpoints.join_next() => {
            ended.context("the HTTP endpoints panicked")?.context("the HTTP endpoints failed")
        }
        Some(ended) = watches.join_next() => {
            ended.context("a watch panicked")?;
            anyhow::bail!("a watch ended by itself")
        }
    }
}

/// Acts while the lease is held.
async fn act_as_leader(
    context: &Context,
    mut elector: Elector,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    if !elector.acquire(shutdown).await {
        return Ok(());
    }
    context.metrics.lease_taken();
    context.metrics.leads(true);
    // Renewals go on while what runs comes to its end: the lease goes back when nothing acts any more.
    let ended = CancellationToken::new();
    let mut outcome = Ok(());
    let acting = async {
        outcome = act(context, shutdown).await;
        ended.cancel();
        std::future::pending::<()>().await;
    };
    let leadership = tokio::select! {
        leadership = elector.hold(&ended) => leadership,
        () = acting => Leadership::Ended,
    };
    match leadership {
        Leadership::Ended => {
            context.metrics.leads(false);
            elector.release().await;
            outcome
        }
        Leadership::Lost => anyhow::bail!("lost the lease: the process ends, so that no two act"),
    }
}

/// Runs every controller until `shutdown`. Without one of them the process would only look alive: all end with it.
///
/// # Errors
/// If a controller ended before it was told to.
async fn act(context: &Context, shutdown: &CancellationToken) -> anyhow::Result<()> {
    let synced = tokio::select! {
        () = context.stores.synced() => true,
        () = shutdown.cancelled() => false,
    };
    if !synced {
        return Ok(());
    }
    tracing::info!(clusters = context.stores.clusters.len(), "knows all that there is; acts");
    let mut controllers = JoinSet::new();
    controllers.spawn(cluster::controller::run(context.clone(), shutdown.clone()));
    controllers.spawn(user::controller::run(context.clone(), shutdown.clone()));
    controllers.spawn(rebalance::controller::run(context.clone(), shutdown.clone()));
    controllers.spawn(topic::controller::run(context.clone(), shutdown.clone()));
    let mut outcome = Ok(());
    while let Some(ended) = controllers.join_next().await {
        if let Err(error) = ended {
            outcome = Err(error).context("a controller panicked; the process ends");
        } else if !shutdown.is_cancelled() {
            outcome = Err(anyhow::anyhow!("a controller ended by itself; the process ends"));
        }
        if outcome.is_err() {
            shutdown.cancel();
        }
    }
    tracing::info!("nothing acts any more");
    outcome
}

/// Cancels `shutdown` on SIGTERM and SIGINT.
fn stop_on_signals(shutdown: &CancellationToken) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("can't wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("can't wait for SIGINT")?;
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("told to stop");
        shutdown.cancel();
    });
    Ok(())
}

/// The namespace that the process runs in: that of its pod, else of its credentials.
fn own_namespace(config: &Config) -> String {
    environment("POD_NAMESPACE").unwrap_or_else(|| config.default_namespace.clone())
}

/// Who this process is: its pod's name; elsewhere its host's with something random, as two may run there.
fn identity() -> String {
    environment("POD_NAME").unwrap_or_else(|| {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = if host.trim().is_empty() { "operator" } else { host.trim() };
        format!("{host}-{:08x}", rand::rng().random::<u32>())
    })
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
