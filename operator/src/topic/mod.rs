//! `Topic` resources, kept in the clusters that they name.
//!
//! One way: what a resource says wins, but for `unmanagedConfig` and with `managementPolicy: Observe`. All topics of
//! one cluster go through one pass ([`pass`]): gather the resources and settle who owns which name ([`claims`]),
//! observe all of them in a few batched requests, decide ([`plan`]), apply in batches, write statuses. Each pass
//! begins from what it observes, so a pass that broke off is made good by the next.
//!
//! Deletion needs no finalizer. A topic whose resource says `deletionPolicy: Delete` stands in a record
//! ([`record`]), written before the topic is made or taken over. It is deleted, by id, only when [`vanished`] says
//! that its resource was deleted on purpose.
//!
//! Invariants: nothing is decided from a broker that didn't answer; a topic is never deleted by name, nor while any
//! resource names it, nor with its cluster, nor because the definition of the kind went away.
//!
//! Deliberately absent: moving replicas; anything about the topics that brokers keep their own state in.

mod admission;
pub mod claims;
mod config_value;
pub mod controller;
mod departed;
pub mod desired;
pub mod pass;
pub mod plan;
pub mod record;
mod record_store;
mod refusal;
mod report;
mod status;
pub mod vanished;
pub mod verdict;
