//! The name by which an object is known: its namespace and its name.

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use taffrail_crds::ClusterRef;

/// Namespace and name of an object. The namespace of cluster-scoped objects is empty.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ObjectKey {
    /// The namespace, empty for objects that live in none.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl ObjectKey {
    /// The key of `name` in `namespace`.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// The key of the object with this metadata.
    pub fn of(metadata: &ObjectMeta) -> Self {
        Self {
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
        }
    }

    /// The key of the KafkaCluster that the object with this metadata names by `reference`.
    pub fn of_cluster(reference: &ClusterRef, metadata: &ObjectMeta) -> Self {
        let namespace = reference.namespace.as_ref().or(metadata.namespace.as_ref());
        Self::new(namespace.cloned().unwrap_or_default(), reference.name.clone())
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_str() {
            "" => f.write_str(&self.name),
            namespace => write!(f, "{namespace}/{}", self.name),
        }
    }
}
