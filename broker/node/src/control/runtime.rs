//! The control part itself: it carries out what the quorum and the controller ask for.

use std::collections::VecDeque;
use std::path::PathBuf;

use bytes::Bytes;
use taffrail_log::{Disk, RecoveryReport};
use taffrail_metadata as metadata;
use taffrail_metadata::{BootstrapRecords, Controller, Loaded, VersionedRecord};
use taffrail_model::{LeaderEpoch, Mono, Now, Offset};
use taffrail_protocol::records::MetadataRecord;
use taffrail_quorum as quorum;
use taffrail_quorum::{Quorum, QuorumConfig, Recovered};

use super::metadata_log::MetadataLog;
use super::recovery::{Recovery, decode_metadata, decode_values};
use super::{
    CLUSTER_METADATA_DIR, ControlConfig, ControlEffect, ControlEvent, ControlFailure,
    read_bootstrap, read_quorum_state, write_quorum_state,
};

/// How many records the controller hears of at once at the start, give or take a batch.
const REPLAY_RUN_RECORDS: usize = 10_000;

/// The quorum, the controller and the metadata log of one node.
///
/// [`Control::step`] takes in an event; records that it appends are synced by [`Control::flush`], which
/// commits everything that was stepped since the last one, and so releases its replies.
/// [`Control::step_many`] does both.
pub struct Control<D: Disk> {
    disk: D,
    /// The directory of the metadata log.
    directory: PathBuf,
    quorum: Quorum,
    controller: Controller,
    log: MetadataLog<D>,
    /// What the controller wants done, in order.
    pending: VecDeque<metadata::Effect>,
    /// What was read back and not shown yet. An image on the way to the committed one is never shown: to a
    /// node that starts it would take topics for strays that later records create.
    unpublished: Option<Box<Loaded>>,
    /// All committed records below it are in the controller's image.
    applied: Offset,
    /// The controller was told that it leads.
    leading: bool,
    flush_wanted: bool,
    failed: bool,
}

impl<D: Disk> Control<D> {
    /// Reads the metadata directory, and recovers the log. No election is held before
    /// [`ControlEvent::Start`].
    ///
    /// # Errors
    /// [`ControlFailure`], whose text and sources name what is wrong with which file.
    pub fn open(disk: D, config: ControlConfig, now: Now) -> Result<Self, ControlFailure> {
        let directory = config.metadata_dir.join(CLUSTER_METADATA_DIR);
        let is_there = disk.exists(&directory).map_err(|source| ControlFailure::Disk {
            action: "look for",
            path: directory.clone(),
            source,
        })?;
        if !is_there {
            return Err(ControlFailure::NotFormatted(directory));
        }
        let election_state = read_quorum_state(&disk, &directory)?;
        let mut recovery = Recovery::from_snapshot(&disk, &directory)?;
        let snapshot_id = recovery.snapshot_id;
        let log = MetadataLog::open(&disk, &directory, &config, snapshot_id, now)?;
        recovery.read_control_records(&log)?;

        let mut controller_config = config.controller;
        let bootstrap_values = match read_bootstrap(&disk, &config.metadata_dir)? {
            Some(values) => values,
            None => recovery.bootstrap_values,
        };
        if !bootstrap_values.is_empty() {
            let records = decode_values(&bootstrap_values)?;
            controller_config.bootstrap = BootstrapRecords::new(records);
        }
        let mut controller = Controller::new(controller_config);
        let mut effects = Vec::new();
        if snapshot_id.offset > 0 {
            let event = metadata::Event::LoadSnapshot {
                image: recovery.image,
                next_offset: snapshot_id.offset,
            };
            controller.step(now, event, &mut effects);
        }

        let quorum = Quorum::new(
            QuorumConfig {
                node_id: config.node_id,
                directory_id: config.directory_id,
                endpoints: config.endpoints,
                election_timeout: config.election_timeout,
            },
            Recovered {
                election_state,
                log_end: log.end(),
                kraft_version: recovery.kraft_version,
                voters: recovery.voters,
                voters_in_log: recovery.voters_in_log,
            },
        )?;
        let mut control = Self {
            disk,
            directory,
            quorum,
            controller,
            log,
            pending: VecDeque::new(),
            unpublished: None,
            applied: snapshot_id.offset,
            leading: false,
            flush_wanted: false,
            failed: false,
        };
        control.take_replayed(effects);
        Ok(control)
    }

