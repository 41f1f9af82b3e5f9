//! Records that brokers and controllers keep in their own logs and files: a module for each.
//!
//! The metadata log ([`MetadataRecord`]), the logs of the coordinators ([`GroupRecord`],
//! [`TransactionRecord`], [`ShareRecord`]), control records, the quorum's state, producer snapshots, and
//! what consumers exchange inside of group messages. Names and versions are Kafka's; the structs are
//! generated from `schema/`.

pub(crate) mod coordinator;
pub(crate) mod metadata;

pub use crate::generated::record_types::{
    GroupRecord, MetadataRecord, ShareRecord, TransactionRecord,
};
pub use crate::generated::records::*;
