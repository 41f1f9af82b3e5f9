//! What a published image means for the partitions of this node.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use taffrail_metadata::{
    ConfigResource, MetadataDelta, MetadataImage, PartitionRegistration, ResourceType,
};
use taffrail_model::{NodeId, TopicIdPartition, TopicName};

/// One thing to do about a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartitionChange {
    /// The topic is gone, or the partition lives elsewhere now: stop serving it and delete its log.
    Remove {
        /// The partition.
        id: TopicIdPartition,
    },
    /// The partition is hosted here as this registration says. It may be new to the node.
    Host {
        /// The partition.
        id: TopicIdPartition,
        /// Its topic's name.
        topic: TopicName,
        /// What the controller decided.
        registration: Arc<PartitionRegistration>,
    },
    /// The topic's effective configuration may have changed.
    Configure {
        /// The partition.
        id: TopicIdPartition,
        /// Its topic's name.
        topic: TopicName,
    },
}

/// What `delta`, which led to `image`, means for `node`, which serves `hosted` now. To be done in this order: removals
/// come first, since a topic may be deleted and created again under its old name within one delta.
#[must_use]
pub fn plan(
    image: &MetadataImage,
    delta: &MetadataDelta,
    node: NodeId,
    hosted: &BTreeMap<TopicIdPartition, TopicName>,
) -> Vec<PartitionChange> {
    let mut removals = Vec::new();
    let mut others = Vec::new();
    for (&id, _) in hosted.iter().filter(|(id, _)| delta.deleted_topics.contains_key(&id.topic_id))
    {
        removals.push(PartitionChange::Remove { id });
    }
    for (&topic_id, topic_delta) in &delta.changed_topics {
        let Some(topic) = image.topic(topic_id) else { continue };
        for &partition in &topic_delta.partitions {
            let id = TopicIdPartition { topic_id, partition };
            match topic.partitions.get(&partition).filter(|found| found.replicas.contains(&node)) {
                Some(registration) => others.push(PartitionChange::Host {
                    id,
                    topic: topic.name.clone(),
                    registration: Arc::clone(registration),
                }),
                None if hosted.contains_key(&id) => removals.push(PartitionChange::Remove { id }),
                None => {}
            }
        }
    }
    let configured = configured_topics(delta, node);
    let concerns = |topic: &TopicName| match &configured {
        Configured::All => true,
        Configured::Named(names) => names.contains(topic.as_str()),
    };
    for (&id, topic) in hosted.iter().filter(|(_, topic)| concerns(topic)) {
        let stays = image
            .partition(id.topic_id, id.partition)
            .is_some_and(|registration| registration.replicas.contains(&node));
        if stays {
            others.push(PartitionChange::Configure { id, topic: topic.clone() });
        }
    }
    removals.extend(others);
    removals
}

enum Configured<'a> {
    /// This broker's or the cluster's default changed, and any topic may follow it.
    All,
    Named(BTreeSet<&'a str>),
}

fn configured_topics(delta: &MetadataDelta, node: NodeId) -> Configured<'_> {
    let defaults = [ConfigResource::cluster_default(), ConfigResource::broker(node)];
    if defaults.iter().any(|resource| delta.changed_configs.contains(resource)) {
        return Configured::All;
    }
    let topics =
        delta.changed_configs.iter().filter(|resource| resource.kind == ResourceType::Topic);
    Configured::Named(topics.map(|resource| resource.name.as_str()).collect())
}
