//! The replicated state of a shard: what the records of its partition say. Only [`HardState::replay`] changes it.

use std::sync::Arc;

use bytes::Bytes;
use imbl::OrdMap;
use taffrail_model::{LeaderEpoch, Offset, PartitionIndex, Timestamp, Uuid};

/// A group's id. Cheap to clone.
pub(crate) type GroupId = Arc<str>;
/// A member's id. Cheap to clone.
pub(crate) type MemberId = Arc<str>;

/// Every group with what is written of it. A clone is a snapshot and costs nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct HardState {
    groups: OrdMap<GroupId, GroupEntry>,
}

/// What is written of one group. There is no entry without a metadata record or an offset.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct GroupEntry {
    /// The last metadata record; none for a group that only has offsets.
    pub(crate) metadata: Option<Arc<GroupMetadata>>,
    /// The committed offsets.
    pub(crate) offsets: OrdMap<Arc<str>, OrdMap<PartitionIndex, CommittedOffset>>,
}

/// A group as its metadata record has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GroupMetadata {
    /// The kind of protocol, or empty for a group that never had a member.
    pub(crate) protocol_type: String,
    pub(crate) generation: i32,
    pub(crate) protocol: Option<String>,
    pub(crate) leader: Option<MemberId>,
    /// When the group came into its state, or -1.
    pub(crate) state_since: Timestamp,
    pub(crate) members: Vec<MemberMetadata>,
}

impl GroupMetadata {
    /// The record of a group that never had a member.
    pub(crate) fn new_group(state_since: Timestamp) -> Self {
        Self {
            protocol_type: String::new(),
            generation: 0,
            protocol: None,
            leader: None,
            state_since,
            members: Vec::new(),
        }
    }
}

/// A member as the metadata record of its group has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MemberMetadata {
    pub(crate) id: MemberId,
    pub(crate) instance_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) rebalance_timeout_ms: i32,
    pub(crate) session_timeout_ms: i32,
    pub(crate) subscription: Bytes,
    pub(crate) assignment: Bytes,
}

/// A committed offset.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CommittedOffset {
    pub(crate) offset: Offset,
    /// -1 for none.
    pub(crate) leader_epoch: LeaderEpoch,
    pub(crate) metadata: Arc<str>,
    pub(crate) commit_timestamp: Timestamp,
    /// When it expires, where the client itself asked for a retention.
    pub(crate) expire_timestamp: Option<Timestamp>,
    /// [`Uuid::ZERO`] when the client gave none.
    pub(crate) topic_id: Uuid,
}

/// One record, as the state understands it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    /// A group is as it says, or is no more.
    Group { group: GroupId, metadata: Option<Arc<GroupMetadata>> },
    /// An offset is committed, or is no more.
    Offset {
        group: GroupId,
        topic: Arc<str>,
        partition: PartitionIndex,
        offset: Option<CommittedOffset>,
    },
}

impl Change {
    /// The group that it is about.
    pub(crate) fn group(&self) -> &GroupId {
        match self {
            Self::Group { group, .. } | Self::Offset { group, .. } => group,
        }
    }
}

impl HardState {
    /// Applies one record, live and at load alike.
    pub(crate) fn replay(&mut self, change: &Change) {
        let group = change.group();
        let mut entry = self.groups.get(group).cloned().unwrap_or_default();
        match change {
            Change::Group { metadata, .. } => entry.metadata.clone_from(metadata),
            Change::Offset { topic, partition, offset: Some(offset), .. } => {
                entry.offsets.entry(topic.clone()).or_default().insert(*partition, offset.clone());
            }
            Change::Offset { topic, partition, offset: None, .. } => {
                entry.forget(topic, *partition)
            }
        }
        if entry.metadata.is_none() && entry.offsets.is_empty() {
            self.groups.remove(group);
        } else {
            self.groups.insert(group.clone(), entry);
        }
    }

    pub(crate) fn group(&self, group: &str) -> Option<&GroupEntry> {
        self.groups.get(group)
    }

    pub(crate) fn groups(&self) -> impl Iterator<Item = (&GroupId, &GroupEntry)> {
        self.groups.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.groups.len()
    }
}

impl GroupEntry {
    pub(crate) fn offset(
        &self,
        topic: &str,
        partition: PartitionIndex,
    ) -> Option<&CommittedOffset> {
        self.offsets.get(topic)?.get(&partition)
    }

    /// All offsets, by topic and partition.
    pub(crate) fn all_offsets(
        &self,
    ) -> impl Iterator<Item = (&Arc<str>, PartitionIndex, &CommittedOffset)> {
        self.offsets.iter().flat_map(|(topic, partitions)| {
            partitions.iter().map(move |(partition, offset)| (topic, *partition, offset))
        })
    }

    fn forget(&mut self, topic: &Arc<str>, partition: PartitionIndex) {
        if let Some(partitions) = self.offsets.get_mut(topic) {
            partitions.remove(&partition);
            if partitions.is_empty() {
                self.offsets.remove(topic);
            }
        }
    }
}

/// Bytes of their own: a slice of a request or of a loaded batch would keep the whole buffer alive.
pub(crate) fn own(bytes: &Bytes) -> Bytes {
    Bytes::copy_from_slice(bytes)
}
