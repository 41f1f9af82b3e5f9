//! What is to be reconciled, and when.
//!
//! [`Schedule`] decides, without a clock; [`Queue`] runs reconciles by it.
//!
//! Invariants: a key is in at most once; it is never reconciled twice at the same time; what comes in
//! for it meanwhile is done afterwards. A key that fails waits longer each time, and news of it shorten
//! that to [`AFTER_FAILURE_MIN`], never to nothing. A reconcile that panics has failed, no more.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::RngExt as _;
use tokio::sync::Notify;
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::stores::ObjectKey;

/// The least time between a failure and the next attempt.
pub const AFTER_FAILURE_MIN: Duration = Duration::from_secs(1);
/// The most, jitter left aside.
pub const AFTER_FAILURE_MAX: Duration = Duration::from_secs(60);
/// How long reconciles that run when the process ends may take to end by themselves.
const DRAIN_MAX: Duration = Duration::from_secs(8);

/// How a reconcile ended: when to come back, if at all unasked.
pub type Outcome = anyhow::Result<Option<Duration>>;

/// Which keys wait, until when, and which are being worked on. Times count from one fixed moment.
#[derive(Debug, Default)]
pub struct Schedule {
    entries: BTreeMap<ObjectKey, Entry>,
    waiting: BTreeSet<(Duration, ObjectKey)>,
}

#[derive(Debug, Default)]
struct Entry {
    due: Option<Duration>,
    is_running: bool,
    failures: u32,
    /// After a failure: no attempt before this.
    not_before: Duration,
}

impl Schedule {
    /// Asks for `key` at `at`, or earlier if it is asked for earlier already.
    pub fn add(&mut self, key: ObjectKey, at: Duration) {
        let entry = self.entries.entry(key.clone()).or_default();
        let due = entry.due.map_or(at, |due| due.min(at)).max(entry.not_before);
        if !entry.is_running {
            if let Some(old) = entry.due {
                self.waiting.remove(&(old, key.clone()));
            }
            self.waiting.insert((due, key));
        }
        entry.due = Some(due);
    }

    /// Takes the key that is due longest, if one is.
    pub fn start(&mut self, now: Duration) -> Option<ObjectKey> {
        if self.next_due()? > now {
            return None;
        }
        let (_, key) = self.waiting.pop_first()?;
        let entry = self.entries.get_mut(&key)?;
        entry.due = None;
        entry.is_running = true;
        Some(key)
    }

    /// When the next key is due that isn't being worked on.
    pub fn next_due(&self) -> Option<Duration> {
        self.waiting.first().map(|(due, _)| *due)
    }

    /// Takes in that `key` was reconciled, and is to be again at `again`.
    pub fn succeeded(&mut self, key: &ObjectKey, again: Option<Duration>) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        *entry = Entry { due: entry.due, ..Entry::default() };
        let due = entry.due.into_iter().chain(again).min();
        self.settle(key, due);
    }

    /// Takes in that `key` failed. `jitter`, from 0 to 1, spreads keys that fail together.
    pub fn failed(&mut self, key: &ObjectKey, now: Duration, jitter: f64) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.is_running = false;
        entry.not_before = now + AFTER_FAILURE_MIN;
        let wait =
            AFTER_FAILURE_MIN.saturating_mul(1 << entry.failures.min(10)).min(AFTER_FAILURE_MAX);
        entry.failures = entry.failures.saturating_add(1);
        let retry = now + wait.mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 2.0);
        let due = entry.due.map_or(retry, |due| due.max(entry.not_before).min(retry));
        self.settle(key, Some(due));
    }

    /// How many keys wait or are being worked on.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is nothing to do, now or later.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn settle(&mut self, key: &ObjectKey, due: Option<Duration>) {
        match (due, self.entries.get_mut(key)) {
            (Some(due), Some(entry)) => {
                entry.due = Some(due);
                self.waiting.insert((due, key.clone()));
            }
            _ => {
                self.entries.remove(key);
            }
        }
    }
}

/// A queue of keys, and the loop that works on them. Clones are handles to the same queue.
#[derive(Clone)]
pub struct Queue {
    shared: Arc<Shared>,
}

struct Shared {
    schedule: Mutex<Schedule>,
    changed: Notify,
    start: Instant,
}

impl Default for Queue {
    fn default() -> Self {
        Self::new()
    }
}

impl Queue {
    /// An empty queue.
    pub fn new() -> Self {
        let shared =
            Shared { schedule: Mutex::default(), changed: Notify::new(), start: Instant::now() };
        Self { shared: Arc::new(shared) }
    }

