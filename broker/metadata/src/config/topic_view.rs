//! A topic's configuration as the log and the replica use it.

use taffrail_model::{NodeId, TopicName};

use super::topic_synonyms::TopicLayers;
use super::{ConfigSource, ConfigValue, StaticConfig, topic_key};
use crate::image::{ConfigResource, MetadataImage};

/// What happens to a topic's old segments. With neither, they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanupPolicy {
    /// They are deleted by age and size.
    pub delete: bool,
    /// They are compacted.
    pub compact: bool,
}

/// Which timestamp a message has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's.
    CreateTime,
    /// The time of its append.
    LogAppendTime,
}

/// The codec that batches are stored with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicCompression {
    /// The producer's, whatever it is.
    Producer,
    /// None.
    Uncompressed,
    /// gzip.
    Gzip,
    /// Snappy.
    Snappy,
    /// LZ4.
    Lz4,
    /// Zstandard.
    Zstd,
}

/// The values that hold for one topic, all layers resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicConfigView {
    /// `cleanup.policy`.
    pub cleanup_policy: CleanupPolicy,
    /// `compression.type`.
    pub compression_type: TopicCompression,
    /// `compression.gzip.level`, -1 for the codec's default.
    pub compression_gzip_level: i32,
    /// `compression.lz4.level`.
    pub compression_lz4_level: i32,
    /// `compression.zstd.level`.
    pub compression_zstd_level: i32,
    /// `delete.retention.ms`: how long a compacted topic keeps a tombstone.
    pub delete_retention_ms: i64,
    /// `file.delete.delay.ms`: between the removal of a segment from the log and from the disk.
    pub file_delete_delay_ms: i64,
    /// `flush.messages`: messages after which to sync; `i64::MAX` for never.
    pub flush_messages: i64,
    /// `flush.ms`: age of the oldest unsynced message at which to sync; `i64::MAX` for never.
    pub flush_ms: i64,
    /// `index.interval.bytes`: bytes of log between two index entries.
    pub index_interval_bytes: i32,
    /// `max.compaction.lag.ms`.
    pub max_compaction_lag_ms: i64,
    /// `max.message.bytes`: the largest record batch.
    pub max_message_bytes: i32,
    /// `message.timestamp.after.max.ms`.
    pub message_timestamp_after_max_ms: i64,
    /// `message.timestamp.before.max.ms`.
    pub message_timestamp_before_max_ms: i64,
    /// `message.timestamp.type`.
    pub message_timestamp_type: TimestampType,
    /// `min.cleanable.dirty.ratio`.
    pub min_cleanable_dirty_ratio: f64,
    /// `min.compaction.lag.ms`.
    pub min_compaction_lag_ms: i64,
    /// `min.insync.replicas`.
    pub min_insync_replicas: i32,
    /// `preallocate`.
    pub preallocate: bool,
    /// `retention.bytes`, -1 for no limit.
    pub retention_bytes: i64,
    /// `retention.ms`, -1 for no limit.
    pub retention_ms: i64,
    /// `segment.bytes`, or `internal.segment.bytes` when a test sets that.
    pub segment_bytes: i32,
    /// `segment.index.bytes`: the largest index file.
    pub segment_index_bytes: i32,
    /// `segment.jitter.ms`.
    pub segment_jitter_ms: i64,
    /// `segment.ms`.
    pub segment_ms: i64,
    /// `unclean.leader.election.enable`.
    pub unclean_leader_election_enable: bool,
}

