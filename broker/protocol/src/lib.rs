//! The Kafka protocol without I/O: messages, records and record batches, from bytes and to bytes.
//!
//! Owns: the wire format ([`wire`]), one module for each request, response and header ([`messages`],
//! with the feature of that name), for each record that brokers keep in their own logs ([`records`]),
//! and record batches of magic 2 with their [`compression`] ([`batch`]). The messages are generated from
//! the files in `schema/`, which hold the facts of Kafka 4.3.
//!
//! Architecture Invariant: decoding never panics and never allocates more than a small multiple of the
//! bytes it was given. Encoding what was decoded gives the same bytes, per version, and they are the
//! bytes that Kafka's own encoder makes.
//!
//! Architecture Invariant: rooms that know no requests depend on this crate without the feature
//! `messages`; they can't even name one.
//!
//! Deliberately absent: sockets, framing of what arrives, clocks, and any meaning of a message.

#[cfg(feature = "messages")]
mod api_key;
pub mod batch;
#[cfg(all(feature = "messages", feature = "json"))]
pub mod catalogue;
pub mod compression;
#[expect(
    missing_docs,
    reason = "the schema holds facts without sentences; Kafka's documentation explains the fields"
)]
mod generated;
#[cfg(feature = "messages")]
pub mod header;
mod message;
#[cfg(feature = "messages")]
pub mod messages;
pub mod records;
pub mod wire;

#[cfg(feature = "messages")]
pub use generated::api_key::ApiKey;
pub use message::Message;
#[cfg(feature = "messages")]
pub use message::Request;
