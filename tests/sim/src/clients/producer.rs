//! An idempotent producer that sends again what it has no answer for.

use std::collections::VecDeque;

use anyhow::{Result, bail};
use bytes::Bytes;
use taffrail_log::AppendError;
use taffrail_model::{Offset, ProducerId, TopicIdPartition};
use taffrail_node::partition::{Acks, AppendRefusal, Appended};
use taffrail_protocol::batch::{BatchBuilder, BatchHeader};

use super::Admin;
use crate::model::{Acked, BatchKey};
use crate::turn::Turn;

/// Batches in flight of a producer that has several, fewer than the five that a log remembers of each producer.
const IN_FLIGHT_MAX: usize = 3;

#[derive(Debug)]
struct InFlight {
    key: BatchKey,
    records: i32,
    bytes: Bytes,
    /// The answer to wait for; `None` when it has to be sent again.
    token: Option<u64>,
    /// Where the log ended when it was sent last.
    log_end: Offset,
}

/// One producer.
#[derive(Debug)]
pub(crate) struct Producer {
    acks: Acks,
    in_flight_max: usize,
    target: Option<TopicIdPartition>,
    id: Option<ProducerId>,
    next_sequence: i32,
    in_flight: VecDeque<InFlight>,
    /// Something failed: nothing is sent until all answers are in, and then everything again in its order.
    is_draining: bool,
    /// The node was restarted under what is in flight.
    is_resumed: bool,
    acked: u64,
}

impl Producer {
    pub(crate) fn new(acks: Acks, has_several_in_flight: bool) -> Self {
        Self {
            acks,
            in_flight_max: if has_several_in_flight { IN_FLIGHT_MAX } else { 1 },
            target: None,
            id: None,
            next_sequence: 0,
            in_flight: VecDeque::new(),
            is_draining: false,
            is_resumed: false,
            acked: 0,
        }
    }

    /// How many batches were acknowledged.
    pub(crate) fn acked(&self) -> u64 {
        self.acked
    }

    /// The node is gone, and with it all answers.
    pub(crate) fn disconnect(&mut self) {
        for batch in &mut self.in_flight {
            batch.token = None;
        }
        self.is_draining = true;
        self.is_resumed = true;
    }

    /// Forgets its id and whatever was in flight, which may be in the log or not.
    fn begin_anew(&mut self) {
        self.id = None;
        self.next_sequence = 0;
        self.in_flight.clear();
        self.is_draining = false;
    }

