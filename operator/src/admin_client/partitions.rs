//! `Metadata` of every partition there is.

use std::collections::BTreeSet;

use taffrail_client::Refusal;
use taffrail_model::{NodeId, TopicName};
use taffrail_protocol::ApiKey;
use taffrail_protocol::messages::metadata_response::MetadataResponseTopic;

use super::topics::{named, wrong};
use super::{AdminClient, AdminError};

/// A partition as a broker described it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PartitionDescription {
    /// The topic's name.
    pub topic: TopicName,
    /// Its index in the topic.
    pub index: i32,
    /// Who leads it, if anybody.
    pub leader: Option<NodeId>,
    /// Who keeps it.
    pub replicas: Vec<NodeId>,
    /// Those of them that are in sync.
    pub in_sync: Vec<NodeId>,
}

impl AdminClient {
    /// Describes every partition of every topic, those of internal topics included. A topic that is being deleted may
    /// be left out.
    ///
    /// # Errors
    /// No broker answers, or the answer can't be trusted.
    pub async fn describe_partitions(&mut self) -> Result<Vec<PartitionDescription>, AdminError> {
        let api = ApiKey::Metadata;
        let mut seen = BTreeSet::new();
        let mut described = Vec::new();
        for topic in self.metadata(None).await? {
            if Refusal::check(topic.error_code, None).is_err() {
                continue;
            }
            let name = named(api, topic.name.as_deref())?;
            for partition in partitions(&name, topic) {
                if !seen.insert((name.clone(), partition.index)) {
                    return Err(wrong(
                        api,
                        format!("it describes {name}-{} twice", partition.index),
                    ));
                }
                described.push(partition);
            }
        }
        Ok(described)
    }
}

fn partitions(
    name: &TopicName,
    topic: MetadataResponseTopic,
) -> impl Iterator<Item = PartitionDescription> {
    topic.partitions.into_iter().map(|partition| PartitionDescription {
        topic: name.clone(),
        index: partition.partition_index,
        leader: Some(partition.leader_id).filter(|id| *id >= 0),
        replicas: partition.replica_nodes,
        in_sync: partition.isr_nodes,
    })
}
