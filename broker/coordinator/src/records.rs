//! The records of `__consumer_offsets`, in Kafka's schemas, so that Kafka's own tools read them.
//!
//! A key begins with the number of its type, a value with its version.

use std::sync::Arc;

use bytes::Bytes;
use taffrail_protocol::Message;
use taffrail_protocol::records::{
    ConsumerProtocolSubscription, GroupMetadataKey, GroupMetadataValue, OffsetCommitKey,
    OffsetCommitValue, group_metadata_value,
};
use taffrail_protocol::wire::{DecodeError, Decoder, EncodeError, Encoder};

use crate::effect::CoordinatorRecord;
use crate::event::LoadedRecord;
use crate::load_report::SkippedRecord;
use crate::state::{Change, CommittedOffset, GroupMetadata, MemberMetadata, own};

/// Offsets of Kafka before 0.8.3; the schema is that of [`OFFSET_COMMIT`].
const LEGACY_OFFSET_COMMIT: i16 = 0;
const OFFSET_COMMIT: i16 = 1;
const GROUP_METADATA: i16 = 2;

/// All keys have one version.
const KEY_VERSION: i16 = 0;
/// The version that Kafka 4.x writes.
const GROUP_METADATA_VERSION: i16 = 3;
/// The version that Kafka 4.x writes: it has the topic's id.
const OFFSET_COMMIT_VERSION: i16 = 4;
/// The only version with an expiry of its own.
const OFFSET_COMMIT_VERSION_WITH_EXPIRY: i16 = 1;

/// A record that can't be read at load.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RecordError {
    /// The key isn't what its type says.
    #[error("the key of a record of type {record_type} can't be decoded")]
    Key {
        /// The number of the type, or -1 when even that is missing.
        record_type: i16,
        /// What is wrong.
        source: DecodeError,
    },
    /// The value isn't what its version says.
    #[error("the value of a record of type {record_type} can't be decoded")]
    Value {
        /// The number of the type.
        record_type: i16,
        /// What is wrong.
        source: DecodeError,
    },
}

/// What a loaded record means.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Decoded {
    Change(Change),
    Skipped(SkippedRecord),
}

/// The record of a change.
pub(crate) fn encode(change: &Change) -> Result<CoordinatorRecord, EncodeError> {
    match change {
        Change::Group { group, metadata } => {
            let key = GroupMetadataKey { group: group.to_string() };
            let value = metadata.as_ref().map(|metadata| group_metadata_value_of(metadata));
            Ok(CoordinatorRecord {
                key: framed(GROUP_METADATA, &key, KEY_VERSION)?,
                value: value
                    .map(|value| framed(GROUP_METADATA_VERSION, &value, GROUP_METADATA_VERSION))
                    .transpose()?,
            })
        }
        Change::Offset { group, topic, partition, offset } => {
            let key = OffsetCommitKey {
                group: group.to_string(),
                topic: topic.to_string(),
                partition: *partition,
            };
            let value = offset.as_ref().map(|offset| {
                let version = match offset.expire_timestamp {
                    Some(_) => OFFSET_COMMIT_VERSION_WITH_EXPIRY,
                    None => OFFSET_COMMIT_VERSION,
                };
                framed(version, &offset_commit_value_of(offset), version)
            });
            Ok(CoordinatorRecord {
                key: framed(OFFSET_COMMIT, &key, KEY_VERSION)?,
                value: value.transpose()?,
            })
        }
    }
}

/// The meaning of a record at load.
pub(crate) fn decode(record: &LoadedRecord, transactional: bool) -> Result<Decoded, RecordError> {
    let Some(key) = &record.key else { return Ok(Decoded::Skipped(SkippedRecord::NoKey)) };
    let mut key = Decoder::new(key.clone());
    let record_type = key.int16().map_err(|source| RecordError::Key { record_type: -1, source })?;
    let bad_key = |source| RecordError::Key { record_type, source };
    let bad_value = |source| RecordError::Value { record_type, source };
    match record_type {
        LEGACY_OFFSET_COMMIT | OFFSET_COMMIT if transactional => {
            Ok(Decoded::Skipped(SkippedRecord::Transactional))
        }
        LEGACY_OFFSET_COMMIT | OFFSET_COMMIT => {
            let key = OffsetCommitKey::decode(&mut key, KEY_VERSION).map_err(bad_key)?;
            let value = versioned::<OffsetCommitValue>(record.value.as_ref()).map_err(bad_value)?;
            Ok(Decoded::Change(Change::Offset {
                group: key.group.into(),
                topic: key.topic.into(),
                partition: key.partition,
                offset: value.map(committed_offset),
            }))
        }
        GROUP_METADATA => {
            let key = GroupMetadataKey::decode(&mut key, KEY_VERSION).map_err(bad_key)?;
            let value =
                versioned::<GroupMetadataValue>(record.value.as_ref()).map_err(bad_value)?;
            Ok(Decoded::Change(Change::Group {
                group: key.group.into(),
                metadata: value.map(|value| Arc::new(group_metadata(value))),
            }))
        }
        other => Ok(Decoded::Skipped(SkippedRecord::Type(other))),
    }
}

