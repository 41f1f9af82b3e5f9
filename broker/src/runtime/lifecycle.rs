//! This broker's life in the eyes of the controller: registered, fenced, unfenced, gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use taffrail_metadata::{
    Answer, BrokerHeartbeat, BrokerHeartbeatReply, Endpoint, Operation, RegisterBroker,
};
use taffrail_metadata::{SecurityProtocol, supported_features};
use taffrail_model::{BrokerEpoch, ErrorCode, NodeId, Uuid};
use tokio::sync::watch;

use super::Broker;
use crate::config::ServerConfig;

/// How often a broker that isn't unfenced yet asks: a node that starts alone is ready at once.
const EAGER_INTERVAL: Duration = Duration::from_millis(2);
/// How long a refused registration waits before it is tried again.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);
/// How long a controlled shutdown may take.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);

/// The epoch of this broker's registration, -1 before.
#[derive(Debug)]
pub(crate) struct Registration {
    node_id: NodeId,
    epoch: AtomicI64,
    fenced: AtomicBool,
}

impl Registration {
    pub(super) fn new(node_id: NodeId) -> Self {
        Self { node_id, epoch: AtomicI64::new(-1), fenced: AtomicBool::new(true) }
    }

    /// The broker's id and the epoch of its registration.
    pub(crate) fn key(&self) -> (NodeId, BrokerEpoch) {
        (self.node_id, self.epoch.load(Ordering::Acquire))
    }

    /// Whether the controller keeps this broker from leading, as its last answer said.
    pub(crate) fn is_fenced(&self) -> bool {
        self.fenced.load(Ordering::Acquire)
    }

    fn set_fenced(&self, fenced: bool) {
        self.fenced.store(fenced, Ordering::Release);
    }
}

/// What this broker says when it introduces itself.
pub(super) fn introduction(
    config: &ServerConfig,
    cluster_id: &str,
    log_dirs: Vec<Uuid>,
    listeners: Vec<Endpoint>,
    previous_epoch: BrokerEpoch,
) -> RegisterBroker {
    RegisterBroker {
        id: config.node_id,
        cluster_id: cluster_id.to_owned(),
        incarnation_id: Uuid::from_random(rand::random()),
        listeners,
        features: supported_features()
            .iter()
            .map(|feature| (feature.name.to_owned(), feature.range))
            .collect(),
        rack: config.rack.clone(),
        log_dirs,
        previous_epoch,
    }
}

/// Where clients reach this broker, by listener, in the words of a registration.
pub(super) fn endpoints(
    advertised: &[crate::config::Endpoint],
    config: &ServerConfig,
) -> Vec<Endpoint> {
    advertised
        .iter()
        .map(|endpoint| Endpoint {
            listener: endpoint.name.as_str().to_owned(),
            host: endpoint.host.clone().unwrap_or_default(),
            port: endpoint.port,
            protocol: config
                .listeners
                .get(&endpoint.name)
                .and_then(|listener| SecurityProtocol::from_code(listener.protocol.code()))
                .unwrap_or(SecurityProtocol::Plaintext),
        })
        .collect()
}

/// Registers the broker and keeps it alive until `stop` says so; `ready` turns true when it is unfenced.
pub(super) async fn live(
    broker: Arc<Broker>,
    introduction: RegisterBroker,
    ready: watch::Sender<bool>,
    mut stop: watch::Receiver<bool>,
) {
    let heartbeat_interval = Duration::from_millis(
        u64::try_from(broker.static_config.int("broker.heartbeat.interval.ms")).unwrap_or(2_000),
    );
    let mut registered = false;
    loop {
        let turn = async {
            if !registered {
                registered = register(&broker, &introduction).await;
            }
            if !registered {
                return RETRY_INTERVAL;
            }
            match beat(&broker, false).await {
                Ok(reply) => {
                    broker.registration.set_fenced(reply.is_fenced);
                    if *ready.borrow() == reply.is_fenced {
                        ready.send_replace(!reply.is_fenced);
                    }
                    if reply.is_fenced { EAGER_INTERVAL } else { heartbeat_interval }
                }
                Err(error) => {
                    // A controller that lost this registration wants a new one.
                    registered = !matches!(
                        error,
                        ErrorCode::StaleBrokerEpoch | ErrorCode::BrokerIdNotRegistered
                    );
                    if !registered {
                        broker.registration.set_fenced(true);
                    }
                    RETRY_INTERVAL
                }
            }
        };
        // A controller that doesn't answer must not keep the node from stopping.
        tokio::select! {
            () = async { tokio::time::sleep(turn.await).await } => {}
            _ = stop.wait_for(|stop| *stop) => break,
        }
    }
    if registered {
        leave(&broker).await;
    }
    broker.registration.set_fenced(true);
    ready.send_replace(false);
}

async fn register(broker: &Broker, introduction: &RegisterBroker) -> bool {
    match broker.control.ask(Operation::RegisterBroker(introduction.clone()), None).await {
        Ok(Answer::RegisterBroker { broker_epoch }) => {
            broker.registration.epoch.store(broker_epoch, Ordering::Release);
            true
        }
        Ok(_) => false,
        // The session of this node's last process runs out soon; an active controller is elected soon.
        Err(refusal) => {
            tracing::info!(%refusal, "the broker isn't registered yet");
            false
        }
    }
}

async fn beat(broker: &Broker, want_shutdown: bool) -> Result<BrokerHeartbeatReply, ErrorCode> {
    let (id, epoch) = broker.registration.key();
    let heartbeat = BrokerHeartbeat {
        id,
        epoch,
        metadata_offset: broker.image().offset,
        want_fence: false,
        want_shutdown,
        offline_log_dirs: broker.storage.offline(),
        cordoned_log_dirs: Some(Vec::new()),
    };
    match broker.control.ask(Operation::BrokerHeartbeat(heartbeat), None).await {
        Ok(Answer::BrokerHeartbeat(reply)) => Ok(reply),
        Ok(_) => Err(ErrorCode::UnknownServerError),
        Err(refusal) => {
            tracing::warn!(%refusal, "the controller refused a heartbeat");
            Err(refusal.error)
        }
    }
}

/// Controlled shutdown: asks until the controller lets go. Alone there is nobody to take over, and it does at once.
async fn leave(broker: &Broker) {
    let asked = async {
        loop {
            match beat(broker, true).await {
                Ok(reply) if reply.should_shut_down => return,
                Ok(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                Err(_) => return,
            }
        }
    };
    if tokio::time::timeout(SHUTDOWN_PATIENCE, asked).await.is_err() {
        tracing::warn!("the controller did not let go in time");
    }
}
