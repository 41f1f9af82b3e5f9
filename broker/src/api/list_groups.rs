//! ListGroups (16): the groups that this broker coordinates.

use taffrail_coordinator::{Answer, ListGroups, Request};
use taffrail_model::ErrorCode;
use taffrail_protocol::messages::ListGroupsRequest;
use taffrail_protocol::messages::list_groups_response::{ListGroupsResponse, ListedGroup};
use taffrail_security::{Operation, ResourcePattern as Resource};

use super::{Call, group_call};

pub(super) async fn handle(call: &Call<'_>, request: ListGroupsRequest) -> ListGroupsResponse {
    let sees_all = call.may(Operation::Describe, Resource::CLUSTER);
    let request = Request::ListGroups(ListGroups {
        states: request.states_filter,
        types: request.types_filter,
    });
    let mut response = ListGroupsResponse::default();
    for answer in call.broker.groups.ask_all(&group_call::context(call), &request).await {
        let answer = match answer {
            Ok(Answer::ListGroups(answer)) => answer,
            Ok(_) => {
                response.error_code = ErrorCode::UnknownServerError.code();
                continue;
            }
            Err(error) => {
                response.error_code = error.code();
                continue;
            }
        };
        if !answer.error.is_none() {
            // One shard that is still loading makes the whole list incomplete, and the client is told.
            response.error_code = answer.error.code();
            continue;
        }
        let visible = answer.groups.into_iter().filter(|group| {
            sees_all || call.may(Operation::Describe, Resource::group(&group.group_id))
        });
        response.groups.extend(visible.map(|group| ListedGroup {
            group_id: group.group_id,
            protocol_type: group.protocol_type,
            group_state: group.state.to_owned(),
            group_type: group.group_type.to_owned(),
            ..Default::default()
        }));
    }
    response
}
