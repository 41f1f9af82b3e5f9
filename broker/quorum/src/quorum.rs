//! The state machine.

use std::time::Duration;

use bytes::Bytes;
use taffrail_model::{LeaderEpoch, Mono, NodeId, Now, Offset, Uuid};
use taffrail_protocol::batch::BATCH_OVERHEAD;
use taffrail_protocol::records::leader_change_message as leader_change;
use taffrail_protocol::records::{KRaftVersionRecord, LeaderChangeMessage};

use crate::batches::{MAX_BATCH_SIZE, RECORD_OVERHEAD_MAX, control_batch, data_batch};
use crate::{
    AppendId, ControlRecord, Effect, ElectionState, Event, KRAFT_VERSION, QuorumError, Refusal,
    Role, Voter, VoterEndpoint, VoterKey, VoterSet,
};

/// A position in a replicated log: the end of a log, or what a snapshot covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OffsetAndEpoch {
    /// The offset after the last record.
    pub offset: Offset,
    /// The epoch of the last record.
    pub epoch: LeaderEpoch,
}

/// Who this node is, and how patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuorumConfig {
    /// `node.id`.
    pub node_id: NodeId,
    /// The id of the directory that holds the metadata log.
    pub directory_id: Uuid,
    /// Where this node's controller listens: written into the log by a leader whose entry says otherwise.
    pub endpoints: Vec<VoterEndpoint>,
    /// `controller.quorum.election.timeout.ms`.
    pub election_timeout: Duration,
}

/// What the disk held at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The `quorum-state` file; `None` on the first start of a directory.
    pub election_state: Option<ElectionState>,
    /// The end of the metadata log, all of which is synced.
    pub log_end: OffsetAndEpoch,
    /// The last kraft.version of the snapshot or the log.
    pub kraft_version: i16,
    /// The last voter set of the snapshot or the log.
    pub voters: VoterSet,
    /// Whether that voter set is in the log, or in a snapshot of it. The bootstrap checkpoint doesn't
    /// count: it isn't replicated, so the first leader copies it into the log.
    pub voters_in_log: bool,
}

/// One node's part in the quorum of the metadata log.
#[derive(Debug)]
pub struct Quorum {
    config: QuorumConfig,
    role: Role,
    /// The voters as recorded, with this node's entry as it should be.
    voters: VoterSet,
    /// Whether the next leader must write `voters` into the log.
    voters_unrecorded: bool,
    log_end: OffsetAndEpoch,
    /// The end that the outstanding append will give the log.
    appending_to: Option<Offset>,
    flush_outstanding: bool,
    high_watermark: Option<Offset>,
}

impl Quorum {
    /// A quorum as its node's disk describes it. Nothing happens before [`Event::Start`].
    ///
    /// # Errors
    /// [`QuorumError`] for a quorum that this node can't be the sole voter of, or numbers no node writes.
    pub fn new(config: QuorumConfig, recovered: Recovered) -> Result<Self, QuorumError> {
        let Recovered { election_state, log_end, kraft_version, voters, voters_in_log } = recovered;
        if log_end.offset < 0 || log_end.epoch < 0 {
            return Err(QuorumError::CorruptLogEnd {
                offset: log_end.offset,
                epoch: log_end.epoch,
            });
        }
        if kraft_version != KRAFT_VERSION {
            return Err(QuorumError::UnsupportedKraftVersion(kraft_version));
        }
        let local = VoterKey { id: config.node_id, directory_id: config.directory_id };
        let recorded = sole_voter(&voters)?;
        if recorded.key != local {
            return Err(QuorumError::NotAVoter { local, voter: recorded.key });
        }
        let role = initial_role(election_state, log_end, local);
        if role.epoch() == LeaderEpoch::MAX {
            return Err(QuorumError::EpochsExhausted(local.id));
        }
        let current = Voter::local(local, config.endpoints.clone());
        let voters_unrecorded = !voters_in_log || *recorded != current;
        Ok(Self {
            role,
            voters: VoterSet::new(vec![current]),
            voters_unrecorded,
            log_end,
            appending_to: None,
            flush_outstanding: false,
            high_watermark: None,
            config,
        })
    }

    /// Takes in one event; what is to be done is pushed to `out`.
    ///
    /// # Panics
    /// When the carrier breaks the order that [`Effect`] and [`Event`] describe.
    pub fn step(&mut self, now: Now, event: Event, out: &mut Vec<Effect>) {
        match event {
            Event::Start => self.start(out),
            Event::ElectionStatePersisted => self.on_election_state_persisted(now, out),
            Event::Append { id, values } => self.append(now, id, &values, out),
            Event::Appended { end_offset } => self.on_appended(end_offset, out),
            Event::Flushed { offset } => self.on_flushed(offset, out),
            Event::StorageFailed => {
                self.appending_to = None;
                self.resign(None, out);
            }
            Event::Resign { random } => {
                let election_at = now.mono + self.random_election_timeout(random);
                if matches!(self.role, Role::Leader { .. }) {
                    self.resign(Some(election_at), out);
                }
            }
            Event::Tick => self.tick(now, out),
            Event::Shutdown => self.resign(None, out),
        }
    }

