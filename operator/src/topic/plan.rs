//! What is to be done about a cluster's topics. Pure.
//!
//! `plan` after its own plan was applied is empty: nothing that a broker would refuse to change is tried, and what
//! Kafka takes for the same value is the same.

use std::collections::BTreeMap;

use taffrail_crds::topic::ManagementPolicy;
use taffrail_model::{TopicName, Uuid};

use super::claims::Claim;
use super::config_value::are_same;
use super::desired::Desired;
use super::refusal::{self, is_unknown_topic};
use super::verdict::{Happening, Problem, Seen, Verdict, reason};
use crate::admin_client::{
    ConfigChange, ConfigKind, ConfigSource, CreatedTopic, NewTopic, Refusal, TopicConfigs,
    TopicDescription,
};

/// Keys that whoever moves replicas sets for as long as it takes. They are never drift.
const MOVERS_KEYS: [&str; 2] =
    ["leader.replication.throttled.replicas", "follower.replication.throttled.replicas"];

/// What the brokers said about the topics that were asked for.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The topics, or why there is nothing to say of them.
    pub topics: BTreeMap<TopicName, Result<TopicDescription, Refusal>>,
    /// Their configurations; only of those that are there.
    pub configs: BTreeMap<TopicName, Result<TopicConfigs, Refusal>>,
}

/// What is to be done, and what there is to say.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Plan {
    /// Topics to be made.
    pub creates: BTreeMap<TopicName, NewTopic>,
    /// Topics that get more partitions, and how many they have then.
    pub partitions: BTreeMap<TopicName, i32>,
    /// Keys to be changed.
    pub configs: BTreeMap<TopicName, BTreeMap<String, ConfigChange>>,
    /// What there is to say of each topic, once the plan has been carried out.
    pub verdicts: BTreeMap<TopicName, Verdict>,
}

impl Plan {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.creates.is_empty() && self.partitions.is_empty() && self.configs.is_empty()
    }

    /// Takes in what came of making topics.
    pub fn created(&mut self, results: BTreeMap<TopicName, Result<CreatedTopic, Refusal>>) {
        for (name, result) in results {
            let verdict = self.verdicts.entry(name.clone()).or_default();
            match result {
                Ok(created) => {
                    verdict.seen = Some(Seen {
                        id: created.id,
                        partitions: created.partitions,
                        replication_factor: created.replication_factor,
                    });
                    verdict.is_missing = false;
                    let note = format!("made topic \"{name}\", id {}", created.id);
                    verdict.happenings.push(Happening::done("TopicCreated", note));
                }
                Err(refused) => {
                    let what = format!("topic \"{name}\" can't be made");
                    verdict.problems.push(refusal::problem(&what, &refused));
                }
            }
        }
    }

    /// Takes in what came of adding partitions.
    pub fn grown(&mut self, results: BTreeMap<TopicName, Result<(), Refusal>>) {
        for (name, result) in results {
            let total = self.partitions.get(&name).copied();
            let verdict = self.verdicts.entry(name.clone()).or_default();
            match (result, total) {
                (Ok(()), Some(total)) => {
                    if let Some(seen) = &mut verdict.seen {
                        seen.partitions = Some(total);
                    }
                    let note = format!("raised topic \"{name}\" to {total} partitions");
                    verdict.happenings.push(Happening::done("PartitionsAdded", note));
                }
                (Ok(()), None) => {}
                (Err(refused), _) => {
                    let what = format!("topic \"{name}\" can't have more partitions");
                    verdict.problems.push(refusal::problem(&what, &refused));
                }
            }
        }
    }

    /// Takes in what came of changing configurations.
    pub fn altered(&mut self, results: BTreeMap<TopicName, Result<(), Refusal>>) {
        for (name, result) in results {
            let changes = self.configs.get(&name).map(describe).unwrap_or_default();
            let verdict = self.verdicts.entry(name.clone()).or_default();
            match result {
                Ok(()) => {
                    let note = format!("changed the configuration of topic \"{name}\": {changes}");
                    verdict.happenings.push(Happening::done("ConfigChanged", note));
                }
                Err(refused) => {
                    let what =
                        format!("the configuration of topic \"{name}\" is refused ({changes})");
                    verdict.problems.push(refusal::config_problem(&what, &refused));
                }
            }
        }
    }
}

/// Plans for the owners of names. `unrecorded` are those that may not be touched, since what becomes of them with
/// their resource couldn't be written down.
#[must_use]
pub fn plan(
    owners: &BTreeMap<TopicName, Claim>,
    observed: &Observed,
    unrecorded: &BTreeMap<TopicName, Problem>,
) -> Plan {
    let mut plan = Plan::default();
    let mut missing: Vec<&Claim> = Vec::new();
    for (name, claim) in owners {
        let mut verdict = Verdict { topic: Some(name.clone()), ..Verdict::default() };
        if let Some(problem) = unrecorded.get(name) {
            verdict.problems.push(problem.clone());
            plan.verdicts.insert(name.clone(), verdict);
            continue;
        }
        match observed.topics.get(name) {
            None => {
                let message = format!("nothing is known of topic \"{name}\" yet");
                verdict.problems.push(Problem::waiting(reason::CLUSTER_NOT_READY, message));
            }
            Some(Ok(topic)) => {
                there(&mut plan, &mut verdict, claim, topic, observed.configs.get(name))
            }
            Some(Err(refused)) if is_unknown_topic(refused) => {
                verdict.is_missing = true;
                if claim.desired.management == ManagementPolicy::Observe {
                    let message = format!(
                        "there is no topic \"{name}\", and with managementPolicy Observe none is made"
                    );
                    verdict.problems.push(Problem::waiting(reason::TOPIC_NOT_FOUND, message));
                } else {
                    missing.push(claim);
                }
            }
            Some(Err(refused)) => {
                let what = format!("topic \"{name}\" can't be described");
                verdict.problems.push(refusal::problem(&what, refused));
            }
        }
        plan.verdicts.insert(name.clone(), verdict);
    }
    make(&mut plan, missing);
    plan
}

