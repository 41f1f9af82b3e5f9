//! How a node starts and stops.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, anyhow};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use taffrail_coordinator::GroupConfig;
use taffrail_metadata::config::StaticConfig;
use taffrail_metadata::{BootstrapRecords, ControllerConfig, MetadataVersion};
use taffrail_node::control::{Control, ControlConfig};
use taffrail_node::fetch_session::{FetchSessionCache, FetchSessionConfig};
use taffrail_node::format::verify_formatted;
use taffrail_node::groups::Groups;
use taffrail_node::storage::Storage;
use taffrail_security::{Authorizer, Principal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::applier::{self, Applier, Published};
use super::broker::Broker;
use super::clock::Clock;
use super::control;
use super::failure::{self, FailureReceiver};
use super::flusher::{self, Flusher, Intervals};
use super::groups::{self};
use super::lifecycle::{self, Registration};
use super::node_view::{BoundAddress, NodeView};
use super::os_disk::OsDisk;
use super::partition_cell::Surroundings;
use super::partitions::Partitions;
use super::producer_ids::ProducerIds;
use super::reply_memory::ReplyMemory;
use crate::api::{Api, Audience};
use crate::config::{Endpoint, LockedDirs, MemoryPlan, Roles, ServerConfig};
use crate::net::{BoundListener, Network};
use crate::telemetry::Metrics;

/// How long a start may take until the broker is unfenced, before somebody is told that it takes long.
const SLOW_START: Duration = Duration::from_secs(5);

/// A node that serves.
pub(crate) struct RunningBroker {
    broker: Arc<Broker>,
    network: Network,
    control_network: ControlNetwork,
    addresses: Vec<BoundAddress>,
    stop_lifecycle: watch::Sender<bool>,
    lifecycle: tokio::task::JoinHandle<()>,
    failure: FailureReceiver,
    applier: Applier,
    flusher: Flusher,
    control_thread: JoinHandle<()>,
    applier_thread: JoinHandle<()>,
    groups_thread: JoinHandle<()>,
    flusher_threads: Vec<JoinHandle<()>>,
    _locks: LockedDirs,
}

/// Starts a node on formatted directories and returns once it serves.
///
/// # Errors
/// What is wrong with the configuration, the directories or the listeners, and the way out.
pub(crate) async fn start(
    config: ServerConfig,
    metrics: Arc<Metrics>,
    view: &Arc<NodeView>,
) -> anyhow::Result<RunningBroker> {
    let authorizer = authorizer(&config.static_config)?;
    start_viewed(config, metrics, authorizer, view).await
}

/// As [`start`], unseen, with this one to decide who may do what.
#[cfg(test)]
pub(crate) async fn start_with(
    config: ServerConfig,
    metrics: Arc<Metrics>,
    authorizer: Authorizer,
) -> anyhow::Result<RunningBroker> {
    let view = NodeView::starting(&config);
    start_viewed(config, metrics, authorizer, &view).await
}

async fn start_viewed(
    config: ServerConfig,
    metrics: Arc<Metrics>,
    authorizer: Authorizer,
    view: &Arc<NodeView>,
) -> anyhow::Result<RunningBroker> {
    check_roles(config.roles)?;
    let clock = view.clock();
    let statics = Arc::clone(&config.static_config);
    let disk = OsDisk;
    let locks = LockedDirs::acquire(&disk, config.directories())?;
    // Bound before anything is read, so that a port that is taken is said at once.
    let bound = config
        .listeners
        .bound
        .iter()
        .map(|listener| BoundListener::bind(listener, &config.limits))
        .collect::<Result<Vec<_>, _>>()?;
    let addresses: Vec<BoundAddress> = bound.iter().map(bound_address).collect();
    view.set_bound(addresses.clone());

    let directories: Vec<PathBuf> = config.directories().map(Into::into).collect();
    let formatted = verify_formatted(&disk, config.node_id, &directories)?;
    view.set_formatted(&formatted.cluster_id, &formatted.directory_ids);
    view.recovery.begin();
    let log_dirs: Vec<_> = formatted
        .directory_ids
        .iter()
        .filter(|(path, _)| config.log_dirs.contains(path))
        .cloned()
        .collect();
    let storage = Arc::new(Storage::open(disk, &log_dirs)?);
    view.set_storage(&storage);
    let control = open_control(&config, &statics, &formatted, clock)?;

    let (failure_sender, failure) = failure::channel();
    let (groups_handle, groups_queue) = groups::handle(statics.int("offsets.topic.num.partitions"));
    let (flusher, flusher_queues) = flusher::handle(storage.len());
    let surroundings = Surroundings {
        node_id: config.node_id,
        clock,
        groups: groups_handle.clone(),
        flusher: flusher.clone(),
        recovery: Arc::clone(&view.recovery),
    };
    let partitions = Arc::new(Partitions::new(
        Arc::clone(&storage),
        Arc::clone(&statics),
        surroundings,
        config.threads.recovery_per_dir,
    ));
    let published = Arc::new(ArcSwap::from_pointee(Published::default()));

    let flusher_parts = flusher::Parts {
        storage: Arc::clone(&storage),
        partitions: Arc::clone(&partitions),
        intervals: intervals(&statics),
        clock,
        failure: failure_sender.clone(),
        metrics: Arc::clone(&metrics),
    };
    let flusher_threads = flusher::spawn(&flusher_parts, flusher_queues)?;
    let groups_thread = groups::spawn(
        Groups::new(group_config(&statics, &config.memory)),
        groups_queue,
        clock,
        failure_sender.clone(),
    )?;
    let (applier, applier_queue) = applier::channel_pair();
    let applier_parts = applier::Parts {
        node_id: config.node_id,
        published: Arc::clone(&published),
        partitions: Arc::clone(&partitions),
        storage: Arc::clone(&storage),
        groups: groups_handle.clone(),
        metrics: Arc::clone(&metrics),
    };
    let applier_thread = applier::spawn(applier_parts, applier_queue, failure_sender.clone())?;
    let is_active = metrics.controller.active.clone();
    let (control, control_thread) =
        control::spawn(control, clock, applier.clone(), failure_sender, is_active)?;

    let broker = Arc::new(Broker {
        authorizer,
        fetch_sessions: Mutex::new(FetchSessionCache::new(&FetchSessionConfig {
            slots_max: usize::try_from(statics.int("max.incremental.fetch.session.cache.slots"))
                .unwrap_or(0),
            ..FetchSessionConfig::default()
        })),
        fetch_max_bytes: usize::try_from(statics.int("fetch.max.bytes")).unwrap_or(0),
        reply_memory: ReplyMemory::new(config.memory.replies_bytes),
        auto_create_topics_enable: statics.boolean("auto.create.topics.enable"),
        delete_topic_enable: statics.boolean("delete.topic.enable"),
        stopping: CancellationToken::new(),
        producer_ids: ProducerIds::default(),
        registration: Registration::new(config.node_id),
        cluster_id: formatted.cluster_id.clone(),
        static_config: statics,
        metrics: Arc::clone(&metrics),
        clock,
        partitions,
        control,
        groups: groups_handle,
        storage: Arc::clone(&storage),
        published,
        config,
    });
    view.set_broker(&broker);

    let introduction = lifecycle::introduction(
        &broker.config,
        &formatted.cluster_id,
        storage.ids(),
        lifecycle::endpoints(&advertised(&broker.config, &bound), &broker.config),
        storage.previous_broker_epoch(),
    );
    let (ready, mut is_ready) = watch::channel(false);
    let (stop_lifecycle, stop) = watch::channel(false);
    let control_network = ControlNetwork::start()?;
    // Heartbeats must not wait for a thread that works for a client.
    let lifecycle = control_network.handle.spawn(lifecycle::live(
        Arc::clone(&broker),
        introduction,
        ready,
        stop,
    ));
    let mut failure = failure;
    wait_until_ready(&mut is_ready, &mut failure).await?;

    let network = Network::new(broker.config.limits.clone(), metrics);
    for bound in bound {
        let audience =
            if bound.listener.is_controller { Audience::Controller } else { Audience::Broker };
        let handler = Arc::new(Api::new(Arc::clone(&broker), audience));
        let runtime = match audience {
            Audience::Controller => control_network.handle.clone(),
            Audience::Broker => tokio::runtime::Handle::current(),
        };
        network.serve(bound, &handler, &runtime)?;
    }
    Ok(RunningBroker {
        broker,
        network,
        control_network,
        addresses,
        stop_lifecycle,
        lifecycle,
        failure,
        applier,
        flusher,
        control_thread,
        applier_thread,
        groups_thread,
        flusher_threads,
        _locks: locks,
    })
}

impl RunningBroker {
    /// The addresses that are listened on, by the listener's name.
    pub(crate) fn addresses(&self) -> Vec<(String, SocketAddr)> {
        self.addresses.iter().map(|bound| (bound.name.clone(), bound.address)).collect()
    }

    /// The cluster's id.
    pub(crate) fn cluster_id(&self) -> &str {
        self.broker.cluster_id()
    }

    /// Waits until the node can't go on, and says why. It still has to be shut down.
    pub(crate) async fn failed(&mut self) -> String {
        self.failure.failed().await
    }

    /// Lets requests in flight end for as long as `deadline`, hands leadership over, closes every log and marks the
    /// shutdown as clean.
    pub(crate) async fn shutdown(self, deadline: Duration) {
        // Leaves the cluster first, so that others lead before the last client is turned away.
        self.stop_lifecycle.send_replace(true);
        if let Err(error) = self.lifecycle.await {
            tracing::error!(%error, "the broker's lifecycle ended badly");
        }
        let broker = self.broker;
        // Takes no further request, and then answers those that wait for something that may never come.
        tokio::join!(self.network.shutdown(deadline), async {
            broker.stopping.cancel();
            broker.groups.shut_down();
        });
        self.control_network.stop();
        let storage = Arc::clone(&broker.storage);
        let (_, broker_epoch) = broker.registration.key();
        self.flusher.shut_down();
        broker.control.shut_down();
        let applier = self.applier;
        let stopped = tokio::task::spawn_blocking(move || {
            let mut in_order = self.groups_thread.join().is_ok();
            in_order &= self.control_thread.join().is_ok();
            applier.send(applier::Message::Shutdown);
            in_order &= self.applier_thread.join().is_ok();
            for thread in self.flusher_threads {
                in_order &= thread.join().is_ok();
            }
            for dir in 0..storage.len() {
                let cells = broker.partitions.of_dir(dir);
                flusher::checkpoint_high_watermarks(&storage, dir, &cells);
                flusher::checkpoint_recovery_points(&storage, dir, &cells);
            }
            let Some(ends) = broker.partitions.close_all().filter(|_| in_order) else { return };
            for (dir, ends) in ends.iter().enumerate() {
                flusher::checkpoint_closed(&storage, dir, ends);
            }
            match storage.mark_clean_shutdown(broker_epoch) {
                Ok(unmarked) => {
                    for dir in unmarked {
                        tracing::warn!(dir = %dir.display(), "not marked as cleanly shut down: a log in it was not closed");
                    }
                }
                Err(error) => {
                    tracing::error!(error = %control::chain(&error), "the shutdown can't be marked as clean");
                }
            }
        });
        if let Err(error) = stopped.await {
            tracing::error!(%error, "the shutdown ended badly; the next start recovers the logs");
        }
    }
}

fn bound_address(bound: &BoundListener) -> BoundAddress {
    BoundAddress {
        name: bound.listener.endpoint.name.as_str().to_owned(),
        address: bound.local_addr,
        is_controller: bound.listener.is_controller,
    }
}

/// The thread of the controllers' listeners and of this broker's heartbeats, which clients can't keep busy.
struct ControlNetwork {
    handle: tokio::runtime::Handle,
    stop: watch::Sender<bool>,
}

impl ControlNetwork {
    fn start() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, mut stopped) = watch::channel(false);
        std::thread::Builder::new().name("control-net".to_owned()).spawn(move || {
            runtime.block_on(async move {
                // Ends with the sender, too.
                let _ = stopped.wait_for(|stop| *stop).await;
            });
        })?;
        Ok(Self { handle, stop })
    }

    fn stop(&self) {
        self.stop.send_replace(true);
    }
}