/// The topics of a consumer's subscription; none when it isn't one. Version 0 is a prefix of every later version.
pub(crate) fn subscribed_topics(metadata: &Bytes) -> Option<Vec<String>> {
    let mut decoder = Decoder::new(metadata.clone());
    let version = decoder.int16().ok()?;
    if version < 0 {
        return None;
    }
    ConsumerProtocolSubscription::decode(&mut decoder, 0)
        .ok()
        .map(|subscription| subscription.topics)
}

/// `prefix`, then `message`: a key behind its type, or a value behind its version.
fn framed(prefix: i16, message: &impl Message, version: i16) -> Result<Bytes, EncodeError> {
    let mut encoder = Encoder::new();
    encoder.int16(prefix);
    message.encode(&mut encoder, version)?;
    Ok(encoder.into_bytes())
}

/// A value behind its version, or none for a tombstone.
fn versioned<M: Message>(value: Option<&Bytes>) -> Result<Option<M>, DecodeError> {
    let Some(value) = value else { return Ok(None) };
    let mut decoder = Decoder::new(value.clone());
    let version = decoder.int16()?;
    M::decode(&mut decoder, version).map(Some)
}

fn group_metadata_value_of(metadata: &GroupMetadata) -> GroupMetadataValue {
    let member = |member: &MemberMetadata| group_metadata_value::MemberMetadata {
        member_id: member.id.to_string(),
        group_instance_id: member.instance_id.clone(),
        client_id: member.client_id.clone(),
        client_host: member.client_host.clone(),
        rebalance_timeout: member.rebalance_timeout_ms,
        session_timeout: member.session_timeout_ms,
        subscription: member.subscription.clone(),
        assignment: member.assignment.clone(),
        ..Default::default()
    };
    GroupMetadataValue {
        protocol_type: metadata.protocol_type.clone(),
        generation: metadata.generation,
        protocol: metadata.protocol.clone(),
        leader: metadata.leader.as_ref().map(ToString::to_string),
        current_state_timestamp: metadata.state_since,
        members: metadata.members.iter().map(member).collect(),
        ..Default::default()
    }
}

fn group_metadata(value: GroupMetadataValue) -> GroupMetadata {
    let member = |member: group_metadata_value::MemberMetadata| MemberMetadata {
        id: member.member_id.into(),
        instance_id: member.group_instance_id,
        client_id: member.client_id,
        client_host: member.client_host,
        // Version 0 had one timeout for both.
        rebalance_timeout_ms: match member.rebalance_timeout {
            -1 => member.session_timeout,
            timeout => timeout,
        },
        session_timeout_ms: member.session_timeout,
        subscription: own(&member.subscription),
        assignment: own(&member.assignment),
    };
    GroupMetadata {
        protocol_type: value.protocol_type,
        generation: value.generation,
        protocol: value.protocol,
        leader: value.leader.map(Into::into),
        state_since: value.current_state_timestamp,
        members: value.members.into_iter().map(member).collect(),
    }
}

fn offset_commit_value_of(offset: &CommittedOffset) -> OffsetCommitValue {
    OffsetCommitValue {
        offset: offset.offset,
        leader_epoch: offset.leader_epoch,
        metadata: offset.metadata.to_string(),
        commit_timestamp: offset.commit_timestamp,
        expire_timestamp: offset.expire_timestamp.unwrap_or(-1),
        topic_id: offset.topic_id,
        ..Default::default()
    }
}

fn committed_offset(value: OffsetCommitValue) -> CommittedOffset {
    CommittedOffset {
        offset: value.offset,
        leader_epoch: value.leader_epoch,
        metadata: value.metadata.into(),
        commit_timestamp: value.commit_timestamp,
        expire_timestamp: (value.expire_timestamp != -1).then_some(value.expire_timestamp),
        topic_id: value.topic_id,
    }
}
