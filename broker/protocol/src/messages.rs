//! Requests, responses and their headers: a module for each, with its structs.
//!
//! Names, versions and field names are Kafka's, fields in snake case; the highest version of each is
//! that of Kafka 4.3. Generated from `schema/messages.schema`.

pub use crate::generated::messages::*;
