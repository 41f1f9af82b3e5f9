//! Topics come and go.

use std::collections::{BTreeMap, BTreeSet};

use imbl::OrdMap;
use taffrail_model::{ErrorCode, NodeId, TopicName, Uuid};
use taffrail_protocol::records::{ConfigRecord, MetadataRecord, RemoveTopicRecord, TopicRecord};

use super::decision::{Decision, MAX_RECORDS_PER_BATCH, View, check_batch};
use super::partitions::{place, registration, validate_assignment};
use super::{
    Answer, CreatedTopic, DeleteTopic, DeletedTopic, NewTopic, Refusal, SeededRandom, TopicCreated,
};
use crate::config::{describe_new_topic, validate_topic_configs};
use crate::image::{PartitionRegistration, ResourceType};

/// The topic of the metadata log, which is no topic of the image.
const CLUSTER_METADATA_TOPIC: &str = "__cluster_metadata";

/// Creates topics, each or not at all, all of them in one batch.
pub(super) fn create(
    view: View<'_>,
    topics: Vec<NewTopic>,
    validate_only: bool,
    mut random: SeededRandom,
) -> Decision {
    if let Err(refusal) = check_partition_count(view, &topics) {
        return Decision::refused(refusal);
    }
    let mut occurrences: BTreeMap<String, usize> = BTreeMap::new();
    for topic in &topics {
        *occurrences.entry(topic.name.clone()).or_default() += 1;
    }
    let mut records = Vec::new();
    let mut taken = BTreeMap::new();
    let mut answers = Vec::with_capacity(topics.len());
    for topic in topics {
        // A name that was asked for twice is answered once.
        let result = match occurrences.remove(&topic.name) {
            None => continue,
            Some(1) => create_one(view, &topic, &taken, &mut random),
            Some(_) => Err(Refusal::new(ErrorCode::InvalidRequest, "Duplicate topic name.")),
        };
        let result = result.map(|(name, created, new_records)| {
            taken.insert(name.collision_key(), name);
            records.extend(new_records);
            created
        });
        answers.push(CreatedTopic { name: topic.name, result });
    }
    if let Err(refusal) = check_batch(&records) {
        return Decision::refused(refusal);
    }
    if validate_only {
        records.clear();
    }
    Decision::atomic(records, Answer::CreateTopics(answers))
}

/// Refuses a request for too many partitions before anything is made of it.
fn check_partition_count(view: View<'_>, topics: &[NewTopic]) -> Result<(), Refusal> {
    let total = topics.iter().fold(0usize, |total, topic| {
        let count = match topic.num_partitions {
            _ if !topic.assignments.is_empty() => topic.assignments.len(),
            -1 => usize::try_from(view.config.num_partitions()).unwrap_or(0),
            count => usize::try_from(count).unwrap_or(0),
        };
        total.saturating_add(count)
    });
    if total > MAX_RECORDS_PER_BATCH {
        return Err(Refusal::new(
            ErrorCode::PolicyViolation,
            "Excessively large number of partitions per request.",
        ));
    }
    Ok(())
}

fn create_one(
    view: View<'_>,
    topic: &NewTopic,
    taken: &BTreeMap<String, TopicName>,
    random: &mut SeededRandom,
) -> Result<(TopicName, TopicCreated, Vec<MetadataRecord>), Refusal> {
    let name = check_name(view, &topic.name, taken)?;
    let configs = check_configs(&name, &topic.configs)?;
    let partitions = lay_out(view, topic, random)?;
    let topic_id = random.uuid();
    let created = TopicCreated {
        topic_id,
        num_partitions: i32::try_from(partitions.len()).unwrap_or(i32::MAX),
        replication_factor: partitions
            .first()
            .and_then(|p| i16::try_from(p.replicas.len()).ok())
            .unwrap_or(0),
        configs: describe_new_topic(
            view.image,
            &view.config.static_config,
            view.config.node_id,
            &configs,
        ),
    };
    let mut records = vec![MetadataRecord::from(TopicRecord {
        name: name.as_str().to_owned(),
        topic_id,
        ..TopicRecord::default()
    })];
    records.extend(configs.into_iter().map(|(key, value)| {
        MetadataRecord::from(ConfigRecord {
            resource_type: ResourceType::Topic.code(),
            resource_name: name.as_str().to_owned(),
            name: key,
            value: Some(value),
            ..ConfigRecord::default()
        })
    }));
    records.extend(
        partitions
            .iter()
            .zip(0..)
            .map(|(partition, index)| partition.to_record(topic_id, index).into()),
    );
    Ok((name, created, records))
}

fn check_name(
    view: View<'_>,
    name: &str,
    taken: &BTreeMap<String, TopicName>,
) -> Result<TopicName, Refusal> {
    if name == CLUSTER_METADATA_TOPIC {
        return Err(Refusal::new(
            ErrorCode::InvalidRequest,
            format!("Creation of internal topic {CLUSTER_METADATA_TOPIC} is prohibited."),
        ));
    }
    if view.image.topic_by_name(name).is_some() {
        return Err(Refusal::new(
            ErrorCode::TopicAlreadyExists,
            format!("Topic '{name}' already exists."),
        ));
    }
    let name = TopicName::new(name)
        .map_err(|error| Refusal::new(ErrorCode::InvalidTopicException, error.to_string()))?;
    let colliding = view.image.colliding_topic(&name).or_else(|| taken.get(&name.collision_key()));
    if let Some(other) = colliding {
        return Err(Refusal::new(
            ErrorCode::InvalidTopicException,
            format!("Topic '{name}' collides with existing topic: {other}"),
        ));
    }
    Ok(name)
}

