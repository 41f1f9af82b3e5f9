//! Who may vote.

use taffrail_protocol::records::VotersRecord;
use taffrail_protocol::records::voters_record as wire;

use crate::VoterKey;

/// The version of the KRaft protocol that this room speaks: voters are recorded in the log (KIP-853).
pub const KRAFT_VERSION: i16 = 1;

/// The versions of KRaft that a node of ours announces, Kafka's own range. Version 0 stays in it, since a
/// voter's entry says what its software knows of, as Kafka's `format --standalone` does.
const SUPPORTED_KRAFT_VERSIONS: (i16, i16) = (0, KRAFT_VERSION);

/// Where a voter listens for the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoterEndpoint {
    /// The listener's name, in capitals as Kafka writes it.
    pub name: String,
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// One voter of the quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voter {
    /// Which node, with which directory.
    pub key: VoterKey,
    /// Where it listens, by listener.
    pub endpoints: Vec<VoterEndpoint>,
    /// The lowest and the highest kraft.version that it supports.
    pub kraft_versions: (i16, i16),
}

impl Voter {
    /// A voter that runs this software.
    #[must_use]
    pub fn local(key: VoterKey, endpoints: Vec<VoterEndpoint>) -> Self {
        Self { key, endpoints, kraft_versions: SUPPORTED_KRAFT_VERSIONS }
    }
}

/// The voters of a quorum, as a `VotersRecord` holds them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VoterSet(Vec<Voter>);

impl VoterSet {
    /// A set of these voters.
    #[must_use]
    pub fn new(mut voters: Vec<Voter>) -> Self {
        voters.sort_by_key(|voter| voter.key);
        Self(voters)
    }

    /// The voters, by id.
    #[must_use]
    pub fn voters(&self) -> &[Voter] {
        &self.0
    }

    /// The voter set of a record.
    #[must_use]
    pub fn from_record(record: &VotersRecord) -> Self {
        let endpoint = |endpoint: &wire::Endpoint| VoterEndpoint {
            name: endpoint.name.clone(),
            host: endpoint.host.clone(),
            port: endpoint.port,
        };
        let voter = |voter: &wire::Voter| Voter {
            key: VoterKey { id: voter.voter_id, directory_id: voter.voter_directory_id },
            endpoints: voter.endpoints.iter().map(endpoint).collect(),
            kraft_versions: (
                voter.kraft_version_feature.min_supported_version,
                voter.kraft_version_feature.max_supported_version,
            ),
        };
        Self::new(record.voters.iter().map(voter).collect())
    }

    /// The record of this voter set.
    #[must_use]
    pub fn to_record(&self) -> VotersRecord {
        let endpoint = |endpoint: &VoterEndpoint| wire::Endpoint {
            name: endpoint.name.clone(),
            host: endpoint.host.clone(),
            port: endpoint.port,
            ..wire::Endpoint::default()
        };
        let voter = |voter: &Voter| wire::Voter {
            voter_id: voter.key.id,
            voter_directory_id: voter.key.directory_id,
            endpoints: voter.endpoints.iter().map(endpoint).collect(),
            kraft_version_feature: wire::KRaftVersionFeature {
                min_supported_version: voter.kraft_versions.0,
                max_supported_version: voter.kraft_versions.1,
                ..wire::KRaftVersionFeature::default()
            },
            ..wire::Voter::default()
        };
        VotersRecord {
            version: 0,
            voters: self.0.iter().map(voter).collect(),
            ..VotersRecord::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use taffrail_model::Uuid;

    use super::*;

    #[test]
    fn records_round_trip_and_sort_by_id() {
        let voter = |id| {
            Voter::local(
                VoterKey { id, directory_id: Uuid::from_bytes([9; 16]) },
                vec![VoterEndpoint {
                    name: "CONTROLLER".to_owned(),
                    host: "localhost".to_owned(),
                    port: 9093,
                }],
            )
        };
        let set = VoterSet::new(vec![voter(2), voter(1)]);
        assert_eq!(set.voters()[0].key.id, 1);
        assert_eq!(VoterSet::from_record(&set.to_record()), set);
    }
}
