//! What a broker's refusal means for a `Topic`.

use taffrail_model::ErrorCode;

use super::verdict::{Problem, reason};
use crate::admin_client::Refusal;

/// Whether the refusal says that there is no such topic.
pub(super) fn is_unknown_topic(refusal: &Refusal) -> bool {
    matches!(refusal.error(), Some(ErrorCode::UnknownTopicOrPartition | ErrorCode::UnknownTopicId))
}

/// The problem that a refusal of `what` is.
pub(super) fn problem(what: &str, refusal: &Refusal) -> Problem {
    let message = format!("{what}: {refusal}");
    match refusal.error() {
        // Made or deleted by somebody else at the same moment: the next pass sees it.
        Some(
            ErrorCode::TopicAlreadyExists
            | ErrorCode::UnknownTopicOrPartition
            | ErrorCode::UnknownTopicId,
        ) => Problem::waiting(reason::CLUSTER_NOT_READY, message),
        Some(ErrorCode::InvalidConfig) => Problem::stalled(reason::CONFIG_REFUSED, message),
        _ if refusal.is_retriable() => Problem::waiting(reason::CLUSTER_NOT_READY, message),
        _ => Problem::stalled(reason::INVALID, message),
    }
}

/// The problem that a refusal to change a configuration is.
pub(super) fn config_problem(what: &str, refusal: &Refusal) -> Problem {
    match problem(what, refusal) {
        Problem { reason: reason::INVALID, standing, message } => {
            Problem { reason: reason::CONFIG_REFUSED, standing, message }
        }
        problem => problem,
    }
}
