//! What the operator was told at its start and every cluster shares.

use taffrail_crds::cluster::PullPolicy;

/// The operator's choices where a resource makes none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The repository of the nodes' image, with its registry if there is one; without a tag.
    pub broker_image: String,
    /// When the kubelet pulls that image.
    pub pull_policy: PullPolicy,
    /// The operator's own version, which nodes run unless their cluster names another.
    pub version: String,
}
