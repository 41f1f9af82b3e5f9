//! The claim of one of a node's volumes.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements,
};
use taffrail_crds::cluster::VolumePolicy;

use super::{Blueprint, Node};
use crate::cluster::names;
use crate::cluster::validate::ValidVolume;

/// The claim of a node's volume, as it would be if there were none yet. Only with `whenDeleted: Delete`
/// does it belong to the resource, so that Kubernetes deletes the one after the other.
#[must_use]
pub fn claim(
    blueprint: &Blueprint<'_>,
    node: &Node<'_>,
    volume: &ValidVolume,
) -> PersistentVolumeClaim {
    let name = names::claim(&volume.name, &blueprint.cluster.name, &node.pool.name, node.id);
    let mut labels = blueprint.node_labels(node);
    labels.insert(names::VOLUME_LABEL.to_owned(), volume.name.clone());
    let mut metadata = blueprint.metadata(name, labels);
    metadata.annotations = Some(blueprint.cluster_id_annotation());
    if node.pool.when_deleted == VolumePolicy::Retain {
        metadata.owner_references = None;
    }
    let requests = BTreeMap::from([("storage".to_owned(), volume.size.clone())]);
    PersistentVolumeClaim {
        metadata,
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            resources: Some(VolumeResourceRequirements { requests: Some(requests), limits: None }),
            storage_class_name: volume.storage_class_name.clone(),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}
