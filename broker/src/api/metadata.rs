//! Metadata (3): brokers, topics, and who leads what, as a client of this listener has to see it.

use std::collections::BTreeSet;

use taffrail_metadata::{MetadataImage, NewTopic, PartitionRegistration, TopicImage};
use taffrail_model::{ErrorCode, NodeId, PartitionIndex, TopicName, Uuid};
use taffrail_protocol::messages::MetadataRequest;
use taffrail_protocol::messages::metadata_request::MetadataRequestTopic;
use taffrail_protocol::messages::metadata_response::{
    MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use taffrail_security::{Operation, ResourcePattern as Resource};

use super::topic_lookup::Named;
use super::{Call, topic_lookup};

/// The first version that can name topics by id.
const FIRST_TOPIC_ID_VERSION: i16 = 12;
/// The first version whose answers can leave a topic without a name.
const FIRST_NULL_NAME_VERSION: i16 = 12;

pub(super) async fn handle(call: &Call<'_>, request: MetadataRequest) -> MetadataResponse {
    let wants_all = match &request.topics {
        None => true,
        // In version 0 an empty list means all topics; later it means none.
        Some(topics) => topics.is_empty() && call.version == 0,
    };
    let mut topics = if wants_all {
        every_topic(call)
    } else {
        let wanted = distinct(request.topics.unwrap_or_default());
        let may_name_by_id = call.version >= FIRST_TOPIC_ID_VERSION;
        if !may_name_by_id && wanted.iter().any(|topic| topic.name.is_none()) {
            wanted.iter().map(|topic| refuse(call, topic, ErrorCode::InvalidRequest)).collect()
        } else {
            if request.allow_auto_topic_creation {
                create_missing(call, &wanted).await;
            }
            wanted.iter().map(|topic| one_topic(call, topic)).collect()
        }
    };
    if request.include_topic_authorized_operations {
        for topic in topics.iter_mut().filter(|topic| topic.error_code == ErrorCode::None.code()) {
            let resource = Resource::topic(topic.name.as_deref().unwrap_or_default());
            topic.topic_authorized_operations = call.authorized_operations(resource);
        }
    }
    let cluster_operations = if request.include_cluster_authorized_operations {
        call.authorized_operations(Resource::CLUSTER)
    } else {
        i32::MIN
    };
    MetadataResponse {
        brokers: brokers(call),
        cluster_id: Some(call.broker.cluster_id().to_owned()),
        // Any broker passes requests on to the active controller, so that clients are told this one.
        controller_id: call.broker.node_id(),
        topics,
        cluster_authorized_operations: cluster_operations,
        ..Default::default()
    }
}

fn brokers(call: &Call<'_>) -> Vec<MetadataResponseBroker> {
    call.broker
        .image()
        .brokers()
        .filter_map(|broker| {
            let address = topic_lookup::endpoint(call, broker.id)?;
            Some(MetadataResponseBroker {
                node_id: broker.id,
                host: address.host,
                port: address.port,
                rack: address.rack,
                ..Default::default()
            })
        })
        .collect()
}

fn every_topic(call: &Call<'_>) -> Vec<MetadataResponseTopic> {
    let image = call.broker.image();
    image
        .topics()
        .filter(|topic| call.may(Operation::Describe, Resource::topic(topic.name.as_str())))
        .map(|topic| describe(call, &image, topic))
        .collect()
}

/// Each topic once, however often it is named: a small request never makes a large answer.
fn distinct(wanted: Vec<MetadataRequestTopic>) -> Vec<MetadataRequestTopic> {
    let mut seen = BTreeSet::new();
    wanted.into_iter().filter(|topic| seen.insert((topic.name.clone(), topic.topic_id))).collect()
}

fn one_topic(call: &Call<'_>, wanted: &MetadataRequestTopic) -> MetadataResponseTopic {
    let named = match &wanted.name {
        // A request that names topics by id names none by name.
        _ if !wanted.topic_id.is_zero() => Named::Id(wanted.topic_id),
        Some(name) => Named::Name(name),
        None => Named::Id(Uuid::ZERO),
    };
    match topic_lookup::topic(call, named, Operation::Describe) {
        Ok(topic) => {
            let image = call.broker.image();
            match image.topic(topic.id) {
                Some(found) => describe(call, &image, found),
                // Deleted between the two looks.
                None => refuse(call, wanted, ErrorCode::UnknownTopicOrPartition),
            }
        }
        Err(ErrorCode::UnknownTopicOrPartition) if !has_legal_name(wanted) => {
            refuse(call, wanted, ErrorCode::InvalidTopicException)
        }
        Err(error) => refuse(call, wanted, error),
    }
}

fn has_legal_name(wanted: &MetadataRequestTopic) -> bool {
    wanted.name.as_deref().is_some_and(|name| TopicName::new(name).is_ok())
}

fn refuse(
    call: &Call<'_>,
    wanted: &MetadataRequestTopic,
    error: ErrorCode,
) -> MetadataResponseTopic {
    // A topic that may not be seen isn't named either when it was asked for by its id.
    let name = wanted.name.clone().filter(|_| wanted.topic_id.is_zero());
    MetadataResponseTopic {
        error_code: error.code(),
        name: if call.version >= FIRST_NULL_NAME_VERSION {
            name
        } else {
            Some(name.unwrap_or_default())
        },
        topic_id: wanted.topic_id,
        ..Default::default()
    }
}

fn describe(call: &Call<'_>, image: &MetadataImage, topic: &TopicImage) -> MetadataResponseTopic {
    MetadataResponseTopic {
        name: Some(topic.name.to_string()),
        topic_id: topic.id,
        is_internal: topic.name.is_internal(),
        partitions: topic
            .partitions
            .iter()
            .map(|(&index, registration)| describe_partition(call, image, index, registration))
            .collect(),
        ..Default::default()
    }
}

fn describe_partition(
    call: &Call<'_>,
    image: &MetadataImage,
    partition_index: PartitionIndex,
    registration: &PartitionRegistration,
) -> MetadataResponsePartition {
    let leader_reachable = topic_lookup::endpoint(call, registration.leader).is_some();
    let error = if leader_reachable {
        ErrorCode::None
    } else if image.is_active(registration.leader) && call.version >= 6 {
        // The leader lives, but not on the listener that the client came by.
        ErrorCode::ListenerNotFound
    } else {
        ErrorCode::LeaderNotAvailable
    };
    MetadataResponsePartition {
        error_code: error.code(),
        partition_index,
        leader_id: if leader_reachable { registration.leader } else { -1 },
        leader_epoch: registration.leader_epoch,
        replica_nodes: registration.replicas.clone(),
        isr_nodes: registration.isr.clone(),
        offline_replicas: offline_replicas(image, registration),
        ..Default::default()
    }
}

/// The replicas that can't serve: on a broker that isn't active, or on a directory that was lost.
pub(super) fn offline_replicas(
    image: &MetadataImage,
    registration: &PartitionRegistration,
) -> Vec<NodeId> {
    let offline = |&replica: &NodeId| {
        !image.is_active(replica) || registration.directory_of(replica) == Some(Uuid::LOST_DIR)
    };
    registration.replicas.iter().copied().filter(offline).collect()
}

/// Creates the named topics that don't exist, where the broker and the caller's rights allow it, and waits for them,
/// so that the answer already shows them. What fails shows as an unknown topic; the reason is logged.
async fn create_missing(call: &Call<'_>, wanted: &[MetadataRequestTopic]) {
    if !call.broker.auto_create_topics_enable {
        return;
    }
    let may_create_any = call.may(Operation::Create, Resource::CLUSTER);
    let image = call.broker.image();
    let missing: Vec<NewTopic> = wanted
        .iter()
        .filter(|topic| topic.topic_id.is_zero())
        .filter_map(|topic| topic.name.as_deref())
        .filter(|name| image.topic_by_name(name).is_none() && TopicName::new(name).is_ok())
        .filter(|name| {
            call.may(Operation::Describe, Resource::topic(name))
                && (may_create_any || call.may(Operation::Create, Resource::topic(name)))
        })
        .map(|name| call.broker.auto_created(name))
        .collect();
    if missing.is_empty() {
        return;
    }
    for topic in call.broker.create_topics(missing).await {
        if !matches!(topic.error, ErrorCode::None | ErrorCode::TopicAlreadyExists) {
            tracing::warn!(topic = topic.topic, error = %topic.error, message = topic.message, "auto-creation failed");
        }
    }
}
