//! Each node with all that is known of it.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use taffrail_crds::cluster::NodeState;

use super::diagnosis::{Diagnosis, diagnose};
use crate::cluster::build::Blueprint;
use crate::cluster::names;
use crate::cluster::observed::{NodeHealth, NodeReport, Observed};

/// A node as it was observed.
#[derive(Debug)]
pub(super) struct NodeView<'a> {
    pub(super) id: i32,
    pub(super) pod_name: String,
    pub(super) stateful_set: Option<&'a StatefulSet>,
    pub(super) pod: Option<&'a Pod>,
    pub(super) report: Option<&'a NodeReport>,
    pub(super) diagnosis: Diagnosis,
}

impl<'a> NodeView<'a> {
    fn of(observed: &'a Observed, id: i32, set_name: &str) -> Self {
        let pod_name = format!("{set_name}-0");
        let pod = observed.pods.iter().find(|pod| pod.name_any() == pod_name).map(AsRef::as_ref);
        let stateful_set =
            observed.stateful_sets.iter().find(|set| set.name_any() == set_name).map(AsRef::as_ref);
        let report = observed.reports.get(&id);
        Self { id, pod_name, stateful_set, pod, report, diagnosis: diagnose(pod, report) }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.diagnosis.state == NodeState::Ready
    }

    pub(super) fn health(&self) -> Option<&'a NodeHealth> {
        match self.report? {
            NodeReport::Answered(health) => Some(health),
            NodeReport::Failed(_) => None,
        }
    }

    /// How its pod stands to what its StatefulSet asks for.
    pub(super) fn revision(&self) -> Revision {
        let Some(set) = self.stateful_set else { return Revision::Unknown };
        let Some(status) = &set.status else { return Revision::Unknown };
        if status.observed_generation < set.metadata.generation {
            return Revision::Unknown;
        }
        let pod = self.pod.filter(|pod| pod.metadata.deletion_timestamp.is_none());
        match (pod.and_then(|pod| pod.labels().get(names::REVISION_LABEL)), &status.update_revision)
        {
            (Some(is), Some(should)) if is != should => Revision::Outdated,
            (Some(_), Some(_)) => Revision::Current,
            _ => Revision::Unknown,
        }
    }
}

/// How a pod stands to what its StatefulSet asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Revision {
    /// It is as asked for.
    Current,
    /// It is as was asked for before.
    Outdated,
    /// There is no pod, or Kubernetes hasn't looked at the StatefulSet yet.
    Unknown,
}

/// The nodes that there should be.
pub(super) fn planned<'a>(observed: &'a Observed, blueprint: &Blueprint<'_>) -> Vec<NodeView<'a>> {
    let nodes = blueprint.nodes.iter();
    nodes.map(|node| NodeView::of(observed, node.id, &blueprint.node_name(node))).collect()
}

/// The nodes that there are, whatever the spec says.
pub(super) fn existing(observed: &Observed) -> Vec<NodeView<'_>> {
    let sets = observed.stateful_sets.iter().filter_map(|set| {
        Some((set.labels().get(names::NODE_ID_LABEL)?.parse().ok()?, set.name_any()))
    });
    let by_id: BTreeMap<i32, String> = sets.collect();
    by_id.into_iter().map(|(id, set)| NodeView::of(observed, id, &set)).collect()
}
