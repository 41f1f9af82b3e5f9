//! What the node carries, in messages of bounded size.

use std::collections::BTreeSet;
use std::sync::Arc;

use taffrail_admin_api::v1::{GetLoadRequest, GetLoadResponse, NodeLoad, PartitionLoad};
use taffrail_admin_api::{LOAD_PARTITIONS_MAX, LOAD_TOPICS_MAX};
use taffrail_model::{TopicIdPartition, Uuid};
use tonic::Status;

use crate::config::Machine;
use crate::runtime::{NodeView, PartitionCell};
use crate::telemetry::{Metrics, ProcessUsage};

/// The messages of one answer. Each is made when it is asked for, so that an answer that nobody reads holds none.
pub(super) struct LoadMessages {
    view: Arc<NodeView>,
    /// Empty for all.
    topics: BTreeSet<Uuid>,
    totals: Option<NodeLoad>,
    last: Option<TopicIdPartition>,
    is_over: bool,
}

impl LoadMessages {
    /// The answer to a request.
    pub(super) fn new(
        view: Arc<NodeView>,
        metrics: &Metrics,
        machine: &Machine,
        request: &GetLoadRequest,
    ) -> Result<Self, Status> {
        let topics = topics(request)?;
        let totals = totals(&view, metrics, machine);
        Ok(Self { view, topics, totals: Some(totals), last: None, is_over: request.totals_only })
    }

    /// Up to a message's worth of partitions, of which some may not be wanted.
    fn next_partitions(&mut self) -> Vec<PartitionLoad> {
        let cells = self.view.partitions_after(self.last, LOAD_PARTITIONS_MAX);
        self.is_over = cells.len() < LOAD_PARTITIONS_MAX;
        self.last = cells.last().map(|cell| cell.id);
        let wanted =
            |id: &TopicIdPartition| self.topics.is_empty() || self.topics.contains(&id.topic_id);
        cells.iter().filter(|cell| wanted(&cell.id)).map(|cell| partition(cell)).collect()
    }
}

impl Iterator for LoadMessages {
    type Item = Result<GetLoadResponse, Status>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(totals) = self.totals.take() {
            return Some(Ok(GetLoadResponse { node: Some(totals), partitions: Vec::new() }));
        }
        while !self.is_over {
            let partitions = self.next_partitions();
            if !partitions.is_empty() {
                return Some(Ok(GetLoadResponse { node: None, partitions }));
            }
        }
        None
    }
}

fn topics(request: &GetLoadRequest) -> Result<BTreeSet<Uuid>, Status> {
    let ids = &request.topic_ids;
    if ids.len() > LOAD_TOPICS_MAX {
        let text = format!("{} topics are named, and {LOAD_TOPICS_MAX} may be", ids.len());
        return Err(Status::invalid_argument(text));
    }
    let parse = |id: &String| {
        // What isn't an id isn't repeated: it may be anything.
        id.parse().map_err(|_| Status::invalid_argument("topic_ids has 22-character ids"))
    };
    ids.iter().map(parse).collect()
}

fn totals(view: &NodeView, metrics: &Metrics, machine: &Machine) -> NodeLoad {
    let usage = ProcessUsage::read();
    let mut load = NodeLoad {
        node_id: view.node_id,
        process_start_time_unix_ms: view.started_at,
        observed_time_unix_ms: view.wall_clock(),
        uptime_ms: u64::try_from(view.uptime().as_millis()).unwrap_or(u64::MAX),
        cumulative_in_bytes: metrics.topics.bytes_in.get(),
        cumulative_out_bytes: metrics.topics.bytes_out.get(),
        cumulative_in_records: metrics.topics.messages_in.get(),
        cumulative_cpu_seconds: usage.cpu_seconds,
        resident_memory_bytes: usage.resident_bytes,
        memory_limit_bytes: machine.memory_limit_bytes,
        cpu_limit_cores: machine.cpu_limit_cores,
        ..NodeLoad::default()
    };
    let mut last = None;
    loop {
        let cells = view.partitions_after(last, LOAD_PARTITIONS_MAX);
        let Some(end) = cells.last() else { return load };
        last = Some(end.id);
        for cell in cells {
            load.partitions += 1;
            load.leaders += u64::from(cell.view().leading);
            load.log_size_bytes += cell.log_size_bytes();
        }
    }
}

fn partition(cell: &PartitionCell) -> PartitionLoad {
    let traffic = cell.traffic.load();
    PartitionLoad {
        topic_id: cell.id.topic_id.to_string(),
        topic_name: cell.topic.to_string(),
        partition: cell.id.partition,
        is_leader: cell.view().leading,
        log_size_bytes: cell.log_size_bytes(),
        cumulative_in_bytes: traffic.in_bytes,
        cumulative_out_bytes: traffic.out_bytes,
        cumulative_in_records: traffic.in_records,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_few_and_have_ids() {
        let check = |ids: Vec<String>, expect: Result<usize, &str>| {
            let request = GetLoadRequest { topic_ids: ids, ..GetLoadRequest::default() };
            let got = topics(&request).map(|ids| ids.len());
            match (got, expect) {
                (Ok(got), Ok(expect)) => assert_eq!(got, expect),
                (Err(error), Err(part)) => assert!(error.message().contains(part), "{error}"),
                (got, expect) => panic!("{got:?} and not {expect:?}"),
            }
        };
        let id = Uuid::from_random([7; 16]).to_string();
        check(vec![], Ok(0));
        check(vec![id.clone(), id.clone()], Ok(1));
        check(vec![id.clone(), "x".to_owned()], Err("22-character"));
        check(vec![id; LOAD_TOPICS_MAX + 1], Err("1001 topics are named"));
    }
}
