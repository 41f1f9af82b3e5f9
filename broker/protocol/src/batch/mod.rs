//! Record batches in Kafka's format v2, the only one that 4.x writes: parsing, building, and the checks
//! that stand between a client's bytes and the log.
//!
//! A batch is a header of [`BATCH_OVERHEAD`] bytes and a section of records, compressed as a whole or not.
//! The CRC-32C covers everything from the attributes on, so a leader sets the base offset and the leader
//! epoch without it ([`stamp`]), while a timestamp that it corrects needs a new CRC.
//!
//! Invariants: parsing never panics and never allocates on the word of a length or a count; a batch's
//! bytes are sliced and not copied, unless they were compressed; checking a produced batch doesn't hold what its
//! records inflate to, unless they have to be compressed anew.
//!
//! Deliberately absent: the formats v0 and v1, which Kafka 4.x no longer accepts (KIP-896).

mod batches;
mod builder;
mod control;
mod cursor;
mod error;
mod faults;
mod header;
mod record;
mod rules;
mod stream;
mod validate;

pub use batches::{Batch, Batches, RecordIter};
pub use builder::BatchBuilder;
pub use control::ControlRecordType;
pub use error::BatchError;
pub use header::{
    BATCH_OVERHEAD, BatchHeader, LOG_OVERHEAD, MAGIC, NO_SEQUENCE, NO_TIMESTAMP, TimestampType,
    crc_of, increment_sequence, set_base_offset, set_leader_epoch, stamp,
};
pub use record::{Header, HeaderView, HeaderViews, Record, RecordView};
pub use rules::{ProduceRules, Rejection, TargetCompression, ValidatedBatch};
pub use validate::validate_produced;
