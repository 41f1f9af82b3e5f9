//! The record of topics that go with their resources: what the ConfigMap `<cluster>-topics` holds. Pure.
//!
//! An entry is written before its topic is made or taken over, and is removed before anything else once the resource
//! says otherwise. So whatever breaks off, an entry stands for a topic whose resource asked for its deletion when it
//! was last seen. An entry without an id stands for a topic that was about to be made: nothing is ever deleted by it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use taffrail_model::{TopicName, Uuid};

use super::claims::Claim;
use super::verdict::{Problem, reason};
use crate::stores::ObjectKey;

/// More than this many entries might not fit the megabyte that a ConfigMap holds.
pub const ENTRIES_MAX: usize = 1000;

/// One topic and its resource.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The topic's name.
    pub topic: TopicName,
    /// The topic's id; `None` while it is about to be made.
    pub id: Option<Uuid>,
    /// The resource.
    pub object: ObjectKey,
}

/// The entries, by the uid of the resource.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Record {
    /// Those that can be read.
    pub entries: BTreeMap<String, Entry>,
    /// Those that can't. They are kept as they are, and nothing is done by them.
    unreadable: BTreeMap<String, String>,
}

/// An entry as it is written.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    topic: String,
    #[serde(default, rename = "topicID", skip_serializing_if = "Option::is_none")]
    topic_id: Option<String>,
    namespace: String,
    name: String,
}

impl Record {
    /// Reads the data of the ConfigMap.
    #[must_use]
    pub fn read(data: &BTreeMap<String, String>) -> Self {
        let mut record = Self::default();
        for (uid, text) in data {
            match read_entry(text) {
                Some(entry) => drop(record.entries.insert(uid.clone(), entry)),
                None => drop(record.unreadable.insert(uid.clone(), text.clone())),
            }
        }
        record
    }

    /// The data of the ConfigMap.
    #[must_use]
    pub fn to_data(&self) -> BTreeMap<String, String> {
        let mut data = self.unreadable.clone();
        data.extend(self.entries.iter().map(|(uid, entry)| (uid.clone(), write_entry(entry))));
        data
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.unreadable.is_empty()
    }

    /// How many entries can't be read.
    #[must_use]
    pub fn unreadable(&self) -> usize {
        self.unreadable.len()
    }

    /// Removes the entries of resources that are there and not `bound` to that topic: they don't ask for deletion, or
    /// not of that topic, or not in this cluster. Needs no broker.
    pub fn remove_unwanted(
        &mut self,
        bound: &BTreeSet<(String, TopicName)>,
        existing: &BTreeSet<String>,
    ) {
        self.entries.retain(|uid, entry| {
            !existing.contains(uid) || bound.contains(&(uid.clone(), entry.topic.clone()))
        });
    }

    /// Enters the topics that go with their resources. `ids` has the topics that were looked for: with their ids, or
    /// with none if they aren't there. Those that find no place are returned, and may not be touched.
    #[must_use]
    pub fn enter(
        &mut self,
        owners: &BTreeMap<TopicName, Claim>,
        ids: &BTreeMap<TopicName, Option<Uuid>>,
    ) -> BTreeMap<TopicName, Problem> {
        let mut refused = BTreeMap::new();
        for (name, claim) in owners {
            let Some(id) = ids.get(name) else { continue };
            if !claim.desired.is_deleted_with_resource() {
                continue;
            }
            let is_full = self.entries.len() + self.unreadable.len() >= ENTRIES_MAX;
            if is_full && !self.entries.contains_key(&claim.uid) {
                refused.insert(name.clone(), full());
                continue;
            }
            let entry = Entry { topic: name.clone(), id: *id, object: claim.object.clone() };
            self.entries.insert(claim.uid.clone(), entry);
        }
        refused
    }
}

fn full() -> Problem {
    let message = format!(
        "the cluster has {ENTRIES_MAX} Topics with deletionPolicy Delete, and no more can be kept track of: set \
         spec.deletionPolicy to Retain"
    );
    Problem::stalled(reason::NOT_SUPPORTED, message)
}

fn read_entry(text: &str) -> Option<Entry> {
    let written: Written = serde_json::from_str(text).ok()?;
    let id = match written.topic_id {
        None => None,
        Some(id) => Some(id.parse::<Uuid>().ok().filter(|id| !id.is_reserved())?),
    };
    let topic = TopicName::new(&written.topic).ok().filter(|topic| !topic.is_internal())?;
    Some(Entry { topic, id, object: ObjectKey::new(written.namespace, written.name) })
}

fn write_entry(entry: &Entry) -> String {
    let written = Written {
        topic: entry.topic.to_string(),
        topic_id: entry.id.map(|id| id.to_string()),
        namespace: entry.object.namespace.clone(),
        name: entry.object.name.clone(),
    };
    // A struct of strings always has a form in JSON; an empty one would be kept as unreadable.
    serde_json::to_string(&written).unwrap_or_default()
}

#[cfg(test)]
mod tests;
