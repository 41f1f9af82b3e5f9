//! The room's door.

use std::sync::Arc;

use taffrail_model::{ErrorCode, LeaderEpoch, Mono, NodeId, Now, Offset};
use taffrail_protocol::records::MetadataRecord;

use super::leadership::Leadership;
use super::state::State;
use super::{BootstrapRecords, Effect, Event, Refusal};
use crate::config::StaticConfig;
use crate::image::MetadataImage;

/// What a controller is given once, at its start.
#[derive(Clone, Debug)]
pub struct ControllerConfig {
    /// This node's id.
    pub node_id: NodeId,
    /// The cluster's id: brokers of another cluster are turned away.
    pub cluster_id: String,
    /// `server.properties`.
    pub static_config: Arc<StaticConfig>,
    /// What an empty log begins with.
    pub bootstrap: BootstrapRecords,
}

impl ControllerConfig {
    pub(super) fn num_partitions(&self) -> i32 {
        self.static_config.int("num.partitions")
    }

    pub(super) fn default_replication_factor(&self) -> i16 {
        let factor = self.static_config.int("default.replication.factor");
        i16::try_from(factor).unwrap_or(i16::MAX)
    }
}

/// A controller of the quorum. It follows committed records until it leads; then it decides, replays its
/// decision at once into a speculative state, appends it, and answers and publishes when it is
/// committed. What fails to be appended is as if it had never been decided.
///
/// Invariant: what is published, and what an answer rests on, is committed.
#[derive(Debug)]
pub struct Controller {
    config: ControllerConfig,
    committed: State,
    leadership: Option<Leadership>,
    next_append_id: u64,
}

impl Controller {
    /// A controller that knows nothing yet and doesn't lead.
    #[must_use]
    pub fn new(config: ControllerConfig) -> Self {
        Self { config, committed: State::default(), leadership: None, next_append_id: 0 }
    }

    /// The committed state, inside a metadata transaction too.
    #[must_use]
    pub fn committed_image(&self) -> &MetadataImage {
        self.committed.image()
    }

    /// The offset of the next committed record that this controller wants to hear of.
    #[must_use]
    pub fn next_offset(&self) -> Offset {
        self.committed.next_offset()
    }

    /// The epoch in which this controller leads.
    #[must_use]
    pub fn leading_epoch(&self) -> Option<LeaderEpoch> {
        self.leadership.as_ref().map(Leadership::epoch)
    }

    /// When the next [`Event::Tick`] is due; `None` while not leading.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        self.leadership.as_ref().map(Leadership::next_deadline)
    }

    /// Takes one event and says what to do about it.
    ///
    /// # Panics
    /// When the carrier breaks the contract of [`Event`]: committed records while leading, appends out
    /// of their order or place.
    pub fn step(&mut self, now: Now, event: Event, out: &mut Vec<Effect>) {
        match event {
            Event::LoadSnapshot { image, next_offset } => {
                assert!(self.leadership.is_none(), "a leader has all of the log");
                self.committed.load_snapshot(image, next_offset);
                self.publish(out);
            }
            Event::Replay { base_offset, records } => self.replay(base_offset, &records, out),
            Event::BecameLeader { epoch, end_offset } => {
                self.resign(out);
                let leadership =
                    Leadership::begin(epoch, end_offset, self.committed.clone(), &self.config, now);
                self.leadership = Some(leadership);
                self.lead(|leader, context, out| leader.activate(context, now, out), out);
            }
            Event::Resigned => self.resign(out),
            Event::LogEndMoved { end_offset } => {
                self.lead(|leader, _, _| leader.log_end_moved(end_offset), out);
            }
            Event::Request { token, deadline, random, operation } => {
                if self.leadership.is_none() {
                    out.push(Effect::Reply { token, answer: Err(not_controller()) });
                    return;
                }
                let request = super::leadership::Request { token, deadline, random, operation };
                self.lead(|leader, context, out| leader.request(context, request, now, out), out);
            }
            Event::Appended { append_id, last_offset } => {
                self.lead(|leader, _, _| leader.appended(append_id, last_offset), out)
            }
            Event::AppendFailed { append_id } => {
                let committed = &self.committed;
                if let Some(leader) = &mut self.leadership {
                    leader.append_failed(append_id, committed, out);
                }
            }
            Event::Committed { high_watermark } => {
                if let Some(leader) = &mut self.leadership
                    && let Some(state) = leader.committed(high_watermark, out)
                {
                    self.committed = state;
                }
            }
            Event::Tick => {
                self.lead(|leader, context, out| leader.tick(context, now, out), out);
            }
        }
    }

    fn lead(
        &mut self,
        act: impl FnOnce(&mut Leadership, &mut Context<'_>, &mut Vec<Effect>),
        out: &mut Vec<Effect>,
    ) {
        if let Some(leader) = &mut self.leadership {
            let mut context =
                Context { config: &self.config, next_append_id: &mut self.next_append_id };
            act(leader, &mut context, out);
        }
    }

    fn replay(&mut self, base_offset: Offset, records: &[MetadataRecord], out: &mut Vec<Effect>) {
        assert!(self.leadership.is_none(), "a leader knows its own records");
        for (offset, record) in (base_offset..).zip(records) {
            // What a snapshot held, or a former leadership committed, is known already.
            if offset < self.committed.next_offset() {
                continue;
            }
            if let Err(error) = self.committed.replay(offset, record) {
                out.push(Effect::Fatal { offset, error });
                return;
            }
        }
        self.publish(out);
    }

    fn publish(&mut self, out: &mut Vec<Effect>) {
        if let Some(loaded) = self.committed.take_loaded() {
            out.push(Effect::Publish(Box::new(loaded)));
        }
    }

    fn resign(&mut self, out: &mut Vec<Effect>) {
        if let Some(leader) = self.leadership.take() {
            leader.resign(out);
        }
    }
}

/// What a leadership uses and doesn't own.
pub(super) struct Context<'a> {
    pub(super) config: &'a ControllerConfig,
    pub(super) next_append_id: &'a mut u64,
}

/// What is answered by somebody who doesn't lead.
pub(super) fn not_controller() -> Refusal {
    Refusal::new(ErrorCode::NotController, "This is not the correct controller for this cluster.")
}
