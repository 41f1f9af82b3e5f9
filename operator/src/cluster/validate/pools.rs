//! Pools: how many nodes there are, what they do, and what they keep their data on.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use taffrail_crds::KafkaClusterSpec;
use taffrail_crds::cluster::{NodeLossPolicy, Pool, Role, Storage, Volume, VolumePolicy};

use super::{Findings, NodeIds, ValidPool, ValidVolume, check_name, config, names_limits};
use crate::cluster::quantity::{self, Amount};

/// Less than this holds no broker: its buffers for requests, and room to open logs in.
const MEMORY_LIMIT_MIN: u32 = 256 << 20;
const DEFAULT_CPU_REQUEST: &str = "100m";
const DEFAULT_MEMORY_REQUEST: &str = "512Mi";
/// A broker sizes its buffers by its limit; without one it would size them by the whole machine.
const DEFAULT_MEMORY_LIMIT: &str = "1Gi";
/// Names of the pod's own volumes.
const RESERVED_VOLUMES: [&str; 2] = ["config", "tmp"];

pub(super) fn validate(findings: &mut Findings, spec: &KafkaClusterSpec) -> Vec<ValidPool> {
    check_nodes(findings, &spec.pools);
    let cluster_config = config::texts(findings, "spec.config", &spec.config);
    let mut pools: Vec<ValidPool> = Vec::with_capacity(spec.pools.len());
    for (index, pool) in spec.pools.iter().enumerate() {
        let field = format!("spec.pools[{index}]");
        check_name(findings, &format!("{field}.name"), &pool.name, names_limits::POOL);
        if pools.iter().any(|other| other.name == pool.name) {
            let message = format!("'{}' stands twice: give each pool a name of its own", pool.name);
            findings.invalid(format!("{field}.name"), message);
        }
        let node_ids = node_ids(findings, &field, pool, spec.pools.len() == 1, &pools);
        let mut node_config = cluster_config.clone();
        node_config.extend(config::texts(findings, &format!("{field}.config"), &pool.config));
        config::check_together(findings, &format!("{field}.config"), &node_config);
        pools.push(ValidPool {
            name: pool.name.clone(),
            roles: pool.roles.iter().copied().collect(),
            replicas: usize::try_from(pool.replicas).unwrap_or_default(),
            node_ids,
            volumes: volumes(findings, &field, &pool.storage),
            when_deleted: pool.storage.when_deleted,
            resources: resources(findings, &field, pool.resources.as_ref()),
            node_selector: pool.node_selector.clone(),
            tolerations: pool.tolerations.clone(),
            affinity: pool.affinity.clone(),
            priority_class_name: pool.priority_class_name.clone(),
            config: node_config,
        });
    }
    pools
}

/// How many nodes there are altogether, and whether they make a cluster.
fn check_nodes(findings: &mut Findings, pools: &[Pool]) {
    for (index, pool) in pools.iter().enumerate() {
        if pool.replicas < 0 {
            findings.invalid(
                format!("spec.pools[{index}].replicas"),
                "there can't be fewer nodes than none",
            );
        }
    }
    let nodes: i64 = pools.iter().map(|pool| i64::from(pool.replicas.max(0))).sum();
    if nodes == 0 {
        findings.invalid(
            "spec.pools",
            "all pools together have no node: set replicas to 1 in one of them; to stop a cluster and keep \
             its volumes delete the KafkaCluster, and apply it again to start it",
        );
    } else if nodes > 1 {
        let message = format!(
            "all pools together have {nodes} nodes, and clusters have one for now: lower replicas to 1 in all"
        );
        findings.not_supported("spec.pools", message);
    }
    let roles: BTreeSet<Role> =
        pools.iter().filter(|pool| pool.replicas > 0).flat_map(|pool| pool.roles.clone()).collect();
    if nodes == 1 && roles.len() < 2 {
        findings.invalid(
            "spec.pools",
            "the only node has to have both roles: write roles: [Controller, Broker]",
        );
    }
}

fn node_ids(
    findings: &mut Findings,
    pool_field: &str,
    pool: &Pool,
    is_only: bool,
    before: &[ValidPool],
) -> NodeIds {
    let field = format!("{pool_field}.nodeIDs");
    let parsed = match pool.node_ids.as_deref() {
        Some(text) => NodeIds::parse(text),
        None if is_only => Ok(NodeIds::of_only_pool()),
        None => {
            Err("several pools need ids of their own each: write a range, such as 0-9".to_owned())
        }
    };
    let ids = match parsed {
        Ok(ids) => ids,
        Err(message) => {
            findings.invalid(field, message);
            return NodeIds::of_only_pool();
        }
    };
    let wanted = usize::try_from(pool.replicas).unwrap_or_default();
    if ids.iter().take(wanted).count() < wanted {
        findings.invalid(
            field.clone(),
            format!("there are fewer ids than the {wanted} nodes need: widen the range"),
        );
    }
    for other in before {
        if let Some(id) = ids.shared_with(&other.node_ids) {
            let message = format!(
                "node id {id} is in pool '{}' as well: let the ranges not overlap",
                other.name
            );
            findings.invalid(field.clone(), message);
        }
    }
    ids
}

