//! What goes wrong in a run, and whether a failure can be put down to it.

use std::path::Path;

use taffrail_log::Disk;
use taffrail_testkit::{Fault, MemDisk, SeededRng};

/// How far ahead a fault is planned, in operations of the disk.
const AHEAD_MAX: u64 = 400;

/// The faults of the node's present life.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    planned: Vec<(u64, Fault)>,
    is_full: bool,
    /// The disk is full, or was in this life.
    was_full: bool,
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

    /// Leaves the disk this much room, until [`Faults::make_room`]. Nothing happens to a disk that can't be asked how
    /// full it is.
    pub(crate) fn fill(&mut self, disk: &MemDisk, room_bytes: u64) {
        disk.set_capacity(Some(u64::MAX));
        let Ok(space) = disk.space(Path::new("/")) else { return disk.set_capacity(None) };
        let used_bytes = space.total_bytes - space.free_bytes;
        disk.set_capacity(Some(used_bytes + room_bytes));
        self.is_full = true;
        self.was_full = true;
    }

    /// Gives the disk room again.
    pub(crate) fn make_room(&mut self, disk: &MemDisk) {
        disk.set_capacity(None);
        self.is_full = false;
    }

    /// Whether the disk has little room left.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Whether anything has struck this life, so that it may fail. Nothing excuses lost or wrong data.
    pub(crate) fn have_struck(&self, disk: &MemDisk) -> bool {
        let has_passed = |(operation, _): &(u64, Fault)| disk.operations() > *operation;
        disk.is_down() || self.was_full || self.planned.iter().any(has_passed)
    }

    /// A new life begins; faults that were planned are forgotten with the old one.
    pub(crate) fn restart(&mut self) {
        self.planned.clear();
        self.was_full = self.is_full;
    }
}
