//! The keys that Kafka's table doesn't list: those of Taffrail alone, which begin with `taffrail.`, and
//! Kafka's keys for one listener.

use std::net::SocketAddr;
use std::time::Duration;

use taffrail_metadata::config::ConfigError;

use super::endpoint::ListenerName;
use super::error::invalid;
use super::properties::Properties;

const PREFIX: &str = "taffrail.";
const HTTP_LISTEN: &str = "taffrail.http.listen";
const GRPC_LISTEN: &str = "taffrail.grpc.listen";
const FRAME_TIMEOUT: &str = "taffrail.frame.timeout.ms";
const SHUTDOWN_TIMEOUT: &str = "taffrail.shutdown.timeout.ms";

/// Where health and metrics are served when nothing else is said.
const HTTP_LISTEN_DEFAULT: &str = "127.0.0.1:9644";

/// What stands behind the listener's prefix in the one key that is honoured for a listener.
const MAX_CONNECTIONS: &str = "max.connections";

/// The keys of Taffrail's own, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OwnKeys {
    /// `taffrail.http.listen`: where health and metrics are served; `None` serves them nowhere.
    pub(super) http_listen: Option<SocketAddr>,
    /// `taffrail.grpc.listen`: where the node answers over gRPC; `None` answers nowhere.
    pub(super) grpc_listen: Option<SocketAddr>,
    /// `taffrail.frame.timeout.ms`: how long a request may take to arrive, or a reply to leave.
    pub(super) frame_timeout: Duration,
    /// `taffrail.shutdown.timeout.ms`: how long requests in flight may take at a shutdown.
    pub(super) shutdown_timeout: Duration,
    max_connections: Vec<(String, u32)>,
}

impl OwnKeys {
    /// Takes its keys out of `properties`, so that what is left is Kafka's table's. An unknown key of
    /// Taffrail's is an error, since nobody else would have set it.
    pub(super) fn take(properties: &mut Properties) -> Result<Self, ConfigError> {
        let mut keys = Self {
            http_listen: listen(HTTP_LISTEN, HTTP_LISTEN_DEFAULT)?,
            grpc_listen: None,
            frame_timeout: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(10),
            max_connections: Vec::new(),
        };
        let is_own = |key: &str| {
            key.starts_with(PREFIX) || ListenerName::key_of(key) == Some(MAX_CONNECTIONS)
        };
        for (key, value) in properties.extract(is_own) {
            let value = value.trim();
            match key.as_str() {
                HTTP_LISTEN => keys.http_listen = listen(&key, value)?,
                GRPC_LISTEN => keys.grpc_listen = listen(&key, value)?,
                FRAME_TIMEOUT => keys.frame_timeout = milliseconds(&key, value)?,
                SHUTDOWN_TIMEOUT => keys.shutdown_timeout = milliseconds(&key, value)?,
                _ if key.starts_with(PREFIX) => {
                    let known =
                        [HTTP_LISTEN, GRPC_LISTEN, FRAME_TIMEOUT, SHUTDOWN_TIMEOUT].join(", ");
                    return Err(invalid(&key, value, format!("the keys of Taffrail are {known}")));
                }
                _ => {
                    let count = number(&key, value)?;
                    keys.max_connections.push((key, count));
                }
            }
        }
        Ok(keys)
    }

    /// `listener.name.<name>.max.connections`; unbounded when it isn't set.
    pub(super) fn max_connections(&self, listener: &ListenerName) -> u32 {
        let key = listener.config_prefix() + MAX_CONNECTIONS;
        self.max_connections
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(&key))
            .map_or(u32::MAX, |(_, count)| *count)
    }
}

fn listen(key: &str, text: &str) -> Result<Option<SocketAddr>, ConfigError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        let allowed = "an IP address and a port, such as 127.0.0.1:9644, or empty for none";
        invalid(key, text, allowed)
    })
}

fn milliseconds(key: &str, text: &str) -> Result<Duration, ConfigError> {
    Ok(Duration::from_millis(number(key, text)?.into()))
}

fn number(key: &str, text: &str) -> Result<u32, ConfigError> {
    let largest = u32::MAX / 2;
    text.parse()
        .ok()
        .filter(|&number| number <= largest)
        .ok_or_else(|| invalid(key, text, format!("a whole number from 0 to {largest}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(text: &str) -> Result<(OwnKeys, Properties), String> {
        let mut properties = Properties::parse(text).unwrap();
        let keys = OwnKeys::take(&mut properties).map_err(|error| error.to_string())?;
        Ok((keys, properties))
    }

    #[test]
    fn own_keys_are_taken_and_the_others_left() {
        let (keys, rest) = take(
            "taffrail.http.listen=0.0.0.0:1\ntaffrail.frame.timeout.ms=5\nnode.id=1\n\
             listener.name.internal.max.connections=7\nlistener.name.internal.ssl.key.password=x",
        )
        .unwrap();
        assert_eq!(keys.http_listen, Some("0.0.0.0:1".parse().unwrap()));
        assert_eq!(keys.frame_timeout, Duration::from_millis(5));
        assert_eq!(keys.max_connections(&ListenerName::new("INTERNAL")), 7);
        assert_eq!(keys.max_connections(&ListenerName::new("OTHER")), u32::MAX);
        let left = [("listener.name.internal.ssl.key.password", "x"), ("node.id", "1")];
        assert_eq!(rest, left.into_iter().collect());
    }

    #[test]
    fn defaults() {
        let (keys, _) = take("").unwrap();
        assert_eq!(keys.http_listen, Some("127.0.0.1:9644".parse().unwrap()));
        assert_eq!(take("taffrail.http.listen=").unwrap().0.http_listen, None);
        assert_eq!(keys.grpc_listen, None);
        let (keys, _) = take("taffrail.grpc.listen=[::1]:9645").unwrap();
        assert_eq!(keys.grpc_listen, Some("[::1]:9645".parse().unwrap()));
    }

    #[test]
    fn mistakes_are_named() {
        let check = |text: &str, part: &str| {
            let error = take(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        };
        check("taffrail.http.listen=localhost:1", "an IP address and a port");
        check("taffrail.grpc.listen=9645", "taffrail.grpc.listen");
        check("taffrail.frame.timeout.ms=-1", "a whole number from 0");
        check("taffrail.htp.listen=", "the keys of Taffrail are taffrail.http.listen,");
        check("listener.name.a.max.connections=x", "a whole number from 0");
    }
}
