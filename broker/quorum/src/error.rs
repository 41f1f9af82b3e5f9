//! Why a quorum can't be started.

use taffrail_model::{LeaderEpoch, NodeId, Offset};

use crate::VoterKey;

/// Why [`Quorum::new`](crate::Quorum::new) refuses what it was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuorumError {
    /// The voters come from the bootstrap checkpoint or the log; there are none in either.
    #[error(
        "the metadata directory names no quorum voters: format it with `taffrail storage format --standalone`"
    )]
    NoVoters,
    /// A quorum of several voters is beyond this version.
    #[error(
        "the metadata quorum has {} voters ({}), and this version of taffrail runs a single one",
        .0.len(),
        list(.0)
    )]
    SeveralVoters(Vec<VoterKey>),
    /// The sole voter is another node, or this node with another directory, which has forgotten its votes.
    #[error(
        "this node is {local}, which is not the voter {voter} of the metadata quorum; \
         a metadata directory that was formatted anew can't vote in place of the lost one"
    )]
    NotAVoter {
        /// This node.
        local: VoterKey,
        /// The quorum's voter.
        voter: VoterKey,
    },
    /// The quorum runs a version of the protocol that this node doesn't know.
    #[error(
        "the metadata quorum is at kraft.version {0}; this version of taffrail supports only {supported}",
        supported = crate::KRAFT_VERSION
    )]
    UnsupportedKraftVersion(i16),
    /// A number that can't be one of an election.
    #[error("the stored election state has {field} {value}, which no node writes")]
    CorruptElectionState {
        /// Kafka's name of the field.
        field: &'static str,
        /// What it holds.
        value: i32,
    },
    /// The log's end is not one.
    #[error("the metadata log ends at offset {offset} of epoch {epoch}, which no log does")]
    CorruptLogEnd {
        /// The offset.
        offset: Offset,
        /// The epoch.
        epoch: LeaderEpoch,
    },
    /// Epochs are 32 bits wide, and they are used up.
    #[error("node {0} can't hold another election: the epoch has reached its last value")]
    EpochsExhausted(NodeId),
}

fn list(voters: &[VoterKey]) -> String {
    let voters: Vec<String> = voters.iter().map(ToString::to_string).collect();
    voters.join(", ")
}
