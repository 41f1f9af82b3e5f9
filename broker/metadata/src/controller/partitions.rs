//! New partitions: where they go, and how they are added to topics.

use std::collections::BTreeMap;

use taffrail_model::{ErrorCode, GROUP_METADATA_TOPIC, NodeId};
use taffrail_protocol::records::MetadataRecord;

use super::decision::{Decision, MAX_RECORDS_PER_BATCH, View};
use super::{
    Answer, CreatePartitions, NewPartitions, Refusal, SeededRandom, StripedPlacer, UsableBroker,
};
use crate::image::PartitionRegistration;

/// Adds partitions to topics, each topic or not at all, all of them in one batch.
pub(super) fn create(
    view: View<'_>,
    request: CreatePartitions,
    mut random: SeededRandom,
) -> Decision {
    let mut records = Vec::new();
    let mut answers: Vec<(String, Result<(), Refusal>)> = Vec::with_capacity(request.topics.len());
    let mut occurrences: BTreeMap<String, usize> = BTreeMap::new();
    for topic in &request.topics {
        *occurrences.entry(topic.name.clone()).or_default() += 1;
    }
    for topic in request.topics {
        // A name that was asked for twice is answered once.
        let Some(count) = occurrences.remove(&topic.name) else {
            continue;
        };
        let duplicate = count > 1;
        let result = if duplicate {
            Err(Refusal::new(ErrorCode::InvalidRequest, "Duplicate topic name."))
        } else {
            let room = MAX_RECORDS_PER_BATCH.saturating_sub(records.len());
            add(view, &topic, room, &mut random).map(|new| records.extend(new))
        };
        answers.push((topic.name, result));
    }
    if request.validate_only {
        records.clear();
    }
    Decision::atomic(records, Answer::CreatePartitions(answers))
}

fn add(
    view: View<'_>,
    request: &NewPartitions,
    room: usize,
    random: &mut SeededRandom,
) -> Result<Vec<MetadataRecord>, Refusal> {
    let topic = view.image.topic_by_name(&request.name).ok_or_else(|| {
        Refusal::new(
            ErrorCode::UnknownTopicOrPartition,
            "This server does not host this topic-partition.",
        )
    })?;
    if topic.name.as_str() == GROUP_METADATA_TOPIC {
        // Kafka's tool refuses it, and its controller doesn't.
        return Err(Refusal::new(
            ErrorCode::InvalidRequest,
            format!(
                "The partitions of {GROUP_METADATA_TOPIC} cannot change in number: groups would look for \
                 their offsets in other partitions than those that hold them."
            ),
        ));
    }
    let existing = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
    let invalid = |message| Err(Refusal::new(ErrorCode::InvalidPartitions, message));
    if request.count == existing {
        return invalid(format!("Topic already has {existing} partition(s)."));
    }
    if request.count < existing {
        return invalid(format!(
            "The topic {} currently has {existing} partition(s); {} would not be an increase.",
            request.name, request.count
        ));
    }
    let additional = request.count - existing;
    if usize::try_from(additional).unwrap_or(usize::MAX) > room {
        return Err(Refusal::new(
            ErrorCode::PolicyViolation,
            "Excessively large number of partitions per request.",
        ));
    }
    let replicas = topic.partitions.get_min().map_or(0, |(_, partition)| partition.replicas.len());
    let partitions = match &request.assignments {
        None => {
            let replication_factor = i16::try_from(replicas).unwrap_or(i16::MAX);
            place(view, additional, replication_factor, random)?
        }
        Some(assignments) => assign(view, assignments, existing, additional, replicas)?,
    };
    Ok(partitions
        .iter()
        .zip(existing..)
        .map(|(partition, index)| partition.to_record(topic.id, index).into())
        .collect())
}

fn assign(
    view: View<'_>,
    assignments: &[Vec<NodeId>],
    existing: i32,
    additional: i32,
    replication_factor: usize,
) -> Result<Vec<PartitionRegistration>, Refusal> {
    let invalid = |message| Refusal::new(ErrorCode::InvalidReplicaAssignment, message);
    if usize::try_from(additional) != Ok(assignments.len()) {
        return Err(invalid(format!(
            "Attempted to add {additional} additional partition(s), but only {} assignment(s) were \
             specified.",
            assignments.len()
        )));
    }
    assignments
        .iter()
        .zip(existing..)
        .map(|(replicas, index)| {
            validate_assignment(view, replicas, Some(replication_factor))?;
            registration(view, replicas.clone()).ok_or_else(|| {
                invalid(format!(
                    "All brokers specified in the manual partition assignment for partition {index} are \
                     fenced or in controlled shutdown."
                ))
            })
        })
        .collect()
}

/// Places `count` partitions of `replication_factor` replicas each.
pub(super) fn place(
    view: View<'_>,
    count: i32,
    replication_factor: i16,
    random: &mut SeededRandom,
) -> Result<Vec<PartitionRegistration>, Refusal> {
    let unable = |reason: &str| {
        Refusal::new(
            ErrorCode::InvalidReplicationFactor,
            format!("Unable to replicate the partition {replication_factor} time(s): {reason}"),
        )
    };
    let usable: Vec<UsableBroker> = view
        .image
        .brokers()
        .filter(|b| !b.in_controlled_shutdown && b.has_uncordoned_dirs())
        .map(|b| UsableBroker { id: b.id, rack: b.rack.clone(), fenced: b.fenced })
        .collect();
    let mut placer = StripedPlacer::new(&usable, SeededRandom::new(random.bits()));
    (0..count)
        .map(|_| {
            let replicas =
                placer.place(replication_factor).map_err(|error| unable(&error.to_string()))?;
            registration(view, replicas).ok_or_else(|| {
                unable("All brokers are currently fenced or in controlled shutdown.")
            })
        })
        .collect()
}

/// A new partition on `replicas`: those that are active are in sync and the first of them leads. `None`
/// when none is.
pub(super) fn registration(view: View<'_>, replicas: Vec<NodeId>) -> Option<PartitionRegistration> {
    let isr: Vec<NodeId> =
        replicas.iter().filter(|id| view.image.is_active(**id)).copied().collect();
    if isr.is_empty() {
        return None;
    }
    let directories = replicas.iter().map(|id| view.default_directory(*id)).collect();
    Some(PartitionRegistration::new(replicas, directories, isr))
}

/// Checks replicas that were chosen by hand. `expected` is how many the partitions before have.
pub(super) fn validate_assignment(
    view: View<'_>,
    replicas: &[NodeId],
    expected: Option<usize>,
) -> Result<(), Refusal> {
    let invalid = |message| Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, message));
    if replicas.is_empty() {
        return invalid(
            "The manual partition assignment includes an empty replica list.".to_owned(),
        );
    }
    let mut sorted = replicas.to_vec();
    sorted.sort_unstable();
    let mut previous = None;
    for id in sorted {
        let Some(broker) = view.image.broker(id) else {
            return invalid(format!(
                "The manual partition assignment includes broker {id}, but no such broker is registered."
            ));
        };
        if !broker.has_uncordoned_dirs() {
            return invalid(format!(
                "The manual partition assignment includes broker {id}, but all its log directories are \
                 cordoned."
            ));
        }
        if previous == Some(id) {
            return invalid(format!(
                "The manual partition assignment includes the broker {id} more than once."
            ));
        }
        previous = Some(id);
    }
    match expected {
        Some(expected) if expected != replicas.len() => invalid(format!(
            "The manual partition assignment includes a partition with {} replica(s), but this is not \
             consistent with previous partitions, which have {expected} replica(s).",
            replicas.len()
        )),
        _ => Ok(()),
    }
}
