//! The HTTP side door: health for whoever watches the process, metrics for Prometheus.
//!
//! Architecture Invariant: it has a port and a thread of its own, so that it answers when brokers'
//! threads are busy, and nothing that is asked here can hold up a request.
//!
//! Deliberately absent: anything that changes the node, and anything secret.

mod health;
mod server;

pub(crate) use health::{Health, Phase};
pub(crate) use server::AdminServer;
