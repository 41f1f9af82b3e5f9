//! The control part of a node: the quorum, the controller and the metadata log under them.
//!
//! [`Control`] is synchronous. The shell runs it on a thread that serves nothing else, so that a stalled
//! data disk costs no session; the simulator runs the very same.
//!
//! Invariants:
//! - no reply and no image leaves before the records that it rests on are synced and committed;
//! - the election state is durable before the quorum hears of it;
//! - after any failure of the metadata disk nothing is acknowledged any more, and the failure is said once;
//! - a restart replays the committed records into the same image, and leads in a higher epoch.
//!
//! Deliberately absent: snapshots of the running metadata (KIP-630). Those that are found are loaded; the
//! log is kept whole.

mod checkpoint_files;
mod config;
mod error;
mod event;
mod metadata_log;
mod quorum_state_file;
mod recovery;
mod runtime;

pub use checkpoint_files::{
    BOOTSTRAP_FILE, CLUSTER_METADATA_DIR, CheckpointError, latest_snapshot, read_bootstrap,
    read_snapshot, write_snapshot,
};
pub use config::ControlConfig;
pub use error::ControlFailure;
pub use event::{ControlEffect, ControlEvent};
pub use quorum_state_file::{
    QUORUM_STATE_FILE, QuorumStateFileError, read_quorum_state, write_quorum_state,
};
pub use runtime::Control;
