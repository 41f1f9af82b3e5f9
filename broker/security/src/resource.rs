//! What operations are done to.

use taffrail_model::ErrorCode;

/// A kind of resource, with Kafka's number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i8)]
pub enum ResourceType {
    /// A topic.
    Topic = 2,
    /// A group.
    Group = 3,
    /// The cluster, of which there is one: [`ResourcePattern::CLUSTER_NAME`].
    Cluster = 4,
    /// A transactional id.
    TransactionalId = 5,
    /// A delegation token.
    DelegationToken = 6,
    /// A user, for their credentials.
    User = 7,
}

impl ResourceType {
    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> i8 {
        self as i8
    }

    /// What a client is told whose operation is denied.
    #[must_use]
    pub const fn denial(self) -> ErrorCode {
        match self {
            Self::Topic => ErrorCode::TopicAuthorizationFailed,
            Self::Group => ErrorCode::GroupAuthorizationFailed,
            Self::TransactionalId => ErrorCode::TransactionalIdAuthorizationFailed,
            Self::DelegationToken => ErrorCode::DelegationTokenAuthorizationFailed,
            Self::Cluster | Self::User => ErrorCode::ClusterAuthorizationFailed,
        }
    }
}

/// One resource by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourcePattern<'a> {
    /// Its kind.
    pub resource_type: ResourceType,
    /// Its name.
    pub name: &'a str,
}

impl<'a> ResourcePattern<'a> {
    /// The name of the one cluster.
    pub const CLUSTER_NAME: &'static str = "kafka-cluster";

    /// The cluster.
    pub const CLUSTER: ResourcePattern<'static> =
        ResourcePattern { resource_type: ResourceType::Cluster, name: Self::CLUSTER_NAME };

    /// A topic.
    #[must_use]
    pub const fn topic(name: &'a str) -> Self {
        Self { resource_type: ResourceType::Topic, name }
    }

    /// A group.
    #[must_use]
    pub const fn group(name: &'a str) -> Self {
        Self { resource_type: ResourceType::Group, name }
    }

    /// A transactional id.
    #[must_use]
    pub const fn transactional_id(name: &'a str) -> Self {
        Self { resource_type: ResourceType::TransactionalId, name }
    }
}
