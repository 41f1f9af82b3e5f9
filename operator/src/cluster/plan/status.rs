//! The status: what people read instead of the operator's log.

use std::collections::BTreeSet;

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use taffrail_crds::KafkaClusterStatus;
use taffrail_crds::cluster::{ListenerAddress, ListenerStatus, NodeStatus};
use taffrail_crds::condition::{AVAILABLE, FULLY_REPLICATED, READY, STALLED, UP_TO_DATE};

use super::Step;
use super::conditions::{Outcome, Verdict, WARNING};
use super::nodes::{self, NodeView};
use super::roll::Roll;
use crate::cluster::build::Blueprint;
use crate::cluster::names;
use crate::cluster::observed::Observed;
use crate::cluster::validate::{Invalid, ValidExposure, ValidListener};
use crate::conditions::{Draft, dated};

/// Warnings that are shown; the rest is counted.
const WARNINGS_MAX: usize = 12;

pub(super) fn of_plan(
    observed: &Observed,
    blueprint: &Blueprint<'_>,
    nodes: &[NodeView<'_>],
    roll: &Roll,
    verdict: &Verdict,
    now: Timestamp,
) -> KafkaClusterStatus {
    let mut status = of_nodes(observed, nodes);
    for row in &mut status.nodes {
        if let Some(Step::RestartPod { node, reason, .. }) = &roll.step
            && *node == row.id
        {
            row.step = Some(format!("restarts: {reason}"));
        }
        if let Some(blocker) = roll.blockers.get(&row.id) {
            row.blocker = Some(blocker.clone());
        }
    }
    status.cluster_id = Some(blueprint.cluster_id.clone());
    let listeners = blueprint.cluster.listeners.iter();
    status.listeners =
        listeners.map(|listener| listener_status(observed, blueprint, listener)).collect();
    let mut drafts = verdict.conditions();
    drafts.extend(serving(observed, nodes, verdict.reason));
    drafts.push(up_to_date(nodes, roll, verdict));
    drafts.extend(warning(observed, blueprint));
    finish(observed, status, drafts, now)
}

pub(super) fn of_paused(observed: &Observed, now: Timestamp) -> KafkaClusterStatus {
    let nodes = nodes::existing(observed);
    let message = format!(
        "the operator leaves the cluster as it is: set spec.paused to false and remove the annotation {} to go on",
        names::PAUSE_ANNOTATION
    );
    let mut drafts = vec![Draft { kind: READY, status: "False", reason: "Paused", message }];
    drafts.extend(serving(observed, &nodes, "Paused"));
    finish(observed, of_nodes(observed, &nodes), drafts, now)
}

pub(super) fn of_refused(
    observed: &Observed,
    refusals: &[Invalid],
    now: Timestamp,
) -> KafkaClusterStatus {
    let nodes = nodes::existing(observed);
    let reason = refusals.first().map_or("Invalid", |refusal| refusal.reason.as_str());
    let mut message = refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    if !nodes.is_empty() {
        message.push_str(" (what ran before goes on as it was)");
    }
    let draft = |kind, status| Draft { kind, status, reason, message: message.clone() };
    let mut drafts = vec![draft(READY, "False"), draft(STALLED, "True")];
    drafts.extend(serving(observed, &nodes, reason));
    drafts.push(draft(UP_TO_DATE, "False"));
    finish(observed, of_nodes(observed, &nodes), drafts, now)
}

/// Rows of nodes and what they say, with what isn't known just now as it was known last.
fn of_nodes(observed: &Observed, nodes: &[NodeView<'_>]) -> KafkaClusterStatus {
    let mut status = observed.cluster.status.clone().unwrap_or_default();
    let ready = nodes.iter().filter(|node| node.is_ready()).count();
    status.ready_nodes = Some(format!("{ready}/{}", nodes.len()));
    status.nodes = nodes.iter().map(row).collect();
    let reports: Vec<_> = nodes.iter().filter_map(NodeView::health).collect();
    if !nodes.is_empty() && reports.len() == nodes.len() {
        let versions: BTreeSet<&str> =
            reports.iter().map(|health| health.version.as_str()).collect();
        status.version =
            versions.first().filter(|_| versions.len() == 1).map(|version| (*version).to_owned());
    }
    if !reports.is_empty() {
        let is_leader =
            |node: &&NodeView<'_>| node.health().is_some_and(|health| health.is_active_controller);
        status.quorum_leader = nodes.iter().find(is_leader).map(|node| node.id);
    }
    if let Some(partitions) = &observed.partitions {
        status.topics = Some(partitions.topics);
        status.partitions = Some(partitions.partitions);
    }
    // Health that nobody has asked after isn't health.
    status.under_replicated_partitions =
        observed.partitions.as_ref().map(|partitions| partitions.under_replicated);
    status
}

fn row(node: &NodeView<'_>) -> NodeStatus {
    NodeStatus {
        id: node.id,
        pod: node.pod_name.clone(),
        state: node.diagnosis.state,
        step: None,
        blocker: node.diagnosis.trouble.as_ref().map(|trouble| trouble.message.clone()),
    }
}

/// Available and FullyReplicated, which speak of what runs and not of what was asked for.
fn serving(observed: &Observed, nodes: &[NodeView<'_>], reason: &'static str) -> Vec<Draft> {
    let all_ready = !nodes.is_empty() && nodes.iter().all(NodeView::is_ready);
    let waiting: Vec<String> =
        nodes.iter().filter(|node| !node.is_ready()).map(|node| node.id.to_string()).collect();
    let partitions = observed.partitions.as_ref();
    let draft = |kind, status, reason, message: String| Draft { kind, status, reason, message };
    if !all_ready {
        let message = if nodes.is_empty() {
            "there are no nodes".to_owned()
        } else {
            format!("nodes that aren't ready: {}", waiting.join(", "))
        };
        // A reason of the whole may say that all is well while the operator looks away.
        let reason = if reason == "Ready" { "Starting" } else { reason };
        return vec![
            draft(AVAILABLE, "False", reason, message.clone()),
            draft(FULLY_REPLICATED, "False", reason, message),
        ];
    }
    let offline = partitions.map_or(0, |partitions| partitions.offline);
    let available = if offline > 0 {
        draft(AVAILABLE, "False", "Offline", format!("{offline} partitions have no leader"))
    } else {
        draft(AVAILABLE, "True", "Ready", "every node serves".to_owned())
    };
    let replicated = match partitions.map(|partitions| partitions.under_replicated) {
        Some(missing) if missing > 0 => {
            let message = format!("{missing} partitions have replicas that aren't in sync");
            draft(FULLY_REPLICATED, "False", "UnderReplicated", message)
        }
        // The replicas of the only node can't be behind another's.
        None if nodes.len() > 1 => draft(
            FULLY_REPLICATED,
            "Unknown",
            "NotReported",
            "no broker has said so yet".to_owned(),
        ),
        _ => draft(FULLY_REPLICATED, "True", "Ready", "every replica is in sync".to_owned()),
    };
    vec![available, replicated]
}

fn up_to_date(nodes: &[NodeView<'_>], roll: &Roll, verdict: &Verdict) -> Draft {
    let behind = roll.outdated.iter().map(i32::to_string).collect::<Vec<_>>().join(", ");
    let (status, reason, message) = if !behind.is_empty() {
        ("False", "Rolling", format!("nodes that have to be restarted: {behind}"))
    } else if nodes.iter().any(|node| node.stateful_set.is_none()) || verdict.reason == "Rolling" {
        ("False", "Starting", "not all nodes are there yet".to_owned())
    } else {
        let message = "every node is as the spec asks for".to_owned();
        ("True", if verdict.outcome == Outcome::Ready { "Ready" } else { "Current" }, message)
    };
    Draft { kind: UP_TO_DATE, status, reason, message }
}

/// What is accepted and doesn't do what it says, and what the API server wouldn't take.
fn warning(observed: &Observed, blueprint: &Blueprint<'_>) -> Option<Draft> {
    let mut warnings: Vec<String> = observed
        .rejections
        .iter()
        .map(|one| {
            format!("Kubernetes doesn't take the {} '{}': {}", one.kind, one.name, one.message)
        })
        .collect();
    let reason = if warnings.is_empty() { "NoEffect" } else { "Rejected" };
    warnings.extend(blueprint.cluster.warnings.iter().map(ToString::to_string));
    let hidden = warnings.len().saturating_sub(WARNINGS_MAX);
    warnings.truncate(WARNINGS_MAX);
    if hidden > 0 {
        warnings.push(format!("and {hidden} more"));
    }
    let message = warnings.join("; ");
    (!message.is_empty()).then_some(Draft { kind: WARNING, status: "True", reason, message })
}

/// Where clients of a listener connect.
fn listener_status(
    observed: &Observed,
    blueprint: &Blueprint<'_>,
    listener: &ValidListener,
) -> ListenerStatus {
    let service = names::listener_service(&blueprint.cluster.name, &listener.name);
    let addresses = match listener.exposure {
        ValidExposure::Internal => {
            let host = format!("{service}.{}.svc", blueprint.cluster.namespace);
            vec![ListenerAddress { host, port: listener.port }]
        }
        ValidExposure::NodePort(_) => node_addresses(observed, &service),
    };
    let texts = addresses.iter().map(|address| format!("{}:{}", address.host, address.port));
    let bootstrap_servers = texts.collect::<Vec<_>>().join(",");
    ListenerStatus { name: listener.name.clone(), bootstrap_servers, addresses }
}

/// The hosts that nodes run on, which is where they tell clients to come, with the port for bootstrap.
fn node_addresses(observed: &Observed, service: &str) -> Vec<ListenerAddress> {
    let service = observed.services.iter().find(|one| one.name_any() == service);
    let spec = service.and_then(|service| service.spec.as_ref());
    let port =
        spec.and_then(|spec| spec.ports.as_ref()?.first()?.node_port).filter(|port| *port > 0);
    let Some(port) = port else { return Vec::new() };
    let hosts: BTreeSet<&String> =
        observed.pods.iter().filter_map(|pod| pod.status.as_ref()?.host_ip.as_ref()).collect();
    hosts.into_iter().map(|host| ListenerAddress { host: host.clone(), port }).collect()
}

fn finish(
    observed: &Observed,
    mut status: KafkaClusterStatus,
    drafts: Vec<Draft>,
    now: Timestamp,
) -> KafkaClusterStatus {
    let generation = observed.cluster.metadata.generation;
    let before = observed.cluster.status.as_ref().map(|status| status.conditions.as_slice());
    status.conditions = dated(drafts, before.unwrap_or_default(), generation, now);
    status.observed_generation = generation;
    status
}
