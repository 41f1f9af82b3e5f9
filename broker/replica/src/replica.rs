//! The state machine.

use std::collections::BTreeMap;

use taffrail_model::{LeaderEpoch, NodeId, Offset};

use crate::Assignment;

/// What a replica hears.
#[derive(Clone, Debug)]
pub enum Event {
    /// The controller published this partition's registration.
    Assigned(Assignment),
    /// `min.insync.replicas` of the topic changed.
    MinIsr(usize),
    /// The local log ends here now. With `flush.messages=1` this is the end of what is synced, so that an
    /// acknowledgement never runs ahead of the disk.
    LogEnd(Offset),
    /// A follower fetched from this offset, so that it holds all before it. A node that is no replica is ignored.
    FollowerEnd {
        /// The follower.
        replica: NodeId,
        /// Where its log ends.
        end: Offset,
    },
}

/// What follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// This node leads from now on. The log begins the epoch at `start_offset`.
    BecameLeader {
        /// The new epoch.
        epoch: LeaderEpoch,
        /// The first offset of the epoch.
        start_offset: Offset,
    },
    /// This node doesn't lead any longer, or never did: whoever waits for an append is told so.
    BecameFollower {
        /// Who leads, if anybody.
        leader: Option<NodeId>,
        /// In which epoch.
        epoch: LeaderEpoch,
    },
    /// All before this offset is on every in-sync replica.
    HighWatermark(Offset),
}

/// The leader's own view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaderState {
    /// The epoch in which this node leads.
    pub epoch: LeaderEpoch,
    /// The first offset of that epoch.
    pub epoch_start: Offset,
    /// The in-sync replicas, this node among them.
    pub isr: Vec<NodeId>,
    replicas: Vec<NodeId>,
    local_end: Offset,
    follower_ends: BTreeMap<NodeId, Offset>,
}

impl LeaderState {
    /// A topic with fewer replicas than `min.insync.replicas` would take no `acks=all` append at all, so that as many as it
    /// has are enough (Kafka's `Partition.effectiveMinIsr`).
    fn has_min_isr(&self, min_isr: usize) -> bool {
        self.isr.len() >= min_isr.min(self.replicas.len())
    }
}

/// Leader, or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// This node leads.
    Leader(LeaderState),
    /// Another node leads, or none.
    Follower {
        /// Who leads, if anybody.
        leader: Option<NodeId>,
        /// In which epoch.
        epoch: LeaderEpoch,
    },
}

/// One partition's role on one node.
#[derive(Clone, Debug)]
pub struct Replica {
    local: NodeId,
    role: Role,
    partition_epoch: i32,
    min_isr: usize,
    high_watermark: Offset,
}

impl Replica {
    /// A replica that has heard nothing yet. `high_watermark` comes from the checkpoint of the log dir.
    #[must_use]
    pub fn new(local: NodeId, high_watermark: Offset) -> Self {
        Self {
            local,
            role: Role::Follower { leader: None, epoch: -1 },
            partition_epoch: -1,
            min_isr: 1,
            high_watermark,
        }
    }

    /// Leader or follower.
    #[must_use]
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// The leader's state, if this node leads.
    #[must_use]
    pub fn leading(&self) -> Option<&LeaderState> {
        match &self.role {
            Role::Leader(leader) => Some(leader),
            Role::Follower { .. } => None,
        }
    }

    /// The epoch of the last assignment.
    #[must_use]
    pub fn leader_epoch(&self) -> LeaderEpoch {
        match &self.role {
            Role::Leader(leader) => leader.epoch,
            Role::Follower { epoch, .. } => *epoch,
        }
    }

    /// All before this offset is on every in-sync replica.
    #[must_use]
    pub fn high_watermark(&self) -> Offset {
        self.high_watermark
    }

    /// Whether an `acks=all` append may be accepted now.
    #[must_use]
    pub fn has_min_isr(&self) -> bool {
        self.leading().is_some_and(|leader| leader.has_min_isr(self.min_isr))
    }

