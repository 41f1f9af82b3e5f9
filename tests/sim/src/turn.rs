//! What a client has at hand when it is its turn.

use anyhow::{Result, bail, ensure};
use taffrail_metadata::Operation;
use taffrail_model::{GROUP_METADATA_TOPIC, Now, TopicIdPartition};
use taffrail_testkit::{MemDisk, SeededRng};

use crate::coverage::Coverage;
use crate::faults::Faults;
use crate::model::Model;
use crate::node::{ControlAnswer, Node, ReadError};
use crate::trace::Trace;

/// One moment of a node that serves, and all that is known of it.
pub(crate) struct Turn<'a> {
    pub(crate) now: Now,
    pub(crate) node: &'a mut Node,
    pub(crate) disk: &'a MemDisk,
    pub(crate) faults: &'a Faults,
    pub(crate) model: &'a mut Model,
    pub(crate) rng: &'a mut SeededRng,
    pub(crate) trace: &'a mut Trace,
    pub(crate) coverage: &'a mut Coverage,
}

impl Turn<'_> {
    /// Takes note of an event.
    pub(crate) fn note(&mut self, event: std::fmt::Arguments<'_>) {
        self.trace.note(self.now, event);
    }

    /// Asks the controller. `None` when no answer counts: the node went down, and what was asked may be done or not.
    pub(crate) fn ask(&mut self, operation: Operation) -> Option<ControlAnswer> {
        let answer = self.node.ask(self.now, self.rng, operation);
        if self.node.failure().is_some() { None } else { answer }
    }

    /// Fails unless a fault excuses that something didn't work.
    pub(crate) fn excuse(&self, what: impl std::fmt::Display) -> Result<()> {
        ensure!(self.faults.have_struck(self.disk), "no fault has struck, and yet: {what}");
        Ok(())
    }

    /// What a read failed for is excused by a fault, or is a violation.
    pub(crate) fn excuse_read(&self, error: &ReadError) -> Result<()> {
        match error {
            ReadError::Log(_) => self.excuse(error),
            ReadError::Content(_) => bail!("a log holds what it can't: {error}"),
        }
    }

    /// Takes note of what was appended to a partition since it was looked at last. Returns whether all was seen.
    pub(crate) fn observe(&mut self, id: TopicIdPartition) -> Result<bool> {
        let Some(view) = self.node.view(id) else { return Ok(false) };
        let Some(history) = self.model.histories.get_mut(&id) else { return Ok(false) };
        match self.node.read(id, history.end(), view.log_end) {
            Ok(batches) => {
                history.observe(&batches, view.log_end, &self.model.sent)?;
                history.check_view(view)?;
                if let Some(point) = self.node.recovery_point(id) {
                    history.must_survive_power_cut(point);
                }
                Ok(true)
            }
            Err(error) => self.excuse_read(&error).map(|()| false),
        }
    }

    /// A partition of the topics that clients use, by chance.
    pub(crate) fn any_partition(&mut self) -> Option<TopicIdPartition> {
        let ids: Vec<TopicIdPartition> = self
            .node
            .hosted()
            .iter()
            .filter(|(_, topic)| topic.as_str() != GROUP_METADATA_TOPIC)
            .map(|(&id, _)| id)
            .collect();
        let index = usize::try_from(self.rng.below(ids.len() as u64)).unwrap_or(0);
        ids.get(index).copied()
    }
}
