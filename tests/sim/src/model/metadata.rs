//! What the cluster's metadata must say.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use taffrail_metadata::MetadataImage;
use taffrail_model::{LeaderEpoch, Offset, ProducerId, TopicIdPartition, Uuid};

/// What is known of a topic's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TopicState {
    /// There is none.
    Absent,
    /// Its creation was asked for and not answered.
    InDoubtCreated,
    /// It exists under this id.
    Exists(Uuid),
    /// Its deletion was asked for and not answered.
    InDoubtDeleted(Uuid),
}

/// What was acknowledged and published.
#[derive(Debug, Default)]
pub(crate) struct MetadataModel {
    pub(crate) topics: BTreeMap<String, TopicState>,
    published: BTreeMap<Offset, u64>,
    led_to: LeaderEpoch,
    epoch: LeaderEpoch,
    partition_epochs: BTreeMap<TopicIdPartition, (LeaderEpoch, i32)>,
    producer_ids: BTreeSet<ProducerId>,
    deleted: BTreeSet<Uuid>,
}

impl MetadataModel {
    /// What is known of a name.
    pub(crate) fn topic(&self, name: &str) -> TopicState {
        self.topics.get(name).copied().unwrap_or(TopicState::Absent)
    }

    /// Takes note of what a name stands for.
    pub(crate) fn set_topic(&mut self, name: &str, state: TopicState) {
        if let (TopicState::Absent, TopicState::Exists(id) | TopicState::InDoubtDeleted(id)) =
            (state, self.topic(name))
        {
            self.deleted.insert(id);
        }
        self.topics.insert(name.to_owned(), state);
    }

    /// The epochs of the quorum: each is led once, and none comes back.
    pub(crate) fn check_epochs(&mut self, led: &[LeaderEpoch], current: LeaderEpoch) -> Result<()> {
        for &epoch in led {
            ensure!(epoch > self.led_to, "epoch {epoch} was led after {}", self.led_to);
            self.led_to = epoch;
        }
        ensure!(
            current >= self.epoch,
            "the quorum's epoch goes back from {} to {current}",
            self.epoch
        );
        self.epoch = current;
        Ok(())
    }

    /// Images: what was published of an offset is what every later life publishes of it.
    pub(crate) fn check_published(&mut self, published: &[(Offset, u64)]) -> Result<()> {
        for &(offset, fingerprint) in published {
            let before = *self.published.entry(offset).or_insert(fingerprint);
            ensure!(
                before == fingerprint,
                "another image than before was published of offset {offset}"
            );
        }
        Ok(())
    }

    /// A node that serves has all that was ever published.
    pub(crate) fn check_served_offset(&self, offset: Offset) -> Result<()> {
        let newest = self.published.last_key_value().map_or(-1, |(&offset, _)| offset);
        ensure!(
            offset >= newest,
            "metadata up to {newest} was published, and only {offset} is there"
        );
        Ok(())
    }

    /// Takes what the image says of the names that are in doubt.
    pub(crate) fn settle_doubts(&mut self, image: &MetadataImage) -> u64 {
        let mut settled = 0;
        for (name, state) in &mut self.topics {
            let found = image.topic_by_name(name).map(|topic| topic.id);
            let now = match (*state, found) {
                (TopicState::InDoubtCreated | TopicState::InDoubtDeleted(_), None) => {
                    TopicState::Absent
                }
                (TopicState::InDoubtCreated, Some(id)) => TopicState::Exists(id),
                (TopicState::InDoubtDeleted(was), Some(id)) if id == was => TopicState::Exists(id),
                _ => continue,
            };
            *state = now;
            settled += 1;
        }
        settled
    }

    /// Compares an image with what was acknowledged, and with the rules that hold for every image.
    pub(crate) fn check_image(&mut self, image: &MetadataImage) -> Result<()> {
        for (name, state) in &self.topics {
            let found = image.topic_by_name(name).map(|topic| topic.id);
            match *state {
                TopicState::Absent => {
                    ensure!(
                        found.is_none(),
                        "topic {name} is there and was never created, or deleted"
                    );
                }
                TopicState::Exists(id) => {
                    ensure!(
                        found == Some(id),
                        "topic {name} was created as {id}, and {found:?} is there"
                    );
                }
                TopicState::InDoubtCreated | TopicState::InDoubtDeleted(_) => {}
            }
        }
        for topic in image.topics() {
            ensure!(!self.deleted.contains(&topic.id), "the deleted topic {} is back", topic.name);
            ensure!(
                self.topics.contains_key(topic.name.as_str()),
                "nobody asked for topic {}",
                topic.name
            );
            for (&partition, registration) in &topic.partitions {
                let id = TopicIdPartition { topic_id: topic.id, partition };
                ensure!(
                    registration.isr.iter().all(|member| registration.replicas.contains(member)),
                    "{id:?}: the ISR is not among the replicas: {registration:?}"
                );
                ensure!(
                    !registration.has_leader() || registration.isr.contains(&registration.leader),
                    "{id:?}: the leader is not in the ISR: {registration:?}"
                );
                let epochs = (registration.leader_epoch, registration.partition_epoch);
                let before = self.partition_epochs.insert(id, epochs).unwrap_or((-1, -1));
                ensure!(
                    epochs.0 >= before.0 && epochs.1 >= before.1,
                    "{id:?}: the epochs go back from {before:?}: {registration:?}"
                );
            }
        }
        Ok(())
    }

    /// A block of producer ids, which nobody had before.
    pub(crate) fn take_producer_ids(&mut self, first: ProducerId, count: i32) -> Result<()> {
        let fresh = self.producer_ids.range(first..first + i64::from(count)).next().is_none();
        ensure!(fresh, "producer ids from {first} on were given twice");
        self.producer_ids.extend([first, first + i64::from(count) - 1]);
        Ok(())
    }
}