    /// Takes one event.
    pub fn step(&mut self, event: Event, out: &mut Vec<Effect>) {
        match event {
            Event::Assigned(assignment) => self.assigned(assignment, out),
            Event::MinIsr(min_isr) => self.min_isr = min_isr,
            Event::LogEnd(end) => {
                if let Role::Leader(leader) = &mut self.role {
                    leader.local_end = end;
                }
            }
            Event::FollowerEnd { replica, end } => {
                if let Role::Leader(leader) = &mut self.role
                    && leader.replicas.contains(&replica)
                {
                    leader.follower_ends.insert(replica, end);
                }
            }
        }
        self.advance_high_watermark(out);
    }

    fn assigned(&mut self, assignment: Assignment, out: &mut Vec<Effect>) {
        let stale = assignment.leader_epoch < self.leader_epoch()
            || assignment.partition_epoch <= self.partition_epoch;
        if stale {
            return;
        }
        self.partition_epoch = assignment.partition_epoch;
        self.min_isr = assignment.min_isr;
        if assignment.leader != Some(self.local) {
            self.role =
                Role::Follower { leader: assignment.leader, epoch: assignment.leader_epoch };
            out.push(Effect::BecameFollower {
                leader: assignment.leader,
                epoch: assignment.leader_epoch,
            });
            return;
        }
        match &mut self.role {
            // The ISR changed under the same leader: what the followers said still holds.
            Role::Leader(leader) if leader.epoch == assignment.leader_epoch => {
                leader.isr = assignment.isr;
                leader.follower_ends.retain(|replica, _| assignment.replicas.contains(replica));
                leader.replicas = assignment.replicas;
            }
            _ => {
                out.push(Effect::BecameLeader {
                    epoch: assignment.leader_epoch,
                    start_offset: assignment.log_end,
                });
                self.role = Role::Leader(LeaderState {
                    epoch: assignment.leader_epoch,
                    epoch_start: assignment.log_end,
                    isr: assignment.isr,
                    replicas: assignment.replicas,
                    local_end: assignment.written_end,
                    follower_ends: BTreeMap::new(),
                });
            }
        }
    }

