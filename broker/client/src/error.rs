//! What can go wrong between a client and a broker.

use std::io;
use std::ops::RangeInclusive;

use taffrail_protocol::ApiKey;
use taffrail_protocol::wire::{DecodeError, EncodeError};

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// Nobody answers there.
    #[error("cannot connect to {address}")]
    Connect {
        /// Where.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The connection broke with a request in flight.
    #[error("the connection to {address} broke during {}", .api.name())]
    Broken {
        /// Whose connection.
        address: String,
        /// The request.
        api: ApiKey,
        /// How.
        source: io::Error,
    },
    /// No answer came in time.
    #[error("{address} did not answer {} within {seconds} s", .api.name())]
    Timeout {
        /// Who was asked.
        address: String,
        /// The request.
        api: ApiKey,
        /// How long was waited.
        seconds: u64,
    },
    /// There is no version of the request that both sides know.
    #[error(
        "{address} has no version of {} that fits: it has {}, this client {}-{}; is it a Kafka broker, 3.0 or newer?",
        .api.name(), versions(.theirs.as_ref()), .ours.start(), .ours.end()
    )]
    Unsupported {
        /// Who was asked.
        address: String,
        /// The request.
        api: ApiKey,
        /// The versions that this client speaks.
        ours: RangeInclusive<i16>,
        /// The versions that the broker named, if it knows the request at all.
        theirs: Option<RangeInclusive<i16>>,
    },
    /// What came isn't an answer to the request.
    #[error("{address} answered {} with bytes that make no sense; is it a Kafka broker?", .api.name())]
    Garbled {
        /// Who was asked.
        address: String,
        /// The request.
        api: ApiKey,
        /// Where reading ended.
        source: DecodeError,
    },
    /// The answer's size can't be right, or it belongs to another request.
    #[error("{address} answered {} with {what}; is it a Kafka broker, and not TLS or HTTP?", .api.name())]
    NotAnAnswer {
        /// Who was asked.
        address: String,
        /// The request.
        api: ApiKey,
        /// What came.
        what: String,
    },
    /// The request has no form in the version that the broker knows.
    #[error("cannot write {} for {address}", .api.name())]
    Encode {
        /// Who would have been asked.
        address: String,
        /// The request.
        api: ApiKey,
        /// Why.
        source: EncodeError,
    },
}

impl ConnectionError {
    /// Whether the same request may well succeed in a moment, or of another broker.
    #[must_use]
    pub const fn is_retriable(&self) -> bool {
        matches!(self, Self::Connect { .. } | Self::Broken { .. } | Self::Timeout { .. })
    }
}

fn versions(range: Option<&RangeInclusive<i16>>) -> String {
    range.map_or_else(|| "none".to_owned(), |range| format!("{}-{}", range.start(), range.end()))
}
