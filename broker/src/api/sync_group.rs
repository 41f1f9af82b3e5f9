//! SyncGroup (14): the leader gives the assignment of a generation, every member gets its share.

use taffrail_coordinator::{Answer, Request, SyncAssignment, SyncGroup, SyncGroupAnswer};
use taffrail_protocol::messages::{SyncGroupRequest, SyncGroupResponse};
use taffrail_security::Operation;

use super::{Call, group_call};

pub(super) async fn handle(call: &Call<'_>, request: SyncGroupRequest) -> SyncGroupResponse {
    let group_id = request.group_id.clone();
    let request = Request::SyncGroup(SyncGroup {
        group_id: request.group_id,
        generation_id: request.generation_id,
        member_id: request.member_id,
        group_instance_id: request.group_instance_id,
        protocol_type: request.protocol_type,
        protocol_name: request.protocol_name,
        assignments: request
            .assignments
            .into_iter()
            .map(|given| SyncAssignment {
                member_id: given.member_id,
                assignment: given.assignment,
            })
            .collect(),
    });
    let answer =
        group_call::ask_authorized(
            call,
            Operation::Read,
            &group_id,
            request,
            |answer| match answer {
                Answer::SyncGroup(answer) => Some(answer),
                _ => None,
            },
        )
        .await
        .unwrap_or_else(SyncGroupAnswer::refusal);
    SyncGroupResponse {
        error_code: answer.error.code(),
        protocol_type: answer.protocol_type,
        protocol_name: answer.protocol_name,
        assignment: answer.assignment,
        ..Default::default()
    }
}