    fn advance_high_watermark(&mut self, out: &mut Vec<Effect>) {
        let Role::Leader(leader) = &self.role else {
            return;
        };
        if !leader.has_min_isr(self.min_isr) {
            return;
        }
        let safe = leader
            .isr
            .iter()
            .filter(|&&replica| replica != self.local)
            .map(|replica| leader.follower_ends.get(replica).copied().unwrap_or(0))
            .fold(leader.local_end, Offset::min);
        if safe > self.high_watermark {
            self.high_watermark = safe;
            out.push(Effect::HighWatermark(safe));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: NodeId = 1;

    fn assignment(
        leader: NodeId,
        leader_epoch: i32,
        partition_epoch: i32,
        isr: &[NodeId],
    ) -> Event {
        Event::Assigned(Assignment {
            leader: Some(leader),
            leader_epoch,
            partition_epoch,
            replicas: vec![1, 2, 3],
            isr: isr.to_vec(),
            min_isr: 1,
            log_end: 10,
            written_end: 10,
        })
    }

    fn check(events: Vec<Event>, expect: &[Effect]) -> Replica {
        let mut replica = Replica::new(ME, 0);
        let mut out = Vec::new();
        for event in events {
            replica.step(event, &mut out);
        }
        assert_eq!(out, expect);
        replica
    }

    #[test]
    fn a_sole_leader_is_its_own_quorum() {
        check(
            vec![assignment(ME, 0, 0, &[ME]), Event::LogEnd(12)],
            &[
                Effect::BecameLeader { epoch: 0, start_offset: 10 },
                Effect::HighWatermark(10),
                Effect::HighWatermark(12),
            ],
        );
    }

    #[test]
    fn the_high_watermark_waits_for_every_member_of_the_isr() {
        check(
            vec![
                assignment(ME, 0, 0, &[ME, 2]),
                Event::LogEnd(12),
                Event::FollowerEnd { replica: 3, end: 12 },
                Event::FollowerEnd { replica: 2, end: 11 },
                Event::FollowerEnd { replica: 2, end: 5 },
            ],
            &[Effect::BecameLeader { epoch: 0, start_offset: 10 }, Effect::HighWatermark(11)],
        );
    }

    #[test]
    fn below_min_isr_nothing_moves() {
        let replica = check(
            vec![assignment(ME, 0, 0, &[ME]), Event::MinIsr(2), Event::LogEnd(12)],
            &[Effect::BecameLeader { epoch: 0, start_offset: 10 }, Effect::HighWatermark(10)],
        );
        assert!(!replica.has_min_isr());
    }

    #[test]
    fn fewer_replicas_than_min_isr_are_enough_when_all_are_in_sync() {
        let sole = Event::Assigned(Assignment {
            leader: Some(ME),
            leader_epoch: 0,
            partition_epoch: 0,
            replicas: vec![ME],
            isr: vec![ME],
            min_isr: 2,
            log_end: 10,
            written_end: 10,
        });
        let replica = check(
            vec![sole],
            &[Effect::BecameLeader { epoch: 0, start_offset: 10 }, Effect::HighWatermark(10)],
        );
        assert!(replica.has_min_isr());
    }

    #[test]
    fn what_is_not_synced_does_not_count_for_a_new_leader() {
        let half_synced = Event::Assigned(Assignment {
            leader: Some(ME),
            leader_epoch: 4,
            partition_epoch: 0,
            replicas: vec![ME],
            isr: vec![ME],
            min_isr: 1,
            log_end: 10,
            written_end: 6,
        });
        check(
            vec![half_synced, Event::LogEnd(10)],
            &[
                Effect::BecameLeader { epoch: 4, start_offset: 10 },
                Effect::HighWatermark(6),
                Effect::HighWatermark(10),
            ],
        );
    }

    #[test]
    fn an_end_that_goes_back_takes_nothing_back() {
        let replica = check(
            vec![assignment(ME, 0, 0, &[ME]), Event::LogEnd(12), Event::LogEnd(11)],
            &[
                Effect::BecameLeader { epoch: 0, start_offset: 10 },
                Effect::HighWatermark(10),
                Effect::HighWatermark(12),
            ],
        );
        assert_eq!(replica.high_watermark(), 12);
    }

    #[test]
    fn strangers_and_former_replicas_count_for_nothing() {
        check(
            vec![
                assignment(ME, 0, 0, &[ME]),
                Event::FollowerEnd { replica: 9, end: 12 },
                assignment(ME, 0, 1, &[ME, 9]),
                Event::LogEnd(12),
            ],
            &[Effect::BecameLeader { epoch: 0, start_offset: 10 }, Effect::HighWatermark(10)],
        );
    }

    #[test]
    fn a_new_epoch_of_the_same_leader_forgets_what_followers_said() {
        check(
            vec![
                assignment(ME, 0, 0, &[ME, 2]),
                Event::LogEnd(12),
                Event::FollowerEnd { replica: 2, end: 11 },
                assignment(ME, 1, 1, &[ME, 2]),
                Event::LogEnd(13),
                Event::FollowerEnd { replica: 2, end: 13 },
            ],
            &[
                Effect::BecameLeader { epoch: 0, start_offset: 10 },
                Effect::HighWatermark(11),
                Effect::BecameLeader { epoch: 1, start_offset: 10 },
                Effect::HighWatermark(13),
            ],
        );
    }

    #[test]
    fn stale_assignments_are_ignored() {
        check(
            vec![
                assignment(2, 5, 7, &[2]),
                assignment(ME, 4, 8, &[ME]),
                assignment(ME, 5, 7, &[ME]),
            ],
            &[Effect::BecameFollower { leader: Some(2), epoch: 5 }],
        );
    }

    #[test]
    fn a_changed_isr_keeps_the_epoch_and_the_progress() {
        let replica = check(
            vec![
                assignment(ME, 3, 0, &[ME, 2]),
                Event::LogEnd(20),
                Event::FollowerEnd { replica: 2, end: 15 },
                assignment(ME, 3, 1, &[ME]),
            ],
            &[
                Effect::BecameLeader { epoch: 3, start_offset: 10 },
                Effect::HighWatermark(15),
                Effect::HighWatermark(20),
            ],
        );
        assert_eq!(replica.leading().map(|leader| leader.epoch_start), Some(10));
    }
}
