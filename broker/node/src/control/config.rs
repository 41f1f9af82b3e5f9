//! How the control part of a node is set up.

use std::path::PathBuf;
use std::time::Duration;

use taffrail_metadata::ControllerConfig;
use taffrail_model::{NodeId, Uuid};
use taffrail_quorum::VoterEndpoint;

/// Who this controller is, where its metadata lies, and how it goes about it.
#[derive(Clone, Debug)]
pub struct ControlConfig {
    /// `node.id`.
    pub node_id: NodeId,
    /// The id of `metadata_dir`, from its `meta.properties`.
    pub directory_id: Uuid,
    /// `metadata.log.dir`: the directory that holds `__cluster_metadata-0`.
    pub metadata_dir: PathBuf,
    /// Where this controller listens, by listener, as the other nodes are to reach it.
    pub endpoints: Vec<VoterEndpoint>,
    /// `controller.quorum.election.timeout.ms`.
    pub election_timeout: Duration,
    /// `metadata.log.segment.bytes`.
    pub segment_bytes: u64,
    /// `metadata.log.segment.ms`, in milliseconds.
    pub segment_ms: i64,
    /// How the controller decides. Its bootstrap records are replaced by those that `format` left in the
    /// metadata directory, when it did.
    pub controller: ControllerConfig,
}
