//! The thread that makes a published image true on this node.
//!
//! It opens, assigns, configures and deletes partitions, loads and unloads the shards of groups, then swaps the image that
//! handlers read, and only then lets the answers go that rest on it: whoever is told that a topic exists finds it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use taffrail_coordinator::DeletedTopic;
use taffrail_metadata::{Loaded, MetadataDelta, MetadataImage};
use taffrail_model::{GROUP_METADATA_TOPIC, NodeId, Offset, TopicIdPartition, TopicName};
use taffrail_node::changes::{self, PartitionChange};
use taffrail_node::storage::Storage;
use tokio::sync::oneshot;

use super::control::{ControlAnswer, chain};
use super::failure::{FailureSender, PanicWatch};
use super::groups::GroupsHandle;
use super::os_disk::OsDisk;
use super::partitions::{Hosting, Partitions};
use crate::telemetry::Metrics;

const THREAD: &str = "applier";

pub(super) enum Message {
    Publish(Box<Loaded>),
    Reply { reply: oneshot::Sender<ControlAnswer>, answer: ControlAnswer },
    Shutdown,
}

/// The way to the applier. Cheap to clone.
#[derive(Clone)]
pub(super) struct Applier {
    sender: Sender<Message>,
}

impl Applier {
    pub(super) fn send(&self, message: Message) {
        // The thread ends with the process; what comes after that has nobody to be told to.
        let _ = self.sender.send(message);
    }
}

/// The image that this node has made true, and how far it goes.
#[derive(Debug, Default)]
pub(crate) struct Published {
    /// The image.
    pub(crate) image: MetadataImage,
    /// The offset of the last metadata record in it, -1 for none.
    pub(crate) offset: Offset,
}

impl std::ops::Deref for Published {
    type Target = MetadataImage;

    fn deref(&self) -> &MetadataImage {
        &self.image
    }
}

/// What the applier works with.
pub(super) struct Parts {
    pub(super) node_id: NodeId,
    pub(super) published: Arc<ArcSwap<Published>>,
    pub(super) partitions: Arc<Partitions>,
    pub(super) storage: Arc<Storage<OsDisk>>,
    pub(super) groups: GroupsHandle,
    pub(super) metrics: Arc<Metrics>,
}

/// The way to the applier and the end that its thread is made of.
pub(super) fn channel_pair() -> (Applier, Receiver<Message>) {
    let (sender, receiver) = channel();
    (Applier { sender }, receiver)
}

/// Starts the thread.
pub(super) fn spawn(
    parts: Parts,
    receiver: Receiver<Message>,
    failure: FailureSender,
) -> std::io::Result<JoinHandle<()>> {
    let watch = PanicWatch::new(failure, THREAD);
    let carrier = Carrier { parts, hosted: BTreeMap::new() };
    std::thread::Builder::new().name(THREAD.to_owned()).spawn(move || {
        let _watch = watch;
        carrier.run(&receiver);
    })
}

struct Carrier {
    parts: Parts,
    hosted: BTreeMap<TopicIdPartition, TopicName>,
}

impl Carrier {
    fn run(mut self, receiver: &Receiver<Message>) {
        while let Ok(message) = receiver.recv() {
            match message {
                Message::Publish(loaded) => self.apply(*loaded),
                Message::Reply { reply, answer } => {
                    // Who asked may have gone.
                    let _ = reply.send(answer);
                }
                Message::Shutdown => return,
            }
        }
    }

