//! The quorum's invariants, over random histories of appends, flushes, resignations and power cuts.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use taffrail_model::{Mono, Now, Uuid};
use taffrail_protocol::batch::Batch;
use taffrail_quorum::{
    AppendId, Effect, ElectionState, Event, OffsetAndEpoch, Quorum, QuorumConfig, Recovered, Voter,
    VoterKey, VoterSet,
};

const LOCAL: VoterKey = VoterKey { id: 1, directory_id: Uuid::from_bytes([3; 16]) };

#[derive(Clone, Debug)]
enum Action {
    Append(usize),
    /// Sync all but the last so many batches, and tell the quorum.
    Flush(usize),
    /// Sync, and lose power before the quorum hears of it.
    FlushUnheard,
    Resign(u64),
    Wait(u64),
    Shutdown,
    /// Lose power: of what isn't synced, that many batches survive.
    PowerCut(usize),
    /// Lose power in the middle of the election after the next start, after so many effects.
    PowerCutInElection(usize),
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => (1..4usize).prop_map(Action::Append),
        4 => (0..3usize).prop_map(Action::Flush),
        1 => Just(Action::FlushUnheard),
        1 => any::<u64>().prop_map(Action::Resign),
        1 => (0..3_000u64).prop_map(Action::Wait),
        1 => Just(Action::Shutdown),
        1 => (0..4usize).prop_map(Action::PowerCut),
        1 => (0..4usize).prop_map(Action::PowerCutInElection),
    ]
}

/// A node: its disk, what it has told the world, and the quorum while it is up.
struct Node {
    election_state: Option<ElectionState>,
    log: Vec<Batch>,
    /// How many batches of the log are synced.
    synced: usize,
    now_ms: u64,
    quorum: Quorum,
    flush_wanted: bool,
    appends: u64,
    /// Every batch that was ever below a high watermark.
    committed: Vec<Batch>,
    epochs_led: BTreeSet<i32>,
    /// Power goes after that many effects more.
    effects_left: Option<usize>,
}

impl Node {
    fn new() -> Self {
        Self {
            election_state: None,
            log: Vec::new(),
            synced: 0,
            now_ms: 0,
            quorum: quorum(None, OffsetAndEpoch::default()),
            flush_wanted: false,
            appends: 0,
            committed: Vec::new(),
            epochs_led: BTreeSet::new(),
            effects_left: None,
        }
    }

    fn act(&mut self, action: &Action) {
        match *action {
            Action::Append(records) => {
                self.appends += 1;
                let value = Bytes::from(self.appends.to_be_bytes().to_vec());
                self.step(Event::Append {
                    id: AppendId(self.appends),
                    values: vec![value; records],
                });
            }
            Action::Flush(missed) => {
                self.synced = self.synced.max(self.log.len().saturating_sub(missed));
                if std::mem::take(&mut self.flush_wanted) {
                    let offset = end(&self.log[..self.synced]).offset;
                    self.step(Event::Flushed { offset });
                }
            }
            Action::FlushUnheard => {
                self.synced = self.log.len();
                self.restart(0);
            }
            Action::Resign(random) => self.step(Event::Resign { random }),
            Action::Wait(ms) => {
                self.now_ms += ms;
                self.step(Event::Tick);
            }
            Action::Shutdown => {
                self.step(Event::Shutdown);
                self.restart(usize::MAX);
            }
            Action::PowerCut(survive) => self.restart(survive),
            Action::PowerCutInElection(effects) => {
                self.effects_left = Some(effects);
                self.restart(0);
                self.effects_left = None;
                self.restart(0);
            }
        }
    }

    fn restart(&mut self, survive: usize) {
        self.log.truncate(self.synced.saturating_add(survive));
        self.synced = self.log.len();
        self.flush_wanted = false;
        self.quorum = quorum(self.election_state, end(&self.log));
        self.step(Event::Start);
    }

