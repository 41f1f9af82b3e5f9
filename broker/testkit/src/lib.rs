//! What tests of the rooms share: a disk in memory with faults, a clock that is set by hand, a seeded
//! generator, and builders of record batches.
//!
//! Architecture Invariant: everything here is deterministic. The same calls give the same results on every
//! machine; there is no operating system behind it.
//!
//! Deliberately absent: a network. The simulator has its own.

mod batches;
mod manual_clock;
mod mem_disk;
mod seeded_rng;

pub use batches::{TestBatch, batch_of};
pub use manual_clock::ManualClock;
pub use mem_disk::{Fault, MemDisk, MemFile, MemLock};
pub use seeded_rng::SeededRng;
