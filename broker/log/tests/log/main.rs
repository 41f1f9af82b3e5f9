//! Tests of the log as a whole, on a disk in memory that fails, fills up and loses power.

mod append_and_read;
mod crashes;
mod idempotence;
mod lookups;
mod model;
mod opening;
mod retention;
mod support;
mod syncing;
mod truncation;