async fn wait_until_ready(
    ready: &mut watch::Receiver<bool>,
    failure: &mut FailureReceiver,
) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            became = ready.wait_for(|ready| *ready) => {
                became.context("the broker ended before it was ready")?;
                return Ok(());
            }
            reason = failure.failed() => return Err(anyhow!(reason)),
            () = tokio::time::sleep(SLOW_START) => tracing::warn!("still starting: waiting for the controller to unfence this broker"),
        }
    }
}

/// One node is a whole cluster for now: it needs both roles.
fn check_roles(roles: Roles) -> anyhow::Result<()> {
    let alone = match roles {
        Roles { broker: true, controller: true } => return Ok(()),
        Roles { broker: true, .. } => "broker",
        Roles { .. } => "controller",
    };
    Err(anyhow!(
        "process.roles={alone} needs other nodes beside it, and this version runs clusters of a single node; \
         set process.roles=broker,controller"
    ))
}

/// Says what opening the metadata log cut off. A write that a crash interrupted was never acknowledged; but a damaged
/// disk looks the same, and then changes that were acknowledged are gone.
fn report_recovery(control: &Control<OsDisk>, metadata_dir: &Path) {
    if let Some(cut) = &control.recovery_report().truncation {
        tracing::error!(
            directory = %metadata_dir.display(),
            segment = cut.segment,
            position = cut.position,
            bytes = cut.bytes,
            reason = cut.reason,
            "the metadata log was cut back to its last whole batch; unless a crash interrupted a write, \
             acknowledged changes are lost"
        );
    }
}

