//! Which objects aren't as they should be.
//!
//! An object is as it should be when it has every field that the operator sets, with the operator's
//! values; what others add, and what the API server fills in, is theirs. A field that the operator no
//! longer sets can't be seen that way: the hash of all that it set is on the object.

use std::collections::BTreeMap;

use k8s_openapi::serde::Serialize;
use kube::ResourceExt;
use serde_json::Value;

use super::Applied;
use crate::cluster::fingerprint::fingerprint;
use crate::cluster::names;
use crate::cluster::observed::Observed;
use crate::cluster::quantity;

/// An object to apply, and why.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) object: Applied,
    pub(super) cause: Cause,
}

/// Why an object is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// There is none.
    Missing,
    /// The spec asks for another.
    Wanted,
    /// Somebody else changed it.
    Drifted,
}

/// What there is, by kind and name.
pub(super) struct Existing(BTreeMap<(&'static str, String), Value>);

impl Existing {
    pub(super) fn of(observed: &Observed) -> Self {
        let mut existing = Self(BTreeMap::new());
        existing.add("ServiceAccount", &observed.accounts);
        existing.add("ConfigMap", &observed.config_maps);
        existing.add("PersistentVolumeClaim", &observed.claims);
        existing.add("Service", &observed.services);
        existing.add("NetworkPolicy", &observed.policies);
        existing.add("PodDisruptionBudget", &observed.budgets);
        existing.add("StatefulSet", &observed.stateful_sets);
        existing
    }

    fn add<K: ResourceExt + Serialize>(
        &mut self,
        kind: &'static str,
        objects: &[std::sync::Arc<K>],
    ) {
        for object in objects {
            let json = serde_json::to_value(object.as_ref()).unwrap_or_default();
            self.0.insert((kind, object.name_any()), json);
        }
    }

    /// The objects that have to be applied, each with the hash of what it should be.
    pub(super) fn changes(&self, objects: Vec<Applied>) -> Vec<Change> {
        objects.into_iter().filter_map(|object| self.change(object)).collect()
    }

    fn change(&self, mut object: Applied) -> Option<Change> {
        stamp(&mut object);
        let Some(existing) = self.0.get(&(object.kind(), object.name().to_owned())) else {
            return Some(Change { object, cause: Cause::Missing });
        };
        let desired = object.to_json();
        let lists = if object.kind() == "NetworkPolicy" { Lists::Whole } else { Lists::ByKey };
        if covers(&desired, existing, "", lists) {
            return None;
        }
        let hash_of = |object: &Value| {
            object["metadata"]["annotations"][names::APPLIED_HASH_ANNOTATION].clone()
        };
        let is_as_before = hash_of(&desired) == hash_of(existing);
        let cause = if is_as_before { Cause::Drifted } else { Cause::Wanted };
        Some(Change { object, cause })
    }
}

/// Writes the hash of what the spec asks for onto an object, unless it has one: what is made to fit an
/// existing object afterwards isn't the spec's.
pub(super) fn stamp(object: &mut Applied) {
    let hash = fingerprint(&object.to_json().to_string());
    let annotations = object.metadata_mut().annotations.get_or_insert_default();
    annotations.entry(names::APPLIED_HASH_ANNOTATION.to_owned()).or_insert(hash);
}

/// How the API server merges the lists of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lists {
    /// Entries with a key of their own are merged one by one; the rest is one value.
    ByKey,
    /// Every list is one value.
    Whole,
}

/// Whether all of `desired` is in `existing`.
fn covers(desired: &Value, existing: &Value, field: &str, lists: Lists) -> bool {
    match (desired, existing) {
        (Value::Object(desired), Value::Object(existing)) => desired.iter().all(|(key, value)| {
            let found = existing.get(key).unwrap_or(&Value::Null);
            // Amounts stand below these fields under any name.
            let field = if is_amounts(field) { field } else { key };
            covers(value, found, field, lists)
        }),
        (Value::Array(desired), Value::Array(existing)) => match key_of(field) {
            Some(key) if lists == Lists::ByKey => {
                let is_same = |one: &Value, other: &Value| one.get(key) == other.get(key);
                desired.iter().all(|one| {
                    let found = existing.iter().find(|other| is_same(one, other));
                    found.is_some_and(|found| covers(one, found, "", lists))
                })
            }
            _ => {
                desired.len() == existing.len()
                    && desired
                        .iter()
                        .zip(existing)
                        .all(|(one, other)| covers(one, other, field, lists))
            }
        },
        (Value::String(desired), Value::String(existing)) if is_amounts(field) => {
            quantity::is_same(desired, existing)
        }
        (desired, Value::Null) => is_empty(desired),
        (desired, existing) => desired == existing,
    }
}

/// Fields whose texts are quantities: the API server may write them in other words.
fn is_amounts(field: &str) -> bool {
    matches!(field, "requests" | "limits" | "sizeLimit")
}

/// What tells the entries of a list apart where the API server merges them.
fn key_of(field: &str) -> Option<&'static str> {
    match field {
        "containers" | "env" | "imagePullSecrets" | "ports" | "volumes" => Some("name"),
        "volumeMounts" => Some("mountPath"),
        "ownerReferences" => Some("uid"),
        _ => None,
    }
}

