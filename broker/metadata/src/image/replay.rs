//! Replay: the one way in which an image changes.

use std::sync::Arc;

use imbl::OrdMap;
use taffrail_model::{
    BrokerEpoch, InvalidTopicName, NodeId, PartitionIndex, ProducerId, TopicName, Uuid,
};
use taffrail_protocol::records::{
    BrokerRegistrationChangeRecord, ClearElrRecord, ClientQuotaRecord, ConfigRecord,
    MetadataRecord, PartitionChangeRecord, PartitionRecord, ProducerIdsRecord, TopicRecord,
};

use super::{
    AclEntry, BrokerRegistration, ConfigResource, ControllerRegistration, DelegationToken,
    MetadataImage, PartitionRegistration, ProducerIdBlock, ResourceType, ScramCredential,
    TopicImage,
};
use crate::delta::MetadataDelta;
use crate::features::{METADATA_VERSION, MetadataVersion};

/// A record doesn't fit the image. The log is committed, so this is never a matter of retrying: either
/// the log is damaged, or it was written by software that this one doesn't understand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// A record names a topic id that isn't there.
    #[error("no topic has the id {0}")]
    UnknownTopicId(Uuid),
    /// A record names a topic that isn't there.
    #[error("no topic has the name '{0}'")]
    UnknownTopicName(String),
    /// A change names a partition that isn't there.
    #[error("topic {topic_id} has no partition {partition}")]
    UnknownPartition {
        /// The topic's id.
        topic_id: Uuid,
        /// The partition's index.
        partition: PartitionIndex,
    },
    /// A topic is created under a name that is taken.
    #[error("topic '{name}' exists already, with the id {id}")]
    TopicExists {
        /// The name.
        name: TopicName,
        /// The id of the topic that has it.
        id: Uuid,
    },
    /// A topic's name is illegal.
    #[error(transparent)]
    TopicName(#[from] InvalidTopicName),
    /// A partition's record contradicts itself.
    #[error("the record of partition {topic_id}-{partition} is malformed: {reason}")]
    MalformedPartition {
        /// The topic's id.
        topic_id: Uuid,
        /// The partition's index.
        partition: PartitionIndex,
        /// What is wrong.
        reason: &'static str,
    },
    /// A record names a broker, at an epoch, that isn't registered.
    #[error("broker {id} isn't registered with epoch {epoch}")]
    UnknownBroker {
        /// The broker's id.
        id: NodeId,
        /// The epoch that the record names.
        epoch: BrokerEpoch,
    },
    /// A change of a broker has a value without a meaning.
    #[error("the record of broker {id} is malformed: {reason}")]
    MalformedBroker {
        /// The broker's id.
        id: NodeId,
        /// What is wrong.
        reason: &'static str,
    },
    /// An endpoint's security protocol is unknown.
    #[error("node {node} has a listener with the unknown security protocol {protocol}")]
    UnknownSecurityProtocol {
        /// The node's id.
        node: NodeId,
        /// The number.
        protocol: i16,
    },
    /// A configuration belongs to an unknown kind of resource.
    #[error("configuration record for the unknown resource type {0}")]
    UnknownResourceType(i8),
    /// The metadata version is newer, or older, than this software.
    #[error(
        "metadata.version {0} isn't supported: this software knows {min} to {max}",
        min = MetadataVersion::MINIMUM.level(),
        max = MetadataVersion::LATEST.level()
    )]
    UnsupportedMetadataVersion(i16),
    /// Producer ids would be handed out twice.
    #[error("the next producer id {next} isn't greater than {current}")]
    ProducerIdsGoBack {
        /// The id in the record.
        next: ProducerId,
        /// The id in the image.
        current: ProducerId,
    },
    /// A transaction begins inside another.
    #[error("a metadata transaction begins at offset {0} inside another")]
    NestedTransaction(i64),
    /// A transaction ends that never began.
    #[error("a metadata transaction ends at offset {0} that never began")]
    NoTransaction(i64),
}

