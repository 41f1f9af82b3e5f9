//! Conditions, which every status has, as Flux, Argo CD and `kubectl wait` read them.

pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

/// The resource is as its spec says.
pub const READY: &str = "Ready";
/// The operator is at work on it.
pub const RECONCILING: &str = "Reconciling";
/// The operator can't go on until somebody does what the message says.
pub const STALLED: &str = "Stalled";
/// Clients can produce to and consume from every partition.
pub const AVAILABLE: &str = "Available";
/// Every partition has all of its replicas in sync.
pub const FULLY_REPLICATED: &str = "FullyReplicated";
/// Every node runs the version and the configuration that the spec asks for.
pub const UP_TO_DATE: &str = "UpToDate";
