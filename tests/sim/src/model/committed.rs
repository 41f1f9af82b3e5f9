//! What groups have committed.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use taffrail_model::{Offset, PartitionIndex};

/// A group's offset of one partition of the topic that groups read.
pub(crate) type Slot = (String, PartitionIndex);

#[derive(Clone, Copy, Debug)]
struct Commits {
    /// The last that was acknowledged, -1 for none.
    acked: Offset,
    /// The last that was tried. Those that are tried rise.
    tried: Offset,
}

/// The commits of all groups.
#[derive(Debug, Default)]
pub(crate) struct CommittedOffsets {
    slots: BTreeMap<Slot, Commits>,
}

impl CommittedOffsets {
    /// The offset to commit next, higher than all before.
    pub(crate) fn next(&mut self, slot: &Slot) -> Offset {
        let commits = self.slots.entry(slot.clone()).or_insert(Commits { acked: -1, tried: 0 });
        commits.tried += 1;
        commits.tried
    }

    /// A commit was acknowledged.
    pub(crate) fn acknowledge(&mut self, slot: &Slot, offset: Offset) {
        if let Some(commits) = self.slots.get_mut(slot) {
            commits.acked = commits.acked.max(offset);
        }
    }

    /// The last offset that was acknowledged, -1 for none.
    pub(crate) fn acked(&self, slot: &Slot) -> Offset {
        self.slots.get(slot).map_or(-1, |commits| commits.acked)
    }

    /// Checks what was fetched, by somebody who asked when `acked` was the last acknowledged one.
    pub(crate) fn check(&self, slot: &Slot, acked: Offset, fetched: Offset) -> Result<()> {
        let tried = self.slots.get(slot).map_or(-1, |commits| commits.tried);
        ensure!(
            fetched >= acked && fetched <= tried,
            "{slot:?}: {fetched} was fetched, where {acked} was acknowledged and {tried} tried last"
        );
        Ok(())
    }

    /// The log of groups has lost its end, as it may: nothing is known of what is committed any longer.
    pub(crate) fn forget(&mut self) {
        for commits in self.slots.values_mut() {
            commits.acked = -1;
        }
    }
}
