//! A classic group as it lives: its members, its state, and who waits.
//!
//! All of it is soft: a load builds it from the group's record, and what isn't in the record (a rebalance in progress,
//! ids handed out) is lost with the leadership, as in Kafka; members find out by their next request and come back.

use std::collections::{BTreeMap, BTreeSet};

use taffrail_model::{ErrorCode, Timestamp};

use crate::answer::{Answer, JoinGroupAnswer, SyncGroupAnswer};
use crate::classic::member::{Member, MemberSettings};
use crate::effect::ReplyToken;
use crate::request::JoinProtocol;
use crate::state::{GroupId, GroupMetadata, MemberId};

/// The protocol type of consumers, the only one whose subscriptions the coordinator understands.
pub(crate) const CONSUMER_PROTOCOL_TYPE: &str = "consumer";

/// Where a group is in its round. A group that is no more has no value; clients see it as `Dead`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GroupState {
    /// No members. It may still have offsets.
    Empty,
    /// Members are to join the next generation.
    PreparingRebalance,
    /// They have joined; the leader is to send the assignment.
    CompletingRebalance,
    /// Everybody has an assignment.
    Stable,
}

impl GroupState {
    /// The name that clients see.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
        }
    }
}

/// The first rebalance of an empty group, which waits for more members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InitialDelay {
    /// How long the present wait is.
    pub(crate) delay_ms: i32,
    /// How much longer it may be prolonged afterwards.
    pub(crate) remaining_ms: i32,
    /// Whether a member came in the present wait.
    pub(crate) member_added: bool,
}

/// A classic group.
#[derive(Debug)]
pub(crate) struct ClassicGroup {
    pub(crate) id: GroupId,
    pub(crate) generation: i32,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) leader: Option<MemberId>,
    /// Set from the moment when an empty group gets its first member until that rebalance is over.
    pub(crate) initial_delay: Option<InitialDelay>,
    /// Whether this generation's assignment is being written.
    pub(crate) assignment_in_flight: bool,
    /// Ids that were handed out and not joined with yet.
    pub(crate) pending_joins: BTreeSet<MemberId>,
    /// Members that joined this generation and didn't sync yet.
    pub(crate) pending_syncs: BTreeSet<MemberId>,
    state: GroupState,
    state_since: Timestamp,
    pub(super) members: BTreeMap<MemberId, Member>,
    static_members: BTreeMap<String, MemberId>,
    /// How many members speak each protocol.
    pub(super) speakers: BTreeMap<String, usize>,
    awaiting_join: usize,
    bytes: usize,
    /// What the members are subscribed to, when it can be known.
    pub(super) subscribed_topics: Option<BTreeSet<String>>,
}

impl ClassicGroup {
    /// A group that nobody has joined.
    pub(crate) fn new(id: GroupId, now: Timestamp) -> Self {
        Self {
            id,
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            initial_delay: None,
            assignment_in_flight: false,
            pending_joins: BTreeSet::new(),
            pending_syncs: BTreeSet::new(),
            state: GroupState::Empty,
            state_since: now,
            members: BTreeMap::new(),
            static_members: BTreeMap::new(),
            speakers: BTreeMap::new(),
            awaiting_join: 0,
            bytes: 0,
            subscribed_topics: None,
        }
    }

    /// A group as its record has it.
    pub(crate) fn loaded(id: GroupId, metadata: &GroupMetadata) -> Self {
        let mut group = Self::new(id, metadata.state_since);
        group.generation = metadata.generation;
        group.protocol_type =
            Some(metadata.protocol_type.clone()).filter(|protocol_type| !protocol_type.is_empty());
        group.protocol.clone_from(&metadata.protocol);
        let protocol = metadata.protocol.as_deref().unwrap_or_default();
        for member in &metadata.members {
            group.add(Member::loaded(member, protocol));
        }
        group.leader.clone_from(&metadata.leader);
        if !group.members.is_empty() {
            group.state = GroupState::Stable;
        }
        group.subscribed_topics = group.find_subscribed_topics();
        group
    }