    fn step(&mut self, event: Event) {
        let now = Now { mono: Mono::from_start(Duration::from_millis(self.now_ms)), wall: 0 };
        let mut effects = Vec::new();
        self.quorum.step(now, event, &mut effects);
        for effect in effects {
            if let Some(left) = &mut self.effects_left {
                let Some(less) = left.checked_sub(1) else {
                    return;
                };
                *left = less;
            }
            self.carry_out(effect);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::PersistElectionState(state) => {
                let before = self.election_state.replace(state).unwrap_or_default();
                assert!(before.epoch <= state.epoch, "{before:?} then {state:?}");
                self.step(Event::ElectionStatePersisted);
            }
            Effect::AppendControl { batch, .. } | Effect::Append { batch, .. } => {
                self.write(&batch);
            }
            Effect::AppendRefused { .. } => assert!(!self.quorum.is_leader()),
            Effect::Flush { .. } => self.flush_wanted = true,
            Effect::HighWatermark(offset) => self.commit(offset),
            Effect::BecameLeader { epoch, .. } => {
                assert!(self.epochs_led.insert(epoch), "epoch {epoch} twice");
                assert_eq!(self.epochs_led.last(), Some(&epoch));
            }
            Effect::Resigned { epoch } => assert_eq!(self.epochs_led.last(), Some(&epoch)),
        }
    }

    fn write(&mut self, batch: &Bytes) {
        let batch = Batch::parse(batch).expect("a batch");
        batch.verify_crc().expect("valid");
        let end = end(&self.log);
        assert_eq!(batch.header.base_offset, end.offset);
        let epoch = batch.header.partition_leader_epoch;
        assert!(end.epoch <= epoch);
        // A record of an epoch follows a durable claim to lead that epoch.
        let claim = self.election_state.expect("a claim");
        assert_eq!((claim.epoch, claim.leader_id), (epoch, Some(LOCAL.id)));
        // No two records ever share offset and epoch: the first of an epoch opens it.
        assert_eq!(end.epoch < epoch, batch.header.is_control());
        let end_offset = batch.header.next_offset();
        self.log.push(batch);
        self.step(Event::Appended { end_offset });
    }

    fn commit(&mut self, high_watermark: i64) {
        let now_committed: Vec<Batch> = self
            .log
            .iter()
            .take(self.synced)
            .filter(|batch| batch.header.next_offset() <= high_watermark)
            .cloned()
            .collect();
        let last = now_committed.last().expect("something is committed");
        assert_eq!(last.header.next_offset(), high_watermark, "synced first");
        // Of its own epoch: the high watermark of an epoch begins with a record of that epoch.
        assert_eq!(last.header.partition_leader_epoch, self.quorum.epoch());
        assert!(now_committed.starts_with(&self.committed), "what is committed never changes");
        self.committed = now_committed;
    }
}

fn end(log: &[Batch]) -> OffsetAndEpoch {
    log.last().map_or_else(OffsetAndEpoch::default, |batch| OffsetAndEpoch {
        offset: batch.header.next_offset(),
        epoch: batch.header.partition_leader_epoch,
    })
}

fn quorum(election_state: Option<ElectionState>, log_end: OffsetAndEpoch) -> Quorum {
    Quorum::new(
        QuorumConfig {
            node_id: LOCAL.id,
            directory_id: LOCAL.directory_id,
            endpoints: Vec::new(),
            election_timeout: Duration::from_secs(1),
        },
        Recovered {
            election_state,
            log_end,
            kraft_version: 1,
            voters: VoterSet::new(vec![Voter::local(LOCAL, Vec::new())]),
            voters_in_log: log_end.offset > 0,
        },
    )
    .expect("valid")
}

proptest! {
    #[test]
    fn histories_keep_the_invariants(actions in prop::collection::vec(action(), 1..60)) {
        let mut node = Node::new();
        node.step(Event::Start);
        for action in &actions {
            node.act(action);
        }
        // And in the end there is progress.
        node.restart(0);
        node.act(&Action::Flush(0));
        prop_assert_eq!(node.epochs_led.last().copied(), Some(node.quorum.epoch()));
        let committed = node.committed.len();
        node.act(&Action::Append(1));
        node.act(&Action::Flush(0));
        prop_assert_eq!(node.committed.len(), committed + 1);
    }
}
