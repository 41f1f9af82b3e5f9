//! Random numbers that come out the same on every machine.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};

/// What random numbers are asked for: each question has a stream of its own.
#[derive(Clone, Copy)]
pub(super) enum Question {
    Racks,
    ReplicationFactors,
    Partitions,
    Places,
    Popularity,
    Loads,
    LogDirs,
}

/// The stream of a question.
pub(super) fn stream(seed: u64, question: Question) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(question as u64);
    generator
}

/// An exponentially distributed number with mean 1, by von Neumann's method: it compares uniform numbers and needs no
/// logarithm, whose last digit differs from one machine to the next.
///
/// A descending run that starts at x has an odd length with probability e^-x; otherwise the next unit is tried.
pub(super) fn exponential(generator: &mut ChaCha8Rng) -> f64 {
    let mut whole = 0.0;
    loop {
        let first: f64 = generator.random();
        let mut last = first;
        let mut odd = true;
        loop {
            let next: f64 = generator.random();
            if next >= last {
                break;
            }
            last = next;
            odd = !odd;
        }
        if odd {
            return whole + first;
        }
        whole += 1.0;
    }
}
