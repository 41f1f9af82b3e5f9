//! The client behind `taffrail topic`, `produce`, `consume` and `group`: it speaks Kafka's protocol to any
//! broker, ours or Apache Kafka's.
//!
//! One request at a time on one connection for each broker: a person at a terminal is served, and no code
//! is spent on pipelining. It works without background tasks, so that a command's output and its
//! errors come in the order of what it does.
//!
//! Deliberately absent: TLS and SASL, transactions, idempotence (a retry may write a record twice, and
//! `produce --help` says so), and the group protocol of KIP-848.

mod assignment;
mod cluster;
mod connect_args;
mod consumer;
mod error;
mod group_member;
mod offsets;
mod partitioner;
mod producer;
mod text;

pub(crate) use assignment::decode_assignment;
pub(crate) use cluster::{Cluster, Topic};
pub(crate) use connect_args::ConnectArgs;
pub(crate) use consumer::Consumer;
pub(crate) use error::{ClientError, check};
pub(crate) use group_member::{GroupMember, Place};
pub(crate) use offsets::{Bound, committed_offsets, list_offsets};
pub(crate) use producer::{Acks, Producer, ProducerOptions};
pub(crate) use text::{Table, count};
