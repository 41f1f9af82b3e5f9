//! The threads of the log dirs: what touches a disk and need not hold up an append.
//!
//! Each log dir has one, so that a dir that stalls holds up no other: syncs, retention, checkpoints, and the removal of
//! what was deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use taffrail_log::OffsetCheckpoint;
use taffrail_model::{Mono, Now, Offset, TopicIdPartition, TopicPartition};
use taffrail_node::partition::Event;
use taffrail_node::storage::Storage;

use super::clock::Clock;
use super::control::chain;
use super::failure::{FailureSender, PanicWatch};
use super::os_disk::OsDisk;
use super::partition_cell::PartitionCell;
use super::partitions::Partitions;
use crate::telemetry::Metrics;

/// How often a thread looks at what is due by time.
const TICK: Duration = Duration::from_secs(1);

enum Message {
    Sync(TopicIdPartition),
    Offline,
    RemoveDeleted,
    Shutdown,
}

/// The way to the threads. Cheap to clone.
#[derive(Clone)]
pub(super) struct Flusher {
    senders: Arc<[Sender<Message>]>,
}

impl Flusher {
    /// Syncs a partition's log as soon as its dir's thread comes to it.
    pub(super) fn sync_soon(&self, dir: usize, id: TopicIdPartition) {
        self.send(dir, Message::Sync(id));
    }

    /// A log of this dir failed.
    pub(super) fn report_offline(&self, dir: usize) {
        self.send(dir, Message::Offline);
    }

    /// A partition of this dir was set aside to be removed.
    pub(super) fn remove_deleted(&self, dir: usize) {
        self.send(dir, Message::RemoveDeleted);
    }

    /// Ends the threads.
    pub(super) fn shut_down(&self) {
        (0..self.senders.len()).for_each(|dir| self.send(dir, Message::Shutdown));
    }

    fn send(&self, dir: usize, message: Message) {
        if let Some(sender) = self.senders.get(dir) {
            // The thread ends with the process.
            let _ = sender.send(message);
        }
    }
}

/// How often what is done, from Kafka's keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Intervals {
    /// `log.retention.check.interval.ms`.
    pub(super) retention: Duration,
    /// `replica.high.watermark.checkpoint.interval.ms`.
    pub(super) high_watermarks: Duration,
    /// `log.flush.offset.checkpoint.interval.ms` and `log.flush.start.offset.checkpoint.interval.ms`.
    pub(super) recovery_points: Duration,
}

/// The ends that the threads are made of.
pub(super) struct FlusherQueues {
    receivers: Vec<Receiver<Message>>,
}

/// The way to the threads of `dirs` log dirs, which may be handed on before they run.
pub(super) fn handle(dirs: usize) -> (Flusher, FlusherQueues) {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..dirs).map(|_| channel()).unzip();
    (Flusher { senders: senders.into() }, FlusherQueues { receivers })
}

/// What the threads work with. The partitions come last, since they know the way to the threads.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) storage: Arc<Storage<OsDisk>>,
    pub(super) partitions: Arc<Partitions>,
    pub(super) intervals: Intervals,
    pub(super) clock: Clock,
    pub(super) failure: FailureSender,
    pub(super) metrics: Arc<Metrics>,
}

/// Starts the threads.
pub(super) fn spawn(parts: &Parts, queues: FlusherQueues) -> std::io::Result<Vec<JoinHandle<()>>> {
    queues
        .receivers
        .into_iter()
        .enumerate()
        .map(|(dir, receiver)| {
            let now = parts.clock.now().mono;
            let carrier = Carrier {
                dir,
                parts: parts.clone(),
                retention_at: now + parts.intervals.retention,
                high_watermarks_at: now + parts.intervals.high_watermarks,
                recovery_points_at: now + parts.intervals.recovery_points,
            };
            let watch = PanicWatch::new(parts.failure.clone(), "log-dir");
            let name = format!("log-dir-{dir}");
            std::thread::Builder::new().name(name).spawn(move || {
                let _watch = watch;
                carrier.run(&receiver);
            })
        })
        .collect()
}

struct Carrier {
    dir: usize,
    parts: Parts,
    retention_at: Mono,
    high_watermarks_at: Mono,
    recovery_points_at: Mono,
}

