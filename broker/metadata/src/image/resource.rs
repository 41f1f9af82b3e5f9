//! What a configuration belongs to.

use std::fmt;

use taffrail_model::{NodeId, TopicName};

/// The kinds of things that carry a configuration, with Kafka's `ConfigResource.Type` numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i8)]
pub enum ResourceType {
    /// A topic.
    Topic = 2,
    /// A broker, or with an empty name the default of all brokers.
    Broker = 4,
    /// A broker's logger; never in the metadata log.
    BrokerLogger = 8,
    /// A client metrics subscription (KIP-714).
    ClientMetrics = 16,
    /// A group.
    Group = 32,
}

impl ResourceType {
    /// The kind with this number, or `None` for one that Kafka 4.3 doesn't know.
    #[must_use]
    pub const fn from_code(code: i8) -> Option<Self> {
        match code {
            2 => Some(Self::Topic),
            4 => Some(Self::Broker),
            8 => Some(Self::BrokerLogger),
            16 => Some(Self::ClientMetrics),
            32 => Some(Self::Group),
            _ => None,
        }
    }

    /// The number on the wire and in records.
    #[must_use]
    pub const fn code(self) -> i8 {
        self as i8
    }
}

/// One thing that carries a configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigResource {
    /// What kind of thing it is.
    pub kind: ResourceType,
    /// Its name: a topic's, a group's, a broker's id in decimal; empty for the default of all brokers.
    pub name: String,
}

impl ConfigResource {
    /// The configuration of a topic.
    #[must_use]
    pub fn topic(name: &TopicName) -> Self {
        Self { kind: ResourceType::Topic, name: name.as_str().to_owned() }
    }

    /// The configuration of one broker.
    #[must_use]
    pub fn broker(id: NodeId) -> Self {
        Self { kind: ResourceType::Broker, name: id.to_string() }
    }

    /// The default configuration of all brokers.
    #[must_use]
    pub fn cluster_default() -> Self {
        Self { kind: ResourceType::Broker, name: String::new() }
    }
}

impl fmt::Display for ConfigResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            ResourceType::Topic => "topic",
            ResourceType::Broker if self.name.is_empty() => return f.write_str("all brokers"),
            ResourceType::Broker => "broker",
            ResourceType::BrokerLogger => "broker logger",
            ResourceType::ClientMetrics => "client metrics",
            ResourceType::Group => "group",
        };
        write!(f, "{kind} '{}'", self.name)
    }
}
