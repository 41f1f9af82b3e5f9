//! Topics and their partitions.

use std::sync::Arc;

use imbl::OrdMap;
use taffrail_model::{LeaderEpoch, NO_NODE, NodeId, PartitionIndex, TopicName, Uuid};
use taffrail_protocol::records::{PartitionChangeRecord, PartitionRecord};

use super::ReplayError;

/// "The leader didn't change" in a partition change record.
pub(crate) const NO_LEADER_CHANGE: NodeId = -2;

/// A topic and all of its partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicImage {
    /// The topic's id, which no other topic ever has.
    pub id: Uuid,
    /// The topic's name, which a later topic may have again.
    pub name: TopicName,
    /// The partitions by index.
    pub partitions: OrdMap<PartitionIndex, Arc<PartitionRegistration>>,
}

/// Whether a leader that was elected out of turn has recovered yet (KIP-704).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(i8)]
pub enum LeaderRecoveryState {
    /// The leader came from the ISR or the ELR, or has finished its recovery.
    #[default]
    Recovered = 0,
    /// The leader was elected uncleanly: records may be lost, and the ISR is the leader alone.
    Recovering = 1,
}

impl LeaderRecoveryState {
    /// The state with this number.
    #[must_use]
    pub const fn from_code(code: i8) -> Option<Self> {
        match code {
            0 => Some(Self::Recovered),
            1 => Some(Self::Recovering),
            _ => None,
        }
    }

    /// The number on the wire and in records.
    #[must_use]
    pub const fn code(self) -> i8 {
        self as i8
    }
}

/// What the controller knows of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionRegistration {
    /// The brokers that hold the partition, in order of preference.
    pub replicas: Vec<NodeId>,
    /// For each replica, in the same order, the log directory that it lies in; `Uuid::UNASSIGNED_DIR`
    /// until its broker has told (KIP-858).
    pub directories: Vec<Uuid>,
    /// The replicas that are in sync. May be empty while eligible leader replicas are on.
    pub isr: Vec<NodeId>,
    /// Replicas that a reassignment is about to take away.
    pub removing_replicas: Vec<NodeId>,
    /// Replicas that a reassignment is about to add.
    pub adding_replicas: Vec<NodeId>,
    /// Replicas that left the ISR while it was below `min.insync.replicas` and hold all that was
    /// acknowledged (KIP-966).
    pub elr: Vec<NodeId>,
    /// The last leader before the partition had none, which may be elected when ISR and ELR are empty.
    pub last_known_elr: Vec<NodeId>,
    /// The leader, or `NO_NODE`.
    pub leader: NodeId,
    /// Whether the leader has recovered from an unclean election.
    pub leader_recovery_state: LeaderRecoveryState,
    /// Rises with each election.
    pub leader_epoch: LeaderEpoch,
    /// Rises with each change.
    pub partition_epoch: i32,
}

impl PartitionRegistration {
    /// A partition that was just created: its first in-sync replica leads.
    ///
    /// `replicas` and `directories` are of the same length; `isr` is a part of `replicas`.
    #[must_use]
    pub fn new(replicas: Vec<NodeId>, directories: Vec<Uuid>, isr: Vec<NodeId>) -> Self {
        Self {
            leader: isr.first().copied().unwrap_or(NO_NODE),
            replicas,
            directories,
            isr,
            removing_replicas: Vec::new(),
            adding_replicas: Vec::new(),
            elr: Vec::new(),
            last_known_elr: Vec::new(),
            leader_recovery_state: LeaderRecoveryState::Recovered,
            leader_epoch: 0,
            partition_epoch: 0,
        }
    }

    /// Whether somebody leads the partition.
    #[must_use]
    pub fn has_leader(&self) -> bool {
        self.leader != NO_NODE
    }

    /// The log directory of `replica`, or `None` when it doesn't hold the partition.
    #[must_use]
    pub fn directory_of(&self, replica: NodeId) -> Option<Uuid> {
        let index = self.replicas.iter().position(|&r| r == replica)?;
        self.directories.get(index).copied()
    }

