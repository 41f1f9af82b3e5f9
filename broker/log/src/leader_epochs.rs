//! Which leader epoch wrote which offsets (KIP-101), and its file `leader-epoch-checkpoint`.

use taffrail_model::{LeaderEpoch, NO_LEADER_EPOCH, NO_OFFSET, Offset};

use crate::checkpoint::TextFile;

/// The first offset of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEntry {
    /// The epoch of the leader.
    pub epoch: LeaderEpoch,
    /// The first offset that it wrote, or would have written.
    pub start_offset: Offset,
}

/// The end of an epoch, as OffsetForLeaderEpoch answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEnd {
    /// The greatest known epoch that isn't above the one asked for, or -1.
    pub epoch: LeaderEpoch,
    /// The offset behind that epoch's last record, or -1.
    pub end_offset: Offset,
}

/// The epochs of one log. Both epochs and start offsets rise strictly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LeaderEpochs {
    entries: Vec<EpochEntry>,
}

impl LeaderEpochs {
    pub(crate) fn entries(&self) -> &[EpochEntry] {
        &self.entries
    }

    pub(crate) fn latest(&self) -> Option<EpochEntry> {
        self.entries.last().copied()
    }

    /// Takes note that `epoch` begins at `start_offset`. Entries that contradict it go, since the newer
    /// leader is right. Returns whether anything changed.
    pub(crate) fn assign(&mut self, epoch: LeaderEpoch, start_offset: Offset) -> bool {
        if epoch < 0 || start_offset < 0 {
            return false;
        }
        let latest = self.latest();
        if latest.is_some_and(|last| last.epoch == epoch && last.start_offset <= start_offset) {
            return false;
        }
        self.entries.retain(|entry| entry.epoch < epoch && entry.start_offset < start_offset);
        self.entries.push(EpochEntry { epoch, start_offset });
        true
    }

    /// The epoch that wrote `offset`.
    pub(crate) fn epoch_of(&self, offset: Offset) -> Option<LeaderEpoch> {
        let following = self.entries.partition_point(|entry| entry.start_offset <= offset);
        self.entries.get(following.checked_sub(1)?).map(|entry| entry.epoch)
    }

    /// Where `epoch` ends (Kafka's `LeaderEpochFileCache.endOffsetFor`): the start of the next epoch, or the
    /// end of the log for the latest. An epoch below all that are known ends where the first known begins.
    pub(crate) fn end_of(&self, epoch: LeaderEpoch, log_end_offset: Offset) -> EpochEnd {
        let unknown = EpochEnd { epoch: NO_LEADER_EPOCH, end_offset: NO_OFFSET };
        if epoch == NO_LEADER_EPOCH {
            return unknown;
        }
        let above = self.entries.partition_point(|entry| entry.epoch <= epoch);
        let floor = above.checked_sub(1).and_then(|index| self.entries.get(index));
        match (floor, self.entries.get(above)) {
            (Some(floor), None) if floor.epoch == epoch => {
                EpochEnd { epoch, end_offset: log_end_offset }
            }
            (_, None) => unknown,
            (None, Some(next)) => EpochEnd { epoch, end_offset: next.start_offset },
            (Some(floor), Some(next)) => {
                EpochEnd { epoch: floor.epoch, end_offset: next.start_offset }
            }
        }
    }

