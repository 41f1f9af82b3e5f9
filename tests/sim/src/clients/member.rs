//! A member of a group: it joins, syncs, stays, commits, looks at what is committed, and goes.

use anyhow::{Result, bail, ensure};
use bytes::Bytes;
use taffrail_coordinator::{
    Answer, Heartbeat, JoinGroup, JoinGroupAnswer, JoinProtocol, LeaveGroup, LeavingMember,
    OffsetCommit, OffsetCommitPartition, OffsetCommitTopic, OffsetFetch, OffsetFetchGroup,
    OffsetFetchTopic, Request, SyncAssignment, SyncGroup, SyncGroupAnswer,
};
use taffrail_model::{ErrorCode, Offset, PartitionIndex, Uuid};

use crate::turn::Turn;

/// The topic that groups read. It is a name to the coordinator, no more.
const TOPIC: &str = "lasting-durable";
const TOPIC_ID: Uuid = Uuid::from_bytes([7; 16]);
/// How many partitions the groups share out.
const PARTITIONS: PartitionIndex = 4;
const SESSION_TIMEOUT_MS: i32 = 10_000;

/// What the member waits for.
#[derive(Debug)]
enum Waiting {
    Join,
    Sync,
    Heartbeat,
    Leave,
    Commit { partition: PartitionIndex, offset: Offset, generation: i32, newest: i32 },
    Fetch { acked: Vec<Offset> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Out,
    Entering,
    In,
}

/// One member.
#[derive(Debug)]
pub(crate) struct Member {
    group: String,
    id: String,
    generation: i32,
    phase: Phase,
    owned: Vec<PartitionIndex>,
    waiting: Vec<(u64, Waiting)>,
    commits_acked: u64,
}

impl Member {
    pub(crate) fn new(group: &str) -> Self {
        Self {
            group: group.to_owned(),
            id: String::new(),
            generation: -1,
            phase: Phase::Out,
            owned: Vec::new(),
            waiting: Vec::new(),
            commits_acked: 0,
        }
    }

    /// The group.
    pub(crate) fn group(&self) -> &str {
        &self.group
    }

    /// How many commits were acknowledged.
    pub(crate) fn commits_acked(&self) -> u64 {
        self.commits_acked
    }

    /// The node is gone, and with it all answers.
    pub(crate) fn disconnect(&mut self) {
        self.waiting.clear();
        if self.phase == Phase::Entering {
            self.phase = Phase::Out;
        }
    }

    /// The group's log has lost its end: what the member holds may be given to others under the same generation.
    pub(crate) fn begin_anew(&mut self) {
        *self = Self { commits_acked: self.commits_acked, ..Self::new(&self.group) };
    }

    /// Takes the answers that are there, and does the next thing.
    pub(crate) fn step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        self.take_answers(turn)?;
        if !turn.node.is_ready() {
            return Ok(());
        }
        match self.phase {
            Phase::Out if turn.rng.one_in(4) => self.join(turn),
            Phase::Out | Phase::Entering => {}
            Phase::In => self.stay(turn),
        }
        self.take_answers(turn)
    }

    fn ask(&mut self, turn: &mut Turn<'_>, waiting: Waiting, request: Request) {
        let token = turn.node.ask_group(turn.now, &self.group, request);
        self.waiting.push((token, waiting));
    }

    fn join(&mut self, turn: &mut Turn<'_>) {
        self.phase = Phase::Entering;
        self.owned.clear();
        let request = Request::JoinGroup(JoinGroup {
            group_id: self.group.clone(),
            member_id: self.id.clone(),
            session_timeout_ms: SESSION_TIMEOUT_MS,
            rebalance_timeout_ms: SESSION_TIMEOUT_MS,
            protocol_type: "consumer".to_owned(),
            protocols: vec![JoinProtocol {
                name: "range".to_owned(),
                metadata: Bytes::from_static(b"all"),
            }],
            requires_known_member_id: turn.rng.coin(),
            new_member_uuid: Uuid::from_random(turn.rng.bytes16()),
            ..JoinGroup::default()
        });
        self.ask(turn, Waiting::Join, request);
    }

