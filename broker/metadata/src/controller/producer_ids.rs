//! Blocks of producer ids: what is given to one broker is never given to another.

use taffrail_model::{BrokerEpoch, ErrorCode, NodeId};
use taffrail_protocol::records::{MetadataRecord, ProducerIdsRecord};

use super::decision::{Decision, View};
use super::{AllocatedProducerIds, Answer, Refusal};

/// The ids in a block, as in Kafka.
const BLOCK_SIZE: i32 = 1_000;

/// Gives a broker the next block.
pub(super) fn allocate(view: View<'_>, broker_id: NodeId, broker_epoch: BrokerEpoch) -> Decision {
    if let Err(refusal) = view.registered(broker_id, broker_epoch) {
        return Decision::refused(refusal);
    }
    let first = view.image.producer_ids().map_or(0, |b| b.next_producer_id);
    let Some(next_producer_id) = first.checked_add(i64::from(BLOCK_SIZE)) else {
        return Decision::refused(Refusal::new(
            ErrorCode::UnknownServerError,
            "All producer ids have been handed out.",
        ));
    };
    let record = ProducerIdsRecord {
        broker_id,
        broker_epoch,
        next_producer_id,
        ..ProducerIdsRecord::default()
    };
    let block = AllocatedProducerIds { first, count: BLOCK_SIZE };
    Decision::atomic(vec![MetadataRecord::from(record)], Answer::AllocateProducerIds(block))
}
