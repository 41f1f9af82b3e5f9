//! DescribeGroups (15): classic groups and their members.

use std::collections::BTreeSet;

use taffrail_coordinator::{Answer, DescribeGroups, DescribedGroup, Request};
use taffrail_model::ErrorCode;
use taffrail_protocol::messages::DescribeGroupsRequest;
use taffrail_protocol::messages::describe_groups_response::{
    DescribeGroupsResponse, DescribedGroup as WireGroup, DescribedGroupMember,
};
use taffrail_security::{Operation, ResourcePattern as Resource};

use super::{Call, group_call};

pub(super) async fn handle(
    call: &Call<'_>,
    request: DescribeGroupsRequest,
) -> DescribeGroupsResponse {
    let shows_operations = request.include_authorized_operations;
    // A group that is named again and again is described once.
    let wanted: BTreeSet<String> = request.groups.into_iter().collect();
    let (allowed, denied): (Vec<String>, Vec<String>) =
        wanted.into_iter().partition(|group| call.may(Operation::Describe, Resource::group(group)));
    let mut groups: Vec<WireGroup> = denied
        .into_iter()
        .map(|group| refusal(group, ErrorCode::GroupAuthorizationFailed))
        .collect();
    for group_ids in group_call::by_shard(call, allowed, |group| group) {
        let Some(first) = group_ids.first().cloned() else { continue };
        let request = Request::DescribeGroups(DescribeGroups {
            group_ids: group_ids.clone(),
            supports_group_not_found: call.version >= 6,
        });
        let answer = group_call::ask(call, &first, request, |answer| match answer {
            Answer::DescribeGroups(groups) => Some(groups),
            _ => None,
        })
        .await;
        match answer {
            Ok(described) => groups.extend(described.into_iter().map(|group| to_wire(call, group))),
            Err(error) => groups.extend(group_ids.into_iter().map(|group| refusal(group, error))),
        }
    }
    if shows_operations {
        for group in groups.iter_mut().filter(|group| group.error_code == ErrorCode::None.code()) {
            group.authorized_operations =
                call.authorized_operations(Resource::group(&group.group_id));
        }
    }
    DescribeGroupsResponse { groups, ..Default::default() }
}

fn refusal(group_id: String, error: ErrorCode) -> WireGroup {
    WireGroup { error_code: error.code(), group_id, ..Default::default() }
}

fn to_wire(call: &Call<'_>, group: DescribedGroup) -> WireGroup {
    WireGroup {
        error_code: group.error.code(),
        error_message: group.error_message.filter(|_| call.version >= 6),
        group_id: group.group_id,
        group_state: group.state.to_owned(),
        protocol_type: group.protocol_type,
        protocol_data: group.protocol_data,
        members: group
            .members
            .into_iter()
            .map(|member| DescribedGroupMember {
                member_id: member.member_id,
                group_instance_id: member.group_instance_id,
                client_id: member.client_id,
                client_host: member.client_host,
                member_metadata: member.metadata,
                member_assignment: member.assignment,
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}
