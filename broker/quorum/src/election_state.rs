//! What a node remembers of elections.

use std::fmt;

use taffrail_model::{LeaderEpoch, NO_NODE, NodeId, Uuid};
use taffrail_protocol::records::QuorumStateData;

use crate::QuorumError;

/// A voter: a node with one metadata directory (KIP-853). The same node with another directory is another
/// voter, since its votes were lost with the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VoterKey {
    /// The node's id.
    pub id: NodeId,
    /// The id of its metadata directory.
    pub directory_id: Uuid,
}

impl fmt::Display for VoterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {} with directory {}", self.id, self.directory_id)
    }
}

/// What must survive a crash for an election to be safe: the `quorum-state` file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ElectionState {
    /// The highest epoch that the node has taken part in.
    pub epoch: LeaderEpoch,
    /// The leader of that epoch, if known.
    pub leader_id: Option<NodeId>,
    /// Whom the node voted for in that epoch. A directory id of zero means any directory of that node, as
    /// written under kraft.version 0.
    pub voted: Option<VoterKey>,
}

impl ElectionState {
    /// A vote in an epoch without a known leader.
    #[must_use]
    pub fn voted(epoch: LeaderEpoch, voted: VoterKey) -> Self {
        Self { epoch, leader_id: None, voted: Some(voted) }
    }

    /// An epoch with its leader. As in Kafka, the vote is forgotten: the epoch is decided.
    #[must_use]
    pub fn elected(epoch: LeaderEpoch, leader_id: NodeId) -> Self {
        Self { epoch, leader_id: Some(leader_id), voted: None }
    }

    /// Reads Kafka's `QuorumStateData`, of either version.
    ///
    /// # Errors
    /// [`QuorumError::CorruptElectionState`] for negative numbers other than Kafka's "none".
    pub fn from_data(data: &QuorumStateData) -> Result<Self, QuorumError> {
        let node = |field, value: NodeId| match value {
            NO_NODE => Ok(None),
            0.. => Ok(Some(value)),
            _ => Err(QuorumError::CorruptElectionState { field, value }),
        };
        if data.leader_epoch < 0 {
            return Err(QuorumError::CorruptElectionState {
                field: "leaderEpoch",
                value: data.leader_epoch,
            });
        }
        Ok(Self {
            epoch: data.leader_epoch,
            leader_id: node("leaderId", data.leader_id)?,
            voted: node("votedId", data.voted_id)?
                .map(|id| VoterKey { id, directory_id: data.voted_directory_id }),
        })
    }

    /// The same in Kafka's `QuorumStateData`, to be written in version 1.
    #[must_use]
    pub fn to_data(self) -> QuorumStateData {
        QuorumStateData {
            leader_id: self.leader_id.unwrap_or(NO_NODE),
            leader_epoch: self.epoch,
            voted_id: self.voted.map_or(NO_NODE, |voted| voted.id),
            voted_directory_id: self.voted.map_or(Uuid::ZERO, |voted| voted.directory_id),
            ..QuorumStateData::default()
        }
    }

    /// Whether the node's vote in this epoch went to `voter`.
    #[must_use]
    pub fn is_voted_for(&self, voter: VoterKey) -> bool {
        self.voted.is_some_and(|voted| {
            voted.id == voter.id
                && (voted.directory_id.is_zero() || voted.directory_id == voter.directory_id)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(leader_id: i32, leader_epoch: i32, voted_id: i32) -> QuorumStateData {
        QuorumStateData { leader_id, leader_epoch, voted_id, ..QuorumStateData::default() }
    }

    #[test]
    fn data_round_trips() {
        let voter = VoterKey { id: 4, directory_id: Uuid::from_bytes([7; 16]) };
        for state in
            [ElectionState::default(), ElectionState::voted(3, voter), ElectionState::elected(9, 4)]
        {
            assert_eq!(ElectionState::from_data(&state.to_data()), Ok(state));
        }
    }

    #[test]
    fn numbers_that_nobody_writes_are_refused() {
        for (data, field) in [
            (data(-2, 1, -1), "leaderId"),
            (data(1, -1, -1), "leaderEpoch"),
            (data(1, 1, -7), "votedId"),
        ] {
            let error = ElectionState::from_data(&data).expect_err("refused");
            assert!(error.to_string().contains(field), "{error}");
        }
    }

    #[test]
    fn a_vote_is_for_one_directory_unless_none_was_written() {
        let voter = |id, byte| VoterKey { id, directory_id: Uuid::from_bytes([byte; 16]) };
        let state = ElectionState::voted(1, voter(1, 5));
        assert!(state.is_voted_for(voter(1, 5)));
        assert!(!state.is_voted_for(voter(1, 6)));
        assert!(!state.is_voted_for(voter(2, 5)));
        assert!(ElectionState::voted(1, voter(1, 0)).is_voted_for(voter(1, 5)));
        assert!(!ElectionState::elected(1, 1).is_voted_for(voter(1, 5)));
    }
}
