//! Finding out what became of resources that are in the record and no longer among those that are known.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, ObjectReference};
use kube::{Api, Resource as _};
use taffrail_crds::{GROUP, KafkaCluster, Topic, VERSION};
use taffrail_model::{TopicName, Uuid};
use tokio::time::Instant;

use super::claims::{Claims, cluster_of};
use super::desired::name_of;
use super::pass::Memory;
use super::record::Entry;
use super::record_store::RecordStore;
use super::refusal::is_unknown_topic;
use super::vanished::{Circumstances, Fate, GONE_MIN, Kind, Lookup, fate};
use super::verdict::Happening;
use crate::admin_client::AdminClient;
use crate::context::{ApiError, Cause, Context, REQUEST_TIMEOUT, answered_within};
use crate::stores::ObjectKey;

/// What came of looking for the resources that aren't known any more.
#[derive(Debug, Default)]
pub(super) struct Departed {
    /// The topics to be deleted, with the uids of their resources.
    doomed: BTreeMap<Uuid, (String, Entry)>,
    /// When to look again.
    pub(super) again: Option<Duration>,
}

/// Looks for the resources of the record that aren't among the `known` ones, by uid. Entries of topics that stay for
/// good go. Asks no broker: a definition that went away while the brokers were away is remembered like any.
pub(super) async fn judge(
    context: &Context,
    memory: &Memory,
    cluster: &KafkaCluster,
    claims: &Claims,
    store: &mut RecordStore<'_>,
    known: &BTreeSet<String>,
) -> Result<Departed, ApiError> {
    let unseen = store.record.entries.iter().filter(|(uid, _)| !known.contains(*uid));
    let unseen: Vec<(String, Entry)> =
        unseen.map(|(uid, entry)| (uid.clone(), entry.clone())).collect();
    let mut departed = Departed::default();
    if unseen.is_empty() {
        return Ok(departed);
    }
    // Asked before and after: resources may take long to look for, and a definition goes and comes meanwhile.
    let kind_before = kind(context).await;
    let mut looked_up = Vec::with_capacity(unseen.len());
    for (uid, entry) in unseen {
        let lookup = look_up(context, &uid, &entry).await;
        looked_up.push((uid, entry, lookup));
    }
    let kind = kind(context).await.max(kind_before);
    let cluster_stays = stays(context, cluster).await;
    let is_clear = kind == Kind::Served && cluster_stays;
    for (uid, entry, lookup) in looked_up {
        let counted = if is_clear { lookup } else { Lookup::Unclear };
        let circumstances = Circumstances {
            kind,
            cluster_stays,
            is_wanted: claims.wanted.contains(&entry.topic),
            gone_for: memory.gone_for(&uid, counted, Instant::now()),
        };
        match fate(&entry, lookup, circumstances) {
            // What isn't clear may soon be, and a definition that goes meanwhile has to be seen to go.
            Fate::Keep if lookup != Lookup::Present => departed.again = Some(GONE_MIN),
            Fate::Keep => {}
            Fate::Wait => departed.again = Some(GONE_MIN),
            Fate::Forget => {
                tracing::info!(topic = %entry.topic, resource = %entry.object,
                    "the topic stays, though its resource with deletionPolicy Delete is gone");
                store.record.entries.remove(&uid);
                memory.forget(context, &uid);
            }
            Fate::Delete(id) => drop(departed.doomed.insert(id, (uid, entry))),
        }
    }
    store.save().await?;
    if !departed.doomed.is_empty() {
        confirm(context, cluster, store, &mut departed).await;
    }
    Ok(departed)
}

/// Spares the topics whose deletion was concluded from what is known, and not from what is: the entry is asked for
/// once more, and so are the resources around it. A watch may be late, and there is no second chance.
async fn confirm(
    context: &Context,
    cluster: &KafkaCluster,
    store: &RecordStore<'_>,
    departed: &mut Departed,
) {
    let key = ObjectKey::of(&cluster.metadata);
    let objects = departed.doomed.values().map(|(_, entry)| &entry.object);
    let mut namespaces: BTreeSet<String> = objects.map(|object| object.namespace.clone()).collect();
    namespaces.insert(key.namespace.clone());
    let asked = async {
        let written = store.read_again().await?;
        let mut topics = Vec::new();
        for namespace in &namespaces {
            topics.extend(context.list::<Topic>(namespace).await?);
        }
        Ok::<_, ApiError>((written, topics))
    };
    let before = departed.doomed.len();
    match asked.await {
        Ok((written, topics)) => {
            let uids: BTreeSet<_> =
                topics.iter().filter_map(|topic| topic.metadata.uid.clone()).collect();
            let here = topics.iter().filter(|topic| cluster_of(topic) == key);
            let wanted: BTreeSet<TopicName> =
                here.filter_map(|topic| name_of(topic).ok()).collect();
            departed.doomed.retain(|_, (uid, entry)| {
                written.entries.get(uid) == Some(&*entry)
                    && !uids.contains(uid)
                    && !wanted.contains(&entry.topic)
            });
        }
        Err(error) => {
            tracing::debug!(%error, "it isn't known whether topics may be deleted");
            departed.doomed.clear();
        }
    }
    if departed.doomed.len() < before {
        departed.again = Some(GONE_MIN);
    }
}

