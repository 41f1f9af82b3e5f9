//! Elections that nobody asked for: brokers come, go and fail, and partitions get other leaders.

use taffrail_model::{NodeId, Uuid};

use super::Notice;
use super::decision::{Changes, TopicConfigs, View};
use super::partition_change::{Election, PartitionChange};
use crate::image::{LeaderRecoveryState, PartitionRegistration, TopicImage};

/// The most elections that one look at imbalanced or leaderless partitions starts.
const MAX_ELECTIONS_PER_LOOK: usize = 1_000;

/// What happens to a broker, as partitions see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BrokerFate {
    /// It leaves all ISRs and leads nothing.
    Leaves(NodeId),
    /// It may lead again.
    Returns(NodeId),
    /// As it leaves, and what it holds isn't trusted either.
    StoppedUncleanly(NodeId),
}

impl BrokerFate {
    /// Whether a partition is touched by it.
    fn concerns(self, partition: &PartitionRegistration) -> bool {
        match self {
            Self::Leaves(id) => partition.isr.contains(&id) || partition.leader == id,
            Self::Returns(_) => !partition.has_leader(),
            Self::StoppedUncleanly(id) => {
                partition.isr.contains(&id) || partition.elr.contains(&id) || partition.leader == id
            }
        }
    }

    /// Who may lead, given who is active in the image, where the fate isn't written yet.
    fn may_lead(self, node: NodeId, is_active: bool) -> bool {
        match self {
            Self::Leaves(id) | Self::StoppedUncleanly(id) => node != id && is_active,
            Self::Returns(id) => node == id || is_active,
        }
    }
}

/// The changes of partitions that follow from what happens to a broker.
pub(super) fn follow_fate(view: View<'_>, fate: BrokerFate, changes: &mut Changes) {
    follow(view, fate, changes, |_| true);
}

fn follow(
    view: View<'_>,
    fate: BrokerFate,
    changes: &mut Changes,
    concerns: impl Fn(&PartitionRegistration) -> bool,
) {
    let mut configs = TopicConfigs::new(view);
    let default_directory = |id| view.default_directory(id);
    for (topic, index, partition) in view.image.partitions() {
        if !fate.concerns(partition) || !concerns(partition) {
            continue;
        }
        let config = configs.of(topic);
        let may_lead = |id| {
            fate.may_lead(id, view.image.is_active(id)) && view.directory_is_online(partition, id)
        };
        let context = view.change_context(config.min_isr, &may_lead, &default_directory);
        let mut change = PartitionChange::new(partition, topic.id, index, &context);
        if config.unclean_allowed {
            change.election = Election::Unclean;
        }
        match fate {
            BrokerFate::Leaves(id) => change.isr.retain(|n| *n != id),
            BrokerFate::Returns(_) => {}
            BrokerFate::StoppedUncleanly(id) => {
                change.isr.retain(|n| *n != id);
                change.unclean_replica = Some(id);
            }
        }
        push(change, topic, changes);
    }
}

/// The changes that follow when log directories of a broker fail: replicas in them leave the ISR.
pub(super) fn leave_directories(
    view: View<'_>,
    broker: NodeId,
    failed: &[Uuid],
    changes: &mut Changes,
) {
    follow(view, BrokerFate::Leaves(broker), changes, |partition| {
        partition.directory_of(broker).is_some_and(|directory| failed.contains(&directory))
    });
}

/// Gives leadership back to preferred replicas that are in sync.
pub(super) fn elect_preferred(view: View<'_>, changes: &mut Changes) {
    look(view, Election::Preferred, changes, |partition, _| {
        partition.has_leader() && partition.replicas.first() != Some(&partition.leader)
    });
}

/// Elects leaders for partitions that have none, where losing records is allowed.
pub(super) fn elect_unclean(view: View<'_>, changes: &mut Changes) {
    look(view, Election::Unclean, changes, |partition, allowed| !partition.has_leader() && allowed);
}

fn look(
    view: View<'_>,
    election: Election,
    changes: &mut Changes,
    concerns: impl Fn(&PartitionRegistration, bool) -> bool,
) {
    let mut configs = TopicConfigs::new(view);
    let default_directory = |id| view.default_directory(id);
    for (topic, index, partition) in view.image.partitions() {
        if changes.records.len() >= MAX_ELECTIONS_PER_LOOK {
            return;
        }
        let config = configs.of(topic);
        if !concerns(partition, config.unclean_allowed) {
            continue;
        }
        let may_lead = |id| view.image.is_active(id) && view.directory_is_online(partition, id);
        let context = view.change_context(config.min_isr, &may_lead, &default_directory);
        let mut change = PartitionChange::new(partition, topic.id, index, &context);
        change.election = election;
        push(change, topic, changes);
    }
}

fn push(change: PartitionChange<'_>, topic: &TopicImage, changes: &mut Changes) {
    let Some(record) = change.build() else {
        return;
    };
    if record.leader_recovery_state == LeaderRecoveryState::Recovering.code() {
        changes.notices.push(Notice::UncleanElection {
            topic: topic.name.clone(),
            partition: record.partition_id,
            leader: record.leader,
        });
    }
    changes.push(record);
}