    pub(crate) fn state(&self) -> GroupState {
        self.state
    }

    pub(crate) fn enter(&mut self, state: GroupState, now: Timestamp) {
        self.state = state;
        self.state_since = now;
    }

    pub(crate) fn is(&self, state: GroupState) -> bool {
        self.state == state
    }

    /// When the group came into its state, or -1 when its record doesn't say.
    pub(crate) fn state_since(&self) -> Timestamp {
        self.state_since
    }

    /// Whether nobody is here and nobody was invited.
    pub(crate) fn is_vacant(&self) -> bool {
        self.is(GroupState::Empty) && self.members.is_empty() && self.pending_joins.is_empty()
    }

    pub(crate) fn is_consumer_group(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER_PROTOCOL_TYPE)
    }

    pub(crate) fn member(&self, id: &str) -> Option<&Member> {
        self.members.get(id)
    }

    pub(crate) fn member_mut(&mut self, id: &str) -> Option<&mut Member> {
        self.members.get_mut(id)
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    pub(crate) fn member_ids(&self) -> Vec<MemberId> {
        self.members.keys().cloned().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// The memory that its members take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The member that a static member's own name stands for at present.
    pub(crate) fn static_member(&self, instance_id: &str) -> Option<&MemberId> {
        self.static_members.get(instance_id)
    }

    pub(crate) fn is_leader(&self, member_id: &str) -> bool {
        self.leader.as_deref() == Some(member_id)
    }

    /// Adds a member. The first one decides the kind of protocol, and leads.
    pub(crate) fn add(&mut self, member: Member) {
        if let Some(instance_id) = &member.instance_id {
            self.static_members.insert(instance_id.clone(), member.id.clone());
        }
        self.pending_joins.remove(&member.id);
        if self.leader.is_none() {
            self.leader = Some(member.id.clone());
        }
        self.count(&member.settings.protocols);
        self.bytes += member.bytes();
        if let Some(twin) = self.members.insert(member.id.clone(), member) {
            // Only a record that names a member twice comes here; its second word counts.
            self.discount(&twin);
        }
    }

    /// Takes a member out, with what it waits for. Another member leads if it did.
    pub(crate) fn remove(&mut self, id: &str) -> Option<Member> {
        self.pending_joins.remove(id);
        self.pending_syncs.remove(id);
        let member = self.members.remove(id)?;
        self.discount(&member);
        if let Some(instance_id) = &member.instance_id
            && self.static_member(instance_id).is_some_and(|current| **current == *id)
        {
            self.static_members.remove(instance_id);
        }
        if self.is_leader(id) {
            self.leader = self.members.keys().next().cloned();
        }
        Some(member)
    }

    /// Gives a member the protocols and timeouts of its latest join.
    pub(crate) fn update(&mut self, id: &str, settings: MemberSettings) -> Option<MemberSettings> {
        let member = self.members.get_mut(id)?;
        self.bytes -= member.bytes();
        let old = std::mem::replace(&mut member.settings, settings);
        self.bytes += member.bytes();
        let new = member.settings.protocols.clone();
        self.uncount(&old.protocols);
        self.count(&new);
        Some(old)
    }

    /// Puts a static member under another id: it keeps its assignment, and its lead if it has it. Returns what its
    /// requests under the old id wait for.
    pub(crate) fn rename_static(&mut self, old_id: &str, new_id: &MemberId) -> Option<Parked> {
        let was_leader = self.is_leader(old_id);
        self.pending_syncs.remove(old_id);
        let mut member = self.members.remove(old_id)?;
        self.discount(&member);
        let parked =
            Parked { join: member.awaiting_join.take(), sync: member.awaiting_sync.take() };
        member.id = new_id.clone();
        if was_leader {
            self.leader = Some(new_id.clone());
        }
        self.add(member);
        Some(parked)
    }

    /// Parks a join; an older one of the same member comes back.
    pub(crate) fn park_join(&mut self, id: &str, token: ReplyToken) -> Option<ReplyToken> {
        let Some(member) = self.members.get_mut(id) else { return Some(token) };
        let old = member.awaiting_join.replace(token);
        if old.is_none() {
            self.awaiting_join += 1;
        }
        old
    }

    /// Takes a parked join.
    pub(crate) fn take_join(&mut self, id: &str) -> Option<ReplyToken> {
        let token = self.members.get_mut(id)?.awaiting_join.take()?;
        self.awaiting_join -= 1;
        Some(token)
    }

    /// Parks a sync; an older one of the same member comes back.
    pub(crate) fn park_sync(&mut self, id: &str, token: ReplyToken) -> Option<ReplyToken> {
        match self.members.get_mut(id) {
            Some(member) => member.awaiting_sync.replace(token),
            None => Some(token),
        }
    }

    /// Takes a parked sync.
    pub(crate) fn take_sync(&mut self, id: &str) -> Option<ReplyToken> {
        self.members.get_mut(id)?.awaiting_sync.take()
    }

    /// Everything that waits, with its refusal. The group is over.
    pub(crate) fn refuse_all(self, error: ErrorCode) -> Vec<(ReplyToken, Answer)> {
        let mut refusals = Vec::new();
        for (id, member) in self.members {
            if let Some(token) = member.awaiting_join {
                refusals.push((token, Answer::JoinGroup(JoinGroupAnswer::refusal(&id, error))));
            }
            if let Some(token) = member.awaiting_sync {
                refusals.push((token, Answer::SyncGroup(SyncGroupAnswer::refusal(error))));
            }
        }
        refusals
    }

    /// How many members wait in the join phase.
    pub(crate) fn awaiting_join(&self) -> usize {
        self.awaiting_join
    }

    /// Whether the join phase need not wait any longer.
    pub(crate) fn all_have_joined(&self) -> bool {
        self.awaiting_join == self.members.len() && self.pending_joins.is_empty()
    }

    /// The longest rebalance timeout of the members, in milliseconds.
    pub(crate) fn rebalance_timeout_ms(&self) -> i32 {
        self.members().map(|member| member.settings.rebalance_timeout_ms).max().unwrap_or(0).max(0)
    }

    /// Whether the request of a member is its own.
    ///
    /// # Errors
    /// `UNKNOWN_MEMBER_ID`, or `FENCED_INSTANCE_ID` when another member has taken over the static member's name.
    pub(crate) fn check_member(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<(), ErrorCode> {
        if let Some(instance_id) = instance_id {
            let current = self.static_member(instance_id).ok_or(ErrorCode::UnknownMemberId)?;
            if **current != *member_id {
                return Err(ErrorCode::FencedInstanceId);
            }
        }
        self.member(member_id).map(|_| ()).ok_or(ErrorCode::UnknownMemberId)
    }

    /// Takes a member that is out of the map out of the counts.
    fn discount(&mut self, member: &Member) {
        self.uncount(&member.settings.protocols);
        self.bytes -= member.bytes();
        if member.is_awaiting_join() {
            self.awaiting_join -= 1;
        }
    }

    fn count(&mut self, protocols: &[JoinProtocol]) {
        for protocol in protocols {
            *self.speakers.entry(protocol.name.clone()).or_default() += 1;
        }
    }

    fn uncount(&mut self, protocols: &[JoinProtocol]) {
        for protocol in protocols {
            if let Some(speakers) = self.speakers.get_mut(&protocol.name) {
                *speakers -= 1;
                if *speakers == 0 {
                    self.speakers.remove(&protocol.name);
                }
            }
        }
    }
}

/// Requests of a member that wait for the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parked {
    pub(crate) join: Option<ReplyToken>,
    pub(crate) sync: Option<ReplyToken>,
}
