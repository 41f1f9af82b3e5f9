//! What the operator counts of itself, for Prometheus. Every name begins with `taffrail_operator_`.
//!
//! Labels are kinds, verbs and outcomes; of what users name only clusters appear.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::stores::ObjectKey;

/// The counters. Clones count into the same.
#[derive(Clone)]
pub struct Metrics {
    families: Arc<Families>,
    registry: Arc<Mutex<Registry>>,
}

struct Families {
    reconciles: Family<ReconcileLabels, Counter>,
    reconcile_seconds: Family<KindLabel, Histogram, fn() -> Histogram>,
    queue_depth: Family<KindLabel, Gauge>,
    writes: Family<WriteLabels, Counter>,
    watch_errors: Family<KindLabel, Counter>,
    invalid_objects: Family<KindLabel, Counter>,
    leader: Gauge,
    lease_transitions: Counter,
    cluster_ready: Family<ClusterLabels, Gauge>,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct KindLabel {
    kind: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct ReconcileLabels {
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct WriteLabels {
    kind: String,
    verb: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct ClusterLabels {
    namespace: String,
    cluster: String,
}

/// From a reconcile that finds nothing to do to one that waits for a node that doesn't answer.
fn reconcile_seconds() -> Histogram {
    Histogram::new([0.001, 0.005, 0.025, 0.1, 0.5, 2.0, 10.0, 30.0])
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Everything at zero.
    pub fn new() -> Self {
        let families = Families {
            reconciles: Family::default(),
            reconcile_seconds: Family::new_with_constructor(reconcile_seconds as fn() -> Histogram),
            queue_depth: Family::default(),
            writes: Family::default(),
            watch_errors: Family::default(),
            invalid_objects: Family::default(),
            leader: Gauge::default(),
            lease_transitions: Counter::default(),
            cluster_ready: Family::default(),
        };
        let mut registry = Registry::with_prefix("taffrail_operator");
        registry.register(
            "reconcile",
            "Reconciles that ended, by outcome",
            families.reconciles.clone(),
        );
        registry.register(
            "reconcile_seconds",
            "How long reconciles took",
            families.reconcile_seconds.clone(),
        );
        registry.register(
            "queue_depth",
            "Objects that wait for a reconcile, timers included, or are in one",
            families.queue_depth.clone(),
        );
        registry.register(
            "writes",
            "Writes to the API server that it took",
            families.writes.clone(),
        );
        registry.register(
            "watch_errors",
            "Lists and watches that failed",
            families.watch_errors.clone(),
        );
        registry.register(
            "invalid_objects",
            "Objects read that this version can't understand",
            families.invalid_objects.clone(),
        );
        registry.register(
            "leader",
            "1 while this process is the one that acts",
            families.leader.clone(),
        );
        registry.register(
            "lease_transitions",
            "Times that this process took the lease",
            families.lease_transitions.clone(),
        );
        registry.register(
            "cluster_ready",
            "1 for each KafkaCluster that is Ready, else 0",
            families.cluster_ready.clone(),
        );
        Self { families: Arc::new(families), registry: Arc::new(Mutex::new(registry)) }
    }

    /// A reconcile of `kind` ended.
    pub fn reconciled(&self, kind: &'static str, succeeded: bool, took: Duration) {
        let outcome = if succeeded { "success" } else { "error" };
        self.families.reconciles.get_or_create(&ReconcileLabels { kind, outcome }).inc();
        self.families
            .reconcile_seconds
            .get_or_create(&KindLabel { kind: kind.to_owned() })
            .observe(took.as_secs_f64());
    }

    /// `depth` objects of `kind` wait or are being worked on.
    pub fn queue_depth(&self, kind: &'static str, depth: usize) {
        let depth = i64::try_from(depth).unwrap_or(i64::MAX);
        self.families.queue_depth.get_or_create(&KindLabel { kind: kind.to_owned() }).set(depth);
    }

    /// The API server took a write: `verb` is `apply`, `delete`, `status` or `event`.
    pub fn wrote(&self, kind: &str, verb: &'static str) {
        self.families.writes.get_or_create(&WriteLabels { kind: kind.to_owned(), verb }).inc();
    }

    /// How many writes of that kind and verb there were.
    pub fn writes(&self, kind: &str, verb: &'static str) -> u64 {
        self.families.writes.get_or_create(&WriteLabels { kind: kind.to_owned(), verb }).get()
    }

    /// A list or a watch of `kind` failed.
    pub fn watch_failed(&self, kind: &str) {
        self.families.watch_errors.get_or_create(&KindLabel { kind: kind.to_owned() }).inc();
    }

    /// An object of `kind` came in that doesn't parse.
    pub fn invalid_object(&self, kind: &str) {
        self.families.invalid_objects.get_or_create(&KindLabel { kind: kind.to_owned() }).inc();
    }

    /// This process acts from now on.
    pub fn lease_taken(&self) {
        self.families.lease_transitions.inc();
    }

    /// Whether this process is the one that acts.
    pub fn leads(&self, leads: bool) {
        self.families.leader.set(i64::from(leads));
    }

    /// Whether `cluster` is Ready; `None` when it is gone.
    pub fn cluster_ready(&self, cluster: &ObjectKey, is_ready: Option<bool>) {
        let labels =
            ClusterLabels { namespace: cluster.namespace.clone(), cluster: cluster.name.clone() };
        match is_ready {
            Some(is_ready) => {
                self.families.cluster_ready.get_or_create(&labels).set(i64::from(is_ready));
            }
            None => {
                self.families.cluster_ready.remove(&labels);
            }
        }
    }

    /// All of it, as Prometheus reads it.
    ///
    /// # Errors
    /// If a value can't be written as text, which is a defect.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry.lock())?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_prefix_and_the_suffix() {
        let metrics = Metrics::new();
        metrics.reconciled("KafkaCluster", true, Duration::from_millis(3));
        metrics.wrote("StatefulSet", "apply");
        metrics.leads(true);
        metrics.cluster_ready(&ObjectKey::new("a", "b"), Some(true));
        let text = metrics.text().expect("text");
        for line in [
            "taffrail_operator_reconcile_total{kind=\"KafkaCluster\",outcome=\"success\"} 1",
            "taffrail_operator_reconcile_seconds_count{kind=\"KafkaCluster\"} 1",
            "taffrail_operator_writes_total{kind=\"StatefulSet\",verb=\"apply\"} 1",
            "taffrail_operator_leader 1",
            "taffrail_operator_cluster_ready{namespace=\"a\",cluster=\"b\"} 1",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    }

    #[test]
    fn a_cluster_that_is_gone_leaves_no_series() {
        let metrics = Metrics::new();
        let cluster = ObjectKey::new("a", "b");
        metrics.cluster_ready(&cluster, Some(false));
        metrics.cluster_ready(&cluster, None);
        assert!(!metrics.text().expect("text").contains("cluster_ready{"));
    }
}
