//! What goes wrong in a run, and whether a failure can be put down to it.

use taffrail_testkit::{Fault, MemDisk, SeededRng};

/// How far ahead a fault is planned, in operations of the disk.
const AHEAD_MAX: u64 = 400;

/// The faults of the node's present life.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    planned: Vec<(u64, Fault)>,
    had_full_disk: bool,
}

impl Faults {
    /// Plans a fault at some coming operation.
    pub(crate) fn plan(&mut self, disk: &MemDisk, rng: &mut SeededRng) -> Fault {
        let fault = match rng.below(4) {
            0 => Fault::Io,
            1 => Fault::NoSpace,
            _ => Fault::Crash,
        };
        // The near ones strike what is under way, the far ones anything.
        let ahead = if rng.coin() { rng.below(20) } else { rng.below(AHEAD_MAX) };
        let operation = disk.operations() + ahead;
        disk.fail_at(operation, fault);
        self.planned.push((operation, fault));
        fault
    }

    /// Leaves the disk this much room, until [`Faults::make_room`].
    pub(crate) fn fill(&mut self, disk: &MemDisk, capacity_bytes: u64) {
        disk.set_capacity(Some(capacity_bytes));
        self.had_full_disk = true;
    }

    /// Gives the disk room again.
    pub(crate) fn make_room(&self, disk: &MemDisk) {
        disk.set_capacity(None);
    }

    /// Whether anything has struck this life, so that it may fail. Nothing excuses lost or wrong data.
    pub(crate) fn have_struck(&self, disk: &MemDisk) -> bool {
        let has_passed = |(operation, _): &(u64, Fault)| disk.operations() > *operation;
        disk.is_down() || self.had_full_disk || self.planned.iter().any(has_passed)
    }

    /// A new life begins; faults that were planned are forgotten with the old one.
    pub(crate) fn restart(&mut self) {
        self.planned.clear();
        // A disk that is still full is full for the next life, too.
    }

    /// The run heals: nothing excuses a failure any longer.
    pub(crate) fn heal(&mut self, disk: &MemDisk) {
        self.make_room(disk);
        self.planned.clear();
        self.had_full_disk = false;
    }
}
