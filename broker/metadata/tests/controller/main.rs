//! The controller, driven through its door: events in, effects out, over a log that the tests hold.

mod brokers;
mod configs;
mod elections;
mod features;
mod harness;
mod isr;
mod lifecycle;
mod random_histories;
mod topics;
