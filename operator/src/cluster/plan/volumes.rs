//! Volumes: claims that are made, found again and grown. Nothing here can ask for one to be deleted.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;

use super::{Applied, drift};
use crate::cluster::build::{self, Blueprint, Node};
use crate::cluster::names;
use crate::cluster::observed::Observed;
use crate::cluster::quantity;
use crate::cluster::validate::{Invalid, InvalidReason, ValidVolume};

/// How long a claim that was just made may stay unseen.
const SIGHT_DELAY: SignedDuration = SignedDuration::from_secs(60);

/// What becomes of the volumes.
#[derive(Debug, Default)]
pub(super) struct Volumes {
    /// Claims as they should be.
    pub(super) claims: Vec<Applied>,
    /// Claims that are being deleted, by the node that needs them.
    pub(super) leaving: BTreeMap<i32, String>,
}

pub(super) fn plan(
    observed: &Observed,
    blueprint: &Blueprint<'_>,
    now: Timestamp,
) -> Result<Volumes, Vec<Invalid>> {
    let mut volumes = Volumes::default();
    let mut refusals = Vec::new();
    for node in &blueprint.nodes {
        for volume in &node.pool.volumes {
            let mut claim = Applied::Claim(build::claim(blueprint, node, volume));
            drift::stamp(&mut claim);
            let name = claim.name().to_owned();
            let existing = observed.claims.iter().find(|existing| existing.name_any() == name);
            match existing {
                Some(existing) if existing.metadata.deletion_timestamp.is_some() => {
                    volumes.leaving.insert(node.id, name);
                }
                Some(existing) => match kept(existing, claim, volume) {
                    Ok(claim) => volumes.claims.push(claim),
                    Err(message) => refusals.push(refusal(node, InvalidReason::Invalid, message)),
                },
                None if was_in_use(observed, blueprint, node, &name, now) => {
                    refusals.push(refusal(
                        node,
                        InvalidReason::VolumeMissing,
                        missing(blueprint, node, &name),
                    ));
                }
                None => volumes.claims.push(claim),
            }
        }
    }
    if refusals.is_empty() { Ok(volumes) } else { Err(refusals) }
}

fn refusal(node: &Node<'_>, reason: InvalidReason, message: String) -> Invalid {
    let field = format!("spec.pools[{}].storage.volumes", node.pool.name);
    Invalid { field, reason, message }
}

/// The claim as it should be, with what can't change as it is.
fn kept(
    existing: &PersistentVolumeClaim,
    mut claim: Applied,
    volume: &ValidVolume,
) -> Result<Applied, String> {
    let name = existing.name_any();
    let Some(existing_spec) = &existing.spec else { return Ok(claim) };
    if existing.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Lost") {
        return Err(format!(
            "PersistentVolumeClaim {name} has lost its volume: restore the volume, or delete the claim and the \
             StatefulSet of its node to begin with an empty one"
        ));
    }
    let Applied::Claim(PersistentVolumeClaim { spec: Some(spec), .. }) = &mut claim else {
        return Ok(claim);
    };
    let class = existing_spec.storage_class_name.as_ref();
    if let (Some(wanted), Some(class)) = (&volume.storage_class_name, class)
        && wanted != class
    {
        return Err(format!(
            "PersistentVolumeClaim {name} is of storage class '{class}' and can't change to '{wanted}': write \
             storageClassName: {class}, or add a volume under another name"
        ));
    }
    spec.storage_class_name = class.cloned();
    spec.access_modes = existing_spec.access_modes.clone();
    let requests =
        existing_spec.resources.as_ref().and_then(|resources| resources.requests.as_ref());
    if let Some(size) = requests.and_then(|requests| requests.get("storage")) {
        let kept_size = kept_size(&name, size, &volume.size)?;
        if let Some(requests) =
            spec.resources.as_mut().and_then(|resources| resources.requests.as_mut())
        {
            requests.insert("storage".to_owned(), kept_size);
        }
    }
    Ok(claim)
}

/// The larger of both, in the words of the claim if they are equal.
fn kept_size(name: &str, existing: &Quantity, wanted: &Quantity) -> Result<Quantity, String> {
    match (quantity::parse(existing), quantity::parse(wanted)) {
        (Ok(is), Ok(should)) if should < is => Err(format!(
            "PersistentVolumeClaim {name} has {} and can't shrink to {}: write size: {}",
            existing.0, wanted.0, existing.0
        )),
        (Ok(is), Ok(should)) if should == is => Ok(existing.clone()),
        _ => Ok(wanted.clone()),
    }
}

/// Whether a node's StatefulSet has used a claim for longer than a new one may stay unseen: then it was
/// there, and an empty volume in its place would be the loss of all that was on it.
fn was_in_use(
    observed: &Observed,
    blueprint: &Blueprint<'_>,
    node: &Node<'_>,
    claim: &str,
    now: Timestamp,
) -> bool {
    let name = blueprint.node_name(node);
    let Some(set) = observed.stateful_sets.iter().find(|set| set.name_any() == name) else {
        return false;
    };
    let is_old =
        set.creation_timestamp().is_some_and(|created| now.duration_since(created.0) > SIGHT_DELAY);
    let pod = set.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
    let mut volumes = pod.into_iter().flat_map(|pod| pod.volumes.iter().flatten());
    let uses = volumes.any(|volume| {
        volume.persistent_volume_claim.as_ref().is_some_and(|source| source.claim_name == claim)
    });
    is_old && uses
}

fn missing(blueprint: &Blueprint<'_>, node: &Node<'_>, claim: &str) -> String {
    let (set, namespace) = (blueprint.node_name(node), &blueprint.cluster.namespace);
    format!(
        "PersistentVolumeClaim {claim} of node {} is gone, and no empty one is put in its place: restore it under \
         this name with the label {}={}, or begin with an empty volume, without the records, by: kubectl -n \
         {namespace} delete statefulset {set}",
        node.id,
        names::CLUSTER_LABEL,
        blueprint.cluster.name
    )
}
