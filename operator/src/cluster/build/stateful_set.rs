//! A node: a StatefulSet of one pod, so that each can be stopped, changed and taken away by itself.

use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetSpec, StatefulSetUpdateStrategy};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::{Blueprint, Node, pod};
use crate::cluster::names;

/// The StatefulSet of a node; `None` while Kubernetes hasn't given the node every port that it has to
/// tell its clients of.
#[must_use]
pub fn stateful_set(blueprint: &Blueprint<'_>, node: &Node<'_>) -> Option<StatefulSet> {
    let cluster = &blueprint.cluster.name;
    let template = pod::template(blueprint, node)?;
    let mut metadata = blueprint.metadata(blueprint.node_name(node), blueprint.node_labels(node));
    metadata.annotations = Some(blueprint.cluster_id_annotation());
    Some(StatefulSet {
        metadata,
        spec: Some(StatefulSetSpec {
            replicas: Some(1),
            service_name: Some(names::nodes_service(cluster)),
            pod_management_policy: Some("Parallel".to_owned()),
            update_strategy: Some(StatefulSetUpdateStrategy {
                type_: Some("OnDelete".to_owned()),
                rolling_update: None,
            }),
            revision_history_limit: Some(2),
            selector: LabelSelector {
                match_labels: Some(names::node_selector(cluster, node.id)),
                match_expressions: None,
            },
            template,
            ..StatefulSetSpec::default()
        }),
        status: None,
    })
}
