//! CreatePartitions (37): more partitions for topics that exist.

use std::collections::BTreeSet;

use taffrail_metadata::{Answer, CreatePartitions, NewPartitions, Operation, Refusal};
use taffrail_model::ErrorCode;
use taffrail_protocol::messages::CreatePartitionsRequest;
use taffrail_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use taffrail_protocol::messages::create_partitions_response::{
    CreatePartitionsResponse, CreatePartitionsTopicResult,
};
use taffrail_security::{Operation as Access, ResourcePattern as Resource};

use super::Call;

pub(super) async fn handle(
    call: &Call<'_>,
    request: CreatePartitionsRequest,
) -> CreatePartitionsResponse {
    let (wanted, forbidden): (Vec<_>, Vec<_>) = request
        .topics
        .into_iter()
        .partition(|topic| call.may(Access::Alter, Resource::topic(&topic.name)));
    // A name that is forbidden is told so once, however often it was given.
    let forbidden: BTreeSet<String> = forbidden.into_iter().map(|topic| topic.name).collect();
    let mut results: Vec<_> = forbidden
        .into_iter()
        .map(|name| to_wire(name, ErrorCode::TopicAuthorizationFailed, ""))
        .collect();
    if !wanted.is_empty() {
        let names: BTreeSet<String> = wanted.iter().map(|topic| topic.name.clone()).collect();
        let all = |error: ErrorCode, message: &str| -> Vec<_> {
            names.iter().map(|name| to_wire(name.clone(), error, message)).collect()
        };
        let operation = Operation::CreatePartitions(CreatePartitions {
            topics: wanted.into_iter().map(to_model).collect(),
            validate_only: request.validate_only,
        });
        match call.broker.control.ask(operation, call.deadline(request.timeout_ms)).await {
            Ok(Answer::CreatePartitions(topics)) => {
                results.extend(topics.into_iter().map(|(name, result)| match result {
                    Ok(()) => to_wire(name, ErrorCode::None, ""),
                    Err(Refusal { error, message }) => to_wire(name, error, &message),
                }));
            }
            Ok(_) => results.extend(all(ErrorCode::UnknownServerError, "")),
            Err(Refusal { error, message }) => results.extend(all(error, &message)),
        }
    }
    CreatePartitionsResponse { results, ..Default::default() }
}

fn to_model(topic: CreatePartitionsTopic) -> NewPartitions {
    NewPartitions {
        name: topic.name,
        count: topic.count,
        assignments: topic.assignments.map(|assignments| {
            assignments.into_iter().map(|assignment| assignment.broker_ids).collect()
        }),
    }
}

fn to_wire(name: String, error: ErrorCode, message: &str) -> CreatePartitionsTopicResult {
    CreatePartitionsTopicResult {
        name,
        error_code: error.code(),
        error_message: (!message.is_empty()).then(|| message.to_owned()),
        ..Default::default()
    }
}
