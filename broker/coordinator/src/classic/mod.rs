//! Classic groups: the members elect a leader among them, and the leader assigns (Kafka's protocol before KIP-848).

mod generation;
mod group;
mod join;
mod member;
mod presence;
mod rebalance;
mod static_member;
mod sync;

pub(crate) use group::{ClassicGroup, GroupState};
pub(crate) use presence::left;
pub(crate) use static_member::PendingStaticJoin;
pub(crate) use sync::PendingAssignment;
