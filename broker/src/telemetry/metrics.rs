//! The metrics of a process, named as the dashboards for Kafka expect them where Kafka has the thing,
//! in base units (bytes, seconds).

use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use taffrail_protocol::ApiKey;

use super::process::ProcessCollector;

/// Upper bounds of the latency buckets, in seconds: a write to the page cache at one end, a long poll at
/// the other.
const LATENCY_BUCKETS_S: [f64; 16] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    10.0, 30.0,
];

/// One more than the largest API key, so that what is counted per API is an index away.
const API_COUNT: usize = 93;

/// All that a process counts. Shared by `Arc`; every counter is an atomic, and none is looked up by
/// label on the hot path.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    /// Traffic of all topics together.
    pub(crate) topics: TopicMetrics,
    /// What this broker holds.
    pub(crate) replicas: ReplicaMetrics,
    /// What the controller sees; all zero while it isn't active.
    pub(crate) controller: ControllerMetrics,
    /// What the process may use, as it was found and divided at start.
    pub(crate) limits: LimitMetrics,
    /// Bytes that requests hold of the budget.
    pub(crate) request_memory_bytes: Gauge,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<ApiLabel, Histogram>,
    connections: Family<ListenerLabel, Gauge>,
    connections_created: Family<ListenerLabel, Counter>,
    connections_refused: Family<RefusalLabels, Counter>,
    incoming_bytes: Family<ListenerLabel, Counter>,
    outgoing_bytes: Family<ListenerLabel, Counter>,
}

/// Traffic of all topics together, as `kafka.server:type=BrokerTopicMetrics`.
#[derive(Debug, Default)]
pub(crate) struct TopicMetrics {
    /// Records appended by producers.
    pub(crate) messages_in: Counter,
    /// Bytes of batches appended by producers.
    pub(crate) bytes_in: Counter,
    /// Bytes of batches sent to consumers.
    pub(crate) bytes_out: Counter,
    /// Bytes of batches that were refused.
    pub(crate) bytes_rejected: Counter,
    /// Partitions that a Produce request named.
    pub(crate) produce_requests: Counter,
    /// Partitions that a Fetch request named.
    pub(crate) fetch_requests: Counter,
    /// Of those, the ones that got an error.
    pub(crate) failed_produce_requests: Counter,
    /// Of those, the ones that got an error.
    pub(crate) failed_fetch_requests: Counter,
}

/// What this broker holds, as `kafka.server:type=ReplicaManager`.
#[derive(Debug, Default)]
pub(crate) struct ReplicaMetrics {
    /// Replicas on this broker.
    pub(crate) partitions: Gauge,
    /// Replicas that lead.
    pub(crate) leaders: Gauge,
    /// Led partitions with fewer in-sync replicas than replicas.
    pub(crate) under_replicated: Gauge,
    /// Replicas on log directories that failed.
    pub(crate) offline: Gauge,
}

/// What the active controller sees, as `kafka.controller:type=KafkaController`.
#[derive(Debug, Default)]
pub(crate) struct ControllerMetrics {
    /// 1 while this node is the active controller.
    pub(crate) active: Gauge,
    /// Registered brokers that aren't fenced.
    pub(crate) active_brokers: Gauge,
    /// Registered brokers that are fenced.
    pub(crate) fenced_brokers: Gauge,
    /// Topics.
    pub(crate) topics: Gauge,
    /// Partitions.
    pub(crate) partitions: Gauge,
    /// Partitions without a leader.
    pub(crate) offline_partitions: Gauge,
}

/// What the process may use. What the system doesn't limit isn't listed.
#[derive(Debug, Default)]
pub(crate) struct LimitMetrics {
    memory: Family<ShareLabel, Gauge>,
    cores: Family<CpuLabel, Gauge<f64, AtomicU64>>,
}

impl LimitMetrics {
    /// A share of the memory, or all of it.
    pub(crate) fn set_memory(&self, share: &'static str, bytes: u64) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.memory.get_or_create(&ShareLabel { share }).set(bytes);
    }

    /// Processors, by where the number comes from.
    pub(crate) fn set_cores(&self, source: &'static str, cores: f64) {
        self.cores.get_or_create(&CpuLabel { source }).set(cores);
    }

    fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "memory",
            "Memory that the process may use, and its shares",
            Unit::Bytes,
            self.memory.clone(),
        );
        registry.register("cpu_cores", "Processors that may be used", self.cores.clone());
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ShareLabel {
    share: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CpuLabel {
    source: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    listener: String,
    request: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ApiLabel {
    request: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListenerLabel {
    listener: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    listener: String,
    reason: &'static str,
}

fn latency_histogram() -> Histogram {
    Histogram::new(LATENCY_BUCKETS_S)
}

impl Metrics {
    /// The metrics of a process that has done nothing yet.
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            topics: TopicMetrics::default(),
            replicas: ReplicaMetrics::default(),
            controller: ControllerMetrics::default(),
            limits: LimitMetrics::default(),
            request_memory_bytes: Gauge::default(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(latency_histogram),
            connections: Family::default(),
            connections_created: Family::default(),
            connections_refused: Family::default(),
            incoming_bytes: Family::default(),
            outgoing_bytes: Family::default(),
        };
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        metrics.registry = registry;
        metrics
    }

    fn register(&self, registry: &mut Registry) {
        registry.register(
            "taffrail_build",
            "The program that runs",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        registry.register_collector(Box::new(ProcessCollector));
        self.topics.register(registry.sub_registry_with_prefix("kafka_server_brokertopicmetrics"));
        self.replicas.register(registry.sub_registry_with_prefix("kafka_server_replicamanager"));
        self.controller
            .register(registry.sub_registry_with_prefix("kafka_controller_kafkacontroller"));
        self.limits.register(registry.sub_registry_with_prefix("taffrail_limits"));
        self.register_network(registry);
    }

    fn register_network(&self, registry: &mut Registry) {
        let requests = registry.sub_registry_with_prefix("kafka_network_requestmetrics");
        requests.register(
            "requests",
            "Requests answered, by API and listener",
            self.requests.clone(),
        );
        requests.register_with_unit(
            "totaltime",
            "Time from a request's last byte to its reply's last byte",
            Unit::Seconds,
            self.request_seconds.clone(),
        );
        let sockets = registry.sub_registry_with_prefix("kafka_server_socketservermetrics");
        sockets.register("connection_count", "Connections that are open", self.connections.clone());
        sockets.register(
            "connection_creation",
            "Connections that were accepted",
            self.connections_created.clone(),
        );
        sockets.register(
            "connection_refused",
            "Connections that were closed by this side, by cause",
            self.connections_refused.clone(),
        );
        sockets.register(
            "incoming_byte",
            "Bytes received, in whole requests",
            self.incoming_bytes.clone(),
        );
        sockets.register(
            "outgoing_byte",
            "Bytes sent, in whole replies",
            self.outgoing_bytes.clone(),
        );
        sockets.register_with_unit(
            "request_memory",
            "Memory that requests hold, of queued.max.request.bytes",
            Unit::Bytes,
            self.request_memory_bytes.clone(),
        );
    }

    /// The counters of one listener, to be kept by its connections.
    pub(crate) fn listener(&self, listener: &str) -> ListenerMetrics {
        let label = ListenerLabel { listener: listener.to_owned() };
        ListenerMetrics {
            listener: listener.to_owned(),
            connections: self.connections.get_or_create_owned(&label),
            created: self.connections_created.get_or_create_owned(&label),
            incoming_bytes: self.incoming_bytes.get_or_create_owned(&label),
            outgoing_bytes: self.outgoing_bytes.get_or_create_owned(&label),
            refused: self.connections_refused.clone(),
            requests: self.requests.clone(),
            request_seconds: self.request_seconds.clone(),
            by_api: [const { OnceLock::new() }; API_COUNT],
        }
    }

    /// The metrics as the OpenMetrics text that Prometheus reads.
    pub(crate) fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl TopicMetrics {
    fn register(&self, registry: &mut Registry) {
        for (name, help, counter) in [
            ("messagesin", "Records appended by producers", &self.messages_in),
            ("bytesin", "Bytes appended by producers", &self.bytes_in),
            ("bytesout", "Bytes sent to consumers", &self.bytes_out),
            ("bytesrejected", "Bytes of batches that were refused", &self.bytes_rejected),
            (
                "totalproducerequests",
                "Partitions named by Produce requests",
                &self.produce_requests,
            ),
            ("totalfetchrequests", "Partitions named by Fetch requests", &self.fetch_requests),
            (
                "failedproducerequests",
                "Partitions of Produce requests that got an error",
                &self.failed_produce_requests,
            ),
            (
                "failedfetchrequests",
                "Partitions of Fetch requests that got an error",
                &self.failed_fetch_requests,
            ),
        ] {
            registry.register(name, help, counter.clone());
        }
    }
}

impl ReplicaMetrics {
    fn register(&self, registry: &mut Registry) {
        for (name, help, gauge) in [
            ("partitioncount", "Replicas on this broker", &self.partitions),
            ("leadercount", "Replicas that lead", &self.leaders),
            (
                "underreplicatedpartitions",
                "Led partitions with replicas out of sync",
                &self.under_replicated,
            ),
            ("offlinereplicacount", "Replicas on failed log directories", &self.offline),
        ] {
            registry.register(name, help, gauge.clone());
        }
    }
}

impl ControllerMetrics {
    fn register(&self, registry: &mut Registry) {
        for (name, help, gauge) in [
            ("activecontrollercount", "1 while this node is the active controller", &self.active),
            ("activebrokercount", "Registered brokers that serve", &self.active_brokers),
            ("fencedbrokercount", "Registered brokers that are fenced", &self.fenced_brokers),
            ("globaltopiccount", "Topics of the cluster", &self.topics),
            ("globalpartitioncount", "Partitions of the cluster", &self.partitions),
            ("offlinepartitionscount", "Partitions without a leader", &self.offline_partitions),
        ] {
            registry.register(name, help, gauge.clone());
        }
    }
}

/// The counters of one listener. What is counted per API is created when the API is first used, so that
/// `/metrics` lists what happens and not ninety empty histograms.
#[derive(Debug)]
pub(crate) struct ListenerMetrics {
    listener: String,
    /// Connections that are open.
    pub(crate) connections: Gauge,
    /// Connections that were accepted.
    pub(crate) created: Counter,
    /// Bytes received, in whole requests.
    pub(crate) incoming_bytes: Counter,
    /// Bytes sent, in whole replies.
    pub(crate) outgoing_bytes: Counter,
    refused: Family<RefusalLabels, Counter>,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<ApiLabel, Histogram>,
    by_api: [OnceLock<ApiMetrics>; API_COUNT],
}

/// What is counted of one API on one listener.
#[derive(Debug)]
struct ApiMetrics {
    requests: Counter<u64, AtomicU64>,
    seconds: Histogram,
}

impl ListenerMetrics {
    /// Counts one answered request that took `seconds` from its last byte to its reply's last.
    pub(crate) fn count_request(&self, api: ApiKey, seconds: f64) {
        let Some(slot) = usize::try_from(api.code()).ok().and_then(|code| self.by_api.get(code))
        else {
            return;
        };
        let metrics = slot.get_or_init(|| ApiMetrics {
            requests: self.requests.get_or_create_owned(&RequestLabels {
                listener: self.listener.clone(),
                request: api.name(),
            }),
            seconds: self.request_seconds.get_or_create_owned(&ApiLabel { request: api.name() }),
        });
        metrics.requests.inc();
        metrics.seconds.observe(seconds);
    }

    /// Counts one connection that was closed by this side, for one of a few causes.
    pub(crate) fn count_refused(&self, reason: &'static str) {
        let labels = RefusalLabels { listener: self.listener.clone(), reason };
        self.refused.get_or_create(&labels).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_kafkas_dashboards() {
        let metrics = Metrics::new();
        metrics.topics.messages_in.inc_by(3);
        let listener = metrics.listener("PLAINTEXT");
        listener.connections.inc();
        listener.count_request(ApiKey::Produce, 0.002);
        listener.count_refused("frame_too_large");
        let text = metrics.encode().unwrap();
        for line in [
            "kafka_server_brokertopicmetrics_messagesin_total 3",
            "kafka_network_requestmetrics_requests_total{listener=\"PLAINTEXT\",request=\"Produce\"} 1",
            "kafka_network_requestmetrics_totaltime_seconds_count{request=\"Produce\"} 1",
            "kafka_server_socketservermetrics_connection_count{listener=\"PLAINTEXT\"} 1",
            "kafka_server_socketservermetrics_connection_refused_total{listener=\"PLAINTEXT\",reason=\"frame_too_large\"} 1",
            "kafka_server_replicamanager_partitioncount 0",
            "kafka_controller_kafkacontroller_activecontrollercount 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in:\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn every_api_has_a_slot() {
        assert_eq!(
            (0..i16::MAX).filter_map(ApiKey::from_code).map(|k| k.code()).max(),
            i16::try_from(API_COUNT - 1).ok()
        );
    }
}