    /// Asks for `key` as soon as may be.
    pub fn add(&self, key: ObjectKey) {
        self.add_after(key, Duration::ZERO);
    }

    /// Asks for `key` when `wait` has passed.
    pub fn add_after(&self, key: ObjectKey, wait: Duration) {
        let at = self.now() + wait;
        self.shared.schedule.lock().add(key, at);
        self.shared.changed.notify_one();
    }

    /// How many keys wait or are being worked on.
    pub fn depth(&self) -> usize {
        self.shared.schedule.lock().len()
    }

    /// Reconciles keys as they become due, at most `parallel` at a time, until `shutdown`; those that run
    /// then may end. `kind` names them in the log and in metrics.
    pub async fn run<F, R>(
        &self,
        kind: &'static str,
        parallel: usize,
        metrics: &Metrics,
        shutdown: &CancellationToken,
        reconcile: F,
    ) where
        F: Fn(ObjectKey) -> R,
        R: Future<Output = Outcome> + Send + 'static,
    {
        let mut running =
            Running { kind, tasks: JoinSet::new(), keys: BTreeMap::new(), told: BTreeMap::new() };
        loop {
            while running.tasks.len() < parallel && !shutdown.is_cancelled() {
                let Some(key) = self.shared.schedule.lock().start(self.now()) else { break };
                running.start(key.clone(), reconcile(key));
            }
            metrics.queue_depth(kind, self.depth());
            let next_due = self.shared.schedule.lock().next_due();
            let may_start = running.tasks.len() < parallel;
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(ended) = running.tasks.join_next_with_id() => self.end(running.end(ended), metrics),
                () = sleep_until(next_due.map(|due| self.shared.start + due)), if may_start => {}
                () = self.shared.changed.notified() => {}
            }
        }
        let drain = async {
            while let Some(ended) = running.tasks.join_next_with_id().await {
                self.end(running.end(ended), metrics);
            }
        };
        if tokio::time::timeout(DRAIN_MAX, drain).await.is_err() {
            tracing::warn!(kind, "reconciles that would not end were given up");
        }
    }

    fn now(&self) -> Duration {
        self.shared.start.elapsed()
    }

    fn end(&self, ended: Option<Ended>, metrics: &Metrics) {
        let Some(Ended { kind, key, took, outcome }) = ended else { return };
        metrics.reconciled(kind, outcome.is_ok(), took);
        let now = self.now();
        let mut schedule = self.shared.schedule.lock();
        match outcome {
            Ok(again) => schedule.succeeded(&key, again.map(|wait| now + wait)),
            Err(_) => schedule.failed(&key, now, rand::rng().random()),
        }
    }
}

/// Waits until `at`; for ever without one.
async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// The reconciles that are under way.
struct Running {
    kind: &'static str,
    tasks: JoinSet<Outcome>,
    keys: BTreeMap<Id, (ObjectKey, Instant)>,
    /// The last error told of each key, so that a retry which fails alike isn't told again.
    told: BTreeMap<ObjectKey, String>,
}

struct Ended {
    kind: &'static str,
    key: ObjectKey,
    took: Duration,
    outcome: Outcome,
}

impl Running {
    fn start(&mut self, key: ObjectKey, reconcile: impl Future<Output = Outcome> + Send + 'static) {
        let task = self.tasks.spawn(reconcile);
        self.keys.insert(task.id(), (key, Instant::now()));
    }

    fn end(&mut self, ended: Result<(Id, Outcome), tokio::task::JoinError>) -> Option<Ended> {
        let (id, outcome) = match ended {
            Ok(ended) => ended,
            Err(error) => (error.id(), Err(anyhow::anyhow!("the reconcile panicked: {error}"))),
        };
        let (key, began) = self.keys.remove(&id)?;
        match &outcome {
            Ok(_) => {
                if self.told.remove(&key).is_some() {
                    tracing::info!(kind = self.kind, object = %key, "reconciled again after errors");
                }
            }
            Err(error) => {
                let text = format!("{error:#}");
                if self.told.get(&key) == Some(&text) {
                    tracing::debug!(kind = self.kind, object = %key, error = text, "reconcile failed again");
                } else {
                    tracing::warn!(kind = self.kind, object = %key, error = text, "reconcile failed; it is tried again");
                    self.told.insert(key.clone(), text);
                }
            }
        }
        Some(Ended { kind: self.kind, key, took: began.elapsed(), outcome })
    }
}

#[cfg(test)]
mod tests;
