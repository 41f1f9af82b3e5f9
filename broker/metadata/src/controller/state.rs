//! What is rolled back and committed together.

use imbl::OrdMap;
use taffrail_model::{NodeId, Offset};
use taffrail_protocol::records::MetadataRecord;

use crate::image::{ImageLoader, Loaded, MetadataImage, ReplayError};

/// The image, and what only the controller remembers of the log. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    loader: ImageLoader,
    /// Where each broker's registration record lies: who has read that far is caught up.
    registered_at: OrdMap<NodeId, Offset>,
}

impl State {
    pub(super) fn image(&self) -> &MetadataImage {
        self.loader.image()
    }

    pub(super) fn next_offset(&self) -> Offset {
        self.loader.next_offset()
    }

    pub(super) fn transaction_start(&self) -> Option<Offset> {
        self.loader.transaction_start()
    }

    pub(super) fn take_loaded(&mut self) -> Option<Loaded> {
        self.loader.take_loaded()
    }

    pub(super) fn registered_at(&self, broker: NodeId) -> Offset {
        self.registered_at.get(&broker).copied().unwrap_or(0)
    }

    pub(super) fn load_snapshot(&mut self, image: MetadataImage, next_offset: Offset) {
        self.registered_at = image.brokers().map(|broker| (broker.id, next_offset - 1)).collect();
        self.loader.load_snapshot(image, next_offset);
    }

    pub(super) fn replay(
        &mut self,
        offset: Offset,
        record: &MetadataRecord,
    ) -> Result<(), ReplayError> {
        self.loader.replay(offset, record)?;
        match record {
            MetadataRecord::RegisterBroker(broker) => {
                self.registered_at.insert(broker.broker_id, offset);
            }
            MetadataRecord::UnregisterBroker(broker) => {
                self.registered_at.remove(&broker.broker_id);
            }
            _ => {}
        }
        Ok(())
    }
}