    /// Takes in one event. Replies that rest on new records follow from [`Control::flush`].
    pub fn step(&mut self, now: Now, event: ControlEvent, out: &mut Vec<ControlEffect>) {
        let carried_out = match event {
            ControlEvent::Start => self.step_quorum(now, quorum::Event::Start, out),
            ControlEvent::Request { token, deadline, random, operation } => {
                let event = metadata::Event::Request { token, deadline, random, operation };
                self.step_controller(now, event);
                Ok(())
            }
            ControlEvent::Tick => {
                self.step_controller(now, metadata::Event::Tick);
                self.step_quorum(now, quorum::Event::Tick, out)
            }
            ControlEvent::Resign { random } => {
                self.step_quorum(now, quorum::Event::Resign { random }, out)
            }
            ControlEvent::Shutdown => {
                self.flush_all(now, out);
                self.step_quorum(now, quorum::Event::Shutdown, out)
            }
        };
        let carried_out = carried_out.and_then(|()| self.carry_out_pending(now, out));
        self.fail_on_error(now, carried_out, out);
    }

    /// Syncs what was appended, and carries out what is committed thereby. What that appends in turn (the
    /// first records of a cluster, say) wants another flush: see [`Control::wants_flush`].
    pub fn flush(&mut self, now: Now, out: &mut Vec<ControlEffect>) {
        if self.failed || !std::mem::take(&mut self.flush_wanted) {
            return;
        }
        let flushed = self.try_flush(now, out);
        self.fail_on_error(now, flushed, out);
    }

    /// Takes in a run of events, and flushes until nothing is left to commit: one sync for all of them.
    pub fn step_many(
        &mut self,
        now: Now,
        events: impl IntoIterator<Item = ControlEvent>,
        out: &mut Vec<ControlEffect>,
    ) {
        for event in events {
            self.step(now, event, out);
        }
        self.flush_all(now, out);
    }

    /// Whether records wait for a [`Control::flush`].
    #[must_use]
    pub fn wants_flush(&self) -> bool {
        self.flush_wanted && !self.failed
    }

