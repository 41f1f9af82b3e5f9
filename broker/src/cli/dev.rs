//! `taffrail dev`: a broker for development that needs no configuration, on this machine alone.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use taffrail_metadata::MetadataVersion;
use taffrail_node::format::{FormatError, verify_formatted};

use super::first_format::check_empty;
use super::server::{Started, run_node};
use super::storage::{format_node, random_uuid};
use crate::config::{Properties, ServerConfig};
use crate::runtime::OsDisk;

/// Health and metrics are served so many ports above the broker's: 9644 with 9092.
const HTTP_PORT_DISTANCE: u16 = 552;

/// Start a broker for development, on this machine alone
///
/// The first start prepares the data directory; later ones find their data there again.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The port that clients connect to
    #[arg(long, default_value_t = 9092, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Where data is kept
    #[arg(long, value_name = "DIR", default_value = "./taffrail-data")]
    data: PathBuf,
    /// A broker key of Kafka's to set; may be given several times
    #[arg(long = "override", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

/// Runs the broker until it is told to stop.
pub(super) fn run(args: Args) -> anyhow::Result<()> {
    let config = config(&args)?;
    format_at_first(&config, &args.data)?;
    let Args { port, data, .. } = args;
    run_node(config, |started| announce(port, &data, started))
}

fn config(args: &Args) -> anyhow::Result<ServerConfig> {
    let Some(data) = args.data.to_str().filter(|data| !data.contains(',')) else {
        bail!(
            "data directory {}: the name of a data directory is UTF-8 and has no comma",
            args.data.display()
        );
    };
    let port = args.port;
    let mut properties: Properties = [
        ("process.roles", "broker,controller".to_owned()),
        ("node.id", "1".to_owned()),
        ("log.dirs", data.to_owned()),
        // Nobody but this process speaks to the controller, so that any port will do.
        ("listeners", format!("PLAINTEXT://localhost:{port},CONTROLLER://localhost:0")),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        ("controller.quorum.bootstrap.servers", "localhost:0".to_owned()),
        // One broker holds the one replica there is.
        ("offsets.topic.replication.factor", "1".to_owned()),
        ("transaction.state.log.replication.factor", "1".to_owned()),
        ("transaction.state.log.min.isr", "1".to_owned()),
        ("share.coordinator.state.topic.replication.factor", "1".to_owned()),
        ("share.coordinator.state.topic.min.isr", "1".to_owned()),
        // A single consumer at a terminal needn't wait for others to come.
        ("group.initial.rebalance.delay.ms", "0".to_owned()),
        ("taffrail.http.listen", http_listen(port).to_string()),
    ]
    .into_iter()
    .collect();
    for text in &args.overrides {
        properties.apply_override(text)?;
    }
    ServerConfig::resolve(properties).context("the configuration can't be used")
}

/// The usual port, or any when that is taken: metrics are no reason not to start.
fn http_listen(port: u16) -> SocketAddr {
    let usual = port.checked_add(HTTP_PORT_DISTANCE).unwrap_or(0);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, usual));
    match TcpListener::bind(address) {
        Ok(_) => address,
        Err(_) => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
    }
}

fn format_at_first(config: &ServerConfig, data: &Path) -> anyhow::Result<()> {
    match verify_formatted(&OsDisk, config.node_id, &config.log_dirs) {
        Ok(_) => return Ok(()),
        Err(FormatError::NotFormatted(_)) => {}
        Err(error) => return Err(error.into()),
    }
    check_empty(data).context("--data is not usable")?;
    let cluster_id = random_uuid().to_string();
    format_node(config, &cluster_id, MetadataVersion::LATEST, false)?;
    Ok(())
}

/// What a newcomer sees: where the broker is, and three lines to paste.
fn announce(port: u16, data: &Path, started: &Started) {
    let program = program();
    let bootstrap =
        if port == 9092 { String::new() } else { format!(" --bootstrap localhost:{port}") };
    println!(
        "Taffrail {} is ready after {} ms.

  bootstrap  localhost:{port} (loopback only, no TLS)
  data       {}",
        env!("CARGO_PKG_VERSION"),
        started.took.as_millis(),
        data.display()
    );
    if let Some(http) = started.http {
        println!("  metrics    http://{http}/metrics");
    }
    println!(
        "
Try it from another terminal:

  {program} topic create hello --partitions 3{bootstrap}
  echo 'hello, world' | {program} produce --topic hello{bootstrap}
  {program} consume --topic hello --from-beginning{bootstrap}

Ctrl-C stops it; the data stays.
"
    );
}

/// How to call this program from where it was started: by name when it is on the path, else by a path
/// that is as short as can be.
fn program() -> String {
    const NAME: &str = "taffrail";
    let Ok(executable) = std::env::current_exe() else {
        return NAME.to_owned();
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|dir| dir.join(NAME) == executable) {
        return NAME.to_owned();
    }
    let here = std::env::current_dir().ok();
    let relative = here.and_then(|here| executable.strip_prefix(here).ok().map(Path::to_path_buf));
    // A relative path of one part would be looked for on the path.
    match relative {
        Some(relative) if relative.components().count() > 1 => relative.display().to_string(),
        _ => executable.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(data: &str) -> Args {
        Args { port: 9192, data: data.into(), overrides: vec!["num.partitions=7".to_owned()] }
    }

    #[test]
    fn it_listens_on_loopback_alone() {
        let config = config(&args("/data")).unwrap();
        for listener in &config.listeners.bound {
            assert_eq!(listener.endpoint.host.as_deref(), Some("localhost"));
        }
        assert_eq!(config.listeners.advertised[0].to_string(), "PLAINTEXT://localhost:9192");
        assert!(config.http_listen.unwrap().ip().is_loopback());
        assert_eq!(config.static_config.int("num.partitions"), 7);
        assert!(config.static_config.warnings().is_empty());
    }

    #[test]
    fn a_comma_would_be_two_directories() {
        assert!(config(&args("/a,/b")).unwrap_err().to_string().contains("no comma"));
    }
}
