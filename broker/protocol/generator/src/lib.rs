//! Makes the protocol crate's schema from Kafka's message definitions, and its code from the schema.
//!
//! Two steps, apart in time: [`kafka_json`] turns Kafka's JSON into the project's own compact text
//! ([`text`]), which is committed; [`emit`] turns that text into Rust, which is committed too. The second
//! step needs nothing but this repository, and a test says when its output is out of date.
//!
//! Deliberately absent: the wire format itself, which is `taffrail_protocol::wire`.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a tool that runs at a developer's desk, not a room of the broker"
)]

pub mod emit;
pub mod kafka_json;
pub mod names;
pub mod schema;
pub mod text;
pub mod versions;
