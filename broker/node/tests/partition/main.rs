//! One partition: events in, effects out, over a disk in memory.

mod acks;
mod durable;
mod failures;
mod leadership;
mod restart;
mod support;