/// Plans the topics that aren't there, the oldest resource first. Kafka refuses names that differ in `.` and `_` alone,
/// but doesn't look for them within one request.
fn make(plan: &mut Plan, mut missing: Vec<&Claim>) {
    missing.sort_by(|a, b| (a.created, &a.object).cmp(&(b.created, &b.object)));
    let mut taken: BTreeMap<String, &TopicName> = BTreeMap::new();
    for claim in missing {
        let desired = &claim.desired;
        if let Some(other) = taken.get(&desired.name.collision_key()) {
            let message = format!(
                "topic \"{}\" collides with \"{other}\": '.' and '_' are the same in the names of metrics",
                desired.name
            );
            let verdict = plan.verdicts.entry(desired.name.clone()).or_default();
            verdict.problems.push(Problem::stalled(reason::INVALID, message));
            continue;
        }
        taken.insert(desired.name.collision_key(), &desired.name);
        let topic = NewTopic {
            partitions: desired.partitions,
            replication_factor: desired.replication_factor,
            config: desired.config.clone(),
        };
        plan.creates.insert(desired.name.clone(), topic);
    }
}

/// Plans for a topic that is there.
fn there(
    plan: &mut Plan,
    verdict: &mut Verdict,
    claim: &Claim,
    topic: &TopicDescription,
    configs: Option<&Result<TopicConfigs, Refusal>>,
) {
    let (name, desired) = (&topic.name, &claim.desired);
    verdict.seen = Some(Seen {
        id: topic.id,
        partitions: Some(topic.partitions),
        replication_factor: Some(topic.replication_factor),
    });
    if let Some(old) = claim.known_id.filter(|old| *old != topic.id) {
        verdict.happenings.push(made_anew(name, old, topic.id));
    }
    if desired.management == ManagementPolicy::Observe {
        return;
    }
    if topic.is_internal {
        let message =
            format!("topic \"{name}\" is the brokers' own: give spec.topicName another name");
        verdict.problems.push(Problem::stalled(reason::INVALID, message));
        return;
    }
    match desired.partitions {
        Some(count) if count > topic.partitions => {
            plan.partitions.insert(name.clone(), count);
        }
        Some(count) if count < topic.partitions => {
            let message = format!(
                "topic \"{name}\" has {0} partitions and can't have fewer: set spec.partitions to {0} instead of \
                 {count}, or make another topic",
                topic.partitions
            );
            verdict.problems.push(Problem::stalled(reason::PARTITIONS_CANNOT_DECREASE, message));
        }
        _ => {}
    }
    if let Some(factor) =
        desired.replication_factor.filter(|factor| i32::from(*factor) != topic.replication_factor)
    {
        let message = format!(
            "topic \"{name}\" has replication factor {0}, not {factor}: changes go through the balancer, which isn't \
             there yet; set spec.replicationFactor to {0}",
            topic.replication_factor
        );
        verdict.problems.push(Problem::stalled(reason::NOT_SUPPORTED, message));
    }
    match configs {
        Some(Ok(configs)) => {
            let changes = changes(desired, configs);
            if !changes.is_empty() {
                plan.configs.insert(name.clone(), changes);
            }
        }
        Some(Err(refused)) => {
            let what = format!("the configuration of topic \"{name}\" can't be read");
            verdict.problems.push(refusal::problem(&what, refused));
        }
        None => {
            let message = format!("the configuration of topic \"{name}\" isn't known yet");
            verdict.problems.push(Problem::waiting(reason::CLUSTER_NOT_READY, message));
        }
    }
}

/// The keys that have to change for a topic to be configured as desired, and in no other way.
fn changes(desired: &Desired, configs: &TopicConfigs) -> BTreeMap<String, ConfigChange> {
    let mut changes = BTreeMap::new();
    for (key, wanted) in &desired.config {
        // A default that happens to be the same may change: only what is set for the topic stays.
        let is_set = configs.values.get(key).filter(|value| value.source == ConfigSource::Topic);
        let kind = configs.kinds.get(key).copied().unwrap_or(ConfigKind::Text);
        let is_same = is_set.is_some_and(|value| {
            value.value.as_ref().is_none_or(|value| are_same(kind, wanted, value))
        });
        if !is_same {
            changes.insert(key.clone(), ConfigChange::Set(wanted.clone()));
        }
    }
    for (key, value) in &configs.values {
        let is_drift = value.source == ConfigSource::Topic
            && !desired.config.contains_key(key)
            && !desired.unmanaged.contains(key)
            && !MOVERS_KEYS.contains(&key.as_str());
        if is_drift {
            changes.insert(key.clone(), ConfigChange::Delete);
        }
    }
    changes
}

fn made_anew(name: &TopicName, old: Uuid, new: Uuid) -> Happening {
    let note = format!(
        "topic \"{name}\" has the id {new} and had {old}: it was deleted and made anew by others; it is taken over, \
         its former records are gone"
    );
    Happening::warning("TopicMadeAnew", note)
}

fn describe(changes: &BTreeMap<String, ConfigChange>) -> String {
    let parts: Vec<String> = changes
        .iter()
        .map(|(key, change)| match change {
            ConfigChange::Set(value) => format!("set {key}={value}"),
            ConfigChange::Delete => format!("deleted {key}"),
        })
        .collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests;
