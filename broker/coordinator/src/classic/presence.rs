//! `Heartbeat` and `LeaveGroup`: members stay, or go.

use taffrail_model::ErrorCode;

use crate::answer::{Answer, LeaveGroupAnswer, LeftMember};
use crate::classic::group::{ClassicGroup, GroupState};
use crate::effect::ReplyToken;
use crate::request::{Heartbeat, LeaveGroup, LeavingMember};
use crate::timers::TimerKey;
use crate::turn::Turn;

impl Turn<'_> {
    /// A member says that it is alive, and hears whether it has to join again.
    pub(crate) fn heartbeat(&mut self, group: &ClassicGroup, heartbeat: &Heartbeat) -> ErrorCode {
        let id = &heartbeat.member_id;
        if let Err(error) = group.check_member(id, heartbeat.group_instance_id.as_deref()) {
            return error;
        }
        if heartbeat.generation_id != group.generation {
            return ErrorCode::IllegalGeneration;
        }
        self.heard_from(group, &id.as_str().into());
        match group.state() {
            GroupState::Empty => ErrorCode::UnknownMemberId,
            GroupState::PreparingRebalance => ErrorCode::RebalanceInProgress,
            GroupState::CompletingRebalance | GroupState::Stable => ErrorCode::None,
        }
    }

    /// Members go; those who stay share what they had.
    pub(crate) fn leave_group(
        &mut self,
        group: &mut ClassicGroup,
        token: ReplyToken,
        leave: &LeaveGroup,
    ) {
        let writes = self.store.writes();
        let mut members = Vec::with_capacity(leave.members.len());
        for leaving in &leave.members {
            let error = self.leave(group, leaving).err().unwrap_or(ErrorCode::None);
            members.push(left(leaving, error));
        }
        let gone = members.iter().filter(|member| member.error.is_none()).count();
        if gone > 0 && !group.is(GroupState::Empty) {
            let reason = leave.members.iter().find_map(|leaving| leaving.reason.as_deref());
            let reason = reason.unwrap_or("no reason given");
            self.rebalance_or_complete_join(group, &format!("{gone} members leave ({reason})"));
        }
        let answer = Answer::LeaveGroup(LeaveGroupAnswer { error: ErrorCode::None, members });
        if self.store.writes() == writes {
            self.reply(token, answer);
        } else {
            self.reply_after_writes(token, answer);
        }
    }

    fn leave(
        &mut self,
        group: &mut ClassicGroup,
        leaving: &LeavingMember,
    ) -> Result<(), ErrorCode> {
        let instance_id = leaving.group_instance_id.as_deref();
        let id = if !leaving.member_id.is_empty() {
            leaving.member_id.as_str().into()
        } else {
            let holder = instance_id.and_then(|name| group.static_member(name));
            holder.cloned().ok_or(ErrorCode::UnknownMemberId)?
        };
        if group.pending_joins.remove(&id) {
            self.timers.cancel(&TimerKey::Session(group.id.clone(), id));
            return Ok(());
        }
        group.check_member(&id, instance_id)?;
        self.dismiss(group, &id, ErrorCode::UnknownMemberId);
        Ok(())
    }
}

/// The answer for a member of a `LeaveGroup`.
pub(crate) fn left(leaving: &LeavingMember, error: ErrorCode) -> LeftMember {
    LeftMember {
        member_id: leaving.member_id.clone(),
        group_instance_id: leaving.group_instance_id.clone(),
        error,
    }
}
