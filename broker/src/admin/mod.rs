//! The side doors: HTTP for probes and Prometheus, gRPC for an operator.
//!
//! Architecture Invariant: they have ports and a thread of their own, so that they answer when brokers' threads are
//! busy and while logs are recovered, and nothing that is asked here can hold up a request.
//!
//! Architecture Invariant: what is asked here is bounded, whoever asks: connections, messages, time, memory.
//!
//! Deliberately absent: anything that changes the node, and anything secret. There is no TLS here yet: both ports are
//! for a network that is trusted, and gRPC is off until `taffrail.grpc.listen` says where. Mutual TLS for gRPC comes
//! with that of the listeners.

mod incoming;
mod load;
mod node_service;
mod probes;
mod server;

pub(crate) use server::AdminServer;
