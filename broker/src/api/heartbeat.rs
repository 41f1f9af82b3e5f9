//! Heartbeat (12): a member of a classic group is alive.

use taffrail_coordinator::{Answer, Heartbeat, Request};
use taffrail_protocol::messages::{HeartbeatRequest, HeartbeatResponse};
use taffrail_security::Operation;

use super::{Call, group_call};

pub(super) async fn handle(call: &Call<'_>, request: HeartbeatRequest) -> HeartbeatResponse {
    let group_id = request.group_id.clone();
    let request = Request::Heartbeat(Heartbeat {
        group_id: request.group_id,
        generation_id: request.generation_id,
        member_id: request.member_id,
        group_instance_id: request.group_instance_id,
    });
    let error =
        group_call::ask_authorized(
            call,
            Operation::Read,
            &group_id,
            request,
            |answer| match answer {
                Answer::Heartbeat(error) => Some(error),
                _ => None,
            },
        )
        .await
        .unwrap_or_else(|error| error);
    HeartbeatResponse { error_code: error.code(), ..Default::default() }
}
