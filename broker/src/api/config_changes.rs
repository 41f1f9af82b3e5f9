//! What both ways to change configurations have in common: which resources there are, who may change them, and how
//! the controller's answers find their places.

use std::collections::BTreeMap;

use taffrail_metadata::{Answer, ConfigResource, Operation, Refusal, ResourceType};
use taffrail_model::{ErrorCode, NodeId};
use taffrail_security::{Operation as Access, ResourcePattern as Resource};

use super::{Audience, Call};

/// Finds out what a request means to change, and whether the caller may.
///
/// # Errors
/// What the caller is told of this resource.
pub(super) fn resource(
    call: &Call<'_>,
    resource_type: i8,
    name: String,
) -> Result<ConfigResource, Refusal> {
    let kind = ResourceType::from_code(resource_type)
        .ok_or_else(|| invalid(format!("Unknown resource type {resource_type}")))?;
    let (pattern, error, message) = match kind {
        ResourceType::Topic => (
            Resource::topic(&name),
            ErrorCode::TopicAuthorizationFailed,
            "Topic authorization failed.",
        ),
        ResourceType::Group => (
            Resource::group(&name),
            ErrorCode::GroupAuthorizationFailed,
            "Group authorization failed.",
        ),
        ResourceType::Broker | ResourceType::BrokerLogger | ResourceType::ClientMetrics => (
            Resource::CLUSTER,
            ErrorCode::ClusterAuthorizationFailed,
            "Cluster authorization failed.",
        ),
    };
    if !call.may(Access::AlterConfigs, pattern) {
        return Err(Refusal::new(error, message));
    }
    if kind == ResourceType::Broker && call.audience == Audience::Broker && !name.is_empty() {
        check_is_this_broker(&name, call.broker.node_id())?;
    }
    Ok(ConfigResource { kind, name })
}

/// A broker judges changes of its own configuration alone.
fn check_is_this_broker(name: &str, this: NodeId) -> Result<(), Refusal> {
    match name.parse::<NodeId>() {
        Ok(id) if id == this => Ok(()),
        Ok(_) => {
            Err(invalid(format!("Unexpected broker id, expected {this}, but received {name}")))
        }
        Err(_) => Err(invalid(format!("Node id must be an integer, but it is: {name}"))),
    }
}

/// Refuses keys without a value.
///
/// # Errors
/// Names them.
pub(super) fn refuse_nulls(keys: &[&str]) -> Result<(), Refusal> {
    if keys.is_empty() {
        return Ok(());
    }
    Err(invalid(format!("Null value not supported for : {}", keys.join(", "))))
}

pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, message)
}

/// Asks the controller for what passed, and gives back what became of each wish, in their order. `named` are the
/// resources as the request names them, in that order too.
pub(super) async fn settle<T>(
    call: &Call<'_>,
    named: &[(i8, String)],
    wishes: Vec<Result<T, Refusal>>,
    operation: impl FnOnce(Vec<T>) -> Operation,
) -> Vec<Result<(), Refusal>> {
    let mut passed = Vec::with_capacity(wishes.len());
    let mut occurrences: BTreeMap<&(i8, String), usize> = BTreeMap::new();
    for resource in named {
        *occurrences.entry(resource).or_default() += 1;
    }
    let settled = |(resource, wish): (_, Result<T, Refusal>)| {
        // The controller refuses them as well, but not one whose twin didn't come as far.
        if occurrences.get(resource).is_some_and(|&count| count > 1) {
            return Err(invalid("Each resource must appear at most once."));
        }
        wish.map(|wish| passed.push(wish))
    };
    let mut outcomes: Vec<Result<(), Refusal>> = named.iter().zip(wishes).map(settled).collect();
    if passed.is_empty() {
        return outcomes;
    }
    let answer = call.broker.control.ask(operation(passed), None).await;
    let out_of_turn = || Refusal::new(ErrorCode::UnknownServerError, "");
    let mut results = match &answer {
        Ok(Answer::AlterConfigs(altered)) => altered.as_slice(),
        Ok(_) | Err(_) => &[],
    }
    .iter();
    for outcome in outcomes.iter_mut().filter(|outcome| outcome.is_ok()) {
        *outcome = match (&answer, results.next()) {
            (Err(refusal), _) => Err(refusal.clone()),
            (Ok(_), Some(altered)) => altered.result.clone(),
            (Ok(_), None) => Err(out_of_turn()),
        };
    }
    outcomes
}

/// An outcome as both responses have it: error code and message.
pub(super) fn to_wire(outcome: Result<(), Refusal>) -> (i16, Option<String>) {
    match outcome {
        Ok(()) => (ErrorCode::None.code(), None),
        Err(Refusal { error, message }) => {
            (error.code(), Some(message).filter(|message| !message.is_empty()))
        }
    }
}
