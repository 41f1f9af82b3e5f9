//! DeleteGroups (42): forget empty groups and their offsets.

use taffrail_coordinator::{Answer, DeleteGroups, Request};
use taffrail_model::ErrorCode;
use taffrail_protocol::messages::DeleteGroupsRequest;
use taffrail_protocol::messages::delete_groups_response::{
    DeletableGroupResult, DeleteGroupsResponse,
};
use taffrail_security::{Operation, ResourcePattern as Resource};

use super::{Call, group_call};

pub(super) async fn handle(call: &Call<'_>, request: DeleteGroupsRequest) -> DeleteGroupsResponse {
    let (allowed, denied): (Vec<String>, Vec<String>) = request
        .groups_names
        .into_iter()
        .partition(|group| call.may(Operation::Delete, Resource::group(group)));
    let mut results: Vec<DeletableGroupResult> = denied
        .into_iter()
        .map(|group| result(group, ErrorCode::GroupAuthorizationFailed))
        .collect();
    for group_ids in group_call::by_shard(call, allowed, |group| group) {
        let Some(first) = group_ids.first().cloned() else { continue };
        let request = Request::DeleteGroups(DeleteGroups { group_ids: group_ids.clone() });
        let answer = group_call::ask(call, &first, request, |answer| match answer {
            Answer::DeleteGroups(groups) => Some(groups),
            _ => None,
        })
        .await;
        match answer {
            Ok(deleted) => {
                results.extend(deleted.into_iter().map(|group| result(group.group_id, group.error)))
            }
            Err(error) => results.extend(group_ids.into_iter().map(|group| result(group, error))),
        }
    }
    DeleteGroupsResponse { results, ..Default::default() }
}

fn result(group_id: String, error: ErrorCode) -> DeletableGroupResult {
    DeletableGroupResult { group_id, error_code: error.code(), ..Default::default() }
}
