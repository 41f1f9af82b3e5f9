//! The group coordinator's shards, one for each partition of `__consumer_offsets` that this node leads.
//!
//! Owns which shard a group belongs to, which shards are led here, and the form of a shard's records in the log. The log
//! itself is the carrier's: an [`Effect::Append`] goes to the partition like any other append, and what became of
//! it comes back as an event.

use std::collections::BTreeMap;

use bytes::Bytes;
use taffrail_coordinator::{
    Answer, CoordinatorRecord, DeletedTopic, GroupConfig, GroupShard, LoadReport, LoadedBatch,
    LoadedRecord, ReplyToken, Request, RequestContext, WriteId,
};
use taffrail_model::{ErrorCode, Mono, Now, Offset, PartitionIndex, Timestamp};
use taffrail_protocol::batch::{Batch, BatchBuilder, BatchError};

/// What the groups are told.
#[derive(Clone, Debug)]
pub enum Event {
    /// This node leads the partition from now on. Its log follows as [`Event::Load`]s and one [`Event::Loaded`].
    Elected {
        /// The partition of `__consumer_offsets`.
        partition: PartitionIndex,
        /// Its high watermark.
        high_watermark: Offset,
    },
    /// The next batch of the partition's log.
    Load {
        /// The partition of `__consumer_offsets`.
        partition: PartitionIndex,
        /// The batch, in log order.
        batch: LoadedBatch,
    },
    /// The log was read to its end.
    Loaded {
        /// The partition of `__consumer_offsets`.
        partition: PartitionIndex,
    },
    /// This node doesn't lead the partition any longer.
    Resigned {
        /// The partition of `__consumer_offsets`.
        partition: PartitionIndex,
    },
    /// A request for the groups of one shard.
    Request {
        /// The partition of `__consumer_offsets` that owns the groups.
        partition: PartitionIndex,
        /// Names the reply.
        token: ReplyToken,
        /// Who asks.
        context: RequestContext,
        /// What is asked.
        request: Request,
    },
    /// Topics were deleted: every shard forgets their offsets.
    TopicsDeleted(Vec<DeletedTopic>),
    /// An append is in the log.
    Appended {
        /// The partition of `__consumer_offsets`.
        partition: PartitionIndex,
        /// Which append.
        write_id: WriteId,
        /// The offset of its last record.
        last_offset: Offset,
    },
    /// An append isn't in the log, and no later one of the shard was tried.
    AppendFailed {
        /// The partition of `__consumer_offsets`.
        partition: PartitionIndex,
        /// Which append.
        write_id: WriteId,
        /// Why.
        error: ErrorCode,
    },
    /// The partition's high watermark moved.
    Committed {
        /// The partition of `__consumer_offsets`.
        partition: PartitionIndex,
        /// The high watermark, exclusive.
        high_watermark: Offset,
    },
    /// Time passed; due at [`Groups::next_deadline`].
    Tick,
}

/// What the groups want done, in this order.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Append this batch to the partition, and say what became of it before any other event of the partition.
    Append {
        /// The partition of `__consumer_offsets`.
        partition: PartitionIndex,
        /// Which append.
        write_id: WriteId,
        /// One batch, with base offset 0.
        batch: Bytes,
    },
    /// Answer a request now.
    Reply {
        /// The request.
        token: ReplyToken,
        /// The answer.
        answer: Answer,
    },
    /// A rebalance begins, for the log.
    Rebalancing {
        /// The group.
        group_id: String,
        /// The generation that ends.
        generation_id: i32,
        /// Why.
        reason: String,
    },
    /// A shard serves from now on.
    LoadFinished {
        /// The partition of `__consumer_offsets`.
        partition: PartitionIndex,
        /// What was found.
        report: LoadReport,
    },
    /// A shard can't read its log, and serves nothing until it is elected again.
    LoadFailed {
        /// The partition of `__consumer_offsets`.
        partition: PartitionIndex,
        /// The last offset of the batch at fault.
        last_offset: Offset,
        /// What is wrong with it.
        reason: String,
    },
}

/// All shards that are led here.
#[derive(Debug)]
pub struct Groups {
    config: GroupConfig,
    shards: BTreeMap<PartitionIndex, GroupShard>,
    scratch: Vec<taffrail_coordinator::Effect>,
}

impl Groups {
    /// No shards yet.
    #[must_use]
    pub fn new(config: GroupConfig) -> Self {
        Self { config, shards: BTreeMap::new(), scratch: Vec::new() }
    }