impl Carrier {
    fn run(mut self, receiver: &Receiver<Message>) {
        let mut tick_at = self.parts.clock.now().mono + TICK;
        loop {
            let wait = tick_at.saturating_since(self.parts.clock.now().mono);
            let mut next = match receiver.recv_timeout(wait) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            // Appends that gathered while the last sync ran share the next one.
            let mut wanted = BTreeSet::new();
            while let Some(message) = next {
                match message {
                    Message::Sync(id) => {
                        wanted.insert(id);
                    }
                    Message::Offline => self.dir_failed(),
                    Message::RemoveDeleted => self.remove_deleted(),
                    Message::Shutdown => return,
                }
                next = receiver.try_recv().ok();
            }
            for id in wanted {
                if let Some(cell) = self.parts.partitions.get(id) {
                    cell.sync(true);
                }
            }
            let now = self.parts.clock.now();
            if now.mono >= tick_at {
                self.tick(now);
                tick_at = now.mono + TICK;
            }
        }
    }

    fn tick(&mut self, now: Now) {
        self.count_offline();
        let cells = self.parts.partitions.of_dir(self.dir);
        let retains = now.mono >= self.retention_at;
        for cell in &cells {
            if retains {
                cell.step(Event::Maintain);
            }
            cell.sync(false);
        }
        if retains {
            self.retention_at = now.mono + self.parts.intervals.retention;
        }
        if !self.parts.partitions.is_loaded() {
            return;
        }
        if now.mono >= self.high_watermarks_at {
            self.high_watermarks_at = now.mono + self.parts.intervals.high_watermarks;
            checkpoint_high_watermarks(&self.parts.storage, self.dir, &cells);
        }
        if now.mono >= self.recovery_points_at {
            self.recovery_points_at = now.mono + self.parts.intervals.recovery_points;
            checkpoint_recovery_points(&self.parts.storage, self.dir, &cells);
        }
    }

    fn remove_deleted(&self) {
        if let Err(error) = self.parts.storage.remove_deleted(self.dir) {
            tracing::error!(error = %chain(&error), "a deleted partition can't be removed");
        }
    }

    /// Counts the replicas that are not on a log dir that works; those whose log couldn't be opened have no cell.
    fn count_offline(&self) {
        let storage = &self.parts.storage;
        let offline = storage.offline();
        if offline.is_empty() {
            return;
        }
        let working = storage.ids().into_iter().enumerate().filter(|(_, id)| !offline.contains(id));
        let online: usize = working.map(|(dir, _)| self.parts.partitions.of_dir(dir).len()).sum();
        let replicas = &self.parts.metrics.replicas;
        let online = i64::try_from(online).unwrap_or(i64::MAX);
        replicas.offline.set(replicas.partitions.get().saturating_sub(online).max(0));
    }

    fn dir_failed(&self) {
        self.parts.storage.set_offline(self.dir);
        let path = self
            .parts
            .storage
            .path(self.dir)
            .map(|path| path.display().to_string())
            .unwrap_or_default();
        tracing::error!(path, "a log dir failed; its partitions that can't be written are offline");
        if self.parts.storage.offline().len() == self.parts.storage.len() {
            self.parts.failure.report(format!("all log dirs failed, the last of them {path}"));
        }
    }
}

/// Writes the high watermarks of one log dir's partitions.
pub(super) fn checkpoint_high_watermarks(
    storage: &Storage<OsDisk>,
    dir: usize,
    cells: &[Arc<PartitionCell>],
) {
    let offsets =
        cells.iter().map(|cell| (cell.topic_partition(), cell.view().high_watermark)).collect();
    write(storage, dir, OffsetCheckpoint::HighWatermark, &offsets);
}

/// Writes the recovery points and starts of one log dir's logs.
pub(super) fn checkpoint_recovery_points(
    storage: &Storage<OsDisk>,
    dir: usize,
    cells: &[Arc<PartitionCell>],
) {
    let mut recovery_points = BTreeMap::new();
    let mut log_starts = BTreeMap::new();
    for cell in cells {
        if let Some((recovery_point, log_start)) = cell
            .look(|partition| (partition.log().recovery_point(), partition.log().start_offset()))
        {
            recovery_points.insert(cell.topic_partition(), recovery_point);
            if log_start > 0 {
                log_starts.insert(cell.topic_partition(), log_start);
            }
        }
    }
    write(storage, dir, OffsetCheckpoint::RecoveryPoint, &recovery_points);
    write(storage, dir, OffsetCheckpoint::LogStart, &log_starts);
}

/// Writes where closed logs end: all below is synced.
pub(super) fn checkpoint_closed(
    storage: &Storage<OsDisk>,
    dir: usize,
    ends: &BTreeMap<TopicPartition, Offset>,
) {
    write(storage, dir, OffsetCheckpoint::RecoveryPoint, ends);
}

fn write(
    storage: &Storage<OsDisk>,
    dir: usize,
    kind: OffsetCheckpoint,
    offsets: &BTreeMap<TopicPartition, Offset>,
) {
    if let Err(error) = storage.checkpoint(dir, kind, offsets) {
        tracing::error!(file = kind.file_name(), error = %chain(&error), "a checkpoint can't be written");
    }
}
