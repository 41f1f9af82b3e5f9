//! From a request to its group.

use taffrail_model::ErrorCode;

use crate::answer::{Answer, LeaveGroupAnswer};
use crate::classic::{ClassicGroup, left};
use crate::config::GroupConfig;
use crate::effect::ReplyToken;
use crate::groups::LiveGroups;
use crate::offsets;
use crate::request::{Heartbeat, JoinGroup, LeaveGroup, OffsetFetch, Request, RequestContext};
use crate::state::GroupId;
use crate::turn::Turn;

/// What can be said of a request without looking at its group.
///
/// # Errors
/// `INVALID_GROUP_ID` for membership without a group id, `INVALID_SESSION_TIMEOUT`.
pub(crate) fn check(config: &GroupConfig, request: &Request) -> Result<(), ErrorCode> {
    let group_id = match request {
        Request::JoinGroup(join) => {
            let timeouts = config.session_timeout_ms_min..=config.session_timeout_ms_max;
            if !join.group_id.is_empty() && !timeouts.contains(&join.session_timeout_ms) {
                return Err(ErrorCode::InvalidSessionTimeout);
            }
            &join.group_id
        }
        Request::SyncGroup(sync) => &sync.group_id,
        Request::Heartbeat(heartbeat) => &heartbeat.group_id,
        Request::LeaveGroup(leave) => &leave.group_id,
        Request::OffsetDelete(delete) => &delete.group_id,
        // Simple consumers of old stored offsets under the empty id, and may still read and delete them.
        Request::OffsetCommit(_)
        | Request::OffsetFetch(_)
        | Request::DescribeGroups(_)
        | Request::ListGroups(_)
        | Request::DeleteGroups(_) => return Ok(()),
    };
    if group_id.is_empty() { Err(ErrorCode::InvalidGroupId) } else { Ok(()) }
}

impl Turn<'_> {
    /// Serves a request that passed [`check`].
    pub(crate) fn request(
        &mut self,
        live: &mut LiveGroups,
        token: ReplyToken,
        context: &RequestContext,
        request: &Request,
    ) {
        match request {
            Request::JoinGroup(join) => self.join_any_group(live, token, context, join),
            Request::SyncGroup(sync) => match live.get_mut(sync.group_id.as_str()) {
                Some(group) => self.sync_group(group, token, sync),
                None => self.refuse_sync(token, ErrorCode::UnknownMemberId),
            },
            Request::Heartbeat(heartbeat) => self.heartbeat_of_any_group(live, token, heartbeat),
            Request::LeaveGroup(leave) => self.leave_any_group(live, token, leave),
            Request::OffsetCommit(commit) => {
                self.commit_offsets(live.get(commit.group_id.as_str()), token, commit);
            }
            Request::OffsetFetch(fetch) => self.fetch_offsets(token, fetch),
            Request::DescribeGroups(describe) => self.describe_groups(live, token, describe),
            Request::ListGroups(list) => self.list_groups(live, token, list),
            Request::DeleteGroups(delete) => self.delete_groups(live, token, delete),
            Request::OffsetDelete(delete) => {
                self.delete_offsets(live.get(delete.group_id.as_str()), token, delete);
            }
        }
    }

    /// Finds or makes the group of a join. A new group is written, so that it is there after a failover too.
    fn join_any_group(
        &mut self,
        live: &mut LiveGroups,
        token: ReplyToken,
        context: &RequestContext,
        join: &JoinGroup,
    ) {
        let id: GroupId = join.group_id.as_str().into();
        if let Some(group) = live.get_mut(&id) {
            self.join_group(group, token, context, join);
            return;
        }
        if !join.member_id.is_empty() {
            self.refuse_join(token, &join.member_id, ErrorCode::UnknownMemberId);
            return;
        }
        let mut group = ClassicGroup::new(id.clone(), self.now.wall);
        self.join_group(&mut group, token, context, join);
        if group.is_vacant() {
            return;
        }
        if self.store.speculative().group(&id).is_none() {
            self.write_new_group(&group);
        }
        live.insert(id, group);
    }

    fn heartbeat_of_any_group(
        &mut self,
        live: &LiveGroups,
        token: ReplyToken,
        heartbeat: &Heartbeat,
    ) {
        let error = match live.get(heartbeat.group_id.as_str()) {
            Some(group) => self.heartbeat(group, heartbeat),
            None => ErrorCode::UnknownMemberId,
        };
        self.reply(token, Answer::Heartbeat(error));
    }

    fn leave_any_group(&mut self, live: &mut LiveGroups, token: ReplyToken, leave: &LeaveGroup) {
        if let Some(group) = live.get_mut(leave.group_id.as_str()) {
            self.leave_group(group, token, leave);
            return;
        }
        let unknown = |member| left(member, ErrorCode::UnknownMemberId);
        let members = leave.members.iter().map(unknown).collect();
        self.reply(token, Answer::LeaveGroup(LeaveGroupAnswer { error: ErrorCode::None, members }));
    }

    /// Reads offsets: those that are committed, or with `require_stable` those that are being written too, and then
    /// not before they are.
    fn fetch_offsets(&mut self, token: ReplyToken, fetch: &OffsetFetch) {
        let state = match fetch.require_stable {
            true => self.store.speculative(),
            false => self.store.committed(),
        };
        let one = |group| offsets::fetch_group(state, group);
        let answer = Answer::OffsetFetch(fetch.groups.iter().map(one).collect());
        if fetch.require_stable {
            self.reply_after_writes(token, answer);
        } else {
            self.reply(token, answer);
        }
    }
}
