//! From the configuration that holds for a topic to what the log and the validation of batches take.

use taffrail_log::LogConfig;
use taffrail_metadata::config::{
    BrokerConfigView, TimestampType, TopicCompression, TopicConfigView,
};
use taffrail_model::Now;
use taffrail_protocol::batch::{self, ProduceRules, TargetCompression};
use taffrail_protocol::compression::Compression;

/// What the topic asks of a produced batch.
pub(super) fn produce_rules(
    config: &TopicConfigView,
    now: Now,
    produce_version: i16,
) -> ProduceRules {
    ProduceRules {
        produce_version,
        now: now.wall,
        max_message_bytes: usize::try_from(config.max_message_bytes).unwrap_or(0),
        compacted: config.cleanup_policy.compact,
        timestamp_type: match config.message_timestamp_type {
            TimestampType::CreateTime => batch::TimestampType::CreateTime,
            TimestampType::LogAppendTime => batch::TimestampType::LogAppendTime,
        },
        timestamp_before_max_ms: config.message_timestamp_before_max_ms,
        timestamp_after_max_ms: config.message_timestamp_after_max_ms,
        compression: target_compression(config),
        ..ProduceRules::with_defaults(now.wall)
    }
}

fn target_compression(config: &TopicConfigView) -> TargetCompression {
    let with = |codec, level| TargetCompression::Codec { codec, level };
    match config.compression_type {
        TopicCompression::Producer => TargetCompression::Producer,
        TopicCompression::Uncompressed => with(Compression::None, None),
        TopicCompression::Gzip => with(Compression::Gzip, Some(config.compression_gzip_level)),
        TopicCompression::Snappy => with(Compression::Snappy, None),
        TopicCompression::Lz4 => with(Compression::Lz4, Some(config.compression_lz4_level)),
        TopicCompression::Zstd => with(Compression::Zstd, Some(config.compression_zstd_level)),
    }
}

/// What the topic asks of its log. -1 means "no limit" to Kafka's keys of retention.
pub(super) fn log_config(config: &TopicConfigView, broker: BrokerConfigView) -> LogConfig {
    LogConfig {
        segment_bytes: u64::try_from(config.segment_bytes).unwrap_or(0),
        segment_ms: config.segment_ms,
        index_bytes_max: u64::try_from(config.segment_index_bytes).unwrap_or(0),
        index_interval_bytes: u64::try_from(config.index_interval_bytes).unwrap_or(0),
        flush_messages: config.flush_messages,
        flush_ms: (config.flush_ms < i64::MAX).then_some(config.flush_ms),
        retention_bytes: u64::try_from(config.retention_bytes).ok(),
        retention_ms: (config.retention_ms >= 0).then_some(config.retention_ms),
        file_delete_delay_ms: config.file_delete_delay_ms,
        is_cleaned_by_delete: config.cleanup_policy.delete,
        producer_id_expiration_ms: broker.producer_id_expiration_ms,
    }
}