    /// What this node is to the quorum.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The epoch.
    #[must_use]
    pub fn epoch(&self) -> LeaderEpoch {
        self.role.epoch()
    }

    /// Whether this node leads, and may append.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        matches!(self.role, Role::Leader { .. })
    }

    /// All records below it are committed; `None` until an election has been won.
    #[must_use]
    pub fn high_watermark(&self) -> Option<Offset> {
        self.high_watermark
    }

    /// The offset of the next record, and the epoch of the last.
    #[must_use]
    pub fn log_end(&self) -> OffsetAndEpoch {
        self.log_end
    }

    /// The voters.
    #[must_use]
    pub fn voters(&self) -> &VoterSet {
        &self.voters
    }

    /// When the next [`Event::Tick`] has something to do, if ever.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        match self.role {
            Role::Resigned { election_at, .. } => election_at,
            Role::Unattached { .. } | Role::Candidate { .. } | Role::Leader { .. } => None,
        }
    }

    /// As Kafka's client does, a sole voter doesn't wait for a timeout.
    fn start(&mut self, out: &mut Vec<Effect>) {
        match self.role {
            // A vote that was cast before the crash counts still: it is asked for once more, and the epoch
            // is this node's alone.
            Role::Candidate { .. } => self.vote_for_self(self.epoch(), out),
            Role::Unattached { .. } | Role::Resigned { .. } => self.stand_for_election(out),
            Role::Leader { .. } => {}
        }
    }

    fn tick(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.next_deadline().is_some_and(|at| at <= now.mono) {
            self.stand_for_election(out);
        }
    }

    fn stand_for_election(&mut self, out: &mut Vec<Effect>) {
        match self.epoch().checked_add(1) {
            Some(epoch) => self.vote_for_self(epoch, out),
            // Nobody can be elected any more, and `new` would say so; stay as resigned.
            None => self.resign(None, out),
        }
    }

    fn vote_for_self(&mut self, epoch: LeaderEpoch, out: &mut Vec<Effect>) {
        self.role = Role::Candidate { epoch, elected: false };
        out.push(Effect::PersistElectionState(ElectionState::voted(epoch, self.local_key())));
    }

    fn on_election_state_persisted(&mut self, now: Now, out: &mut Vec<Effect>) {
        match self.role {
            // The vote is durable, so it counts, and one is the majority of one.
            Role::Candidate { epoch, elected: false } => {
                self.role = Role::Candidate { epoch, elected: true };
                let state = ElectionState::elected(epoch, self.config.node_id);
                out.push(Effect::PersistElectionState(state));
            }
            Role::Candidate { epoch, elected: true } => self.become_leader(now, epoch, out),
            // The node was told to stop, or its disk failed, while the file was written.
            Role::Resigned { .. } => {}
            Role::Unattached { .. } | Role::Leader { .. } => {
                panic!("an election state was persisted that nobody asked for")
            }
        }
    }

    fn become_leader(&mut self, now: Now, epoch: LeaderEpoch, out: &mut Vec<Effect>) {
        let base_offset = self.log_end.offset;
        self.role = Role::Leader { epoch, start_offset: base_offset, established: false };
        let records = self.start_of_epoch_records();
        let batch = control_batch(base_offset, epoch, now.wall, &records)
            .expect("voters that were decoded, or configured as a listener, fit their record");
        self.voters_unrecorded = false;
        self.appending_to = Some(base_offset + offset_delta(records.len()));
        out.push(Effect::AppendControl { base_offset, batch });
    }

    /// The records that begin an epoch: the leader's claim and, when the log doesn't hold them as they are,
    /// the KRaft version and the voters.
    fn start_of_epoch_records(&self) -> Vec<ControlRecord> {
        let ids: Vec<leader_change::Voter> = self
            .voters
            .voters()
            .iter()
            .map(|voter| leader_change::Voter {
                voter_id: voter.key.id,
                ..leader_change::Voter::default()
            })
            .collect();
        let mut records = vec![ControlRecord::LeaderChange(LeaderChangeMessage {
            version: 0,
            leader_id: self.config.node_id,
            voters: ids.clone(),
            granting_voters: ids,
            ..LeaderChangeMessage::default()
        })];
        if self.voters_unrecorded {
            records.push(ControlRecord::KRaftVersion(KRaftVersionRecord {
                version: 0,
                kraft_version: KRAFT_VERSION,
                ..KRaftVersionRecord::default()
            }));
            records.push(ControlRecord::Voters(self.voters.to_record()));
        }
        records
    }

    fn append(&mut self, now: Now, id: AppendId, values: &[Bytes], out: &mut Vec<Effect>) {
        assert!(self.appending_to.is_none(), "an append before the last one was answered");
        if let Err(refusal) = self.may_append(values) {
            out.push(Effect::AppendRefused { id, refusal });
            return;
        }
        let base_offset = self.log_end.offset;
        let end_offset = base_offset + offset_delta(values.len());
        self.appending_to = Some(end_offset);
        out.push(Effect::Append {
            id,
            base_offset,
            last_offset: end_offset - 1,
            batch: data_batch(base_offset, self.epoch(), now.wall, values),
        });
    }

    fn may_append(&self, values: &[Bytes]) -> Result<(), Refusal> {
        if !self.is_leader() {
            return Err(Refusal::NotLeader);
        }
        if values.is_empty() {
            return Err(Refusal::Empty);
        }
        let size = max_batch_size(values);
        if size > MAX_BATCH_SIZE {
            return Err(Refusal::TooLarge { size });
        }
        Ok(())
    }

    fn on_appended(&mut self, end_offset: Offset, out: &mut Vec<Effect>) {
        let expected = self.appending_to.take();
        assert_eq!(Some(end_offset), expected, "the log's end after an append");
        self.log_end = OffsetAndEpoch { offset: end_offset, epoch: self.epoch() };
        self.request_flush(out);
    }

    fn on_flushed(&mut self, offset: Offset, out: &mut Vec<Effect>) {
        let end = self.log_end.offset;
        assert!(offset <= end, "flushed up to {offset}, past the log's end {end}");
        self.flush_outstanding = false;
        if let Role::Leader { epoch, start_offset, established } = self.role {
            self.raise_high_watermark(start_offset, offset, out);
            if !established && self.high_watermark > Some(start_offset) {
                self.role = Role::Leader { epoch, start_offset, established: true };
                out.push(Effect::BecameLeader { epoch, start_offset });
            }
        }
        if offset < end {
            self.request_flush(out);
        }
    }

    /// What the majority holds is committed, once it includes a record of this leader's own epoch (Raft's
    /// figure 8: a record of an earlier epoch, though on a majority, could be lost still).
    fn raise_high_watermark(&mut self, start: Offset, flushed: Offset, out: &mut Vec<Effect>) {
        if flushed > start && Some(flushed) > self.high_watermark {
            self.high_watermark = Some(flushed);
            out.push(Effect::HighWatermark(flushed));
        }
    }

    fn request_flush(&mut self, out: &mut Vec<Effect>) {
        if !self.flush_outstanding {
            self.flush_outstanding = true;
            out.push(Effect::Flush { offset: self.log_end.offset });
        }
    }

    fn resign(&mut self, election_at: Option<Mono>, out: &mut Vec<Effect>) {
        let led = match self.role {
            Role::Leader { epoch, established: true, .. } => Some(epoch),
            _ => None,
        };
        self.role = Role::Resigned { epoch: self.epoch(), election_at };
        out.extend(led.map(|epoch| Effect::Resigned { epoch }));
    }

    /// Between one and two election timeouts, as in Kafka, so that nodes that start together drift apart.
    fn random_election_timeout(&self, random: u64) -> Duration {
        let base = self.config.election_timeout;
        let spread = u64::try_from(base.as_millis()).unwrap_or(u64::MAX).max(1);
        base + Duration::from_millis(random % spread)
    }

    fn local_key(&self) -> VoterKey {
        VoterKey { id: self.config.node_id, directory_id: self.config.directory_id }
    }
}

