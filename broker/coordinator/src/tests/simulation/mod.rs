//! Clients that come, go, crash and repeat themselves, over a network that loses replies, against a coordinator whose
//! appends fail, whose commits are late and whose leadership ends at any time; all from a seed.
//!
//! What must hold all the time is checked by [`checks::Checks`]. At the end everything heals, and the clients that are
//! left must share the partitions.

mod checks;
mod client;
mod world;

use world::World;

/// How many seeds are run, each of [`ACTIONS`] random actions.
const SEEDS: u64 = 150;
const ACTIONS: usize = 1_200;

#[test]
fn invariants_hold_through_faults_and_the_group_recovers() {
    let mut coverage = world::Coverage::default();
    for seed in 0..SEEDS {
        println!("seed {seed}");
        coverage += run(seed);
    }
    // Floors, so that the simulation can't lose what it is for.
    let floors = [
        ("assignments", coverage.assignments, 1_000),
        ("commits", coverage.commits, 1_000),
        ("stale commits refused", coverage.stale_commits_refused, 100),
        ("failed appends", coverage.failed_appends, 100),
        ("failovers", coverage.failovers, 100),
        ("writes lost by failovers", coverage.lost_writes, 20),
        ("fenced static members", coverage.fenced, 20),
    ];
    for (what, count, floor) in floors {
        assert!(count >= floor, "only {count} {what}");
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    assert_eq!(traced(7), traced(7));
    assert_ne!(traced(7), traced(8));
}

/// Runs a seed; the last one that was printed is the one that failed, and `run(seed)` repeats it.
fn run(seed: u64) -> world::Coverage {
    let mut world = World::new(seed);
    for _ in 0..ACTIONS {
        world.act();
    }
    world.heal();
    world.finish()
}

fn traced(seed: u64) -> Vec<String> {
    let mut world = World::new(seed);
    for _ in 0..ACTIONS {
        world.act();
    }
    world.trace().to_vec()
}
