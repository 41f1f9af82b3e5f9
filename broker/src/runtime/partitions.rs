//! The partitions of this node: a table for the handlers, and how they come and go.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use taffrail_log::partition_dir_name;
use taffrail_metadata::config::{BrokerConfigView, StaticConfig, TopicConfigView};
use taffrail_metadata::{MetadataImage, PartitionRegistration};
use taffrail_model::{Offset, TopicIdPartition, TopicName, TopicPartition, Uuid};
use taffrail_node::partition::{Event, Partition, PartitionConfig};
use taffrail_node::storage::Storage;

use super::control::chain;
use super::os_disk::OsDisk;
use super::partition_cell::{PartitionCell, Surroundings};
use super::topic_rules::log_config;

type Table = BTreeMap<TopicIdPartition, Arc<PartitionCell>>;

/// A partition that the controller wants here.
#[derive(Clone, Debug)]
pub(super) struct Hosting {
    pub(super) id: TopicIdPartition,
    pub(super) topic: TopicName,
    pub(super) registration: Arc<PartitionRegistration>,
}

/// All partitions of this node. Handlers look them up without a lock; the applier alone changes them.
pub(crate) struct Partitions {
    table: ArcSwap<Table>,
    storage: Arc<Storage<OsDisk>>,
    statics: Arc<StaticConfig>,
    surroundings: Surroundings,
    /// `num.recovery.threads.per.data.dir`.
    recovery_threads_per_dir: usize,
    /// The first image was applied, so that the table says what is here.
    loaded: AtomicBool,
}

impl Partitions {
    pub(super) fn new(
        storage: Arc<Storage<OsDisk>>,
        statics: Arc<StaticConfig>,
        surroundings: Surroundings,
        recovery_threads_per_dir: usize,
    ) -> Self {
        Self {
            table: ArcSwap::default(),
            storage,
            statics,
            surroundings,
            recovery_threads_per_dir,
            loaded: AtomicBool::new(false),
        }
    }

    /// The partition, if it is here.
    pub(crate) fn get(&self, id: TopicIdPartition) -> Option<Arc<PartitionCell>> {
        self.table.load().get(&id).cloned()
    }

    /// The first image was applied.
    pub(super) fn set_loaded(&self) {
        self.loaded.store(true, Ordering::Release);
        self.surroundings.recovery.complete();
    }

    /// Whether the table says what is here. Before, a checkpoint of it would forget what the last process knew.
    pub(super) fn is_loaded(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }

    /// Whether this node leads the partition.
    pub(super) fn leads(&self, id: TopicIdPartition) -> bool {
        self.table.load().get(&id).is_some_and(|cell| cell.view().leading)
    }

    /// Up to `count` partitions behind `last`, in ascending order.
    pub(crate) fn after(
        &self,
        last: Option<TopicIdPartition>,
        count: usize,
    ) -> Vec<Arc<PartitionCell>> {
        let begin = last.map_or(Bound::Unbounded, Bound::Excluded);
        let table = self.table.load();
        table
            .range((begin, Bound::Unbounded))
            .take(count)
            .map(|(_, cell)| Arc::clone(cell))
            .collect()
    }

    /// The partitions of one log dir.
    pub(super) fn of_dir(&self, dir: usize) -> Vec<Arc<PartitionCell>> {
        self.table.load().values().filter(|cell| cell.dir == dir).cloned().collect()
    }

    /// Opens what is new, and tells all of them what the controller decided.
    pub(super) fn host(&self, image: &MetadataImage, hosting: Vec<Hosting>) {
        let table = self.table.load_full();
        let (known, new): (Vec<_>, Vec<_>) =
            hosting.into_iter().partition(|hosting| table.contains_key(&hosting.id));
        for hosting in known {
            if let Some(cell) = table.get(&hosting.id) {
                cell.step(Event::Assigned(hosting.registration));
                // Who waits here for records may have to look for them elsewhere.
                cell.waiters.wake();
            }
        }
        if new.is_empty() {
            return;
        }
        let mut next = Table::clone(&table);
        next.extend(self.open_all(image, &new).into_iter().map(|cell| (cell.id, cell)));
        self.table.store(Arc::new(next));
    }

    /// The topic's configuration may have changed.
    pub(super) fn configure(&self, image: &MetadataImage, id: TopicIdPartition, topic: &TopicName) {
        if let Some(cell) = self.get(id) {
            let config = self.config_of(image, topic);
            cell.step(Event::Configured {
                log: log_config(&config, self.broker_config_of(image)),
                min_isr: min_isr(&config),
            });
            cell.configure(config);
        }
    }

    /// The partition isn't here any longer: its log is set aside, to be removed by its dir's thread.
    pub(super) fn remove(&self, id: TopicIdPartition) {
        let mut next = Table::clone(&self.table.load());
        let Some(cell) = next.remove(&id) else { return };
        self.table.store(Arc::new(next));
        let Some(partition) = cell.take() else { return };
        let mut effects = Vec::new();
        if let Err(error) = partition.delete(Uuid::from_random(rand::random()), &mut effects) {
            tracing::error!(topic = %cell.topic, partition = id.partition, error = %chain(&error), "a log can't be deleted");
        }
        cell.carry_out(effects);
        self.surroundings.flusher.remove_deleted(cell.dir);
    }

