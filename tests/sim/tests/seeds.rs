//! A few seeds, for everyday runs; many more are run by the program.

use taffrail_sim::{Coverage, run};

#[test]
fn a_few_seeds_keep_every_promise() {
    let mut coverage = Coverage::default();
    for seed in 1..=8 {
        match run(seed, false) {
            Ok(outcome) => coverage.add(&outcome.coverage),
            Err(failure) => panic!("{failure}"),
        }
    }
    assert!(coverage.batches_acked > 0 && coverage.commits_acked > 0, "{coverage}");
    assert!(coverage.power_restarts > 0 && coverage.kill_restarts > 0, "{coverage}");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let first = run(3, false).map_err(|failure| failure.to_string());
    let second = run(3, false).map_err(|failure| failure.to_string());
    assert_eq!(first, second);
    let other = run(4, false).map_err(|failure| failure.to_string());
    assert_ne!(first.map(|outcome| outcome.trace), other.map(|outcome| outcome.trace));
}

#[test]
fn a_run_that_meets_no_trouble_is_no_proof() {
    let nothing = Coverage::default();
    assert!(!nothing.below_floor(100).is_empty());
    assert!(nothing.below_floor(10).is_empty());
}
