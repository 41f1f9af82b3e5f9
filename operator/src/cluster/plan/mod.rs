//! What has to be done, as data.
//!
//! Identity first: which cluster id, which nodes (`identity`), which volumes (`volumes`). What can't be
//! kept is refused before anything is written. Then the objects that differ (`drift`), how the nodes are
//! (`nodes`), at most one step that takes a node away (`roll`), what is left over (`orphans`), and what
//! people are told (`status`, `events`).

mod conditions;
mod diagnosis;
mod drift;
mod events;
mod identity;
mod nodes;
mod orphans;
mod roll;
mod status;
mod volumes;

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use serde_json::Value;
use taffrail_crds::{KafkaCluster, KafkaClusterStatus};

use self::conditions::Verdict;
use self::nodes::NodeView;
use super::build::{self, Blueprint};
use super::names;
use super::observed::Observed;
use super::validate::{Invalid, ValidExposure, ValidatedCluster};

/// What has to be done about a cluster. The order is: applies as they stand, then the step, then
/// orphans, then the status, then events; but of a step people are told before it is taken.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Objects to apply (server-side, field manager [`super::names::FIELD_MANAGER`], by force), in
    /// this order; only those that aren't as they should be.
    pub applies: Vec<Applied>,
    /// The one thing that takes a node away for a while.
    pub step: Option<Step>,
    /// Objects to delete, each only if it still has its uid.
    pub orphans: Vec<ObjectRef>,
    /// What the status should be.
    pub status: KafkaClusterStatus,
    /// Events to publish about the resource.
    pub events: Vec<EventDraft>,
    /// When to look again if nothing is seen to change.
    pub requeue: Option<Duration>,
}

/// An object as it should be.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "a plan has a dozen of them, and each is serialised once"
)]
pub enum Applied {
    /// The nodes' service account.
    ServiceAccount(ServiceAccount),
    /// A node's configuration.
    ConfigMap(ConfigMap),
    /// A node's volume.
    Claim(PersistentVolumeClaim),
    /// A way to reach nodes.
    Service(Service),
    /// Who may connect.
    NetworkPolicy(NetworkPolicy),
    /// How many nodes Kubernetes may evict.
    DisruptionBudget(PodDisruptionBudget),
    /// A node.
    StatefulSet(StatefulSet),
}

/// A step that takes a node away for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Delete a node's pod, only if it still has this uid, so that its StatefulSet makes it anew.
    RestartPod {
        /// The node's id.
        node: i32,
        /// The pod.
        pod: String,
        /// Its uid.
        uid: String,
        /// Why, as the Event says it.
        reason: String,
    },
}

/// The kinds of which orphans may be deleted. Volumes and Secrets are not among them, nor are nodes: to take one
/// away is a step and not tidying up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are Kubernetes' own")]
pub enum ObjectKind {
    ConfigMap,
    Service,
    NetworkPolicy,
    PodDisruptionBudget,
    ServiceAccount,
}

/// An object to delete, in the cluster's namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectRef {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
}

/// An Event about the resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventDraft {
    /// Whether it is a warning.
    pub kind: EventKind,
    /// Why, in CamelCase.
    pub reason: String,
    /// What happened, for people.
    pub note: String,
    /// What the operator did or tried, in CamelCase.
    pub action: String,
}

/// The two kinds of Events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// As expected.
    Normal,
    /// Somebody may have to look.
    Warning,
}

impl Applied {
    /// The kind of the object, as Kubernetes writes it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ServiceAccount(_) => "ServiceAccount",
            Self::ConfigMap(_) => "ConfigMap",
            Self::Claim(_) => "PersistentVolumeClaim",
            Self::Service(_) => "Service",
            Self::NetworkPolicy(_) => "NetworkPolicy",
            Self::DisruptionBudget(_) => "PodDisruptionBudget",
            Self::StatefulSet(_) => "StatefulSet",
        }
    }

    /// The object's metadata.
    #[must_use]
    pub fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::ServiceAccount(object) => &object.metadata,
            Self::ConfigMap(object) => &object.metadata,
            Self::Claim(object) => &object.metadata,
            Self::Service(object) => &object.metadata,
            Self::NetworkPolicy(object) => &object.metadata,
            Self::DisruptionBudget(object) => &object.metadata,
            Self::StatefulSet(object) => &object.metadata,
        }
    }

    fn metadata_mut(&mut self) -> &mut ObjectMeta {
        match self {
            Self::ServiceAccount(object) => &mut object.metadata,
            Self::ConfigMap(object) => &mut object.metadata,
            Self::Claim(object) => &mut object.metadata,
            Self::Service(object) => &mut object.metadata,
            Self::NetworkPolicy(object) => &mut object.metadata,
            Self::DisruptionBudget(object) => &mut object.metadata,
            Self::StatefulSet(object) => &mut object.metadata,
        }
    }

    /// The object's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.metadata().name.as_deref().unwrap_or_default()
    }

    /// The object as the API server takes it, with `apiVersion` and `kind`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let json = match self {
            Self::ServiceAccount(object) => serde_json::to_value(object),
            Self::ConfigMap(object) => serde_json::to_value(object),
            Self::Claim(object) => serde_json::to_value(object),
            Self::Service(object) => serde_json::to_value(object),
            Self::NetworkPolicy(object) => serde_json::to_value(object),
            Self::DisruptionBudget(object) => serde_json::to_value(object),
            Self::StatefulSet(object) => serde_json::to_value(object),
        };
        // Kubernetes' types have string keys alone, the one thing that JSON asks for.
        json.unwrap_or_default()
    }
}