impl TopicConfigView {
    /// The values that hold for `topic` on the broker `node`. A topic that the image doesn't know has
    /// the broker's defaults.
    ///
    /// A value in the log that can't be read (it was validated before it was written, perhaps by other
    /// rules) counts as not set.
    #[must_use]
    pub fn resolve(
        image: &MetadataImage,
        config: &StaticConfig,
        node: NodeId,
        topic: &TopicName,
    ) -> Self {
        let set = image.config(&ConfigResource::topic(topic));
        let layers = TopicLayers::new(image, config, node, set);
        let read = Reader { layers };
        Self {
            cleanup_policy: {
                let policy = read.list("cleanup.policy");
                CleanupPolicy {
                    delete: policy.iter().any(|p| p == "delete"),
                    compact: policy.iter().any(|p| p == "compact"),
                }
            },
            compression_type: match read.text("compression.type").as_str() {
                "uncompressed" => TopicCompression::Uncompressed,
                "gzip" => TopicCompression::Gzip,
                "snappy" => TopicCompression::Snappy,
                "lz4" => TopicCompression::Lz4,
                "zstd" => TopicCompression::Zstd,
                _ => TopicCompression::Producer,
            },
            compression_gzip_level: read.int("compression.gzip.level"),
            compression_lz4_level: read.int("compression.lz4.level"),
            compression_zstd_level: read.int("compression.zstd.level"),
            delete_retention_ms: read.long("delete.retention.ms"),
            file_delete_delay_ms: read.long("file.delete.delay.ms"),
            flush_messages: read.long("flush.messages"),
            flush_ms: read.long("flush.ms"),
            index_interval_bytes: read.int("index.interval.bytes"),
            max_compaction_lag_ms: read.long("max.compaction.lag.ms"),
            max_message_bytes: read.int("max.message.bytes"),
            message_timestamp_after_max_ms: read.long("message.timestamp.after.max.ms"),
            message_timestamp_before_max_ms: read.long("message.timestamp.before.max.ms"),
            message_timestamp_type: match read.text("message.timestamp.type").as_str() {
                "LogAppendTime" => TimestampType::LogAppendTime,
                _ => TimestampType::CreateTime,
            },
            min_cleanable_dirty_ratio: read.double("min.cleanable.dirty.ratio"),
            min_compaction_lag_ms: read.long("min.compaction.lag.ms"),
            min_insync_replicas: read.int("min.insync.replicas"),
            preallocate: read.boolean("preallocate"),
            retention_bytes: read.long("retention.bytes"),
            retention_ms: read.long("retention.ms"),
            segment_bytes: match read.value("internal.segment.bytes") {
                Some(ConfigValue::Number(bytes)) => clamp(bytes),
                _ => read.int("segment.bytes"),
            },
            segment_index_bytes: read.int("segment.index.bytes"),
            segment_jitter_ms: read.long("segment.jitter.ms"),
            segment_ms: read.long("segment.ms"),
            unclean_leader_election_enable: read.boolean("unclean.leader.election.enable"),
        }
    }
}

/// Reads typed values off the layers. Every key that it is asked for has a default of its type: the
/// fallbacks below are never seen, and a test says so.
struct Reader<'a> {
    layers: TopicLayers<'a>,
}

impl Reader<'_> {
    fn value(&self, name: &str) -> Option<ConfigValue> {
        let key = topic_key(name)?;
        let (text, source) = self.layers.resolve(key);
        let value = key.parse(&text?).ok();
        if value.is_none() && source != ConfigSource::Default {
            return key.default_value();
        }
        value
    }

    fn long(&self, name: &str) -> i64 {
        match self.value(name) {
            Some(ConfigValue::Number(number)) => number,
            _ => 0,
        }
    }

    fn int(&self, name: &str) -> i32 {
        clamp(self.long(name))
    }

    fn double(&self, name: &str) -> f64 {
        match self.value(name) {
            Some(ConfigValue::Double(number)) => number,
            _ => 0.0,
        }
    }

    fn boolean(&self, name: &str) -> bool {
        matches!(self.value(name), Some(ConfigValue::Boolean(true)))
    }

    fn text(&self, name: &str) -> String {
        match self.value(name) {
            Some(ConfigValue::Text(text)) => text,
            _ => String::new(),
        }
    }

    fn list(&self, name: &str) -> Vec<String> {
        match self.value(name) {
            Some(ConfigValue::List(items)) => items,
            _ => Vec::new(),
        }
    }
}

fn clamp(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX })
}
