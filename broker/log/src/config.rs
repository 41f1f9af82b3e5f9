//! What a log needs to know of its topic's configuration.

/// A log's part of the topic configuration, in Kafka's defaults. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// `segment.bytes`: the size at which a new segment begins.
    pub segment_bytes: u64,
    /// `segment.ms`: the span of record timestamps after which a new segment begins.
    pub segment_ms: i64,
    /// `segment.index.bytes`: the size of an index at which a new segment begins.
    pub index_bytes_max: u64,
    /// `index.interval.bytes`: the bytes of batches between two entries of the offset index.
    pub index_interval_bytes: u64,
    /// `flush.messages`: the number of unsynced records that asks for a sync.
    pub flush_messages: i64,
    /// `flush.ms`: the age of unsynced records that asks for a sync, or `None` for never.
    pub flush_ms: Option<i64>,
    /// `retention.bytes`: the size above which old segments go, or `None` for no limit.
    pub retention_bytes: Option<u64>,
    /// `retention.ms`: the age above which old segments go, or `None` for no limit.
    pub retention_ms: Option<i64>,
    /// `file.delete.delay.ms`: how long a segment's files stay after they were marked as deleted.
    pub file_delete_delay_ms: i64,
    /// Whether `cleanup.policy` holds `delete`; without it retention removes nothing.
    pub is_cleaned_by_delete: bool,
    /// `producer.id.expiration.ms`: how long an idle producer's sequences are remembered.
    pub producer_id_expiration_ms: i64,
}

impl Default for LogConfig {
    fn default() -> Self {
        const DAY_MS: i64 = 24 * 60 * 60 * 1000;
        Self {
            segment_bytes: 1 << 30,
            segment_ms: 7 * DAY_MS,
            index_bytes_max: 10 << 20,
            index_interval_bytes: 4096,
            flush_messages: i64::MAX,
            flush_ms: None,
            retention_bytes: None,
            retention_ms: Some(7 * DAY_MS),
            file_delete_delay_ms: 60_000,
            is_cleaned_by_delete: true,
            producer_id_expiration_ms: DAY_MS,
        }
    }
}

/// A value that no log can work with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid value {value} for {key}: it must be {allowed}")]
pub struct InvalidLogConfig {
    /// The configuration's key.
    pub key: &'static str,
    /// The value given.
    pub value: i128,
    /// What would be allowed.
    pub allowed: &'static str,
}

impl LogConfig {
    /// Checks every value against what the file formats allow. Kafka's stricter bounds on what a user may
    /// set (1 MiB for `segment.bytes`) are the controller's to enforce, so that tests can use less.
    ///
    /// # Errors
    /// [`InvalidLogConfig`] for the first value that is out of bounds.
    pub fn validate(&self) -> Result<(), InvalidLogConfig> {
        let at_least = |key, value: i128, least: i128, allowed| {
            if value >= least { Ok(()) } else { Err(InvalidLogConfig { key, value, allowed }) }
        };
        let segment_bytes = i128::from(self.segment_bytes);
        if !(1..=i128::from(i32::MAX)).contains(&segment_bytes) {
            let allowed = "from 1 to 2147483647";
            return Err(InvalidLogConfig { key: "segment.bytes", value: segment_bytes, allowed });
        }
        at_least("segment.ms", self.segment_ms.into(), 1, "at least 1")?;
        // Two entries of 12 bytes: one that is written as the segment goes, and one kept for its end.
        at_least("segment.index.bytes", self.index_bytes_max.into(), 24, "at least 24")?;
        at_least("flush.messages", self.flush_messages.into(), 1, "at least 1")?;
        at_least("flush.ms", self.flush_ms.unwrap_or(0).into(), 0, "at least 0")?;
        at_least("retention.ms", self.retention_ms.unwrap_or(0).into(), 0, "at least -1")?;
        at_least("file.delete.delay.ms", self.file_delete_delay_ms.into(), 0, "at least 0")?;
        let expiration_ms = self.producer_id_expiration_ms;
        at_least("producer.id.expiration.ms", expiration_ms.into(), 1, "at least 1")
    }
}

#[cfg(test)]
mod tests {
    use super::LogConfig;

    #[test]
    fn values_that_the_formats_cannot_hold_are_refused() {
        let check = |change: fn(&mut LogConfig), key: Option<&str>| {
            let mut config = LogConfig::default();
            change(&mut config);
            assert_eq!(config.validate().err().map(|error| error.key), key);
        };
        check(|_| {}, None);
        check(|c| c.segment_bytes = 0, Some("segment.bytes"));
        check(|c| c.segment_bytes = 1 << 31, Some("segment.bytes"));
        check(|c| c.segment_ms = 0, Some("segment.ms"));
        check(|c| c.index_bytes_max = 23, Some("segment.index.bytes"));
        check(|c| c.flush_messages = 0, Some("flush.messages"));
        check(|c| c.flush_ms = Some(-1), Some("flush.ms"));
        check(|c| c.retention_ms = Some(-2), Some("retention.ms"));
        check(|c| c.producer_id_expiration_ms = 0, Some("producer.id.expiration.ms"));
    }
}
