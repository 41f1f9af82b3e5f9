//! What changed between two images.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imbl::OrdMap;
use taffrail_model::{NodeId, PartitionIndex, TopicName, Uuid};

use crate::image::{ConfigResource, MetadataImage};

/// What a run of records changed. It names the things and doesn't hold them: the new state is in the
/// image that is published beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetadataDelta {
    /// Topics that are new or whose partitions changed.
    pub changed_topics: BTreeMap<Uuid, TopicDelta>,
    /// Topics that are gone, with the names that they had.
    pub deleted_topics: BTreeMap<Uuid, TopicName>,
    /// Brokers that were registered, changed (fenced, unfenced, shutting down) or unregistered.
    pub changed_brokers: BTreeSet<NodeId>,
    /// Controllers that were registered or changed.
    pub changed_controllers: BTreeSet<NodeId>,
    /// Resources of which at least one configuration key was set or removed.
    pub changed_configs: BTreeSet<ConfigResource>,
    /// Features whose finalised level changed.
    pub changed_features: BTreeSet<String>,
    /// The next block of producer ids moved.
    pub producer_ids_changed: bool,
    /// Client quotas changed.
    pub quotas_changed: bool,
    /// SCRAM credentials changed.
    pub scram_changed: bool,
    /// ACLs changed.
    pub acls_changed: bool,
    /// Delegation tokens changed.
    pub delegation_tokens_changed: bool,
}

/// What changed in one topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicDelta {
    /// The topic came into being in this delta.
    pub created: bool,
    /// The partitions that are new or changed.
    pub partitions: BTreeSet<PartitionIndex>,
}

impl MetadataDelta {
    /// Whether nothing changed (a run of no-op records).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What differs between two images.
    #[must_use]
    pub fn between(old: &MetadataImage, new: &MetadataImage) -> Self {
        let mut delta = Self::default();
        for topic in old.topics.values() {
            if new.topic(topic.id).is_none() {
                delta.topic_deleted(topic.id, topic.name.clone());
            }
        }
        for topic in new.topics.values() {
            let before = old.topics.get(&topic.id);
            if before.is_some_and(|before| Arc::ptr_eq(before, topic)) {
                continue;
            }
            if before.is_none() {
                delta.topic_created(topic.id);
            }
            for (&index, partition) in &topic.partitions {
                if before.and_then(|b| b.partitions.get(&index)) != Some(partition) {
                    delta.partition_changed(topic.id, index);
                }
            }
        }
        delta.changed_brokers = changed_keys(&old.brokers, &new.brokers);
        delta.changed_controllers = changed_keys(&old.controllers, &new.controllers);
        delta.changed_configs = changed_keys(&old.configs, &new.configs);
        delta.changed_features = changed_keys(&old.features.levels, &new.features.levels);
        delta.producer_ids_changed = old.producer_ids != new.producer_ids;
        delta.quotas_changed = old.client_quotas != new.client_quotas;
        delta.scram_changed = old.scram != new.scram;
        delta.acls_changed = old.acls != new.acls;
        delta.delegation_tokens_changed = old.delegation_tokens != new.delegation_tokens;
        delta
    }

    /// Adds what a later run of records changed.
    pub fn merge(&mut self, later: Self) {
        for (id, name) in later.deleted_topics {
            self.topic_deleted(id, name);
        }
        for (id, topic) in later.changed_topics {
            let merged = self.changed_topics.entry(id).or_default();
            merged.created |= topic.created;
            merged.partitions.extend(topic.partitions);
        }
        self.changed_brokers.extend(later.changed_brokers);
        self.changed_controllers.extend(later.changed_controllers);
        self.changed_configs.extend(later.changed_configs);
        self.changed_features.extend(later.changed_features);
        self.producer_ids_changed |= later.producer_ids_changed;
        self.quotas_changed |= later.quotas_changed;
        self.scram_changed |= later.scram_changed;
        self.acls_changed |= later.acls_changed;
        self.delegation_tokens_changed |= later.delegation_tokens_changed;
    }

    pub(crate) fn topic_created(&mut self, id: Uuid) {
        self.changed_topics.entry(id).or_default().created = true;
    }

    pub(crate) fn partition_changed(&mut self, id: Uuid, partition: PartitionIndex) {
        self.changed_topics.entry(id).or_default().partitions.insert(partition);
    }

    /// A topic that was created and deleted within one delta is reported as deleted all the same:
    /// a subscriber that didn't know it has nothing to do, and nobody has to know who knew it.
    pub(crate) fn topic_deleted(&mut self, id: Uuid, name: TopicName) {
        self.changed_topics.remove(&id);
        self.deleted_topics.insert(id, name);
    }
}

fn changed_keys<K: Ord + Clone, V: PartialEq>(
    old: &OrdMap<K, V>,
    new: &OrdMap<K, V>,
) -> BTreeSet<K> {
    old.keys().chain(new.keys()).filter(|key| old.get(*key) != new.get(*key)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_keeps_creations_and_lets_deletions_win() {
        let (a, b) = (Uuid::from_bytes([1; 16]), Uuid::from_bytes([2; 16]));
        let name = TopicName::new("t").unwrap();
        let mut first = MetadataDelta::default();
        first.topic_created(a);
        first.partition_changed(a, 0);
        first.topic_created(b);
        let mut second = MetadataDelta::default();
        second.partition_changed(a, 1);
        second.topic_deleted(b, name.clone());
        first.merge(second);
        assert_eq!(
            first.changed_topics,
            BTreeMap::from([(a, TopicDelta { created: true, partitions: BTreeSet::from([0, 1]) })])
        );
        assert_eq!(first.deleted_topics, BTreeMap::from([(b, name)]));
        assert!(!first.is_empty());
        assert!(MetadataDelta::default().is_empty());
    }
}
