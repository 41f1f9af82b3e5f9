//! What a controller writes first when it becomes the leader.

use taffrail_model::Offset;
use taffrail_protocol::records::{
    AbortTransactionRecord, BeginTransactionRecord, ConfigRecord, EndTransactionRecord,
    FeatureLevelRecord, MetadataRecord,
};

use super::Notice;
use crate::features::{
    ELIGIBLE_LEADER_REPLICAS_VERSION, FeatureLevels, KRAFT_VERSION, METADATA_VERSION,
    MetadataVersion, supported_features,
};
use crate::image::{ConfigResource, ResourceType};

/// The records that an empty log begins with.
#[derive(Clone, Debug, PartialEq)]
pub struct BootstrapRecords {
    records: Vec<MetadataRecord>,
    features: FeatureLevels,
}

impl BootstrapRecords {
    /// The features of a release: its metadata version, and every feature at the level that a new
    /// cluster of that release gets. The quorum's own version is no record of this log.
    #[must_use]
    pub fn of_release(version: MetadataVersion) -> Self {
        let level = |name: &str, level| {
            MetadataRecord::from(FeatureLevelRecord {
                name: name.to_owned(),
                feature_level: level,
                ..FeatureLevelRecord::default()
            })
        };
        let mut records = vec![level(METADATA_VERSION, version.level())];
        for feature in supported_features() {
            let default = feature.default_level(version);
            if ![METADATA_VERSION, KRAFT_VERSION].contains(&feature.name) && default > 0 {
                records.push(level(feature.name, default));
            }
        }
        Self::new(records)
    }

    /// Records that were chosen when the log was formatted, out of `bootstrap.checkpoint`.
    #[must_use]
    pub fn new(records: Vec<MetadataRecord>) -> Self {
        let mut features = FeatureLevels::default();
        for record in &records {
            if let MetadataRecord::FeatureLevel(feature) = record {
                features.set(&feature.name, feature.feature_level);
            }
        }
        Self { records, features }
    }

    /// The records.
    #[must_use]
    pub fn records(&self) -> &[MetadataRecord] {
        &self.records
    }

    /// The features that the records finalise.
    #[must_use]
    pub fn features(&self) -> &FeatureLevels {
        &self.features
    }

    /// The metadata version that the cluster begins with.
    #[must_use]
    pub fn metadata_version(&self) -> MetadataVersion {
        self.features.metadata_version().unwrap_or(MetadataVersion::LATEST)
    }
}

/// What activation writes, and what of it an administrator should read.
pub(super) struct Activation {
    pub(super) records: Vec<MetadataRecord>,
    pub(super) notices: Vec<Notice>,
}

/// The records of activation: an open transaction is aborted, and a log that hasn't said its metadata
/// version yet is begun, in a transaction where the version has them.
pub(super) fn activate(
    finalised: Option<MetadataVersion>,
    open_transaction: Option<Offset>,
    bootstrap: &BootstrapRecords,
    min_insync_replicas: i32,
) -> Activation {
    let mut records = Vec::new();
    let mut notices = Vec::new();
    if let Some(start_offset) = open_transaction {
        records.push(MetadataRecord::from(AbortTransactionRecord {
            reason: Some("Controller failover".to_owned()),
            ..AbortTransactionRecord::default()
        }));
        notices.push(Notice::TransactionAborted { start_offset });
    }
    if finalised.is_some() {
        return Activation { records, notices };
    }
    let version = bootstrap.metadata_version();
    notices.push(Notice::Bootstrapped { version });
    if version.supports_transactions() {
        records.push(MetadataRecord::from(BeginTransactionRecord {
            name: Some("Bootstrap records".to_owned()),
            ..BeginTransactionRecord::default()
        }));
    }
    records.extend(bootstrap.records.iter().cloned());
    if bootstrap.features.level(ELIGIBLE_LEADER_REPLICAS_VERSION) > 0 {
        // Everybody must go by the same value, so it can't be left to each node's file.
        records.push(MetadataRecord::from(ConfigRecord {
            resource_type: ResourceType::Broker.code(),
            resource_name: ConfigResource::cluster_default().name,
            name: "min.insync.replicas".to_owned(),
            value: Some(min_insync_replicas.to_string()),
            ..ConfigRecord::default()
        }));
    }
    if version.supports_transactions() {
        records.push(MetadataRecord::from(EndTransactionRecord::default()));
    }
    Activation { records, notices }
}