/// Deletes the topics that are to be, then their entries.
pub(super) async fn delete(
    context: &Context,
    memory: &Memory,
    store: &mut RecordStore<'_>,
    admin: &mut AdminClient,
    departed: Departed,
) -> anyhow::Result<()> {
    if departed.doomed.is_empty() {
        return Ok(());
    }
    let outcomes = admin.delete_topics(&departed.doomed.keys().copied().collect()).await?;
    for (id, (uid, entry)) in departed.doomed {
        let (name, about) = (&entry.topic, regarding(&uid, &entry));
        let note = match outcomes.get(&id) {
            Some(Ok(())) => format!("deleted topic \"{name}\", id {id}, with its resource"),
            // Deleted before, by this process or another.
            Some(Err(refusal)) if is_unknown_topic(refusal) => {
                format!("topic \"{name}\", id {id}, is gone with its resource")
            }
            Some(Err(refusal)) => {
                let note = format!("topic \"{name}\", id {id}, can't be deleted: {refusal}");
                let refused = Happening::warning("DeleteRefused", note).news();
                context.recorder.tell(&about, &[refused]).await;
                continue;
            }
            None => continue,
        };
        tracing::info!(resource = %entry.object, "{note}");
        context.recorder.tell(&about, &[Happening::done("TopicDeleted", note).news()]).await;
        store.record.entries.remove(&uid);
        memory.forget(context, &uid);
    }
    Ok(store.save().await?)
}

async fn look_up(context: &Context, uid: &str, entry: &Entry) -> Lookup {
    match context.read::<Topic>(&entry.object).await {
        Ok(Some(topic)) if topic.metadata.uid.as_deref() == Some(uid) => Lookup::Present,
        Ok(_) => Lookup::Absent,
        // So it is answered where nobody knows the kind.
        Err(error) if error.is_not_found() => Lookup::Absent,
        Err(error) => {
            tracing::debug!(%error, "it isn't known whether the resource is gone");
            Lookup::Unclear
        }
    }
}

/// While a definition is being deleted, the API server offers the kind without `create`.
async fn kind(context: &Context) -> Kind {
    let version = format!("{GROUP}/{VERSION}");
    let asked = context.client.list_api_group_resources(&version);
    match answered_within(REQUEST_TIMEOUT, asked).await {
        Ok(offered) => {
            let is_served = offered.resources.iter().any(|resource| {
                resource.name == Topic::plural(&())
                    && resource.verbs.iter().any(|verb| verb == "create")
            });
            if is_served { Kind::Served } else { Kind::Going }
        }
        Err(Cause::Refused { code: 404, .. }) => Kind::Going,
        Err(_) => Kind::Unclear,
    }
}

async fn stays(context: &Context, cluster: &KafkaCluster) -> bool {
    let key = ObjectKey::of(&cluster.metadata);
    let Ok(Some(found)) = context.read::<KafkaCluster>(&key).await else { return false };
    if found.metadata.uid != cluster.metadata.uid || found.metadata.deletion_timestamp.is_some() {
        return false;
    }
    let namespaces: Api<Namespace> = Api::all(context.client.clone());
    match answered_within(REQUEST_TIMEOUT, namespaces.get_opt(&key.namespace)).await {
        Ok(Some(namespace)) => namespace.metadata.deletion_timestamp.is_none(),
        // Without rights beyond its namespaces the operator goes by the cluster alone.
        Err(Cause::Refused { code: 403, .. }) => true,
        Ok(None) | Err(_) => false,
    }
}

fn regarding(uid: &str, entry: &Entry) -> ObjectReference {
    ObjectReference {
        api_version: Some(format!("{GROUP}/{VERSION}")),
        kind: Some("Topic".to_owned()),
        namespace: Some(entry.object.namespace.clone()),
        name: Some(entry.object.name.clone()),
        uid: Some(uid.to_owned()),
        ..ObjectReference::default()
    }
}
