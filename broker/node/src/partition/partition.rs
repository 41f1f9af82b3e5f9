//! The partition itself.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use taffrail_log::{
    Disk, Log, LogConfig, LogError, LogReader, OpenLog, Origin, RecoveryReport, SyncHandle,
    SyncScope,
};
use taffrail_metadata::PartitionRegistration;
use taffrail_model::{NodeId, Now, Offset, TopicIdPartition, Uuid};
use taffrail_replica::{Assignment, Replica};

use super::append::{Acks, Append, AppendRefusal, Appended};
use super::view::{View, ViewState};
use crate::storage::Remembered;

/// What a partition is made of.
#[derive(Clone, Debug)]
pub struct PartitionConfig {
    /// The partition.
    pub id: TopicIdPartition,
    /// This node.
    pub node_id: NodeId,
    /// The partition's directory.
    pub directory: PathBuf,
    /// What the topic's configuration asks of the log.
    pub log: LogConfig,
    /// Whether `cleanup.policy` holds `compact`: offsets may then be missing between batches, which recovery would
    /// otherwise take for lost data.
    pub is_compacted: bool,
    /// `min.insync.replicas`.
    pub min_isr: usize,
    /// What the last process left to know.
    pub remembered: Remembered,
}

/// What a partition is told. `R` is how the carrier remembers whom to answer.
#[derive(Debug)]
pub enum Event<R> {
    /// The controller's word on the partition.
    Assigned(Arc<PartitionRegistration>),
    /// The topic's configuration.
    Configured {
        /// What it asks of the log.
        log: LogConfig,
        /// `min.insync.replicas`.
        min_isr: usize,
    },
    /// All appends that have gathered: one write.
    Append(Vec<Append<R>>),
    /// Time for what is due by time: rolling, retention, forgetting producers.
    Maintain,
}

/// What a partition wants done, in this order.
#[derive(Debug)]
pub enum Effect<R> {
    /// Answer an append.
    Reply {
        /// Whom.
        reply: R,
        /// What became of it.
        result: Result<Appended, AppendRefusal>,
    },
    /// The high watermark moved: fetches that wait may go on.
    HighWatermark(Offset),
    /// Appends wait for a sync (`flush.messages`): [`Partition::begin_sync`], sync without the lock, [`Partition::synced`].
    SyncWanted,
    /// The log can't be written any longer.
    Offline(LogError),
}

/// An append whose answer waits for the high watermark.
#[derive(Debug)]
struct Parked<R> {
    appended: Appended,
    reply: R,
}

/// One replica and its log.
pub struct Partition<D: Disk, R> {
    log: Log<D>,
    replica: Replica,
    min_isr: usize,
    /// `flush.messages` syncs every append, so that what counts as written is what is synced.
    durable_acks: bool,
    parked: VecDeque<Parked<R>>,
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
        let Remembered { clean, recovery_point, log_start, high_watermark } = config.remembered;
        let durable_acks = config.log.flush_messages == 1;
        let open = OpenLog {
            dir: config.directory,
            topic_id: Some(config.id.topic_id),
            config: config.log,
            was_clean: clean,
            recovery_point,
            start_offset: log_start,
        };
        let (log, report) = if config.is_compacted {
            Log::open_compacted(disk, open, now)?
        } else {
            Log::open(disk, open, now)?
        };
        // A checkpoint may be ahead of what an unclean stop left.
        let high_watermark = high_watermark.clamp(log.start_offset(), log.end_offset());
        let replica = Replica::new(config.node_id, high_watermark);
        let view = Arc::new(View::new(ViewState {
            leading: false,
            leader_epoch: -1,
            log_start: log.start_offset(),
            high_watermark,
            last_stable: high_watermark,
            log_end: log.end_offset(),
        }));
        let partition = Self {
            log,
            replica,
            min_isr: config.min_isr,
            durable_acks,
            parked: VecDeque::new(),
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
        let scope = if at_once { SyncScope::All } else { self.log.sync_due(now)? };
        // A log that is offline has nothing left to sync.
        self.log.begin_sync(scope, now).ok().flatten()
    }

