//! Conditions: what holds of a cluster, in the words of `kubectl wait`, Flux and Argo CD.

use std::time::Duration;

use kube::ResourceExt;
use taffrail_crds::cluster::NodeState;
use taffrail_crds::condition::{READY, RECONCILING, STALLED};

use super::Step;
use super::drift::Change;
use super::nodes::{NodeView, Revision};
use super::roll::{self, Roll};
use super::volumes::Volumes;
use crate::cluster::observed::{Observed, Rejection};
use crate::conditions::Draft;

/// The condition for what is accepted without effect.
pub(super) const WARNING: &str = "Warning";

/// How a cluster is as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) outcome: Outcome,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

/// The three things that can be the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All is as the spec says.
    Ready,
    /// It is about to be.
    Reconciling,
    /// It won't be until somebody does something.
    Stalled,
}

impl Verdict {
    pub(super) fn of(
        observed: &Observed,
        nodes: &[NodeView<'_>],
        roll: &Roll,
        volumes: &Volumes,
        changes: &[Change],
    ) -> Self {
        let verdict = |outcome, reason, message| Self { outcome, reason, message };
        if let Some(rejection) = observed.rejections.iter().find(|one| !is_bearable(observed, one))
        {
            let message = format!(
                "Kubernetes doesn't take the {} '{}': {}; put right in the spec what it names, or in the namespace what \
                 forbids it",
                rejection.kind, rejection.name, rejection.message
            );
            return verdict(Outcome::Stalled, "Rejected", message);
        }
        if let Some(Step::RestartPod { node, reason, .. }) = &roll.step {
            return verdict(
                Outcome::Reconciling,
                "Rolling",
                format!("node {node} restarts: {reason}"),
            );
        }
        for node in nodes {
            if volumes.leaving.contains_key(&node.id)
                && let Some(blocker) = roll.blockers.get(&node.id)
            {
                let outcome = if node.stateful_set.is_some() {
                    Outcome::Stalled
                } else {
                    Outcome::Reconciling
                };
                return verdict(outcome, "VolumeMissing", format!("node {}: {blocker}", node.id));
            }
        }
        let has_new_shape = |node: &NodeView<'_>| roll.outdated.contains(&node.id);
        for node in nodes.iter().filter(|node| !has_new_shape(node)) {
            if let Some(trouble) =
                node.diagnosis.trouble.as_ref().filter(|trouble| trouble.needs_somebody)
            {
                let message = format!("node {}: {}", node.id, trouble.message);
                return verdict(Outcome::Stalled, trouble.reason, message);
            }
        }
        if let Some((node, blocker)) = roll.blockers.first_key_value() {
            return verdict(Outcome::Reconciling, "Rolling", format!("node {node}: {blocker}"));
        }
        if let Some(id) = roll.outdated.first() {
            let message = format!("node {id} has to be restarted with what the spec asks for");
            return verdict(Outcome::Reconciling, "Rolling", message);
        }
        if let Some(node) = nodes.iter().find(|node| !node.is_ready()) {
            let (reason, message) = on_the_way(node);
            return verdict(Outcome::Reconciling, reason, format!("node {}: {message}", node.id));
        }
        if roll::touches_nodes(changes)
            || nodes.iter().any(|node| node.revision() == Revision::Unknown)
        {
            let message = "Kubernetes hasn't looked at the nodes' StatefulSets yet".to_owned();
            return verdict(Outcome::Reconciling, "Rolling", message);
        }
        let message = format!("{} of {} nodes are ready", nodes.len(), nodes.len());
        verdict(Outcome::Ready, "Ready", message)
    }

    /// When to look again if nothing is seen to change: the brokers' own state can't be watched.
    pub(super) fn look_again(&self) -> Duration {
        let seconds = match (self.outcome, self.reason) {
            (Outcome::Reconciling, "Recovering") => 10,
            (Outcome::Reconciling, _) => 5,
            (Outcome::Ready | Outcome::Stalled, _) => 30,
        };
        Duration::from_secs(seconds)
    }

    /// Ready, and Reconciling or Stalled if that is the case.
    pub(super) fn conditions(&self) -> Vec<Draft> {
        let draft = |kind, status| Draft {
            kind,
            status,
            reason: self.reason,
            message: self.message.clone(),
        };
        match self.outcome {
            Outcome::Ready => vec![draft(READY, "True")],
            Outcome::Reconciling => vec![draft(READY, "False"), draft(RECONCILING, "True")],
            Outcome::Stalled => vec![draft(READY, "False"), draft(STALLED, "True")],
        }
    }
}

/// A volume that can't grow is a volume still.
fn is_bearable(observed: &Observed, rejection: &Rejection) -> bool {
    rejection.kind == "PersistentVolumeClaim"
        && observed.claims.iter().any(|claim| claim.name_any() == rejection.name)
}

fn on_the_way(node: &NodeView<'_>) -> (&'static str, String) {
    match (&node.diagnosis.trouble, node.diagnosis.state) {
        (Some(trouble), _) => (trouble.reason, trouble.message.clone()),
        (None, NodeState::Pending) => ("Starting", "its pod is about to start".to_owned()),
        (None, _) => ("Starting", "it starts".to_owned()),
    }
}
