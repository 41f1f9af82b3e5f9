//! Leaders ask for other in-sync replicas.

use std::collections::BTreeSet;

use taffrail_model::{ErrorCode, NodeId};

use super::decision::{Changes, Decision, TopicConfigs, View};
use super::partition_change::{Election, PartitionChange};
use super::{AlterPartition, AlteredPartition, AlteredPartitionTopic, Answer, IsrChange};
use crate::image::{LeaderRecoveryState, NO_LEADER_CHANGE, PartitionRegistration, TopicImage};

/// Decides on each partition by itself.
pub(super) fn decide(view: View<'_>, request: AlterPartition) -> Decision {
    if let Err(refusal) = view.registered(request.broker_id, request.broker_epoch) {
        return Decision::refused(refusal);
    }
    let mut configs = TopicConfigs::new(view);
    let mut changes = Changes::default();
    let mut answers = Vec::with_capacity(request.topics.len());
    for wanted in request.topics {
        let topic = view.image.topic(wanted.topic_id);
        let mut seen = BTreeSet::new();
        let partitions = wanted
            .partitions
            .iter()
            .map(|change| {
                let result = match topic {
                    None => Err(ErrorCode::UnknownTopicId),
                    // A second wish was made without knowing what became of the first.
                    Some(_) if !seen.insert(change.partition) => Err(ErrorCode::InvalidRequest),
                    Some(topic) => {
                        alter(view, request.broker_id, topic, change, &mut configs, &mut changes)
                    }
                };
                (change.partition, result)
            })
            .collect();
        answers.push(AlteredPartitionTopic { topic_id: wanted.topic_id, partitions });
    }
    Decision::in_pieces(changes, Answer::AlterPartition(answers))
}

fn alter(
    view: View<'_>,
    broker: NodeId,
    topic: &TopicImage,
    wanted: &IsrChange,
    configs: &mut TopicConfigs<'_>,
    changes: &mut Changes,
) -> Result<AlteredPartition, ErrorCode> {
    let partition =
        topic.partitions.get(&wanted.partition).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    validate(view, broker, partition, wanted)?;
    let config = configs.of(topic);
    let may_lead = |id| view.image.is_active(id) && view.directory_is_online(partition, id);
    let default_directory = |id| view.default_directory(id);
    let context = view.change_context(config.min_isr, &may_lead, &default_directory);
    let mut change = PartitionChange::new(partition, topic.id, wanted.partition, &context);
    if config.unclean_allowed {
        change.election = Election::Unclean;
    }
    change.isr = wanted.new_isr.iter().map(|m| m.broker_id).collect();
    change.leader_recovery_state = wanted.leader_recovery_state;
    let Some(record) = change.build() else {
        return Ok(answer(partition));
    };
    let merged = partition.merge(&record).map_err(|_| ErrorCode::UnknownServerError)?;
    let other_leader = record.leader != NO_LEADER_CHANGE && record.leader != broker;
    changes.push(record);
    if other_leader {
        // The change completed a reassignment that takes the leader away: it is made, and the leader
        // hears that it has to look again.
        return Err(ErrorCode::NewLeaderElected);
    }
    Ok(answer(&merged))
}

fn answer(partition: &PartitionRegistration) -> AlteredPartition {
    AlteredPartition {
        leader: partition.leader,
        leader_epoch: partition.leader_epoch,
        isr: partition.isr.clone(),
        leader_recovery_state: partition.leader_recovery_state,
        partition_epoch: partition.partition_epoch,
    }
}

fn validate(
    view: View<'_>,
    broker: NodeId,
    partition: &PartitionRegistration,
    wanted: &IsrChange,
) -> Result<(), ErrorCode> {
    // Somebody who is ahead of this controller knows of a newer one.
    if wanted.leader_epoch > partition.leader_epoch
        || wanted.partition_epoch > partition.partition_epoch
    {
        return Err(ErrorCode::NotController);
    }
    if wanted.leader_epoch < partition.leader_epoch {
        return Err(ErrorCode::FencedLeaderEpoch);
    }
    if broker != partition.leader {
        return Err(ErrorCode::InvalidRequest);
    }
    if wanted.partition_epoch < partition.partition_epoch {
        return Err(ErrorCode::InvalidUpdateVersion);
    }
    let isr: BTreeSet<NodeId> = wanted.new_isr.iter().map(|m| m.broker_id).collect();
    let is_valid = isr.len() == wanted.new_isr.len()
        && isr.contains(&partition.leader)
        && isr.iter().all(|id| partition.replicas.contains(id));
    if !is_valid {
        return Err(ErrorCode::InvalidRequest);
    }
    if wanted.leader_recovery_state == LeaderRecoveryState::Recovering
        && (isr.len() > 1 || partition.leader_recovery_state == LeaderRecoveryState::Recovered)
    {
        return Err(ErrorCode::InvalidRequest);
    }
    let is_eligible = |id: NodeId, epoch: i64| {
        view.image.broker(id).is_some_and(|b| b.is_active() && (epoch == -1 || epoch == b.epoch))
    };
    if !wanted.new_isr.iter().all(|m| is_eligible(m.broker_id, m.broker_epoch)) {
        return Err(ErrorCode::IneligibleReplica);
    }
    Ok(())
}
