//! `Metadata`, `CreateTopics`, `CreatePartitions` and `DeleteTopics`.

use std::collections::{BTreeMap, BTreeSet};

use taffrail_client::Refusal;
use taffrail_model::{TopicName, Uuid};
use taffrail_protocol::ApiKey;
use taffrail_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use taffrail_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use taffrail_protocol::messages::delete_topics_request::DeleteTopicState;
use taffrail_protocol::messages::metadata_request::MetadataRequestTopic;
use taffrail_protocol::messages::metadata_response::MetadataResponseTopic;
use taffrail_protocol::messages::{
    CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest, MetadataRequest,
};

use super::answer::match_items;
use super::{AdminClient, AdminError};

/// Topics in one `Metadata` request: their partitions fit a frame many times over.
const DESCRIBED_MAX: usize = 200;
/// Topics in one request that changes them.
const CHANGED_MAX: usize = 50;
/// Topics, partitions and keys that one request makes, together. A controller refuses a request of more than ten
/// thousand as a whole: those that ask for little would wait for ever beside those that ask for much.
const MADE_MAX: usize = 5000;
/// What is reckoned for a topic whose partitions are as the broker is configured.
const DEFAULT_PARTITIONS_MAX: usize = 90;
/// "As the broker is configured", for partitions and replicas.
const BROKER_DEFAULT: i16 = -1;

/// A topic as a broker described it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TopicDescription {
    /// Its name.
    pub name: TopicName,
    /// Its id.
    pub id: Uuid,
    /// Whether brokers keep their own state in it.
    pub is_internal: bool,
    /// How many partitions it has.
    pub partitions: i32,
    /// How many replicas its first partition has.
    pub replication_factor: i32,
}

/// A topic to be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewTopic {
    /// How many partitions it gets; the cluster's default unless given.
    pub partitions: Option<i32>,
    /// How many replicas its partitions get; the cluster's default unless given.
    pub replication_factor: Option<i16>,
    /// What is configured for it.
    pub config: BTreeMap<String, String>,
}

/// A topic that was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CreatedTopic {
    /// Its id.
    pub id: Uuid,
    /// How many partitions it got; `None` if the broker may not say.
    pub partitions: Option<i32>,
    /// How many replicas its partitions got; `None` if the broker may not say.
    pub replication_factor: Option<i32>,
}

impl AdminClient {
    /// Describes topics by name. One that isn't there is a refusal, and isn't created.
    ///
    /// # Errors
    /// No broker answers, or the answer can't be trusted.
    pub async fn describe_topics(
        &mut self,
        names: &BTreeSet<TopicName>,
    ) -> Result<BTreeMap<TopicName, Result<TopicDescription, Refusal>>, AdminError> {
        let mut described = BTreeMap::new();
        for asked in in_parts(names, DESCRIBED_MAX) {
            let topics = asked.iter().map(|name| MetadataRequestTopic {
                name: Some(name.to_string()),
                ..Default::default()
            });
            let mut items = Vec::new();
            for topic in self.metadata(Some(topics.collect())).await? {
                let name = named(ApiKey::Metadata, topic.name.as_deref())?;
                items.push((name, describe(&topic)?));
            }
            described.append(&mut match_items(ApiKey::Metadata, &asked, items)?);
        }
        Ok(described)
    }

    /// Makes topics.
    ///
    /// # Errors
    /// No broker answers, or the answer can't be trusted. Topics may have been made all the same.
    pub async fn create_topics(
        &mut self,
        topics: &BTreeMap<TopicName, NewTopic>,
    ) -> Result<BTreeMap<TopicName, Result<CreatedTopic, Refusal>>, AdminError> {
        let api = ApiKey::CreateTopics;
        let mut created = BTreeMap::new();
        for asked in in_batches(topics) {
            let wanted = asked.iter().filter_map(|name| Some(creatable(name, topics.get(name)?)));
            let request = CreateTopicsRequest {
                topics: wanted.collect(),
                timeout_ms: Self::operation_timeout_ms(),
                ..Default::default()
            };
            // Version 7 is the first that answers with the id.
            let response = self.call(&request, 7..=i16::MAX).await?;
            let mut items = Vec::new();
            for result in response.topics {
                let name = named(api, Some(&result.name))?;
                let outcome = Refusal::check(result.error_code, result.error_message.as_deref());
                if outcome.is_ok() && result.topic_id.is_reserved() {
                    return Err(wrong(api, format!("topic \"{name}\" has no id")));
                }
                let made = CreatedTopic {
                    id: result.topic_id,
                    partitions: Some(result.num_partitions).filter(|count| *count > 0),
                    replication_factor: Some(i32::from(result.replication_factor))
                        .filter(|count| *count > 0),
                };
                items.push((name, outcome.map(|()| made)));
            }
            created.append(&mut match_items(api, &asked, items)?);
        }
        Ok(created)
    }

    /// Raises the number of partitions of topics to the given total.
    ///
    /// # Errors
    /// No broker answers, or the answer can't be trusted. Partitions may have been made all the same.
    pub async fn create_partitions(
        &mut self,
        totals: &BTreeMap<TopicName, i32>,
    ) -> Result<BTreeMap<TopicName, Result<(), Refusal>>, AdminError> {
        let api = ApiKey::CreatePartitions;
        let mut grown = BTreeMap::new();
        for asked in in_parts(&totals.keys().cloned().collect(), CHANGED_MAX) {
            let topics = asked.iter().filter_map(|name| {
                Some(CreatePartitionsTopic {
                    name: name.to_string(),
                    count: *totals.get(name)?,
                    assignments: None,
                    ..Default::default()
                })
            });
            let request = CreatePartitionsRequest {
                topics: topics.collect(),
                timeout_ms: Self::operation_timeout_ms(),
                ..Default::default()
            };
            let response = self.call(&request, 0..=i16::MAX).await?;
            let mut items = Vec::new();
            for result in response.results {
                let outcome = Refusal::check(result.error_code, result.error_message.as_deref());
                items.push((named(api, Some(&result.name))?, outcome));
            }
            grown.append(&mut match_items(api, &asked, items)?);
        }
        Ok(grown)
    }