    /// Closes every log. Returns the ends of each dir's logs, below which all is synced, or `None` when a log couldn't be
    /// closed and the next start has to recover.
    pub(super) fn close_all(&self) -> Option<Vec<BTreeMap<TopicPartition, Offset>>> {
        let table = self.table.swap(Arc::default());
        let mut ends = vec![BTreeMap::new(); self.storage.len()];
        let mut all_closed = true;
        for cell in table.values() {
            let Some(partition) = cell.take() else { continue };
            let mut effects = Vec::new();
            match (
                partition.close(self.surroundings.clock.now(), &mut effects),
                ends.get_mut(cell.dir),
            ) {
                (Ok(end), Some(ends)) => {
                    ends.insert(cell.topic_partition(), end);
                }
                (Ok(_), None) => {}
                (Err(error), _) => {
                    all_closed = false;
                    tracing::error!(partition = %cell.topic_partition(), error = %chain(&error), "a log can't be closed");
                }
            }
            cell.carry_out(effects);
        }
        all_closed.then_some(ends)
    }

    fn config_of(&self, image: &MetadataImage, topic: &TopicName) -> TopicConfigView {
        TopicConfigView::resolve(image, &self.statics, self.surroundings.node_id, topic)
    }

    fn broker_config_of(&self, image: &MetadataImage) -> BrokerConfigView {
        BrokerConfigView::resolve(image, &self.statics, self.surroundings.node_id)
    }

    /// Opens logs on as many threads as the dirs may have for it. One that fails is left out, and its dir goes offline.
    fn open_all(&self, image: &MetadataImage, new: &[Hosting]) -> Vec<Arc<PartitionCell>> {
        let mut counts: Vec<usize> =
            (0..self.storage.len()).map(|dir| self.of_dir(dir).len()).collect();
        let placed: Vec<(&Hosting, usize)> = new
            .iter()
            .filter_map(|hosting| Some((hosting, self.place(hosting, &mut counts)?)))
            .collect();
        self.surroundings.recovery.expect_logs(placed.len());
        let opened = Mutex::new(Vec::with_capacity(placed.len()));
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some((hosting, dir)) = placed.get(next.fetch_add(1, Ordering::Relaxed)) {
                if let Some(cell) = self.open(image, hosting, *dir) {
                    opened.lock().push(cell);
                }
            }
        };
        // A thread costs more than opening a few new logs does.
        let threads = (self.recovery_threads_per_dir * self.storage.len()).min(placed.len() / 8);
        if threads > 1 {
            std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
        } else {
            work();
        }
        opened.into_inner()
    }

    fn place(&self, hosting: &Hosting, counts: &mut [usize]) -> Option<usize> {
        let assigned = hosting.registration.directory_of(self.surroundings.node_id);
        let placed = self.storage.place(&hosting.topic_partition(), assigned, |dir| {
            counts.get(dir).copied().unwrap_or(usize::MAX)
        });
        match placed {
            Ok(dir) => {
                if let Some(count) = counts.get_mut(dir) {
                    *count += 1;
                }
                Some(dir)
            }
            Err(error) => {
                tracing::error!(topic = %hosting.topic, error = %chain(&error), "a log dir can't be looked into");
                None
            }
        }
    }

    fn open(
        &self,
        image: &MetadataImage,
        hosting: &Hosting,
        dir: usize,
    ) -> Option<Arc<PartitionCell>> {
        let name = hosting.topic_partition();
        let config = self.config_of(image, &hosting.topic);
        let opening = self.surroundings.recovery.opening(&name);
        let opened = Partition::open(
            *self.storage.disk(),
            PartitionConfig {
                id: hosting.id,
                node_id: self.surroundings.node_id,
                directory: self.storage.path(dir)?.join(partition_dir_name(&name)),
                log: log_config(&config, self.broker_config_of(image)),
                is_compacted: config.cleanup_policy.compact,
                min_isr: min_isr(&config),
                remembered: self.storage.remembered(dir, &name),
            },
            self.surroundings.clock.now(),
        );
        match opened {
            Ok((partition, report)) => {
                if let Some(cut) = &report.truncation {
                    let (segment, bytes, reason) = (cut.segment, cut.bytes, &cut.reason);
                    tracing::warn!(partition = %name, segment, bytes, reason, "the log was cut back to its last whole batch");
                }
                opening.opened(partition.reader().size_bytes());
                let cell = PartitionCell::new(
                    hosting.id,
                    hosting.topic.clone(),
                    dir,
                    partition,
                    config,
                    self.surroundings.clone(),
                );
                cell.step(Event::Assigned(Arc::clone(&hosting.registration)));
                Some(Arc::new(cell))
            }
            Err(error) => {
                tracing::error!(partition = %name, error = %chain(&error), "a log can't be opened");
                self.surroundings.flusher.report_offline(dir);
                None
            }
        }
    }
}

impl Hosting {
    fn topic_partition(&self) -> TopicPartition {
        TopicPartition { topic: self.topic.clone(), partition: self.id.partition }
    }
}

fn min_isr(config: &TopicConfigView) -> usize {
    usize::try_from(config.min_insync_replicas).unwrap_or(1)
}
