//! Events: what happened, told when it happens.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use taffrail_crds::KafkaClusterStatus;
use taffrail_crds::condition::{READY, STALLED};

use super::conditions::WARNING;
use super::drift::{Cause, Change};
use super::{Applied, EventDraft, EventKind, ObjectRef, Step};
use crate::cluster::observed::Observed;

pub(super) fn of_plan(
    observed: &Observed,
    changes: &[Change],
    step: Option<&Step>,
    orphans: &[ObjectRef],
    status: &KafkaClusterStatus,
) -> Vec<EventDraft> {
    let mut events: Vec<EventDraft> = changes.iter().filter_map(of_change).collect();
    if let Some(Step::RestartPod { node, pod, reason, .. }) = step {
        let note = format!("node {node} (pod {pod}) restarts: {reason}");
        events.push(normal("Restarting", "RestartPod", note));
    }
    for orphan in orphans {
        let note =
            format!("{:?} {} is deleted: nothing asks for it any more", orphan.kind, orphan.name);
        events.push(normal("OrphanDeleted", "Delete", note));
    }
    events.extend(of_status(observed, status));
    events
}

/// What a status says that the one before didn't.
pub(super) fn of_status(observed: &Observed, status: &KafkaClusterStatus) -> Vec<EventDraft> {
    let before = observed
        .cluster
        .status
        .as_ref()
        .map(|status| status.conditions.as_slice())
        .unwrap_or_default();
    let mut events = Vec::new();
    for condition in &status.conditions {
        let old = before.iter().find(|old| old.type_ == condition.type_);
        let is_new =
            old.is_none_or(|old| old.status != condition.status || old.reason != condition.reason);
        let says_more = old.is_none_or(|old| old.message != condition.message);
        let note = condition.message.clone();
        match condition.type_.as_str() {
            STALLED if is_new => events.push(warning(condition, "Reconcile", note)),
            WARNING if says_more => events.push(warning(condition, "Validate", note)),
            READY if is_new && condition.status == "True" => {
                events.push(normal("Ready", "Reconcile", note))
            }
            READY if is_new && condition.reason == "Paused" => {
                events.push(normal("Paused", "Reconcile", note))
            }
            _ => {}
        }
    }
    events
}

fn of_change(change: &Change) -> Option<EventDraft> {
    let (kind, name) = (change.object.kind(), change.object.name());
    match (change.cause, &change.object) {
        (Cause::Missing, Applied::StatefulSet(_) | Applied::Claim(_)) => {
            Some(normal("Created", "Apply", format!("{kind} {name} is created")))
        }
        (Cause::Drifted, _) => {
            let note = format!(
                "{kind} {name} was changed by somebody else and is put back as the spec asks for"
            );
            Some(normal("DriftRepaired", "Apply", note))
        }
        _ => None,
    }
}

fn normal(reason: &str, action: &str, note: String) -> EventDraft {
    EventDraft {
        kind: EventKind::Normal,
        reason: reason.to_owned(),
        note,
        action: action.to_owned(),
    }
}

fn warning(condition: &Condition, action: &str, note: String) -> EventDraft {
    EventDraft {
        kind: EventKind::Warning,
        reason: condition.reason.clone(),
        note,
        action: action.to_owned(),
    }
}
