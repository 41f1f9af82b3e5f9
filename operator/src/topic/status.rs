//! The status of a `Topic`: what a verdict makes of it. Pure.

use k8s_openapi::jiff::Timestamp;
use taffrail_crds::condition::{Condition, READY, RECONCILING, STALLED};
use taffrail_crds::{Topic, TopicStatus};

use super::verdict::{Standing, Verdict};
use crate::conditions::{Draft, dated};

/// More is cut off: messages hold what brokers say.
const MESSAGE_CHARS_MAX: usize = 2000;

/// The status of `topic` by `verdict`. What wasn't looked at stays as it was.
pub(super) fn status(topic: &Topic, verdict: &Verdict, now: Timestamp) -> TopicStatus {
    let old = topic.status.clone().unwrap_or_default();
    let generation = topic.metadata.generation;
    let mut status = TopicStatus {
        observed_generation: generation,
        conditions: conditions(&old.conditions, generation, verdict, now),
        topic_name: verdict.topic.as_ref().map(ToString::to_string).or(old.topic_name),
        ..TopicStatus::default()
    };
    match verdict.seen {
        Some(seen) => {
            status.topic_id = Some(seen.id.to_string());
            status.partitions = seen.partitions;
            status.replication_factor = seen.replication_factor;
        }
        None if verdict.is_missing => {}
        None => {
            status.topic_id = old.topic_id;
            status.partitions = old.partitions;
            status.replication_factor = old.replication_factor;
        }
    }
    status
}

/// `Reconciling` and `Stalled` are there only while they hold.
fn conditions(
    old: &[Condition],
    generation: Option<i64>,
    verdict: &Verdict,
    now: Timestamp,
) -> Vec<Condition> {
    let draft = |kind: &'static str, holds: bool| Draft {
        kind,
        status: if holds { "True" } else { "False" },
        reason: verdict.reason(),
        message: verdict.message().chars().take(MESSAGE_CHARS_MAX).collect(),
    };
    let drafts = match verdict.standing() {
        Standing::Ready => vec![draft(READY, true)],
        Standing::Waiting => vec![draft(READY, false), draft(RECONCILING, true)],
        Standing::Stalled => vec![draft(READY, false), draft(STALLED, true)],
    };
    dated(drafts, old, generation, now)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::verdict::{Problem, Seen, reason};
    use super::*;
    use taffrail_model::{TopicName, Uuid};

    fn topic(status: Option<TopicStatus>) -> Topic {
        let mut topic: Topic = serde_json::from_value(json!({
            "apiVersion": "taffrail.io/v1beta1", "kind": "Topic",
            "metadata": {"name": "a", "namespace": "shop", "generation": 3},
            "spec": {"clusterRef": {"name": "orders"}},
        }))
        .unwrap();
        topic.status = status;
        topic
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn ready() -> Verdict {
        let seen = Seen {
            id: Uuid::from_bytes([7; 16]),
            partitions: Some(3),
            replication_factor: Some(1),
        };
        Verdict {
            topic: Some(TopicName::new("a").unwrap()),
            seen: Some(seen),
            ..Verdict::default()
        }
    }

    fn broken(problem: Problem) -> Verdict {
        Verdict { seen: None, problems: vec![problem], ..ready() }
    }

    #[test]
    fn conditions_follow_the_gravest_problem_and_keep_their_time() {
        let kinds = |status: &TopicStatus| -> Vec<(String, String, String, i64)> {
            let row = |c: &Condition| {
                let time = c.last_transition_time.0.as_second();
                (c.type_.clone(), c.status.clone(), c.reason.clone(), time)
            };
            status.conditions.iter().map(row).collect()
        };
        let row = |kind: &str, status: &str, reason: &str, time| {
            (kind.to_owned(), status.to_owned(), reason.to_owned(), time)
        };
        let first = status(&topic(None), &ready(), at(1));
        assert_eq!(kinds(&first), [row("Ready", "True", "Ready", 1)]);
        let again = status(&topic(Some(first.clone())), &ready(), at(2));
        assert_eq!(again, first);
        let waiting = broken(Problem::waiting(reason::CLUSTER_NOT_READY, "nobody answers"));
        let second = status(&topic(Some(first.clone())), &waiting, at(3));
        assert_eq!(
            kinds(&second),
            [
                row("Ready", "False", "ClusterNotReady", 3),
                row("Reconciling", "True", "ClusterNotReady", 3)
            ]
        );
        assert_eq!(second.topic_id, first.topic_id, "what wasn't looked at stays");
        let mut both = waiting;
        both.problems.push(Problem::stalled(reason::CONFIG_REFUSED, "no such key"));
        let third = status(&topic(Some(second)), &both, at(4));
        assert_eq!(
            kinds(&third),
            [row("Ready", "False", "ConfigRefused", 3), row("Stalled", "True", "ConfigRefused", 4)]
        );
        assert_eq!(third.conditions[0].message, "nobody answers; no such key");
        let missing = Verdict { is_missing: true, ..both };
        assert_eq!(status(&topic(Some(third)), &missing, at(5)).topic_id, None);
    }
}