    /// When a [`Event::Tick`] is due, if ever.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        self.shards.values().filter_map(GroupShard::next_deadline).min()
    }

    /// Takes one event.
    pub fn step(&mut self, now: Now, event: Event, out: &mut Vec<Effect>) {
        use taffrail_coordinator::Event as Shard;
        match event {
            Event::Elected { partition, high_watermark } => {
                self.shards
                    .entry(partition)
                    .or_insert_with(|| GroupShard::new(self.config.clone()));
                self.tell(now, partition, Shard::StartLoad { high_watermark }, out);
            }
            Event::Load { partition, batch } => self.tell(now, partition, Shard::Load(batch), out),
            Event::Loaded { partition } => self.tell(now, partition, Shard::Loaded, out),
            Event::Resigned { partition } => {
                self.tell(now, partition, Shard::Unload, out);
                self.shards.remove(&partition);
            }
            Event::Request { partition, token, context, request } => {
                if self.shards.contains_key(&partition) {
                    self.tell(now, partition, Shard::Request { token, context, request }, out);
                } else {
                    let answer = Answer::refusal(&request, ErrorCode::NotCoordinator);
                    out.push(Effect::Reply { token, answer });
                }
            }
            Event::TopicsDeleted(topics) => {
                let partitions: Vec<PartitionIndex> = self.shards.keys().copied().collect();
                for partition in partitions {
                    self.tell(now, partition, Shard::TopicsDeleted(topics.clone()), out);
                }
            }
            Event::Appended { partition, write_id, last_offset } => {
                self.tell(now, partition, Shard::Appended { write_id, last_offset }, out);
            }
            Event::AppendFailed { partition, write_id, error } => {
                self.tell(now, partition, Shard::AppendFailed { write_id, error }, out);
            }
            Event::Committed { partition, high_watermark } => {
                self.tell(now, partition, Shard::Committed { high_watermark }, out);
            }
            Event::Tick => {
                let due = |shard: &GroupShard| {
                    shard.next_deadline().is_some_and(|deadline| deadline <= now.mono)
                };
                let partitions: Vec<PartitionIndex> = self
                    .shards
                    .iter()
                    .filter(|(_, shard)| due(shard))
                    .map(|(&partition, _)| partition)
                    .collect();
                for partition in partitions {
                    self.tell(now, partition, Shard::Tick, out);
                }
            }
        }
    }

    fn tell(
        &mut self,
        now: Now,
        partition: PartitionIndex,
        event: taffrail_coordinator::Event,
        out: &mut Vec<Effect>,
    ) {
        let Some(shard) = self.shards.get_mut(&partition) else { return };
        shard.step(now, event, &mut self.scratch);
        out.extend(self.scratch.drain(..).map(|effect| translate(partition, effect)));
    }
}

fn translate(partition: PartitionIndex, effect: taffrail_coordinator::Effect) -> Effect {
    use taffrail_coordinator::Effect as Shard;
    match effect {
        Shard::Append { write_id, timestamp, records } => {
            Effect::Append { partition, write_id, batch: to_batch(timestamp, &records) }
        }
        Shard::Reply { token, answer } => Effect::Reply { token, answer },
        Shard::Rebalancing { group_id, generation_id, reason } => {
            Effect::Rebalancing { group_id, generation_id, reason }
        }
        Shard::LoadFinished(report) => Effect::LoadFinished { partition, report },
        Shard::LoadFailed { last_offset, error } => {
            Effect::LoadFailed { partition, last_offset, reason: error.to_string() }
        }
    }
}

fn to_batch(timestamp: Timestamp, records: &[CoordinatorRecord]) -> Bytes {
    let mut builder = BatchBuilder::new();
    for record in records {
        builder.append(timestamp, Some(&record.key), record.value.as_deref(), &[]);
    }
    builder.build()
}

/// A batch of `__consumer_offsets` in the coordinator's words; `None` for a control batch, which is none of its business.
///
/// # Errors
/// When the batch can't be read. `inflated_bytes_max` bounds what a compressed one may become.
pub fn loaded_batch(
    batch: &Batch,
    inflated_bytes_max: usize,
) -> Result<Option<LoadedBatch>, BatchError> {
    if batch.header.is_control() {
        return Ok(None);
    }
    let mut records = Vec::new();
    for record in batch.records(inflated_bytes_max)? {
        let record = record?;
        records.push(LoadedRecord { key: record.key, value: record.value });
    }
    Ok(Some(LoadedBatch {
        last_offset: batch.header.last_offset(),
        transactional: batch.header.is_transactional(),
        records,
    }))
}
