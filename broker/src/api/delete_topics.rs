//! DeleteTopics (20).

use taffrail_metadata::{Answer, DeleteTopic, DeletedTopic, Operation, Refusal};
use taffrail_model::{ErrorCode, Uuid};
use taffrail_protocol::messages::DeleteTopicsRequest;
use taffrail_protocol::messages::delete_topics_response::{
    DeletableTopicResult, DeleteTopicsResponse,
};
use taffrail_security::{Operation as Access, ResourcePattern as Resource};

use super::Call;

/// The first version that can name topics by id.
const FIRST_TOPIC_ID_VERSION: i16 = 6;

pub(super) async fn handle(call: &Call<'_>, request: DeleteTopicsRequest) -> DeleteTopicsResponse {
    let deadline = call.deadline(request.timeout_ms);
    let mut responses = Vec::new();
    let mut wanted = Vec::new();
    for (name, topic_id) in named(call, request) {
        if !call.broker.delete_topic_enable {
            let error = if call.version < 3 {
                ErrorCode::InvalidRequest
            } else {
                ErrorCode::TopicDeletionDisabled
            };
            responses.push(result(
                name,
                topic_id,
                error,
                Some("delete.topic.enable is false".to_owned()),
            ));
            continue;
        }
        let topic = match &name {
            Some(_) if !topic_id.is_zero() => {
                let message = "a topic is named by its name or by its id, not by both".to_owned();
                responses.push(result(name, topic_id, ErrorCode::InvalidRequest, Some(message)));
                continue;
            }
            None if topic_id.is_zero() => {
                let message = "neither a name nor an id of a topic was given".to_owned();
                responses.push(result(name, topic_id, ErrorCode::InvalidRequest, Some(message)));
                continue;
            }
            Some(name) => DeleteTopic::Name(name.clone()),
            None => DeleteTopic::Id(topic_id),
        };
        match authorize(call, &topic) {
            Ok(()) => wanted.push(topic),
            Err(error) => responses.push(result(name, topic_id, error, None)),
        }
    }
    if !wanted.is_empty() {
        let refuse_all = |error: ErrorCode, message: &str| {
            let refuse = |topic: &DeleteTopic| match topic {
                DeleteTopic::Name(name) => {
                    result(Some(name.clone()), Uuid::ZERO, error, Some(message.to_owned()))
                }
                DeleteTopic::Id(id) => result(None, *id, error, Some(message.to_owned())),
            };
            wanted.iter().map(refuse).collect::<Vec<_>>()
        };
        match call
            .broker
            .control
            .ask(Operation::DeleteTopics { topics: wanted.clone() }, deadline)
            .await
        {
            Ok(Answer::DeleteTopics(deleted)) => responses.extend(deleted.into_iter().map(to_wire)),
            Ok(_) => responses.extend(refuse_all(ErrorCode::UnknownServerError, "")),
            Err(Refusal { error, message }) => responses.extend(refuse_all(error, &message)),
        }
    }
    DeleteTopicsResponse { responses, ..Default::default() }
}

fn named(call: &Call<'_>, request: DeleteTopicsRequest) -> Vec<(Option<String>, Uuid)> {
    if call.version >= FIRST_TOPIC_ID_VERSION {
        request.topics.into_iter().map(|topic| (topic.name, topic.topic_id)).collect()
    } else {
        request.topic_names.into_iter().map(|name| (Some(name), Uuid::ZERO)).collect()
    }
}

/// Who may not even describe a topic doesn't learn whether its id exists.
fn authorize(call: &Call<'_>, topic: &DeleteTopic) -> Result<(), ErrorCode> {
    let image = call.broker.image();
    let (name, by_id) = match topic {
        DeleteTopic::Name(name) => (name.as_str(), false),
        DeleteTopic::Id(id) => match image.topic(*id) {
            Some(found) => (found.name.as_str(), true),
            None => return Err(ErrorCode::UnknownTopicId),
        },
    };
    if by_id && !call.may(Access::Describe, Resource::topic(name)) {
        return Err(ErrorCode::TopicAuthorizationFailed);
    }
    if call.may(Access::Delete, Resource::topic(name)) {
        Ok(())
    } else {
        Err(ErrorCode::TopicAuthorizationFailed)
    }
}

fn to_wire(deleted: DeletedTopic) -> DeletableTopicResult {
    match deleted.result {
        Ok(()) => result(deleted.name, deleted.topic_id, ErrorCode::None, None),
        Err(Refusal { error, message }) => {
            result(deleted.name, deleted.topic_id, error, Some(message))
        }
    }
}

fn result(
    name: Option<String>,
    topic_id: Uuid,
    error: ErrorCode,
    message: Option<String>,
) -> DeletableTopicResult {
    DeletableTopicResult {
        name,
        topic_id,
        error_code: error.code(),
        error_message: message.filter(|message| !message.is_empty()),
        ..Default::default()
    }
}
