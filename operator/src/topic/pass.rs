//! One pass over the topics of one cluster: gather, observe, plan, apply, tell.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::RngExt as _;
use taffrail_crds::{KafkaCluster, Topic};
use taffrail_model::{TopicName, Uuid};
use tokio::time::Instant;

use super::claims::{Claim, cluster_of, settle};
use super::departed;
use super::plan::{Observed, Plan, plan};
use super::record_store::RecordStore;
use super::refusal::is_unknown_topic;
use super::report::report;
use super::vanished::Lookup;
use super::verdict::{Problem, Standing, Verdict, reason};
use crate::admin_client::{AdminClient, AdminError};
use crate::cluster::names::PAUSE_ANNOTATION;
use crate::context::Context;
use crate::queue::Outcome;
use crate::status_writer::StatusWriter;
use crate::stores::ObjectKey;

/// How often topics are looked at when nothing is heard of. Up to a quarter more, so that clusters spread.
const DRIFT: Duration = Duration::from_secs(60);
/// How soon they are looked at again when something passes by itself.
const SOON: Duration = Duration::from_secs(5);

/// What passes remember of each other. All of it may be lost: it only makes things wait longer.
#[derive(Default)]
pub struct Memory {
    /// Since when resources of the record are known to be gone, by uid.
    gone_since: Mutex<BTreeMap<String, Instant>>,
    /// When statuses were written.
    pub(super) statuses: StatusWriter,
}

impl Memory {
    /// For how long the resource has been gone, by now; `None` if it wasn't when it was looked up last.
    pub(super) fn gone_for(&self, uid: &str, lookup: Lookup, now: Instant) -> Option<Duration> {
        let mut gone_since = self.gone_since.lock();
        if lookup == Lookup::Present {
            gone_since.remove(uid);
        }
        if lookup != Lookup::Absent {
            return None;
        }
        let before = gone_since.get(uid).map(|since| now.duration_since(*since));
        gone_since.entry(uid.to_owned()).or_insert(now);
        before
    }

    /// Forgets what was told of a resource that is gone, but not that it is.
    pub(super) fn forget_told(&self, context: &Context, uid: &str) {
        self.statuses.forget(uid);
        context.recorder.forget(uid);
    }

    /// Forgets a resource that is gone, when its topic is settled.
    pub(super) fn forget(&self, context: &Context, uid: &str) {
        self.gone_since.lock().remove(uid);
        self.forget_told(context, uid);
    }
}

/// Looks after the topics of the cluster `key`, whose brokers `brokers` finds.
///
/// # Errors
/// The API server or the brokers can't be reached, or don't do what they are asked. What can be said is said.
pub async fn run(
    context: &Context,
    memory: &Memory,
    key: &ObjectKey,
    brokers: impl Fn(&KafkaCluster) -> Vec<String>,
) -> Outcome {
    let topics = context.stores.topics.select(|topic| cluster_of(topic) == *key);
    let cluster = context.stores.clusters.get(key);
    let cluster = match cluster
        .as_deref()
        .ok_or_else(|| absent(context, key))
        .and_then(|found| active(found, key))
    {
        Ok(cluster) => cluster,
        Err(problem) => {
            let verdicts = topics.iter().map(|topic| {
                (ObjectKey::of(&topic.metadata), Verdict::only(None, problem.clone()))
            });
            return Ok(report(context, memory, &topics, &verdicts.collect()).await?);
        }
    };
    let labels = namespace_labels(context, &topics);
    let claims = settle(cluster, &topics, |namespace| labels.get(namespace));
    let mut store = RecordStore::read(context, cluster);
    if store.record.unreadable() > 0 {
        let entries = store.record.unreadable();
        tracing::warn!(cluster = %key, entries, "the record of topics can't be read in full");
    }
    let known = known_uids(context);
    store.record.remove_unwanted(&claims.bound, &known);
    store.save().await?;
    let departed = departed::judge(context, memory, cluster, &claims, &mut store, &known).await?;
    if claims.owners.is_empty() && store.record.is_empty() {
        return Ok(report(context, memory, &topics, &claims.refused).await?);
    }

    let addresses = brokers(cluster);
    let again = departed.again;
    let (plan, served) = if addresses.is_empty() {
        let what = format!("no broker of cluster {key} is ready: see KafkaCluster {key}");
        (unobserved(&claims.owners, &what), Ok(()))
    } else {
        let mut admin = AdminClient::new(addresses);
        let deleted = departed::delete(context, memory, &mut store, &mut admin, departed).await;
        let (plan, served) = serve(&claims.owners, &mut store, &mut admin).await;
        (plan, deleted.and(served))
    };
    let mut verdicts = claims.refused;
    let is_waiting = plan.verdicts.values().any(|verdict| verdict.standing() == Standing::Waiting);
    for (name, verdict) in plan.verdicts {
        if let Some(claim) = claims.owners.get(&name) {
            verdicts.insert(claim.object.clone(), verdict);
        }
    }
    let told = report(context, memory, &topics, &verdicts).await;
    let drift = DRIFT.mul_f64(1.0 + rand::rng().random::<f64>() / 4.0);
    let soon = is_waiting.then_some(SOON);
    served?;
    Ok([again, told?, soon, Some(drift)].into_iter().flatten().min())
}

