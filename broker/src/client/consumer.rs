//! Reading the records of a topic, from positions that the caller sets.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use taffrail_model::{ErrorCode, NodeId, Offset, PartitionIndex};
use taffrail_protocol::batch::{Batch, BatchError, Batches, Record};
use taffrail_protocol::messages::FetchRequest;
use taffrail_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use taffrail_protocol::messages::fetch_response::PartitionData;
use tokio::time::sleep;

use super::cluster::{Cluster, RETRY_PAUSE, Topic};
use super::error::{ClientError, check};
use super::offsets::{Bound, list_offsets};

/// How long a poll may wait for records, all leaders together.
const MAX_WAIT_MS: i32 = 500;
const MAX_BYTES: i32 = 16 * 1024 * 1024;
const PARTITION_MAX_BYTES: i32 = 1024 * 1024;
/// What the records of one batch may inflate to.
const MOST_INFLATED: usize = 256 * 1024 * 1024;

/// Reads partitions of one topic.
pub(crate) struct Consumer {
    topic: Topic,
    /// Where to go on when a position is no longer, or not yet, in the log.
    reset: Bound,
    positions: BTreeMap<PartitionIndex, Offset>,
    /// Leaders in the order in which they are asked next.
    leaders: VecDeque<NodeId>,
}

impl Consumer {
    /// A consumer without partitions.
    pub(crate) fn new(topic: Topic, reset: Bound) -> Self {
        Self { topic, reset, positions: BTreeMap::new(), leaders: VecDeque::new() }
    }

    /// The topic, as it was seen last.
    pub(crate) const fn topic(&self) -> &Topic {
        &self.topic
    }

    /// The next offset of each partition that is read.
    pub(crate) const fn positions(&self) -> &BTreeMap<PartitionIndex, Offset> {
        &self.positions
    }

    /// Reads these partitions from now on, and no others; one without an offset begins where the reset says.
    pub(crate) async fn assign(
        &mut self,
        cluster: &mut Cluster,
        partitions: &[PartitionIndex],
        offsets: &BTreeMap<PartitionIndex, Offset>,
    ) -> Result<(), ClientError> {
        let (known, unknown): (Vec<_>, Vec<_>) =
            partitions.iter().partition(|partition| offsets.contains_key(partition));
        let mut positions = list_offsets(cluster, &self.topic, &unknown, self.reset).await?;
        for partition in known {
            if let Some(&offset) = offsets.get(&partition) {
                positions.insert(partition, offset);
            }
        }
        self.positions = positions;
        self.leaders.clear();
        Ok(())
    }

    /// The next records of one partition or more, which may be none, and each with its partition. Positions
    /// are behind them when this returns.
    pub(crate) async fn poll(
        &mut self,
        cluster: &mut Cluster,
    ) -> Result<Vec<(PartitionIndex, Record)>, ClientError> {
        let polled = self.poll_once(cluster).await;
        match polled {
            Err(error) if error.is_retriable() => {
                sleep(RETRY_PAUSE).await;
                // Whoever leads now will be asked next; while nobody answers, the next poll tries again.
                if let Ok(topic) = cluster.topic(&self.topic.name).await {
                    self.topic = topic;
                }
                self.leaders.clear();
                Ok(Vec::new())
            }
            polled => polled,
        }
    }

    async fn poll_once(
        &mut self,
        cluster: &mut Cluster,
    ) -> Result<Vec<(PartitionIndex, Record)>, ClientError> {
        let mut by_leader = self.by_leader();
        if by_leader.values().map(Vec::len).sum::<usize>() < self.positions.len() {
            // The partitions without a leader must not hold up the others.
            self.topic = cluster.topic(&self.topic.name).await?;
            by_leader = self.by_leader();
        }
        // One leader a poll, in turn: a wait at one is a delay for the others, so they share it.
        if self.leaders.is_empty() {
            self.leaders = by_leader.keys().copied().collect();
        }
        let Some(leader) = self.leaders.pop_front() else {
            sleep(RETRY_PAUSE).await;
            return Ok(Vec::new());
        };
        let share = i32::try_from(by_leader.len()).unwrap_or(i32::MAX).max(1);
        let partitions = by_leader.remove(&leader).unwrap_or_default();
        let request = self.request(&partitions, MAX_WAIT_MS / share);
        let response = cluster.call(leader, &request, 4..=i16::MAX).await?;
        check(response.error_code, None, || format!("cannot fetch from {}", self.topic.name))?;
        let mut records = Vec::new();
        let mut failure = None;
        for data in response.responses.into_iter().flat_map(|topic| topic.partitions) {
            if let Err(error) = self.take(cluster, data, &mut records).await {
                failure = Some(error);
            }
        }
        match failure {
            // Records that were taken are handed on first: positions are behind them. What failed will fail
            // again if it doesn't pass by itself.
            Some(error) if records.is_empty() => Err(error),
            _ => Ok(records),
        }
    }

