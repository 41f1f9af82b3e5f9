//! What can go wrong with a request to the API server, in words that say what to do.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

/// Why the API server didn't do what it was asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Cause {
    /// It answered with an error.
    Refused {
        /// The HTTP status.
        code: u16,
        /// In its own words.
        message: String,
    },
    /// It couldn't be reached, or its answer couldn't be read.
    Unreachable(String),
    /// It didn't answer in time.
    TimedOut(Duration),
}

impl From<&kube::Error> for Cause {
    fn from(error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::Refused {
                code: status.code,
                message: if status.message.is_empty() {
                    status.reason.clone()
                } else {
                    status.message.clone()
                },
            },
            kube::Error::SerdeError(error) => {
                Self::Unreachable(format!("its answer can't be read: {error}"))
            }
            other => Self::Unreachable(innermost(other)),
        }
    }
}

/// The innermost error that isn't a bare system error: what wraps it says nothing more.
fn innermost(error: &kube::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = error.to_string();
        source = error.source();
    }
    text
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { code, message } => {
                write!(f, "the API server answered {code}: {message}")
            }
            Self::Unreachable(text) => write!(f, "the API server can't be reached: {text}"),
            Self::TimedOut(after) => {
                write!(f, "the API server didn't answer in {} s", after.as_secs())
            }
        }
    }
}

/// A request to the API server that failed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{request}: {cause}")]
pub struct ApiError {
    /// What was asked, such as `apply ConfigMap shop/orders-nodes-0`.
    pub request: String,
    /// Why it failed.
    pub cause: Cause,
}

impl ApiError {
    /// Whether there is no such object, or not the one that was meant.
    pub fn is_not_found(&self) -> bool {
        self.code() == Some(404)
    }

    /// Whether the object has changed meanwhile, or isn't the one that was meant.
    pub fn is_conflict(&self) -> bool {
        self.code() == Some(409)
    }

    /// Whether the operator may not do it.
    pub fn is_forbidden(&self) -> bool {
        self.code() == Some(403)
    }

    /// Whether the API server finds what was sent invalid.
    pub fn is_invalid(&self) -> bool {
        matches!(self.code(), Some(400 | 422))
    }

    fn code(&self) -> Option<u16> {
        match self.cause {
            Cause::Refused { code, .. } => Some(code),
            _ => None,
        }
    }
}
