//! LeaveGroup (13): members of a classic group go.

use taffrail_coordinator::{Answer, LeaveGroup, LeaveGroupAnswer, LeavingMember, Request};
use taffrail_model::ErrorCode;
use taffrail_protocol::messages::LeaveGroupRequest;
use taffrail_protocol::messages::leave_group_response::{LeaveGroupResponse, MemberResponse};
use taffrail_security::Operation;

use super::{Call, group_call};

/// The first version that names several members and has an error for each.
const FIRST_BATCH_VERSION: i16 = 3;

pub(super) async fn handle(call: &Call<'_>, request: LeaveGroupRequest) -> LeaveGroupResponse {
    let group_id = request.group_id.clone();
    let members = if call.version < FIRST_BATCH_VERSION {
        vec![LeavingMember { member_id: request.member_id, ..Default::default() }]
    } else {
        request
            .members
            .into_iter()
            .map(|member| LeavingMember {
                member_id: member.member_id,
                group_instance_id: member.group_instance_id,
                reason: member.reason,
            })
            .collect()
    };
    let request = Request::LeaveGroup(LeaveGroup { group_id: request.group_id, members });
    let answer =
        group_call::ask_authorized(
            call,
            Operation::Read,
            &group_id,
            request,
            |answer| match answer {
                Answer::LeaveGroup(answer) => Some(answer),
                _ => None,
            },
        )
        .await
        .unwrap_or_else(|error| LeaveGroupAnswer { error, members: Vec::new() });
    to_wire(call, answer)
}

fn to_wire(call: &Call<'_>, answer: LeaveGroupAnswer) -> LeaveGroupResponse {
    if call.version < FIRST_BATCH_VERSION {
        let of_member = answer.members.first().map_or(ErrorCode::None, |member| member.error);
        let error = if answer.error.is_none() { of_member } else { answer.error };
        return LeaveGroupResponse { error_code: error.code(), ..Default::default() };
    }
    LeaveGroupResponse {
        error_code: answer.error.code(),
        members: answer
            .members
            .into_iter()
            .map(|member| MemberResponse {
                member_id: member.member_id,
                group_instance_id: member.group_instance_id,
                error_code: member.error.code(),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}