fn open_control(
    config: &ServerConfig,
    statics: &Arc<StaticConfig>,
    formatted: &taffrail_node::format::LogDirs,
    clock: Clock,
) -> anyhow::Result<Control<OsDisk>> {
    let directory_id = formatted
        .directory_id(&config.metadata_dir)
        .ok_or_else(|| anyhow!("{} has no directory id", config.metadata_dir.display()))?;
    let millis = |key: &str| Duration::from_millis(u64::try_from(statics.number(key)).unwrap_or(0));
    let control = ControlConfig {
        node_id: config.node_id,
        directory_id,
        metadata_dir: config.metadata_dir.clone(),
        endpoints: config.listeners.controller_endpoints(),
        election_timeout: millis("controller.quorum.election.timeout.ms"),
        segment_bytes: u64::try_from(statics.number("metadata.log.segment.bytes")).unwrap_or(0),
        segment_ms: statics.number("metadata.log.segment.ms"),
        controller: ControllerConfig {
            node_id: config.node_id,
            cluster_id: formatted.cluster_id.clone(),
            static_config: Arc::clone(statics),
            // Replaced by what formatting left in the metadata directory.
            bootstrap: BootstrapRecords::of_release(MetadataVersion::LATEST),
        },
    };
    let control = Control::open(OsDisk, control, clock.now())
        .map_err(|failure| anyhow!(control::chain(&failure)))?;
    report_recovery(&control, &config.metadata_dir);
    Ok(control)
}

