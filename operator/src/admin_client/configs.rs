//! `DescribeConfigs` and `IncrementalAlterConfigs`, of topics.

use std::collections::{BTreeMap, BTreeSet};

use taffrail_client::Refusal;
use taffrail_model::TopicName;
use taffrail_protocol::ApiKey;
use taffrail_protocol::messages::describe_configs_request::DescribeConfigsResource;
use taffrail_protocol::messages::describe_configs_response::DescribeConfigsResult;
use taffrail_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use taffrail_protocol::messages::{DescribeConfigsRequest, IncrementalAlterConfigsRequest};

use super::answer::match_items;
use super::{AdminClient, AdminError};

/// Topics in one request: some thirty keys each come back.
const TOPICS_MAX: usize = 200;
/// Kafka's type of resource for topics.
const TOPIC: i8 = 2;
/// `IncrementalAlterConfigs`' operations.
const SET: i8 = 0;
const DELETE: i8 = 1;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ConfigSource {
    /// Set for the topic.
    Topic,
    /// Set for brokers, in their files or while running.
    Broker,
    /// Another source that isn't the default, or that isn't known here.
    Other,
}

/// How Kafka reads a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ConfigKind {
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Double,
    /// Items with commas between them.
    List,
    /// Text, as it stands.
    Text,
}

/// One key's value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigValue {
    /// The value; `None` for a secret.
    pub value: Option<String>,
    /// Where it comes from.
    pub source: ConfigSource,
    /// How it is read.
    pub kind: ConfigKind,
}

/// A topic's configuration.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TopicConfigs {
    /// The keys that don't have Kafka's own default.
    pub values: BTreeMap<String, ConfigValue>,
    /// How every key is read, those with their default included.
    pub kinds: BTreeMap<String, ConfigKind>,
}

/// A change of one key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ConfigChange {
    /// It gets this value.
    Set(String),
    /// It goes back to the cluster's default.
    Delete,
}

impl AdminClient {
    /// Asks for the configuration of topics.
    ///
    /// # Errors
    /// No broker answers, or the answer can't be trusted.
    pub async fn describe_configs(
        &mut self,
        topics: &BTreeSet<TopicName>,
    ) -> Result<BTreeMap<TopicName, Result<TopicConfigs, Refusal>>, AdminError> {
        let topics: Vec<TopicName> = topics.iter().cloned().collect();
        let mut described = BTreeMap::new();
        for asked in topics.chunks(TOPICS_MAX) {
            let resources = asked.iter().map(|name| DescribeConfigsResource {
                resource_type: TOPIC,
                resource_name: name.to_string(),
                configuration_keys: None,
                ..Default::default()
            });
            let request =
                DescribeConfigsRequest { resources: resources.collect(), ..Default::default() };
            // Version 3 is the first that says how a value is read.
            let response = self.read(&request, 3..=i16::MAX).await?;
            let mut items = Vec::new();
            for result in response.results {
                let key =
                    topic_of(ApiKey::DescribeConfigs, result.resource_type, &result.resource_name)?;
                let outcome = Refusal::check(result.error_code, result.error_message.as_deref());
                items.push((key, outcome.map(|()| read_configs(result))));
            }
            let asked = asked.iter().cloned().collect();
            described.append(&mut match_items(ApiKey::DescribeConfigs, &asked, items)?);
        }
        Ok(described)
    }

    /// Changes keys of topics: all of a topic's, or none.
    ///
    /// # Errors
    /// No broker answers, or the answer can't be trusted. Keys may have been changed all the same.
    pub async fn alter_configs(
        &mut self,
        changes: &BTreeMap<TopicName, BTreeMap<String, ConfigChange>>,
    ) -> Result<BTreeMap<TopicName, Result<(), Refusal>>, AdminError> {
        let api = ApiKey::IncrementalAlterConfigs;
        let changes: Vec<(&TopicName, &BTreeMap<String, ConfigChange>)> = changes.iter().collect();
        let mut altered = BTreeMap::new();
        for part in changes.chunks(TOPICS_MAX) {
            let resources = part.iter().map(|(name, changes)| AlterConfigsResource {
                resource_type: TOPIC,
                resource_name: name.to_string(),
                configs: changes.iter().map(|(key, change)| alterable(key, change)).collect(),
                ..Default::default()
            });
            let request = IncrementalAlterConfigsRequest {
                resources: resources.collect(),
                ..Default::default()
            };
            let response = self.call(&request, 0..=i16::MAX).await?;
            let mut items = Vec::new();
            for result in response.responses {
                let key = topic_of(api, result.resource_type, &result.resource_name)?;
                let outcome = Refusal::check(result.error_code, result.error_message.as_deref());
                items.push((key, outcome));
            }
            let asked = part.iter().map(|(name, _)| (*name).clone()).collect();
            altered.append(&mut match_items(api, &asked, items)?);
        }
        Ok(altered)
    }
}

fn alterable(key: &str, change: &ConfigChange) -> AlterableConfig {
    let (config_operation, value) = match change {
        ConfigChange::Set(value) => (SET, Some(value.clone())),
        ConfigChange::Delete => (DELETE, None),
    };
    AlterableConfig { name: key.to_owned(), config_operation, value, ..Default::default() }
}

fn read_configs(result: DescribeConfigsResult) -> TopicConfigs {
    let mut configs = TopicConfigs::default();
    for config in result.configs {
        let kind = kind(config.config_type);
        configs.kinds.insert(config.name.clone(), kind);
        let Some(source) = source(config.config_source) else { continue };
        let value = config.value.filter(|_| !config.is_sensitive);
        configs.values.insert(config.name, ConfigValue { value, source, kind });
    }
    configs
}

/// By Kafka's numbers; `None` for the default.
const fn source(code: i8) -> Option<ConfigSource> {
    match code {
        1 => Some(ConfigSource::Topic),
        2..=4 => Some(ConfigSource::Broker),
        5 => None,
        _ => Some(ConfigSource::Other),
    }
}

/// By Kafka's numbers.
const fn kind(code: i8) -> ConfigKind {
    match code {
        1 => ConfigKind::Boolean,
        3..=5 => ConfigKind::Integer,
        6 => ConfigKind::Double,
        7 => ConfigKind::List,
        _ => ConfigKind::Text,
    }
}

fn topic_of(api: ApiKey, resource_type: i8, name: &str) -> Result<TopicName, AdminError> {
    if resource_type != TOPIC {
        let what = format!("it speaks of a resource of type {resource_type}, not of a topic");
        return Err(AdminError::Answer { api, what });
    }
    TopicName::new(name).map_err(|error| AdminError::Answer { api, what: error.to_string() })
}