/// Makes the topics as their owners want them. The plan tells what there is to say even if it couldn't be carried out.
async fn serve(
    owners: &BTreeMap<TopicName, Claim>,
    store: &mut RecordStore<'_>,
    admin: &mut AdminClient,
) -> (Plan, anyhow::Result<()>) {
    let observed = match observe(admin, owners).await {
        Ok(observed) => observed,
        Err(error) => {
            let what = format!("the brokers can't be asked: {}", chain(&error));
            return (unobserved(owners, &what), Err(error.into()));
        }
    };
    let mut unrecorded = store.record.enter(owners, &ids(&observed));
    if let Err(error) = store.save().await {
        // Topics that stay need no record, and don't wait for it.
        let what = format!("the record of topics to be deleted can't be written: {error}");
        let bound = owners.iter().filter(|(_, claim)| claim.desired.is_deleted_with_resource());
        for (name, _) in bound {
            let problem = || Problem::waiting(reason::CLUSTER_NOT_READY, &what);
            unrecorded.entry(name.clone()).or_insert_with(problem);
        }
        let mut plan = plan(owners, &observed, &unrecorded);
        let _ = apply(admin, &mut plan).await;
        return (plan, Err(error.into()));
    }
    let mut plan = plan(owners, &observed, &unrecorded);
    let applied = apply(admin, &mut plan).await;
    let made = plan.verdicts.iter().filter(|(name, _)| plan.creates.contains_key(*name));
    let made = made.filter_map(|(name, verdict)| Some((name.clone(), Some(verdict.seen?.id))));
    // There is room: each has its entry already.
    let _ = store.record.enter(owners, &made.collect());
    let saved = store.save().await;
    (plan, applied.map_err(Into::into).and(saved.map_err(Into::into)))
}

async fn observe(
    admin: &mut AdminClient,
    owners: &BTreeMap<TopicName, Claim>,
) -> Result<Observed, AdminError> {
    let topics = admin.describe_topics(&owners.keys().cloned().collect()).await?;
    let there = topics.iter().filter(|(_, topic)| topic.is_ok());
    let configs = admin.describe_configs(&there.map(|(name, _)| name.clone()).collect()).await?;
    Ok(Observed { topics, configs })
}

/// Carries out `plan`, and puts into it what came of that. A broker that doesn't know a request is a matter of its
/// version: it concerns those topics alone, and trying again doesn't help.
async fn apply(admin: &mut AdminClient, plan: &mut Plan) -> Result<(), AdminError> {
    let mut failure = None;
    if !plan.creates.is_empty() {
        match admin.create_topics(&plan.creates).await {
            Ok(results) => plan.created(results),
            Err(error) => {
                failed(plan, plan.creates.keys().cloned().collect(), &error);
                failure = failure.or(grave(error));
            }
        }
    }
    if !plan.partitions.is_empty() {
        match admin.create_partitions(&plan.partitions).await {
            Ok(results) => plan.grown(results),
            Err(error) => {
                failed(plan, plan.partitions.keys().cloned().collect(), &error);
                failure = failure.or(grave(error));
            }
        }
    }
    if !plan.configs.is_empty() {
        match admin.alter_configs(&plan.configs).await {
            Ok(results) => plan.altered(results),
            Err(error) => {
                failed(plan, plan.configs.keys().cloned().collect(), &error);
                failure = failure.or(grave(error));
            }
        }
    }
    failure.map_or(Ok(()), Err)
}

