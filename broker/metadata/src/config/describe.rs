//! A resource's configuration as DescribeConfigs shows it: every key with its value, where the value
//! comes from, and what would hold without it.

use imbl::OrdMap;
use taffrail_model::{NodeId, TopicName};

use super::topic_synonyms::{TopicLayers, broker_synonym};
use super::{
    ConfigKey, ConfigType, Honoured, StaticConfig, UpdateMode, broker_key, broker_keys,
    broker_synonyms, topic_keys,
};
use crate::image::{ConfigResource, MetadataImage};

/// Where a value comes from, with Kafka's `DescribeConfigsResponse.ConfigSource` numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum ConfigSource {
    /// Set for the topic.
    DynamicTopic = 1,
    /// Set for the broker while running.
    DynamicBroker = 2,
    /// Set for all brokers while running.
    DynamicDefaultBroker = 3,
    /// Set in `server.properties`.
    StaticBroker = 4,
    /// Not set.
    Default = 5,
}

impl ConfigSource {
    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> i8 {
        self as i8
    }
}

/// Another place where a key's value is, or could be, set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigSynonym {
    /// The key there.
    pub name: String,
    /// The value there; `None` for a secret.
    pub value: Option<String>,
    /// Which place it is.
    pub source: ConfigSource,
}

/// One key of a resource's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// The key.
    pub name: String,
    /// The value that holds; `None` for a secret, and when there is none.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: ConfigSource,
    /// The type; `None` for a key that nobody knows.
    pub kind: Option<ConfigType>,
    /// All places where a value is set, the one that holds first.
    pub synonyms: Vec<ConfigSynonym>,
    /// Whether the key can't be changed while running.
    pub read_only: bool,
    /// Whether the value is a secret.
    pub is_sensitive: bool,
    /// What the key does; empty when nothing is said.
    pub documentation: &'static str,
}

/// A topic's configuration, sorted by key, as the broker `node` answers.
#[must_use]
pub fn describe_topic(
    image: &MetadataImage,
    config: &StaticConfig,
    node: NodeId,
    topic: &TopicName,
) -> Vec<ConfigEntry> {
    let set = image.config(&ConfigResource::topic(topic));
    let layers = TopicLayers::new(image, config, node, set.clone());
    let brokers = BrokerLayers::new(image, config, node);
    let shown = topic_keys().iter().filter(|key| !key.internal || set.contains_key(key.name));
    shown
        .map(|key| {
            let (value, _) = layers.resolve(key);
            let mut synonyms = Vec::new();
            if let Some(text) = set.get(key.name) {
                synonyms.push(ConfigSynonym {
                    name: key.name.to_owned(),
                    value: Some(text.clone()),
                    source: ConfigSource::DynamicTopic,
                });
            }
            if let Some(primary) = broker_synonym(key.name) {
                synonyms.extend(brokers.synonyms(primary));
            }
            entry(Some(key), key.name, value, synonyms, false)
        })
        .collect()
}

/// What [`describe_topic`] would show of a topic that has only `set` set, without synonyms: what a
/// controller answers to the one who creates it.
#[must_use]
pub(crate) fn describe_new_topic(
    image: &MetadataImage,
    config: &StaticConfig,
    node: NodeId,
    set: &OrdMap<String, String>,
) -> Vec<ConfigEntry> {
    let layers = TopicLayers::new(image, config, node, set.clone());
    topic_keys()
        .iter()
        .filter(|key| !key.internal || set.contains_key(key.name))
        .map(|key| {
            let (value, source) = layers.resolve(key);
            ConfigEntry { source, ..entry(Some(key), key.name, value, Vec::new(), false) }
        })
        .collect()
}

/// The configuration of the broker `node`, sorted by key.
#[must_use]
pub fn describe_broker(
    image: &MetadataImage,
    config: &StaticConfig,
    node: NodeId,
) -> Vec<ConfigEntry> {
    let layers = BrokerLayers::new(image, config, node);
    let mut names: Vec<&str> = broker_keys()
        .iter()
        .filter(|key| !key.internal)
        .map(|key| key.name)
        .chain(config.texts().map(|(name, _)| name))
        .chain(layers.broker.keys().map(String::as_str))
        .chain(layers.cluster.keys().map(String::as_str))
        .collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| layers.entry(name, layers.synonyms(name))).collect()
}