    /// Drops the epochs that begin at `end_offset` or later. Returns whether anything changed.
    pub(crate) fn truncate_from_end(&mut self, end_offset: Offset) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.start_offset < end_offset);
        before != self.entries.len()
    }

    /// Drops the epochs that end before `start_offset`; the one that holds it begins there. Returns whether
    /// anything changed.
    pub(crate) fn truncate_from_start(&mut self, start_offset: Offset) -> bool {
        let covered = self.entries.partition_point(|entry| entry.start_offset <= start_offset);
        let Some(last) = covered.checked_sub(1) else { return false };
        let is_changed =
            last > 0 || self.entries.first().is_some_and(|entry| entry.start_offset < start_offset);
        self.entries.drain(..last);
        if let Some(first) = self.entries.first_mut() {
            first.start_offset = start_offset;
        }
        is_changed
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    /// As the checkpoint has it: `<epoch> <start offset>` on each line.
    pub(crate) fn to_text(&self) -> String {
        let lines =
            self.entries.iter().map(|entry| format!("{} {}", entry.epoch, entry.start_offset));
        TextFile::render(lines)
    }

    pub(crate) fn from_text(text: &str) -> Result<Self, String> {
        let mut epochs = Self::default();
        for line in TextFile::parse(text)? {
            let malformed = || format!("malformed line {line:?}");
            let (epoch, start_offset) = line.split_once(' ').ok_or_else(malformed)?;
            let epoch = epoch.parse().map_err(|_| malformed())?;
            epochs.assign(epoch, start_offset.parse().map_err(|_| malformed())?);
        }
        Ok(epochs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(entries: &[(LeaderEpoch, Offset)]) -> LeaderEpochs {
        let mut epochs = LeaderEpochs::default();
        for (epoch, start_offset) in entries {
            epochs.assign(*epoch, *start_offset);
        }
        epochs
    }

    fn pairs(epochs: &LeaderEpochs) -> Vec<(LeaderEpoch, Offset)> {
        epochs.entries().iter().map(|entry| (entry.epoch, entry.start_offset)).collect()
    }

    #[test]
    fn a_newer_assignment_drops_what_contradicts_it() {
        let check = |assignments: &[(LeaderEpoch, Offset)], expect: &[(LeaderEpoch, Offset)]| {
            assert_eq!(pairs(&epochs(assignments)), expect, "{assignments:?}");
        };
        check(&[(0, 0), (2, 10), (5, 20)], &[(0, 0), (2, 10), (5, 20)]);
        check(&[(0, 0), (0, 10)], &[(0, 0)]);
        check(&[(0, 0), (1, 10), (2, 10)], &[(0, 0), (2, 10)]);
        check(&[(0, 0), (1, 10), (2, 5)], &[(0, 0), (2, 5)]);
        check(&[(3, 10), (2, 20)], &[(2, 20)]);
        check(&[(-1, 0)], &[]);
    }

    #[test]
    fn ends_of_epochs_are_kafkas() {
        let known = epochs(&[(1, 10), (3, 20), (5, 30)]);
        let check = |epoch, expect: (LeaderEpoch, Offset)| {
            let end = known.end_of(epoch, 40);
            assert_eq!((end.epoch, end.end_offset), expect, "epoch {epoch}");
        };
        check(-1, (-1, -1));
        check(0, (0, 10));
        check(1, (1, 20));
        check(2, (1, 20));
        check(3, (3, 30));
        check(4, (3, 30));
        check(5, (5, 40));
        check(6, (-1, -1));
    }

    #[test]
    fn both_ends_can_be_cut() {
        let mut known = epochs(&[(1, 10), (3, 20), (5, 30)]);
        assert!(known.truncate_from_end(30));
        assert_eq!(pairs(&known), [(1, 10), (3, 20)]);
        assert!(known.truncate_from_start(15));
        assert_eq!(pairs(&known), [(1, 15), (3, 20)]);
        assert!(known.truncate_from_start(20));
        assert_eq!(pairs(&known), [(3, 20)]);
        assert!(!known.truncate_from_start(5));
        assert_eq!(known.epoch_of(19), None);
        assert_eq!(known.epoch_of(20), Some(3));
    }

    #[test]
    fn the_text_is_kafkas() {
        let known = epochs(&[(1, 10), (3, 20)]);
        assert_eq!(known.to_text(), "0\n2\n1 10\n3 20\n");
        assert_eq!(LeaderEpochs::from_text("0\n2\n1 10\n3 20\n"), Ok(known));
        assert!(LeaderEpochs::from_text("0\n1\nx\n").is_err());
    }
}