    /// The partitions that have a leader, by leader.
    fn by_leader(&self) -> BTreeMap<NodeId, Vec<PartitionIndex>> {
        let mut by_leader: BTreeMap<NodeId, Vec<PartitionIndex>> = BTreeMap::new();
        for &partition in self.positions.keys() {
            if let Ok(leader) = self.topic.leader(partition) {
                by_leader.entry(leader).or_default().push(partition);
            }
        }
        by_leader
    }

    fn request(&self, partitions: &[PartitionIndex], max_wait_ms: i32) -> FetchRequest {
        let partitions = partitions
            .iter()
            .filter_map(|&partition| {
                Some(FetchPartition {
                    partition,
                    fetch_offset: *self.positions.get(&partition)?,
                    partition_max_bytes: PARTITION_MAX_BYTES,
                    ..Default::default()
                })
            })
            .collect();
        FetchRequest {
            max_wait_ms,
            min_bytes: 1,
            max_bytes: MAX_BYTES,
            topics: vec![FetchTopic {
                topic: self.topic.name.clone(),
                topic_id: self.topic.id,
                partitions,
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    async fn take(
        &mut self,
        cluster: &mut Cluster,
        data: PartitionData,
        records: &mut Vec<(PartitionIndex, Record)>,
    ) -> Result<(), ClientError> {
        let partition = data.partition_index;
        let Some(&position) = self.positions.get(&partition) else {
            return Ok(());
        };
        if data.error_code == ErrorCode::OffsetOutOfRange.code() {
            let fresh = list_offsets(cluster, &self.topic, &[partition], self.reset).await?;
            self.positions.extend(fresh);
            return Ok(());
        }
        check(data.error_code, None, || format!("cannot read {}-{partition}", self.topic.name))?;
        let bytes = data.records.map_or_else(Bytes::new, |records| records.into_contiguous());
        let read = read_from(bytes, position);
        self.positions.insert(partition, read.next);
        records.extend(read.records.into_iter().map(|record| (partition, record)));
        read.failure.map_or(Ok(()), |source| {
            Err(ClientError::Records {
                topic: self.topic.name.clone(),
                partition,
                offset: read.next,
                source,
            })
        })
    }
}

/// What fetched bytes hold.
struct Read {
    records: Vec<Record>,
    /// The position behind the last batch that could be read.
    next: Offset,
    /// Why the batch at that position can't be read.
    failure: Option<BatchError>,
}

/// Reads the records of `bytes` from `position` on. Control records are passed over, and a last batch that the
/// fetch cut short is left for the next one.
fn read_from(bytes: Bytes, position: Offset) -> Read {
    let mut read = Read { records: Vec::new(), next: position, failure: None };
    for batch in Batches::new(bytes) {
        match batch.and_then(|batch| Ok((batch.header.next_offset(), records_of(&batch)?))) {
            Ok((next, records)) => {
                // A fetch in the middle of a batch returns all of it.
                let wanted = records.into_iter().filter(|record| record.offset >= position);
                read.records.extend(wanted);
                read.next = read.next.max(next);
            }
            Err(BatchError::Torn { .. }) => break,
            Err(error) => {
                read.failure = Some(error);
                break;
            }
        }
    }
    read
}

fn records_of(batch: &Batch) -> Result<Vec<Record>, BatchError> {
    batch.verify_crc()?;
    if batch.header.is_control() {
        return Ok(Vec::new());
    }
    batch.records(MOST_INFLATED)?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use taffrail_protocol::batch::BatchBuilder;

    fn batch(base_offset: Offset, control: bool) -> Bytes {
        BatchBuilder::new()
            .base_offset(base_offset)
            .control(control)
            .append(1, None, Some(b"a"), &[])
            .append(1, None, Some(b"b"), &[])
            .build()
    }

    #[test]
    fn reading_begins_at_the_position_and_ends_at_the_last_whole_batch() {
        let fetched = [&batch(10, false)[..], &batch(12, true)[..], &batch(14, false)[..]].concat();
        let check = |length: usize, position: Offset, expect: &[Offset], next: Offset| {
            let read = read_from(Bytes::copy_from_slice(&fetched[..length]), position);
            let offsets: Vec<_> = read.records.iter().map(|record| record.offset).collect();
            assert_eq!(offsets, expect);
            assert_eq!((read.next, read.failure), (next, None));
        };
        let one = fetched.len() / 3;
        check(fetched.len(), 10, &[10, 11, 14, 15], 16);
        check(fetched.len(), 11, &[11, 14, 15], 16);
        check(fetched.len() - 1, 11, &[11], 14);
        check(one * 2, 12, &[], 14);
        check(one - 1, 10, &[], 10);
        check(0, 5, &[], 5);
    }

    #[test]
    fn records_before_a_damaged_batch_are_read_once() {
        let mut fetched = [&batch(0, false)[..], &batch(2, false)[..]].concat();
        *fetched.last_mut().expect("bytes") ^= 1;
        let read = read_from(fetched.into(), 0);
        assert_eq!((read.records.len(), read.next), (2, 2));
        assert!(matches!(read.failure, Some(BatchError::Crc { .. })));
    }
}
