//! The rolling restart: which node goes next, whether it may, and why.
//!
//! Progress isn't kept anywhere. Which pods are behind is seen anew each time, so that an operator that
//! takes over goes on where the other stopped, and restarts nothing twice.
//!
//! The rules: one node at a time, those that aren't ready first, the active controller last. A node that
//! recovers its logs is left alone. A ready node goes only when all others are ready and no partition would
//! have too few replicas in sync. One that fails in its new shape stops the roll, since it isn't ready and
//! has nothing to be restarted for; putting the spec back gives it something.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec, PodTemplateSpec};
use kube::ResourceExt;
use taffrail_crds::cluster::NodeState;

use super::drift::Change;
use super::nodes::{NodeView, Revision};
use super::volumes::Volumes;
use super::{Applied, Step};
use crate::cluster::names;
use crate::cluster::observed::Observed;

/// Where a roll stands.
#[derive(Debug, Default)]
pub(super) struct Roll {
    /// What is done now.
    pub(super) step: Option<Step>,
    /// Why nodes that have to be restarted, or wait for something else, aren't yet.
    pub(super) blockers: BTreeMap<i32, String>,
    /// Nodes that run something else than the spec asks for.
    pub(super) outdated: BTreeSet<i32>,
    /// Whether Kubernetes may evict no node just now.
    pub(super) closes_budget: bool,
}

pub(super) fn next(
    observed: &Observed,
    nodes: &[NodeView<'_>],
    node_changes: &[Change],
    volumes: &Volumes,
) -> Roll {
    let mut roll = Roll::default();
    let has_changes = |node: &NodeView<'_>| {
        let set = node.pod_name.strip_suffix("-0");
        node.stateful_set.is_some()
            && node_changes.iter().any(|change| Some(change.object.name()) == set)
    };
    for node in nodes {
        if has_changes(node) || node.revision() == Revision::Outdated {
            roll.outdated.insert(node.id);
        }
        if let Some(claim) = volumes.leaving.get(&node.id) {
            roll.blockers.insert(node.id, leaving_volume(claim, node));
        }
    }
    let mut candidates: Vec<&NodeView<'_>> = nodes
        .iter()
        .filter(|node| node.revision() == Revision::Outdated && !has_changes(node))
        .filter(|node| !volumes.leaving.contains_key(&node.id))
        .collect();
    candidates.sort_by_key(|node| (node.is_ready(), is_active_controller(node), node.id));
    if let Some(node) = candidates.first() {
        match blocker(observed, nodes, node) {
            None => roll.step = restart(node),
            Some(blocker) => {
                roll.blockers.insert(node.id, blocker);
            }
        }
    }
    let is_vulnerable = |node: &NodeView<'_>| {
        matches!(node.diagnosis.state, NodeState::Starting | NodeState::Recovering)
            || node.pod.is_some_and(|pod| pod.metadata.deletion_timestamp.is_some())
    };
    let at_min_isr = |id: &i32| blocked_partitions(observed, *id) > 0;
    roll.closes_budget = roll.step.is_some()
        || nodes.iter().any(is_vulnerable)
        || nodes.iter().any(|node| at_min_isr(&node.id));
    roll
}

fn leaving_volume(claim: &str, node: &NodeView<'_>) -> String {
    if node.stateful_set.is_some() {
        format!(
            "PersistentVolumeClaim {claim} is being deleted, and goes with all records when the node's pod stops: \
             copy the records elsewhere while the node runs; the deletion can't be taken back"
        )
    } else {
        format!(
            "PersistentVolumeClaim {claim} is still being deleted; the node waits until it is gone"
        )
    }
}

fn is_active_controller(node: &NodeView<'_>) -> bool {
    node.health().is_some_and(|health| health.is_active_controller)
}

fn blocked_partitions(observed: &Observed, id: i32) -> i64 {
    let partitions = observed.partitions.as_ref();
    partitions.and_then(|partitions| partitions.blocked_by_node.get(&id)).copied().unwrap_or(0)
}

/// Why a node that has to be restarted isn't now.
fn blocker(observed: &Observed, nodes: &[NodeView<'_>], node: &NodeView<'_>) -> Option<String> {
    if node.diagnosis.state == NodeState::Recovering {
        return Some("it has to be restarted, and waits until its logs are recovered".to_owned());
    }
    if !node.is_ready() {
        return None;
    }
    if let Some(other) = nodes.iter().find(|other| other.id != node.id && !other.is_ready()) {
        return Some(format!(
            "it has to be restarted, and waits for node {} to be ready",
            other.id
        ));
    }
    let blocked = blocked_partitions(observed, node.id);
    (blocked > 0).then(|| {
        format!("it has to be restarted, and {blocked} partitions would have fewer replicas in sync than they need")
    })
}

fn restart(node: &NodeView<'_>) -> Option<Step> {
    let (pod, set) = (node.pod?, node.stateful_set?);
    let template = set.spec.as_ref().map(|spec| &spec.template)?;
    Some(Step::RestartPod {
        node: node.id,
        pod: node.pod_name.clone(),
        uid: pod.uid()?,
        reason: reason(pod, template),
    })
}

/// What is different between a pod and what should be in its place.
fn reason(pod: &Pod, template: &PodTemplateSpec) -> String {
    let empty = BTreeMap::new();
    let wanted = template
        .metadata
        .as_ref()
        .and_then(|metadata| metadata.annotations.as_ref())
        .unwrap_or(&empty);
    let mut reasons = Vec::new();
    let (is, should) = (container(pod.spec.as_ref()), container(template.spec.as_ref()));
    if let (Some(is), Some(should)) = (is, should) {
        let image = |container: &Container| container.image.clone().unwrap_or_default();
        if image(is) != image(should) {
            reasons.push(format!("image changed: {} to {}", image(is), image(should)));
        }
        let keys = changed_keys(pod.annotations(), wanted);
        if !keys.is_empty() {
            reasons.push(format!("configuration changed: {}", keys.join(", ")));
        }
        if is.args != should.args {
            reasons.push("what it advertises changed".to_owned());
        }
        if is.resources != should.resources {
            reasons.push("resources changed".to_owned());
        }
    }
    if reasons.is_empty() {
        reasons.push("the pod's template changed".to_owned());
    }
    reasons.join("; ")
}

fn container(spec: Option<&PodSpec>) -> Option<&Container> {
    spec?.containers.iter().find(|container| container.name == names::CONTAINER)
}

/// The keys whose values differ, by the hashes that pod and template have of them.
fn changed_keys(is: &BTreeMap<String, String>, should: &BTreeMap<String, String>) -> Vec<String> {
    let hashes = |annotations: &BTreeMap<String, String>| -> BTreeSet<String> {
        let text = annotations.get(names::CONFIG_KEYS_ANNOTATION).map_or("", String::as_str);
        text.split(',').filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
    };
    let (is, should) = (hashes(is), hashes(should));
    let keys = is.symmetric_difference(&should).filter_map(|entry| entry.split_once('='));
    let keys: BTreeSet<String> = keys.map(|(key, _)| key.to_owned()).collect();
    keys.into_iter().collect()
}

/// Whether the changes of a plan are about to make nodes outdated.
pub(super) fn touches_nodes(changes: &[Change]) -> bool {
    changes
        .iter()
        .any(|change| matches!(change.object, Applied::StatefulSet(_) | Applied::ConfigMap(_)))
}
