//! From a topic on the wire to a topic in the image, and from a partition to what hosts it: the same for every API.

use std::sync::Arc;

use taffrail_metadata::{Endpoint, PartitionRegistration, TopicImage};
use taffrail_model::{
    ErrorCode, LeaderEpoch, NodeId, PartitionIndex, TopicIdPartition, TopicName, Uuid,
};
use taffrail_security::{Operation, ResourcePattern as Resource};

use super::Call;
use crate::runtime::PartitionCell;

/// A topic that exists and that the caller may use.
pub(super) struct Topic {
    pub(super) id: Uuid,
    pub(super) name: TopicName,
    image: TopicImage,
}

impl Topic {
    pub(super) fn has_partition(&self, partition: PartitionIndex) -> bool {
        self.image.partitions.contains_key(&partition)
    }

    pub(super) fn registration(&self, partition: PartitionIndex) -> Option<&PartitionRegistration> {
        self.image.partitions.get(&partition).map(Arc::as_ref)
    }
}

/// How a request names a topic.
#[derive(Clone, Copy, Debug)]
pub(super) enum Named<'a> {
    Name(&'a str),
    Id(Uuid),
}

impl<'a> Named<'a> {
    /// For APIs whose requests have ids and no names from `first_id_version` on. There the id counts, even one of zeros.
    pub(super) fn of_version(
        call: &Call<'_>,
        first_id_version: i16,
        name: &'a str,
        id: Uuid,
    ) -> Self {
        if call.version >= first_id_version { Self::Id(id) } else { Self::Name(name) }
    }
}

/// Finds a topic for a caller who wants to do `operation`.
///
/// # Errors
/// `UNKNOWN_TOPIC_ID`, `UNKNOWN_TOPIC_OR_PARTITION` or `TOPIC_AUTHORIZATION_FAILED`. By name the last one comes first,
/// so that who may not see a topic doesn't learn whether it exists.
pub(super) fn topic(
    call: &Call<'_>,
    named: Named<'_>,
    operation: Operation,
) -> Result<Topic, ErrorCode> {
    let image = call.broker.image();
    let found = match named {
        Named::Name(name) => {
            if !call.may(operation, Resource::topic(name)) {
                return Err(ErrorCode::TopicAuthorizationFailed);
            }
            image.topic_by_name(name).ok_or(ErrorCode::UnknownTopicOrPartition)?
        }
        Named::Id(id) => {
            let found = image.topic(id).ok_or(ErrorCode::UnknownTopicId)?;
            if !call.may(operation, Resource::topic(found.name.as_str())) {
                return Err(ErrorCode::TopicAuthorizationFailed);
            }
            found
        }
    };
    Ok(Topic { id: found.id, name: found.name.clone(), image: found.clone() })
}

/// Where a partition is led.
pub(super) enum Hosted {
    /// On this node.
    Here(Arc<PartitionCell>),
    /// On another one, or on none (`-1`).
    Elsewhere { leader: NodeId, leader_epoch: LeaderEpoch },
    /// The topic has no such partition.
    Nowhere,
}

/// Finds the partition's leader.
pub(super) fn partition(call: &Call<'_>, topic: &Topic, partition: PartitionIndex) -> Hosted {
    let Some(registration) = topic.registration(partition) else { return Hosted::Nowhere };
    let id = TopicIdPartition { topic_id: topic.id, partition };
    match call.broker.partitions.get(id) {
        Some(cell) if cell.view().leading => Hosted::Here(cell),
        _ => Hosted::Elsewhere {
            leader: registration.leader,
            leader_epoch: registration.leader_epoch,
        },
    }
}

/// A broker's address as a client of the caller's listener has to know it.
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: i32,
    pub(super) rack: Option<String>,
}

/// The address of a live broker on the caller's listener.
pub(super) fn endpoint(call: &Call<'_>, broker: NodeId) -> Option<Address> {
    let image = call.broker.image();
    let registration = image.broker(broker).filter(|registration| registration.is_active())?;
    let Endpoint { host, port, .. } = registration.endpoint(call.context.listener.as_str())?;
    Some(Address { host: host.clone(), port: i32::from(*port), rack: registration.rack.clone() })
}
