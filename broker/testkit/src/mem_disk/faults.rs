//! Faults that a test has asked for, and the count of operations by which it names the moment.

use std::collections::BTreeMap;
use std::io;

/// What goes wrong with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The device fails (EIO). Half of a write has been done by then.
    Io,
    /// The file system is full (ENOSPC). Half of a write has been done by then. An operation that needs no
    /// room succeeds.
    NoSpace,
    /// The machine stops: this operation and all later ones fail, until
    /// [`MemDisk::crash`](super::MemDisk::crash) or [`MemDisk::kill`](super::MemDisk::kill) starts it again.
    Crash,
}

/// Whether an operation may need room on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Nothing,
    Room,
}

/// The plan, and where in it the disk is.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    operations: u64,
    planned: BTreeMap<u64, Fault>,
    is_down: bool,
}

impl Faults {
    pub(super) fn operations(&self) -> u64 {
        self.operations
    }

    pub(super) fn plan(&mut self, operation: u64, fault: Fault) {
        self.planned.insert(operation, fault);
    }

    pub(super) fn is_down(&self) -> bool {
        self.is_down
    }

    pub(super) fn restart(&mut self) {
        self.is_down = false;
        self.planned.clear();
    }

    /// Counts an operation; the fault that strikes it, if any.
    pub(super) fn strike(&mut self, need: Need) -> Option<Fault> {
        if self.is_down {
            return Some(Fault::Crash);
        }
        let operation = self.operations;
        self.operations += 1;
        let fault = self.planned.remove(&operation)?;
        if fault == Fault::NoSpace && need == Need::Nothing {
            return None;
        }
        self.is_down = fault == Fault::Crash;
        Some(fault)
    }
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Io => Self::other("injected I/O error"),
            Fault::NoSpace => Self::new(io::ErrorKind::StorageFull, "injected: no space left"),
            Fault::Crash => Self::other("injected crash: the machine is down"),
        }
    }
}
