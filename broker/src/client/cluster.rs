//! The brokers of a cluster: who leads what, and a connection to each that was needed.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use taffrail_client::{Connection, ConnectionOptions, join};
use taffrail_model::{ErrorCode, NodeId, PartitionIndex, Uuid};
use taffrail_protocol::Request;
use taffrail_protocol::messages::find_coordinator_response::Coordinator;
use taffrail_protocol::messages::metadata_request::MetadataRequestTopic;
use taffrail_protocol::messages::metadata_response::{
    MetadataResponsePartition, MetadataResponseTopic,
};
use taffrail_protocol::messages::{FindCoordinatorRequest, MetadataRequest};
use tokio::time::{Instant, sleep};

use super::connect_args::ConnectArgs;
use super::error::{ClientError, check};

/// How long a request may take whose answer waits for nothing.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// More than any broker answers with.
const FRAME_BYTES_MAX: u64 = 1 << 30;
/// How long an error that passes by itself (an election, a coordinator that loads) is waited out.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause between two tries.
pub(super) const RETRY_PAUSE: Duration = Duration::from_millis(200);
/// `FindCoordinator`'s key type of groups.
const GROUP: i8 = 0;

/// A topic as a broker described it.
#[derive(Clone, Debug)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) id: Uuid,
    pub(crate) is_internal: bool,
    /// In the order of their indexes.
    pub(crate) partitions: Vec<MetadataResponsePartition>,
}

impl Topic {
    /// The broker that leads a partition.
    pub(crate) fn leader(&self, partition: PartitionIndex) -> Result<NodeId, ClientError> {
        let found = self
            .partitions
            .iter()
            .find(|candidate| candidate.partition_index == partition)
            .ok_or_else(|| {
                ClientError::Unknown(format!(
                    "topic {} has partitions 0 to {}, not {partition}",
                    self.name,
                    self.partitions.len().saturating_sub(1)
                ))
            })?;
        if found.leader_id < 0 {
            // The code may be missing here: a leaderless partition is retriable in any case.
            check(ErrorCode::LeaderNotAvailable.code(), None, || {
                format!("partition {}-{partition}", self.name)
            })?;
        }
        Ok(found.leader_id)
    }

    /// The indexes of the partitions.
    pub(crate) fn partition_indexes(&self) -> Vec<PartitionIndex> {
        self.partitions.iter().map(|partition| partition.partition_index).collect()
    }
}

/// The cluster that a command talks to.
pub(crate) struct Cluster {
    bootstrap: Vec<String>,
    /// To whichever broker of `bootstrap` answered.
    any: Option<Connection>,
    addresses: BTreeMap<NodeId, String>,
    connections: BTreeMap<NodeId, Connection>,
}

impl Cluster {
    /// Connects to the first broker that answers.
    pub(crate) async fn connect(args: &ConnectArgs) -> Result<Self, ClientError> {
        let mut cluster = Self {
            bootstrap: args.addresses(),
            any: None,
            addresses: BTreeMap::new(),
            connections: BTreeMap::new(),
        };
        cluster.any_connection().await?;
        Ok(cluster)
    }

    /// Asks a broker, whichever it is.
    pub(crate) async fn call_any<R: Request>(
        &mut self,
        request: &R,
        fit: RangeInclusive<i16>,
    ) -> Result<R::Response, ClientError> {
        let connection = self.any_connection().await?;
        Ok(connection.call(request, fit, REQUEST_TIMEOUT).await?)
    }

    /// Asks one broker. `fit` is the range of versions that the request was written for.
    pub(crate) async fn call<R: Request>(
        &mut self,
        node: NodeId,
        request: &R,
        fit: RangeInclusive<i16>,
    ) -> Result<R::Response, ClientError> {
        self.call_within(node, request, fit, REQUEST_TIMEOUT).await
    }

    /// Asks one broker for something that may take longer than usual.
    pub(super) async fn call_within<R: Request>(
        &mut self,
        node: NodeId,
        request: &R,
        fit: RangeInclusive<i16>,
        limit: Duration,
    ) -> Result<R::Response, ClientError> {
        let connection = self.connection(node).await?;
        Ok(connection.call(request, fit, limit).await?)
    }

    /// Tells one broker something that it doesn't answer.
    pub(super) async fn send<R: Request>(
        &mut self,
        node: NodeId,
        request: &R,
        fit: RangeInclusive<i16>,
    ) -> Result<(), ClientError> {
        let connection = self.connection(node).await?;
        Ok(connection.send(request, fit).await?)
    }

    /// The ids of all brokers, as of now.
    pub(crate) async fn nodes(&mut self) -> Result<Vec<NodeId>, ClientError> {
        self.metadata(Some(Vec::new())).await?;
        Ok(self.addresses.keys().copied().collect())
    }