fn volumes(findings: &mut Findings, pool_field: &str, storage: &Storage) -> Vec<ValidVolume> {
    let field = format!("{pool_field}.storage");
    if storage.volumes.is_empty() {
        findings.invalid(
            format!("{field}.volumes"),
            "a node keeps its data on volumes: add one, such as data with 10Gi",
        );
    }
    let mut volumes: Vec<ValidVolume> = Vec::with_capacity(storage.volumes.len());
    for (index, volume) in storage.volumes.iter().enumerate() {
        let field = format!("{field}.volumes[{index}]");
        check_volume(findings, &field, volume);
        if volumes.iter().any(|other| other.name == volume.name) {
            let message =
                format!("'{}' stands twice: give each volume a name of its own", volume.name);
            findings.invalid(format!("{field}.name"), message);
        }
        volumes.push(ValidVolume {
            name: volume.name.clone(),
            size: volume.size.clone(),
            storage_class_name: volume.storage_class_name.clone(),
        });
    }
    if storage.when_scaled != VolumePolicy::Retain {
        findings.warn(
            format!("{field}.whenScaled"),
            "nodes aren't scaled away yet; Delete has no effect",
        );
    }
    if storage.on_node_loss != NodeLossPolicy::Wait {
        let message = "the only node has no other to copy from; Replace has no effect";
        findings.warn(format!("{field}.onNodeLoss"), message);
    }
    volumes
}

fn check_volume(findings: &mut Findings, field: &str, volume: &Volume) {
    let name_field = format!("{field}.name");
    check_name(findings, &name_field, &volume.name, names_limits::VOLUME);
    if RESERVED_VOLUMES.contains(&volume.name.as_str()) {
        let message =
            format!("'{}' is a mount of the node's own: give the volume another name", volume.name);
        findings.invalid(name_field, message);
    }
    match quantity::parse(&volume.size) {
        Ok(size) if size < Amount::whole(1) => {
            findings.invalid(
                format!("{field}.size"),
                "a volume has a size above zero: write one, such as 10Gi",
            );
        }
        Ok(_) => {}
        Err(error) => findings.invalid(format!("{field}.size"), error.to_string()),
    }
}

/// CPU and memory with what is asked for when the spec doesn't say. There is no default limit of CPU, which
/// would only make a broker late.
fn resources(
    findings: &mut Findings,
    pool_field: &str,
    given: Option<&ResourceRequirements>,
) -> ResourceRequirements {
    let field = format!("{pool_field}.resources");
    let mut resources = given.cloned().unwrap_or_default();
    let mut limits = resources.limits.take().unwrap_or_default();
    let requests = resources.requests.get_or_insert_default();
    let says_nothing = |name: &str| !limits.contains_key(name) && !requests.contains_key(name);
    let (no_cpu, no_memory) = (says_nothing("cpu"), says_nothing("memory"));
    if no_cpu {
        requests.insert("cpu".to_owned(), Quantity(DEFAULT_CPU_REQUEST.to_owned()));
    }
    if no_memory {
        requests.insert("memory".to_owned(), Quantity(DEFAULT_MEMORY_REQUEST.to_owned()));
        limits.insert("memory".to_owned(), Quantity(DEFAULT_MEMORY_LIMIT.to_owned()));
    }
    let requested = amounts(findings, &format!("{field}.requests"), requests);
    let limited = amounts(findings, &format!("{field}.limits"), &limits);
    for (name, limit) in &limited {
        if requested.get(name).is_some_and(|request| request > limit) {
            let message = format!(
                "the limit of {name} is below what is requested: raise it, or lower the request"
            );
            findings.invalid(format!("{field}.limits[{name}]"), message);
        }
    }
    if limited.get("memory").is_some_and(|limit| *limit < Amount::whole(MEMORY_LIMIT_MIN)) {
        let message =
            format!("a broker needs a limit of {}Mi at least: raise it", MEMORY_LIMIT_MIN >> 20);
        findings.invalid(format!("{field}.limits[memory]"), message);
    }
    resources.limits = (!limits.is_empty()).then_some(limits);
    resources
}

fn amounts(
    findings: &mut Findings,
    field: &str,
    quantities: &BTreeMap<String, Quantity>,
) -> BTreeMap<String, Amount> {
    let mut amounts = BTreeMap::new();
    for (name, quantity) in quantities {
        match quantity::parse(quantity) {
            Ok(amount) if amount < Amount::whole(0) => {
                findings.invalid(format!("{field}[{name}]"), "it can't be below zero");
            }
            Ok(amount) => {
                amounts.insert(name.clone(), amount);
            }
            Err(error) => findings.invalid(format!("{field}[{name}]"), error.to_string()),
        }
    }
    amounts
}
