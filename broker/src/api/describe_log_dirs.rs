//! DescribeLogDirs (35): what lies in each log dir, and how much room there is.

use std::collections::{BTreeMap, BTreeSet};

use taffrail_model::ErrorCode;
use taffrail_protocol::messages::DescribeLogDirsRequest;
use taffrail_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic;
use taffrail_protocol::messages::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResponse, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use taffrail_security::{Operation as Access, ResourcePattern as Resource};

use super::Call;
use crate::runtime::{LogDir, PartitionCell};

pub(super) async fn handle(
    call: &Call<'_>,
    request: DescribeLogDirsRequest,
) -> DescribeLogDirsResponse {
    if !call.may(Access::Describe, Resource::CLUSTER) {
        return DescribeLogDirsResponse {
            error_code: ErrorCode::ClusterAuthorizationFailed.code(),
            ..Default::default()
        };
    }
    let wanted = Wanted::new(request.topics);
    let results = call.broker.log_dirs().iter().map(|dir| to_wire(dir, &wanted)).collect();
    DescribeLogDirsResponse { results, ..Default::default() }
}

/// The partitions that were asked for.
enum Wanted {
    All,
    Named(BTreeSet<(String, i32)>),
}

impl Wanted {
    fn new(topics: Option<Vec<DescribableLogDirTopic>>) -> Self {
        let Some(topics) = topics else { return Self::All };
        let named =
            topics.into_iter().flat_map(|DescribableLogDirTopic { topic, partitions, .. }| {
                partitions.into_iter().map(move |partition| (topic.clone(), partition))
            });
        Self::Named(named.collect())
    }

    fn contains(&self, cell: &PartitionCell) -> bool {
        match self {
            Self::All => true,
            Self::Named(named) => {
                named.contains(&(cell.topic.as_str().to_owned(), cell.id.partition))
            }
        }
    }
}

fn to_wire(dir: &LogDir, wanted: &Wanted) -> DescribeLogDirsResult {
    let log_dir = dir.path.display().to_string();
    let Some(space) = dir.space else {
        return DescribeLogDirsResult {
            error_code: ErrorCode::KafkaStorageError.code(),
            log_dir,
            total_bytes: -1,
            usable_bytes: -1,
            ..Default::default()
        };
    };
    let mut topics: BTreeMap<&str, Vec<DescribeLogDirsPartition>> = BTreeMap::new();
    for cell in dir.partitions.iter().filter(|cell| wanted.contains(cell)) {
        topics.entry(cell.topic.as_str()).or_default().push(partition(cell));
    }
    let number = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    DescribeLogDirsResult {
        log_dir,
        topics: topics
            .into_iter()
            .map(|(name, partitions)| DescribeLogDirsTopic {
                name: name.to_owned(),
                partitions,
                ..Default::default()
            })
            .collect(),
        total_bytes: number(space.total_bytes),
        usable_bytes: number(space.free_bytes),
        ..Default::default()
    }
}

fn partition(cell: &PartitionCell) -> DescribeLogDirsPartition {
    let view = cell.view();
    DescribeLogDirsPartition {
        partition_index: cell.id.partition,
        partition_size: i64::try_from(cell.log_size_bytes()).unwrap_or(i64::MAX),
        offset_lag: (view.high_watermark - view.log_end).max(0),
        ..Default::default()
    }
}
