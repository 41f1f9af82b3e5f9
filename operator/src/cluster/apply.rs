//! Carries a plan out.
//!
//! The order is the plan's: objects, in its order and StatefulSets last; then the one step that takes a
//! node away; then orphans. Nothing is deleted but the very object that was looked at (by uid and
//! version), and never a volume.
//!
//! A failure ends it, since what follows may lean on what failed. An object that the API server will not
//! have is told ([`Rejection`]) and the rest goes on, unless nodes would start without it: a claim that
//! can't grow must not hold up a change of configuration.

use std::fmt::Debug;
use std::sync::Arc;

use k8s_openapi::NamespaceResourceScope;
use kube::Resource;
use serde::de::DeserializeOwned;

use super::{Applied, ObjectKind, ObjectRef, Observed, Plan, Rejection, Step};
use crate::context::{ApiError, Context};
use crate::stores::Store;

/// Carries out all of `plan` but its status and events. Says which objects the API server will not have.
///
/// # Errors
/// The first write that failed otherwise; a conflict if the plan is out of date.
pub async fn apply(
    context: &Context,
    observed: &Observed,
    plan: &Plan,
) -> Result<Vec<Rejection>, ApiError> {
    let mut rejections = Vec::new();
    for object in &plan.applies {
        let Err(error) = apply_object(context, object).await else { continue };
        if !(error.is_invalid() || error.is_forbidden()) {
            return Err(error);
        }
        tracing::debug!(%error, "an object was refused");
        rejections.push(Rejection {
            kind: object.kind().to_owned(),
            name: object.name().to_owned(),
            message: error.cause.to_string(),
        });
        if is_needed_to_start(object) {
            return Ok(rejections);
        }
    }
    if let Some(step) = &plan.step {
        take(context, observed, step).await?;
    }
    for orphan in &plan.orphans {
        delete_orphan(context, observed, orphan).await?;
    }
    Ok(rejections)
}

/// Whether a node that starts without it, or with an old one, starts wrong.
fn is_needed_to_start(object: &Applied) -> bool {
    matches!(object, Applied::ServiceAccount(_) | Applied::ConfigMap(_))
}

async fn apply_object(context: &Context, object: &Applied) -> Result<(), ApiError> {
    let stores = &context.stores;
    match object {
        Applied::ServiceAccount(object) => context.apply(&stores.accounts, object).await,
        Applied::ConfigMap(object) => context.apply(&stores.config_maps, object).await,
        Applied::Claim(object) => context.apply(&stores.claims, object).await,
        Applied::Service(object) => context.apply(&stores.services, object).await,
        Applied::NetworkPolicy(object) => context.apply(&stores.policies, object).await,
        Applied::DisruptionBudget(object) => context.apply(&stores.budgets, object).await,
        Applied::StatefulSet(object) => context.apply(&stores.stateful_sets, object).await,
    }
}

async fn take(context: &Context, observed: &Observed, step: &Step) -> Result<(), ApiError> {
    match step {
        Step::RestartPod { node, pod, uid, reason } => {
            tracing::info!(node, pod, reason, "restarts a node");
            delete(context, &context.stores.pods, &observed.pods, uid).await
        }
    }
}

async fn delete_orphan(context: &Context, observed: &Observed, orphan: &ObjectRef) -> Result<(), ApiError> {
    let ObjectRef { kind, name, uid } = orphan;
    tracing::info!(?kind, name, "deletes what the cluster no longer needs");
    let stores = &context.stores;
    match kind {
        ObjectKind::ConfigMap => delete(context, &stores.config_maps, &observed.config_maps, uid).await,
        ObjectKind::Service => delete(context, &stores.services, &observed.services, uid).await,
        ObjectKind::NetworkPolicy => delete(context, &stores.policies, &observed.policies, uid).await,
        ObjectKind::PodDisruptionBudget => delete(context, &stores.budgets, &observed.budgets, uid).await,
        ObjectKind::ServiceAccount => delete(context, &stores.accounts, &observed.accounts, uid).await,
    }
}

/// Deletes the object that was observed with this uid.
async fn delete<K>(
    context: &Context,
    store: &Store<K>,
    observed: &[Arc<K>],
    uid: &str,
) -> Result<(), ApiError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    K: Clone + Debug + DeserializeOwned,
{
    match observed.iter().find(|object| object.meta().uid.as_deref() == Some(uid)) {
        Some(object) => context.delete(store, object.meta()).await,
        None => Ok(()),
    }
}
