//! The goals, by the names that Cruise Control gave them.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// What a placement is held against. [`DEFAULT_GOALS`] has the meaning of each, in the order of their priority.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Goal {
    /// Hard: no two replicas of a partition in one rack.
    RackAware,
    /// Hard, instead of `RackAware`: the replicas of a partition spread over racks as evenly as they can.
    RackAwareDistribution,
    /// Hard: a topic stays inside one set of brokers.
    BrokerSetAware,
    /// Hard: each broker that may lead leads at least so many partitions of the topics that ask for it.
    MinTopicLeadersPerBroker,
    /// Hard: no broker has more replicas than it may.
    ReplicaCapacity,
    /// Hard: disk in use stays below its share of the capacity.
    DiskCapacity,
    /// Hard: the same for network in, on brokers and on machines.
    NetworkInboundCapacity,
    /// Hard: the same for network out, on brokers and on machines.
    NetworkOutboundCapacity,
    /// Hard: the same for the processor, on brokers and on machines.
    CpuCapacity,
    /// Soft: the number of replicas on each broker is in the band.
    ReplicaDistribution,
    /// Soft: network out would stay below its share if every replica on the broker led.
    PotentialNwOut,
    /// Soft: disk in use is in the band.
    DiskUsageDistribution,
    /// Soft: network in is in the band.
    NetworkInboundUsageDistribution,
    /// Soft: network out is in the band.
    NetworkOutboundUsageDistribution,
    /// Soft: the processor's use is in the band.
    CpuUsageDistribution,
    /// Soft: the replicas of each topic on each broker are in the topic's band.
    TopicReplicaDistribution,
    /// Soft: the number of partitions that each broker leads is in the band.
    LeaderReplicaDistribution,
    /// Soft: the bytes that come in to the partitions that a broker leads are no more than the mean and a tenth.
    LeaderBytesInDistribution,
    /// Soft: the partitions of each topic that each broker leads are in the topic's band.
    TopicLeaderDistribution,
    /// Soft: the leader is the first replica of those that are online.
    PreferredLeaderElection,
    /// Soft: no log directory is filled beyond its share.
    IntraBrokerDiskCapacity,
    /// Soft: the log directories of a broker are filled alike.
    IntraBrokerDiskUsageDistribution,
}

/// The goals of a plan unless others are asked for: Cruise Control's default goals in its order, then the balancer's own
/// about leaders, and those between the log directories of a broker.
pub const DEFAULT_GOALS: [Goal; 20] = [
    Goal::RackAware,
    Goal::MinTopicLeadersPerBroker,
    Goal::ReplicaCapacity,
    Goal::DiskCapacity,
    Goal::NetworkInboundCapacity,
    Goal::NetworkOutboundCapacity,
    Goal::CpuCapacity,
    Goal::ReplicaDistribution,
    Goal::PotentialNwOut,
    Goal::DiskUsageDistribution,
    Goal::NetworkInboundUsageDistribution,
    Goal::NetworkOutboundUsageDistribution,
    Goal::CpuUsageDistribution,
    Goal::TopicReplicaDistribution,
    Goal::LeaderReplicaDistribution,
    Goal::LeaderBytesInDistribution,
    Goal::TopicLeaderDistribution,
    Goal::PreferredLeaderElection,
    Goal::IntraBrokerDiskCapacity,
    Goal::IntraBrokerDiskUsageDistribution,
];

impl Goal {
    /// Every goal, in the order of their declaration.
    pub const ALL: [Self; 22] = [
        Self::RackAware,
        Self::RackAwareDistribution,
        Self::BrokerSetAware,
        Self::MinTopicLeadersPerBroker,
        Self::ReplicaCapacity,
        Self::DiskCapacity,
        Self::NetworkInboundCapacity,
        Self::NetworkOutboundCapacity,
        Self::CpuCapacity,
        Self::ReplicaDistribution,
        Self::PotentialNwOut,
        Self::DiskUsageDistribution,
        Self::NetworkInboundUsageDistribution,
        Self::NetworkOutboundUsageDistribution,
        Self::CpuUsageDistribution,
        Self::TopicReplicaDistribution,
        Self::LeaderReplicaDistribution,
        Self::LeaderBytesInDistribution,
        Self::TopicLeaderDistribution,
        Self::PreferredLeaderElection,
        Self::IntraBrokerDiskCapacity,
        Self::IntraBrokerDiskUsageDistribution,
    ];

    /// The name that Cruise Control's users know.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RackAware => "RackAwareGoal",
            Self::RackAwareDistribution => "RackAwareDistributionGoal",
            Self::BrokerSetAware => "BrokerSetAwareGoal",
            Self::MinTopicLeadersPerBroker => "MinTopicLeadersPerBrokerGoal",
            Self::ReplicaCapacity => "ReplicaCapacityGoal",
            Self::DiskCapacity => "DiskCapacityGoal",
            Self::NetworkInboundCapacity => "NetworkInboundCapacityGoal",
            Self::NetworkOutboundCapacity => "NetworkOutboundCapacityGoal",
            Self::CpuCapacity => "CpuCapacityGoal",
            Self::ReplicaDistribution => "ReplicaDistributionGoal",
            Self::PotentialNwOut => "PotentialNwOutGoal",
            Self::DiskUsageDistribution => "DiskUsageDistributionGoal",
            Self::NetworkInboundUsageDistribution => "NetworkInboundUsageDistributionGoal",
            Self::NetworkOutboundUsageDistribution => "NetworkOutboundUsageDistributionGoal",
            Self::CpuUsageDistribution => "CpuUsageDistributionGoal",
            Self::TopicReplicaDistribution => "TopicReplicaDistributionGoal",
            Self::LeaderReplicaDistribution => "LeaderReplicaDistributionGoal",
            Self::LeaderBytesInDistribution => "LeaderBytesInDistributionGoal",
            Self::TopicLeaderDistribution => "TopicLeaderDistributionGoal",
            Self::PreferredLeaderElection => "PreferredLeaderElectionGoal",
            Self::IntraBrokerDiskCapacity => "IntraBrokerDiskCapacityGoal",
            Self::IntraBrokerDiskUsageDistribution => "IntraBrokerDiskUsageDistributionGoal",
        }
    }

    /// Whether a plan may never break it. Soft goals are met as far as hard ones and those before them let them.
    #[must_use]
    pub const fn is_hard(self) -> bool {
        matches!(
            self,
            Self::RackAware
                | Self::RackAwareDistribution
                | Self::BrokerSetAware
                | Self::MinTopicLeadersPerBroker
                | Self::ReplicaCapacity
                | Self::DiskCapacity
                | Self::NetworkInboundCapacity
                | Self::NetworkOutboundCapacity
                | Self::CpuCapacity
        )
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no goal's.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no goal is named \"{0}\": there are {names}", names = names())]
pub struct UnknownGoal(pub String);

fn names() -> String {
    Goal::ALL.map(Goal::name).join(", ")
}

impl FromStr for Goal {
    type Err = UnknownGoal;

    /// Takes the name with and without `Goal` at its end.
    fn from_str(text: &str) -> Result<Self, UnknownGoal> {
        let stem = text.strip_suffix("Goal").unwrap_or(text);
        Self::ALL
            .into_iter()
            .find(|goal| goal.name().strip_suffix("Goal") == Some(stem))
            .ok_or_else(|| UnknownGoal(text.to_owned()))
    }
}

impl Serialize for Goal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