/// Whether somebody asked the operator to leave a cluster alone.
#[must_use]
pub fn is_paused(cluster: &KafkaCluster) -> bool {
    cluster.spec.paused
        || cluster.annotations().get(names::PAUSE_ANNOTATION).is_some_and(|value| value == "true")
}

/// What has to be done so that a cluster becomes as its spec says.
#[must_use]
pub fn plan(observed: &Observed, cluster: &ValidatedCluster, now: Timestamp) -> Plan {
    let blueprint = match identity::blueprint(observed, cluster) {
        Ok(blueprint) => blueprint,
        Err(refusal) => return refused(observed, &[refusal], now),
    };
    let volumes = match volumes::plan(observed, &blueprint, now) {
        Ok(volumes) => volumes,
        Err(refusals) => return refused(observed, &refusals, now),
    };
    let nodes = nodes::planned(observed, &blueprint);
    let node_objects = node_objects(&blueprint, &nodes, &volumes);
    let shared_objects = shared_objects(&blueprint);
    let taken = identity::names_taken(
        observed,
        shared_objects.iter().chain(&node_objects).chain(&volumes.claims),
    );
    if !taken.is_empty() {
        return refused(observed, &taken, now);
    }

    let kept = orphans::names(shared_objects.iter().chain(&node_objects));
    let existing = drift::Existing::of(observed);
    let node_changes = existing.changes(node_objects);
    let roll = roll::next(observed, &nodes, &node_changes, &volumes);
    let budget =
        Applied::DisruptionBudget(build::disruption_budget(&blueprint, roll.closes_budget));
    let mut changes = existing.changes(shared_objects);
    changes.extend(existing.changes(vec![budget]));
    changes.extend(existing.changes(volumes.claims.clone()));
    changes.extend(node_changes);

    let verdict = Verdict::of(observed, &nodes, &roll, &volumes, &changes);
    let status = status::of_plan(observed, &blueprint, &nodes, &roll, &verdict, now);
    let orphans = orphans::orphans(observed, &kept);
    let events = events::of_plan(observed, &changes, roll.step.as_ref(), &orphans, &status);
    let applies = changes.into_iter().map(|change| change.object).collect();
    Plan { applies, step: roll.step, orphans, requeue: Some(verdict.look_again()), status, events }
}

/// What is said of a cluster that is left alone.
#[must_use]
pub fn paused(observed: &Observed, now: Timestamp) -> Plan {
    let status = status::of_paused(observed, now);
    let events = events::of_status(observed, &status);
    Plan { status, events, ..Plan::default() }
}

/// What is said of a spec that can't be carried out. What runs goes on.
#[must_use]
pub fn refused(observed: &Observed, refusals: &[Invalid], now: Timestamp) -> Plan {
    let status = status::of_refused(observed, refusals, now);
    let events = events::of_status(observed, &status);
    Plan { status, events, requeue: Some(Duration::from_secs(60)), ..Plan::default() }
}

/// What is done about a resource that is going away: nothing. Kubernetes deletes what belongs to it.
#[must_use]
pub fn leaving(observed: &Observed) -> Plan {
    Plan { status: observed.cluster.status.clone().unwrap_or_default(), ..Plan::default() }
}

/// The objects of the cluster as a whole, and the Services of nodes: StatefulSets need the ports of those.
fn shared_objects(blueprint: &Blueprint<'_>) -> Vec<Applied> {
    let mut objects = vec![
        Applied::ServiceAccount(build::service_account(blueprint)),
        Applied::NetworkPolicy(build::network_policy(blueprint)),
        Applied::Service(build::nodes_service(blueprint)),
    ];
    for listener in &blueprint.cluster.listeners {
        objects.push(Applied::Service(build::bootstrap_service(blueprint, listener)));
        if matches!(listener.exposure, ValidExposure::NodePort(_)) {
            let services =
                blueprint.nodes.iter().map(|node| build::node_service(blueprint, listener, node));
            objects.extend(services.map(Applied::Service));
        }
    }
    objects
}

/// Configuration and StatefulSets, in this order. A node that doesn't exist waits for ports that it has to
/// advertise and for volumes that are still being deleted; one that exists waits likewise for its change.
fn node_objects(
    blueprint: &Blueprint<'_>,
    nodes: &[NodeView<'_>],
    volumes: &volumes::Volumes,
) -> Vec<Applied> {
    let config_maps = blueprint.nodes.iter().map(|node| build::config_map(blueprint, node));
    let mut objects: Vec<Applied> = config_maps.map(Applied::ConfigMap).collect();
    for (node, view) in blueprint.nodes.iter().zip(nodes) {
        if volumes.leaving.contains_key(&view.id) {
            continue;
        }
        objects.extend(build::stateful_set(blueprint, node).map(Applied::StatefulSet));
    }
    objects
}

/// Ports that Kubernetes gave to nodes, by listener and node id.
fn node_ports(observed: &Observed) -> BTreeMap<(String, i32), i32> {
    let mut ports = BTreeMap::new();
    for service in &observed.services {
        let labels = service.labels();
        let listener = labels.get(names::LISTENER_LABEL);
        let id = labels.get(names::NODE_ID_LABEL).and_then(|id| id.parse().ok());
        let first = service.spec.as_ref().and_then(|spec| spec.ports.as_ref()?.first()?.node_port);
        if let (Some(listener), Some(id), Some(port)) =
            (listener, id, first.filter(|port| *port > 0))
        {
            ports.insert((listener.clone(), id), port);
        }
    }
    ports
}
