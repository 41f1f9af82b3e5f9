//! Where a node listens and what it tells others to connect to.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

const LISTENER_KEY_PREFIX: &str = "listener.name.";

/// The name of a listener, upper-cased as Kafka normalises it. Cheap to clone: every connection has one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ListenerName(Arc<str>);

impl ListenerName {
    /// The normalised form of `name`.
    pub(crate) fn new(name: &str) -> Self {
        Self(name.trim().to_uppercase().into())
    }

    /// The name as it stands in metadata and logs.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before a key that is meant for this listener alone: `listener.name.internal.`.
    pub(crate) fn config_prefix(&self) -> String {
        format!("{LISTENER_KEY_PREFIX}{}.", self.0.to_lowercase())
    }

    /// What is set for one listener by a key such as `listener.name.internal.max.connections`, or `None`
    /// when the key isn't for one listener.
    pub(super) fn key_of(key: &str) -> Option<&str> {
        let (_, key) = key.strip_prefix(LISTENER_KEY_PREFIX)?.split_once('.')?;
        Some(key)
    }
}

impl fmt::Display for ListenerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a listener is secured. The numbers are those of Kafka's metadata records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecurityProtocol {
    /// Neither TLS nor authentication.
    Plaintext,
    /// TLS.
    Ssl,
    /// SASL without TLS.
    SaslPlaintext,
    /// SASL inside TLS.
    SaslSsl,
}

impl SecurityProtocol {
    /// All of them, by their numbers.
    pub(crate) const ALL: [Self; 4] =
        [Self::Plaintext, Self::Ssl, Self::SaslPlaintext, Self::SaslSsl];

    /// The number in registration records.
    pub(crate) const fn code(self) -> i16 {
        match self {
            Self::Plaintext => 0,
            Self::Ssl => 1,
            Self::SaslPlaintext => 2,
            Self::SaslSsl => 3,
        }
    }

    /// The name in `listener.security.protocol.map`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }

    /// The protocol of this name, whatever its case.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for SecurityProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One entry of `listeners` or `advertised.listeners`: `NAME://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// The listener's name.
    pub(crate) name: ListenerName,
    /// The host without brackets; `None` binds to every interface and advertises the machine's name.
    pub(crate) host: Option<String>,
    /// The port; 0 asks the system for one.
    pub(crate) port: u16,
}

/// The text isn't `NAME://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParseEndpointError;

impl FromStr for Endpoint {
    type Err = ParseEndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, address) = text.trim().split_once("://").ok_or(ParseEndpointError)?;
        if name.is_empty() {
            return Err(ParseEndpointError);
        }
        let (host, port) = split_host_port(address).ok_or(ParseEndpointError)?;
        Ok(Self {
            name: ListenerName::new(name),
            host: (!host.is_empty()).then(|| host.to_owned()),
            port,
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host.as_deref().unwrap_or_default();
        write!(f, "{}://{}", self.name, HostPort(host, self.port))
    }
}

/// A host and a port as people write them: an IPv6 address stands in brackets.
struct HostPort<'a>(&'a str, u16);

impl fmt::Display for HostPort<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.contains(':') {
            write!(f, "[{}]:{}", self.0, self.1)
        } else {
            write!(f, "{}:{}", self.0, self.1)
        }
    }
}

/// `host:port` or `[v6]:port` taken apart; the host may be empty. `None` when it is neither.
pub(super) fn split_host_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']')?,
        None => host,
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || "-%._:".contains(c);
    if !host.chars().all(is_host) {
        return None;
    }
    Some((host, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_as_kafka_reads_them() {
        let check = |text: &str, expect: Option<(&str, Option<&str>, u16)>| {
            let got = text.parse::<Endpoint>().ok();
            let got = got.as_ref().map(|e| (e.name.as_str(), e.host.as_deref(), e.port));
            assert_eq!(got, expect, "{text}");
        };
        check("PLAINTEXT://:9092", Some(("PLAINTEXT", None, 9092)));
        check("internal://10.0.0.1:1", Some(("INTERNAL", Some("10.0.0.1"), 1)));
        check("A://[::1]:9092", Some(("A", Some("::1"), 9092)));
        check("A://my-host.example:0", Some(("A", Some("my-host.example"), 0)));
        check("://host:1", None);
        check("host:1", None);
        check("A://host", None);
        check("A://host:-1", None);
        check("A://host:70000", None);
        check("A://[::1:9092", None);
        check("A://ho st:1", None);
    }

    #[test]
    fn endpoints_are_written_as_they_are_read() {
        for text in ["PLAINTEXT://:9092", "A://[::1]:9092", "A://host:1"] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn protocols_have_kafkas_numbers() {
        for (code, protocol) in SecurityProtocol::ALL.into_iter().enumerate() {
            assert_eq!(usize::try_from(protocol.code()), Ok(code));
            assert_eq!(SecurityProtocol::from_name(protocol.name()), Some(protocol));
        }
        assert_eq!(SecurityProtocol::from_name("TLS"), None);
    }
}
