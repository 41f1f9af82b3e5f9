//! What handlers may ask of the node.

use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use taffrail_metadata::config::StaticConfig;
use taffrail_metadata::{Answer, NewTopic, Operation, Refusal};
use taffrail_model::{ErrorCode, GROUP_METADATA_TOPIC, NodeId, ProducerId, Uuid};
use taffrail_node::fetch_session::FetchSessionCache;
use taffrail_node::storage::Storage;
use taffrail_security::Authorizer;
use tokio_util::sync::CancellationToken;

use super::applier::Published;
use super::clock::Clock;
use super::control::ControlHandle;
use super::groups::GroupsHandle;
use super::lifecycle::Registration;
use super::os_disk::OsDisk;
use super::partitions::Partitions;
use super::producer_ids::ProducerIds;
use super::reply_memory::ReplyMemory;
use crate::config::ServerConfig;
use crate::telemetry::Metrics;

/// A node, as its handlers see it.
pub(crate) struct Broker {
    pub(crate) config: ServerConfig,
    pub(crate) static_config: Arc<StaticConfig>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Clock,
    pub(crate) authorizer: Authorizer,
    pub(crate) partitions: Arc<Partitions>,
    pub(crate) control: ControlHandle,
    pub(crate) groups: GroupsHandle,
    pub(crate) fetch_sessions: Mutex<FetchSessionCache>,
    /// `fetch.max.bytes`: the most bytes that one Fetch is answered with.
    pub(crate) fetch_max_bytes: usize,
    /// Memory for records on their way to clients.
    pub(crate) reply_memory: ReplyMemory,
    /// `auto.create.topics.enable`.
    pub(crate) auto_create_topics_enable: bool,
    /// `delete.topic.enable`.
    pub(crate) delete_topic_enable: bool,
    /// Cancelled when the node stops: what waits for news is answered without.
    pub(crate) stopping: CancellationToken,
    pub(super) producer_ids: ProducerIds,
    pub(super) registration: Registration,
    pub(super) storage: Arc<Storage<OsDisk>>,
    pub(super) published: Arc<ArcSwap<Published>>,
    pub(super) cluster_id: String,
}

/// What became of a topic that was to be created.
pub(crate) struct Creation {
    pub(crate) topic: String,
    pub(crate) error: ErrorCode,
    pub(crate) message: String,
}

impl Broker {
    pub(crate) fn node_id(&self) -> NodeId {
        self.config.node_id
    }

    pub(crate) fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    /// The metadata that this node has made true.
    pub(crate) fn image(&self) -> Arc<Published> {
        self.published.load_full()
    }

    pub(crate) fn random_uuid(&self) -> Uuid {
        Uuid::from_random(rand::random())
    }

    /// An id for an idempotent producer.
    ///
    /// # Errors
    /// `COORDINATOR_LOAD_IN_PROGRESS` while the controller gives no ids.
    pub(crate) async fn next_producer_id(&self) -> Result<ProducerId, ErrorCode> {
        self.producer_ids.next(&self.control, self.registration.key()).await
    }

    /// A topic as it is created for a client that named it without creating it.
    pub(crate) fn auto_created(&self, name: &str) -> NewTopic {
        let mut topic = NewTopic {
            name: name.to_owned(),
            num_partitions: -1,
            replication_factor: -1,
            ..NewTopic::default()
        };
        if name == GROUP_METADATA_TOPIC {
            topic.num_partitions = self.static_config.int("offsets.topic.num.partitions");
            topic.replication_factor =
                i16::try_from(self.static_config.int("offsets.topic.replication.factor"))
                    .unwrap_or(i16::MAX);
            let segment_bytes = self.static_config.int("offsets.topic.segment.bytes").to_string();
            let set = |key: &str, value: &str| (key.to_owned(), Some(value.to_owned()));
            topic.configs = vec![
                set("cleanup.policy", "compact"),
                set("compression.type", "producer"),
                set("segment.bytes", &segment_bytes),
            ];
        }
        topic
    }

    /// Creates topics and waits until they are here.
    pub(crate) async fn create_topics(&self, topics: Vec<NewTopic>) -> Vec<Creation> {
        let names: Vec<String> = topics.iter().map(|topic| topic.name.clone()).collect();
        let failed = |refusal: &Refusal| {
            let creation = |topic: &String| Creation {
                topic: topic.clone(),
                error: refusal.error,
                message: refusal.message.clone(),
            };
            names.iter().map(creation).collect()
        };
        match self.control.ask(Operation::CreateTopics { topics, validate_only: false }, None).await
        {
            Ok(Answer::CreateTopics(created)) => created
                .into_iter()
                .map(|created| match created.result {
                    Ok(_) => Creation {
                        topic: created.name,
                        error: ErrorCode::None,
                        message: String::new(),
                    },
                    Err(Refusal { error, message }) => {
                        Creation { topic: created.name, error, message }
                    }
                })
                .collect(),
            Ok(_) => failed(&Refusal::new(
                ErrorCode::UnknownServerError,
                "the controller answered out of turn",
            )),
            Err(refusal) => failed(&refusal),
        }
    }
}
