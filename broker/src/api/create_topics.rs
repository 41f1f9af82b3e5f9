//! CreateTopics (19).

use std::collections::BTreeMap;

use taffrail_metadata::{Answer, CreatedTopic, NewTopic, Operation, Refusal, TopicCreated};
use taffrail_model::ErrorCode;
use taffrail_protocol::messages::CreateTopicsRequest;
use taffrail_protocol::messages::create_topics_request::CreatableTopic;
use taffrail_protocol::messages::create_topics_response::{
    CreatableTopicConfigs, CreatableTopicResult, CreateTopicsResponse,
};
use taffrail_security::{Operation as Access, ResourcePattern as Resource};

use super::Call;

pub(super) async fn handle(call: &Call<'_>, request: CreateTopicsRequest) -> CreateTopicsResponse {
    // Each name with its first place in the request, and whether it was the only one.
    let mut order: BTreeMap<String, Place> = BTreeMap::new();
    for (index, topic) in request.topics.iter().enumerate() {
        match order.get_mut(&topic.name) {
            Some(place) => place.is_unique = false,
            None => {
                order.insert(topic.name.clone(), Place { index, is_unique: true });
            }
        }
    }
    let mut results = Vec::with_capacity(order.len());
    let mut wanted = Vec::with_capacity(order.len());
    let may_create_any = call.may(Access::Create, Resource::CLUSTER);
    for (index, topic) in request.topics.into_iter().enumerate() {
        let place = order.get(&topic.name);
        if place.is_some_and(|place| !place.is_unique) {
            // Named twice: refused once, since it can't be known which one is meant.
            if place.is_some_and(|place| place.index == index) {
                results.push(refused(
                    topic.name,
                    ErrorCode::InvalidRequest,
                    "duplicate topic name",
                ));
            }
        } else if !may_create_any && !call.may(Access::Create, Resource::topic(&topic.name)) {
            results.push(refused(
                topic.name,
                ErrorCode::TopicAuthorizationFailed,
                "not authorized to create it",
            ));
        } else {
            wanted.push(to_model(topic));
        }
    }
    if !wanted.is_empty() {
        let names: Vec<String> = wanted.iter().map(|topic| topic.name.clone()).collect();
        let operation =
            Operation::CreateTopics { topics: wanted, validate_only: request.validate_only };
        let answer = call.broker.control.ask(operation, call.deadline(request.timeout_ms)).await;
        match answer {
            Ok(Answer::CreateTopics(created)) => {
                results.extend(created.into_iter().map(|topic| to_wire(call, topic)));
            }
            Ok(_) => results.extend(
                names.into_iter().map(|name| refused(name, ErrorCode::UnknownServerError, "")),
            ),
            Err(Refusal { error, message }) => {
                results.extend(names.into_iter().map(|name| refused(name, error, &message)));
            }
        }
    }
    results.sort_by_key(|result| order.get(&result.name).map(|place| place.index));
    CreateTopicsResponse { topics: results, ..Default::default() }
}

/// Where a name stands in the request.
struct Place {
    index: usize,
    is_unique: bool,
}

fn to_model(topic: CreatableTopic) -> NewTopic {
    NewTopic {
        name: topic.name,
        num_partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
        assignments: topic
            .assignments
            .into_iter()
            .map(|assignment| (assignment.partition_index, assignment.broker_ids))
            .collect(),
        configs: topic.configs.into_iter().map(|config| (config.name, config.value)).collect(),
    }
}

fn refused(name: String, error: ErrorCode, message: &str) -> CreatableTopicResult {
    CreatableTopicResult {
        name,
        error_code: error.code(),
        error_message: Some(if message.is_empty() {
            error.name().to_owned()
        } else {
            message.to_owned()
        }),
        ..Default::default()
    }
}

fn to_wire(call: &Call<'_>, topic: CreatedTopic) -> CreatableTopicResult {
    match topic.result {
        Err(Refusal { error, message }) => refused(topic.name, error, &message),
        Ok(created) => created_to_wire(call, topic.name, created),
    }
}

fn created_to_wire(call: &Call<'_>, name: String, created: TopicCreated) -> CreatableTopicResult {
    let mut result = CreatableTopicResult { topic_id: created.topic_id, ..Default::default() };
    if call.may(Access::DescribeConfigs, Resource::topic(&name)) {
        result.num_partitions = created.num_partitions;
        result.replication_factor = created.replication_factor;
        result.configs = Some(
            created
                .configs
                .into_iter()
                .map(|entry| CreatableTopicConfigs {
                    name: entry.name,
                    value: if entry.is_sensitive { None } else { entry.value },
                    read_only: entry.read_only,
                    config_source: entry.source.code(),
                    is_sensitive: entry.is_sensitive,
                    ..Default::default()
                })
                .collect(),
        );
    } else {
        result.topic_config_error_code = ErrorCode::TopicAuthorizationFailed.code();
    }
    result.name = name;
    result
}
