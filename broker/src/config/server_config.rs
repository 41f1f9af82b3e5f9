//! The configuration of a node, resolved.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use taffrail_metadata::config::{ConfigError, StaticConfig};
use taffrail_model::NodeId;

use super::error::{InvalidConfig, invalid, missing};
use super::limits::NetworkLimits;
use super::listeners::Listeners;
use super::machine::Machine;
use super::memory::MemoryPlan;
use super::own_keys::OwnKeys;
use super::properties::Properties;
use super::quorum;

/// `process.roles`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Roles {
    /// Serves clients and holds partitions.
    pub(crate) broker: bool,
    /// Holds the metadata log and may decide about the cluster.
    pub(crate) controller: bool,
}

/// How many threads do what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Threads {
    /// `num.network.threads`: carry connections and the handlers of requests.
    pub(crate) network: usize,
    /// `num.io.threads`: carry what may wait for a disk.
    pub(crate) io: usize,
    /// `num.recovery.threads.per.data.dir`: load logs at start, for each log directory.
    pub(crate) recovery_per_dir: usize,
}

/// The configuration of a node, resolved once at start: what the shell needs, typed. What the rooms need
/// (topic defaults, groups, transactions) they take from [`static_config`](Self::static_config).
#[derive(Clone, Debug)]
pub(crate) struct ServerConfig {
    /// `node.id`.
    pub(crate) node_id: NodeId,
    /// `process.roles`.
    pub(crate) roles: Roles,
    /// `broker.rack`.
    pub(crate) rack: Option<String>,
    /// Where the node listens and what it advertises.
    pub(crate) listeners: Listeners,
    /// `log.dirs`, or `log.dir`; at least one.
    pub(crate) log_dirs: Vec<PathBuf>,
    /// `metadata.log.dir`, by default the first log directory.
    pub(crate) metadata_dir: PathBuf,
    /// What the process may use.
    pub(crate) machine: Machine,
    /// What its memory is divided into.
    pub(crate) memory: MemoryPlan,
    /// What connections may cost.
    pub(crate) limits: NetworkLimits,
    /// How many threads do what.
    pub(crate) threads: Threads,
    /// `taffrail.http.listen`: where health and metrics are served; `None` serves them nowhere.
    pub(crate) http_listen: Option<SocketAddr>,
    /// `taffrail.grpc.listen`: where the node answers over gRPC; `None` answers nowhere.
    pub(crate) grpc_listen: Option<SocketAddr>,
    /// `taffrail.shutdown.timeout.ms`: how long requests in flight may take at a shutdown.
    pub(crate) shutdown_timeout: Duration,
    /// Kafka's keys, typed, with their defaults.
    pub(crate) static_config: Arc<StaticConfig>,
}

impl ServerConfig {
    /// Resolves properties on this machine, or says what is wrong with them.
    pub(crate) fn resolve(properties: Properties) -> Result<Self, InvalidConfig> {
        Self::resolve_on(Machine::detect(), properties)
    }

    fn resolve_on(machine: Machine, mut properties: Properties) -> Result<Self, InvalidConfig> {
        let own = OwnKeys::take(&mut properties)?;
        let (config, memory) = sized(properties, &machine)?;
        let roles = roles(&config)?;
        let node_id = node_id(&config)?;
        quorum::check(&config, node_id, roles.controller)?;
        let log_dirs = log_dirs(&config);
        let metadata_dir = config
            .string("metadata.log.dir")
            .map(PathBuf::from)
            .or_else(|| log_dirs.first().cloned())
            .unwrap_or_default();
        Ok(Self {
            node_id,
            roles,
            rack: config.string("broker.rack"),
            listeners: Listeners::resolve(&config, &own, roles)?,
            log_dirs,
            metadata_dir,
            limits: NetworkLimits::resolve(&config, &memory, own.frame_timeout)?,
            threads: Threads::resolve(&config, &machine),
            machine,
            memory,
            http_listen: own.http_listen,
            grpc_listen: own.grpc_listen,
            shutdown_timeout: own.shutdown_timeout,
            static_config: Arc::new(config),
        })
    }

    /// Every directory that the node writes to, each once.
    pub(crate) fn directories(&self) -> impl Iterator<Item = &Path> {
        let metadata = (!self.log_dirs.contains(&self.metadata_dir)).then_some(&self.metadata_dir);
        self.log_dirs.iter().chain(metadata).map(PathBuf::as_path)
    }
}

impl Threads {
    fn resolve(config: &StaticConfig, machine: &Machine) -> Self {
        let count = |key| usize::try_from(config.number(key)).unwrap_or(1);
        let network = count("num.network.threads");
        Self {
            // More threads than cores would only take turns; who asks for them gets them.
            network: if config.is_set("num.network.threads") {
                network
            } else {
                network.min(machine.parallelism)
            },
            io: count("num.io.threads"),
            recovery_per_dir: count("num.recovery.threads.per.data.dir"),
        }
    }
}