    /// Deletes topics, with all their records. By id, so that a topic that took an old name is safe.
    ///
    /// # Errors
    /// No broker answers, or the answer can't be trusted. Topics may have been deleted all the same.
    pub async fn delete_topics(
        &mut self,
        ids: &BTreeSet<Uuid>,
    ) -> Result<BTreeMap<Uuid, Result<(), Refusal>>, AdminError> {
        let api = ApiKey::DeleteTopics;
        let mut deleted = BTreeMap::new();
        for asked in in_parts(ids, CHANGED_MAX) {
            let topics = asked.iter().map(|id| DeleteTopicState {
                name: None,
                topic_id: *id,
                ..Default::default()
            });
            let request = DeleteTopicsRequest {
                topics: topics.collect(),
                timeout_ms: Self::operation_timeout_ms(),
                ..Default::default()
            };
            // Version 6 is the first that takes ids.
            let response = self.call(&request, 6..=i16::MAX).await?;
            let items = response.responses.into_iter().map(|result| {
                let outcome = Refusal::check(result.error_code, result.error_message.as_deref());
                (result.topic_id, outcome)
            });
            deleted.append(&mut match_items(api, &asked, items)?);
        }
        Ok(deleted)
    }

    /// `None` asks for all topics.
    pub(super) async fn metadata(
        &mut self,
        topics: Option<Vec<MetadataRequestTopic>>,
    ) -> Result<Vec<MetadataResponseTopic>, AdminError> {
        let request =
            MetadataRequest { topics, allow_auto_topic_creation: false, ..Default::default() };
        // Version 12 is the first that answers by id.
        let response = self.read(&request, 12..=i16::MAX).await?;
        Refusal::check(response.error_code, None)
            .map_err(|refusal| AdminError::Refused { api: ApiKey::Metadata, refusal })?;
        Ok(response.topics)
    }
}

/// What `Metadata` says about one topic.
fn describe(
    topic: &MetadataResponseTopic,
) -> Result<Result<TopicDescription, Refusal>, AdminError> {
    let api = ApiKey::Metadata;
    if let Err(refusal) = Refusal::check(topic.error_code, None) {
        return Ok(Err(refusal));
    }
    let name = named(api, topic.name.as_deref())?;
    if topic.topic_id.is_reserved() {
        return Err(wrong(api, format!("topic \"{name}\" has no id")));
    }
    let indexes: BTreeSet<i32> =
        topic.partitions.iter().map(|partition| partition.partition_index).collect();
    let count = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
    let first = topic.partitions.iter().find(|partition| partition.partition_index == 0);
    // Distinct, from 0, without gaps.
    let (Some(first), true) = (first, indexes.into_iter().eq(0..count)) else {
        return Err(wrong(
            api,
            format!("the partitions of topic \"{name}\" aren't 0 to their count"),
        ));
    };
    Ok(Ok(TopicDescription {
        id: topic.topic_id,
        is_internal: topic.is_internal || name.is_internal(),
        partitions: count,
        replication_factor: i32::try_from(first.replica_nodes.len()).unwrap_or(i32::MAX),
        name,
    }))
}

fn creatable(name: &TopicName, topic: &NewTopic) -> CreatableTopic {
    let configs = topic.config.iter().map(|(key, value)| CreatableTopicConfig {
        name: key.clone(),
        value: Some(value.clone()),
        ..Default::default()
    });
    CreatableTopic {
        name: name.to_string(),
        num_partitions: topic.partitions.unwrap_or(BROKER_DEFAULT.into()),
        replication_factor: topic.replication_factor.unwrap_or(BROKER_DEFAULT),
        configs: configs.collect(),
        ..Default::default()
    }
}

pub(super) fn named(api: ApiKey, name: Option<&str>) -> Result<TopicName, AdminError> {
    let name = name.ok_or_else(|| wrong(api, "it speaks of a topic without a name".to_owned()))?;
    TopicName::new(name).map_err(|error| wrong(api, error.to_string()))
}

pub(super) const fn wrong(api: ApiKey, what: String) -> AdminError {
    AdminError::Answer { api, what }
}

/// The names of `topics` in sets that a controller takes as one request; one that is too large stands alone.
fn in_batches(topics: &BTreeMap<TopicName, NewTopic>) -> Vec<BTreeSet<TopicName>> {
    let mut batches: Vec<BTreeSet<TopicName>> = Vec::new();
    let mut made = 0_usize;
    for (name, topic) in topics {
        let partitions = topic.partitions.map(|count| usize::try_from(count).unwrap_or_default());
        let size =
            partitions.unwrap_or(DEFAULT_PARTITIONS_MAX).saturating_add(1 + topic.config.len());
        match batches.last_mut() {
            Some(batch) if batch.len() < CHANGED_MAX && made.saturating_add(size) <= MADE_MAX => {
                batch.insert(name.clone());
                made += size;
            }
            _ => {
                batches.push(BTreeSet::from([name.clone()]));
                made = size;
            }
        }
    }
    batches
}

/// The keys in sets of bounded size; none for none.
fn in_parts<K: Ord + Clone>(keys: &BTreeSet<K>, size: usize) -> Vec<BTreeSet<K>> {
    let keys: Vec<&K> = keys.iter().collect();
    keys.chunks(size).map(|part| part.iter().map(|key| (*key).clone()).collect()).collect()
}
