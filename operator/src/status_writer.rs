//! When a status is written: only when it says something new, and not for every number that moves.
//!
//! What people and tools wait for goes out at once. Counts and the words of a message wait until the
//! last write of that status is [`QUIET_MIN`] ago, so that progress doesn't become a stream of writes.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use crate::context::{ApiError, Context};
use crate::stores::Store;

/// The least time between two writes that bring no more than other numbers or words.
pub const QUIET_MIN: Duration = Duration::from_secs(10);
/// Fields, at whatever depth, whose change can wait.
const UNHURRIED: [&str; 5] =
    ["blocker", "message", "partitions", "topics", "underReplicatedPartitions"];

/// What becomes of a status.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It says nothing new.
    Skip,
    /// It goes out.
    Write,
    /// It goes out when this has passed, if it still holds then.
    Wait(Duration),
}

/// What becomes of the status `new` where `old` stands, whose last write was `since_write` ago, if this
/// process wrote it at all.
pub fn verdict(old: &Value, new: &Value, since_write: Option<Duration>) -> Verdict {
    if old == new {
        return Verdict::Skip;
    }
    if hurried(old) != hurried(new) {
        return Verdict::Write;
    }
    match since_write {
        Some(since) if since < QUIET_MIN => Verdict::Wait(QUIET_MIN - since),
        _ => Verdict::Write,
    }
}

/// `status` without what can wait.
fn hurried(status: &Value) -> Value {
    match status {
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| !UNHURRIED.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), hurried(value)))
            .collect(),
        Value::Array(items) => items.iter().map(hurried).collect(),
        other => other.clone(),
    }
}

/// Writes statuses by the rule. Clones share when each was written.
#[derive(Clone, Default)]
pub struct StatusWriter {
    /// By uid; only as long as it matters.
    written: Arc<Mutex<BTreeMap<String, Instant>>>,
}

impl StatusWriter {
    /// Writes `new` as the status of the object that `metadata` speaks of, where `old` stands, if it is
    /// time. Says after how long to come back if it isn't.
    ///
    /// # Errors
    /// If the API server can't be reached or refuses.
    pub async fn write<K, S>(
        &self,
        context: &Context,
        store: &Store<K>,
        metadata: &ObjectMeta,
        old: Option<&S>,
        new: &S,
    ) -> Result<Option<Duration>, ApiError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
        K: Clone + Debug + DeserializeOwned,
        S: Serialize,
    {
        let uid = metadata.uid.clone().unwrap_or_default();
        let since_write = self.written.lock().get(&uid).map(Instant::elapsed);
        match verdict(&json(old), &json(Some(new)), since_write) {
            Verdict::Skip => Ok(None),
            Verdict::Wait(wait) => Ok(Some(wait)),
            Verdict::Write => {
                context.apply_status(store, metadata, new).await?;
                let mut written = self.written.lock();
                written.retain(|_, written| written.elapsed() < QUIET_MIN);
                written.insert(uid, Instant::now());
                Ok(None)
            }
        }
    }

    /// Forgets an object that is gone.
    pub fn forget(&self, uid: &str) {
        self.written.lock().remove(uid);
    }
}

fn json<S: Serialize>(status: Option<&S>) -> Value {
    status.and_then(|status| serde_json::to_value(status).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(old: &Value, new: &Value, seconds_since_write: Option<u64>, expect: Verdict) {
        let since_write = seconds_since_write.map(Duration::from_secs);
        assert_eq!(verdict(old, new, since_write), expect, "{old} -> {new} after {since_write:?}");
    }

    #[test]
    fn the_same_status_is_never_written() {
        let status = json!({"conditions": [], "topics": 3});
        check(&status, &status, None, Verdict::Skip);
        check(&status, &status, Some(1000), Verdict::Skip);
    }

    #[test]
    fn what_people_wait_for_goes_out_at_once() {
        let status = |ready: &str| json!({"conditions": [{"type": "Ready", "status": ready}]});
        check(&Value::Null, &status("False"), None, Verdict::Write);
        check(&status("False"), &status("True"), Some(0), Verdict::Write);
        let node = |state: &str| json!({"nodes": [{"id": 0, "state": state, "blocker": "x"}]});
        check(&node("Starting"), &node("Ready"), Some(0), Verdict::Write);
        check(
            &json!({"observedGeneration": 1}),
            &json!({"observedGeneration": 2}),
            Some(0),
            Verdict::Write,
        );
    }

    #[test]
    fn numbers_and_words_wait() {
        let count = |topics: i64| json!({"topics": topics, "partitions": topics * 3});
        check(&count(1), &count(2), Some(0), Verdict::Wait(QUIET_MIN));
        check(&count(1), &count(2), Some(4), Verdict::Wait(Duration::from_secs(6)));
        check(&count(1), &count(2), Some(10), Verdict::Write);
        check(&count(1), &count(2), None, Verdict::Write);
        let words = |message: &str| json!({"conditions": [{"type": "Ready", "message": message}]});
        check(
            &words("1 of 9 logs"),
            &words("2 of 9 logs"),
            Some(1),
            Verdict::Wait(Duration::from_secs(9)),
        );
    }

    #[test]
    fn a_word_that_comes_with_a_turn_doesn_t_wait() {
        let status = |ready: &str, message: &str| json!({"conditions": [{"status": ready, "message": message}]});
        check(&status("False", "a"), &status("True", "b"), Some(0), Verdict::Write);
    }
}
