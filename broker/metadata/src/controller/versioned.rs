//! Records in the version that the cluster has agreed on.

use bytes::Bytes;
use taffrail_protocol::records::MetadataRecord;
use taffrail_protocol::wire::EncodeError;

use crate::features::{FeatureLevels, MetadataVersion};

/// A record with the version that the cluster's features allow it to be written in.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionedRecord {
    /// The record.
    pub record: MetadataRecord,
    /// The version of its schema.
    pub version: i16,
}

impl VersionedRecord {
    /// The record as a cluster with these features reads it. Fields that the version lacks are dropped:
    /// at an older metadata version they have no meaning.
    #[must_use]
    pub fn new(mut record: MetadataRecord, features: &FeatureLevels) -> Self {
        let level = features.metadata_version().unwrap_or(MetadataVersion::LATEST);
        let directories = level.supports_directories();
        let elr = level >= MetadataVersion::V4_0_IV1;
        let version = match &mut record {
            MetadataRecord::Partition(partition) => {
                if !directories {
                    partition.directories.clear();
                }
                if !elr {
                    partition.eligible_leader_replicas = None;
                    partition.last_known_elr = None;
                }
                i16::from(directories) + i16::from(elr)
            }
            MetadataRecord::PartitionChange(change) => {
                if !directories {
                    change.directories = None;
                }
                if !elr {
                    change.eligible_leader_replicas = None;
                    change.last_known_elr = None;
                }
                i16::from(directories) + i16::from(elr)
            }
            MetadataRecord::RegisterBroker(broker) => {
                if !directories {
                    broker.log_dirs.clear();
                }
                if !level.supports_cordoned_directories() {
                    broker.cordoned_log_dirs = None;
                }
                if level.supports_cordoned_directories() {
                    4
                } else if directories {
                    3
                } else {
                    2
                }
            }
            // As Kafka writes it: the lowest version that has the fields that are set.
            MetadataRecord::BrokerRegistrationChange(change) => {
                if change.cordoned_log_dirs.is_some() {
                    3
                } else if !change.log_dirs.is_empty() {
                    2
                } else {
                    i16::from(change.in_controlled_shutdown != 0)
                }
            }
            other => other.min_version(),
        };
        Self { record, version }
    }

    /// The value of the log's record, in Kafka's frame.
    ///
    /// # Errors
    /// When a field is too long for the format.
    pub fn encode_value(&self) -> Result<Bytes, EncodeError> {
        self.record.encode_value(self.version)
    }
}
