//! `SyncGroup`: the leader gives the assignment of a generation, and every member gets its part.

use std::collections::BTreeMap;

use bytes::Bytes;
use taffrail_model::ErrorCode;

use crate::answer::{Answer, SyncGroupAnswer};
use crate::classic::group::{ClassicGroup, GroupState};
use crate::effect::ReplyToken;
use crate::request::SyncGroup;
use crate::state::{GroupId, MemberId, own};
use crate::store::Waiting;
use crate::timers::TimerKey;
use crate::turn::Turn;

/// An assignment that is being written.
#[derive(Debug)]
pub(crate) struct PendingAssignment {
    pub(crate) group: GroupId,
    generation: i32,
    assignment: BTreeMap<MemberId, Bytes>,
}

impl Turn<'_> {
    /// Answers a member that wants its assignment, or keeps it waiting.
    pub(crate) fn sync_group(
        &mut self,
        group: &mut ClassicGroup,
        token: ReplyToken,
        sync: &SyncGroup,
    ) {
        if let Err(error) = check(group, sync) {
            self.refuse_sync(token, error);
            return;
        }
        let id: MemberId = sync.member_id.as_str().into();
        match group.state() {
            GroupState::Empty => self.refuse_sync(token, ErrorCode::UnknownMemberId),
            GroupState::PreparingRebalance => {
                self.refuse_sync(token, ErrorCode::RebalanceInProgress)
            }
            GroupState::CompletingRebalance => {
                if let Some(old) = group.park_sync(&id, token) {
                    // An older one of the same member was given up by its client.
                    self.refuse_sync(old, ErrorCode::RebalanceInProgress);
                }
                self.has_synced(group, &id);
                // One generation has one assignment: a leader that repeats itself waits for its first word.
                if group.is_leader(&id) && !group.assignment_in_flight {
                    self.assign(group, sync);
                }
            }
            GroupState::Stable => {
                self.has_synced(group, &id);
                let answer = assignment_answer(group, &id);
                self.reply(token, Answer::SyncGroup(answer));
            }
        }
    }

    /// Writes what the leader decided. A member that it forgot owns nothing.
    fn assign(&mut self, group: &mut ClassicGroup, sync: &SyncGroup) {
        let assignment: BTreeMap<MemberId, Bytes> = sync
            .assignments
            .iter()
            .filter_map(|given| {
                let member = group.member(&given.member_id)?;
                Some((member.id.clone(), own(&given.assignment)))
            })
            .collect();
        let pending = PendingAssignment {
            group: group.id.clone(),
            generation: group.generation,
            assignment: assignment.clone(),
        };
        self.write_group(group, Some(Waiting::Assignment(pending)), |member| {
            assignment.get(&member.id).cloned().unwrap_or_default()
        });
        group.assignment_in_flight = true;
    }

    /// The assignment is committed: it is given out, unless its generation is over.
    pub(crate) fn assignment_committed(
        &mut self,
        group: &mut ClassicGroup,
        mut pending: PendingAssignment,
    ) {
        if !is_awaited(group, &pending) {
            return;
        }
        for id in group.member_ids() {
            if let Some(member) = group.member_mut(&id) {
                member.assignment = pending.assignment.remove(&id).unwrap_or_default();
            }
            if let Some(token) = group.take_sync(&id) {
                let answer = assignment_answer(group, &id);
                self.reply(token, Answer::SyncGroup(answer));
                self.heard_from(group, &id);
            }
        }
        group.assignment_in_flight = false;
        group.enter(GroupState::Stable, self.now.wall);
    }

    /// The assignment couldn't be written: those who wait hear so, and the group tries again.
    pub(crate) fn assignment_failed(
        &mut self,
        group: &mut ClassicGroup,
        pending: &PendingAssignment,
        error: ErrorCode,
    ) {
        if !is_awaited(group, pending) {
            return;
        }
        self.void_assignment(group, error);
        self.prepare_rebalance(group, &format!("the assignment could not be written: {error}"));
    }

    fn has_synced(&mut self, group: &mut ClassicGroup, id: &MemberId) {
        group.pending_syncs.remove(id);
        if group.pending_syncs.is_empty() {
            self.timers.cancel(&TimerKey::Sync(group.id.clone()));
        }
    }
}

fn is_awaited(group: &ClassicGroup, pending: &PendingAssignment) -> bool {
    group.is(GroupState::CompletingRebalance) && group.generation == pending.generation
}

fn check(group: &ClassicGroup, sync: &SyncGroup) -> Result<(), ErrorCode> {
    group.check_member(&sync.member_id, sync.group_instance_id.as_deref())?;
    if sync.generation_id != group.generation {
        return Err(ErrorCode::IllegalGeneration);
    }
    let differs = |own: &Option<String>, groups: &Option<String>| own.is_some() && own != groups;
    if differs(&sync.protocol_type, &group.protocol_type)
        || differs(&sync.protocol_name, &group.protocol)
    {
        return Err(ErrorCode::InconsistentGroupProtocol);
    }
    Ok(())
}

fn assignment_answer(group: &ClassicGroup, id: &str) -> SyncGroupAnswer {
    SyncGroupAnswer {
        error: ErrorCode::None,
        protocol_type: group.protocol_type.clone(),
        protocol_name: group.protocol.clone(),
        assignment: group.member(id).map(|member| member.assignment.clone()).unwrap_or_default(),
    }
}
