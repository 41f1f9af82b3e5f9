//! Changes of configurations.

use std::collections::{BTreeMap, BTreeSet};

use imbl::OrdMap;
use taffrail_model::{ErrorCode, NodeId, TopicName};
use taffrail_protocol::records::{ClearElrRecord, ConfigRecord, MetadataRecord};

use super::decision::{Decision, View, check_batch};
use super::{
    AlteredConfig, Answer, ConfigAlteration, ConfigChange, ConfigOperation, ConfigReplacement,
    Refusal,
};
use crate::config::{
    ConfigType, broker_key, topic_key, validate_broker_configs, validate_topic_configs,
};
use crate::image::{ConfigResource, ResourceType};

const MIN_INSYNC_REPLICAS: &str = "min.insync.replicas";
/// The longest value, in bytes: what a Java string of the older formats could hold.
const MAX_VALUE_LENGTH: usize = 32_767;

/// Gives resources these configurations and no others. What is set now and isn't named is taken out.
pub(super) fn replace(
    view: View<'_>,
    replacements: Vec<ConfigReplacement>,
    validate_only: bool,
) -> Decision {
    let changes = replacements.into_iter().map(|wish| alteration(view, wish)).collect();
    alter(view, changes, validate_only)
}

fn alteration(view: View<'_>, wish: ConfigReplacement) -> ConfigAlteration {
    let named: BTreeSet<&str> = wish.configs.iter().map(|(name, _)| name.as_str()).collect();
    let left_out: Vec<String> = view
        .image
        .config(&wish.resource)
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| !named.contains(name.as_str()))
        .collect();
    let set = wish.configs.into_iter().map(|(name, value)| (name, ConfigOperation::Set(value)));
    let delete = left_out.into_iter().map(|name| (name, ConfigOperation::Delete));
    let change = |(name, operation)| ConfigChange { name, operation };
    ConfigAlteration { resource: wish.resource, changes: set.chain(delete).map(change).collect() }
}

/// Changes configurations key by key: each resource or not at all, all of them in one batch.
pub(super) fn alter(
    view: View<'_>,
    changes: Vec<ConfigAlteration>,
    validate_only: bool,
) -> Decision {
    let mut records = Vec::new();
    let mut answers: Vec<AlteredConfig> = Vec::with_capacity(changes.len());
    let mut occurrences: BTreeMap<ConfigResource, usize> = BTreeMap::new();
    for change in &changes {
        *occurrences.entry(change.resource.clone()).or_default() += 1;
    }
    for change in changes {
        // It can't be known which one is meant.
        let result = if occurrences.get(&change.resource).is_some_and(|&count| count > 1) {
            Err(Refusal::new(ErrorCode::InvalidRequest, "Each resource must appear at most once."))
        } else {
            alter_one(view, &change).map(|new| records.extend(new))
        };
        answers.push(AlteredConfig { resource: change.resource, result });
    }
    if view.image.features().elr_enabled() {
        let clears: Vec<MetadataRecord> = records.iter().filter_map(clear_elr).collect();
        records.extend(clears);
    }
    if let Err(refusal) = check_batch(&records) {
        return Decision::refused(refusal);
    }
    if validate_only {
        records.clear();
    }
    Decision::atomic(records, Answer::AlterConfigs(answers))
}

fn alter_one(view: View<'_>, change: &ConfigAlteration) -> Result<Vec<MetadataRecord>, Refusal> {
    let resource = &change.resource;
    check_name(resource)?;
    let current = view.image.config(resource);
    let mut wanted = current.clone();
    let mut records = Vec::new();
    let mut seen = BTreeSet::new();
    for key in &change.changes {
        if !seen.insert(key.name.as_str()) {
            return Err(Refusal::new(
                ErrorCode::InvalidRequest,
                format!("Error due to duplicate config keys: {}", key.name),
            ));
        }
        check_min_isr(view, resource, &key.name, &key.operation)?;
        let value = new_value(view, resource, &current, &key.name, &key.operation)?;
        match &value {
            Some(value) => wanted.insert(key.name.clone(), value.clone()),
            None => wanted.remove(&key.name),
        };
        // A broker is told even of a value that stays, as the file that it names may have changed.
        let changed = current.get(&key.name) != value.as_ref();
        if changed || resource.kind == ResourceType::Broker {
            records.push(MetadataRecord::from(ConfigRecord {
                resource_type: resource.kind.code(),
                resource_name: resource.name.clone(),
                name: key.name.clone(),
                value,
                ..ConfigRecord::default()
            }));
        }
    }
    check_sizes(&wanted)?;
    if resource.kind == ResourceType::Broker {
        // What was set before isn't judged again: another release may have allowed it.
        wanted = wanted.into_iter().filter(|(name, _)| seen.contains(name.as_str())).collect();
    }
    validate(resource, &wanted)?;
    check_existence(view, resource)?;
    Ok(records)
}

/// Keys and values must fit the log's format.
pub(super) fn check_sizes(configs: &OrdMap<String, String>) -> Result<(), Refusal> {
    configs.iter().try_for_each(|(name, value)| check_size(name).and(check_size(value)))
}

fn check_size(text: &str) -> Result<(), Refusal> {
    if text.len() <= MAX_VALUE_LENGTH {
        return Ok(());
    }
    Err(Refusal::new(
        ErrorCode::InvalidConfig,
        format!(
            "The configuration value cannot be added because it exceeds the maximum value size of \
             {MAX_VALUE_LENGTH} bytes."
        ),
    ))
}

