//! What can go wrong between this client and a broker, and the way out of it.

use std::io;
use std::ops::RangeInclusive;

use taffrail_model::ErrorCode;
use taffrail_protocol::ApiKey;
use taffrail_protocol::batch::BatchError;
use taffrail_protocol::wire::{DecodeError, EncodeError};

/// Why a command can't go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// The list of brokers is empty.
    #[error("no broker is named: give --bootstrap HOST:PORT")]
    NoBootstrap,
    /// Nobody answers there.
    #[error(
        "cannot connect to {address} (is a broker running there? `taffrail dev` starts one, --bootstrap names another)"
    )]
    Connect { address: String, source: io::Error },
    /// The connection broke with a request in flight.
    #[error("the connection to {address} broke during {}", .api.name())]
    Broken { address: String, api: ApiKey, source: io::Error },
    /// No answer came in time.
    #[error("{address} did not answer {} within {seconds} s", .api.name())]
    Timeout { address: String, api: ApiKey, seconds: u64 },
    /// There is no version of the request that both sides know.
    #[error(
        "{address} has no version of {} that fits: it has {}, this client {}-{}; is it a Kafka broker, 3.0 or newer?",
        .api.name(), versions(.theirs.as_ref()), .ours.start(), .ours.end()
    )]
    Unsupported {
        address: String,
        api: ApiKey,
        ours: RangeInclusive<i16>,
        theirs: Option<RangeInclusive<i16>>,
    },
    /// What came isn't an answer to the request.
    #[error("{address} answered {} with bytes that make no sense; is it a Kafka broker?", .api.name())]
    Garbled { address: String, api: ApiKey, source: DecodeError },
    /// The answer's size can't be right, or belongs to another request.
    #[error("{address} answered {} with {what}; is it a Kafka broker, and not TLS or HTTP?", .api.name())]
    NotAnAnswer { address: String, api: ApiKey, what: String },
    /// The request has no form in the version that the broker knows.
    #[error("cannot write {} for {address}", .api.name())]
    Encode { address: String, api: ApiKey, source: EncodeError },
    /// The broker said no.
    #[error("{what}: {}{}", reason(*.code, .message.as_deref()), hint(*.code))]
    Refused { what: String, code: i16, message: Option<String> },
    /// Fetched records can't be read.
    #[error("records of {topic}-{partition} at offset {offset} can't be read")]
    Records { topic: String, partition: i32, offset: i64, source: BatchError },
    /// A member's part of a group message can't be read.
    #[error("group {group} holds an assignment or a subscription that can't be read")]
    Assignment { group: String, source: DecodeError },
    /// What a broker or the user named isn't in the cluster.
    #[error("{0}")]
    Unknown(String),
}

impl ClientError {
    /// Whether the same request may well succeed in a moment.
    pub(crate) fn is_retriable(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Broken { .. } | Self::Timeout { .. } => true,
            Self::Refused { code, .. } => {
                ErrorCode::from_code(*code).is_some_and(ErrorCode::is_retriable)
            }
            _ => false,
        }
    }

    /// Kafka's error, when a broker gave one that is known.
    pub(crate) fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { code, .. } => ErrorCode::from_code(*code),
            _ => None,
        }
    }
}

/// Turns an error code of an answer into an error; `what` says what was tried.
///
/// # Errors
/// [`ClientError::Refused`] for every code but 0.
pub(crate) fn check(
    code: i16,
    message: Option<&str>,
    what: impl FnOnce() -> String,
) -> Result<(), ClientError> {
    if code == ErrorCode::None.code() {
        return Ok(());
    }
    Err(ClientError::Refused { what: what(), code, message: message.map(str::to_owned) })
}

fn versions(range: Option<&RangeInclusive<i16>>) -> String {
    range.map_or_else(|| "none".to_owned(), |range| format!("{}-{}", range.start(), range.end()))
}

fn reason(code: i16, message: Option<&str>) -> String {
    let name = ErrorCode::from_code(code)
        .map_or_else(|| format!("error {code}"), |code| code.name().to_owned());
    match message {
        Some(message) if !message.is_empty() => format!("{message} ({name})"),
        _ => name,
    }
}

fn hint(code: i16) -> &'static str {
    match ErrorCode::from_code(code) {
        Some(ErrorCode::UnknownTopicOrPartition) => {
            "; `taffrail topic list` shows what there is, `taffrail topic create NAME` makes one"
        }
        Some(ErrorCode::InvalidReplicationFactor) => {
            "; --replication-factor may not exceed the number of brokers"
        }
        Some(ErrorCode::MessageTooLarge) => "; the topic's max.message.bytes is the limit",
        Some(ErrorCode::GroupIdNotFound) => "; `taffrail group list` shows what there is",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_the_error_and_the_way_out() {
        let check_text = |code: i16, message: Option<&str>, expect: &str| {
            let error = check(code, message, || "topic a".to_owned()).unwrap_err();
            assert_eq!(error.to_string(), expect);
        };
        check_text(36, None, "topic a: TOPIC_ALREADY_EXISTS");
        check_text(36, Some("it is there"), "topic a: it is there (TOPIC_ALREADY_EXISTS)");
        check_text(9_999, Some(""), "topic a: error 9999");
        check_text(
            69,
            None,
            "topic a: GROUP_ID_NOT_FOUND; `taffrail group list` shows what there is",
        );
        assert!(check(0, None, String::new).is_ok());
    }
}
