//! Which `Topic` owns which name of a cluster.
//!
//! Of several resources with one name the oldest owns it, however it is managed. A resource whose spec makes no sense
//! otherwise keeps its name: a mistake in an edit doesn't hand the topic to another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use taffrail_crds::{KafkaCluster, Topic};
use taffrail_model::{TopicName, Uuid};

use super::admission;
use super::desired::{self, Desired};
use super::verdict::{Problem, Verdict, reason};
use crate::stores::ObjectKey;

/// A resource that owns a name and makes sense.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The resource's uid.
    pub uid: String,
    /// The resource's name.
    pub object: ObjectKey,
    /// When the resource was made.
    pub created: Timestamp,
    /// What it asks for.
    pub desired: Desired,
    /// The topic's id, as the resource's status has it.
    pub known_id: Option<Uuid>,
}

/// The names of a cluster and their owners.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    /// The resources that may act, by the topic's name.
    pub owners: BTreeMap<TopicName, Claim>,
    /// What there is to say of the other resources.
    pub refused: BTreeMap<ObjectKey, Verdict>,
    /// The uids of resources that their topics go with, and those topics; also of resources that may not act just now
    /// and did before: one that waits for a finalizer, or has a mistake in it, still asks for what it asked for.
    pub bound: BTreeSet<(String, TopicName)>,
    /// Every name that any resource asks for, rightly or not.
    pub wanted: BTreeSet<TopicName>,
}

/// The cluster that `topic` names.
#[must_use]
pub fn cluster_of(topic: &Topic) -> ObjectKey {
    ObjectKey::of_cluster(&topic.spec.cluster_ref, &topic.metadata)
}

/// Settles who owns what among all `topics` that name `cluster`. `labels` gives those of a namespace, if they can
/// be read.
#[must_use]
pub fn settle<'a>(
    cluster: &KafkaCluster,
    topics: &[Arc<Topic>],
    labels: impl Fn(&str) -> Option<&'a BTreeMap<String, String>>,
) -> Claims {
    let mut by_age: Vec<(Timestamp, ObjectKey, &Topic)> = topics
        .iter()
        .map(|topic| (created(topic), ObjectKey::of(&topic.metadata), topic.as_ref()))
        .collect();
    by_age.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));

    let mut claims = Claims::default();
    let mut owners: BTreeMap<TopicName, ObjectKey> = BTreeMap::new();
    for (created, object, topic) in by_age {
        let name = match desired::name_of(topic) {
            Ok(name) => name,
            Err(message) => {
                let verdict = Verdict::only(None, Problem::stalled(reason::INVALID, message));
                claims.refused.insert(object, verdict);
                continue;
            }
        };
        claims.wanted.insert(name.clone());
        let uid = topic.metadata.uid.clone().unwrap_or_default();
        let bound = desired::is_deleted_with_resource(topic).then(|| (uid.clone(), name.clone()));
        // Nothing is done any more for a resource that only waits for somebody's finalizer.
        if topic.metadata.deletion_timestamp.is_some() {
            claims.bound.extend(bound);
            continue;
        }
        match judge(cluster, topic, &object, &name, owners.get(&name), &labels) {
            Ok(desired) => {
                claims.bound.extend(bound);
                let claim = Claim {
                    uid,
                    object: object.clone(),
                    created,
                    desired,
                    known_id: known_id(topic),
                };
                owners.insert(name.clone(), object);
                claims.owners.insert(name, claim);
            }
            Err(problem) => {
                if problem.reason == reason::INVALID {
                    claims.bound.extend(bound);
                    owners.insert(name.clone(), object.clone());
                }
                claims.refused.insert(object, Verdict::only(Some(name), problem));
            }
        }
    }
    claims
}

fn judge<'a>(
    cluster: &KafkaCluster,
    topic: &Topic,
    object: &ObjectKey,
    name: &TopicName,
    owner: Option<&ObjectKey>,
    labels: &impl Fn(&str) -> Option<&'a BTreeMap<String, String>>,
) -> Result<Desired, Problem> {
    if let Some(message) =
        admission::refusal(cluster, &object.namespace, labels(&object.namespace), name)
    {
        return Err(Problem::stalled(reason::NOT_ADMITTED, message));
    }
    if let Some(owner) = owner {
        let message = format!(
            "topic \"{name}\" belongs to Topic {owner}, which is older: delete one of the two, or give this one \
             another spec.topicName"
        );
        return Err(Problem::stalled(reason::TOPIC_CONFLICT, message));
    }
    Desired::read(topic, name).map_err(|message| Problem::stalled(reason::INVALID, message))
}

fn created(topic: &Topic) -> Timestamp {
    topic.metadata.creation_timestamp.as_ref().map_or(Timestamp::MAX, |time| time.0)
}

fn known_id(topic: &Topic) -> Option<Uuid> {
    topic.status.as_ref()?.topic_id.as_ref()?.parse().ok()
}

#[cfg(test)]
mod tests;
