//! The partition itself.

use std::path::PathBuf;
use std::sync::Arc;

use taffrail_log::{
    Disk, Log, LogError, LogReader, OpenLog, Origin, RecoveryReport, SyncHandle, SyncScope,
};
use taffrail_metadata::PartitionRegistration;
use taffrail_model::{Now, Offset, Uuid};
use taffrail_replica::{Assignment, Replica};

use super::append::{Acks, Append, AppendRefusal, Appended};
use super::event::{Effect, Event, PartitionConfig};
use super::parked::Parked;
use super::view::{View, ViewState};

/// One replica and its log.
pub struct Partition<D: Disk, R> {
    log: Log<D>,
    replica: Replica,
    min_isr: usize,
    /// `flush.messages` syncs every append, so that what counts as written is what is synced.
    durable_acks: bool,
    /// With `acks=all`.
    awaiting_high_watermark: Parked<R>,
    /// With `acks=1`.
    awaiting_sync: Parked<R>,
    /// Why nothing is appended any longer.
    offline: Option<LogError>,
    view: Arc<View>,
    scratch: Vec<taffrail_replica::Effect>,
}

impl<D: Disk, R> Partition<D, R> {
    /// Opens the log, recovering it where the last process didn't stop cleanly.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn open(
        disk: D,
        config: PartitionConfig,
        now: Now,
    ) -> Result<(Self, RecoveryReport), LogError> {
        let remembered = config.remembered.of_topic(config.id.topic_id);
        let durable_acks = config.log.flush_messages == 1;
        let open = OpenLog {
            dir: config.directory,
            topic_id: Some(config.id.topic_id),
            config: config.log,
            was_clean: remembered.clean,
            recovery_point: remembered.recovery_point,
            start_offset: remembered.log_start,
        };
        let (mut log, report) = if config.is_compacted {
            Log::open_compacted(disk, open, now)?
        } else {
            Log::open(disk, open, now)?
        };
        if durable_acks && let Err(error) = log.flush(now) {
            // What recovery found may have been acknowledged, and has to be synced before it is shown. With a full disk that
            // is left for later, and the high watermark waits for it.
            log.check_online().map_err(|_| error)?;
        }
        // A checkpoint may be ahead of what an unclean stop left.
        let high_watermark = remembered.high_watermark.clamp(log.start_offset(), log.end_offset());
        // The high watermark may not move for long, and transactions that ended below it are stable now.
        log.replicated_to(high_watermark);
        let replica = Replica::new(config.node_id, high_watermark);
        let view = Arc::new(View::new(view_state(&log, &replica)));
        let partition = Self {
            log,
            replica,
            min_isr: config.min_isr,
            durable_acks,
            awaiting_high_watermark: Parked::new(),
            awaiting_sync: Parked::new(),
            offline: None,
            view,
            scratch: Vec::new(),
        };
        Ok((partition, report))
    }

    /// What readers may know without the lock.
    #[must_use]
    pub fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// A reader of the log that works without the lock.
    #[must_use]
    pub fn reader(&self) -> LogReader<D> {
        self.log.reader()
    }

    /// The log, to be looked at.
    #[must_use]
    pub fn log(&self) -> &Log<D> {
        &self.log
    }

    /// The replica, to be looked at.
    #[must_use]
    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// What has to be synced now, if anything: all of it where `at_once`, else what the configuration asks for. To be
    /// synced without the lock and told by [`Partition::synced`], one at a time.
    #[must_use]
    pub fn begin_sync(&self, at_once: bool, now: Now) -> Option<SyncHandle<D>> {
        if self.offline.is_some() {
            return None;
        }
        let scope = if at_once { SyncScope::All } else { self.log.sync_due(now)? };
        // A log that is offline has nothing left to sync.
        self.log.begin_sync(scope, now).ok().flatten()
    }

    /// Takes note of a sync. After a failed one the partition is offline, unless the disk was full before any file was
    /// synced: then those who wait go on waiting, and the sync is due again by [`Partition::begin_sync`].
    pub fn synced(
        &mut self,
        handle: &SyncHandle<D>,
        result: &Result<(), LogError>,
        out: &mut Vec<Effect<R>>,
    ) {
        self.log.end_sync(handle, result);
        match result {
            Ok(()) => self.written(out),
            Err(error) if self.log.check_online().is_err() => self.go_offline(error, out),
            Err(_) => {}
        }
        self.publish();
    }

    /// Takes one event.
    pub fn step(&mut self, now: Now, event: Event<R>, out: &mut Vec<Effect<R>>) {
        match event {
            Event::Assigned(registration) => self.assigned(&registration, out),
            Event::Configured { log, min_isr } => {
                self.durable_acks = log.flush_messages == 1;
                self.min_isr = min_isr;
                self.log.set_config(log);
                self.tell_replica(taffrail_replica::Event::MinIsr(min_isr), out);
                self.written(out);
            }
            Event::Append(appends) => self.append(now, appends, out),
            Event::Maintain => match self.maintain(now) {
                // What retention couldn't do on a full disk it tries the next time; appends may fit all the same.
                Err(error) if !error.is_no_space() => self.go_offline(&error, out),
                Ok(()) | Err(_) => {}
            },
        }
        self.publish();
    }

    /// Closes the log and says where it ends; what waits is told to look for another leader.
    ///
    /// # Errors
    /// [`LogError`] when not all could be synced, now or before; the next start then recovers the log.
    pub fn close(mut self, now: Now, out: &mut Vec<Effect<R>>) -> Result<Offset, LogError> {
        self.refuse_parked(&AppendRefusal::NotLeader, out);
        match self.offline {
            Some(error) => Err(error),
            None => self.log.close(now),
        }
    }

    /// Sets the log's directory aside to be deleted; what waits is told to look for another leader.
    ///
    /// # Errors
    /// [`LogError`] when the directory can't be renamed.
    pub fn delete(
        mut self,
        unique_id: Uuid,
        out: &mut Vec<Effect<R>>,
    ) -> Result<PathBuf, LogError> {
        self.refuse_parked(&AppendRefusal::NotLeader, out);
        self.log.delete(unique_id)
    }

    fn assigned(&mut self, registration: &PartitionRegistration, out: &mut Vec<Effect<R>>) {
        let assignment = Assignment {
            leader: registration.has_leader().then_some(registration.leader),
            leader_epoch: registration.leader_epoch,
            partition_epoch: registration.partition_epoch,
            replicas: registration.replicas.clone(),
            isr: registration.isr.clone(),
            min_isr: self.min_isr,
            log_end: self.log.end_offset(),
            written_end: self.written_end(),
        };
        self.tell_replica(taffrail_replica::Event::Assigned(assignment), out);
        self.want_sync(out);
    }

    fn append(&mut self, now: Now, appends: Vec<Append<R>>, out: &mut Vec<Effect<R>>) {
        let Some(epoch) = self.replica.leading().map(|leader| leader.epoch) else {
            refuse(appends.into_iter().map(|append| append.reply), &AppendRefusal::NotLeader, out);
            return;
        };
        if let Some(error) = &self.offline {
            let refusal = AppendRefusal::Log(error.clone().into());
            refuse(appends.into_iter().map(|append| append.reply), &refusal, out);
            return;
        }
        let (accepted, refused): (Vec<_>, Vec<_>) = appends
            .into_iter()
            .partition(|append| append.acks != Acks::All || self.replica.has_min_isr());
        let refused = refused.into_iter().map(|append| append.reply);
        refuse(refused, &AppendRefusal::NotEnoughReplicas, out);
        let batches: Vec<_> = accepted.iter().map(|append| append.batch.clone()).collect();
        let results = self.log.append_as_leader(&batches, epoch, Origin::Client, now);
        for (append, result) in accepted.into_iter().zip(results) {
            match result {
                Ok(placed) => self.answer(append, placed, out),
                Err(error) => {
                    out.push(Effect::Reply { reply: append.reply, result: Err(error.into()) });
                }
            }
        }
        match self.log.check_online() {
            Ok(()) => self.written(out),
            Err(error) => self.go_offline(&error, out),
        }
    }

    /// Answers an append that is in the log, or lets it wait for what its `acks` ask for.
    fn answer(
        &mut self,
        append: Append<R>,
        placed: taffrail_log::Appended,
        out: &mut Vec<Effect<R>>,
    ) {
        let Append { acks, log_append_time, reply, .. } = append;
        // The records of a duplicate have the time that the log gave to the original.
        let is_restamped = placed.is_duplicate && log_append_time >= 0;
        let appended = Appended {
            base_offset: placed.base_offset,
            last_offset: placed.last_offset,
            log_append_time: if is_restamped { placed.max_timestamp } else { log_append_time },
            log_start_offset: self.log.start_offset(),
        };
        match acks {
            Acks::All => self.awaiting_high_watermark.park(appended, reply),
            Acks::Leader if appended.last_offset >= self.written_end() => {
                self.awaiting_sync.park(appended, reply);
            }
            Acks::Leader | Acks::None => out.push(Effect::Reply { reply, result: Ok(appended) }),
        }
    }

    /// Where what counts as written ends.
    fn written_end(&self) -> Offset {
        if self.durable_acks { self.log.recovery_point() } else { self.log.end_offset() }
    }

    /// Tells of what was written or synced. A sync that is missing for it is asked for.
    fn written(&mut self, out: &mut Vec<Effect<R>>) {
        self.want_sync(out);
        self.tell_replica(taffrail_replica::Event::LogEnd(self.written_end()), out);
        // The high watermark may have passed long ago what duplicates wait for.
        self.answer_parked(out);
    }

    fn want_sync(&self, out: &mut Vec<Effect<R>>) {
        let is_leading = self.replica.leading().is_some();
        if is_leading && self.offline.is_none() && self.written_end() < self.log.end_offset() {
            out.push(Effect::SyncWanted);
        }
    }

    fn maintain(&mut self, now: Now) -> Result<(), LogError> {
        self.log.apply_retention(self.replica.high_watermark(), now)?;
        self.log.remove_doomed(now)?;
        self.log.expire_producers(now);
        Ok(())
    }

    /// Those who wait for a sync or for the high watermark would wait in vain.
    fn go_offline(&mut self, error: &LogError, out: &mut Vec<Effect<R>>) {
        self.refuse_parked(&AppendRefusal::Log(error.clone().into()), out);
        if self.offline.is_none() {
            self.offline = Some(error.clone());
            out.push(Effect::Offline(error.clone()));
        }
    }

    fn tell_replica(&mut self, event: taffrail_replica::Event, out: &mut Vec<Effect<R>>) {
        let mut effects = std::mem::take(&mut self.scratch);
        self.replica.step(event, &mut effects);
        for effect in effects.drain(..) {
            match effect {
                taffrail_replica::Effect::BecameLeader { epoch, .. } => self.log.begin_epoch(epoch),
                taffrail_replica::Effect::BecameFollower { .. } => {
                    self.refuse_parked(&AppendRefusal::NotLeader, out);
                }
                taffrail_replica::Effect::HighWatermark(offset) => {
                    self.log.replicated_to(offset);
                    self.answer_parked(out);
                    out.push(Effect::HighWatermark(offset));
                }
            }
        }
        self.scratch = effects;
    }

    fn answer_parked(&mut self, out: &mut Vec<Effect<R>>) {
        let (synced, high_watermark) = (self.written_end(), self.replica.high_watermark());
        let synced = std::iter::from_fn(|| self.awaiting_sync.pop_below(synced));
        let replicated =
            std::iter::from_fn(|| self.awaiting_high_watermark.pop_below(high_watermark));
        out.extend(
            synced
                .chain(replicated)
                .map(|(appended, reply)| Effect::Reply { reply, result: Ok(appended) }),
        );
    }

    fn refuse_parked(&mut self, refusal: &AppendRefusal, out: &mut Vec<Effect<R>>) {
        let parked = self.awaiting_sync.drain().chain(self.awaiting_high_watermark.drain());
        refuse(parked, refusal, out);
    }

    fn publish(&self) {
        self.view.publish(view_state(&self.log, &self.replica));
    }
}

fn refuse<R>(replies: impl Iterator<Item = R>, refusal: &AppendRefusal, out: &mut Vec<Effect<R>>) {
    out.extend(replies.map(|reply| Effect::Reply { reply, result: Err(refusal.clone()) }));
}

fn view_state<D: Disk>(log: &Log<D>, replica: &Replica) -> ViewState {
    let high_watermark = replica.high_watermark();
    ViewState {
        leading: replica.leading().is_some(),
        leader_epoch: replica.leader_epoch(),
        log_start: log.start_offset(),
        high_watermark,
        last_stable: log
            .first_unstable_offset()
            .map_or(high_watermark, |first| first.min(high_watermark)),
        log_end: log.end_offset(),
    }
}
