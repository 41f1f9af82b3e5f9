//! The pod of a node: one container, as the strictest Pod Security standard asks.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Affinity, Capabilities, ConfigMapVolumeSource, Container, ContainerPort, EmptyDirVolumeSource,
    EnvVar, EnvVarSource, HTTPGetAction, LocalObjectReference, ObjectFieldSelector,
    PersistentVolumeClaimVolumeSource, PodAffinityTerm, PodAntiAffinity, PodSecurityContext,
    PodSpec, PodTemplateSpec, Probe, SeccompProfile, SecurityContext, Volume, VolumeMount,
    WeightedPodAffinityTerm,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use taffrail_crds::cluster::{PullPolicy, Role};

use super::config_map::{mount_path, properties_of};
use super::{Blueprint, Node, properties};
use crate::cluster::fingerprint::fingerprint;
use crate::cluster::names;

/// The user and the group of the image.
const USER: i64 = 65_532;
/// Time for leaders to leave and logs to be closed.
const TERMINATION_GRACE_SECONDS: i64 = 120;
/// A day: recovery of many logs takes its time, and to be killed half-way never ends it.
const STARTUP_FAILURES_MAX: i32 = 43_200;

/// The template of a node's pod; `None` while what the node has to advertise isn't known.
pub(super) fn template(blueprint: &Blueprint<'_>, node: &Node<'_>) -> Option<PodTemplateSpec> {
    let spec = PodSpec {
        containers: vec![container(blueprint, node)?],
        volumes: Some(volumes(blueprint, node)),
        service_account_name: Some(names::service_account(&blueprint.cluster.name)),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        termination_grace_period_seconds: Some(TERMINATION_GRACE_SECONDS),
        security_context: Some(pod_security()),
        image_pull_secrets: pull_secrets(blueprint),
        node_selector: some_unless_empty(node.pool.node_selector.clone(), BTreeMap::is_empty),
        tolerations: some_unless_empty(node.pool.tolerations.clone(), Vec::is_empty),
        affinity: Some(node.pool.affinity.clone().unwrap_or_else(|| apart(blueprint))),
        priority_class_name: node.pool.priority_class_name.clone(),
        ..PodSpec::default()
    };
    let metadata = ObjectMeta {
        labels: Some(blueprint.node_labels(node)),
        annotations: Some(annotations(&properties_of(blueprint, node))),
        ..ObjectMeta::default()
    };
    Some(PodTemplateSpec { metadata: Some(metadata), spec: Some(spec) })
}

fn some_unless_empty<T>(value: T, is_empty: impl Fn(&T) -> bool) -> Option<T> {
    if is_empty(&value) { None } else { Some(value) }
}

/// A change of the configuration is a change of the template, which names the keys that changed.
fn annotations(properties: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let keys = properties.iter().map(|(key, value)| {
        let hash: String = fingerprint(value).chars().take(8).collect();
        format!("{key}={hash}")
    });
    BTreeMap::from([
        (names::CONFIG_HASH_ANNOTATION.to_owned(), fingerprint(&properties::file(properties))),
        (names::CONFIG_KEYS_ANNOTATION.to_owned(), keys.collect::<Vec<_>>().join(",")),
    ])
}

fn container(blueprint: &Blueprint<'_>, node: &Node<'_>) -> Option<Container> {
    let image = &blueprint.cluster.image;
    let pull_policy = match image.pull_policy {
        PullPolicy::Always => "Always",
        PullPolicy::IfNotPresent => "IfNotPresent",
        PullPolicy::Never => "Never",
    };
    Some(Container {
        name: names::CONTAINER.to_owned(),
        image: Some(image.reference.clone()),
        image_pull_policy: Some(pull_policy.to_owned()),
        args: Some(args(blueprint, node)?),
        env: Some(vec![
            field_env("NODE_IP", "status.hostIP"),
            field_env("POD_NAME", "metadata.name"),
        ]),
        ports: Some(container_ports(blueprint, node)),
        resources: Some(node.pool.resources.clone()),
        security_context: Some(container_security()),
        startup_probe: Some(probe("/startupz", 2, 5, STARTUP_FAILURES_MAX)),
        liveness_probe: Some(probe("/healthz", 10, 5, 6)),
        readiness_probe: Some(probe("/readyz", 2, 3, 3)),
        // What a broken node said last is what the status of the cluster shows.
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        volume_mounts: Some(mounts(node)),
        ..Container::default()
    })
}

fn args(blueprint: &Blueprint<'_>, node: &Node<'_>) -> Option<Vec<String>> {
    let config = format!("{}/{}", names::CONFIG_DIR, names::CONFIG_FILE);
    let args =
        ["server", "--config", &config, "--cluster-id", &blueprint.cluster_id, "--format-empty"];
    let mut args: Vec<String> = args.map(str::to_owned).into();
    if node.is(Role::Broker) {
        let advertised = blueprint.advertised_listeners(node)?;
        args.extend(["--override".to_owned(), format!("advertised.listeners={advertised}")]);
    }
    Some(args)
}