/// The typed keys and the shares of memory. The largest request, where it isn't set, follows the memory; the key says so
/// to whoever describes the node's configuration.
fn sized(
    properties: Properties,
    machine: &Machine,
) -> Result<(StaticConfig, MemoryPlan), InvalidConfig> {
    const KEY: &str = "socket.request.max.bytes";
    let mut texts: BTreeMap<String, String> = properties.into();
    let config = StaticConfig::new(texts.clone()).map_err(InvalidConfig)?;
    let memory = MemoryPlan::resolve(&config, machine)?;
    let chosen = i64::try_from(memory.request_max_bytes).unwrap_or(i64::MAX);
    if config.number(KEY) == chosen {
        return Ok((config, memory));
    }
    texts.insert(KEY.to_owned(), chosen.to_string());
    Ok((StaticConfig::new(texts).map_err(InvalidConfig)?, memory))
}

fn roles(config: &StaticConfig) -> Result<Roles, ConfigError> {
    const KEY: &str = "process.roles";
    let roles = config.list(KEY);
    if roles.is_empty() {
        return Err(missing(KEY, "it is broker, controller, or broker,controller"));
    }
    let has = |role: &str| roles.iter().any(|r| r == role);
    Ok(Roles { broker: has("broker"), controller: has("controller") })
}

fn node_id(config: &StaticConfig) -> Result<NodeId, ConfigError> {
    let number = |key| {
        let number = config.optional_number(key).and_then(|id| NodeId::try_from(id).ok());
        number.filter(|&id| id >= 0)
    };
    match (number("node.id"), number("broker.id")) {
        (None, None) => Err(missing("node.id", "every node has a number of its own, from 0")),
        (Some(node), Some(broker)) if node != broker => Err(invalid(
            "broker.id",
            broker.to_string(),
            format!("it has to be the same as node.id ({node}); it is deprecated, so leave it out"),
        )),
        (Some(id), _) | (None, Some(id)) => Ok(id),
    }
}

fn log_dirs(config: &StaticConfig) -> Vec<PathBuf> {
    let key = if config.is_set("log.dirs") { "log.dirs" } else { "log.dir" };
    config.list(key).into_iter().map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = "process.roles=broker,controller
        node.id=1
        listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093
        controller.listener.names=CONTROLLER
        controller.quorum.bootstrap.servers=127.0.0.1:9093
        log.dirs=/a,/b
    ";

    fn resolve(more: &str) -> Result<ServerConfig, String> {
        let properties = Properties::parse(&format!("{MINIMAL}\n{more}")).unwrap();
        ServerConfig::resolve(properties).map_err(|error| error.to_string())
    }

    #[test]
    fn a_node_with_both_roles() {
        let config = resolve("").unwrap();
        assert_eq!(config.node_id, 1);
        assert!(config.roles.broker && config.roles.controller);
        assert_eq!(config.log_dirs, [Path::new("/a"), Path::new("/b")]);
        assert_eq!(config.metadata_dir, Path::new("/a"));
        assert_eq!(config.directories().count(), 2);
        assert_eq!(config.static_config.int("num.partitions"), 1);
        assert!(config.threads.network <= 3);
        assert!(config.static_config.warnings().is_empty());
    }

    #[test]
    fn the_largest_request_and_the_threads_follow_the_limits() {
        let resolve = |more: &str| {
            let machine = Machine {
                memory_limit_bytes: Some(256 << 20),
                parallelism: 2,
                ..Machine::default()
            };
            let properties = Properties::parse(&format!("{MINIMAL}\n{more}")).unwrap();
            ServerConfig::resolve_on(machine, properties).unwrap()
        };
        let config = resolve("");
        assert_eq!(config.limits.request_max_bytes, 16 << 20);
        assert_eq!(config.static_config.number("socket.request.max.bytes"), 16 << 20);
        assert_eq!(config.threads.network, 2);
        config.memory.verify().unwrap();
        let config = resolve("socket.request.max.bytes=1048576\nnum.network.threads=5");
        assert_eq!(config.limits.request_max_bytes, 1 << 20);
        assert_eq!(config.threads.network, 5);
    }

    #[test]
    fn a_directory_for_metadata_alone() {
        let config = resolve("metadata.log.dir=/m\nnum.network.threads=9").unwrap();
        assert_eq!(config.directories().last(), Some(Path::new("/m")));
        assert_eq!(config.threads.network, 9);
    }

    #[test]
    fn errors_name_the_key_the_value_and_what_is_allowed() {
        let check = |more: &str, parts: &[&str]| {
            let error = resolve(more).unwrap_err();
            for part in parts {
                assert!(error.contains(part), "{more}: {error}");
            }
        };
        check("process.roles=zookeeper", &["zookeeper", "process.roles"]);
        check("process.roles=", &["process.roles"]);
        check("node.id=-2", &["-2", "node.id", "at least 0"]);
        check("broker.id=2", &["broker.id", "the same as node.id (1)"]);
        check("log.dirs=/a,/a", &["/a,/a", "log.dirs"]);
        check("node.id=x\nnum.io.threads=y", &["node.id", "\n", "num.io.threads"]);
        check("ssl.engine.factory.class=x", &["ssl.engine.factory.class", "not supported"]);
    }
}
