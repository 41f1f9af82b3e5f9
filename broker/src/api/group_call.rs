//! The way from a handler to the shard of its group, the same for every API of groups.

use std::collections::BTreeMap;

use taffrail_coordinator::{Answer, Request, RequestContext};
use taffrail_model::ErrorCode;
use taffrail_security::{Operation, ResourcePattern as Resource};

use super::Call;

/// Asks the shard that owns `group_id`.
///
/// `select` takes the answer of the request's own kind out of [`Answer`].
///
/// # Errors
/// The error code that every partition or member of the reply then carries.
pub(super) async fn ask<T>(
    call: &Call<'_>,
    group_id: &str,
    request: Request,
    select: impl FnOnce(Answer) -> Option<T>,
) -> Result<T, ErrorCode> {
    let answer = call.broker.groups.ask(group_id, context(call), request).await?;
    // The shard answers in kind; an answer of another kind is a defect that must not take the client down with it.
    select(answer).ok_or(ErrorCode::UnknownServerError)
}

/// As [`ask`], once the caller was allowed `operation` on the group.
pub(super) async fn ask_authorized<T>(
    call: &Call<'_>,
    operation: Operation,
    group_id: &str,
    request: Request,
    select: impl FnOnce(Answer) -> Option<T>,
) -> Result<T, ErrorCode> {
    if !call.may(operation, Resource::group(group_id)) {
        return Err(ErrorCode::GroupAuthorizationFailed);
    }
    ask(call, group_id, request, select).await
}

/// Groups by the partition of `__consumer_offsets` that owns them, so that each shard is asked once.
pub(super) fn by_shard<T>(call: &Call<'_>, groups: Vec<T>, id: impl Fn(&T) -> &str) -> Vec<Vec<T>> {
    let mut shards: BTreeMap<i32, Vec<T>> = BTreeMap::new();
    for group in groups {
        shards.entry(call.broker.groups.partition_of(id(&group))).or_default().push(group);
    }
    shards.into_values().collect()
}

/// Who asks, in the coordinator's words.
pub(super) fn context(call: &Call<'_>) -> RequestContext {
    RequestContext {
        client_id: call.context.client_id.clone().unwrap_or_default(),
        // Java prints an address without a host name with a slash in front, and Kafka's tools show it so.
        client_host: format!("/{}", call.context.client_addr.ip()),
    }
}