/// What clients are told; a listener on port 0 advertises the port that the system gave.
fn advertised(config: &ServerConfig, bound: &[BoundListener]) -> Vec<Endpoint> {
    config
        .listeners
        .advertised
        .iter()
        .map(|endpoint| {
            let mut endpoint = endpoint.clone();
            if endpoint.port == 0
                && let Some(bound) =
                    bound.iter().find(|bound| bound.listener.endpoint.name == endpoint.name)
            {
                endpoint.port = bound.local_addr.port();
            }
            endpoint
        })
        .collect()
}

fn intervals(statics: &StaticConfig) -> Intervals {
    let millis = |key: &str| Duration::from_millis(u64::try_from(statics.number(key)).unwrap_or(0));
    Intervals {
        retention: millis("log.retention.check.interval.ms"),
        high_watermarks: millis("replica.high.watermark.checkpoint.interval.ms"),
        recovery_points: millis("log.flush.offset.checkpoint.interval.ms"),
    }
}

fn authorizer(statics: &StaticConfig) -> anyhow::Result<Authorizer> {
    if statics.string("authorizer.class.name").is_none_or(|class| class.is_empty()) {
        return Ok(Authorizer::AllowAll);
    }
    let super_users = statics
        .string("super.users")
        .unwrap_or_default()
        .split(';')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::parse::<Principal>)
        .collect::<Result<BTreeSet<_>, _>>()
        .context("super.users is a list of Type:name, separated by semicolons")?;
    Ok(Authorizer::DenyByDefault { super_users })
}

fn group_config(statics: &StaticConfig, memory: &MemoryPlan) -> GroupConfig {
    GroupConfig {
        session_timeout_ms_min: statics.int("group.min.session.timeout.ms"),
        session_timeout_ms_max: statics.int("group.max.session.timeout.ms"),
        initial_rebalance_delay_ms: statics.int("group.initial.rebalance.delay.ms"),
        group_size_max: statics.int("group.max.size"),
        offset_metadata_max: usize::try_from(statics.int("offset.metadata.max.bytes")).unwrap_or(0),
        commit_timeout_ms: statics.number("offsets.commit.timeout.ms"),
        offsets_retention_minutes: statics.number("offsets.retention.minutes"),
        offsets_retention_check_interval_ms: statics.number("offsets.retention.check.interval.ms"),
        group_bytes_max: usize::try_from(memory.group_bytes).unwrap_or(usize::MAX),
        ..GroupConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_has_both_roles() {
        let check = |broker, controller, expect: Option<&str>| {
            let refusal = check_roles(Roles { broker, controller }).err();
            let refusal = refusal.map(|error| error.to_string());
            match expect {
                None => assert_eq!(refusal, None),
                Some(part) => assert!(refusal.is_some_and(|text| text.contains(part)), "{part}"),
            }
        };
        check(true, true, None);
        check(true, false, Some("process.roles=broker needs"));
        check(false, true, Some("process.roles=controller needs"));
    }
}
