//! Writing records to a topic.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use taffrail_model::{NodeId, PartitionIndex, Timestamp};
use taffrail_protocol::batch::BatchBuilder;
use taffrail_protocol::compression::Compression;
use taffrail_protocol::messages::ProduceRequest;
use taffrail_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use taffrail_protocol::messages::produce_response::PartitionProduceResponse;
use taffrail_protocol::wire::Records;
use tokio::time::{Instant, sleep};

use super::cluster::{Cluster, RETRY_PAUSE, Topic};
use super::error::{ClientError, check};
use super::partitioner::partition_of_key;

/// What a partition gathers before it is sent: far below the default `max.message.bytes`.
const BATCH_BYTES: usize = 256 * 1024;
/// How long a batch is tried again when an error passes by itself.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the brokers may wait for replicas.
const TIMEOUT_MS: i32 = 25_000;

/// When a write counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acks {
    /// When it was sent.
    None,
    /// When the leader has it.
    Leader,
    /// When all in-sync replicas have it.
    All,
}

impl Acks {
    const fn code(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Leader => 1,
            Self::All => -1,
        }
    }
}

/// How records are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProducerOptions {
    /// When a write counts.
    pub(crate) acks: Acks,
    /// The codec of the batches.
    pub(crate) compression: Compression,
    /// The partition of every record; otherwise the key chooses, or the turn.
    pub(crate) partition: Option<PartitionIndex>,
}

/// Gathers records into one batch for each partition, and sends the batches.
pub(crate) struct Producer {
    topic: Topic,
    options: ProducerOptions,
    batches: BTreeMap<PartitionIndex, BatchBuilder>,
    /// Rises with each send, since records without a key change their partition with it. It begins anywhere, so
    /// that many short runs fill all partitions.
    turn: usize,
}

impl Producer {
    /// A producer to a topic that exists.
    pub(crate) async fn new(
        cluster: &mut Cluster,
        topic: &str,
        options: ProducerOptions,
    ) -> Result<Self, ClientError> {
        let topic = cluster.topic(topic).await?;
        if let Some(partition) = options.partition {
            topic.leader(partition)?;
        }
        Ok(Self {
            topic,
            options,
            batches: BTreeMap::new(),
            turn: usize::from(rand::random::<u16>()),
        })
    }

    /// Adds a record, and returns whether a batch is large enough to be sent.
    #[must_use]
    pub(crate) fn append(
        &mut self,
        timestamp: Timestamp,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> bool {
        let partition = self.partition_for(key);
        let compression = self.options.compression;
        let batch = self
            .batches
            .entry(partition)
            .or_insert_with(|| BatchBuilder::new().compression(compression));
        batch.append(timestamp, key, value, &[]);
        batch.records_size() >= BATCH_BYTES
    }

    /// Sends what was gathered, and waits until it counts.
    pub(crate) async fn flush(&mut self, cluster: &mut Cluster) -> Result<(), ClientError> {
        if self.batches.is_empty() {
            return Ok(());
        }
        self.turn = self.turn.wrapping_add(1);
        let mut left: BTreeMap<_, _> = std::mem::take(&mut self.batches)
            .into_iter()
            .map(|(partition, batch)| (partition, batch.build()))
            .collect();
        let deadline = Instant::now() + PATIENCE;
        while !left.is_empty() {
            match self.send(cluster, &mut left).await {
                Ok(()) => {}
                Err(error) if error.is_retriable() && Instant::now() < deadline => {
                    sleep(RETRY_PAUSE).await;
                    // A leader may have moved, which the next try must know. When nobody answers, what
                    // was known serves for another try.
                    if let Ok(topic) = cluster.topic(&self.topic.name).await {
                        self.topic = topic;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sends every batch of `left` once, and takes out those that count.
    async fn send(
        &self,
        cluster: &mut Cluster,
        left: &mut BTreeMap<PartitionIndex, Bytes>,
    ) -> Result<(), ClientError> {
        let mut by_leader: BTreeMap<NodeId, Vec<PartitionIndex>> = BTreeMap::new();
        for &partition in left.keys() {
            let leader = self.topic.leader(partition)?;
            by_leader.entry(leader).or_default().push(partition);
        }
        for (leader, partitions) in by_leader {
            let request = self.request(&partitions, left);
            if self.options.acks == Acks::None {
                cluster.send(leader, &request, 3..=i16::MAX).await?;
                left.retain(|partition, _| !partitions.contains(partition));
                continue;
            }
            let response = cluster.call(leader, &request, 3..=i16::MAX).await?;
            let mut failure = None;
            for answer in response.responses.into_iter().flat_map(|topic| topic.partition_responses)
            {
                match self.judge(&answer) {
                    Ok(()) => {
                        left.remove(&answer.index);
                    }
                    // One that passes by itself must not hide one that doesn't.
                    Err(error) if failure.is_none() || !error.is_retriable() => {
                        failure = Some(error);
                    }
                    Err(_) => {}
                }
            }
            failure.map_or(Ok(()), Err)?;
        }
        Ok(())
    }

    fn request(
        &self,
        partitions: &[PartitionIndex],
        batches: &BTreeMap<PartitionIndex, Bytes>,
    ) -> ProduceRequest {
        let partition_data = partitions
            .iter()
            .map(|&index| PartitionProduceData {
                index,
                records: batches.get(&index).cloned().map(Records::from),
                ..Default::default()
            })
            .collect();
        ProduceRequest {
            acks: self.options.acks.code(),
            timeout_ms: TIMEOUT_MS,
            topic_data: vec![TopicProduceData {
                name: self.topic.name.clone(),
                topic_id: self.topic.id,
                partition_data,
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    fn judge(&self, answer: &PartitionProduceResponse) -> Result<(), ClientError> {
        let first = answer.record_errors.first();
        let message = first
            .and_then(|record| record.batch_index_error_message.as_deref())
            .or(answer.error_message.as_deref());
        check(answer.error_code, message, || {
            format!("cannot write to {}-{}", self.topic.name, answer.index)
        })
    }

    fn partition_for(&self, key: Option<&[u8]>) -> PartitionIndex {
        let partitions = &self.topic.partitions;
        match (self.options.partition, key) {
            (Some(partition), _) => partition,
            (None, Some(key)) => {
                partition_of_key(key, i32::try_from(partitions.len()).unwrap_or(i32::MAX))
            }
            // One partition a send makes large batches.
            (None, None) => partitions
                .get(self.turn % partitions.len().max(1))
                .map_or(0, |partition| partition.partition_index),
        }
    }
}
