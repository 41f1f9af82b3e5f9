//! Reads what was produced, from the beginning on.

use anyhow::Result;
use taffrail_model::{Offset, TopicIdPartition};

use crate::turn::Turn;

/// One consumer.
#[derive(Debug, Default)]
pub(crate) struct Consumer {
    target: Option<TopicIdPartition>,
    position: Offset,
}

impl Consumer {
    /// Reads on, up to the high watermark.
    pub(crate) fn step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        if turn.rng.one_in(60) || self.target.is_none_or(|id| turn.node.view(id).is_none()) {
            self.target = turn.any_partition();
            self.position = 0;
        }
        let Some(target) = self.target else { return Ok(()) };
        let Some(view) = turn.node.view(target) else { return Ok(()) };
        if self.position > view.high_watermark {
            let is_excused = turn.model.histories.get(&target).is_some_and(|log| log.has_lost());
            anyhow::ensure!(
                is_excused,
                "{target:?}: {} was read, and the high watermark is {}",
                self.position,
                view.high_watermark
            );
            self.position = view.high_watermark;
        }
        if !turn.observe(target)? {
            return Ok(());
        }
        let batches = match turn.node.read_once(target, self.position, view.high_watermark) {
            Ok(batches) => batches,
            Err(error) => return turn.excuse_read(&error),
        };
        let Some(history) = turn.model.histories.get(&target) else { return Ok(()) };
        history.check_read(&batches, view.high_watermark)?;
        turn.coverage.batches_consumed += batches.len() as u64;
        if let Some(last) = batches.last() {
            self.position = last.header.next_offset();
        }
        Ok(())
    }
}