fn field_env(name: &str, field: &str) -> EnvVar {
    let field_ref = ObjectFieldSelector { api_version: None, field_path: field.to_owned() };
    EnvVar {
        name: name.to_owned(),
        value_from: Some(EnvVarSource { field_ref: Some(field_ref), ..EnvVarSource::default() }),
        ..EnvVar::default()
    }
}

fn container_ports(blueprint: &Blueprint<'_>, node: &Node<'_>) -> Vec<ContainerPort> {
    let port = |name: &str, port: i32| ContainerPort {
        name: Some(name.to_owned()),
        container_port: port,
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    };
    let mut ports = Vec::new();
    if node.is(Role::Controller) {
        ports.push(port("controller", names::CONTROLLER_PORT));
    }
    if node.is(Role::Broker) {
        ports.push(port("replication", names::REPLICATION_PORT));
        let listeners = &blueprint.cluster.listeners;
        ports.extend(listeners.iter().map(|listener| port(&listener.name, listener.port)));
    }
    ports.push(port("http", names::HTTP_PORT));
    ports.push(port("grpc", names::GRPC_PORT));
    ports
}

fn probe(path: &str, period_seconds: i32, timeout_seconds: i32, failure_threshold: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String("http".to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period_seconds),
        timeout_seconds: Some(timeout_seconds),
        failure_threshold: Some(failure_threshold),
        ..Probe::default()
    }
}

fn pod_security() -> PodSecurityContext {
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(USER),
        run_as_group: Some(USER),
        fs_group: Some(USER),
        fs_group_change_policy: Some("OnRootMismatch".to_owned()),
        seccomp_profile: Some(SeccompProfile {
            type_: "RuntimeDefault".to_owned(),
            localhost_profile: None,
        }),
        ..PodSecurityContext::default()
    }
}

fn container_security() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        capabilities: Some(Capabilities { add: None, drop: Some(vec!["ALL".to_owned()]) }),
        read_only_root_filesystem: Some(true),
        ..SecurityContext::default()
    }
}

fn mounts(node: &Node<'_>) -> Vec<VolumeMount> {
    let mount = |name: &str, path: String, is_read_only: bool| VolumeMount {
        name: name.to_owned(),
        mount_path: path,
        read_only: is_read_only.then_some(true),
        ..VolumeMount::default()
    };
    let mut mounts = vec![
        mount("config", names::CONFIG_DIR.to_owned(), true),
        mount("tmp", "/tmp".to_owned(), false),
    ];
    let data = node.pool.volumes.iter();
    mounts.extend(data.map(|volume| mount(&volume.name, mount_path(&volume.name), false)));
    mounts
}

fn volumes(blueprint: &Blueprint<'_>, node: &Node<'_>) -> Vec<Volume> {
    let config = ConfigMapVolumeSource {
        name: blueprint.node_name(node),
        ..ConfigMapVolumeSource::default()
    };
    let tmp = EmptyDirVolumeSource { medium: None, size_limit: Some(Quantity("16Mi".to_owned())) };
    let mut volumes = vec![
        Volume { name: "config".to_owned(), config_map: Some(config), ..Volume::default() },
        Volume { name: "tmp".to_owned(), empty_dir: Some(tmp), ..Volume::default() },
    ];
    volumes.extend(node.pool.volumes.iter().map(|volume| {
        let claim_name =
            names::claim(&volume.name, &blueprint.cluster.name, &node.pool.name, node.id);
        let claim = PersistentVolumeClaimVolumeSource { claim_name, read_only: None };
        Volume {
            name: volume.name.clone(),
            persistent_volume_claim: Some(claim),
            ..Volume::default()
        }
    }));
    volumes
}

fn pull_secrets(blueprint: &Blueprint<'_>) -> Option<Vec<LocalObjectReference>> {
    let secrets = blueprint.cluster.image.pull_secrets.iter();
    let secrets: Vec<_> = secrets.map(|name| LocalObjectReference { name: name.clone() }).collect();
    some_unless_empty(secrets, Vec::is_empty)
}

/// Nodes run on different hosts if there are enough.
fn apart(blueprint: &Blueprint<'_>) -> Affinity {
    let term = PodAffinityTerm {
        topology_key: "kubernetes.io/hostname".to_owned(),
        label_selector: Some(LabelSelector {
            match_labels: Some(names::nodes_selector(&blueprint.cluster.name)),
            match_expressions: None,
        }),
        ..PodAffinityTerm::default()
    };
    Affinity {
        pod_anti_affinity: Some(PodAntiAffinity {
            preferred_during_scheduling_ignored_during_execution: Some(vec![
                WeightedPodAffinityTerm { weight: 100, pod_affinity_term: term },
            ]),
            required_during_scheduling_ignored_during_execution: None,
        }),
        ..Affinity::default()
    }
}
