//! The ConfigMap that holds a cluster's [`Record`].

use std::sync::Arc;

use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource as _;
use taffrail_crds::KafkaCluster;

use super::record::Record;
use crate::cluster::names::{cluster_labels, topics_config_map};
use crate::context::{ApiError, Context};
use crate::stores::ObjectKey;

/// A record, and the object that it was read from.
pub(super) struct RecordStore<'a> {
    context: &'a Context,
    cluster: &'a KafkaCluster,
    key: ObjectKey,
    stored: Option<Arc<ConfigMap>>,
    written: Record,
    /// As it should be.
    pub(super) record: Record,
}

impl<'a> RecordStore<'a> {
    /// Reads the record of `cluster`. One that belongs to another cluster of that name, which was deleted, is as good as
    /// none: its topics were kept when that was.
    pub(super) fn read(context: &'a Context, cluster: &'a KafkaCluster) -> Self {
        let name = cluster.metadata.name.as_deref().unwrap_or_default();
        let namespace = cluster.metadata.namespace.clone().unwrap_or_default();
        let key = ObjectKey::new(namespace, topics_config_map(name));
        let stored = context.stores.config_maps.get(&key);
        let record = record_in(stored.as_deref(), cluster);
        Self { context, cluster, key, stored, written: record.clone(), record }
    }

    /// The record as the API server itself has it now.
    pub(super) async fn read_again(&self) -> Result<Record, ApiError> {
        let stored = self.context.read::<ConfigMap>(&self.key).await?;
        Ok(record_in(stored.as_ref(), self.cluster))
    }

    /// Writes the record if it has changed; an empty one has no object. Fails if somebody else wrote it meanwhile, or
    /// has an object of that name.
    pub(super) async fn save(&mut self) -> Result<(), ApiError> {
        if self.record == self.written {
            return Ok(());
        }
        let store = &self.context.stores.config_maps;
        if self.record.is_empty() {
            if let Some(stored) = &self.stored {
                self.context.delete(store, &stored.metadata).await?;
            }
        } else {
            let object = self.object();
            self.context.check_ours(self.cluster, store, &object).await?;
            self.context.apply(store, &object).await?;
        }
        self.stored = store.get(&self.key);
        self.written = self.record.clone();
        Ok(())
    }

    fn object(&self) -> ConfigMap {
        let name = self.cluster.metadata.name.as_deref().unwrap_or_default();
        let stored = self.stored.as_ref();
        ConfigMap {
            metadata: ObjectMeta {
                name: Some(self.key.name.clone()),
                namespace: Some(self.key.namespace.clone()),
                labels: Some(cluster_labels(name)),
                owner_references: self.cluster.controller_owner_ref(&()).map(|mut owner| {
                    owner.block_owner_deletion = Some(false);
                    vec![owner]
                }),
                resource_version: stored
                    .and_then(|stored| stored.metadata.resource_version.clone()),
                ..ObjectMeta::default()
            },
            data: Some(self.record.to_data()),
            ..ConfigMap::default()
        }
    }
}

/// The record in what is stored, if that is the cluster's.
fn record_in(stored: Option<&ConfigMap>, cluster: &KafkaCluster) -> Record {
    let own = stored.filter(|stored| belongs_to(stored, cluster));
    own.and_then(|stored| stored.data.as_ref()).map(Record::read).unwrap_or_default()
}

fn belongs_to(stored: &ConfigMap, cluster: &KafkaCluster) -> bool {
    let uid = cluster.metadata.uid.as_deref();
    let mut owners = stored.metadata.owner_references.iter().flatten();
    owners.any(|owner| owner.controller == Some(true) && Some(owner.uid.as_str()) == uid)
}