/// What is set for all brokers, sorted by key.
#[must_use]
pub fn describe_cluster_default(
    image: &MetadataImage,
    config: &StaticConfig,
    node: NodeId,
) -> Vec<ConfigEntry> {
    let layers = BrokerLayers::new(image, config, node);
    layers
        .cluster
        .keys()
        .map(|name| {
            let mut synonyms = layers.synonyms(name);
            synonyms.retain(|s| s.source == ConfigSource::DynamicDefaultBroker);
            ConfigEntry {
                value: layers.cluster.get(name).cloned().filter(|_| !is_secret(name)),
                ..layers.entry(name, synonyms)
            }
        })
        .collect()
}

/// The layers of a broker's configuration, the strongest first; beneath them are the defaults.
pub(super) struct BrokerLayers<'a> {
    broker: OrdMap<String, String>,
    cluster: OrdMap<String, String>,
    fixed: &'a StaticConfig,
}

impl<'a> BrokerLayers<'a> {
    pub(super) fn new(image: &MetadataImage, fixed: &'a StaticConfig, node: NodeId) -> Self {
        Self {
            broker: image.config(&ConfigResource::broker(node)),
            cluster: image.config(&ConfigResource::cluster_default()),
            fixed,
        }
    }

    /// What is set under this very name, in the strongest layer that has it.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let dynamic = self.broker.get(name).or_else(|| self.cluster.get(name));
        dynamic.map(String::as_str).or_else(|| self.fixed.text(name))
    }

    fn entry(&self, name: &str, synonyms: Vec<ConfigSynonym>) -> ConfigEntry {
        let key = broker_key(name);
        let value = self
            .text(name)
            .or_else(|| key.and_then(ConfigKey::default_text))
            .map(ToOwned::to_owned);
        // What is only read at the start can't be changed while running, whatever Kafka can.
        let read_only = key.is_none_or(|key| {
            key.update_mode == UpdateMode::ReadOnly || key.honoured == Honoured::AtRestart
        });
        entry(key, name, value, synonyms, read_only)
    }

    /// Where `name` and the keys that mean the same are set. As Kafka does it, the list begins with the
    /// first entry under the key's own name: a value in hours alone isn't a synonym of the milliseconds.
    fn synonyms(&self, name: &str) -> Vec<ConfigSynonym> {
        let names = broker_synonyms(name);
        let secret = is_secret(name);
        let mut synonyms = Vec::new();
        let mut layer = |source, lookup: &dyn Fn(&str) -> Option<String>| {
            for &synonym in &names {
                if let Some(text) = lookup(synonym) {
                    synonyms.push(ConfigSynonym {
                        name: synonym.to_owned(),
                        value: (!secret).then_some(text),
                        source,
                    });
                }
            }
        };
        layer(ConfigSource::DynamicBroker, &|n| self.broker.get(n).cloned());
        layer(ConfigSource::DynamicDefaultBroker, &|n| self.cluster.get(n).cloned());
        layer(ConfigSource::StaticBroker, &|n| self.fixed.text(n).map(ToOwned::to_owned));
        layer(ConfigSource::Default, &|n| broker_key(n)?.default_text().map(ToOwned::to_owned));
        let first = synonyms.iter().position(|s| s.name == name).unwrap_or(synonyms.len());
        synonyms.split_off(first)
    }
}

/// A key that nobody knows may be a secret, so it is treated as one.
fn is_secret(name: &str) -> bool {
    broker_key(name).is_none_or(ConfigKey::is_sensitive)
}

fn entry(
    key: Option<&ConfigKey>,
    name: &str,
    value: Option<String>,
    synonyms: Vec<ConfigSynonym>,
    read_only: bool,
) -> ConfigEntry {
    let is_sensitive = key.is_none_or(ConfigKey::is_sensitive);
    ConfigEntry {
        name: name.to_owned(),
        value: value.filter(|_| !is_sensitive),
        source: synonyms.first().map_or(ConfigSource::Default, |s| s.source),
        kind: key.map(|key| key.kind),
        synonyms,
        read_only,
        is_sensitive,
        documentation: key.map_or("", |key| key.documentation),
    }
}
