//! Who votes on metadata: `controller.quorum.voters`, `controller.quorum.bootstrap.servers`.

use taffrail_metadata::config::{ConfigError, StaticConfig};
use taffrail_model::NodeId;

use super::endpoint::split_host_port;
use super::error::{invalid, missing, unsupported};

const VOTERS: &str = "controller.quorum.voters";
const BOOTSTRAP: &str = "controller.quorum.bootstrap.servers";

/// One voter of a static quorum, `id@host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Voter {
    /// The voter's node id.
    pub(crate) id: NodeId,
    /// Its host.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
}

/// The quorum as it is configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Quorum {
    /// Static voters; empty when the voters stand in the metadata log itself (KIP-853).
    pub(super) voters: Vec<Voter>,
    /// Where controllers are found at first, as host and port.
    pub(super) bootstrap_servers: Vec<(String, u16)>,
}

impl Quorum {
    /// Reads both keys and holds them against the node's id and role, as Kafka does; then against what
    /// works: one voter, which is this node.
    pub(super) fn resolve(
        config: &StaticConfig,
        node_id: NodeId,
        is_controller: bool,
    ) -> Result<Self, ConfigError> {
        let quorum =
            Self { voters: voters(config)?, bootstrap_servers: bootstrap_servers(config)? };
        let voters_text = config.text(VOTERS).unwrap_or_default();
        if quorum.voters.is_empty() && quorum.bootstrap_servers.is_empty() {
            let allowed = format!(
                "either {BOOTSTRAP} names the controllers as host:port, or {VOTERS} as id@host:port"
            );
            return Err(missing(BOOTSTRAP, &allowed));
        }
        let is_voter = quorum.voters.iter().any(|voter| voter.id == node_id);
        if is_controller && !quorum.voters.is_empty() && !is_voter {
            let allowed =
                format!("a node with the role 'controller' has to be in it (node.id is {node_id})");
            return Err(invalid(VOTERS, voters_text, allowed));
        }
        if !is_controller && is_voter {
            let allowed =
                format!("node {node_id} lacks the role 'controller', so it can't be a voter");
            return Err(invalid(VOTERS, voters_text, allowed));
        }
        for (key, count) in
            [(VOTERS, quorum.voters.len()), (BOOTSTRAP, quorum.bootstrap_servers.len())]
        {
            if count > 1 {
                let reason = "a cluster has one controller for now; name that one alone";
                return Err(unsupported(key, config.text(key).unwrap_or_default(), reason));
            }
        }
        Ok(quorum)
    }
}

fn voters(config: &StaticConfig) -> Result<Vec<Voter>, ConfigError> {
    let parse = |entry: &str| {
        let (id, address) = entry.split_once('@')?;
        let id = id.parse().ok().filter(|&id| id >= 0)?;
        let (host, port) = split_host_port(address)?;
        (!host.is_empty()).then(|| Voter { id, host: host.to_owned(), port })
    };
    let voters = config.list(VOTERS).into_iter().map(|entry| {
        parse(&entry)
            .ok_or_else(|| invalid(VOTERS, entry.clone(), "entries are of the form id@host:port"))
    });
    voters.collect()
}

fn bootstrap_servers(config: &StaticConfig) -> Result<Vec<(String, u16)>, ConfigError> {
    let servers = config.list(BOOTSTRAP).into_iter().map(|entry| {
        split_host_port(&entry)
            .filter(|(host, _)| !host.is_empty())
            .map(|(host, port)| (host.to_owned(), port))
            .ok_or_else(|| invalid(BOOTSTRAP, entry.clone(), "entries are of the form host:port"))
    });
    servers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pairs: &[(&str, &str)], is_controller: bool, expect: Result<usize, &str>) {
        let texts = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let config = StaticConfig::new(texts.collect()).unwrap();
        match (Quorum::resolve(&config, 1, is_controller), expect) {
            (Ok(quorum), Ok(voters)) => assert_eq!(quorum.voters.len(), voters),
            (Err(error), Err(part)) => {
                let text = error.to_string();
                assert!(text.contains(part), "{text}");
            }
            (got, expect) => panic!("{pairs:?}: {got:?} instead of {expect:?}"),
        }
    }

    #[test]
    fn one_voter_is_right() {
        check(&[(VOTERS, "1@localhost:9093")], true, Ok(1));
        check(&[(BOOTSTRAP, "localhost:9093")], true, Ok(0));
        check(&[(BOOTSTRAP, "[::1]:9093")], false, Ok(0));
    }

    #[test]
    fn what_contradicts_the_node_is_refused() {
        check(&[], true, Err("controller.quorum.bootstrap.servers is not set"));
        check(&[(VOTERS, "2@localhost:1")], true, Err("has to be in it"));
        check(&[(VOTERS, "1@localhost:1")], false, Err("lacks the role"));
        check(&[(VOTERS, "localhost:1")], true, Err("id@host:port"));
        check(&[(VOTERS, "-1@localhost:1")], true, Err("id@host:port"));
        check(&[(BOOTSTRAP, ":9093")], true, Err("host:port"));
    }

    #[test]
    fn more_than_one_controller_is_refused_aloud() {
        check(
            &[(VOTERS, "1@a:1,2@b:1")],
            true,
            Err("is not supported: a cluster has one controller"),
        );
        check(&[(BOOTSTRAP, "a:1,b:1")], true, Err("one controller for now"));
    }
}
