//! How much a run has covered. A simulator that meets no trouble proves nothing, so the counts have floors.

use std::fmt;

/// The fewest seeds for which the floors mean anything.
pub const SEEDS_FOR_FLOORS: u64 = 50;

macro_rules! coverage {
    ($($(#[doc = $doc:literal])+ $name:ident: $floor:literal per 100 seeds;)+) => {
        /// Counts of what a run has met.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Coverage {
            $($(#[doc = $doc])+ pub $name: u64,)+
        }

        impl Coverage {
            /// Adds the counts of another run.
            pub fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)+
            }

            /// The counts that are too low for this number of seeds, each with its floor. None for fewer seeds than
            /// [`SEEDS_FOR_FLOORS`], in which chance decides.
            #[must_use]
            pub fn below_floor(&self, seeds: u64) -> Vec<String> {
                let mut low = Vec::new();
                if seeds < SEEDS_FOR_FLOORS {
                    return low;
                }
                $(
                    let floor = $floor * seeds / 100;
                    if self.$name < floor {
                        low.push(format!("{}: {} of at least {floor}", stringify!($name), self.$name));
                    }
                )+
                low
            }

            fn rows(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name)),+]
            }
        }
    };
}

coverage! {
    /// Starts after a clean stop.
    clean_restarts: 50 per 100 seeds;
    /// Starts after the process was killed.
    kill_restarts: 50 per 100 seeds;
    /// Starts after the power was cut.
    power_restarts: 50 per 100 seeds;
    /// Starts that a fault kept from succeeding.
    failed_starts: 10 per 100 seeds;
    /// Power cuts after which some log was shorter.
    crashes_with_lost_writes: 20 per 100 seeds;
    /// Batches that were acknowledged and lost where that is allowed.
    acked_batches_lost: 20 per 100 seeds;
    /// Logs that recovery cut.
    truncations: 20 per 100 seeds;
    /// Crashes that struck in the middle of an operation.
    crashes_in_operations: 50 per 100 seeds;
    /// I/O errors that took the node down.
    io_failures: 20 per 100 seeds;
    /// Appends that a fault refused without taking the log down.
    appends_failed: 10 per 100 seeds;
    /// Times at which the disk was full.
    full_disks: 20 per 100 seeds;
    /// Times at which the wall clock jumped.
    wall_clock_jumps: 50 per 100 seeds;
    /// Topics that were created.
    topics_created: 200 per 100 seeds;
    /// Topics that were deleted.
    topics_deleted: 50 per 100 seeds;
    /// Changes of topics of which no answer told.
    topic_changes_in_doubt: 2 per 100 seeds;
    /// Batches that were acknowledged.
    batches_acked: 5_000 per 100 seeds;
    /// Retries that were answered with what had been appended before.
    duplicates_answered: 20 per 100 seeds;
    /// Producers that had to begin anew, as their sequence was lost.
    producers_renewed: 5 per 100 seeds;
    /// Segments behind the first of a log, found at starts.
    segments_found: 100 per 100 seeds;
    /// Batches that consumers read.
    batches_consumed: 5_000 per 100 seeds;
    /// Generations of groups.
    group_generations: 200 per 100 seeds;
    /// Commits of offsets that were acknowledged.
    commits_acked: 500 per 100 seeds;
    /// Commits of a stale generation that were refused.
    stale_commits_refused: 50 per 100 seeds;
    /// Fetches of committed offsets that were checked.
    offsets_fetched: 200 per 100 seeds;
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, count) in self.rows() {
            writeln!(f, "  {:<26} {count}", name.replace('_', " "))?;
        }
        Ok(())
    }
}