    fn apply(&mut self, loaded: Loaded) {
        let Loaded { image, delta, offset } = loaded;
        if !self.parts.partitions.is_loaded() {
            self.set_strays_aside(&image);
        }
        let plan = changes::plan(&image, &delta, self.parts.node_id, &self.hosted);
        let mut hosting = Vec::new();
        for change in plan {
            match change {
                PartitionChange::Remove { id } => self.remove(id),
                PartitionChange::Host { id, topic, registration } => {
                    hosting.push(Hosting { id, topic, registration });
                }
                PartitionChange::Configure { id, topic } => {
                    self.parts.partitions.configure(&image, id, &topic)
                }
            }
        }
        self.host(&image, hosting);
        self.parts.partitions.set_loaded();
        self.tell_groups(&image, &delta);
        self.count(&image);
        self.parts.published.store(Arc::new(Published { image, offset }));
    }

    fn set_strays_aside(&self, image: &MetadataImage) {
        match self.parts.storage.set_strays_aside(image, self.parts.node_id) {
            Ok(strays) => {
                for path in strays {
                    tracing::warn!(path = %path.display(), "no topic has this log; it was set aside");
                }
            }
            Err(error) => {
                tracing::error!(error = %chain(&error), "a log dir can't be searched for strays")
            }
        }
    }

    fn remove(&mut self, id: TopicIdPartition) {
        if let Some(topic) = self.hosted.remove(&id) {
            if topic.as_str() == GROUP_METADATA_TOPIC {
                self.parts.groups.resigned(id.partition);
            }
            self.parts.partitions.remove(id);
        }
    }

    fn host(&mut self, image: &MetadataImage, hosting: Vec<Hosting>) {
        for hosted in &hosting {
            self.hosted.insert(hosted.id, hosted.topic.clone());
        }
        let offsets: Vec<TopicIdPartition> = hosting
            .iter()
            .filter(|hosting| hosting.topic.as_str() == GROUP_METADATA_TOPIC)
            .map(|hosting| hosting.id)
            .collect();
        let before: Vec<bool> = offsets.iter().map(|&id| self.parts.partitions.leads(id)).collect();
        self.parts.partitions.host(image, hosting);
        for (id, led) in offsets.into_iter().zip(before) {
            match self.parts.partitions.get(id).filter(|cell| cell.view().leading) {
                Some(cell) if !led => self.parts.groups.elected(cell),
                None if led => self.parts.groups.resigned(id.partition),
                _ => {}
            }
        }
    }

    fn tell_groups(&self, image: &MetadataImage, delta: &MetadataDelta) {
        if let Some(topic) = image.topic_by_name(GROUP_METADATA_TOPIC) {
            self.parts
                .groups
                .set_partitions(i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX));
        }
        if !delta.deleted_topics.is_empty() {
            let deleted = delta
                .deleted_topics
                .iter()
                .map(|(&topic_id, name)| DeletedTopic { name: name.to_string(), topic_id })
                .collect();
            self.parts.groups.topics_deleted(deleted);
        }
    }

    fn count(&self, image: &MetadataImage) {
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let controller = &self.parts.metrics.controller;
        controller.topics.set(count(image.topic_count()));
        controller.partitions.set(count(image.topics().map(|topic| topic.partitions.len()).sum()));
        let leaderless = image
            .topics()
            .flat_map(|topic| topic.partitions.iter())
            .filter(|(_, partition)| !partition.has_leader())
            .count();
        controller.offline_partitions.set(count(leaderless));
        let (active, fenced): (Vec<_>, Vec<_>) =
            image.brokers().partition(|broker| broker.is_active());
        controller.active_brokers.set(count(active.len()));
        controller.fenced_brokers.set(count(fenced.len()));
        let led = self.hosted.keys().filter(|&&id| self.parts.partitions.leads(id)).count();
        self.parts.metrics.replicas.partitions.set(count(self.hosted.len()));
        self.parts.metrics.replicas.leaders.set(count(led));
        let lagging = image
            .topics()
            .flat_map(|topic| topic.partitions.iter())
            .filter(|(_, partition)| partition.leader == self.parts.node_id)
            .filter(|(_, partition)| partition.isr.len() < partition.replicas.len())
            .count();
        self.parts.metrics.replicas.under_replicated.set(count(lagging));
    }
}
