//! `JoinGroup`: a member comes, or comes again.

use taffrail_model::{ErrorCode, Uuid};

use crate::answer::{Answer, JoinGroupAnswer};
use crate::classic::group::{ClassicGroup, GroupState};
use crate::classic::member::{Member, MemberSettings};
use crate::config::GroupConfig;
use crate::effect::ReplyToken;
use crate::request::{JoinGroup, RequestContext};
use crate::state::MemberId;
use crate::turn::Turn;

impl Turn<'_> {
    /// Lets a member in, keeps it waiting, or refuses it. The request's group id and timeouts are checked already.
    pub(crate) fn join_group(
        &mut self,
        group: &mut ClassicGroup,
        token: ReplyToken,
        context: &RequestContext,
        join: &JoinGroup,
    ) {
        if !self.has_room(group, join) {
            self.refuse_join(token, "", ErrorCode::GroupMaxSizeReached);
            if group.member(&join.member_id).is_some() {
                self.dismiss(group, &join.member_id, ErrorCode::GroupMaxSizeReached);
                self.rebalance_or_complete_join(group, "a member outgrew the group");
            }
        } else if !group.supports(&join.protocol_type, &join.protocols) {
            self.refuse_join(token, &join.member_id, ErrorCode::InconsistentGroupProtocol);
        } else if join.member_id.is_empty() {
            self.join_without_id(group, token, context, join);
        } else {
            self.join_with_id(group, token, context, join);
        }
    }

    fn join_without_id(
        &mut self,
        group: &mut ClassicGroup,
        token: ReplyToken,
        context: &RequestContext,
        join: &JoinGroup,
    ) {
        let prefix = join.group_instance_id.as_deref().unwrap_or(&context.client_id);
        let id: MemberId = format!("{prefix}-{}", hyphenated(join.new_member_uuid)).into();
        let known = join.group_instance_id.as_deref().and_then(|name| group.static_member(name));
        if let Some(old_id) = known.cloned() {
            self.replace_static_member(group, token, join, &old_id, &id);
        } else if join.group_instance_id.is_none() && join.requires_known_member_id {
            group.pending_joins.insert(id.clone());
            self.expect_member(group, &id, i64::from(join.session_timeout_ms));
            self.refuse_join(token, &id, ErrorCode::MemberIdRequired);
        } else {
            self.add_member(group, token, context, join, &id);
        }
    }

    fn join_with_id(
        &mut self,
        group: &mut ClassicGroup,
        token: ReplyToken,
        context: &RequestContext,
        join: &JoinGroup,
    ) {
        let id: MemberId = join.member_id.as_str().into();
        // Ids are handed out to dynamic members only, so a static member that shows one doesn't hold it.
        if join.group_instance_id.is_none() && group.pending_joins.contains(&id) {
            self.add_member(group, token, context, join, &id);
            return;
        }
        if let Err(error) = group.check_member(&id, join.group_instance_id.as_deref()) {
            self.refuse_join(token, &id, error);
            return;
        }
        let is_same = group.member(&id).is_some_and(|member| member.settings.matches(join));
        match group.state() {
            // The answer to its first join got lost: it is in this generation already.
            GroupState::CompletingRebalance if is_same => {
                let answer = self.join_answer(group, &id);
                self.reply(token, Answer::JoinGroup(answer));
            }
            // A follower that comes again has nothing new to say; a leader wants a rebalance by it.
            GroupState::Stable if is_same && !group.is_leader(&id) => {
                let answer = self.join_answer(group, &id);
                self.reply(token, Answer::JoinGroup(answer));
            }
            GroupState::PreparingRebalance
            | GroupState::CompletingRebalance
            | GroupState::Stable => {
                group.update(&id, MemberSettings::of(join));
                self.park_join(group, &id, token);
                let reason = format!("member {id} joins again ({})", reason_of(join));
                self.rebalance_or_complete_join(group, &reason);
            }
            GroupState::Empty => self.refuse_join(token, &id, ErrorCode::UnknownMemberId),
        }
    }

    fn add_member(
        &mut self,
        group: &mut ClassicGroup,
        token: ReplyToken,
        context: &RequestContext,
        join: &JoinGroup,
        id: &MemberId,
    ) {
        if group.len() == 0 {
            group.protocol_type = Some(join.protocol_type.clone());
        }
        if let Some(delay) = &mut group.initial_delay {
            delay.member_added = true;
        }
        group.add(Member::joining(id.clone(), context, join));
        self.park_join(group, id, token);
        self.expect_member(group, id, self.config.new_member_join_timeout_ms);
        let reason = format!("member {id} joins ({})", reason_of(join));
        self.rebalance_or_complete_join(group, &reason);
    }

    /// Keeps a join until the join phase ends. An older one of the same member was given up by its client.
    pub(super) fn park_join(&mut self, group: &mut ClassicGroup, id: &MemberId, token: ReplyToken) {
        if let Some(old) = group.park_join(id, token) {
            let answer = JoinGroupAnswer::refusal(id, ErrorCode::RebalanceInProgress);
            self.reply(old, Answer::JoinGroup(answer));
        }
    }

    /// Whether the group has room for who joins: for its number, and for its bytes.
    fn has_room(&self, group: &ClassicGroup, join: &JoinGroup) -> bool {
        let GroupConfig { group_size_max, group_bytes_max, pending_members_max, .. } = *self.config;
        let size_max = usize::try_from(group_size_max).unwrap_or(0);
        let member = group.member(&join.member_id);
        let has_place = match group.state() {
            GroupState::Empty => true,
            // Those who don't come back make room.
            GroupState::PreparingRebalance => {
                member.is_some_and(Member::is_awaiting_join) || group.awaiting_join() < size_max
            }
            GroupState::CompletingRebalance | GroupState::Stable => {
                member.is_some() || group.len() < size_max
            }
        };
        let asks_for_id = join.member_id.is_empty()
            && join.group_instance_id.is_none()
            && join.requires_known_member_id;
        let metadata: usize = join.protocols.iter().map(|protocol| protocol.metadata.len()).sum();
        let others = group.bytes() - member.map_or(0, Member::bytes);
        has_place
            && others.saturating_add(metadata) <= group_bytes_max
            && !(asks_for_id && group.pending_joins.len() >= pending_members_max)
    }
}

fn reason_of(join: &JoinGroup) -> &str {
    join.reason.as_deref().unwrap_or("no reason given")
}

/// A UUID as Java writes it, which member ids end with.
fn hyphenated(uuid: Uuid) -> String {
    let hex = format!("{:032x}", u128::from_be_bytes(uuid.to_bytes()));
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn member_ids_end_with_javas_form() {
        let bytes = *b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff";
        assert_eq!(hyphenated(Uuid::from_bytes(bytes)), "00112233-4455-6677-8899-aabbccddeeff");
    }
}