impl MetadataImage {
    /// Applies one record and notes in `delta` what it changed.
    ///
    /// The records that frame metadata transactions change nothing here: [`super::ImageLoader`] acts
    /// on them.
    ///
    /// # Errors
    /// When the record doesn't fit; then neither the image nor the delta has changed.
    pub fn replay(
        &mut self,
        record: &MetadataRecord,
        delta: &mut MetadataDelta,
    ) -> Result<(), ReplayError> {
        match record {
            MetadataRecord::RegisterBroker(r) => {
                let broker = BrokerRegistration::from_record(r)?;
                self.brokers.insert(broker.id, Arc::new(broker));
                delta.changed_brokers.insert(r.broker_id);
                Ok(())
            }
            MetadataRecord::UnregisterBroker(r) => {
                self.registered(r.broker_id, r.broker_epoch)?;
                self.brokers.remove(&r.broker_id);
                delta.changed_brokers.insert(r.broker_id);
                Ok(())
            }
            MetadataRecord::FenceBroker(r) => {
                self.change_broker(r.id, r.epoch, delta, |b| b.fenced = true)
            }
            MetadataRecord::UnfenceBroker(r) => {
                self.change_broker(r.id, r.epoch, delta, |b| b.fenced = false)
            }
            MetadataRecord::BrokerRegistrationChange(r) => self.replay_broker_change(r, delta),
            MetadataRecord::RegisterController(r) => {
                let controller = ControllerRegistration::from_record(r)?;
                self.controllers.insert(controller.id, Arc::new(controller));
                delta.changed_controllers.insert(r.controller_id);
                Ok(())
            }
            MetadataRecord::Topic(r) => self.replay_topic(r, delta),
            MetadataRecord::RemoveTopic(r) => self.replay_remove_topic(r.topic_id, delta),
            MetadataRecord::Partition(r) => self.replay_partition(r, delta),
            MetadataRecord::PartitionChange(r) => self.replay_partition_change(r, delta),
            MetadataRecord::ClearElr(r) => self.replay_clear_elr(r, delta),
            MetadataRecord::Config(r) => self.replay_config(r, delta),
            MetadataRecord::FeatureLevel(r) => self.replay_feature(&r.name, r.feature_level, delta),
            MetadataRecord::ProducerIds(r) => self.replay_producer_ids(r, delta),
            MetadataRecord::ClientQuota(r) => {
                self.replay_client_quota(r, delta);
                Ok(())
            }
            MetadataRecord::UserScramCredential(r) => {
                let credential = ScramCredential {
                    salt: r.salt.clone(),
                    stored_key: r.stored_key.clone(),
                    server_key: r.server_key.clone(),
                    iterations: r.iterations,
                };
                self.scram.insert((r.name.clone(), r.mechanism), credential);
                delta.scram_changed = true;
                Ok(())
            }
            MetadataRecord::RemoveUserScramCredential(r) => {
                self.scram.remove(&(r.name.clone(), r.mechanism));
                delta.scram_changed = true;
                Ok(())
            }
            MetadataRecord::AccessControlEntry(r) => {
                self.acls.insert(r.id, AclEntry::from_record(r));
                delta.acls_changed = true;
                Ok(())
            }
            MetadataRecord::RemoveAccessControlEntry(r) => {
                self.acls.remove(&r.id);
                delta.acls_changed = true;
                Ok(())
            }
            MetadataRecord::DelegationToken(r) => {
                self.delegation_tokens.insert(r.token_id.clone(), DelegationToken::from_record(r));
                delta.delegation_tokens_changed = true;
                Ok(())
            }
            MetadataRecord::RemoveDelegationToken(r) => {
                self.delegation_tokens.remove(&r.token_id);
                delta.delegation_tokens_changed = true;
                Ok(())
            }
            // A log that once lived beside ZooKeeper still says so; nothing depends on it in 4.x.
            MetadataRecord::ZkMigrationState(_)
            | MetadataRecord::NoOp(_)
            | MetadataRecord::BeginTransaction(_)
            | MetadataRecord::EndTransaction(_)
            | MetadataRecord::AbortTransaction(_) => Ok(()),
        }
    }

