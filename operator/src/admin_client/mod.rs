//! What the operator asks of running nodes.
//!
//! [`AdminClient`] speaks Kafka's admin protocol with any broker of one cluster: topics and configurations in
//! batches, each item with its own outcome. [`node`] asks a single node over gRPC how it is.
//!
//! Invariants: every call has a deadline and a bound on what it reads; every item of an answer is held against what
//! was asked, and an answer with a foreign, doubled or missing item is an error as a whole, since nothing in it can
//! be trusted; a request that changes something is sent once.
//!
//! Deliberately absent: producing, consuming and groups; TLS and SASL; any idea of what a topic should look like.

mod answer;
mod client;
mod configs;
mod error;
pub mod node;
mod partitions;
mod topics;

pub use client::AdminClient;
pub use configs::{ConfigChange, ConfigKind, ConfigSource, ConfigValue, TopicConfigs};
pub use error::AdminError;
pub use partitions::PartitionDescription;
pub use taffrail_client::Refusal;
pub use topics::{CreatedTopic, NewTopic, TopicDescription};
