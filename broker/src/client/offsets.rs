//! The offsets of partitions: the first, the next, and those that a group committed.

use std::collections::BTreeMap;

use taffrail_model::{NodeId, Offset, PartitionIndex};
use taffrail_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use taffrail_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use taffrail_protocol::messages::{ListOffsetsRequest, OffsetFetchRequest};

use super::cluster::{Cluster, Topic};
use super::error::{ClientError, check};

/// An end of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// The first offset that is still there.
    Earliest,
    /// The offset that comes next.
    Latest,
}

impl Bound {
    /// The timestamp that stands for it in `ListOffsets`.
    const fn timestamp(self) -> i64 {
        match self {
            Self::Earliest => -2,
            Self::Latest => -1,
        }
    }
}

/// The offsets at one end of these partitions, asked of their leaders.
pub(crate) async fn list_offsets(
    cluster: &mut Cluster,
    topic: &Topic,
    partitions: &[PartitionIndex],
    bound: Bound,
) -> Result<BTreeMap<PartitionIndex, Offset>, ClientError> {
    let mut by_leader: BTreeMap<NodeId, Vec<ListOffsetsPartition>> = BTreeMap::new();
    for &partition in partitions {
        by_leader.entry(topic.leader(partition)?).or_default().push(ListOffsetsPartition {
            partition_index: partition,
            timestamp: bound.timestamp(),
            ..Default::default()
        });
    }
    let mut offsets = BTreeMap::new();
    for (leader, partitions) in by_leader {
        let request = ListOffsetsRequest {
            replica_id: -1,
            topics: vec![ListOffsetsTopic {
                name: topic.name.clone(),
                partitions,
                ..Default::default()
            }],
            ..Default::default()
        };
        let response = cluster.call(leader, &request, 1..=9).await?;
        for partition in response.topics.into_iter().flat_map(|topic| topic.partitions) {
            let index = partition.partition_index;
            check(partition.error_code, None, || format!("offsets of {}-{index}", topic.name))?;
            offsets.insert(index, partition.offset);
        }
    }
    Ok(offsets)
}

/// The offsets that a group committed, by topic and partition: of these partitions, or of all.
pub(crate) async fn committed_offsets(
    cluster: &mut Cluster,
    coordinator: NodeId,
    group: &str,
    topics: Option<Vec<OffsetFetchRequestTopics>>,
) -> Result<BTreeMap<(String, PartitionIndex), Offset>, ClientError> {
    let request = OffsetFetchRequest {
        groups: vec![OffsetFetchRequestGroup {
            group_id: group.to_owned(),
            topics,
            ..Default::default()
        }],
        ..Default::default()
    };
    let what = || format!("offsets of the group {group}");
    // From version 10 on topics go by their ids.
    let response = cluster.call(coordinator, &request, 8..=9).await?;
    let mut offsets = BTreeMap::new();
    for answer in response.groups {
        check(answer.error_code, None, what)?;
        for topic in answer.topics {
            for partition in topic.partitions {
                check(partition.error_code, None, what)?;
                if partition.committed_offset >= 0 {
                    let key = (topic.name.clone(), partition.partition_index);
                    offsets.insert(key, partition.committed_offset);
                }
            }
        }
    }
    Ok(offsets)
}
