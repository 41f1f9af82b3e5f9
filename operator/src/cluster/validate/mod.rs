//! Whether a spec can be carried out, and what exactly it asks for.
//!
//! The API server checks most of it by the rules of the definition. They are checked again, for it may
//! hold objects that are older than the rules, and some rules can't be written there. Everything that is
//! wrong is found at once. What comes out has no text left to parse.

mod config;
mod image;
mod listeners;
mod node_ids;
mod pools;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use k8s_openapi::api::core::v1::{Affinity, ResourceRequirements, Toleration};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::ResourceExt;
use taffrail_crds::KafkaCluster;
use taffrail_crds::cluster::{
    BalancingMode, OnScaleUp, PullPolicy, Role, RolloutUnit, VolumePolicy,
};

use crate::settings::Settings;
pub use node_ids::NodeIds;

/// One thing that is wrong with a spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// Where, such as `spec.pools[0].nodeIDs`.
    pub field: String,
    /// What kind of wrong.
    pub reason: InvalidReason,
    /// What is wrong, and how to mend it.
    pub message: String,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// Why a spec is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InvalidReason {
    /// It can't mean anything, or contradicts itself.
    Invalid,
    /// It is sound, and this version can't do it.
    NotSupported,
    /// A volume that a node had is gone.
    VolumeMissing,
}

impl InvalidReason {
    /// As conditions write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "Invalid",
            Self::NotSupported => "NotSupported",
            Self::VolumeMissing => "VolumeMissing",
        }
    }
}

/// Something that is accepted and doesn't do what it says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// Where, such as `spec.rack`.
    pub field: String,
    /// What doesn't happen.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// A spec that can be carried out.
#[derive(Clone, Debug)]
pub struct ValidatedCluster {
    /// The cluster's name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The uid of the resource, which owns what is made.
    pub uid: String,
    /// The cluster id that the spec asks for.
    pub cluster_id: Option<String>,
    /// What nodes run.
    pub image: BrokerImage,
    /// Groups of nodes, in the order of the spec.
    pub pools: Vec<ValidPool>,
    /// Listeners, in the order of the spec.
    pub listeners: Vec<ValidListener>,
    /// What is accepted without effect.
    pub warnings: Vec<Warning>,
}

/// The image of a node's container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerImage {
    /// Repository with tag or digest.
    pub reference: String,
    /// When the kubelet pulls it.
    pub pull_policy: PullPolicy,
    /// Secrets with credentials for the registry.
    pub pull_secrets: Vec<String>,
}

/// A group of equal nodes.
#[derive(Clone, Debug)]
pub struct ValidPool {
    /// Its name.
    pub name: String,
    /// What its nodes do.
    pub roles: BTreeSet<Role>,
    /// How many nodes there are.
    pub replicas: usize,
    /// The ids that they may have.
    pub node_ids: NodeIds,
    /// Their volumes; the first holds the metadata.
    pub volumes: Vec<ValidVolume>,
    /// What becomes of the volumes when the cluster is deleted.
    pub when_deleted: VolumePolicy,
    /// CPU and memory, defaults included.
    pub resources: ResourceRequirements,
    /// Labels of Kubernetes nodes that may run them.
    pub node_selector: BTreeMap<String, String>,
    /// Taints that they tolerate.
    pub tolerations: Vec<Toleration>,
    /// Where they run, if the spec says.
    pub affinity: Option<Affinity>,
    /// Their priority class.
    pub priority_class_name: Option<String>,
    /// Kafka's keys, the cluster's and the pool's together, as `server.properties` has their values.
    pub config: BTreeMap<String, String>,
}

/// A volume of each node of a pool.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidVolume {
    /// Its name.
    pub name: String,
    /// Its size.
    pub size: Quantity,
    /// Its storage class, unless it is the default.
    pub storage_class_name: Option<String>,
}

/// A listener for clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidListener {
    /// Its name in the spec.
    pub name: String,
    /// Its port.
    pub port: i32,
    /// How clients reach it.
    pub exposure: ValidExposure,
}

/// How clients reach a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValidExposure {
    /// Inside Kubernetes.
    Internal,
    /// By a port of the Kubernetes nodes, for bootstrap this one if it is given.
    NodePort(Option<i32>),
}

