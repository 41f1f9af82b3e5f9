//! Which broker keys stand in for a topic's key that the topic doesn't set.

use imbl::OrdMap;
use taffrail_model::NodeId;

use super::{ConfigKey, ConfigSource, StaticConfig};
use crate::image::{ConfigResource, MetadataImage};

/// Broker keys that mean the same in other units, the one that wins first.
pub(super) const BROKER_SYNONYM_GROUPS: &[&[&str]] = &[
    &["log.flush.interval.ms", "log.flush.scheduler.interval.ms"],
    &["log.retention.ms", "log.retention.minutes", "log.retention.hours"],
    &["log.roll.jitter.ms", "log.roll.jitter.hours"],
    &["log.roll.ms", "log.roll.hours"],
];

/// Topic keys and the broker key that stands in for each.
const TOPIC_SYNONYMS: &[(&str, &str)] = &[
    ("cleanup.policy", "log.cleanup.policy"),
    ("compression.gzip.level", "compression.gzip.level"),
    ("compression.lz4.level", "compression.lz4.level"),
    ("compression.type", "compression.type"),
    ("compression.zstd.level", "compression.zstd.level"),
    ("delete.retention.ms", "log.cleaner.delete.retention.ms"),
    ("file.delete.delay.ms", "log.segment.delete.delay.ms"),
    ("flush.messages", "log.flush.interval.messages"),
    ("flush.ms", "log.flush.interval.ms"),
    ("index.interval.bytes", "log.index.interval.bytes"),
    ("local.retention.bytes", "log.local.retention.bytes"),
    ("local.retention.ms", "log.local.retention.ms"),
    ("max.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms"),
    ("max.message.bytes", "message.max.bytes"),
    ("message.timestamp.after.max.ms", "log.message.timestamp.after.max.ms"),
    ("message.timestamp.before.max.ms", "log.message.timestamp.before.max.ms"),
    ("message.timestamp.type", "log.message.timestamp.type"),
    ("min.cleanable.dirty.ratio", "log.cleaner.min.cleanable.ratio"),
    ("min.compaction.lag.ms", "log.cleaner.min.compaction.lag.ms"),
    ("min.insync.replicas", "min.insync.replicas"),
    ("preallocate", "log.preallocate"),
    ("retention.bytes", "log.retention.bytes"),
    ("retention.ms", "log.retention.ms"),
    ("segment.bytes", "log.segment.bytes"),
    ("segment.index.bytes", "log.index.size.max.bytes"),
    ("segment.jitter.ms", "log.roll.jitter.ms"),
    ("segment.ms", "log.roll.ms"),
    ("unclean.leader.election.enable", "unclean.leader.election.enable"),
];

/// The broker key that stands in for a topic's key.
pub(super) fn broker_synonym(topic_key: &str) -> Option<&'static str> {
    TOPIC_SYNONYMS.iter().find(|(topic, _)| *topic == topic_key).map(|(_, broker)| *broker)
}

/// The layers that a topic's configuration is resolved from, the strongest first: topic, broker,
/// cluster default, static.
pub(super) struct TopicLayers<'a> {
    topic: OrdMap<String, String>,
    broker: OrdMap<String, String>,
    cluster: OrdMap<String, String>,
    fixed: &'a StaticConfig,
}

impl<'a> TopicLayers<'a> {
    /// The layers of `topic`, as node `node` sees them.
    pub(super) fn new(
        image: &MetadataImage,
        fixed: &'a StaticConfig,
        node: NodeId,
        topic: OrdMap<String, String>,
    ) -> Self {
        Self {
            topic,
            broker: image.config(&ConfigResource::broker(node)),
            cluster: image.config(&ConfigResource::cluster_default()),
            fixed,
        }
    }

    /// The text that holds for `key`, in the key's own unit, and where it comes from. `None` when there
    /// is neither a value nor a default.
    pub(super) fn resolve(&self, key: &ConfigKey) -> (Option<String>, ConfigSource) {
        if let Some(text) = self.topic.get(key.name) {
            return (Some(text.clone()), ConfigSource::DynamicTopic);
        }
        if let Some(primary) = broker_synonym(key.name) {
            let synonyms = super::broker_synonyms(primary);
            type Lookup<'l> = (ConfigSource, &'l dyn Fn(&str) -> Option<String>);
            let layers: [Lookup<'_>; 3] = [
                (ConfigSource::DynamicBroker, &|name| self.broker.get(name).cloned()),
                (ConfigSource::DynamicDefaultBroker, &|name| self.cluster.get(name).cloned()),
                (ConfigSource::StaticBroker, &|name| self.fixed.text(name).map(ToOwned::to_owned)),
            ];
            for (source, lookup) in layers {
                for name in &synonyms {
                    if let Some(text) = lookup(name) {
                        return (Some(in_milliseconds(name, text)), source);
                    }
                }
            }
        }
        (key.default_text().map(ToOwned::to_owned), ConfigSource::Default)
    }
}

/// A value of a key in hours or minutes, in milliseconds; any other as it is.
fn in_milliseconds(name: &str, text: String) -> String {
    let factor = if name.ends_with(".hours") {
        3_600_000
    } else if name.ends_with(".minutes") {
        60_000
    } else {
        return text;
    };
    match text.trim().parse::<i64>() {
        Ok(negative) if negative < 0 => "-1".to_owned(),
        Ok(number) => number.saturating_mul(factor).to_string(),
        Err(_) => text,
    }
}
