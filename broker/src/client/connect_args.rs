//! Where the brokers are.

use clap::Args;
use taffrail_client::join;

/// The port of Kafka, for addresses that name none.
const DEFAULT_PORT: u16 = 9092;

/// The options of every command that talks to brokers.
#[derive(Args, Clone, Debug)]
pub(crate) struct ConnectArgs {
    /// Brokers to begin with; the rest of the cluster is found through any of them
    #[arg(
        long,
        value_name = "HOST:PORT[,HOST:PORT...]",
        default_value = "localhost:9092",
        env = "TAFFRAIL_BOOTSTRAP"
    )]
    pub(crate) bootstrap: String,
}

impl ConnectArgs {
    /// The addresses, each with its port.
    pub(super) fn addresses(&self) -> Vec<String> {
        self.bootstrap
            .split(',')
            .map(str::trim)
            .filter(|address| !address.is_empty())
            .map(with_port)
            .collect()
    }
}

fn with_port(address: &str) -> String {
    let has_port = match address.rsplit_once(':') {
        // In a bare IPv6 address the last colon is its own.
        Some((host, port)) => {
            (host.ends_with(']') || !host.contains(':')) && port.parse::<u16>().is_ok()
        }
        None => false,
    };
    if has_port {
        return address.to_owned();
    }
    let host = address.trim_start_matches('[').trim_end_matches(']');
    join(host, DEFAULT_PORT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_get_kafkas_port_when_they_have_none() {
        let check = |bootstrap: &str, expect: &[&str]| {
            let args = ConnectArgs { bootstrap: bootstrap.to_owned() };
            assert_eq!(args.addresses(), expect, "{bootstrap}");
        };
        check("localhost:9092", &["localhost:9092"]);
        check("a:1, b:2,,c", &["a:1", "b:2", "c:9092"]);
        check("10.0.0.1", &["10.0.0.1:9092"]);
        check("::1", &["[::1]:9092"]);
        check("[::1]", &["[::1]:9092"]);
        check("[::1]:7", &["[::1]:7"]);
        check("", &[]);
    }
}
