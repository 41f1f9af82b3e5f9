//! Offsets that nobody needs any longer (KIP-186, KIP-211).

use taffrail_model::Timestamp;

use crate::classic::{ClassicGroup, GroupState};
use crate::config::GroupConfig;
use crate::state::{Change, CommittedOffset, GroupEntry, GroupId};

use super::delete::tombstone;

/// The records that expire what is due of one group, and whether nothing of its offsets remains.
///
/// Kafka's rules: the offsets of a group without members last for the retention from when it lost its last member;
/// those of a group that never had members, from each commit; those of a stable consumer group too, but only for topics
/// that it isn't subscribed to. An expiry that a client asked for itself goes before the retention. Nothing expires
/// while a group rebalances.
pub(crate) fn expired(
    config: &GroupConfig,
    id: &GroupId,
    entry: &GroupEntry,
    group: Option<&ClassicGroup>,
    now: Timestamp,
) -> (Vec<Change>, bool) {
    let retention_ms = config.offsets_retention_ms();
    let had_members = group.filter(|group| group.protocol_type.is_some());
    let empty_since = match had_members {
        None => None,
        Some(group) => match group.state() {
            GroupState::Empty => Some(group.state_since()).filter(|since| *since >= 0),
            GroupState::Stable if group.is_consumer_group() && group.knows_subscriptions() => None,
            _ => return (Vec::new(), entry.offsets.is_empty()),
        },
    };
    let is_due = |offset: &CommittedOffset| match offset.expire_timestamp {
        Some(expire) => now >= expire,
        None => now.saturating_sub(empty_since.unwrap_or(offset.commit_timestamp)) >= retention_ms,
    };
    let mut changes = Vec::new();
    let mut all_expired = true;
    for (topic, partition, offset) in entry.all_offsets() {
        let in_use = group.is_some_and(|group| group.is_subscribed_to(topic));
        if !in_use && is_due(offset) {
            changes.push(tombstone(id, topic, partition));
        } else {
            all_expired = false;
        }
    }
    (changes, all_expired)
}
