//! A change of one partition: from what is wished to the record that makes it so, elections included.
//!
//! The rules are those of Kafka's `PartitionChangeBuilder` with eligible leader replicas (KIP-966) in
//! their balanced form: the last known leader, alone, may lead again when ISR and ELR are empty.

use taffrail_model::{NO_NODE, NodeId, PartitionIndex, Uuid};
use taffrail_protocol::records::PartitionChangeRecord;

use crate::image::{LeaderRecoveryState, NO_LEADER_CHANGE, PartitionRegistration};

/// How a leader is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Election {
    /// The preferred replica, when it is in sync.
    Preferred,
    /// The leader of now, when it may stay; else anyone in sync.
    Online,
    /// As `Online`; when nobody is in sync, anyone alive, at the price of lost records.
    Unclean,
}

/// A change being put together.
pub(super) struct PartitionChange<'a> {
    partition: &'a PartitionRegistration,
    topic_id: Uuid,
    index: PartitionIndex,
    min_isr: usize,
    elr_enabled: bool,
    is_acceptable_leader: &'a dyn Fn(NodeId) -> bool,
    default_directory: &'a dyn Fn(NodeId) -> Uuid,
    /// How a leader is looked for.
    pub(super) election: Election,
    /// The in-sync replicas that are wished for.
    pub(super) isr: Vec<NodeId>,
    /// A replica that stopped uncleanly and mustn't be taken for eligible.
    pub(super) unclean_replica: Option<NodeId>,
    /// The recovery state that is wished for.
    pub(super) leader_recovery_state: LeaderRecoveryState,
    replicas: Vec<NodeId>,
    removing: Vec<NodeId>,
    adding: Vec<NodeId>,
    elr: Vec<NodeId>,
}

/// What stays the same for all partitions of a decision.
pub(super) struct ChangeContext<'a> {
    /// The in-sync replicas below which the partition takes no acks=all writes, at most as many as it
    /// has replicas.
    pub(super) min_isr: usize,
    /// Whether eligible leader replicas are kept.
    pub(super) elr_enabled: bool,
    /// Who may lead this partition.
    pub(super) is_acceptable_leader: &'a dyn Fn(NodeId) -> bool,
    /// The directory that a replica goes to when it has none.
    pub(super) default_directory: &'a dyn Fn(NodeId) -> Uuid,
}

struct Elected {
    leader: NodeId,
    unclean: bool,
}

impl<'a> PartitionChange<'a> {
    pub(super) fn new(
        partition: &'a PartitionRegistration,
        topic_id: Uuid,
        index: PartitionIndex,
        context: &ChangeContext<'a>,
    ) -> Self {
        Self {
            partition,
            topic_id,
            index,
            min_isr: context.min_isr,
            elr_enabled: context.elr_enabled,
            is_acceptable_leader: context.is_acceptable_leader,
            default_directory: context.default_directory,
            election: Election::Online,
            isr: partition.isr.clone(),
            unclean_replica: None,
            leader_recovery_state: partition.leader_recovery_state,
            replicas: partition.replicas.clone(),
            removing: partition.removing_replicas.clone(),
            adding: partition.adding_replicas.clone(),
            elr: partition.elr.clone(),
        }
    }

    /// The record that makes the change, or `None` when there is nothing to change.
    pub(super) fn build(mut self) -> Option<PartitionChangeRecord> {
        let mut record = PartitionChangeRecord {
            topic_id: self.topic_id,
            partition_id: self.index,
            ..PartitionChangeRecord::default()
        };
        self.complete_reassignment();
        self.populate_elr();
        self.elect(&mut record);
        if record.leader == NO_LEADER_CHANGE
            && !contains_all(&self.replicas, &self.partition.replicas)
        {
            // A replica is gone: the same leader in a new epoch makes everybody look again.
            record.leader = self.partition.leader;
        }
        self.set_elr(&mut record);
        let may_set_isr = !self.isr.is_empty() || self.elr_enabled;
        if record.isr.is_none() && may_set_isr && self.isr != self.partition.isr {
            record.isr = Some(self.isr.clone());
        }
        self.set_last_known_leader(&mut record);
        self.set_assignment(&mut record);
        if self.leader_recovery_state != self.partition.leader_recovery_state {
            record.leader_recovery_state = self.leader_recovery_state.code();
        }
        let nothing = PartitionChangeRecord {
            topic_id: self.topic_id,
            partition_id: self.index,
            ..PartitionChangeRecord::default()
        };
        (record != nothing).then_some(record)
    }

    /// Ends a reassignment once all added replicas are in sync. When it takes away more than it adds, all
    /// that stay must be in sync, or the ISR would shrink by it.
    fn complete_reassignment(&mut self) {
        if self.removing.is_empty() && self.adding.is_empty() {
            return;
        }
        let without = |nodes: &[NodeId]| -> Vec<NodeId> {
            let stays = |n: &&NodeId| !self.removing.contains(n);
            nodes.iter().filter(stays).copied().collect()
        };
        let (isr, replicas) = (without(&self.isr), without(&self.replicas));
        let shrinks = self.adding.len() < self.removing.len();
        if isr.is_empty()
            || replicas.is_empty()
            || !contains_all(&isr, &self.adding)
            || (shrinks && !contains_all(&isr, &replicas))
        {
            return;
        }
        self.isr = isr;
        self.replicas = replicas;
        self.removing.clear();
        self.adding.clear();
    }

