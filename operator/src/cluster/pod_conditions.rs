//! What Kubernetes says of a pod.

use k8s_openapi::api::core::v1::{Pod, PodCondition};

/// The condition of this type, if the pod has one yet.
pub(super) fn condition<'a>(pod: &'a Pod, kind: &str) -> Option<&'a PodCondition> {
    pod.status.as_ref()?.conditions.as_ref()?.iter().find(|condition| condition.type_ == kind)
}

/// Whether its readiness probe holds.
pub(super) fn is_ready(pod: &Pod) -> bool {
    condition(pod, "Ready").is_some_and(|condition| condition.status == "True")
}