/// Whether there can be a resource of this kind and name.
fn check_name(resource: &ConfigResource) -> Result<(), Refusal> {
    let invalid = |message: String| Err(Refusal::new(ErrorCode::InvalidRequest, message));
    match resource.kind {
        ResourceType::Topic if resource.name.is_empty() => {
            invalid("Default topic resources are not allowed.".to_owned())
        }
        ResourceType::Broker if !resource.name.is_empty() => {
            match resource.name.parse::<NodeId>() {
                Ok(id) if id < 0 => invalid("Invalid negative broker ID.".to_owned()),
                // Another way to write the number would be another resource, which no broker goes by.
                Ok(id) if id.to_string() == resource.name => Ok(()),
                Ok(_) | Err(_) => {
                    invalid("Unable to parse broker name as a base 10 number.".to_owned())
                }
            }
        }
        ResourceType::Topic | ResourceType::Broker => Ok(()),
        ResourceType::BrokerLogger | ResourceType::ClientMetrics | ResourceType::Group => invalid(
            format!("Configurations of this kind of resource are not supported: {resource}"),
        ),
    }
}

fn check_existence(view: View<'_>, resource: &ConfigResource) -> Result<(), Refusal> {
    let name = &resource.name;
    match resource.kind {
        ResourceType::Topic if view.image.topic_by_name(name).is_none() => Err(Refusal::new(
            ErrorCode::UnknownTopicOrPartition,
            format!("The topic '{name}' does not exist."),
        )),
        ResourceType::Broker
            if name.parse().is_ok_and(|id: NodeId| view.image.broker(id).is_none()) =>
        {
            Err(Refusal::new(
                ErrorCode::BrokerIdNotRegistered,
                format!("No broker with id {name} found."),
            ))
        }
        _ => Ok(()),
    }
}

/// With eligible leader replicas everybody must go by the same `min.insync.replicas`, the controller's.
fn check_min_isr(
    view: View<'_>,
    resource: &ConfigResource,
    key: &str,
    operation: &ConfigOperation,
) -> Result<(), Refusal> {
    let concerned = view.image.features().elr_enabled()
        && key == MIN_INSYNC_REPLICAS
        && resource.kind == ResourceType::Broker;
    let message = if !concerned {
        return Ok(());
    } else if !resource.name.is_empty() {
        "Broker-level min.insync.replicas cannot be altered while ELR is enabled."
    } else if *operation == ConfigOperation::Delete {
        "Cluster-level min.insync.replicas cannot be removed while ELR is enabled."
    } else {
        return Ok(());
    };
    Err(Refusal::new(ErrorCode::InvalidConfig, message))
}

/// The value after an operation; lists are added to and taken from what holds now, the default too.
fn new_value(
    view: View<'_>,
    resource: &ConfigResource,
    current: &OrdMap<String, String>,
    key: &str,
    operation: &ConfigOperation,
) -> Result<Option<String>, Refusal> {
    let (what, items) = match operation {
        ConfigOperation::Set(value) => return Ok(Some(value.clone())),
        ConfigOperation::Delete => return Ok(None),
        ConfigOperation::Append(items) => ("append", items),
        ConfigOperation::Subtract(items) => ("subtract", items),
    };
    let definition = match resource.kind {
        ResourceType::Topic => topic_key(key),
        _ => broker_key(key),
    };
    let Some(definition) = definition.filter(|d| d.kind == ConfigType::List) else {
        let message = match (resource.kind, definition) {
            (ResourceType::Topic, _) => {
                format!("Can't {} to key {key} because its type is not LIST.", what.to_uppercase())
            }
            (_, Some(_)) => format!("Config value {what} is not allowed for config key: {key}"),
            (_, None) => format!("Unknown config name: {key}"),
        };
        return Err(Refusal::new(ErrorCode::InvalidConfig, message));
    };
    let inherited = || match resource.kind {
        ResourceType::Topic => definition.default_text().map(ToOwned::to_owned),
        _ => view
            .config
            .static_config
            .text(key)
            .or_else(|| definition.default_text())
            .map(ToOwned::to_owned),
    };
    let text = current.get(key).cloned().or_else(inherited);
    // Before anything is made of it.
    check_size(items)?;
    let mut list: Vec<&str> = text
        .as_deref()
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .collect();
    let items = items.split(',').map(str::trim);
    if matches!(operation, ConfigOperation::Append(_)) {
        let mut present: BTreeSet<&str> = list.iter().copied().collect();
        list.extend(items.filter(|item| present.insert(item)));
    } else {
        let unwanted: BTreeSet<&str> = items.collect();
        list.retain(|item| !unwanted.contains(item));
    }
    Ok(Some(list.join(",")))
}

fn validate(resource: &ConfigResource, wanted: &OrdMap<String, String>) -> Result<(), Refusal> {
    match resource.kind {
        ResourceType::Topic => {
            let name = TopicName::new(&resource.name).map_err(|error| {
                Refusal::new(ErrorCode::InvalidTopicException, error.to_string())
            })?;
            validate_topic_configs(&name, wanted)
                .map_err(|error| Refusal::new(ErrorCode::InvalidConfig, error.to_string()))
        }
        // Kafka's brokers say it by this code, and clients have got used to it.
        _ => validate_broker_configs(wanted, !resource.name.is_empty())
            .map_err(|error| Refusal::new(ErrorCode::InvalidRequest, error.to_string())),
    }
}

/// What was eligible under another `min.insync.replicas` no longer is.
fn clear_elr(record: &MetadataRecord) -> Option<MetadataRecord> {
    let MetadataRecord::Config(config) = record else {
        return None;
    };
    if config.name != MIN_INSYNC_REPLICAS {
        return None;
    }
    let topic_name = if config.resource_type == ResourceType::Topic.code() {
        config.resource_name.clone()
    } else {
        String::new()
    };
    Some(MetadataRecord::from(ClearElrRecord { topic_name, ..ClearElrRecord::default() }))
}
