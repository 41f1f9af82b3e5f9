//! Who the cluster is: its id, and which nodes it has.
//!
//! The truth is on the volumes. Claims and StatefulSets carry it in annotations and labels, so that a
//! cluster whose resource was deleted and applied again is found again as it was.

use std::collections::{BTreeMap, BTreeSet};

use kube::ResourceExt;
use taffrail_crds::KafkaCluster;
use taffrail_model::Uuid;

use super::{Applied, node_ports};
use crate::cluster::build::{Blueprint, Node};
use crate::cluster::names;
use crate::cluster::observed::Observed;
use crate::cluster::validate::{Invalid, InvalidReason, ValidatedCluster};

/// A node by its pool and id: another pool is another name, and another volume.
type NodeKey = (String, i32);

/// The spec with its identity.
pub(super) fn blueprint<'a>(
    observed: &Observed,
    cluster: &'a ValidatedCluster,
) -> Result<Blueprint<'a>, Invalid> {
    let cluster_id = cluster_id(observed)?;
    let nodes = nodes(observed, cluster)?;
    Ok(Blueprint { cluster, cluster_id, nodes, node_ports: node_ports(observed) })
}

/// The id that all who know one agree on, or a new one.
fn cluster_id(observed: &Observed) -> Result<String, Invalid> {
    let cluster = &observed.cluster;
    let mut known: Vec<(String, String)> = Vec::new();
    let mut learn = |source: String, id: Option<&String>| {
        known.extend(id.filter(|id| !id.is_empty()).map(|id| (source, id.clone())));
    };
    learn("spec.clusterID".to_owned(), cluster.spec.cluster_id.as_ref());
    let status = cluster.status.as_ref().and_then(|status| status.cluster_id.as_ref());
    learn("status.clusterID".to_owned(), status);
    for claim in &observed.claims {
        let id = claim.annotations().get(names::CLUSTER_ID_ANNOTATION);
        learn(format!("PersistentVolumeClaim {}", claim.name_any()), id);
    }
    for set in &observed.stateful_sets {
        let id = set.annotations().get(names::CLUSTER_ID_ANNOTATION);
        learn(format!("StatefulSet {}", set.name_any()), id);
    }
    known.sort_by_key(|(source, _)| (!source.starts_with("spec"), !source.starts_with("status")));
    let Some((source, id)) = known.first() else { return new_cluster_id(cluster) };
    if let Some((other_source, other_id)) = known.iter().find(|(_, other)| other != id) {
        return Err(Invalid {
            field: "spec.clusterID".to_owned(),
            reason: InvalidReason::Invalid,
            message: format!(
                "{source} says that the cluster's id is {id}, and {other_source} says {other_id}: these are \
                 volumes of two clusters; use another metadata.name for one of them, or set spec.clusterID and \
                 remove the volumes that aren't this cluster's"
            ),
        });
    }
    Ok(id.clone())
}

/// The resource's own uid is random already. An id that is drawn anew each time might be written twice
/// before the first is seen.
fn new_cluster_id(cluster: &KafkaCluster) -> Result<String, Invalid> {
    let uid = cluster.uid().unwrap_or_default();
    let hex: String = uid.chars().filter(|c| *c != '-').collect();
    match u128::from_str_radix(&hex, 16) {
        Ok(number) if hex.len() == 32 => Ok(Uuid::from_random(number.to_be_bytes()).to_string()),
        _ => Err(Invalid {
            field: "metadata.uid".to_owned(),
            reason: InvalidReason::Invalid,
            message: format!(
                "'{uid}' isn't a UUID, so that no cluster id can be made of it: set spec.clusterID"
            ),
        }),
    }
}

/// The nodes that there should be: those that exist keep their ids, then those that left volumes behind come
/// back, then the lowest free ids are taken.
fn nodes<'a>(observed: &Observed, cluster: &'a ValidatedCluster) -> Result<Vec<Node<'a>>, Invalid> {
    let running: BTreeSet<NodeKey> =
        observed.stateful_sets.iter().filter_map(|set| key_of(set.labels())).collect();
    let with_volumes: BTreeSet<NodeKey> =
        observed.claims.iter().filter_map(|claim| key_of(claim.labels())).collect();
    let mut nodes = Vec::new();
    for pool in &cluster.pools {
        let is_of = |keys: &BTreeSet<NodeKey>, id: i32| keys.contains(&(pool.name.clone(), id));
        // The id space is bounded, and a stable sort keeps the lowest first.
        let mut ids: Vec<i32> = pool.node_ids.iter().collect();
        ids.sort_by_key(|id| (!is_of(&running, *id), !is_of(&with_volumes, *id)));
        nodes.extend(ids.into_iter().take(pool.replicas).map(|id| Node { id, pool }));
    }
    nodes.sort_by_key(|node| node.id);
    let planned: BTreeSet<NodeKey> =
        nodes.iter().map(|node| (node.pool.name.clone(), node.id)).collect();
    check_none_lost(&running, &with_volumes, &planned)?;
    Ok(nodes)
}

fn key_of(labels: &BTreeMap<String, String>) -> Option<NodeKey> {
    let pool = labels.get(names::POOL_LABEL)?;
    Some((pool.clone(), labels.get(names::NODE_ID_LABEL)?.parse().ok()?))
}

/// A node that runs isn't taken away, and a cluster that left volumes isn't begun anew beside them: the only
/// voter would go, and all metadata with it.
fn check_none_lost(
    running: &BTreeSet<NodeKey>,
    with_volumes: &BTreeSet<NodeKey>,
    planned: &BTreeSet<NodeKey>,
) -> Result<(), Invalid> {
    let left_behind = if planned.is_disjoint(with_volumes) { with_volumes.first() } else { None };
    let Some((pool, id)) = running.difference(planned).next().or(left_behind) else {
        return Ok(());
    };
    let message = if running.contains(&(pool.clone(), *id)) {
        format!(
            "node {id} of pool '{pool}' holds the cluster's metadata and partitions, and the spec has it no more: put \
             the pool back with this id in nodeIDs and replicas 1; nodes can't be moved between pools or ids yet"
        )
    } else {
        format!(
            "the volumes of node {id} of pool '{pool}' hold this cluster's metadata, and the spec has another node: put \
             the pool back with this id in nodeIDs; to begin an empty cluster instead delete its PersistentVolumeClaims"
        )
    };
    Err(Invalid { field: "spec.pools".to_owned(), reason: InvalidReason::NotSupported, message })
}

/// Objects that another cluster of the namespace has already under the same name.
pub(super) fn names_taken<'a>(
    observed: &Observed,
    objects: impl Iterator<Item = &'a Applied>,
) -> Vec<Invalid> {
    let taken = objects.filter_map(|object| {
        let is_same = |kind: &str, name: &str| kind == object.kind() && name == object.name();
        let stranger = observed.strangers.iter().find(|other| is_same(&other.kind, &other.name))?;
        Some(Invalid {
            field: "metadata.name".to_owned(),
            reason: InvalidReason::Invalid,
            message: format!(
                "the {} '{}' belongs to cluster '{}' of this namespace already: give this cluster, or the pool, \
                 volume or listener in question, another name",
                stranger.kind, stranger.name, stranger.cluster
            ),
        })
    });
    taken.collect()
}
