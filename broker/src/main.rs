//! `taffrail`: a Kafka-compatible broker in one small binary, and a client for the terminal.
//!
//! This crate is the shell: it owns sockets, threads, files and clocks, and carries the rooms, which own
//! none of them. `net` turns bytes into requests, `api` requests into questions to the rooms, `runtime`
//! runs the rooms; `config`, `telemetry` and `admin` stand beside, `client` and `cli` in front.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the shell is where clocks, threads and files live"
)]

mod admin;
mod api;
mod cli;
mod client;
mod config;
mod net;
mod runtime;
mod telemetry;

use std::process::ExitCode;

/// Many threads free what others allocated, and requests come in all sizes: jemalloc neither contends
/// nor fragments there as the system's allocator does.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
