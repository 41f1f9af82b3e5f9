//! A simulator that runs a whole node from one seed, on one thread: its disk, its clocks, its clients and whatever
//! goes wrong.
//!
//! A run has a phase of faults (the process killed or the power cut at any operation of the disk, I/O errors, full
//! disks, wall clocks that jump), then everything heals and progress is demanded. The rules of the rooms are checked
//! at every tick, and after every start what is there is compared with what was acknowledged.
//!
//! Architecture Invariant: the same seed gives the same run, event by event; [`Outcome::trace`] proves it.
//!
//! Deliberately absent: the wire and the threads, which tests of their own reach with real clients.

mod clients;
mod coverage;
mod faults;
mod model;
mod node;
mod replay;
mod trace;
mod turn;
mod world;

pub use coverage::{Coverage, SEEDS_FOR_FLOORS};
pub use world::{Failure, Outcome, run};
