//! What is wrong with single records of a produced batch.

use taffrail_model::{ErrorCode, Timestamp};

use super::header::{BatchHeader, NO_TIMESTAMP, TimestampType};
use super::rules::{ProduceRules, Rejection};
use super::stream::Outline;

/// A batch of a million bad records gets an answer of bounded size.
const MOST_RECORD_ERRORS: usize = 1_000;

/// What is wrong with a record whose structure is sound.
pub(super) enum Fault {
    OffsetDelta(i32),
    NoKey,
    TimestampType,
    Timestamp(Timestamp, ProduceRules),
}

impl Fault {
    /// What is wrong with the record at `index` of the batch, if anything is.
    pub(super) fn of(
        index: i32,
        record: &Outline,
        timestamp: Timestamp,
        header: &BatchHeader,
        rules: &ProduceRules,
    ) -> Option<Self> {
        if record.offset_delta != index {
            return Some(Self::OffsetDelta(record.offset_delta));
        }
        if rules.compacted && !record.has_key {
            return Some(Self::NoKey);
        }
        if header.timestamp_type() == TimestampType::LogAppendTime {
            return Some(Self::TimestampType);
        }
        let judged = rules.timestamp_type == TimestampType::CreateTime && timestamp != NO_TIMESTAMP;
        let age = rules.now.saturating_sub(timestamp);
        let far = age > rules.timestamp_before_max_ms
            || age.saturating_neg() > rules.timestamp_after_max_ms;
        (judged && far).then_some(Self::Timestamp(timestamp, *rules))
    }

    const fn is_of_timestamp(&self) -> bool {
        matches!(self, Self::TimestampType | Self::Timestamp(..))
    }

    fn message(&self) -> String {
        match self {
            Self::OffsetDelta(delta) => {
                format!("record has offset delta {delta}, which isn't its index in the batch")
            }
            Self::NoKey => "compacted topic cannot accept message without key".to_owned(),
            Self::TimestampType => {
                "producer should not set timestamp type to LogAppendTime".to_owned()
            }
            Self::Timestamp(timestamp, rules) => format!(
                "timestamp {timestamp} of message is out of range: it should be within [{}, {}]",
                rules.now.saturating_sub(rules.timestamp_before_max_ms),
                rules.now.saturating_add(rules.timestamp_after_max_ms)
            ),
        }
    }
}

/// The faults of a batch's records so far.
#[derive(Default)]
pub(super) struct Faults {
    count: usize,
    any_of_timestamp: bool,
    errors: Vec<(i32, String)>,
}

impl Faults {
    pub(super) fn add(&mut self, index: i32, fault: &Fault) {
        self.count += 1;
        self.any_of_timestamp |= fault.is_of_timestamp();
        if self.errors.len() < MOST_RECORD_ERRORS {
            self.errors.push((index, fault.message()));
        }
    }

    pub(super) fn into_result(self) -> Result<(), Rejection> {
        let Some((first, message)) = self.errors.first() else {
            return Ok(());
        };
        let (error, message) = if self.any_of_timestamp {
            (
                ErrorCode::InvalidTimestamp,
                "one or more records have been rejected due to invalid timestamp".to_owned(),
            )
        } else {
            let message = format!(
                "one or more records have been rejected due to {} record errors, the first of them in record {first}: {message}",
                self.count
            );
            (ErrorCode::InvalidRecord, message)
        };
        Err(Rejection { error, message, record_errors: self.errors })
    }
}
