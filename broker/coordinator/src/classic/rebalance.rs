//! The round of a group: its members join, its leader assigns, and the generation stands until something changes.

use std::sync::Arc;

use bytes::Bytes;
use taffrail_model::ErrorCode;

use crate::answer::{Answer, JoinGroupAnswer};
use crate::classic::group::{ClassicGroup, GroupState, InitialDelay, Parked};
use crate::classic::member::Member;
use crate::effect::Effect;
use crate::state::{Change, GroupMetadata, MemberId};
use crate::store::Waiting;
use crate::timers::TimerKey;
use crate::turn::Turn;

/// The longest reason that is repeated; clients choose them (KIP-800).
const REASON_CHARS_MAX: usize = 255;

impl Turn<'_> {
    /// Begins a rebalance where the state allows it, and otherwise looks whether one can end.
    pub(crate) fn rebalance_or_complete_join(&mut self, group: &mut ClassicGroup, reason: &str) {
        if group.is(GroupState::PreparingRebalance) {
            self.complete_join_if_all_have_joined(group);
        } else {
            self.prepare_rebalance(group, reason);
        }
    }

    /// Begins a rebalance: the assignment of the generation is void, and everybody is to join anew.
    pub(crate) fn prepare_rebalance(&mut self, group: &mut ClassicGroup, reason: &str) {
        if group.is(GroupState::CompletingRebalance) {
            self.void_assignment(group, ErrorCode::RebalanceInProgress);
        }
        group.pending_syncs.clear();
        self.timers.cancel(&TimerKey::Sync(group.id.clone()));
        let is_initial = group.is(GroupState::Empty);
        group.enter(GroupState::PreparingRebalance, self.now.wall);
        self.out.push(Effect::Rebalancing {
            group_id: group.id.to_string(),
            generation_id: group.generation,
            reason: reason.chars().take(REASON_CHARS_MAX).collect(),
        });
        if is_initial {
            let delay_ms = self.config.initial_rebalance_delay_ms.max(0);
            let remaining_ms = (group.rebalance_timeout_ms() - delay_ms).max(0);
            group.initial_delay =
                Some(InitialDelay { delay_ms, remaining_ms, member_added: false });
            self.schedule_join(group, delay_ms);
        } else if group.all_have_joined() {
            self.complete_join(group);
        } else {
            self.schedule_join(group, group.rebalance_timeout_ms());
        }
    }

    /// Ends the join phase if nobody is missing. The first rebalance of a group always waits for its delay.
    pub(crate) fn complete_join_if_all_have_joined(&mut self, group: &mut ClassicGroup) {
        if group.is(GroupState::PreparingRebalance)
            && group.initial_delay.is_none()
            && group.all_have_joined()
        {
            self.complete_join(group);
        }
    }

    /// The deadline of the join phase has passed.
    pub(crate) fn join_deadline(&mut self, group: &mut ClassicGroup) {
        if !group.is(GroupState::PreparingRebalance) {
            return;
        }
        match group.initial_delay {
            Some(delay) if delay.member_added && delay.remaining_ms > 0 => {
                let delay_ms = self.config.initial_rebalance_delay_ms.clamp(0, delay.remaining_ms);
                let remaining_ms = (delay.remaining_ms - delay.delay_ms).max(0);
                group.initial_delay =
                    Some(InitialDelay { delay_ms, remaining_ms, member_added: false });
                self.schedule_join(group, delay_ms);
            }
            _ => self.complete_join(group),
        }
    }

    /// Ends the join phase with those who have joined. Dynamic members that have not are out; static ones stay.
    fn complete_join(&mut self, group: &mut ClassicGroup) {
        self.timers.cancel(&TimerKey::Join(group.id.clone()));
        let is_late = |member: &&Member| !member.is_awaiting_join() && member.instance_id.is_none();
        let late: Vec<MemberId> =
            group.members().filter(is_late).map(|member| member.id.clone()).collect();
        for id in late {
            self.dismiss(group, &id, ErrorCode::UnknownMemberId);
        }
        if !group.elect_joined_leader() && group.len() > 0 {
            // Only static members are left and none has come back: wait for another rebalance timeout.
            group.initial_delay = None;
            self.schedule_join(group, group.rebalance_timeout_ms());
            return;
        }
        group.begin_generation(self.now.wall);
        if group.is(GroupState::Empty) {
            self.write_group(group, None, |_| Bytes::new());
            return;
        }
        for id in group.member_ids() {
            if let Some(token) = group.take_join(&id) {
                let answer = self.join_answer(group, &id);
                self.reply(token, Answer::JoinGroup(answer));
            }
            if let Some(member) = group.member_mut(&id) {
                member.is_new = false;
            }
            group.pending_syncs.insert(id.clone());
            self.heard_from(group, &id);
        }
        let deadline = self.now.mono.plus_ms(i64::from(group.rebalance_timeout_ms()));
        self.timers.set(TimerKey::Sync(group.id.clone()), deadline);
    }

    /// What a member is told that is in the present generation.
    pub(crate) fn join_answer(&self, group: &ClassicGroup, member_id: &str) -> JoinGroupAnswer {
        let members = if group.is_leader(member_id) { group.joined_members() } else { Vec::new() };
        JoinGroupAnswer {
            error: ErrorCode::None,
            generation_id: group.generation,
            protocol_type: group.protocol_type.clone(),
            protocol_name: group.protocol.clone(),
            leader: group.leader.as_deref().unwrap_or_default().to_owned(),
            skip_assignment: false,
            member_id: member_id.to_owned(),
            members,
        }
    }

    /// The deadline of the sync phase has passed: who hasn't synced is out, static or not.
    pub(crate) fn sync_deadline(&mut self, group: &mut ClassicGroup) {
        if !matches!(group.state(), GroupState::CompletingRebalance | GroupState::Stable)
            || group.pending_syncs.is_empty()
        {
            return;
        }
        for id in std::mem::take(&mut group.pending_syncs) {
            self.dismiss(group, &id, ErrorCode::UnknownMemberId);
        }
        self.prepare_rebalance(group, "members did not sync before the rebalance timeout");
    }

    /// A member, or the holder of an unused id, was not heard from in time.
    pub(crate) fn session_deadline(&mut self, group: &mut ClassicGroup, member_id: &MemberId) {
        if group.pending_joins.remove(member_id) {
            self.complete_join_if_all_have_joined(group);
            return;
        }
        if group.member(member_id).is_none_or(Member::is_excused) {
            return;
        }
        self.dismiss(group, member_id, ErrorCode::UnknownMemberId);
        if group.is(GroupState::PreparingRebalance) {
            self.complete_join_if_all_have_joined(group);
        } else {
            self.prepare_rebalance(
                group,
                &format!("member {member_id} was not heard from in its session timeout"),
            );
        }
    }

    /// Takes a member out; whatever it waits for is answered with `error`.
    pub(crate) fn dismiss(&mut self, group: &mut ClassicGroup, member_id: &str, error: ErrorCode) {
        let parked = Parked { join: group.take_join(member_id), sync: group.take_sync(member_id) };
        self.refuse_parked(parked, "", error);
        let id: MemberId = member_id.into();
        self.timers.cancel(&TimerKey::Session(group.id.clone(), id));
        group.remove(member_id);
    }

    /// Answers what a member waits for with `error`.
    pub(crate) fn refuse_parked(&mut self, parked: Parked, member_id: &str, error: ErrorCode) {
        if let Some(token) = parked.join {
            self.refuse_join(token, member_id, error);
        }
        if let Some(token) = parked.sync {
            self.refuse_sync(token, error);
        }
    }

    /// A member gave a sign of life: its session begins anew.
    pub(crate) fn heard_from(&mut self, group: &ClassicGroup, member_id: &MemberId) {
        if let Some(member) = group.member(member_id) {
            self.expect_member(group, member_id, i64::from(member.settings.session_timeout_ms));
        }
    }

    /// A member must be heard from within `timeout_ms`.
    pub(crate) fn expect_member(
        &mut self,
        group: &ClassicGroup,
        member_id: &MemberId,
        timeout_ms: i64,
    ) {
        let key = TimerKey::Session(group.id.clone(), member_id.clone());
        self.timers.set(key, self.now.mono.plus_ms(timeout_ms));
    }

    /// Nobody owns anything in this generation any longer, and those who wait for its assignment hear `error`.
    pub(crate) fn void_assignment(&mut self, group: &mut ClassicGroup, error: ErrorCode) {
        for id in group.member_ids() {
            if let Some(member) = group.member_mut(&id) {
                member.assignment = Bytes::new();
            }
            if let Some(token) = group.take_sync(&id) {
                self.refuse_sync(token, error);
                self.heard_from(group, &id);
            }
        }
        group.assignment_in_flight = false;
    }

    /// Writes the group as it is, with an assignment. `waiting` follows.
    pub(crate) fn write_group(
        &mut self,
        group: &ClassicGroup,
        waiting: Option<Waiting>,
        assignment: impl Fn(&Member) -> Bytes,
    ) {
        let metadata = Some(Arc::new(group.metadata(assignment)));
        self.write(&[Change::Group { group: group.id.clone(), metadata }], waiting);
    }

    /// Writes a group that nobody has joined yet.
    pub(crate) fn write_new_group(&mut self, group: &ClassicGroup) {
        let metadata = Some(Arc::new(GroupMetadata::new_group(group.state_since())));
        self.write(&[Change::Group { group: group.id.clone(), metadata }], None);
    }

    fn schedule_join(&mut self, group: &ClassicGroup, delay_ms: i32) {
        let deadline = self.now.mono.plus_ms(i64::from(delay_ms));
        self.timers.set(TimerKey::Join(group.id.clone()), deadline);
    }
}