    fn stay(&mut self, turn: &mut Turn<'_>) {
        let is_waiting = |of: fn(&Waiting) -> bool| self.waiting.iter().any(|(_, w)| of(w));
        let commits = is_waiting(|w| matches!(w, Waiting::Commit { .. }));
        match turn.rng.below(20) {
            0..5 if !commits && !self.owned.is_empty() => self.commit(turn, self.generation),
            5 if !commits && self.generation > 1 => self.commit(turn, self.generation - 1),
            6..8 => self.fetch(turn),
            8 if turn.rng.one_in(4) => self.leave(turn),
            _ if turn.rng.one_in(3) => {
                let request = Request::Heartbeat(Heartbeat {
                    group_id: self.group.clone(),
                    generation_id: self.generation,
                    member_id: self.id.clone(),
                    group_instance_id: None,
                });
                self.ask(turn, Waiting::Heartbeat, request);
            }
            _ => {}
        }
    }

    fn leave(&mut self, turn: &mut Turn<'_>) {
        let request = Request::LeaveGroup(LeaveGroup {
            group_id: self.group.clone(),
            members: vec![LeavingMember { member_id: self.id.clone(), ..LeavingMember::default() }],
        });
        self.ask(turn, Waiting::Leave, request);
    }

    fn commit(&mut self, turn: &mut Turn<'_>, generation: i32) {
        let index = turn.rng.below(self.owned.len().max(1) as u64);
        let index = usize::try_from(index).unwrap_or(0);
        let partition = self.owned.get(index).copied().unwrap_or(0);
        let slot = (self.group.clone(), partition);
        let offset = turn.model.committed.next(&slot);
        let request = Request::OffsetCommit(OffsetCommit {
            group_id: self.group.clone(),
            generation_id: generation,
            member_id: self.id.clone(),
            supports_group_not_found: true,
            topics: vec![OffsetCommitTopic {
                name: TOPIC.to_owned(),
                topic_id: TOPIC_ID,
                partitions: vec![OffsetCommitPartition {
                    partition,
                    offset,
                    leader_epoch: -1,
                    metadata: None,
                }],
            }],
            ..OffsetCommit::default()
        });
        let newest = turn.model.ownership.newest(&self.group);
        self.ask(turn, Waiting::Commit { partition, offset, generation, newest }, request);
    }

    fn fetch(&mut self, turn: &mut Turn<'_>) {
        let partitions: Vec<PartitionIndex> = (0..PARTITIONS).collect();
        let acked = partitions
            .iter()
            .map(|&partition| turn.model.committed.acked(&(self.group.clone(), partition)))
            .collect();
        let request = Request::OffsetFetch(OffsetFetch {
            groups: vec![OffsetFetchGroup {
                group_id: self.group.clone(),
                topics: Some(vec![OffsetFetchTopic {
                    name: TOPIC.to_owned(),
                    topic_id: TOPIC_ID,
                    partitions,
                }]),
            }],
            require_stable: turn.rng.coin(),
        });
        self.ask(turn, Waiting::Fetch { acked }, request);
    }

    fn take_answers(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        for (token, waiting) in std::mem::take(&mut self.waiting) {
            match turn.node.take_group_answer(token) {
                None => self.waiting.push((token, waiting)),
                Some(answer) => self.answered(turn, waiting, answer)?,
            }
        }
        Ok(())
    }

