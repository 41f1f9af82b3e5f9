//! From committed batches of records to images worth publishing.

use taffrail_model::Offset;
use taffrail_protocol::records::MetadataRecord;

use super::{MetadataImage, ReplayError};
use crate::delta::MetadataDelta;

/// An image that may be shown, with what changed since the last one.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The new state.
    pub image: MetadataImage,
    /// What changed since the last image that was shown.
    pub delta: MetadataDelta,
    /// The offset of the last record in the image.
    pub offset: Offset,
}

/// Replays records and minds metadata transactions (KIP-868): what lies between begin and end is shown
/// as one, and not at all when it was aborted.
#[derive(Clone, Debug, Default)]
pub struct ImageLoader {
    image: MetadataImage,
    delta: MetadataDelta,
    transaction: Option<Transaction>,
    next_offset: Offset,
}

/// What to return to when a transaction is aborted.
#[derive(Clone, Debug)]
struct Transaction {
    start_offset: Offset,
    image: MetadataImage,
    delta: MetadataDelta,
}

impl ImageLoader {
    /// Replaces everything by a snapshot: `image` holds all records below `next_offset`.
    pub fn load_snapshot(&mut self, image: MetadataImage, next_offset: Offset) {
        self.delta.merge(MetadataDelta::between(&self.image, &image));
        self.image = image;
        self.transaction = None;
        self.next_offset = next_offset;
    }

    /// The state after the last record, inside a transaction too.
    #[must_use]
    pub fn image(&self) -> &MetadataImage {
        &self.image
    }

    /// The offset after the last record.
    #[must_use]
    pub fn next_offset(&self) -> Offset {
        self.next_offset
    }

    /// Where the transaction that is open began.
    #[must_use]
    pub fn transaction_start(&self) -> Option<Offset> {
        self.transaction.as_ref().map(|t| t.start_offset)
    }

    /// Replays one record at `offset`.
    ///
    /// # Errors
    /// When the record doesn't fit the image (see [`MetadataImage::replay`]), or transactions are nested
    /// or ended without a beginning.
    pub fn replay(&mut self, offset: Offset, record: &MetadataRecord) -> Result<(), ReplayError> {
        match record {
            MetadataRecord::BeginTransaction(_) => {
                if self.transaction.is_some() {
                    return Err(ReplayError::NestedTransaction(offset));
                }
                self.transaction = Some(Transaction {
                    start_offset: offset,
                    image: self.image.clone(),
                    delta: self.delta.clone(),
                });
            }
            MetadataRecord::EndTransaction(_) => {
                self.transaction.take().ok_or(ReplayError::NoTransaction(offset))?;
            }
            MetadataRecord::AbortTransaction(_) => {
                let before = self.transaction.take().ok_or(ReplayError::NoTransaction(offset))?;
                self.image = before.image;
                self.delta = before.delta;
            }
            _ => self.image.replay(record, &mut self.delta)?,
        }
        self.next_offset = offset + 1;
        Ok(())
    }

    /// Takes what can be shown: nothing inside a transaction, and nothing before the first record.
    pub fn take_loaded(&mut self) -> Option<Loaded> {
        if self.transaction.is_some() || self.next_offset == 0 {
            return None;
        }
        Some(Loaded {
            image: self.image.clone(),
            delta: std::mem::take(&mut self.delta),
            offset: self.next_offset - 1,
        })
    }
}
