//! Kinds that this version has and doesn't act upon yet: each resource is told so, once, by a condition.
//!
//! What is wrong with a resource is told before that, so that it is right when its time comes.

use std::fmt::Debug;
use std::sync::Arc;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::jiff::Timestamp;
use kube::Resource;
use serde::Serialize;
use serde::de::DeserializeOwned;
use taffrail_crds::condition::{Condition, READY, STALLED};
use taffrail_crds::{ClusterRef, KafkaCluster};
use tokio_util::sync::CancellationToken;

use crate::conditions::{Draft, dated};
use crate::context::Context;
use crate::queue::{Outcome, Queue};
use crate::status_writer::StatusWriter;
use crate::stores::{ObjectKey, Store, Stores};

/// How many resources are looked at at once.
const PARALLEL: usize = 2;

/// A kind that nothing is done about yet.
pub trait Unsupported:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
    /// What its status is.
    type Status: Serialize + Send + Sync;
    /// The kind's name.
    const KIND: &'static str;
    /// What is missing, and what to do instead.
    const INSTEAD: &'static str;

    /// The store of the kind.
    fn store(stores: &Stores) -> &Store<Self>;
    /// The cluster that the resource names.
    fn cluster_ref(&self) -> &ClusterRef;
    /// What is wrong with the spec that its definition can't see.
    fn fault(&self, cluster: &KafkaCluster) -> Option<String>;
    /// The status as it stands, and its conditions.
    fn status(&self) -> Option<(&Self::Status, &[Condition])>;
    /// A status with these conditions.
    fn new_status(&self, conditions: Vec<Condition>) -> Self::Status;
}

/// What is told of a resource.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Told {
    /// The reason of its conditions.
    pub reason: &'static str,
    /// Whether nothing happens until somebody changes something.
    pub is_stalled: bool,
    /// What is the matter, and the way out.
    pub message: String,
}

/// What is told of `resource`, whose cluster is `cluster`, if there is one.
pub fn tell<K: Unsupported>(resource: &K, cluster: Option<&KafkaCluster>) -> Told {
    let key = cluster_key(resource);
    let Some(cluster) = cluster else {
        return Told {
            reason: "ClusterNotFound",
            is_stalled: false,
            message: format!(
                "there is no KafkaCluster {key}: create it, or change spec.clusterRef"
            ),
        };
    };
    match resource.fault(cluster) {
        Some(message) => Told { reason: "Invalid", is_stalled: true, message },
        None => Told {
            reason: "NotImplemented",
            is_stalled: true,
            message: format!(
                "Taffrail {} doesn't act upon {} yet: {}",
                env!("CARGO_PKG_VERSION"),
                K::KIND,
                K::INSTEAD
            ),
        },
    }
}

/// The conditions that say `told`. One that doesn't turn keeps its time.
pub fn conditions(
    told: &Told,
    generation: Option<i64>,
    old: &[Condition],
    now: Timestamp,
) -> Vec<Condition> {
    let draft =
        |kind, status| Draft { kind, status, reason: told.reason, message: told.message.clone() };
    let mut drafts = vec![draft(READY, "False")];
    if told.is_stalled {
        drafts.push(draft(STALLED, "True"));
    }
    dated(drafts, old, generation, now)
}

/// Tells every resource of the kind, until `shutdown`.
pub async fn run<K: Unsupported>(context: Context, shutdown: CancellationToken) {
    let queue = Queue::new();
    let resources = queue.clone();
    K::store(&context.stores).subscribe(move |metadata| resources.add(ObjectKey::of(metadata)));
    let (resources, store) = (queue.clone(), K::store(&context.stores).clone());
    context.stores.clusters.subscribe(move |metadata| {
        let cluster = ObjectKey::of(metadata);
        for resource in store.select(|resource| cluster_key(resource) == cluster) {
            resources.add(ObjectKey::of(resource.meta()));
        }
    });
    let (shared, statuses) = (Arc::new(context.clone()), StatusWriter::default());
    queue
        .run(K::KIND, PARALLEL, &context.metrics, &shutdown, move |key| {
            let (context, statuses) = (Arc::clone(&shared), statuses.clone());
            async move { reconcile::<K>(&context, &statuses, &key).await }
        })
        .await;
}

async fn reconcile<K: Unsupported>(
    context: &Context,
    statuses: &StatusWriter,
    key: &ObjectKey,
) -> Outcome {
    let store = K::store(&context.stores);
    let Some(resource) = store.get(key) else { return Ok(None) };
    let metadata = resource.meta();
    if metadata.deletion_timestamp.is_some() {
        return Ok(None);
    }
    let told = tell(&*resource, context.stores.clusters.get(&cluster_key(&*resource)).as_deref());
    let (old, old_conditions) = resource.status().unzip();
    let conditions = conditions(
        &told,
        metadata.generation,
        old_conditions.unwrap_or_default(),
        Timestamp::now(),
    );
    let status = resource.new_status(conditions);
    match statuses.write(context, store, metadata, old, &status).await {
        Err(error) if error.is_not_found() || error.is_conflict() => Ok(None),
        outcome => Ok(outcome?),
    }
}

fn cluster_key<K: Unsupported>(resource: &K) -> ObjectKey {
    ObjectKey::of_cluster(resource.cluster_ref(), resource.meta())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(message: &str, is_stalled: bool) -> Told {
        Told { reason: "NotImplemented", is_stalled, message: message.to_owned() }
    }

    #[test]
    fn a_condition_that_does_not_turn_keeps_its_time() {
        let (then, now) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
        let first = conditions(&told("a", true), Some(1), &[], then);
        let second = conditions(&told("b", true), Some(2), &first, now);
        assert_eq!(second.len(), 2);
        assert!(second.iter().all(|condition| condition.last_transition_time.0 == then));
        assert!(second.iter().all(|condition| condition.message == "b"));
        assert_eq!(conditions(&told("b", true), Some(2), &second, now), second);
    }

    #[test]
    fn stalled_is_there_only_when_it_holds() {
        let types = |is_stalled| -> Vec<String> {
            let all = conditions(&told("a", is_stalled), None, &[], Timestamp::UNIX_EPOCH);
            all.into_iter().map(|condition| condition.type_).collect()
        };
        assert_eq!(types(false), [READY]);
        assert_eq!(types(true), [READY, STALLED]);
    }
}
