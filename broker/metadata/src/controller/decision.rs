//! What a decision sees, and what it gives back.

use std::collections::BTreeMap;

use taffrail_model::{BrokerEpoch, ErrorCode, NodeId, Offset, TopicName, Uuid};
use taffrail_protocol::records::MetadataRecord;

use super::partition_change::ChangeContext;
use super::sessions::Sessions;
use super::{Answer, ControllerConfig, Notice, Refusal};
use crate::config::TopicConfigView;
use crate::image::{BrokerRegistration, MetadataImage, PartitionRegistration, TopicImage};

/// The most records that one batch of the metadata log holds, as in Kafka.
pub(super) const MAX_RECORDS_PER_BATCH: usize = 10_000;

/// The most bytes that names and values of configurations take in one batch. The log's limit is 8 MiB; beside them a
/// record has less than 100 bytes.
const MAX_CONFIG_BYTES_PER_BATCH: usize = 7 * 1024 * 1024;

/// Refuses records that have to be in one batch, and are more than one can hold.
pub(super) fn check_batch(records: &[MetadataRecord]) -> Result<(), Refusal> {
    let config_bytes = |record: &MetadataRecord| match record {
        MetadataRecord::Config(config) => {
            let value = config.value.as_ref().map_or(0, String::len);
            config.resource_name.len() + config.name.len() + value
        }
        // All others are small, or bounded by their number.
        _ => 0,
    };
    let bytes: usize = records.iter().map(config_bytes).sum();
    if records.len() <= MAX_RECORDS_PER_BATCH && bytes <= MAX_CONFIG_BYTES_PER_BATCH {
        return Ok(());
    }
    Err(Refusal::new(
        ErrorCode::PolicyViolation,
        "Unable to perform excessively large batch operation.",
    ))
}

/// What a decision sees: nothing in it can be changed.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    /// The state with everything decided so far.
    pub(super) image: &'a MetadataImage,
    /// Where this controller is and what it was given.
    pub(super) config: &'a ControllerConfig,
    /// Who was heard of when.
    pub(super) sessions: &'a Sessions,
    /// The offset that the decision's first record will have.
    pub(super) next_offset: Offset,
}

/// What a decision gives back.
#[derive(Debug)]
pub(super) struct Decision {
    /// The records that make it so, in their order.
    pub(super) records: Vec<MetadataRecord>,
    /// Whether they must be in one batch. When not, a prefix of them is a state worth having.
    pub(super) atomic: bool,
    /// The answer, once they are committed.
    pub(super) answer: Result<Answer, Refusal>,
    /// What an administrator should read.
    pub(super) notices: Vec<Notice>,
}

impl Decision {
    /// Records in one batch, and the answer.
    pub(super) fn atomic(records: Vec<MetadataRecord>, answer: Answer) -> Self {
        Self { records, atomic: true, answer: Ok(answer), notices: Vec::new() }
    }

    /// Records in as many batches as it takes, and the answer.
    pub(super) fn in_pieces(changes: Changes, answer: Answer) -> Self {
        Self {
            records: changes.records,
            atomic: false,
            answer: Ok(answer),
            notices: changes.notices,
        }
    }

    /// Nothing is done.
    pub(super) fn refused(refusal: Refusal) -> Self {
        Self { records: Vec::new(), atomic: true, answer: Err(refusal), notices: Vec::new() }
    }
}

/// Records and notices while a decision is put together.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) records: Vec<MetadataRecord>,
    pub(super) notices: Vec<Notice>,
}

impl Changes {
    pub(super) fn push(&mut self, record: impl Into<MetadataRecord>) {
        self.records.push(record.into());
    }
}

impl View<'_> {
    /// The registration of a broker that proves by its epoch that it is the one.
    ///
    /// # Errors
    /// STALE_BROKER_EPOCH when it isn't.
    pub(super) fn registered(
        &self,
        id: NodeId,
        epoch: BrokerEpoch,
    ) -> Result<&BrokerRegistration, Refusal> {
        match self.image.broker(id) {
            None => Err(Refusal::new(
                ErrorCode::StaleBrokerEpoch,
                format!("No broker registration found for broker id {id}"),
            )),
            Some(broker) if broker.epoch != epoch => Err(Refusal::new(
                ErrorCode::StaleBrokerEpoch,
                format!("Expected broker epoch {}, but got broker epoch {epoch}", broker.epoch),
            )),
            Some(broker) => Ok(broker),
        }
    }

    /// The values that hold for a topic by the controller's own records and configuration.
    pub(super) fn topic_config(&self, topic: &TopicName) -> TopicConfigView {
        TopicConfigView::resolve(self.image, &self.config.static_config, self.config.node_id, topic)
    }

    /// Whether `leader` may lead the partition as far as its log directory goes.
    pub(super) fn directory_is_online(
        &self,
        partition: &PartitionRegistration,
        leader: NodeId,
    ) -> bool {
        let (Some(broker), Some(directory)) =
            (self.image.broker(leader), partition.directory_of(leader))
        else {
            return false;
        };
        broker.log_dirs.is_empty()
            || directory == Uuid::UNASSIGNED_DIR
            || directory == Uuid::MIGRATING_DIR
            || broker.log_dirs.contains(&directory)
    }

    /// The directory that a replica on `broker` goes to: known at once when there is only one.
    pub(super) fn default_directory(&self, broker: NodeId) -> Uuid {
        match self.image.broker(broker).map(|b| b.log_dirs.as_slice()) {
            Some([only]) => *only,
            Some([]) => Uuid::MIGRATING_DIR,
            None | Some(_) => Uuid::UNASSIGNED_DIR,
        }
    }

    /// What changes of partitions have in common.
    pub(super) fn change_context<'c>(
        &self,
        min_isr: usize,
        is_acceptable_leader: &'c dyn Fn(NodeId) -> bool,
        default_directory: &'c dyn Fn(NodeId) -> Uuid,
    ) -> ChangeContext<'c> {
        ChangeContext {
            min_isr,
            elr_enabled: self.image.features().elr_enabled(),
            is_acceptable_leader,
            default_directory,
        }
    }
}

/// The configurations of topics, resolved once each while a decision looks at many partitions.
pub(super) struct TopicConfigs<'a> {
    view: View<'a>,
    known: BTreeMap<Uuid, ElectionConfig>,
}

/// What an election asks of a topic's configuration.
#[derive(Clone, Copy)]
pub(super) struct ElectionConfig {
    /// `min.insync.replicas`, at most the number of replicas.
    pub(super) min_isr: usize,
    /// `unclean.leader.election.enable`.
    pub(super) unclean_allowed: bool,
}

impl<'a> TopicConfigs<'a> {
    pub(super) fn new(view: View<'a>) -> Self {
        Self { view, known: BTreeMap::new() }
    }

    pub(super) fn of(&mut self, topic: &TopicImage) -> ElectionConfig {
        let view = self.view;
        *self.known.entry(topic.id).or_insert_with(|| {
            let config = view.topic_config(&topic.name);
            let replicas =
                topic.partitions.get_min().map_or(0, |(_, partition)| partition.replicas.len());
            ElectionConfig {
                min_isr: usize::try_from(config.min_insync_replicas).unwrap_or(0).min(replicas),
                unclean_allowed: config.unclean_leader_election_enable,
            }
        })
    }
}
