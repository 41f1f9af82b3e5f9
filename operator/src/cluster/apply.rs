//! Carries a plan out.
//!
//! The order is the plan's: objects, in its order and StatefulSets last; then the one step that takes a
//! node away; then orphans. Nothing is deleted but the very object that was looked at (by uid and
//! version), and never a volume.
//!
//! What isn't this cluster's is never taken over, whatever its name.
//!
//! A failure ends it, since what follows may lean on what failed. An object that the API server will not
//! have is told ([`Rejection`]) and the rest goes on, unless nodes would start without it: a claim that
//! can't grow must not hold up a change of configuration.

use std::fmt::Debug;
use std::sync::Arc;

use k8s_openapi::NamespaceResourceScope;
use kube::Resource;
use serde::Serialize;
use serde::de::DeserializeOwned;
use taffrail_crds::KafkaCluster;

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
        let error = match apply_object(context, observed, object).await {
            Ok(()) => continue,
            Err(error) if error.is_invalid() || error.is_forbidden() || error.is_foreign() => error,
            Err(error) => return Err(error),
        };
        let message = error.cause.to_string();
        tracing::debug!(
            kind = object.kind(),
            name = object.name(),
            message,
            "an object wasn't applied"
        );
        rejections.push(Rejection {
            kind: object.kind().to_owned(),
            name: object.name().to_owned(),
            message,
        });
        if is_needed_to_start(object) || (error.is_foreign() && is_volume(object)) {
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

/// Whether a node would write on it: one that isn't the cluster's holds somebody's data, and even to mount it
/// changes whom its files belong to.
fn is_volume(object: &Applied) -> bool {
    matches!(object, Applied::Claim(_))
}

async fn apply_object(
    context: &Context,
    observed: &Observed,
    object: &Applied,
) -> Result<(), ApiError> {
    let owner = &observed.cluster;
    let stores = &context.stores;
    match object {
        Applied::ServiceAccount(object) => adopt(context, owner, &stores.accounts, object).await,
        Applied::ConfigMap(object) => adopt(context, owner, &stores.config_maps, object).await,
        Applied::Claim(object) => adopt(context, owner, &stores.claims, object).await,
        Applied::Service(object) => adopt(context, owner, &stores.services, object).await,
        Applied::NetworkPolicy(object) => adopt(context, owner, &stores.policies, object).await,
        Applied::DisruptionBudget(object) => adopt(context, owner, &stores.budgets, object).await,
        Applied::StatefulSet(object) => adopt(context, owner, &stores.stateful_sets, object).await,
    }
}

/// Applies `object`, unless that would take over somebody else's.
async fn adopt<K>(
    context: &Context,
    cluster: &KafkaCluster,
    store: &Store<K>,
    object: &K,
) -> Result<(), ApiError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    K: Clone + Debug + DeserializeOwned + Serialize,
{
    context.check_ours(cluster, store, object).await?;
    context.apply(store, object).await
}

async fn take(context: &Context, observed: &Observed, step: &Step) -> Result<(), ApiError> {
    match step {
        Step::RestartPod { node, pod, uid, reason } => {
            tracing::info!(node, pod, reason, "restarts a node");
            delete(context, &context.stores.pods, &observed.pods, uid).await
        }
    }
}

async fn delete_orphan(
    context: &Context,
    observed: &Observed,
    orphan: &ObjectRef,
) -> Result<(), ApiError> {
    let ObjectRef { kind, name, uid } = orphan;
    tracing::info!(?kind, name, "deletes what the cluster no longer needs");
    let stores = &context.stores;
    match kind {
        ObjectKind::ConfigMap => {
            delete(context, &stores.config_maps, &observed.config_maps, uid).await
        }
        ObjectKind::Service => delete(context, &stores.services, &observed.services, uid).await,
        ObjectKind::NetworkPolicy => {
            delete(context, &stores.policies, &observed.policies, uid).await
        }
        ObjectKind::PodDisruptionBudget => {
            delete(context, &stores.budgets, &observed.budgets, uid).await
        }
        ObjectKind::ServiceAccount => {
            delete(context, &stores.accounts, &observed.accounts, uid).await
        }
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