/// Checks a spec.
///
/// # Errors
/// Everything that is wrong with it.
pub fn validate(
    cluster: &KafkaCluster,
    settings: &Settings,
) -> Result<ValidatedCluster, Vec<Invalid>> {
    let mut findings = Findings::default();
    let spec = &cluster.spec;
    let name = cluster.name_any();
    check_name(&mut findings, "metadata.name", &name, names_limits::CLUSTER);
    check_cluster_id(&mut findings, spec.cluster_id.as_deref());
    let image = image::validate(&mut findings, spec, settings);
    let listeners = listeners::validate(&mut findings, &spec.listeners);
    let pools = pools::validate(&mut findings, spec);
    warn_without_effect(&mut findings, cluster);
    if !findings.refusals.is_empty() {
        return Err(findings.refusals);
    }
    Ok(ValidatedCluster {
        name,
        namespace: cluster.namespace().unwrap_or_default(),
        uid: cluster.uid().unwrap_or_default(),
        cluster_id: spec.cluster_id.clone(),
        image,
        pools,
        listeners,
        warnings: findings.warnings,
    })
}

/// How long names may be, so that everything derived from them fits in 63 characters.
mod names_limits {
    pub(super) const CLUSTER: usize = 28;
    pub(super) const POOL: usize = 12;
    pub(super) const LISTENER: usize = 12;
    pub(super) const VOLUME: usize = 12;
}

/// What validation finds as it goes.
#[derive(Default)]
struct Findings {
    refusals: Vec<Invalid>,
    warnings: Vec<Warning>,
}

impl Findings {
    fn invalid(&mut self, field: impl Into<String>, message: impl Into<String>) {
        let (field, message) = (field.into(), message.into());
        self.refusals.push(Invalid { field, reason: InvalidReason::Invalid, message });
    }

    fn not_supported(&mut self, field: impl Into<String>, message: impl Into<String>) {
        let (field, message) = (field.into(), message.into());
        self.refusals.push(Invalid { field, reason: InvalidReason::NotSupported, message });
    }

    fn warn(&mut self, field: impl Into<String>, message: impl Into<String>) {
        let warning = Warning { field: field.into(), message: message.into() };
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

/// Whether a text is a name that a part of other names can be: `[a-z]([-a-z0-9]*[a-z0-9])?`.
fn check_name(findings: &mut Findings, field: &str, name: &str, length_max: usize) {
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
    let ends = !name.ends_with('-');
    let inner = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if !(starts && ends && inner) {
        findings.invalid(
            field,
            format!(
                "'{name}' isn't a name: it takes lower-case letters, digits and '-', begins with a letter \
                 and doesn't end with '-'"
            ),
        );
    } else if name.len() > length_max {
        let message = format!(
            "'{name}' has {} characters; at most {length_max} are possible, since other names are made of it",
            name.len()
        );
        findings.invalid(field, message);
    }
}

/// A cluster id is a UUID in URL-safe base64: 22 characters, of which Kafka lets none begin with '-'.
fn check_cluster_id(findings: &mut Findings, id: Option<&str>) {
    let Some(id) = id else { return };
    let is_sound = id.len() == 22
        && !id.starts_with('-')
        && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !is_sound {
        findings.invalid(
            "spec.clusterID",
            format!(
                "'{id}' isn't a cluster id: it has 22 characters of URL-safe base64, as meta.properties \
                 on the volumes has it; leave it away for a new cluster"
            ),
        );
    }
}

/// Names what the spec asks for and this version takes without doing it.
fn warn_without_effect(findings: &mut Findings, cluster: &KafkaCluster) {
    let spec = &cluster.spec;
    if spec.rack.is_some() {
        findings.warn(
            "spec.rack",
            "a cluster of one node has no racks to spread over; it has no effect",
        );
    }
    if spec.metadata_version.is_some() {
        findings
            .warn("spec.metadataVersion", "it is the image's own for now; the value has no effect");
    }
    if spec.authorization.is_some() {
        findings.warn(
            "spec.authorization",
            "nobody is asked who they are, so that nothing can be forbidden; it has no effect",
        );
    }
    let rollout = &spec.rollout;
    if rollout.max_unavailable != 1 || rollout.canary != 1 || rollout.unit != RolloutUnit::Node {
        findings.warn("spec.rollout", "one node is restarted at a time; the values have no effect");
    }
    let balancing = &spec.balancing;
    if balancing.mode != BalancingMode::Off || balancing.on_scale_up != OnScaleUp::Nothing {
        findings.warn(
            "spec.balancing",
            "a cluster of one node has nothing to balance; it has no effect",
        );
    }
}
