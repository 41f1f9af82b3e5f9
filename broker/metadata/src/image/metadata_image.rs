//! The image itself, and how it is asked.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use taffrail_model::{NodeId, PartitionIndex, ProducerId, TopicName, Uuid};

use super::{
    AclEntry, BrokerRegistration, ClientQuotaEntity, ConfigResource, ControllerRegistration,
    DelegationToken, PartitionRegistration, ScramCredential, TopicImage,
};
use crate::features::{FeatureLevels, MetadataVersion};

/// The block of producer ids that is handed out next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerIdBlock {
    /// The broker that got the last block.
    pub broker_id: NodeId,
    /// That broker's epoch then.
    pub broker_epoch: i64,
    /// The first id of the next block.
    pub next_producer_id: ProducerId,
}

/// Everything that the metadata log says, up to some offset. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetadataImage {
    pub(crate) features: FeatureLevels,
    pub(crate) topics: OrdMap<Uuid, Arc<TopicImage>>,
    pub(crate) topic_ids: OrdMap<TopicName, Uuid>,
    /// Names with `.` or `_`, by the form in which the two are the same.
    pub(crate) collision_names: OrdMap<String, OrdSet<TopicName>>,
    pub(crate) brokers: OrdMap<NodeId, Arc<BrokerRegistration>>,
    pub(crate) controllers: OrdMap<NodeId, Arc<ControllerRegistration>>,
    pub(crate) configs: OrdMap<ConfigResource, OrdMap<String, String>>,
    pub(crate) producer_ids: Option<ProducerIdBlock>,
    pub(crate) client_quotas: OrdMap<ClientQuotaEntity, OrdMap<String, f64>>,
    pub(crate) scram: OrdMap<(String, i8), ScramCredential>,
    pub(crate) acls: OrdMap<Uuid, AclEntry>,
    pub(crate) delegation_tokens: OrdMap<String, DelegationToken>,
}

impl MetadataImage {
    /// The finalised features.
    #[must_use]
    pub fn features(&self) -> &FeatureLevels {
        &self.features
    }

    /// The finalised metadata version; the lowest one while the log hasn't said.
    #[must_use]
    pub fn metadata_version(&self) -> MetadataVersion {
        self.features.metadata_version().unwrap_or(MetadataVersion::MINIMUM)
    }

    /// A topic by its id.
    #[must_use]
    pub fn topic(&self, id: Uuid) -> Option<&TopicImage> {
        self.topics.get(&id).map(AsRef::as_ref)
    }

    /// A topic by its name.
    #[must_use]
    pub fn topic_by_name(&self, name: &str) -> Option<&TopicImage> {
        self.topic(*self.topic_ids.get(name)?)
    }

    /// A partition by its topic's id and its index.
    #[must_use]
    pub fn partition(
        &self,
        topic: Uuid,
        partition: PartitionIndex,
    ) -> Option<&PartitionRegistration> {
        self.topic(topic)?.partitions.get(&partition).map(AsRef::as_ref)
    }

    /// A topic whose name differs from `name` only in `.` and `_`: in names of metrics they'd be one.
    #[must_use]
    pub fn colliding_topic(&self, name: &TopicName) -> Option<&TopicName> {
        self.collision_names.get(&name.collision_key())?.get_min()
    }

    pub(crate) fn index_name(&mut self, name: &TopicName, id: Uuid) {
        self.topic_ids.insert(name.clone(), id);
        if has_collision_letters(name) {
            self.collision_names.entry(name.collision_key()).or_default().insert(name.clone());
        }
    }

    pub(crate) fn unindex_name(&mut self, name: &TopicName) {
        self.topic_ids.remove(name);
        let key = name.collision_key();
        if let Some(names) = self.collision_names.get_mut(&key) {
            names.remove(name);
            if names.is_empty() {
                self.collision_names.remove(&key);
            }
        }
    }

    /// All topics, sorted by name.
    pub fn topics(&self) -> impl Iterator<Item = &TopicImage> {
        self.topic_ids.values().filter_map(|id| self.topic(*id))
    }

    /// The number of topics.
    #[must_use]
    pub fn topic_count(&self) -> usize {
        self.topics.len()
    }

    /// All partitions with their topics, sorted by topic id and index.
    pub fn partitions(
        &self,
    ) -> impl Iterator<Item = (&TopicImage, PartitionIndex, &PartitionRegistration)> {
        self.topics.values().flat_map(|topic| {
            topic
                .partitions
                .iter()
                .map(move |(index, partition)| (topic.as_ref(), *index, partition.as_ref()))
        })
    }

    /// A broker's registration.
    #[must_use]
    pub fn broker(&self, id: NodeId) -> Option<&BrokerRegistration> {
        self.brokers.get(&id).map(AsRef::as_ref)
    }

    /// All registered brokers, fenced ones too, sorted by id.
    pub fn brokers(&self) -> impl Iterator<Item = &BrokerRegistration> {
        self.brokers.values().map(AsRef::as_ref)
    }

    /// Whether `id` is registered, unfenced and not shutting down.
    #[must_use]
    pub fn is_active(&self, id: NodeId) -> bool {
        self.broker(id).is_some_and(BrokerRegistration::is_active)
    }

    /// All registered controllers, sorted by id.
    pub fn controllers(&self) -> impl Iterator<Item = &ControllerRegistration> {
        self.controllers.values().map(AsRef::as_ref)
    }

    /// What is set of a resource's configuration, by key; defaults aren't in it.
    #[must_use]
    pub fn config(&self, resource: &ConfigResource) -> OrdMap<String, String> {
        self.configs.get(resource).cloned().unwrap_or_default()
    }

    /// What a resource's configuration says of one key.
    #[must_use]
    pub fn config_value(&self, resource: &ConfigResource, key: &str) -> Option<&str> {
        self.configs.get(resource)?.get(key).map(String::as_str)
    }

    /// All resources with a configuration, sorted.
    pub fn config_resources(&self) -> impl Iterator<Item = &ConfigResource> {
        self.configs.keys()
    }

    /// The state of producer id allocation; `None` before the first block.
    #[must_use]
    pub fn producer_ids(&self) -> Option<ProducerIdBlock> {
        self.producer_ids
    }

    /// Client quotas by entity and key.
    pub fn client_quotas(
        &self,
    ) -> impl Iterator<Item = (&ClientQuotaEntity, &OrdMap<String, f64>)> {
        self.client_quotas.iter()
    }

    /// The credential of a user for a SCRAM mechanism (Kafka's `ScramMechanism` numbers).
    #[must_use]
    pub fn scram_credential(&self, user: &str, mechanism: i8) -> Option<&ScramCredential> {
        self.scram.get(&(user.to_owned(), mechanism))
    }

    /// Access control entries by id.
    pub fn acls(&self) -> impl Iterator<Item = (&Uuid, &AclEntry)> {
        self.acls.iter()
    }

    /// Delegation tokens by id.
    pub fn delegation_tokens(&self) -> impl Iterator<Item = (&str, &DelegationToken)> {
        self.delegation_tokens.iter().map(|(id, token)| (id.as_str(), token))
    }
}

fn has_collision_letters(name: &TopicName) -> bool {
    name.as_str().contains(['.', '_'])
}