fn check_configs(
    name: &TopicName,
    configs: &[(String, Option<String>)],
) -> Result<OrdMap<String, String>, Refusal> {
    let invalid = |message: String| Refusal::new(ErrorCode::InvalidConfig, message);
    let nulls: Vec<&str> =
        configs.iter().filter(|(_, value)| value.is_none()).map(|(key, _)| key.as_str()).collect();
    if !nulls.is_empty() {
        return Err(invalid(format!(
            "Null value not supported for topic configs: {}",
            nulls.join(",")
        )));
    }
    let set: OrdMap<String, String> =
        configs.iter().filter_map(|(key, value)| Some((key.clone(), value.clone()?))).collect();
    super::configs::check_sizes(&set)?;
    validate_topic_configs(name, &set).map_err(|error| invalid(error.to_string()))?;
    Ok(set)
}

/// The new topic's partitions: as they were chosen by hand, or as the placer has it.
fn lay_out(
    view: View<'_>,
    topic: &NewTopic,
    random: &mut SeededRandom,
) -> Result<Vec<PartitionRegistration>, Refusal> {
    if !topic.assignments.is_empty() {
        return lay_out_by_hand(view, topic);
    }
    if topic.replication_factor < -1 || topic.replication_factor == 0 {
        return Err(Refusal::new(
            ErrorCode::InvalidReplicationFactor,
            "Replication factor must be larger than 0, or -1 to use the default value.",
        ));
    }
    if topic.num_partitions < -1 || topic.num_partitions == 0 {
        return Err(Refusal::new(
            ErrorCode::InvalidPartitions,
            "Number of partitions was set to an invalid non-positive value.",
        ));
    }
    let count = match topic.num_partitions {
        -1 => view.config.num_partitions(),
        count => count,
    };
    let replication_factor = match topic.replication_factor {
        -1 => view.config.default_replication_factor(),
        factor => factor,
    };
    place(view, count, replication_factor, random)
}

fn lay_out_by_hand(
    view: View<'_>,
    topic: &NewTopic,
) -> Result<Vec<PartitionRegistration>, Refusal> {
    let invalid = |message: String| Refusal::new(ErrorCode::InvalidReplicaAssignment, message);
    if topic.replication_factor != -1 {
        return Err(Refusal::new(
            ErrorCode::InvalidRequest,
            "A manual partition assignment was specified, but replication factor was not set to -1.",
        ));
    }
    if topic.num_partitions != -1 {
        return Err(Refusal::new(
            ErrorCode::InvalidRequest,
            "A manual partition assignment was specified, but numPartitions was not set to -1.",
        ));
    }
    let mut by_index: BTreeMap<i32, &Vec<NodeId>> = BTreeMap::new();
    let mut replication_factor = None;
    for (index, replicas) in &topic.assignments {
        if by_index.insert(*index, replicas).is_some() {
            return Err(invalid(format!(
                "Found multiple manual partition assignments for partition {index}"
            )));
        }
        validate_assignment(view, replicas, replication_factor)?;
        replication_factor = Some(replicas.len());
    }
    if by_index.keys().zip(0..).any(|(index, place)| *index != place) {
        return Err(invalid(
            "partitions should be a consecutive 0-based integer sequence".to_owned(),
        ));
    }
    by_index
        .into_iter()
        .map(|(index, replicas)| {
            registration(view, replicas.clone()).ok_or_else(|| {
                invalid(format!(
                    "All brokers specified in the manual partition assignment for partition {index} are \
                     fenced or in controlled shutdown."
                ))
            })
        })
        .collect()
}

/// Deletes topics, each or not at all, all of them in one batch.
pub(super) fn delete(view: View<'_>, topics: Vec<DeleteTopic>) -> Decision {
    if !view.config.static_config.boolean("delete.topic.enable") {
        return Decision::refused(Refusal::new(
            ErrorCode::TopicDeletionDisabled,
            "Topic deletion is disabled.",
        ));
    }
    let mut seen = BTreeSet::new();
    let mut records = Vec::new();
    let mut answers = Vec::with_capacity(topics.len());
    for topic in topics {
        let found = match &topic {
            DeleteTopic::Name(name) => view.image.topic_by_name(name),
            DeleteTopic::Id(id) => view.image.topic(*id),
        };
        let result = match found {
            Some(topic) if seen.insert(topic.id) => {
                records.push(MetadataRecord::from(RemoveTopicRecord {
                    topic_id: topic.id,
                    ..RemoveTopicRecord::default()
                }));
                Ok(())
            }
            Some(_) => Err(Refusal::new(
                ErrorCode::InvalidRequest,
                "The topic was already supplied, by its name or its id.",
            )),
            None => Err(match &topic {
                DeleteTopic::Name(_) => Refusal::new(
                    ErrorCode::UnknownTopicOrPartition,
                    "This server does not host this topic-partition.",
                ),
                DeleteTopic::Id(_) => Refusal::new(
                    ErrorCode::UnknownTopicId,
                    "This server does not host this topic ID.",
                ),
            }),
        };
        let (asked_name, asked_id) = match topic {
            DeleteTopic::Name(name) => (Some(name), Uuid::ZERO),
            DeleteTopic::Id(id) => (None, id),
        };
        answers.push(DeletedTopic {
            name: asked_name.or_else(|| found.map(|t| t.name.as_str().to_owned())),
            topic_id: found.map_or(asked_id, |t| t.id),
            result,
        });
    }
    Decision::atomic(records, Answer::DeleteTopics(answers))
}
