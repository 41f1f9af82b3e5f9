//! How many nodes Kubernetes may evict at a time.

use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::Blueprint;
use crate::cluster::names;

/// The budget: none may go while `is_closed`, one otherwise.
#[must_use]
pub fn disruption_budget(blueprint: &Blueprint<'_>, is_closed: bool) -> PodDisruptionBudget {
    let cluster = &blueprint.cluster.name;
    PodDisruptionBudget {
        metadata: blueprint.metadata(cluster.clone(), names::cluster_labels(cluster)),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(i32::from(!is_closed))),
            selector: Some(LabelSelector {
                match_labels: Some(names::nodes_selector(cluster)),
                ..LabelSelector::default()
            }),
            ..PodDisruptionBudgetSpec::default()
        }),
        status: None,
    }
}
