//! Requests over real sockets, against a whole node in this process.

mod administration;
mod amplification;
mod data;
mod every_version;
mod groups;
mod topics;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use taffrail_metadata::{BootstrapRecords, MetadataVersion};
use taffrail_model::Uuid;
use taffrail_node::format::{FormatOptions, format};
use taffrail_protocol::Request;
use taffrail_protocol::batch::BatchBuilder;
use taffrail_protocol::header::{decode_response, encode_request};
use taffrail_protocol::messages::create_topics_request::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use taffrail_protocol::messages::create_topics_response::CreatableTopicResult;
use taffrail_protocol::messages::find_coordinator_request::FindCoordinatorRequest;
use taffrail_protocol::messages::produce_request::{
    PartitionProduceData, ProduceRequest, TopicProduceData,
};
use taffrail_protocol::messages::produce_response::PartitionProduceResponse;
use taffrail_protocol::wire::Records;
use taffrail_security::Authorizer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::config::{Properties, ServerConfig};
use crate::runtime::{OsDisk, RunningBroker, start_with};
use crate::telemetry::Metrics;

/// Longer than any test waits for what does happen; only a bug reaches it.
const FOREVER: Duration = Duration::from_secs(60);
/// How long a test's shutdown waits for requests in flight.
const SHUTDOWN: Duration = Duration::from_secs(10);

/// A node with both roles on a directory of its own.
struct Node {
    running: RunningBroker,
    addresses: BTreeMap<String, SocketAddr>,
    metrics: Arc<Metrics>,
    _directory: tempfile::TempDir,
}

impl Node {
    async fn start() -> Self {
        Self::start_with(&[], Authorizer::AllowAll).await
    }

    /// A node where not everybody may do everything.
    async fn start_authorized(authorizer: Authorizer) -> Self {
        Self::start_with(&[], authorizer).await
    }

    /// A node with more keys than a single broker needs.
    async fn start_with(more: &[(&str, &str)], authorizer: Authorizer) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = config(directory.path().to_str().unwrap(), more);
        format(
            &OsDisk,
            &FormatOptions {
                log_dirs: config.log_dirs.clone(),
                metadata_dir: config.metadata_dir.clone(),
                cluster_id: Uuid::from_random(rand::random()).to_string(),
                node_id: config.node_id,
                standalone_controller: Some(config.listeners.controller_endpoints()),
                bootstrap: BootstrapRecords::of_release(MetadataVersion::LATEST),
                ignore_formatted: false,
            },
            &mut rand::random,
            0,
        )
        .unwrap();
        let metrics = Arc::new(Metrics::new());
        let running = start_with(config, Arc::clone(&metrics), authorizer).await.unwrap();
        let addresses = running.addresses().iter().cloned().collect();
        Self { running, addresses, metrics, _directory: directory }
    }

    async fn connect(&self) -> Client {
        self.connect_to("PLAINTEXT").await
    }

    async fn connect_to(&self, listener: &str) -> Client {
        Client { stream: TcpStream::connect(self.addresses[listener]).await.unwrap(), sent: 0 }
    }

    /// How much clients have sent that was read.
    fn bytes_received(&self) -> u64 {
        const LINE: &str =
            "kafka_server_socketservermetrics_incoming_byte_total{listener=\"PLAINTEXT\"} ";
        let text = self.metrics.encode().unwrap();
        let bytes = text.lines().find_map(|line| line.strip_prefix(LINE));
        bytes.expect("the listener counts what it reads").parse().unwrap()
    }

    async fn stop(self) {
        self.running.shutdown(SHUTDOWN).await;
    }
}

fn config(directory: &str, more: &[(&str, &str)]) -> ServerConfig {
    let mut properties: Properties = [
        ("process.roles", "broker,controller"),
        ("node.id", "1"),
        ("log.dirs", directory),
        ("listeners", "PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0"),
        ("controller.listener.names", "CONTROLLER"),
        ("controller.quorum.bootstrap.servers", "127.0.0.1:0"),
        ("offsets.topic.replication.factor", "1"),
        ("offsets.topic.num.partitions", "3"),
        ("group.initial.rebalance.delay.ms", "0"),
    ]
    .into_iter()
    .collect();
    for (key, value) in more {
        properties.set(key, value);
    }
    ServerConfig::resolve(properties).unwrap()
}

