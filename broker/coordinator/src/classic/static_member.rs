//! A static member that lost its member id (it was started again) and takes its old place (KIP-345).

use taffrail_model::ErrorCode;

use crate::answer::{Answer, JoinGroupAnswer};
use crate::classic::group::{ClassicGroup, GroupState};
use crate::classic::member::MemberSettings;
use crate::effect::ReplyToken;
use crate::request::JoinGroup;
use crate::state::{GroupId, MemberId};
use crate::store::Waiting;
use crate::timers::TimerKey;
use crate::turn::Turn;

/// A static member whose new id is being written; nothing else changes, so nobody rebalances.
#[derive(Debug)]
pub(crate) struct PendingStaticJoin {
    pub(crate) group: GroupId,
    token: ReplyToken,
    old_id: MemberId,
    new_id: MemberId,
    old_leader: Option<MemberId>,
    old_settings: MemberSettings,
    supports_skip_assignment: bool,
}

impl Turn<'_> {
    /// Gives the place of `old_id` to `new_id`. Whoever still holds the old id is fenced.
    pub(super) fn replace_static_member(
        &mut self,
        group: &mut ClassicGroup,
        token: ReplyToken,
        join: &JoinGroup,
        old_id: &MemberId,
        new_id: &MemberId,
    ) {
        let old_leader = group.leader.clone();
        self.rename(group, old_id, new_id);
        let Some(old_settings) = group.update(new_id, MemberSettings::of(join)) else { return };
        self.park_join(group, new_id, token);
        let reason = format!("static member {new_id} came back with other protocols");
        match group.state() {
            GroupState::Stable if group.select_protocol() == group.protocol => {
                let pending = PendingStaticJoin {
                    group: group.id.clone(),
                    token,
                    old_id: old_id.clone(),
                    new_id: new_id.clone(),
                    old_leader,
                    old_settings,
                    supports_skip_assignment: join.supports_skip_assignment,
                };
                self.write_group(group, Some(Waiting::StaticJoin(pending)), |member| {
                    member.assignment.clone()
                });
            }
            GroupState::Stable | GroupState::CompletingRebalance => {
                self.prepare_rebalance(group, &reason);
            }
            GroupState::PreparingRebalance | GroupState::Empty => {
                self.complete_join_if_all_have_joined(group);
            }
        }
    }

    /// The new id is committed: the member goes on in the present generation. If a rebalance began meanwhile, its
    /// join takes part in that.
    pub(crate) fn static_join_committed(
        &mut self,
        group: &mut ClassicGroup,
        pending: &PendingStaticJoin,
    ) {
        let waits = group
            .member(&pending.new_id)
            .is_some_and(|member| member.awaiting_join == Some(pending.token));
        if !waits || !group.is(GroupState::Stable) {
            return;
        }
        group.take_join(&pending.new_id);
        if let Some(member) = group.member_mut(&pending.new_id) {
            member.is_new = false;
        }
        let mut answer = self.join_answer(group, &pending.new_id);
        if pending.supports_skip_assignment {
            answer.skip_assignment = group.is_leader(&pending.new_id);
        } else {
            // An old client that heard of its lead would compute an assignment that nobody waits for.
            answer.leader = pending.old_leader.as_deref().unwrap_or_default().to_owned();
            answer.members.clear();
        }
        self.reply(pending.token, Answer::JoinGroup(answer));
    }

    /// The new id couldn't be written: the old one holds again.
    pub(crate) fn static_join_failed(
        &mut self,
        group: &mut ClassicGroup,
        pending: PendingStaticJoin,
        error: ErrorCode,
    ) {
        let PendingStaticJoin { token, old_id, new_id, old_settings, .. } = pending;
        let waits = group.member(&new_id).is_some_and(|member| member.awaiting_join == Some(token));
        if !waits {
            return;
        }
        group.take_join(&new_id);
        group.update(&new_id, old_settings);
        self.rename(group, &new_id, &old_id);
        let refusal = JoinGroupAnswer::refusal("", error);
        self.reply(token, Answer::JoinGroup(refusal));
    }

    /// Moves a static member to another id; what waits under the old one is fenced.
    fn rename(&mut self, group: &mut ClassicGroup, old_id: &MemberId, new_id: &MemberId) {
        if let Some(parked) = group.rename_static(old_id, new_id) {
            self.refuse_parked(parked, old_id, ErrorCode::FencedInstanceId);
        }
        self.timers.cancel(&TimerKey::Session(group.id.clone(), old_id.clone()));
        self.heard_from(group, new_id);
    }
}
