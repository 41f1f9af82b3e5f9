//! What can go wrong with a request to the API server, in words that say what to do.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use kube::core::Status;

use crate::cluster::names::{CLUSTER_LABEL, MANAGED_BY_LABEL};

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
    /// The namespace is being deleted: nothing new is taken there.
    NamespaceTerminating,
    /// It wasn't asked: an object of that name is there, and isn't the cluster's.
    Foreign,
    /// It couldn't be reached, or its answer couldn't be read.
    Unreachable(String),
    /// It didn't answer in time.
    TimedOut(Duration),
}

impl From<&kube::Error> for Cause {
    fn from(error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if is_namespace_terminating(status) => {
                Self::NamespaceTerminating
            }
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

fn is_namespace_terminating(status: &Status) -> bool {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    status.code == 403 && causes.into_iter().any(|cause| cause.reason == "NamespaceTerminating")
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
            Self::NamespaceTerminating => f.write_str("the namespace is being deleted"),
            Self::Foreign => write!(
                f,
                "there is one of that name that isn't this cluster's, and it is left alone: delete or rename it, or \
                 give the cluster another name ({MANAGED_BY_LABEL} and {CLUSTER_LABEL} say whose it is)"
            ),
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

    /// Whether it would have taken over what isn't the cluster's.
    pub fn is_foreign(&self) -> bool {
        self.cause == Cause::Foreign
    }

    /// Whether it is in vain, since the namespace is being deleted.
    pub fn is_namespace_terminating(&self) -> bool {
        self.cause == Cause::NamespaceTerminating
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_that_goes_is_no_lack_of_rights() {
        let mut status: Status = serde_json::from_value(serde_json::json!({
            "status": "Failure", "reason": "Forbidden", "code": 403,
            "message": "configmaps \"x\" is forbidden: unable to create new content in namespace shop",
            "details": {"causes": [{"reason": "NamespaceTerminating", "message": "…"}]},
        }))
        .unwrap();
        let cause = |status: &Status| Cause::from(&kube::Error::Api(Box::new(status.clone())));
        assert_eq!(cause(&status), Cause::NamespaceTerminating);
        status.details = None;
        assert!(matches!(cause(&status), Cause::Refused { code: 403, .. }));
    }
}
