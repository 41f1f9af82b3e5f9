//! A connection to a Kafka broker, ours or Apache Kafka's, as a client has it.
//!
//! Owns frames, correlation ids, the negotiation of versions, deadlines, and what can go wrong between two
//! addresses ([`ConnectionError`]) or be said in an answer ([`Refusal`]). What is asked, of whom, and what is done
//! about an error is the caller's: the command line's client and the operator's differ in all of that.
//!
//! Invariants: one request at a time on a connection; memory grows with the bytes that arrive, never with the
//! size that was claimed; an answer that belongs to another request is an error.
//!
//! Deliberately absent: background tasks, pipelining, retries, TLS and SASL.

mod address;
mod connection;
mod error;
mod refusal;

pub use address::join;
pub use connection::{Connection, ConnectionOptions};
pub use error::ConnectionError;
pub use refusal::Refusal;