/// A client that says what it is told to.
struct Client {
    stream: TcpStream,
    sent: i32,
}

impl Client {
    async fn send<R: Request>(&mut self, version: i16, request: &R) {
        self.sent += 1;
        let frame = encode_request(self.sent, Some("test"), version, request)
            .unwrap_or_else(|error| panic!("{} {version}: {error}", R::NAME));
        self.stream.write_all(&frame.concat()).await.unwrap();
    }

    /// Sends bytes that no encoder would make, with correlation id 0 or without any.
    async fn stream_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    async fn receive<R: Request>(&mut self, version: i16) -> R::Response {
        let frame = tokio::time::timeout(FOREVER, async {
            let length = self.stream.read_u32().await?;
            let mut frame = vec![0; length as usize];
            self.stream.read_exact(&mut frame).await?;
            std::io::Result::Ok(Bytes::from(frame))
        });
        let frame = match frame.await {
            Ok(Ok(frame)) => frame,
            other => panic!("no answer to {} {version}: {other:?}", R::NAME),
        };
        let (header, response) = decode_response::<R>(frame, version)
            .unwrap_or_else(|error| panic!("the answer to {} {version}: {error}", R::NAME));
        assert_eq!(header.correlation_id, self.sent);
        response
    }

    async fn ask<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        self.send(version, request).await;
        self.receive::<R>(version).await
    }

    /// Whether the server closes the connection without another byte.
    async fn expect_closed(&mut self) {
        let mut rest = Vec::new();
        let read = tokio::time::timeout(FOREVER, self.stream.read_to_end(&mut rest)).await;
        match read.expect("the server closes the connection") {
            Ok(_) => assert!(rest.is_empty(), "{} bytes came", rest.len()),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
    }

    async fn create(&mut self, topic: CreatableTopic) -> CreatableTopicResult {
        let request =
            CreateTopicsRequest { topics: vec![topic], timeout_ms: 30_000, ..Default::default() };
        let mut response = self.ask(7, &request).await;
        assert_eq!(response.topics.len(), 1);
        response.topics.remove(0)
    }

    /// Creates a topic that must not exist yet.
    async fn create_topic(&mut self, name: &str, partitions: i32) -> Uuid {
        let created = self.create(topic(name, partitions, &[])).await;
        assert_eq!(created.error_code, 0, "{:?}", created.error_message);
        created.topic_id
    }

    /// Makes the coordinator's topic, so that group requests find their shard.
    async fn find_coordinator(&mut self, group: &str) {
        let request = FindCoordinatorRequest { key: group.to_owned(), ..Default::default() };
        let found = self.ask(3, &request).await;
        assert_eq!((found.error_code, found.node_id), (0, 1), "{:?}", found.error_message);
    }

    async fn produce(&mut self, acks: i16, topic: &str, batch: Bytes) -> PartitionProduceResponse {
        let request = produce(acks, topic, Uuid::ZERO, batch);
        let mut response = self.ask(12, &request).await;
        response.responses.remove(0).partition_responses.remove(0)
    }
}

fn topic(name: &str, partitions: i32, configs: &[(&str, &str)]) -> CreatableTopic {
    CreatableTopic {
        name: name.to_owned(),
        num_partitions: partitions,
        replication_factor: 1,
        configs: configs
            .iter()
            .map(|&(name, value)| CreatableTopicConfig {
                name: name.to_owned(),
                value: Some(value.to_owned()),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}

/// A request that writes to partition 0.
fn produce(acks: i16, name: &str, topic_id: Uuid, batch: Bytes) -> ProduceRequest {
    ProduceRequest {
        acks,
        timeout_ms: 30_000,
        topic_data: vec![TopicProduceData {
            name: name.to_owned(),
            topic_id,
            partition_data: vec![PartitionProduceData {
                index: 0,
                records: Some(Records::from(batch)),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// A batch of records without keys.
fn batch(values: &[&str]) -> Bytes {
    let mut builder = BatchBuilder::new();
    for value in values {
        builder.append(1_700_000_000_000, None, Some(value.as_bytes()), &[]);
    }
    builder.build()
}
