//! FindCoordinator (10): which broker owns a group.

use taffrail_model::{ErrorCode, GROUP_METADATA_TOPIC};
use taffrail_protocol::messages::FindCoordinatorRequest;
use taffrail_protocol::messages::find_coordinator_response::{
    Coordinator, FindCoordinatorResponse,
};
use taffrail_security::{Operation, ResourcePattern as Resource};

use super::init_producer_id::NO_TRANSACTIONS;
use super::{Call, topic_lookup};

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
const SHARE: i8 = 2;

/// The first version that asks for several keys.
const FIRST_BATCH_VERSION: i16 = 4;

pub(super) async fn handle(
    call: &Call<'_>,
    request: FindCoordinatorRequest,
) -> FindCoordinatorResponse {
    if request.key_type == TRANSACTION {
        // Once for all keys of the request, of which there may be many.
        tracing::warn!(principal = %call.context.principal, "{NO_TRANSACTIONS}");
    }
    if call.version < FIRST_BATCH_VERSION {
        let found = find(call, request.key_type, request.key).await;
        return FindCoordinatorResponse {
            error_code: found.error_code,
            error_message: found.error_message,
            node_id: found.node_id,
            host: found.host,
            port: found.port,
            ..Default::default()
        };
    }
    let mut coordinators = Vec::with_capacity(request.coordinator_keys.len());
    for key in request.coordinator_keys {
        coordinators.push(find(call, request.key_type, key).await);
    }
    FindCoordinatorResponse { coordinators, ..Default::default() }
}

async fn find(call: &Call<'_>, key_type: i8, key: String) -> Coordinator {
    let refuse = |key: String, error: ErrorCode, message: Option<&str>| Coordinator {
        key,
        node_id: -1,
        port: -1,
        error_code: error.code(),
        error_message: Some(message.unwrap_or(error.name()).to_owned()),
        ..Default::default()
    };
    match key_type {
        GROUP => {}
        TRANSACTION => {
            return refuse(
                key,
                ErrorCode::TransactionalIdAuthorizationFailed,
                Some(NO_TRANSACTIONS),
            );
        }
        SHARE => {
            return refuse(
                key,
                ErrorCode::InvalidRequest,
                Some("share groups are not supported by this broker yet"),
            );
        }
        other => {
            let message = format!("coordinator type {other} is unknown");
            return refuse(key, ErrorCode::InvalidRequest, Some(&message));
        }
    }
    if !call.may(Operation::Describe, Resource::group(&key)) {
        return refuse(key, ErrorCode::GroupAuthorizationFailed, None);
    }
    match coordinator_of(call, &key).await {
        Some((node_id, address)) => Coordinator {
            key,
            node_id,
            host: address.host,
            port: address.port,
            // Kafka sends the text of "no error" and not null.
            error_message: Some(ErrorCode::None.name().to_owned()),
            ..Default::default()
        },
        None => refuse(key, ErrorCode::CoordinatorNotAvailable, None),
    }
}

/// The leader of the group's partition. The topic is created by the first client that asks.
async fn coordinator_of(call: &Call<'_>, group_id: &str) -> Option<(i32, topic_lookup::Address)> {
    if call.broker.image().topic_by_name(GROUP_METADATA_TOPIC).is_none() {
        let topic = call.broker.auto_created(GROUP_METADATA_TOPIC);
        for created in call.broker.create_topics(vec![topic]).await {
            if !matches!(created.error, ErrorCode::None | ErrorCode::TopicAlreadyExists) {
                tracing::warn!(
                    topic = GROUP_METADATA_TOPIC,
                    error = %created.error,
                    message = created.message,
                    "the topic that holds groups can't be created"
                );
            }
        }
    }
    let image = call.broker.image();
    let topic = image.topic_by_name(GROUP_METADATA_TOPIC)?;
    let partition = call.broker.groups.partition_of(group_id);
    let leader = topic.partitions.get(&partition)?.leader;
    Some((leader, topic_lookup::endpoint(call, leader)?))
}