    /// Every topic, as of now.
    pub(crate) async fn topics(&mut self) -> Result<Vec<Topic>, ClientError> {
        let topics = self.metadata(None).await?;
        topics.into_iter().map(to_topic).collect()
    }

    /// One topic, as of now. It isn't created.
    pub(crate) async fn topic(&mut self, name: &str) -> Result<Topic, ClientError> {
        let asked = MetadataRequestTopic { name: Some(name.to_owned()), ..Default::default() };
        let topics = self.metadata(Some(vec![asked])).await?;
        let found = topics.into_iter().find(|topic| topic.name.as_deref() == Some(name));
        to_topic(found.unwrap_or_else(|| MetadataResponseTopic {
            name: Some(name.to_owned()),
            error_code: ErrorCode::UnknownTopicOrPartition.code(),
            ..Default::default()
        }))
    }

    /// The coordinator of a group. The first group of a cluster makes the brokers create a topic for all of
    /// them, which is waited out.
    pub(crate) async fn coordinator(&mut self, group: &str) -> Result<NodeId, ClientError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.find_coordinator(group).await {
                Err(error) if error.is_retriable() && Instant::now() < deadline => {
                    sleep(RETRY_PAUSE).await;
                }
                found => return found,
            }
        }
    }

    async fn find_coordinator(&mut self, group: &str) -> Result<NodeId, ClientError> {
        let request = FindCoordinatorRequest {
            key_type: GROUP,
            coordinator_keys: vec![group.to_owned()],
            ..Default::default()
        };
        let response = self.call_any(&request, 4..=i16::MAX).await?;
        let found: Coordinator = response.coordinators.into_iter().next().ok_or_else(|| {
            ClientError::Unknown(format!("no broker coordinates the group {group}"))
        })?;
        check(found.error_code, found.error_message.as_deref(), || {
            format!("coordinator of the group {group}")
        })?;
        self.addresses.insert(found.node_id, join(&found.host, found.port));
        Ok(found.node_id)
    }

    async fn metadata(
        &mut self,
        topics: Option<Vec<MetadataRequestTopic>>,
    ) -> Result<Vec<MetadataResponseTopic>, ClientError> {
        let request =
            MetadataRequest { topics, allow_auto_topic_creation: false, ..Default::default() };
        let response = self.call_any(&request, 4..=i16::MAX).await?;
        self.addresses = response
            .brokers
            .into_iter()
            .map(|broker| (broker.node_id, join(&broker.host, broker.port)))
            .collect();
        Ok(response.topics)
    }

    async fn any_connection(&mut self) -> Result<&mut Connection, ClientError> {
        let usable = self.any.take().filter(|open| !open.is_out_of_step());
        let connection = match usable {
            Some(open) => open,
            None => self.open_any().await?,
        };
        Ok(self.any.insert(connection))
    }

    async fn open_any(&self) -> Result<Connection, ClientError> {
        let mut failure = ClientError::NoBootstrap;
        // Brokers that were found later stand in for those of the beginning.
        for address in self.bootstrap.iter().chain(self.addresses.values()) {
            match open(address).await {
                Ok(connection) => return Ok(connection),
                // The first one says most: it is what the user named.
                Err(error) if matches!(failure, ClientError::NoBootstrap) => failure = error,
                Err(_) => {}
            }
        }
        Err(failure)
    }

    async fn connection(&mut self, node: NodeId) -> Result<&mut Connection, ClientError> {
        let usable = self.connections.remove(&node).filter(|open| !open.is_out_of_step());
        let connection = match usable {
            Some(open) => open,
            None => {
                let address = self.addresses.get(&node).ok_or_else(|| {
                    ClientError::Unknown(format!("broker {node} is not in the cluster now"))
                })?;
                open(address).await?
            }
        };
        Ok(self.connections.entry(node).or_insert(connection))
    }
}

async fn open(address: &str) -> Result<Connection, ClientError> {
    let options = ConnectionOptions {
        client_id: "taffrail-cli",
        request_timeout: REQUEST_TIMEOUT,
        frame_bytes_max: FRAME_BYTES_MAX,
    };
    Ok(Connection::open(address, options).await?)
}

fn to_topic(described: MetadataResponseTopic) -> Result<Topic, ClientError> {
    let name = described.name.unwrap_or_default();
    check(described.error_code, None, || format!("topic {name}"))?;
    let mut partitions = described.partitions;
    partitions.sort_by_key(|partition| partition.partition_index);
    Ok(Topic { name, id: described.topic_id, is_internal: described.is_internal, partitions })
}