    /// When the next [`ControlEvent::Tick`] has something to do, if ever.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        let controller = self.controller.next_deadline();
        let quorum = self.quorum.next_deadline();
        controller.into_iter().chain(quorum).min()
    }

    /// Whether this node is the active controller.
    #[must_use]
    pub fn is_leading(&self) -> bool {
        self.leading
    }

    /// The quorum's epoch.
    #[must_use]
    pub fn epoch(&self) -> LeaderEpoch {
        self.quorum.epoch()
    }

    /// The quorum, to be looked at.
    #[must_use]
    pub fn quorum(&self) -> &Quorum {
        &self.quorum
    }

    /// What the log's recovery found at the start: a torn tail, say, which an administrator should hear of.
    #[must_use]
    pub fn recovery_report(&self) -> &RecoveryReport {
        self.log.recovery_report()
    }

    /// Closes the metadata log. Send [`ControlEvent::Shutdown`] first, so that nobody is left without a
    /// reply.
    ///
    /// # Errors
    /// Where the log can't be closed; nothing that was acknowledged is lost by that.
    pub fn close(self, now: Now) -> Result<(), ControlFailure> {
        self.log.close(now)
    }

    fn flush_all(&mut self, now: Now, out: &mut Vec<ControlEffect>) {
        while self.wants_flush() {
            self.flush(now, out);
        }
    }

    fn try_flush(&mut self, now: Now, out: &mut Vec<ControlEffect>) -> Result<(), ControlFailure> {
        let offset = self.log.flush(now)?;
        self.step_quorum(now, quorum::Event::Flushed { offset }, out)?;
        self.carry_out_pending(now, out)
    }

    /// Steps the quorum, and carries out its effects at once: the quorum hears of an append before
    /// anything else.
    fn step_quorum(
        &mut self,
        now: Now,
        event: quorum::Event,
        out: &mut Vec<ControlEffect>,
    ) -> Result<(), ControlFailure> {
        let mut effects = Vec::new();
        self.quorum.step(now, event, &mut effects);
        for effect in effects {
            self.carry_out_quorum(now, effect, out)?;
        }
        Ok(())
    }

    fn carry_out_quorum(
        &mut self,
        now: Now,
        effect: quorum::Effect,
        out: &mut Vec<ControlEffect>,
    ) -> Result<(), ControlFailure> {
        match effect {
            quorum::Effect::PersistElectionState(state) => {
                write_quorum_state(&self.disk, &self.directory, state).map_err(|source| {
                    ControlFailure::Disk {
                        action: "write the election state to",
                        path: self.directory.clone(),
                        source,
                    }
                })?;
                self.step_quorum(now, quorum::Event::ElectionStatePersisted, out)
            }
            quorum::Effect::AppendControl { batch, .. } => self.write(now, &batch, out),
            quorum::Effect::Append { id, last_offset, batch, .. } => {
                self.write(now, &batch, out)?;
                let event =
                    metadata::Event::Appended { append_id: metadata::AppendId(id.0), last_offset };
                self.step_controller(now, event);
                Ok(())
            }
            quorum::Effect::AppendRefused { id, .. } => {
                let append_id = metadata::AppendId(id.0);
                self.step_controller(now, metadata::Event::AppendFailed { append_id });
                Ok(())
            }
            quorum::Effect::Flush { .. } => {
                self.flush_wanted = true;
                Ok(())
            }
            quorum::Effect::HighWatermark(high_watermark) => self.commit(now, high_watermark),
            quorum::Effect::BecameLeader { epoch, .. } => {
                self.leading = true;
                let event = metadata::Event::BecameLeader {
                    epoch,
                    end_offset: self.quorum.log_end().offset,
                };
                self.step_controller(now, event);
                out.push(ControlEffect::Leading { epoch });
                Ok(())
            }
            quorum::Effect::Resigned { epoch } => {
                self.leading = false;
                self.step_controller(now, metadata::Event::Resigned);
                out.push(ControlEffect::Resigned { epoch });
                Ok(())
            }
        }
    }

    /// Writes a batch at the log's end, and tells the quorum.
    fn write(
        &mut self,
        now: Now,
        batch: &Bytes,
        out: &mut Vec<ControlEffect>,
    ) -> Result<(), ControlFailure> {
        let end_offset = self.log.append(now, batch)?;
        self.step_quorum(now, quorum::Event::Appended { end_offset }, out)
    }

    /// The leader knows the records that it appended; one that doesn't lead yet hears them from the log.
    fn commit(&mut self, now: Now, high_watermark: Offset) -> Result<(), ControlFailure> {
        let is_leading = self.leading;
        if !is_leading {
            self.replay_to(now, high_watermark)?;
        }
        self.pending.extend(self.unpublished.take().map(metadata::Effect::Publish));
        if is_leading {
            self.step_controller(now, metadata::Event::Committed { high_watermark });
        }
        self.applied = high_watermark;
        Ok(())
    }

    /// Hands the committed records to the controller, in runs that a control batch or their number ends.
    fn replay_to(&mut self, now: Now, high_watermark: Offset) -> Result<(), ControlFailure> {
        let Self { log, controller, applied, .. } = self;
        let mut base_offset = *applied;
        let mut run: Vec<MetadataRecord> = Vec::new();
        let mut effects = Vec::new();
        let mut replay = |base_offset, records| {
            controller.step(now, metadata::Event::Replay { base_offset, records }, &mut effects);
        };
        log.for_each_batch(*applied, high_watermark, &mut |batch| {
            let breaks_run = batch.header.is_control() || run.len() >= REPLAY_RUN_RECORDS;
            if breaks_run && !run.is_empty() {
                replay(base_offset, std::mem::take(&mut run));
            }
            if !batch.header.is_control() {
                if run.is_empty() {
                    base_offset = batch.header.base_offset;
                }
                run.extend(decode_metadata(batch)?);
            }
            Ok(())
        })?;
        if !run.is_empty() {
            replay(base_offset, run);
        }
        self.take_replayed(effects);
        Ok(())
    }

    /// Takes what the controller wants after records were read back, with all its images as one.
    fn take_replayed(&mut self, effects: Vec<metadata::Effect>) {
        for effect in effects {
            match effect {
                metadata::Effect::Publish(mut later) => {
                    if let Some(earlier) = self.unpublished.take() {
                        let mut delta = earlier.delta;
                        delta.merge(std::mem::take(&mut later.delta));
                        later.delta = delta;
                    }
                    self.unpublished = Some(later);
                }
                other => self.pending.push_back(other),
            }
        }
    }

    /// Steps the controller. Its effects wait in line, since those of the step before go first.
    fn step_controller(&mut self, now: Now, event: metadata::Event) {
        let mut effects = Vec::new();
        self.controller.step(now, event, &mut effects);
        self.pending.extend(effects);
    }

    fn carry_out_pending(
        &mut self,
        now: Now,
        out: &mut Vec<ControlEffect>,
    ) -> Result<(), ControlFailure> {
        while let Some(effect) = self.pending.pop_front() {
            match effect {
                metadata::Effect::Append { append_id, epoch, base_offset, records } => {
                    self.append(now, append_id, epoch, base_offset, &records, out)?
                }
                metadata::Effect::Reply { token, answer } => {
                    out.push(ControlEffect::Reply { token, answer });
                }
                metadata::Effect::Publish(loaded) => out.push(ControlEffect::Publish(loaded)),
                metadata::Effect::Announce(notice) => out.push(ControlEffect::Announce(notice)),
                metadata::Effect::Fatal { offset, error } => {
                    return Err(ControlFailure::Replay { offset, source: error });
                }
            }
        }
        Ok(())
    }

    fn append(
        &mut self,
        now: Now,
        append_id: metadata::AppendId,
        epoch: LeaderEpoch,
        base_offset: Offset,
        records: &[VersionedRecord],
        out: &mut Vec<ControlEffect>,
    ) -> Result<(), ControlFailure> {
        let values: Result<Vec<Bytes>, _> =
            records.iter().map(VersionedRecord::encode_value).collect();
        let event = match values {
            // Neither an append that was decided under another leadership, nor one behind one that failed.
            Ok(values) if epoch == self.quorum.epoch() && base_offset == self.log.end().offset => {
                quorum::Event::Append { id: quorum::AppendId(append_id.0), values }
            }
            // A field that is too large for its record came with the request: it is refused, no more.
            Ok(_) | Err(_) => {
                self.step_controller(now, metadata::Event::AppendFailed { append_id });
                return Ok(());
            }
        };
        let appended = self.step_quorum(now, event, out);
        if appended.is_err() {
            self.step_controller(now, metadata::Event::AppendFailed { append_id });
        }
        appended
    }

    /// After a failure nothing is written any more: whoever still waits is answered that nobody leads here.
    fn fail_on_error(
        &mut self,
        now: Now,
        result: Result<(), ControlFailure>,
        out: &mut Vec<ControlEffect>,
    ) {
        let Err(failure) = result else { return };
        self.failed = true;
        self.flush_wanted = false;
        // The quorum asks for nothing but to tell of the resignation, and the controller, which leads no
        // longer, for nothing but replies: neither can fail.
        let told = self
            .step_quorum(now, quorum::Event::StorageFailed, out)
            .and_then(|()| self.carry_out_pending(now, out));
        debug_assert!(told.is_ok(), "a second failure: {told:?}");
        out.push(ControlEffect::Failed(failure));
    }
}
