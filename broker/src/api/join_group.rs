//! JoinGroup (11): become a member of a classic group, or of its next generation.

use taffrail_coordinator::{Answer, JoinGroup, JoinGroupAnswer, JoinProtocol, Request};
use taffrail_model::ErrorCode;
use taffrail_protocol::messages::JoinGroupRequest;
use taffrail_protocol::messages::join_group_response::{
    JoinGroupResponse, JoinGroupResponseMember,
};
use taffrail_security::Operation;

use super::{Call, group_call};

pub(super) async fn handle(call: &Call<'_>, request: JoinGroupRequest) -> JoinGroupResponse {
    let group_id = request.group_id.clone();
    let member_id = request.member_id.clone();
    let request = Request::JoinGroup(to_model(call, request));
    let answer =
        group_call::ask_authorized(
            call,
            Operation::Read,
            &group_id,
            request,
            |answer| match answer {
                Answer::JoinGroup(answer) => Some(answer),
                _ => None,
            },
        )
        .await
        .unwrap_or_else(|error| JoinGroupAnswer::refusal(&member_id, error));
    to_wire(call, answer)
}

fn to_model(call: &Call<'_>, request: JoinGroupRequest) -> JoinGroup {
    JoinGroup {
        group_id: request.group_id,
        member_id: request.member_id,
        group_instance_id: request.group_instance_id,
        session_timeout_ms: request.session_timeout_ms,
        // Version 0 has no rebalance timeout of its own.
        rebalance_timeout_ms: if call.version == 0 {
            request.session_timeout_ms
        } else {
            request.rebalance_timeout_ms
        },
        protocol_type: request.protocol_type,
        protocols: request
            .protocols
            .into_iter()
            .map(|protocol| JoinProtocol { name: protocol.name, metadata: protocol.metadata })
            .collect(),
        reason: request.reason,
        requires_known_member_id: call.version >= 4,
        supports_skip_assignment: call.version >= 9,
        new_member_uuid: call.broker.random_uuid(),
    }
}

fn to_wire(call: &Call<'_>, answer: JoinGroupAnswer) -> JoinGroupResponse {
    // Null is allowed from version 7 on; older clients get the empty string.
    let protocol_name = if call.version >= 7 {
        answer.protocol_name
    } else {
        Some(answer.protocol_name.unwrap_or_default())
    };
    JoinGroupResponse {
        error_code: answer.error.code(),
        generation_id: answer.generation_id,
        protocol_type: answer.protocol_type,
        protocol_name,
        leader: answer.leader,
        skip_assignment: answer.skip_assignment && answer.error == ErrorCode::None,
        member_id: answer.member_id,
        members: answer
            .members
            .into_iter()
            .map(|member| JoinGroupResponseMember {
                member_id: member.member_id,
                group_instance_id: member.group_instance_id,
                metadata: member.metadata,
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}