    fn registered(
        &self,
        id: NodeId,
        epoch: BrokerEpoch,
    ) -> Result<&BrokerRegistration, ReplayError> {
        self.broker(id)
            .filter(|broker| broker.epoch == epoch)
            .ok_or(ReplayError::UnknownBroker { id, epoch })
    }

    fn change_broker(
        &mut self,
        id: NodeId,
        epoch: BrokerEpoch,
        delta: &mut MetadataDelta,
        change: impl FnOnce(&mut BrokerRegistration),
    ) -> Result<(), ReplayError> {
        let mut broker = self.registered(id, epoch)?.clone();
        change(&mut broker);
        self.brokers.insert(id, Arc::new(broker));
        delta.changed_brokers.insert(id);
        Ok(())
    }

    fn replay_broker_change(
        &mut self,
        record: &BrokerRegistrationChangeRecord,
        delta: &mut MetadataDelta,
    ) -> Result<(), ReplayError> {
        let malformed = |reason| ReplayError::MalformedBroker { id: record.broker_id, reason };
        let fenced = match record.fenced {
            -1 => Some(false),
            0 => None,
            1 => Some(true),
            _ => return Err(malformed("unknown change of fencing")),
        };
        let shutting_down = match record.in_controlled_shutdown {
            0 => None,
            1 => Some(true),
            _ => return Err(malformed("unknown change of controlled shutdown")),
        };
        self.change_broker(record.broker_id, record.broker_epoch, delta, |broker| {
            broker.fenced = fenced.unwrap_or(broker.fenced);
            broker.in_controlled_shutdown = shutting_down.unwrap_or(broker.in_controlled_shutdown);
            if !record.log_dirs.is_empty() {
                broker.log_dirs.clone_from(&record.log_dirs);
                broker.log_dirs.sort_unstable();
            }
            if record.cordoned_log_dirs.is_some() {
                broker.cordoned_log_dirs.clone_from(&record.cordoned_log_dirs);
            }
        })
    }

    fn replay_topic(
        &mut self,
        record: &TopicRecord,
        delta: &mut MetadataDelta,
    ) -> Result<(), ReplayError> {
        let name = TopicName::new(&record.name)?;
        if let Some(&id) = self.topic_ids.get(&name) {
            return Err(ReplayError::TopicExists { name, id });
        }
        if let Some(topic) = self.topic(record.topic_id) {
            return Err(ReplayError::TopicExists { name: topic.name.clone(), id: topic.id });
        }
        self.index_name(&name, record.topic_id);
        let topic = TopicImage { id: record.topic_id, name, partitions: OrdMap::new() };
        self.topics.insert(record.topic_id, Arc::new(topic));
        delta.topic_created(record.topic_id);
        Ok(())
    }

    fn replay_remove_topic(
        &mut self,
        id: Uuid,
        delta: &mut MetadataDelta,
    ) -> Result<(), ReplayError> {
        let topic = self.topics.remove(&id).ok_or(ReplayError::UnknownTopicId(id))?;
        self.unindex_name(&topic.name);
        // A topic's configuration goes with it; a later topic of that name starts afresh.
        let config = ConfigResource::topic(&topic.name);
        if self.configs.remove(&config).is_some() {
            delta.changed_configs.insert(config);
        }
        delta.topic_deleted(id, topic.name.clone());
        Ok(())
    }

    fn replay_partition(
        &mut self,
        record: &PartitionRecord,
        delta: &mut MetadataDelta,
    ) -> Result<(), ReplayError> {
        let partition = PartitionRegistration::from_record(record)?;
        self.put_partition(record.topic_id, record.partition_id, partition, delta)
    }

    fn replay_partition_change(
        &mut self,
        record: &PartitionChangeRecord,
        delta: &mut MetadataDelta,
    ) -> Result<(), ReplayError> {
        let partition = self
            .partition(record.topic_id, record.partition_id)
            .ok_or(ReplayError::UnknownPartition {
                topic_id: record.topic_id,
                partition: record.partition_id,
            })?
            .merge(record)?;
        self.put_partition(record.topic_id, record.partition_id, partition, delta)
    }

