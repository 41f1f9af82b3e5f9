//! Creates and deletes topics.

use anyhow::{Result, bail, ensure};
use taffrail_metadata::{Answer, DeleteTopic, NewTopic, Operation};
use taffrail_model::{ErrorCode, GROUP_METADATA_TOPIC};

use crate::model::TopicState;
use crate::node::{NODE, OFFSETS_PARTITIONS};
use crate::turn::Turn;

/// Topics that stay, one of each durability.
const LASTING: [&str; 2] = ["lasting-durable", "lasting-cached"];
/// Topics that come and go.
const PASSING: [&str; 4] = ["a-durable", "b-cached", "c-durable", "d-cached"];
const DURABLE_SUFFIX: &str = "-durable";

/// The one who minds the topics.
#[derive(Debug)]
pub(crate) struct Admin {
    /// Whether `__consumer_offsets` has `flush.messages=1`.
    pub(crate) are_offsets_durable: bool,
}

impl Admin {
    /// Whether a topic has `flush.messages=1`.
    pub(crate) fn is_durable(&self, topic: &str) -> bool {
        if topic == GROUP_METADATA_TOPIC {
            self.are_offsets_durable
        } else {
            topic.ends_with(DURABLE_SUFFIX)
        }
    }

    /// Creates what has to be there, and now and then creates or deletes something.
    pub(crate) fn step(&self, turn: &mut Turn<'_>) -> Result<()> {
        for name in [GROUP_METADATA_TOPIC].iter().chain(&LASTING) {
            if turn.model.metadata.topic(name) == TopicState::Absent && turn.node.is_ready() {
                self.create(turn, name)?;
            }
        }
        if !turn.rng.one_in(12) || !turn.node.is_ready() {
            return Ok(());
        }
        let index = usize::try_from(turn.rng.below(PASSING.len() as u64)).unwrap_or(0);
        let name = PASSING[index];
        match turn.model.metadata.topic(name) {
            TopicState::Absent => self.create(turn, name),
            TopicState::Exists(id) if turn.rng.one_in(3) => self.delete(turn, name, id),
            _ => Ok(()),
        }
    }

    fn create(&self, turn: &mut Turn<'_>, name: &str) -> Result<()> {
        let flush_messages = if self.is_durable(name) { 1 } else { i64::MAX };
        let mut configs = vec![("flush.messages".to_owned(), Some(flush_messages.to_string()))];
        let mut num_partitions = 1 + i32::from(turn.rng.coin());
        if name == GROUP_METADATA_TOPIC {
            num_partitions = OFFSETS_PARTITIONS;
            configs.push(("cleanup.policy".to_owned(), Some("compact".to_owned())));
        }
        let topic = NewTopic {
            name: name.to_owned(),
            num_partitions,
            replication_factor: 1,
            configs,
            ..NewTopic::default()
        };
        turn.model.metadata.set_topic(name, TopicState::InDoubtCreated);
        let operation = Operation::CreateTopics { topics: vec![topic], validate_only: false };
        let created = match turn.ask(operation) {
            None => {
                turn.coverage.topic_changes_in_doubt += 1;
                return Ok(());
            }
            Some(Ok(Answer::CreateTopics(created))) => created,
            Some(other) => bail!("creating {name} was answered {other:?}"),
        };
        let Some(Ok(created)) = created.into_iter().next().map(|topic| topic.result) else {
            bail!("{name} doesn't exist and can't be created");
        };
        turn.coverage.topics_created += 1;
        turn.note(format_args!("topic {name} is created as {}", created.topic_id));
        turn.model.metadata.set_topic(name, TopicState::Exists(created.topic_id));
        ensure!(created.num_partitions == num_partitions, "{name}: {created:?}");
        let led = turn.node.hosted().keys().filter(|id| id.topic_id == created.topic_id).count();
        ensure!(
            led == usize::try_from(num_partitions)?,
            "{name} is acknowledged, and {led} partitions are here"
        );
        Ok(())
    }

    fn delete(&self, turn: &mut Turn<'_>, name: &str, id: taffrail_model::Uuid) -> Result<()> {
        turn.model.metadata.set_topic(name, TopicState::InDoubtDeleted(id));
        let topics = vec![if turn.rng.coin() {
            DeleteTopic::Name(name.to_owned())
        } else {
            DeleteTopic::Id(id)
        }];
        match turn.ask(Operation::DeleteTopics { topics }) {
            None => {
                turn.coverage.topic_changes_in_doubt += 1;
                Ok(())
            }
            Some(Ok(Answer::DeleteTopics(deleted))) if deleted.iter().all(|t| t.result.is_ok()) => {
                turn.coverage.topics_deleted += 1;
                turn.note(format_args!("topic {name} is deleted"));
                turn.model.metadata.set_topic(name, TopicState::Absent);
                turn.model.histories.retain(|partition, _| partition.topic_id != id);
                Ok(())
            }
            Some(other) => bail!("deleting {name} was answered {other:?}"),
        }
    }

    /// A block of producer ids.
    ///
    /// # Errors
    /// When ids are given twice.
    pub(crate) fn producer_id(turn: &mut Turn<'_>) -> Result<Option<i64>> {
        let broker_epoch = turn.node.broker_epoch();
        let operation = Operation::AllocateProducerIds { broker_id: NODE, broker_epoch };
        match turn.ask(operation) {
            None => Ok(None),
            Some(Ok(Answer::AllocateProducerIds(ids))) => {
                turn.model.metadata.take_producer_ids(ids.first, ids.count)?;
                Ok(Some(ids.first))
            }
            Some(Err(refusal)) if refusal.error == ErrorCode::NotController => Ok(None),
            Some(other) => bail!("asking for producer ids was answered {other:?}"),
        }
    }
}