    fn answered(&mut self, turn: &mut Turn<'_>, waiting: Waiting, answer: Answer) -> Result<()> {
        match (waiting, answer) {
            (Waiting::Join, Answer::JoinGroup(answer)) => self.joined(turn, answer),
            (Waiting::Sync, Answer::SyncGroup(answer)) => self.synced(turn, &answer),
            (Waiting::Heartbeat, Answer::Heartbeat(error)) => {
                self.heed(error);
                Ok(())
            }
            (Waiting::Leave, Answer::LeaveGroup(_)) => {
                self.phase = Phase::Out;
                self.id.clear();
                Ok(())
            }
            (
                Waiting::Commit { partition, offset, generation, newest },
                Answer::OffsetCommit(topics),
            ) => {
                let errors = topics.iter().flat_map(|topic| &topic.partitions);
                let Some(&(_, error)) = errors.clone().next() else { bail!("{topics:?}") };
                if error == ErrorCode::None {
                    ensure!(
                        generation >= newest,
                        "group {}: a commit of generation {generation} was taken, and {newest} had begun",
                        self.group
                    );
                    self.commits_acked += 1;
                    turn.coverage.commits_acked += 1;
                    turn.note(format_args!("{} committed {offset} of {partition}", self.group));
                    turn.model.committed.acknowledge(&(self.group.clone(), partition), offset);
                } else if generation < self.generation {
                    turn.coverage.stale_commits_refused += 1;
                } else {
                    self.heed(error);
                }
                Ok(())
            }
            (Waiting::Fetch { acked }, Answer::OffsetFetch(groups)) => {
                for group in groups.iter().filter(|group| group.error == ErrorCode::None) {
                    let partitions = group.topics.iter().flat_map(|topic| &topic.partitions);
                    for partition in partitions.filter(|found| found.error == ErrorCode::None) {
                        let slot = (self.group.clone(), partition.partition);
                        let acked = usize::try_from(partition.partition)
                            .ok()
                            .and_then(|index| acked.get(index).copied())
                            .unwrap_or(-1);
                        turn.model.committed.check(&slot, acked, partition.offset)?;
                        turn.coverage.offsets_fetched += 1;
                    }
                }
                Ok(())
            }
            (waiting, answer) => bail!("{waiting:?} was answered {answer:?}"),
        }
    }

    fn joined(&mut self, turn: &mut Turn<'_>, answer: JoinGroupAnswer) -> Result<()> {
        match answer.error {
            ErrorCode::None => {}
            ErrorCode::MemberIdRequired => {
                self.id = answer.member_id;
                self.phase = Phase::Out;
                return Ok(());
            }
            error => {
                self.heed(error);
                self.phase = Phase::Out;
                return Ok(());
            }
        }
        self.id = answer.member_id;
        self.generation = answer.generation_id;
        let (group, generation) = (self.group.clone(), self.generation);
        if turn.model.ownership.joined(&group, generation, &answer.leader)? {
            turn.coverage.group_generations += 1;
        }
        turn.note(format_args!("{group}: {} joined generation {generation}", self.id));
        let assignments = if answer.leader == self.id {
            let shares = answer.members.len().max(1);
            let share = |index: usize| -> Bytes {
                (0..PARTITIONS)
                    .filter(|&p| usize::try_from(p).unwrap_or(0) % shares == index)
                    .filter_map(|p| u8::try_from(p).ok())
                    .collect()
            };
            let members = answer.members.iter().enumerate();
            members
                .map(|(index, member)| SyncAssignment {
                    member_id: member.member_id.clone(),
                    assignment: share(index),
                })
                .collect()
        } else {
            Vec::new()
        };
        let request = Request::SyncGroup(SyncGroup {
            group_id: group,
            generation_id: generation,
            member_id: self.id.clone(),
            assignments,
            ..SyncGroup::default()
        });
        self.ask(turn, Waiting::Sync, request);
        Ok(())
    }

    fn synced(&mut self, turn: &mut Turn<'_>, answer: &SyncGroupAnswer) -> Result<()> {
        if answer.error != ErrorCode::None {
            self.heed(answer.error);
            self.phase = Phase::Out;
            return Ok(());
        }
        self.owned = answer.assignment.iter().map(|&p| PartitionIndex::from(p)).collect();
        self.phase = Phase::In;
        turn.note(format_args!("{}: {} owns {:?}", self.group, self.id, self.owned));
        turn.model.ownership.assigned(&self.group, self.generation, &self.id, &self.owned)
    }

    /// Does what a client does on an error.
    fn heed(&mut self, error: ErrorCode) {
        match error {
            ErrorCode::UnknownMemberId | ErrorCode::FencedInstanceId => {
                self.id.clear();
                self.phase = Phase::Out;
            }
            ErrorCode::IllegalGeneration | ErrorCode::RebalanceInProgress => {
                self.phase = Phase::Out;
            }
            // The coordinator loads, or its log can't be written for now: the same again later.
            _ => {}
        }
    }
}