fn grave(error: AdminError) -> Option<AdminError> {
    (!matches!(error, AdminError::NotServed { .. })).then_some(error)
}

fn failed(plan: &mut Plan, names: Vec<TopicName>, error: &AdminError) {
    let problem = match error {
        AdminError::NotServed { .. } => Problem::stalled(reason::NOT_SUPPORTED, chain(error)),
        error => Problem::waiting(reason::CLUSTER_NOT_READY, chain(error)),
    };
    for name in names {
        plan.verdicts.entry(name).or_default().problems.push(problem.clone());
    }
}

/// What there is to say when nothing was observed.
fn unobserved(owners: &BTreeMap<TopicName, Claim>, what: &str) -> Plan {
    let verdicts = owners.keys().map(|name| {
        let problem = Problem::waiting(reason::CLUSTER_NOT_READY, what);
        (name.clone(), Verdict::only(Some(name.clone()), problem))
    });
    Plan { verdicts: verdicts.collect(), ..Plan::default() }
}

/// The ids of the topics that were looked for with success, present or not.
fn ids(observed: &Observed) -> BTreeMap<TopicName, Option<Uuid>> {
    let ids = observed.topics.iter().filter_map(|(name, topic)| match topic {
        Ok(topic) => Some((name.clone(), Some(topic.id))),
        Err(refusal) if is_unknown_topic(refusal) => Some((name.clone(), None)),
        Err(_) => None,
    });
    ids.collect()
}

fn absent(context: &Context, key: &ObjectKey) -> Problem {
    match context.stores.clusters.invalid(key) {
        Some(invalid) => {
            let message = format!("KafkaCluster {key} can't be understood: {}", invalid.error);
            Problem::waiting(reason::CLUSTER_NOT_READY, message)
        }
        None => {
            let message =
                format!("there is no KafkaCluster {key}: make it, or mend spec.clusterRef");
            Problem::waiting(reason::CLUSTER_NOT_FOUND, message)
        }
    }
}

fn active<'a>(cluster: &'a KafkaCluster, key: &ObjectKey) -> Result<&'a KafkaCluster, Problem> {
    if cluster.metadata.deletion_timestamp.is_some() {
        let message = format!("KafkaCluster {key} is being deleted");
        return Err(Problem::waiting(reason::CLUSTER_NOT_FOUND, message));
    }
    let pause = cluster.metadata.annotations.as_ref().and_then(|all| all.get(PAUSE_ANNOTATION));
    if cluster.spec.paused || pause.is_some_and(|value| value == "true") {
        let message = format!(
            "KafkaCluster {key} is paused: its topics are left alone until spec.paused and the annotation \
             {PAUSE_ANNOTATION} are off"
        );
        return Err(Problem::waiting(reason::PAUSED, message));
    }
    Ok(cluster)
}

fn namespace_labels(
    context: &Context,
    topics: &[Arc<Topic>],
) -> BTreeMap<String, BTreeMap<String, String>> {
    let names: BTreeSet<&str> =
        topics.iter().filter_map(|topic| topic.metadata.namespace.as_deref()).collect();
    let labels = names.into_iter().filter_map(|name| {
        let namespace = context.stores.namespaces.get(&ObjectKey::new("", name))?;
        Some((name.to_owned(), namespace.metadata.labels.clone().unwrap_or_default()))
    });
    labels.collect()
}

fn known_uids(context: &Context) -> BTreeSet<String> {
    let topics = context.stores.topics.select(|_| true);
    topics.iter().filter_map(|topic| topic.metadata.uid.clone()).collect()
}

/// An error with its causes.
fn chain(error: &AdminError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
