//! The hard state twice: as of the last decision, and as of the high watermark; and the writes in between with those
//! that wait for them.

use std::collections::VecDeque;

use taffrail_model::{Mono, Now, Offset};

use crate::answer::Answer;
use crate::classic::{PendingAssignment, PendingStaticJoin};
use crate::effect::{Effect, ReplyToken, WriteId};
use crate::records;
use crate::state::{Change, GroupId, HardState};

/// Decisions are replayed into the speculative state as they are made; the committed state follows the high watermark.
#[derive(Debug, Default)]
pub(crate) struct Store {
    committed: HardState,
    speculative: HardState,
    high_watermark: Offset,
    pending: VecDeque<PendingWrite>,
    /// How many writes at the front of `pending` nobody waits for any longer: they took too long.
    given_up: usize,
    next_write_id: u64,
}

/// A write that isn't committed yet.
#[derive(Debug)]
pub(crate) struct PendingWrite {
    /// None for what was read at load.
    write_id: Option<WriteId>,
    /// Until when those who wait are patient.
    deadline: Mono,
    /// None until it is in the log.
    last_offset: Option<Offset>,
    /// Its records can't be encoded: it changed nothing and nothing was appended.
    refused: bool,
    after: HardState,
    touched: Vec<GroupId>,
    waiting: Vec<Waiting>,
}

/// What follows a write, once it is committed or has failed.
#[derive(Debug)]
pub(crate) enum Waiting {
    /// A reply goes out, or its error does.
    Reply { token: ReplyToken, answer: Answer },
    /// Members get their assignment, or rebalance again.
    Assignment(PendingAssignment),
    /// A static member is back under a new id, or the change of id is undone.
    StaticJoin(PendingStaticJoin),
}

/// What is left of a write that is over.
#[derive(Debug)]
pub(crate) struct SettledWrite {
    /// The groups that its records were about.
    pub(crate) touched: Vec<GroupId>,
    /// Who waits for it.
    pub(crate) waiting: Vec<Waiting>,
}

impl Store {
    /// Forgets everything but the count of writes, and returns who waits. `high_watermark` is the partition's own.
    pub(crate) fn reset(&mut self, high_watermark: Offset) -> Vec<Waiting> {
        let next_write_id = self.next_write_id;
        let old =
            std::mem::replace(self, Self { high_watermark, next_write_id, ..Self::default() });
        old.pending.into_iter().flat_map(|write| write.waiting).collect()
    }

    /// The state as of the last decision, for decisions.
    pub(crate) fn speculative(&self) -> &HardState {
        &self.speculative
    }

    /// The state as of the high watermark, for reads.
    pub(crate) fn committed(&self) -> &HardState {
        &self.committed
    }

    /// Counts writes: it differs before and after a step that wrote.
    pub(crate) fn writes(&self) -> u64 {
        self.next_write_id
    }

    /// Replays a batch that is in the log already.
    pub(crate) fn load(&mut self, changes: &[Change], last_offset: Offset) {
        for change in changes {
            self.speculative.replay(change);
        }
        if self.pending.is_empty() && last_offset < self.high_watermark {
            self.committed = self.speculative.clone();
        } else {
            self.pending.push_back(PendingWrite {
                write_id: None,
                deadline: Mono::ZERO,
                last_offset: Some(last_offset),
                refused: false,
                after: self.speculative.clone(),
                touched: Vec::new(),
                waiting: Vec::new(),
            });
        }
    }

    /// Decides: replays the changes, and asks for them to be appended as one batch. `waiting` follows.
    pub(crate) fn write(
        &mut self,
        now: Now,
        deadline: Mono,
        changes: &[Change],
        waiting: Option<Waiting>,
        out: &mut Vec<Effect>,
    ) {
        let write_id = WriteId(self.next_write_id);
        self.next_write_id += 1;
        let encoded: Result<Vec<_>, _> = changes.iter().map(records::encode).collect();
        let refused = encoded.is_err();
        if let Ok(records) = encoded {
            for change in changes {
                self.speculative.replay(change);
            }
            out.push(Effect::Append { write_id, timestamp: now.wall, records });
        }
        let mut touched: Vec<GroupId> =
            changes.iter().map(|change| change.group().clone()).collect();
        touched.dedup();
        self.pending.push_back(PendingWrite {
            write_id: Some(write_id),
            deadline,
            last_offset: None,
            refused,
            after: self.speculative.clone(),
            touched,
            waiting: Vec::from_iter(waiting),
        });
    }

    /// Those who wait for the last write, to be joined; none when all writes are committed.
    pub(crate) fn last_waiting(&mut self) -> Option<&mut Vec<Waiting>> {
        self.pending.back_mut().map(|write| &mut write.waiting)
    }

    /// Notes where a write ended up. A write that is unknown belongs to a leadership that is over.
    pub(crate) fn appended(&mut self, write_id: WriteId, last_offset: Offset) {
        if let Some(write) =
            self.pending.iter_mut().rev().find(|write| write.write_id == Some(write_id))
        {
            write.last_offset = Some(last_offset);
        }
    }

    /// Moves the high watermark, which never goes back.
    pub(crate) fn advance(&mut self, high_watermark: Offset) {
        self.high_watermark = self.high_watermark.max(high_watermark);
    }

    /// Takes the first write that is committed now.
    pub(crate) fn pop_committed(&mut self) -> Option<SettledWrite> {
        let last_offset = self.pending.front()?.last_offset?;
        if last_offset >= self.high_watermark {
            return None;
        }
        let write = self.pending.pop_front()?;
        self.given_up = self.given_up.saturating_sub(1);
        self.committed = write.after;
        Some(SettledWrite { touched: write.touched, waiting: write.waiting })
    }

    /// Undoes a write and all after it.
    pub(crate) fn roll_back(&mut self, write_id: WriteId) -> Vec<SettledWrite> {
        let Some(first) = self.pending.iter().position(|write| write.write_id == Some(write_id))
        else {
            return Vec::new();
        };
        let undone = self.pending.split_off(first);
        self.given_up = self.given_up.min(first);
        let last = self.pending.back().map_or(&self.committed, |write| &write.after);
        self.speculative = last.clone();
        undone
            .into_iter()
            .map(|write| SettledWrite { touched: write.touched, waiting: write.waiting })
            .collect()
    }

    #[cfg(test)]
    pub(crate) fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }

    /// When somebody's patience ends.
    pub(crate) fn next_deadline(&self) -> Option<Mono> {
        self.pending.get(self.given_up).map(|write| write.deadline)
    }

    /// Takes those whose patience has ended. Their write may still be committed; they can't know. A static member
    /// goes on waiting, since its old id must not come back beside a new one that is in the log.
    pub(crate) fn give_up(&mut self, now: Mono) -> Vec<Waiting> {
        let mut impatient = Vec::new();
        while let Some(write) = self.pending.get_mut(self.given_up)
            && write.deadline <= now
        {
            let is_patient = |waiting: &mut Waiting| matches!(waiting, Waiting::StaticJoin(_));
            impatient.extend(write.waiting.extract_if(.., |waiting| !is_patient(waiting)));
            self.given_up += 1;
        }
        impatient
    }

    /// Takes the first write that was refused. It changed nothing, so there is nothing to undo.
    pub(crate) fn pop_refused(&mut self) -> Option<SettledWrite> {
        let refused = self.pending.iter().position(|write| write.refused)?;
        let write = self.pending.remove(refused)?;
        Some(SettledWrite { touched: write.touched, waiting: write.waiting })
    }
}
