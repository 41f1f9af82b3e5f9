//! Runs the reconciles of clusters: observe, decide, apply, status, events.
//!
//! A cluster is looked at when it or anything that bears its label changes, and when its plan asks for
//! it. One reconcile of a cluster runs at a time, several clusters' at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use kube::Resource;
use parking_lot::Mutex;
use taffrail_crds::KafkaCluster;
use taffrail_crds::condition::READY;
use tokio_util::sync::CancellationToken;

use super::names::CLUSTER_LABEL;
use super::observe::observe;
use super::{EventDraft, EventKind, Rejection, apply, decide};
use crate::context::Context;
use crate::events::News;
use crate::queue::{Outcome, Queue};
use crate::status_writer::StatusWriter;
use crate::stores::{ObjectKey, Store};

/// The name of the kind in metrics and in the log.
const KIND: &str = "KafkaCluster";
/// How many clusters are reconciled at once.
const PARALLEL: usize = 4;
/// How soon a plan that was out of date is made anew.
const AGAIN_SOON: Duration = Duration::from_secs(1);
/// How soon a cluster is looked at again whose namespace is being deleted.
const AGAIN_WHILE_IT_GOES: Duration = Duration::from_secs(10);

/// Reconciles clusters until `shutdown`.
pub async fn run(context: Context, shutdown: CancellationToken) {
    let queue = Queue::new();
    feed(&context, &queue);
    let reconciler = Reconciler::new(context.clone());
    queue
        .run(KIND, PARALLEL, &context.metrics, &shutdown, move |key| {
            let reconciler = reconciler.clone();
            async move { reconciler.reconcile(&key).await }
        })
        .await;
}

/// Puts a cluster into the queue whenever something of it changes.
fn feed(context: &Context, queue: &Queue) {
    let stores = &context.stores;
    let clusters = queue.clone();
    stores.clusters.subscribe(move |metadata| clusters.add(ObjectKey::of(metadata)));
    feed_owned(&stores.stateful_sets, queue);
    feed_owned(&stores.pods, queue);
    feed_owned(&stores.claims, queue);
    feed_owned(&stores.services, queue);
    feed_owned(&stores.config_maps, queue);
    feed_owned(&stores.budgets, queue);
    feed_owned(&stores.policies, queue);
    feed_owned(&stores.accounts, queue);
}

fn feed_owned<K>(store: &Store<K>, queue: &Queue)
where
    K: Resource<DynamicType = ()> + Clone,
{
    let queue = queue.clone();
    store.subscribe(move |metadata| {
        if let Some(cluster) = owner(metadata) {
            queue.add(cluster);
        }
    });
}

/// The cluster whose label an object bears.
fn owner(metadata: &ObjectMeta) -> Option<ObjectKey> {
    let cluster = metadata.labels.as_ref()?.get(CLUSTER_LABEL)?;
    Some(ObjectKey::new(metadata.namespace.clone()?, cluster))
}

/// Brings one cluster after the other to what its resource says.
#[derive(Clone)]
pub struct Reconciler {
    context: Context,
    statuses: StatusWriter,
    memory: Arc<Mutex<BTreeMap<ObjectKey, Memory>>>,
}

/// What is remembered of a cluster from one reconcile to the next. Nothing is lost with it.
#[derive(Default)]
struct Memory {
    uid: String,
    /// What the API server would not have at the last attempt.
    rejections: Vec<Rejection>,
}

impl Reconciler {
    /// A reconciler with nothing behind it.
    pub fn new(context: Context) -> Self {
        Self { context, statuses: StatusWriter::default(), memory: Arc::default() }
    }

    /// Brings the cluster `key` one plan further.
    ///
    /// # Errors
    /// If a write fails for another reason than that the plan is out of date.
    pub async fn reconcile(&self, key: &ObjectKey) -> Outcome {
        let stores = &self.context.stores;
        let Some(cluster) = stores.clusters.get(key) else {
            self.context.metrics.cluster_ready(key, None);
            self.forget(key);
            return Ok(None);
        };
        let mut observed = observe(&self.context, cluster.clone()).await;
        observed.rejections = self.recall(key, &cluster);
        let mut plan = decide(&observed, &self.context.settings, Timestamp::now());
        if plan.step.is_some() {
            // Before the step: an operator that ends in the middle of it must not leave a restart untold.
            self.tell(&cluster, &plan.events).await;
        }
        let applied = apply::apply(&self.context, &observed, &plan).await;
        if let Ok(rejections) = &applied
            && *rejections != observed.rejections
        {
            // The status has to say what the API server will not have, and not that all is under way.
            self.remember(key, rejections);
            observed.rejections.clone_from(rejections);
            plan = decide(&observed, &self.context.settings, Timestamp::now());
        }
        let status_wait = self
            .statuses
            .write(
                &self.context,
                &stores.clusters,
                &cluster.metadata,
                cluster.status.as_ref(),
                &plan.status,
            )
            .await;
        self.tell(&cluster, &plan.events).await;
        let current = stores.clusters.get(key);
        self.context.metrics.cluster_ready(key, current.map(|cluster| is_ready(&cluster)));
        let mut again = plan.requeue;
        for outcome in [applied.map(|_| None), status_wait] {
            match outcome {
                Ok(wait) => again = again.into_iter().chain(wait).min(),
                Err(error) if error.is_namespace_terminating() => {
                    tracing::debug!(cluster = %key, %error, "nothing is made any more");
                    again = Some(AGAIN_WHILE_IT_GOES);
                }
                Err(error) if error.is_conflict() || error.is_not_found() => {
                    tracing::debug!(cluster = %key, %error, "the plan is out of date");
                    again = Some(again.map_or(AGAIN_SOON, |wait| wait.min(AGAIN_SOON)));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(again)
    }

    /// What the API server would not have of this very cluster at the last attempt.
    fn recall(&self, key: &ObjectKey, cluster: &KafkaCluster) -> Vec<Rejection> {
        let uid = cluster.metadata.uid.as_deref().unwrap_or_default();
        let mut memory = self.memory.lock();
        let remembered = memory.entry(key.clone()).or_default();
        if remembered.uid != uid {
            self.context.recorder.forget(&remembered.uid);
            *remembered = Memory { uid: uid.to_owned(), rejections: Vec::new() };
        }
        remembered.rejections.clone()
    }

    fn remember(&self, key: &ObjectKey, rejections: &[Rejection]) {
        if let Some(remembered) = self.memory.lock().get_mut(key) {
            remembered.rejections = rejections.to_vec();
        }
    }

    fn forget(&self, key: &ObjectKey) {
        if let Some(forgotten) = self.memory.lock().remove(key) {
            self.context.recorder.forget(&forgotten.uid);
        }
    }

    async fn tell(&self, cluster: &KafkaCluster, events: &[EventDraft]) {
        let news: Vec<News> = events.iter().map(news).collect();
        self.context.recorder.tell(&cluster.object_ref(&()), &news).await;
    }
}

fn news(event: &EventDraft) -> News {
    News {
        is_warning: event.kind == EventKind::Warning,
        reason: event.reason.clone(),
        action: event.action.clone(),
        note: event.note.clone(),
    }
}

fn is_ready(cluster: &KafkaCluster) -> bool {
    let conditions = cluster.status.iter().flat_map(|status| &status.conditions);
    conditions.into_iter().any(|condition| condition.type_ == READY && condition.status == "True")
}
