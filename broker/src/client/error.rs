//! What can go wrong between this client and a broker, and the way out of it.

use std::io;

use taffrail_client::{ConnectionError, Refusal};
use taffrail_model::ErrorCode;
use taffrail_protocol::batch::BatchError;
use taffrail_protocol::wire::DecodeError;

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
    /// A connection was of no use in another way.
    #[error(transparent)]
    Connection(ConnectionError),
    /// The broker said no.
    #[error("{what}: {refusal}{}", hint(.refusal.error()))]
    Refused { what: String, refusal: Refusal },
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
            Self::Connect { .. } => true,
            Self::Connection(error) => error.is_retriable(),
            Self::Refused { refusal, .. } => refusal.is_retriable(),
            _ => false,
        }
    }

    /// Kafka's error, when a broker gave one that is known.
    pub(crate) fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { refusal, .. } => refusal.error(),
            _ => None,
        }
    }
}

impl From<ConnectionError> for ClientError {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::Connect { address, source } => Self::Connect { address, source },
            error => Self::Connection(error),
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
    Refusal::check(code, message).map_err(|refusal| ClientError::Refused { what: what(), refusal })
}

fn hint(error: Option<ErrorCode>) -> &'static str {
    match error {
        Some(ErrorCode::UnknownTopicOrPartition) => {
            "; `taffrail topic list` shows what there is, `taffrail topic create NAME` makes one"
        }
        Some(ErrorCode::InvalidReplicationFactor) => {
            "; --replication-factor may not exceed the number of brokers"
        }
        Some(ErrorCode::InvalidPartitions) => "; partitions can be added, and never taken away",
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
