//! DescribeConfigs (32): every configuration key of topics and brokers, with where its value comes from.

use std::collections::BTreeSet;

use taffrail_metadata::ResourceType;
use taffrail_metadata::config::{
    ConfigEntry, describe_broker, describe_cluster_default, describe_topic,
};
use taffrail_model::{ErrorCode, TopicName};
use taffrail_protocol::messages::DescribeConfigsRequest;
use taffrail_protocol::messages::describe_configs_request::DescribeConfigsResource;
use taffrail_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResponse, DescribeConfigsResult,
    DescribeConfigsSynonym,
};
use taffrail_security::{Operation, ResourcePattern as Resource};

use super::Call;

pub(super) async fn handle(
    call: &Call<'_>,
    request: DescribeConfigsRequest,
) -> DescribeConfigsResponse {
    let mut seen = BTreeSet::new();
    let results = request
        .resources
        .into_iter()
        // A resource that is named again and again is described once.
        .filter(|resource| seen.insert((resource.resource_type, resource.resource_name.clone())))
        .map(|resource| {
            let described = describe(call, &resource);
            let mut result = DescribeConfigsResult {
                resource_type: resource.resource_type,
                resource_name: resource.resource_name,
                ..Default::default()
            };
            match described {
                Ok(entries) => {
                    let wanted = |entry: &ConfigEntry| match &resource.configuration_keys {
                        // An empty list means all keys, as null does.
                        Some(keys) if !keys.is_empty() => keys.contains(&entry.name),
                        _ => true,
                    };
                    result.configs = entries
                        .into_iter()
                        .filter(wanted)
                        .map(|entry| {
                            to_wire(entry, request.include_synonyms, request.include_documentation)
                        })
                        .collect();
                }
                Err((error, message)) => {
                    result.error_code = error.code();
                    result.error_message = Some(message);
                }
            }
            result
        })
        .collect();
    DescribeConfigsResponse { results, ..Default::default() }
}

fn describe(
    call: &Call<'_>,
    resource: &DescribeConfigsResource,
) -> Result<Vec<ConfigEntry>, (ErrorCode, String)> {
    let image = call.broker.image();
    let (config, node) = (&call.broker.static_config, call.broker.node_id());
    let name = resource.resource_name.as_str();
    match ResourceType::from_code(resource.resource_type) {
        Some(ResourceType::Topic) => {
            if !call.may(Operation::DescribeConfigs, Resource::topic(name)) {
                return Err((
                    ErrorCode::TopicAuthorizationFailed,
                    format!("not authorized for topic '{name}'"),
                ));
            }
            let topic = TopicName::new(name)
                .map_err(|error| (ErrorCode::InvalidTopicException, error.to_string()))?;
            if image.topic_by_name(name).is_none() {
                let message = format!("topic '{name}' does not exist");
                return Err((ErrorCode::UnknownTopicOrPartition, message));
            }
            Ok(describe_topic(&image, config, node, &topic))
        }
        Some(ResourceType::Broker) => {
            if !call.may(Operation::DescribeConfigs, Resource::CLUSTER) {
                return Err((
                    ErrorCode::ClusterAuthorizationFailed,
                    "not authorized for brokers".to_owned(),
                ));
            }
            if name.is_empty() {
                return Ok(describe_cluster_default(&image, config, node));
            }
            if name.parse() == Ok(node) {
                return Ok(describe_broker(&image, config, node));
            }
            let message = format!("expected broker id {node}, but received '{name}'");
            Err((ErrorCode::InvalidRequest, message))
        }
        // Kafka has loggers, client metrics and groups here too; those aren't there yet.
        _ => {
            let message =
                format!("resource type {} can't be described here", resource.resource_type);
            Err((ErrorCode::InvalidRequest, message))
        }
    }
}

fn to_wire(
    entry: ConfigEntry,
    synonyms: bool,
    documentation: bool,
) -> DescribeConfigsResourceResult {
    DescribeConfigsResourceResult {
        name: entry.name,
        value: entry.value,
        read_only: entry.read_only,
        config_source: entry.source.code(),
        is_sensitive: entry.is_sensitive,
        synonyms: if synonyms {
            entry
                .synonyms
                .into_iter()
                .map(|synonym| DescribeConfigsSynonym {
                    name: synonym.name,
                    value: synonym.value,
                    source: synonym.source.code(),
                    ..Default::default()
                })
                .collect()
        } else {
            Vec::new()
        },
        config_type: entry.kind.map_or(0, |kind| kind.code()),
        documentation: documentation.then(|| entry.documentation.to_owned()),
        ..Default::default()
    }
}