fn sole_voter(voters: &VoterSet) -> Result<&Voter, QuorumError> {
    match voters.voters() {
        [] => Err(QuorumError::NoVoters),
        [voter] => Ok(voter),
        several => Err(QuorumError::SeveralVoters(several.iter().map(|voter| voter.key).collect())),
    }
}

/// The role that a node wakes up in, as Kafka's `QuorumState.initialize` chooses it.
fn initial_role(
    election_state: Option<ElectionState>,
    log_end: OffsetAndEpoch,
    local: VoterKey,
) -> Role {
    let state = election_state.unwrap_or_default();
    if state.epoch < log_end.epoch {
        // The file was lost, or is older than the log: what it says of votes is worth nothing.
        Role::Unattached { epoch: log_end.epoch }
    } else if state.leader_id == Some(local.id) {
        // Never again a leader in the same epoch: unsynced records of it may be lost, and a second record
        // with the same offset and epoch would tear the log apart unseen.
        Role::Resigned { epoch: state.epoch, election_at: None }
    } else if state.is_voted_for(local) && state.epoch > log_end.epoch {
        Role::Candidate { epoch: state.epoch, elected: false }
    } else {
        Role::Unattached { epoch: state.epoch }
    }
}

/// An upper bound of what a batch of these values takes.
fn max_batch_size(values: &[Bytes]) -> usize {
    let records: usize = values
        .iter()
        .map(|value| value.len().saturating_add(RECORD_OVERHEAD_MAX))
        .fold(0, usize::saturating_add);
    records.saturating_add(BATCH_OVERHEAD)
}

fn offset_delta(records: usize) -> Offset {
    Offset::try_from(records).expect("a batch under 8 MiB has few records")
}