    /// Takes the answers that are there, and sends what is to be sent.
    pub(crate) fn step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        if self.target.is_none_or(|id| !turn.model.histories.contains_key(&id)) {
            self.begin_anew();
            self.target = turn.any_partition();
        }
        let Some(target) = self.target else { return Ok(()) };
        self.take_answers(turn, target)?;
        self.is_resumed &= !self.in_flight.is_empty();
        if !turn.node.is_ready() {
            return Ok(());
        }
        if self.id.is_none() {
            self.id = Admin::producer_id(turn)?;
        }
        let Some(id) = self.id else { return Ok(()) };
        if self.is_draining {
            if self.in_flight.iter().any(|batch| batch.token.is_some()) {
                return Ok(());
            }
            self.is_draining = false;
        } else {
            while self.in_flight.len() < self.in_flight_max && turn.rng.below(10) < 6 {
                let batch = self.next_batch(turn, target, id);
                self.in_flight.push_back(batch);
            }
        }
        self.send(turn, target);
        self.take_answers(turn, target)
    }

    fn next_batch(
        &mut self,
        turn: &mut Turn<'_>,
        target: TopicIdPartition,
        id: ProducerId,
    ) -> InFlight {
        let records = 1 + i32::try_from(turn.rng.below(4)).unwrap_or(0);
        let key = BatchKey { producer_id: id, sequence: self.next_sequence };
        let mut builder = BatchBuilder::new().producer(id, 0, key.sequence);
        for index in 0..records {
            let size = usize::try_from(turn.rng.below(120)).unwrap_or(0);
            let value = format!("{id} {} {:size$}", key.sequence + index, "");
            builder.append(turn.now.wall, None, Some(value.as_bytes()), &[]);
        }
        let bytes = builder.build();
        if let Ok(header) = BatchHeader::parse(&bytes) {
            turn.model.sent.add(target, key, header.crc);
        }
        self.next_sequence += records;
        InFlight { key, records, bytes, token: None, log_end: 0 }
    }

    fn send(&mut self, turn: &mut Turn<'_>, target: TopicIdPartition) {
        let log_end = turn.node.view(target).map_or(0, |view| view.log_end);
        let unsent = || |batch: &&mut InFlight| batch.token.is_none();
        let batches: Vec<Bytes> =
            self.in_flight.iter_mut().filter(unsent()).map(|batch| batch.bytes.clone()).collect();
        if batches.is_empty() {
            return;
        }
        let tokens = turn.node.append(turn.now, target, batches, self.acks);
        for (batch, token) in self.in_flight.iter_mut().filter(unsent()).zip(tokens) {
            batch.token = Some(token);
            batch.log_end = log_end;
        }
    }

    fn take_answers(&mut self, turn: &mut Turn<'_>, target: TopicIdPartition) -> Result<()> {
        let mut index = 0;
        while let Some(batch) = self.in_flight.get_mut(index) {
            let Some(token) = batch.token else {
                index += 1;
                continue;
            };
            match turn.node.take_append_answer(token) {
                None => index += 1,
                Some(Ok(appended)) => {
                    if let Some(batch) = self.in_flight.remove(index) {
                        self.acknowledged(turn, target, &batch, appended)?;
                    }
                }
                Some(Err(refusal)) => {
                    batch.token = None;
                    let key = batch.key;
                    self.is_draining = true;
                    if !self.is_refused(turn, target, key, index == 0, &refusal)? {
                        return Ok(());
                    }
                    index += 1;
                }
            }
        }
        Ok(())
    }

    fn acknowledged(
        &mut self,
        turn: &mut Turn<'_>,
        target: TopicIdPartition,
        batch: &InFlight,
        appended: Appended,
    ) -> Result<()> {
        let Appended { base_offset, last_offset, .. } = appended;
        if last_offset - base_offset + 1 != i64::from(batch.records) {
            bail!("{target:?}: {} records were acknowledged as {appended:?}", batch.records);
        }
        self.acked += 1;
        turn.coverage.batches_acked += 1;
        turn.coverage.duplicates_answered += u64::from(base_offset < batch.log_end);
        turn.note(format_args!("{target:?}: {:?} acknowledged at {base_offset}", batch.key));
        match turn.model.histories.get_mut(&target) {
            Some(history) => {
                history.acknowledge(Acked { base_offset, last_offset, key: batch.key })
            }
            None => Ok(()),
        }
    }

    /// Whether the batch is to be sent again; otherwise the producer has begun anew.
    fn is_refused(
        &mut self,
        turn: &mut Turn<'_>,
        target: TopicIdPartition,
        key: BatchKey,
        is_first: bool,
        refusal: &AppendRefusal,
    ) -> Result<bool> {
        turn.note(format_args!("{target:?}: {key:?} refused: {refusal}"));
        match refusal {
            AppendRefusal::NotLeader | AppendRefusal::NotEnoughReplicas => Ok(true),
            AppendRefusal::Log(AppendError::Storage(_)) => {
                turn.coverage.appends_failed += 1;
                turn.excuse(format_args!("an append failed: {refusal}"))?;
                Ok(true)
            }
            // One before it has failed, and both go again.
            AppendRefusal::Log(AppendError::OutOfOrderSequence { .. }) if !is_first => Ok(true),
            AppendRefusal::Log(AppendError::OutOfOrderSequence { .. })
                if turn.model.histories.get(&target).is_some_and(|log| {
                    // Of each producer a snapshot of Kafka's format has the last batch alone.
                    log.has_lost() || (self.is_resumed && log.is_followed(key))
                }) =>
            {
                turn.coverage.producers_renewed += 1;
                self.begin_anew();
                Ok(false)
            }
            other => bail!("{target:?}: {key:?} was refused: {other}"),
        }
    }
}
