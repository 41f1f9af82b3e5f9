//! Why a call to a broker came to nothing.

use taffrail_client::{ConnectionError, Refusal};
use taffrail_protocol::ApiKey;

/// Why a call came to nothing. What a broker says about one item of a batch is a [`Refusal`] in the result instead.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// There is nobody to ask.
    #[error("no broker is known that could be asked")]
    NoAddress,
    /// No broker answered.
    #[error(transparent)]
    Connection(ConnectionError),
    /// The broker is too old, or another kind of server.
    #[error("this broker doesn't serve {}: {address} names no such request; upgrade its image", .api.name())]
    NotServed {
        /// Who was asked.
        address: String,
        /// The request.
        api: ApiKey,
    },
    /// The broker refused the request as a whole.
    #[error("{} was refused: {refusal}", .api.name())]
    Refused {
        /// The request.
        api: ApiKey,
        /// Why.
        refusal: Refusal,
    },
    /// The answer doesn't fit the question.
    #[error("the answer to {} can't be trusted: {what}", .api.name())]
    Answer {
        /// The request.
        api: ApiKey,
        /// What is wrong with it.
        what: String,
    },
}

impl From<ConnectionError> for AdminError {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::Unsupported { address, api, theirs: None, .. } => {
                Self::NotServed { address, api }
            }
            error => Self::Connection(error),
        }
    }
}
