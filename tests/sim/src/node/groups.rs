//! The part of the node that carries the group coordinator.

use std::collections::VecDeque;

use bytes::Bytes;
use taffrail_coordinator::{self as coordinator, RequestContext, WriteId};
use taffrail_model::{
    ErrorCode, GROUP_METADATA_TOPIC, Now, PartitionIndex, TopicIdPartition, partition_for_key,
};
use taffrail_node::groups::{Effect, Event, loaded_batch};
use taffrail_node::partition::{Acks, Append};

use super::{Node, OFFSETS_PARTITIONS};

/// The most that a batch of the simulation may become.
const INFLATED_BYTES_MAX: usize = 1 << 20;

/// The partition of `__consumer_offsets` that owns a group.
fn partition_of(group_id: &str) -> PartitionIndex {
    partition_for_key(group_id, OFFSETS_PARTITIONS)
}

impl Node {
    /// Asks the shard of a group. The answer comes by [`Node::take_group_answer`] under the token that is returned.
    pub(crate) fn ask_group(
        &mut self,
        now: Now,
        group_id: &str,
        request: coordinator::Request,
    ) -> u64 {
        let token = self.token();
        let context =
            RequestContext { client_id: "sim".to_owned(), client_host: "/127.0.0.1".to_owned() };
        let partition = partition_of(group_id);
        let reply = coordinator::ReplyToken(token);
        self.tell_groups(now, Event::Request { partition, token: reply, context, request });
        token
    }

    /// The answer of a group, once there is one.
    pub(crate) fn take_group_answer(&mut self, token: u64) -> Option<coordinator::Answer> {
        self.group_answers.remove(&token)
    }

    /// Hands an event to the groups, and carries out what they want. What they cause themselves by that (a high
    /// watermark that moves) they hear afterwards.
    pub(super) fn tell_groups(&mut self, now: Now, event: Event) {
        self.group_inbox.push_back(event);
        if std::mem::replace(&mut self.is_telling_groups, true) {
            return;
        }
        while let Some(event) = self.group_inbox.pop_front() {
            self.step_groups(now, event);
        }
        self.is_telling_groups = false;
    }

    fn step_groups(&mut self, now: Now, event: Event) {
        let mut out = Vec::new();
        self.groups.step(now, event, &mut out);
        let mut effects = VecDeque::from(out);
        while let Some(effect) = effects.pop_front() {
            let Some(event) = self.carry_out_group(now, effect) else { continue };
            if let Event::AppendFailed { partition: failed, .. } = event {
                // A shard undoes all that came after a failed append, so none of it may reach the log.
                effects.retain(|later| {
                    !matches!(later, Effect::Append { partition, .. } if *partition == failed)
                });
            }
            let mut out = Vec::new();
            self.groups.step(now, event, &mut out);
            effects.extend(out);
        }
    }

    fn carry_out_group(&mut self, now: Now, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Append { partition, write_id, batch } => {
                return Some(self.append_for_group(now, partition, write_id, batch));
            }
            Effect::Reply { token, answer } => {
                self.group_answers.insert(token.0, answer);
            }
            Effect::LoadFailed { partition, last_offset, reason } => {
                self.fail(format!("groups of partition {partition} at {last_offset}: {reason}"));
            }
            Effect::LoadFinished { .. } | Effect::Rebalancing { .. } => {}
        }
        None
    }

    fn append_for_group(
        &mut self,
        now: Now,
        partition: PartitionIndex,
        write_id: WriteId,
        batch: Bytes,
    ) -> Event {
        let reply = self.token();
        match self.offsets_partition(partition) {
            Some(id) => {
                let append = Append { batch, acks: Acks::None, log_append_time: -1, reply };
                self.step_partition(now, id, taffrail_node::partition::Event::Append(vec![append]));
            }
            None => {
                let error = ErrorCode::NotLeaderOrFollower;
                return Event::AppendFailed { partition, write_id, error };
            }
        }
        match self.append_answers.remove(&reply) {
            Some(Ok(appended)) => {
                Event::Appended { partition, write_id, last_offset: appended.last_offset }
            }
            Some(Err(refusal)) => {
                Event::AppendFailed { partition, write_id, error: refusal.code() }
            }
            None => {
                self.fail("an append of the node's own was not answered at once".to_owned());
                let error = ErrorCode::UnknownServerError;
                Event::AppendFailed { partition, write_id, error }
            }
        }
    }

    fn offsets_partition(&self, partition: PartitionIndex) -> Option<TopicIdPartition> {
        let is_it = |(id, topic): &(&TopicIdPartition, &taffrail_model::TopicName)| {
            id.partition == partition && topic.as_str() == GROUP_METADATA_TOPIC
        };
        self.hosted.iter().find(is_it).map(|(id, _)| *id)
    }

    /// Hands the log of a partition of `__consumer_offsets` to its shard.
    pub(super) fn load_groups(&mut self, now: Now, id: TopicIdPartition) {
        let partition = id.partition;
        let Some(view) = self.view(id) else { return };
        self.tell_groups(now, Event::Elected { partition, high_watermark: view.high_watermark });
        let batches = match self.read(id, view.log_start, view.log_end) {
            Ok(batches) => batches,
            Err(error) => return self.fail(format!("the log of groups can't be read: {error}")),
        };
        for batch in batches {
            match loaded_batch(&batch, INFLATED_BYTES_MAX) {
                Ok(Some(batch)) => self.tell_groups(now, Event::Load { partition, batch }),
                Ok(None) => {}
                Err(error) => self.fail(format!("a batch of groups: {}", super::chain(error))),
            }
        }
        self.tell_groups(now, Event::Loaded { partition });
    }
}
