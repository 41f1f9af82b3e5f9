//! Who votes on metadata: `controller.quorum.voters`, `controller.quorum.bootstrap.servers`.

use taffrail_metadata::config::{ConfigError, StaticConfig};
use taffrail_model::NodeId;

use super::endpoint::split_host_port;
use super::error::{invalid, missing, unsupported};

const VOTERS: &str = "controller.quorum.voters";
const BOOTSTRAP: &str = "controller.quorum.bootstrap.servers";

/// Holds both keys against the node's id and role, as Kafka does; then against what works: one voter,
/// which is this node.
pub(super) fn check(
    config: &StaticConfig,
    node_id: NodeId,
    is_controller: bool,
) -> Result<(), ConfigError> {
    let voters = voters(config)?;
    let bootstrap_servers = bootstrap_servers(config)?;
    let voters_text = config.text(VOTERS).unwrap_or_default();
    if voters.is_empty() && bootstrap_servers.is_empty() {
        let allowed = format!(
            "either {BOOTSTRAP} names the controllers as host:port, or {VOTERS} as id@host:port"
        );
        return Err(missing(BOOTSTRAP, &allowed));
    }
    let is_voter = voters.contains(&node_id);
    if is_controller && !voters.is_empty() && !is_voter {
        let allowed =
            format!("a node with the role 'controller' has to be in it (node.id is {node_id})");
        return Err(invalid(VOTERS, voters_text, allowed));
    }
    if !is_controller && is_voter {
        let allowed = format!("node {node_id} lacks the role 'controller', so it can't be a voter");
        return Err(invalid(VOTERS, voters_text, allowed));
    }
    for (key, count) in [(VOTERS, voters.len()), (BOOTSTRAP, bootstrap_servers.len())] {
        if count > 1 {
            let reason = "a cluster has one controller for now; name that one alone";
            return Err(unsupported(key, config.text(key).unwrap_or_default(), reason));
        }
    }
    Ok(())
}

/// The node ids of static voters; none when the voters stand in the metadata log itself (KIP-853).
fn voters(config: &StaticConfig) -> Result<Vec<NodeId>, ConfigError> {
    let parse = |entry: &str| {
        let (id, address) = entry.split_once('@')?;
        let (host, _) = split_host_port(address)?;
        id.parse().ok().filter(|&id: &NodeId| id >= 0 && !host.is_empty())
    };
    let voters = config.list(VOTERS).into_iter().map(|entry| {
        parse(&entry).ok_or_else(|| invalid(VOTERS, entry, "entries are of the form id@host:port"))
    });
    voters.collect()
}

/// Where controllers are found at first.
fn bootstrap_servers(config: &StaticConfig) -> Result<Vec<String>, ConfigError> {
    let servers = config.list(BOOTSTRAP).into_iter().map(|entry| match split_host_port(&entry) {
        Some((host, _)) if !host.is_empty() => Ok(entry),
        _ => Err(invalid(BOOTSTRAP, entry, "entries are of the form host:port")),
    });
    servers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(pairs: &[(&str, &str)], is_controller: bool) -> Result<(), String> {
        let texts = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let config = StaticConfig::new(texts.collect()).unwrap();
        check(&config, 1, is_controller).map_err(|error| error.to_string())
    }

    fn check_error(pairs: &[(&str, &str)], is_controller: bool, part: &str) {
        let error = resolve(pairs, is_controller).unwrap_err();
        assert!(error.contains(part), "{pairs:?}: {error}");
    }

    #[test]
    fn one_voter_is_right() {
        assert_eq!(resolve(&[(VOTERS, "1@localhost:9093")], true), Ok(()));
        assert_eq!(resolve(&[(BOOTSTRAP, "localhost:9093")], true), Ok(()));
        assert_eq!(resolve(&[(BOOTSTRAP, "[::1]:9093")], false), Ok(()));
    }

    #[test]
    fn what_contradicts_the_node_is_refused() {
        check_error(&[], true, "controller.quorum.bootstrap.servers is not set");
        check_error(&[(VOTERS, "2@localhost:1")], true, "has to be in it");
        check_error(&[(VOTERS, "1@localhost:1")], false, "lacks the role");
        check_error(&[(VOTERS, "localhost:1")], true, "id@host:port");
        check_error(&[(VOTERS, "-1@localhost:1")], true, "id@host:port");
        check_error(&[(BOOTSTRAP, ":9093")], true, "host:port");
    }

    #[test]
    fn more_than_one_controller_is_refused_aloud() {
        check_error(
            &[(VOTERS, "1@a:1,2@b:1")],
            true,
            "is not supported: a cluster has one controller",
        );
        check_error(&[(BOOTSTRAP, "a:1,b:1")], true, "one controller for now");
    }
}