    /// Takes note of a sync.
    pub fn synced(
        &mut self,
        handle: &SyncHandle<D>,
        result: &Result<(), LogError>,
        out: &mut Vec<Effect<R>>,
    ) {
        self.log.end_sync(handle, result);
        match result {
            Ok(()) if self.durable_acks => {
                self.tell_replica(taffrail_replica::Event::LogEnd(self.log.recovery_point()), out);
            }
            Ok(()) => {}
            Err(error) => self.went_offline(error.clone(), out),
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
            }
            Event::Append(appends) => self.append(now, appends, out),
            Event::Maintain => {
                if let Err(error) = self.maintain(now) {
                    self.went_offline(error, out);
                }
            }
        }
        self.publish();
    }

    /// Closes the log and says where it ends; what waits is told to look for another leader.
    ///
    /// # Errors
    /// [`LogError`] when not all could be synced; the next start then recovers the log.
    pub fn close(mut self, now: Now, out: &mut Vec<Effect<R>>) -> Result<Offset, LogError> {
        self.refuse_parked(out);
        self.log.close(now)
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
        self.refuse_parked(out);
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
        };
        self.tell_replica(taffrail_replica::Event::Assigned(assignment), out);
    }

    fn append(&mut self, now: Now, appends: Vec<Append<R>>, out: &mut Vec<Effect<R>>) {
        let Some(epoch) = self.replica.leading().map(|leader| leader.epoch) else {
            for append in appends {
                out.push(Effect::Reply {
                    reply: append.reply,
                    result: Err(AppendRefusal::NotLeader),
                });
            }
            return;
        };
        let (accepted, refused): (Vec<_>, Vec<_>) = appends
            .into_iter()
            .partition(|append| append.acks != Acks::All || self.replica.has_min_isr());
        for append in refused {
            out.push(Effect::Reply {
                reply: append.reply,
                result: Err(AppendRefusal::NotEnoughReplicas),
            });
        }
        let batches: Vec<_> = accepted.iter().map(|append| append.batch.clone()).collect();
        let results = self.log.append_as_leader(&batches, epoch, Origin::Client, now);
        for (append, result) in accepted.into_iter().zip(results) {
            match result {
                Ok(placed) => {
                    let appended = Appended {
                        base_offset: placed.base_offset,
                        last_offset: placed.last_offset,
                        log_append_time: append.log_append_time,
                        log_start_offset: self.log.start_offset(),
                    };
                    if append.acks == Acks::All {
                        self.parked.push_back(Parked { appended, reply: append.reply });
                    } else {
                        out.push(Effect::Reply { reply: append.reply, result: Ok(appended) });
                    }
                }
                Err(error) => {
                    out.push(Effect::Reply { reply: append.reply, result: Err(error.into()) })
                }
            }
        }
        if let Err(error) = self.log.check_online() {
            self.went_offline(error, out);
            return;
        }
        if self.durable_acks {
            out.push(Effect::SyncWanted);
        } else {
            self.tell_replica(taffrail_replica::Event::LogEnd(self.log.end_offset()), out);
        }
        // A duplicate lies below the high watermark already.
        self.answer_parked(out);
    }

    fn maintain(&mut self, now: Now) -> Result<(), LogError> {
        self.log.apply_retention(self.replica.high_watermark(), now)?;
        self.log.remove_doomed(now)?;
        self.log.expire_producers(now);
        Ok(())
    }

    /// What waits for the high watermark will not see it move.
    fn went_offline(&mut self, error: LogError, out: &mut Vec<Effect<R>>) {
        for parked in self.parked.drain(..) {
            let refusal = AppendRefusal::Log(error.clone().into());
            out.push(Effect::Reply { reply: parked.reply, result: Err(refusal) });
        }
        out.push(Effect::Offline(error));
    }

    fn tell_replica(&mut self, event: taffrail_replica::Event, out: &mut Vec<Effect<R>>) {
        let mut effects = std::mem::take(&mut self.scratch);
        self.replica.step(event, &mut effects);
        for effect in effects.drain(..) {
            match effect {
                taffrail_replica::Effect::BecameLeader { epoch, .. } => self.log.begin_epoch(epoch),
                taffrail_replica::Effect::BecameFollower { .. } => self.refuse_parked(out),
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
        let high_watermark = self.replica.high_watermark();
        // In the order of the log, but for duplicates, which repeat an earlier offset: those wait behind the others
        // at most until the same high watermark.
        while self.parked.front().is_some_and(|parked| parked.appended.last_offset < high_watermark)
        {
            if let Some(Parked { appended, reply }) = self.parked.pop_front() {
                out.push(Effect::Reply { reply, result: Ok(appended) });
            }
        }
    }

    fn refuse_parked(&mut self, out: &mut Vec<Effect<R>>) {
        for parked in self.parked.drain(..) {
            out.push(Effect::Reply { reply: parked.reply, result: Err(AppendRefusal::NotLeader) });
        }
    }

    fn publish(&self) {
        let high_watermark = self.replica.high_watermark();
        self.view.publish(ViewState {
            leading: self.replica.leading().is_some(),
            leader_epoch: self.replica.leader_epoch(),
            log_start: self.log.start_offset(),
            high_watermark,
            last_stable: self
                .log
                .first_unstable_offset()
                .map_or(high_watermark, |first| first.min(high_watermark)),
            log_end: self.log.end_offset(),
        });
    }
}
