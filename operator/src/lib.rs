//! The operator: what turns `KafkaCluster` and `Topic` resources into running clusters.
//!
//! [`cluster`] and [`topic`] reconcile, each with a pure part that decides and a thin part that reads and writes;
//! [`user`] and [`rebalance`] say that theirs is still to come. They share [`context`]: the [`stores`] that watches
//! feed, the [`queue`], [`events`] and [`metrics`]. [`run`] puts it all together behind the [`election`].
//! [`offline`] needs none of it: it asks the balancer about a cluster in a file.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a shell around pure parts: clocks and files are what it owns"
)]

pub mod admin_client;
pub mod cli;
pub mod cluster;
pub mod conditions;
pub mod context;
pub mod election;
pub mod events;
pub mod http;
pub mod metrics;
pub mod offline;
pub mod queue;
pub mod rebalance;
pub mod run;
pub mod settings;
pub mod status_writer;
pub mod stores;
pub mod topic;
pub mod unsupported;
pub mod user;