    fn put_partition(
        &mut self,
        topic_id: Uuid,
        index: PartitionIndex,
        partition: PartitionRegistration,
        delta: &mut MetadataDelta,
    ) -> Result<(), ReplayError> {
        let topic = self.topics.get_mut(&topic_id).ok_or(ReplayError::UnknownTopicId(topic_id))?;
        Arc::make_mut(topic).partitions.insert(index, Arc::new(partition));
        delta.partition_changed(topic_id, index);
        Ok(())
    }

    fn replay_clear_elr(
        &mut self,
        record: &ClearElrRecord,
        delta: &mut MetadataDelta,
    ) -> Result<(), ReplayError> {
        let topic_ids: Vec<Uuid> = if record.topic_name.is_empty() {
            self.topics.keys().copied().collect()
        } else {
            let id = self
                .topic_ids
                .get(record.topic_name.as_str())
                .ok_or_else(|| ReplayError::UnknownTopicName(record.topic_name.clone()))?;
            vec![*id]
        };
        let mut cleared = Vec::new();
        for id in topic_ids {
            let partitions = self.topic(id).into_iter().flat_map(|t| &t.partitions);
            for (&index, partition) in partitions {
                if !partition.elr.is_empty() || !partition.last_known_elr.is_empty() {
                    let change = PartitionChangeRecord {
                        topic_id: id,
                        partition_id: index,
                        eligible_leader_replicas: Some(Vec::new()),
                        last_known_elr: Some(Vec::new()),
                        ..PartitionChangeRecord::default()
                    };
                    cleared.push((id, index, partition.merge(&change)?));
                }
            }
        }
        for (id, index, partition) in cleared {
            self.put_partition(id, index, partition, delta)?;
        }
        Ok(())
    }

    fn replay_config(
        &mut self,
        record: &ConfigRecord,
        delta: &mut MetadataDelta,
    ) -> Result<(), ReplayError> {
        let resource = ConfigResource {
            kind: ResourceType::from_code(record.resource_type)
                .ok_or(ReplayError::UnknownResourceType(record.resource_type))?,
            name: record.resource_name.clone(),
        };
        let mut values = self.config(&resource);
        match &record.value {
            Some(value) => values.insert(record.name.clone(), value.clone()),
            None => values.remove(&record.name),
        };
        if values.is_empty() {
            self.configs.remove(&resource);
        } else {
            self.configs.insert(resource.clone(), values);
        }
        delta.changed_configs.insert(resource);
        Ok(())
    }

    fn replay_feature(
        &mut self,
        name: &str,
        level: i16,
        delta: &mut MetadataDelta,
    ) -> Result<(), ReplayError> {
        if name == METADATA_VERSION && MetadataVersion::from_level(level).is_none() {
            return Err(ReplayError::UnsupportedMetadataVersion(level));
        }
        self.features.set(name, level);
        delta.changed_features.insert(name.to_owned());
        Ok(())
    }

    fn replay_producer_ids(
        &mut self,
        record: &ProducerIdsRecord,
        delta: &mut MetadataDelta,
    ) -> Result<(), ReplayError> {
        if let Some(block) = self.producer_ids
            && record.next_producer_id <= block.next_producer_id
        {
            return Err(ReplayError::ProducerIdsGoBack {
                next: record.next_producer_id,
                current: block.next_producer_id,
            });
        }
        self.producer_ids = Some(ProducerIdBlock {
            broker_id: record.broker_id,
            broker_epoch: record.broker_epoch,
            next_producer_id: record.next_producer_id,
        });
        delta.producer_ids_changed = true;
        Ok(())
    }

    fn replay_client_quota(&mut self, record: &ClientQuotaRecord, delta: &mut MetadataDelta) {
        let mut entity: Vec<_> =
            record.entity.iter().map(|e| (e.entity_type.clone(), e.entity_name.clone())).collect();
        entity.sort();
        let mut quotas = self.client_quotas.get(&entity).cloned().unwrap_or_default();
        if record.remove {
            quotas.remove(&record.key);
        } else {
            quotas.insert(record.key.clone(), record.value);
        }
        if quotas.is_empty() {
            self.client_quotas.remove(&entity);
        } else {
            self.client_quotas.insert(entity, quotas);
        }
        delta.quotas_changed = true;
    }
}
