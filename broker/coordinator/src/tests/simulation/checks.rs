//! What must hold at every moment.

use std::collections::BTreeMap;

use taffrail_model::Offset;

use super::super::partition_log::{PartitionLog, at};
use crate::classic::{ClassicGroup, GroupState};
use crate::{Answer, GroupConfig, GroupShard, ReplyToken, Request};

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Checks {
    /// The requests that wait for their one reply.
    open: BTreeMap<ReplyToken, Request>,
    /// Who was told to own a partition in a generation.
    owners: BTreeMap<(i32, u8), String>,
    /// The latest generation whose assignment was given out.
    generation: i32,
    /// The latest offset whose commit was acknowledged, per partition.
    acknowledged: BTreeMap<i32, Offset>,
}

/// What a reply turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Assignment,
    Commit,
    StaleCommitRefused,
    Other,
}

impl Checks {
    /// A request is on its way.
    pub(super) fn asked(&mut self, token: ReplyToken, request: &Request) {
        self.open.insert(token, request.clone());
    }

    /// Whether every request has its reply.
    pub(super) fn is_quiet(&self) -> bool {
        self.open.is_empty()
    }

    /// A commit is being appended on behalf of a request that the shard has just accepted.
    pub(super) fn accepted(&self, token: ReplyToken) {
        if let Some(Request::OffsetCommit(commit)) = self.open.get(&token) {
            assert!(
                commit.generation_id >= self.generation,
                "a commit of generation {} was accepted after generation {}",
                commit.generation_id,
                self.generation
            );
        }
    }

    /// Every request has one reply; a partition has one owner in a generation.
    pub(super) fn replied(&mut self, token: ReplyToken, answer: &Answer) -> Seen {
        let request = self.open.remove(&token).expect("every request has one reply");
        match (request, answer) {
            (Request::SyncGroup(sync), Answer::SyncGroup(answer)) if answer.error.is_none() => {
                self.generation = self.generation.max(sync.generation_id);
                let name = sync.group_instance_id.unwrap_or(sync.member_id);
                for partition in &answer.assignment {
                    let owner = self
                        .owners
                        .entry((sync.generation_id, *partition))
                        .or_insert_with(|| name.clone());
                    assert_eq!(
                        *owner, name,
                        "partition {partition} of generation {}",
                        sync.generation_id
                    );
                }
                Seen::Assignment
            }
            (Request::OffsetCommit(commit), Answer::OffsetCommit(topics)) => {
                let partitions = topics.iter().flat_map(|topic| &topic.partitions);
                if partitions.clone().any(|(_, error)| !error.is_none()) {
                    let stale = commit.generation_id < self.generation;
                    return if stale { Seen::StaleCommitRefused } else { Seen::Other };
                }
                for partition in commit.topics.iter().flat_map(|topic| &topic.partitions) {
                    self.acknowledged.insert(partition.partition, partition.offset);
                }
                Seen::Commit
            }
            _ => Seen::Other,
        }
    }

    /// Replaying the log gives the live state; what was acknowledged is in it.
    pub(super) fn replayed(&self, shard: &GroupShard, log: &PartitionLog, config: &GroupConfig) {
        let mut replayed = GroupShard::new(config.clone());
        for event in log.load_events() {
            replayed.step(at(0), event, &mut Vec::new());
        }
        let state = replayed.store().committed();
        assert_eq!(shard.store().speculative(), state, "the live state differs from the log");
        let entry = state.group("g");
        for (partition, acknowledged) in &self.acknowledged {
            let offset = entry.and_then(|entry| entry.offset("orders", *partition));
            assert!(
                offset.is_some_and(|offset| offset.offset >= *acknowledged),
                "the acknowledged offset {acknowledged} of partition {partition} is lost"
            );
        }
        if !shard.store().is_settled() {
            return;
        }
        assert_eq!(shard.store().committed(), state);
        let live = shard.live().get("g").filter(|group| group.is(GroupState::Stable));
        let written = entry.and_then(|entry| entry.metadata.as_deref());
        if let (Some(live), Some(written)) = (live, written) {
            let living = ClassicGroup::metadata(live, |member| member.assignment.clone());
            assert_eq!(living.generation, written.generation);
            assert_eq!(living.leader, written.leader);
            assert_eq!(living.members, written.members);
        }
    }
}