/// What the API server may leave away: it says nothing.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        // Kubernetes writes no empty text of a field that isn't a pointer; `false` and 0 may well be pointers.
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "tables read better so")]
    fn check(desired: Value, existing: Value, expected: bool) {
        assert_eq!(
            covers(&desired, &existing, "", Lists::ByKey),
            expected,
            "{desired} in {existing}"
        );
    }

    #[test]
    fn what_others_add_is_theirs() {
        check(json!({"a": 1}), json!({"a": 1, "b": 2}), true);
        check(json!({"a": 1}), json!({"a": 2}), false);
        check(json!({"a": 1}), json!({}), false);
        check(json!({"a": {"b": {}}}), json!({"a": {}}), true);
        check(
            json!({"env": [{"name": "A", "value": "1"}]}),
            json!({"env": [{"name": "B"}, {"name": "A", "value": "1"}]}),
            true,
        );
        check(
            json!({"env": [{"name": "A", "value": "1"}]}),
            json!({"env": [{"name": "A", "value": "2"}]}),
            false,
        );
    }

    #[test]
    fn lists_without_keys_are_one_value() {
        check(json!({"args": ["a", "b"]}), json!({"args": ["a", "b"]}), true);
        check(json!({"args": ["a", "b"]}), json!({"args": ["b", "a"]}), false);
        check(json!({"args": ["a"]}), json!({"args": ["a", "b"]}), false);
        check(json!({"tolerations": []}), json!({}), true);
        check(json!({"tolerations": [{"effect": ""}]}), json!({"tolerations": [{}]}), true);
        check(json!({"priorityClassName": ""}), json!({}), true);
        check(json!({"automountServiceAccountToken": false}), json!({}), false);
    }

    #[test]
    fn amounts_are_compared_as_numbers_and_nothing_else_is() {
        check(json!({"requests": {"cpu": "1000m"}}), json!({"requests": {"cpu": "1"}}), true);
        check(json!({"requests": {"cpu": "1"}}), json!({"requests": {"cpu": "2"}}), false);
        check(json!({"sizeLimit": "16Mi"}), json!({"sizeLimit": "16384Ki"}), true);
        check(json!({"labels": {"a": "1000m"}}), json!({"labels": {"a": "1"}}), false);
    }

    #[test]
    fn every_list_of_a_network_policy_is_one_value() {
        let desired = json!({"ports": [{"port": 1}]});
        let wider = json!({"ports": [{"port": 1}, {"port": 2}]});
        assert!(!covers(&desired, &wider, "", Lists::Whole));
    }
}
