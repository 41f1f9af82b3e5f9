//! What the members of a generation have in common: a leader, a protocol, the topics that they read.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use taffrail_model::Timestamp;

use crate::answer::JoinedMember;
use crate::classic::group::{ClassicGroup, GroupState};
use crate::classic::member::Member;
use crate::records;
use crate::request::JoinProtocol;
use crate::state::GroupMetadata;

impl ClassicGroup {
    /// Makes sure that the leader has joined: another member that has takes its place.
    /// False when nobody has joined.
    pub(crate) fn elect_joined_leader(&mut self) -> bool {
        let leader = self.leader.as_deref().and_then(|leader| self.members.get(leader));
        if leader.is_some_and(Member::is_awaiting_join) {
            return true;
        }
        let joined = self.members().find(|member| member.is_awaiting_join());
        let Some(joined) = joined.map(|member| member.id.clone()) else { return false };
        self.leader = Some(joined);
        true
    }

    /// Begins the next generation, with those who are members now.
    pub(crate) fn begin_generation(&mut self, now: Timestamp) {
        self.generation = self.generation.wrapping_add(1).max(0);
        self.initial_delay = None;
        self.assignment_in_flight = false;
        self.pending_syncs.clear();
        self.protocol = self.select_protocol();
        self.subscribed_topics = self.find_subscribed_topics();
        let state = match self.members.is_empty() {
            true => GroupState::Empty,
            false => GroupState::CompletingRebalance,
        };
        self.enter(state, now);
    }

    /// The protocol with the most votes of those that every member speaks; the first by name of several.
    pub(crate) fn select_protocol(&self) -> Option<String> {
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for member in self.members() {
            let favourite = member
                .settings
                .protocols
                .iter()
                .find(|protocol| self.is_spoken_by_all(&protocol.name));
            if let Some(favourite) = favourite {
                *votes.entry(&favourite.name).or_default() += 1;
            }
        }
        let most = votes.values().copied().max()?;
        votes.into_iter().find(|(_, count)| *count == most).map(|(name, _)| name.to_owned())
    }

    /// Whether a member that speaks these could be here.
    pub(crate) fn supports(&self, protocol_type: &str, protocols: &[JoinProtocol]) -> bool {
        if self.is(GroupState::Empty) {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        self.protocol_type.as_deref() == Some(protocol_type)
            && protocols.iter().any(|protocol| self.is_spoken_by_all(&protocol.name))
    }

    /// The members with their metadata for the group's protocol, for the leader.
    pub(crate) fn joined_members(&self) -> Vec<JoinedMember> {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        self.members()
            .map(|member| JoinedMember {
                member_id: member.id.to_string(),
                group_instance_id: member.instance_id.clone(),
                metadata: member.subscription(protocol),
            })
            .collect()
    }

    /// The group for its record, with what `assignment` gives to each member.
    pub(crate) fn metadata(&self, assignment: impl Fn(&Member) -> Bytes) -> GroupMetadata {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        GroupMetadata {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            state_since: self.state_since(),
            members: self
                .members()
                .map(|member| member.metadata(protocol, assignment(member)))
                .collect(),
        }
    }

    /// Whether offsets of a topic are in use. A consumer group whose subscriptions can't be read uses all.
    pub(crate) fn is_subscribed_to(&self, topic: &str) -> bool {
        match &self.subscribed_topics {
            Some(topics) => topics.contains(topic),
            None => self.is_consumer_group(),
        }
    }

    /// Whether the coordinator knows what the group is subscribed to.
    pub(crate) fn knows_subscriptions(&self) -> bool {
        self.subscribed_topics.is_some()
    }

    pub(super) fn find_subscribed_topics(&self) -> Option<BTreeSet<String>> {
        if !self.is_consumer_group() {
            return None;
        }
        if self.members.is_empty() {
            return Some(BTreeSet::new());
        }
        let protocol = self.protocol.as_deref()?;
        let mut topics = BTreeSet::new();
        for member in self.members() {
            topics.extend(records::subscribed_topics(&member.subscription(protocol))?);
        }
        Some(topics)
    }

    fn is_spoken_by_all(&self, protocol: &str) -> bool {
        self.speakers.get(protocol).copied().unwrap_or(0) == self.members.len()
    }
}
