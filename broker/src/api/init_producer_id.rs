//! InitProducerId (22): ids for idempotent producers.

use taffrail_model::ErrorCode;
use taffrail_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse};
use taffrail_security::{Operation, ResourcePattern as Resource};

use super::Call;

/// What a transactional producer is told, here and by FindCoordinator. The error code beside it is the one that every
/// client takes for final; others would have it ask again and again.
pub(super) const NO_TRANSACTIONS: &str = "transactions are not supported by this broker yet: unset transactional.id (enable.idempotence works without it)";

pub(super) async fn handle(
    call: &Call<'_>,
    request: InitProducerIdRequest,
) -> InitProducerIdResponse {
    let refuse = |error: ErrorCode| InitProducerIdResponse {
        error_code: error.code(),
        producer_epoch: -1,
        ..Default::default()
    };
    if let Some(transactional_id) = &request.transactional_id {
        tracing::warn!(transactional_id, principal = %call.context.principal, "{NO_TRANSACTIONS}");
        return refuse(ErrorCode::TransactionalIdAuthorizationFailed);
    }
    if !call.may(Operation::IdempotentWrite, Resource::CLUSTER) {
        return refuse(ErrorCode::ClusterAuthorizationFailed);
    }
    // KIP-360's epoch bump is for transactional producers alone: an idempotent one simply gets a new id.
    match call.broker.next_producer_id().await {
        Ok(producer_id) => {
            InitProducerIdResponse { producer_id, producer_epoch: 0, ..Default::default() }
        }
        Err(error) => refuse(error),
    }
}
