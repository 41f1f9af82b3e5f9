//! What a node is to the quorum.

use taffrail_model::{LeaderEpoch, Mono, Offset};

/// The role of this node. See the crate's page for those of Kafka's that a sole voter never has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The epoch has no leader that this node knows of.
    Unattached {
        /// The epoch.
        epoch: LeaderEpoch,
    },
    /// This node stands for election.
    Candidate {
        /// The epoch that it wants to lead.
        epoch: LeaderEpoch,
        /// Whether its own vote is on the disk. It has won by then, and only the leadership is to be
        /// written.
        elected: bool,
    },
    /// This node leads.
    Leader {
        /// The epoch that it leads.
        epoch: LeaderEpoch,
        /// The offset of the epoch's first record.
        start_offset: Offset,
        /// Whether a record of the epoch is committed, and [`Effect::BecameLeader`](crate::Effect) said.
        established: bool,
    },
    /// This node led the epoch, and neither leads any longer nor votes for another in it.
    Resigned {
        /// The epoch that it led.
        epoch: LeaderEpoch,
        /// When it stands for election again; `None` is never, for a node that stops or whose disk failed.
        election_at: Option<Mono>,
    },
}

impl Role {
    /// The epoch of the role.
    #[must_use]
    pub fn epoch(&self) -> LeaderEpoch {
        match *self {
            Self::Unattached { epoch }
            | Self::Candidate { epoch, .. }
            | Self::Leader { epoch, .. }
            | Self::Resigned { epoch, .. } => epoch,
        }
    }
}