    pub(crate) fn from_record(record: &PartitionRecord) -> Result<Self, ReplayError> {
        let malformed = |reason| ReplayError::MalformedPartition {
            topic_id: record.topic_id,
            partition: record.partition_id,
            reason,
        };
        let directories = if record.directories.is_empty() {
            vec![Uuid::MIGRATING_DIR; record.replicas.len()]
        } else {
            record.directories.clone()
        };
        if directories.len() != record.replicas.len() {
            return Err(malformed("directories and replicas differ in number"));
        }
        Ok(Self {
            replicas: record.replicas.clone(),
            directories,
            isr: record.isr.clone(),
            removing_replicas: record.removing_replicas.clone(),
            adding_replicas: record.adding_replicas.clone(),
            elr: record.eligible_leader_replicas.clone().unwrap_or_default(),
            last_known_elr: record.last_known_elr.clone().unwrap_or_default(),
            leader: record.leader,
            leader_recovery_state: LeaderRecoveryState::from_code(record.leader_recovery_state)
                .ok_or_else(|| malformed("unknown leader recovery state"))?,
            leader_epoch: record.leader_epoch,
            partition_epoch: record.partition_epoch,
        })
    }

    pub(crate) fn to_record(&self, topic_id: Uuid, partition: PartitionIndex) -> PartitionRecord {
        let some_unless_empty = |nodes: &Vec<NodeId>| (!nodes.is_empty()).then(|| nodes.clone());
        PartitionRecord {
            partition_id: partition,
            topic_id,
            replicas: self.replicas.clone(),
            isr: self.isr.clone(),
            removing_replicas: self.removing_replicas.clone(),
            adding_replicas: self.adding_replicas.clone(),
            leader: self.leader,
            leader_recovery_state: self.leader_recovery_state.code(),
            leader_epoch: self.leader_epoch,
            partition_epoch: self.partition_epoch,
            directories: self.directories.clone(),
            eligible_leader_replicas: some_unless_empty(&self.elr),
            last_known_elr: some_unless_empty(&self.last_known_elr),
            ..PartitionRecord::default()
        }
    }

    /// The partition after `change`. Every change raises the partition epoch; naming a leader, even the
    /// same one, raises the leader epoch.
    pub(crate) fn merge(&self, change: &PartitionChangeRecord) -> Result<Self, ReplayError> {
        let malformed = |reason| ReplayError::MalformedPartition {
            topic_id: change.topic_id,
            partition: change.partition_id,
            reason,
        };
        let mut merged = self.clone();
        if let Some(replicas) = &change.replicas {
            // A record without directories may still change the replicas (older levels): those that
            // stay keep theirs.
            merged.directories = replicas
                .iter()
                .map(|&r| self.directory_of(r).unwrap_or(Uuid::UNASSIGNED_DIR))
                .collect();
            merged.replicas.clone_from(replicas);
        }
        if let Some(directories) = &change.directories {
            merged.directories.clone_from(directories);
        }
        if merged.directories.len() != merged.replicas.len() {
            return Err(malformed("directories and replicas differ in number"));
        }
        let set = |field: &mut Vec<NodeId>, change: &Option<Vec<NodeId>>| {
            if let Some(nodes) = change {
                field.clone_from(nodes);
            }
        };
        set(&mut merged.isr, &change.isr);
        set(&mut merged.removing_replicas, &change.removing_replicas);
        set(&mut merged.adding_replicas, &change.adding_replicas);
        set(&mut merged.elr, &change.eligible_leader_replicas);
        set(&mut merged.last_known_elr, &change.last_known_elr);
        if change.leader != NO_LEADER_CHANGE {
            merged.leader = change.leader;
            merged.leader_epoch = self.leader_epoch.wrapping_add(1);
        }
        if change.leader_recovery_state != -1 {
            merged.leader_recovery_state =
                LeaderRecoveryState::from_code(change.leader_recovery_state)
                    .ok_or_else(|| malformed("unknown leader recovery state"))?;
        }
        merged.partition_epoch = self.partition_epoch.wrapping_add(1);
        Ok(merged)
    }
}
