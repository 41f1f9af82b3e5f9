//! An image as records, for snapshots.

use bytes::Bytes;
use taffrail_protocol::records::{
    AccessControlEntryRecord, ClientQuotaRecord, ConfigRecord, DelegationTokenRecord,
    FeatureLevelRecord, MetadataRecord, ProducerIdsRecord, TopicRecord, UserScramCredentialRecord,
    client_quota_record::EntityData,
};

use super::MetadataImage;
use crate::features::METADATA_VERSION;

impl MetadataImage {
    /// The records that make this image out of an empty one, the metadata version first, as a reader
    /// must know it before anything else.
    #[must_use]
    pub fn to_records(&self) -> Vec<MetadataRecord> {
        let mut records = Vec::new();
        self.features_to_records(&mut records);
        for controller in self.controllers() {
            records.push(MetadataRecord::RegisterController(controller.to_record()));
        }
        for broker in self.brokers() {
            records.push(MetadataRecord::RegisterBroker(broker.to_record()));
        }
        self.topics_to_records(&mut records);
        self.configs_to_records(&mut records);
        self.security_to_records(&mut records);
        if let Some(block) = self.producer_ids {
            records.push(MetadataRecord::from(ProducerIdsRecord {
                broker_id: block.broker_id,
                broker_epoch: block.broker_epoch,
                next_producer_id: block.next_producer_id,
                ..ProducerIdsRecord::default()
            }));
        }
        records
    }

    /// A number that two images share exactly when their records are the same: FNV-1a, 64 bits, over the
    /// encoded records. For tests and for comparing nodes, not against an adversary.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        let mut hash = OFFSET;
        for record in self.to_records() {
            // The newest version of a record has a field for everything; one that can't be written even
            // so (a string beyond the format's limits) still counts by its name.
            let version = record.max_version();
            let encoded = record
                .encode_value(version)
                .unwrap_or_else(|_| Bytes::from_static(record.name().as_bytes()));
            for byte in &encoded {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
            }
        }
        hash
    }

    fn features_to_records(&self, records: &mut Vec<MetadataRecord>) {
        let record = |name: &str, level| {
            MetadataRecord::from(FeatureLevelRecord {
                name: name.to_owned(),
                feature_level: level,
                ..FeatureLevelRecord::default()
            })
        };
        let version = self.features.level(METADATA_VERSION);
        if version != 0 {
            records.push(record(METADATA_VERSION, version));
        }
        for (name, level) in self.features.iter() {
            if name != METADATA_VERSION {
                records.push(record(name, level));
            }
        }
    }

    fn topics_to_records(&self, records: &mut Vec<MetadataRecord>) {
        for topic in self.topics.values() {
            records.push(MetadataRecord::from(TopicRecord {
                name: topic.name.as_str().to_owned(),
                topic_id: topic.id,
                ..TopicRecord::default()
            }));
            for (&index, partition) in &topic.partitions {
                records.push(MetadataRecord::Partition(partition.to_record(topic.id, index)));
            }
        }
    }

    fn configs_to_records(&self, records: &mut Vec<MetadataRecord>) {
        for (resource, values) in &self.configs {
            for (name, value) in values {
                records.push(MetadataRecord::from(ConfigRecord {
                    resource_type: resource.kind.code(),
                    resource_name: resource.name.clone(),
                    name: name.clone(),
                    value: Some(value.clone()),
                    ..ConfigRecord::default()
                }));
            }
        }
    }

    fn security_to_records(&self, records: &mut Vec<MetadataRecord>) {
        for (entity, quotas) in &self.client_quotas {
            for (key, &value) in quotas {
                records.push(MetadataRecord::from(ClientQuotaRecord {
                    entity: entity
                        .iter()
                        .map(|(entity_type, entity_name)| EntityData {
                            entity_type: entity_type.clone(),
                            entity_name: entity_name.clone(),
                            ..EntityData::default()
                        })
                        .collect(),
                    key: key.clone(),
                    value,
                    ..ClientQuotaRecord::default()
                }));
            }
        }
        for ((name, mechanism), credential) in &self.scram {
            records.push(MetadataRecord::from(UserScramCredentialRecord {
                name: name.clone(),
                mechanism: *mechanism,
                salt: credential.salt.clone(),
                stored_key: credential.stored_key.clone(),
                server_key: credential.server_key.clone(),
                iterations: credential.iterations,
                ..UserScramCredentialRecord::default()
            }));
        }
        for (&id, acl) in &self.acls {
            records.push(MetadataRecord::from(AccessControlEntryRecord {
                id,
                resource_type: acl.resource_type,
                resource_name: acl.resource_name.clone(),
                pattern_type: acl.pattern_type,
                principal: acl.principal.clone(),
                host: acl.host.clone(),
                operation: acl.operation,
                permission_type: acl.permission_type,
                ..AccessControlEntryRecord::default()
            }));
        }
        for (token_id, token) in &self.delegation_tokens {
            records.push(MetadataRecord::from(DelegationTokenRecord {
                owner: token.owner.clone(),
                requester: token.requester.clone(),
                renewers: token.renewers.clone(),
                issue_timestamp: token.issue_timestamp_ms,
                max_timestamp: token.max_timestamp_ms,
                expiration_timestamp: token.expiration_timestamp_ms,
                token_id: token_id.clone(),
                ..DelegationTokenRecord::default()
            }));
        }
    }
}