    /// While the ISR is below its minimum, those who leave it stay eligible: nothing is acknowledged to
    /// acks=all that they don't have.
    fn populate_elr(&mut self) {
        if !self.elr_enabled {
            return;
        }
        if self.isr.len() >= self.min_isr {
            self.elr.clear();
            return;
        }
        let mut candidates: Vec<NodeId> = self
            .elr
            .iter()
            .chain(&self.partition.isr)
            .copied()
            .filter(|n| !self.isr.contains(n) && self.unclean_replica != Some(*n))
            .collect();
        candidates.sort_unstable();
        candidates.dedup();
        self.elr = candidates;
    }

    fn elect(&mut self, record: &mut PartitionChangeRecord) {
        let elected = self.find_leader();
        if elected.leader == self.partition.leader {
            return;
        }
        if self.elr.contains(&elected.leader) {
            self.isr = vec![elected.leader];
            self.elr.retain(|n| *n != elected.leader);
        }
        record.leader = elected.leader;
        if elected.unclean {
            record.isr = Some(vec![elected.leader]);
            if self.partition.leader_recovery_state != LeaderRecoveryState::Recovering {
                record.leader_recovery_state = LeaderRecoveryState::Recovering.code();
            }
        }
    }

    fn find_leader(&self) -> Elected {
        let clean = |leader| Elected { leader, unclean: false };
        let unclean = |leader| Elected { leader, unclean: true };
        let preferred = self.replicas.first().copied();
        if self.election == Election::Preferred
            && let Some(preferred) = preferred.filter(|n| self.may_lead(*n))
        {
            return clean(preferred);
        }
        if self.may_lead(self.partition.leader) {
            return clean(self.partition.leader);
        }
        if let Some(&online) = self.replicas.iter().find(|n| self.may_lead(**n)) {
            return clean(online);
        }
        if let Some(last) = self.last_known_leader() {
            return unclean(last);
        }
        if self.election == Election::Unclean
            && let Some(&any) = self.replicas.iter().find(|n| (self.is_acceptable_leader)(**n))
        {
            return unclean(any);
        }
        clean(NO_NODE)
    }

    /// In the ISR, or in the ELR when the ISR is empty; and alive.
    fn may_lead(&self, node: NodeId) -> bool {
        let in_sync = self.isr.contains(&node) || (self.isr.is_empty() && self.elr.contains(&node));
        in_sync && (self.is_acceptable_leader)(node)
    }

    /// The last leader, when it is the only one known, alive, and nobody is eligible.
    fn last_known_leader(&self) -> Option<NodeId> {
        if !self.elr_enabled || !self.elr.is_empty() || !self.isr.is_empty() {
            return None;
        }
        match self.partition.last_known_elr.as_slice() {
            [last] if (self.is_acceptable_leader)(*last) => Some(*last),
            _ => None,
        }
    }

    fn set_elr(&mut self, record: &mut PartitionChangeRecord) {
        // An unclean election has set the ISR in the record; what was eligible no longer is.
        if record.isr.is_some() || !self.elr_enabled {
            self.elr.clear();
        }
        if self.elr != self.partition.elr {
            record.eligible_leader_replicas = Some(self.elr.clone());
        }
    }

    fn set_last_known_leader(&self, record: &mut PartitionChangeRecord) {
        if !self.elr_enabled {
            return;
        }
        let becomes_leaderless = record.leader == NO_NODE && self.partition.has_leader();
        if becomes_leaderless && self.partition.last_known_elr.is_empty() {
            record.last_known_elr = Some(vec![self.partition.leader]);
        } else if record.leader >= 0 && !self.partition.last_known_elr.is_empty() {
            record.last_known_elr = Some(Vec::new());
        }
    }

    fn set_assignment(&self, record: &mut PartitionChangeRecord) {
        let changed = |new: &Vec<NodeId>, old: &Vec<NodeId>| (new != old).then(|| new.clone());
        if !self.replicas.is_empty() {
            let directory_of = |n: &NodeId| {
                self.partition.directory_of(*n).unwrap_or_else(|| (self.default_directory)(*n))
            };
            let directories: Vec<Uuid> = self.replicas.iter().map(directory_of).collect();
            if directories != self.partition.directories {
                record.directories = Some(directories);
            }
            record.replicas = changed(&self.replicas, &self.partition.replicas);
        }
        record.removing_replicas = changed(&self.removing, &self.partition.removing_replicas);
        record.adding_replicas = changed(&self.adding, &self.partition.adding_replicas);
    }
}

fn contains_all(nodes: &[NodeId], wanted: &[NodeId]) -> bool {
    wanted.iter().all(|n| nodes.contains(n))
}
