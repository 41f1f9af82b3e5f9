//! The admin client and the passes over topics, against a broker and an API server that live in the test.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests are a shell: they own clocks and sockets, and what goes wrong in them fails them"
)]

mod admin_client;
mod deletion;
mod fake_api;
mod fake_broker;
mod pass;
