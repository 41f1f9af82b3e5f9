//! The controller, driven through its door: events in, effects out, over a log that the tests hold.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail by panicking, as the tests do")]

mod brokers;
mod configs;
mod elections;
mod features;
mod harness;
mod isr;
mod lifecycle;
mod random_histories;
mod topics;
