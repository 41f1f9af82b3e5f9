//! Listeners and connections: bytes in, whole requests out, replies back.
//!
//! Owns accepting, framing, the budgets of bytes and connections, deadlines and graceful shutdown.
//! It knows the frame and the request header and nothing else of Kafka's protocol: requests go to a
//! [`Handler`].
//!
//! Architecture Invariants:
//! - One reply per request, in order, or a closed connection with a log line that says why.
//! - Memory is bounded: no length that a peer announces is believed. Bytes are charged to a budget as
//!   room for them is made, and given back when the reply is written.
//! - Nothing that a peer sends, or fails to send, keeps another connection waiting without a deadline.
//! - A handler's future is never dropped halfway, but by the deadline of a shutdown.
//!
//! Deliberately absent: TLS and SASL, and requests that overlap on a connection.

mod bound_listener;
mod budget;
mod connection;
mod connection_limits;
mod context;
mod deadline;
mod frame_reader;
mod handler;
mod network;
mod port_holder;
mod reply_writer;
#[cfg(test)]
mod tests;

pub(crate) use bound_listener::BoundListener;
pub(crate) use context::{ClientSoftware, ConnectionState, RequestContext};
pub(crate) use handler::{Handler, Outcome};
pub(crate) use network::Network;
