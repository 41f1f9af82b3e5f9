//! The ids that this broker may give to producers: a block of the controller's at a time.

use taffrail_metadata::{AllocatedProducerIds, Answer, Operation};
use taffrail_model::{BrokerEpoch, ErrorCode, NodeId, ProducerId};
use tokio::sync::Mutex;

use super::control::ControlHandle;

/// The block at hand. One producer at a time fetches the next; the others wait for it.
#[derive(Debug, Default)]
pub(crate) struct ProducerIds {
    block: Mutex<Block>,
}

#[derive(Debug, Default)]
struct Block {
    next: ProducerId,
    end: ProducerId,
}

impl ProducerIds {
    /// An id that nobody else gets. `registration` is this broker's id and the epoch of its registration.
    ///
    /// # Errors
    /// `COORDINATOR_LOAD_IN_PROGRESS`, which clients try again, while the controller gives no block.
    pub(crate) async fn next(
        &self,
        control: &ControlHandle,
        registration: (NodeId, BrokerEpoch),
    ) -> Result<ProducerId, ErrorCode> {
        let mut block = self.block.lock().await;
        if block.next == block.end {
            let (broker_id, broker_epoch) = registration;
            let operation = Operation::AllocateProducerIds { broker_id, broker_epoch };
            match control.ask(operation, None).await {
                Ok(Answer::AllocateProducerIds(AllocatedProducerIds { first, count })) => {
                    *block = Block { next: first, end: first + i64::from(count) };
                }
                Ok(_) => return Err(ErrorCode::UnknownServerError),
                Err(refusal) => {
                    tracing::warn!(%refusal, "the controller gives no producer ids");
                    return Err(ErrorCode::CoordinatorLoadInProgress);
                }
            }
        }
        let id = block.next;
        block.next += 1;
        Ok(id)
    }
}
