//! What a node does with what its disk held, and with what happens to it then.

use std::time::Duration;

use bytes::Bytes;
use taffrail_model::{Mono, Now, Uuid};
use taffrail_protocol::batch::Batch;
use taffrail_quorum::{
    AppendId, ControlRecord, Effect, ElectionState, Event, MAX_BATCH_SIZE, OffsetAndEpoch, Quorum,
    QuorumConfig, QuorumError, Recovered, Refusal, Role, Voter, VoterEndpoint, VoterKey, VoterSet,
};

const LOCAL: VoterKey = VoterKey { id: 1, directory_id: Uuid::from_bytes([3; 16]) };
const OTHER: VoterKey = VoterKey { id: 2, directory_id: Uuid::from_bytes([4; 16]) };

fn endpoints(port: u16) -> Vec<VoterEndpoint> {
    vec![VoterEndpoint { name: "CONTROLLER".to_owned(), host: "localhost".to_owned(), port }]
}

fn config() -> QuorumConfig {
    QuorumConfig {
        node_id: LOCAL.id,
        directory_id: LOCAL.directory_id,
        endpoints: endpoints(9093),
        election_timeout: Duration::from_secs(1),
    }
}

fn voter_set(keys: &[VoterKey]) -> VoterSet {
    VoterSet::new(keys.iter().map(|&key| Voter::local(key, endpoints(9093))).collect())
}

fn recovered(election_state: Option<ElectionState>, offset: i64, epoch: i32) -> Recovered {
    Recovered {
        election_state,
        log_end: OffsetAndEpoch { offset, epoch },
        kraft_version: 1,
        voters: voter_set(&[LOCAL]),
        voters_in_log: true,
    }
}

fn at(ms: u64) -> Now {
    Now { mono: Mono::from_start(Duration::from_millis(ms)), wall: 1_000 }
}

fn step(quorum: &mut Quorum, event: Event) -> Vec<Effect> {
    let mut out = Vec::new();
    quorum.step(at(0), event, &mut out);
    out
}

fn append(id: u64, values: &[&'static str]) -> Event {
    Event::Append {
        id: AppendId(id),
        values: values.iter().map(|value| Bytes::from_static(value.as_bytes())).collect(),
    }
}

/// A quorum that has won its first election, its control record appended and flushed at offset 1.
fn leader() -> Quorum {
    let mut quorum = Quorum::new(config(), recovered(None, 0, 0)).expect("valid");
    step(&mut quorum, Event::Start);
    step(&mut quorum, Event::ElectionStatePersisted);
    step(&mut quorum, Event::ElectionStatePersisted);
    step(&mut quorum, Event::Appended { end_offset: 1 });
    let effects = step(&mut quorum, Event::Flushed { offset: 1 });
    assert_eq!(
        effects,
        [Effect::HighWatermark(1), Effect::BecameLeader { epoch: 1, start_offset: 0 }]
    );
    quorum
}

#[test]
fn the_epoch_of_the_first_election_depends_on_what_the_disk_held() {
    let check = |stored: Option<ElectionState>, log_epoch: i32, expected: i32| {
        let offset = i64::from(log_epoch > 0);
        let mut quorum =
            Quorum::new(config(), recovered(stored, offset, log_epoch)).expect("valid");
        assert_eq!(
            step(&mut quorum, Event::Start),
            [Effect::PersistElectionState(ElectionState::voted(expected, LOCAL))],
            "{stored:?} and a log of epoch {log_epoch}"
        );
    };
    // A new directory.
    check(None, 0, 1);
    // The file was lost, or is behind the log.
    check(None, 4, 5);
    check(Some(ElectionState::voted(3, LOCAL)), 4, 5);
    check(Some(ElectionState::elected(3, LOCAL.id)), 4, 5);
    // It led, so it may have lost records of that epoch.
    check(Some(ElectionState::elected(4, LOCAL.id)), 4, 5);
    check(Some(ElectionState::elected(4, LOCAL.id)), 2, 5);
    // It voted for itself, and never led in that epoch.
    check(Some(ElectionState::voted(4, LOCAL)), 2, 4);
    // A log that already has the epoch of a mere vote is at odds with the file.
    check(Some(ElectionState::voted(4, LOCAL)), 4, 5);
    // It voted for, or followed, another node, or itself with a directory that is gone.
    check(Some(ElectionState::voted(4, OTHER)), 2, 5);
    check(Some(ElectionState::elected(4, OTHER.id)), 2, 5);
    let wiped = VoterKey { directory_id: OTHER.directory_id, ..LOCAL };
    check(Some(ElectionState::voted(4, wiped)), 2, 5);
}

#[test]
fn quorums_that_this_node_cannot_run_are_refused() {
    let refused = |change: &dyn Fn(&mut Recovered)| {
        let mut recovered = recovered(None, 0, 0);
        change(&mut recovered);
        Quorum::new(config(), recovered).expect_err("refused")
    };
    assert_eq!(refused(&|r| r.voters = VoterSet::default()), QuorumError::NoVoters);
    assert_eq!(
        refused(&|r| r.voters = voter_set(&[LOCAL, OTHER])),
        QuorumError::SeveralVoters(vec![LOCAL, OTHER])
    );
    assert_eq!(
        refused(&|r| r.voters = voter_set(&[OTHER])),
        QuorumError::NotAVoter { local: LOCAL, voter: OTHER }
    );
    for version in [-1, 0, 2] {
        assert_eq!(
            refused(&|r| r.kraft_version = version),
            QuorumError::UnsupportedKraftVersion(version)
        );
    }
    assert_eq!(
        refused(&|r| r.election_state = Some(ElectionState::elected(i32::MAX, LOCAL.id))),
        QuorumError::EpochsExhausted(LOCAL.id)
    );
    assert!(matches!(refused(&|r| r.log_end.offset = -1), QuorumError::CorruptLogEnd { .. }));
}

#[test]
fn vote_and_leadership_are_durable_before_the_first_record() {
    let mut quorum = Quorum::new(config(), recovered(None, 0, 0)).expect("valid");
    step(&mut quorum, Event::Start);
    assert!(!quorum.is_leader());
    assert_eq!(
        step(&mut quorum, Event::ElectionStatePersisted),
        [Effect::PersistElectionState(ElectionState::elected(1, LOCAL.id))]
    );
    assert!(!quorum.is_leader());
    let effects = step(&mut quorum, Event::ElectionStatePersisted);
    assert!(matches!(effects[..], [Effect::AppendControl { base_offset: 0, .. }]), "{effects:?}");
    assert!(quorum.is_leader());
    assert_eq!(quorum.high_watermark(), None);
}

#[test]
fn the_voters_go_into_the_log_when_they_are_not_there_as_they_are() {
    let records = |change: &dyn Fn(&mut Recovered)| {
        let mut recovered = recovered(None, 0, 0);
        change(&mut recovered);
        let mut quorum = Quorum::new(config(), recovered).expect("valid");
        step(&mut quorum, Event::Start);
        step(&mut quorum, Event::ElectionStatePersisted);
        let effects = step(&mut quorum, Event::ElectionStatePersisted);
        let [Effect::AppendControl { batch, .. }] = &effects[..] else { panic!("{effects:?}") };
        let batch = Batch::parse(batch).expect("a batch");
        assert_eq!(batch.header.partition_leader_epoch, 1);
        assert!(batch.header.is_control());
        let records: Vec<ControlRecord> = batch
            .records(4096)
            .expect("records")
            .map(|record| {
                let record = record.expect("a record");
                ControlRecord::decode(record.key.as_deref(), record.value).expect("decodable")
            })
            .collect();
        records
    };
    let written_once = records(&|_| {});
    assert!(
        matches!(&written_once[..], [ControlRecord::LeaderChange(change)] if change.leader_id == LOCAL.id),
        "{written_once:?}"
    );
    let moved = VoterSet::new(vec![Voter::local(LOCAL, endpoints(1))]);
    let changes: [&dyn Fn(&mut Recovered); 2] =
        [&|r| r.voters_in_log = false, &|r| r.voters = moved.clone()];
    for change in changes {
        let written = records(change);
        let [_, ControlRecord::KRaftVersion(_), ControlRecord::Voters(voters)] = &written[..]
        else {
            panic!("{written:?}")
        };
        assert_eq!(VoterSet::from_record(voters), voter_set(&[LOCAL]));
    }
}

#[test]
fn appends_share_flushes_and_commit_when_flushed() {
    let mut quorum = leader();
    let effects = step(&mut quorum, append(7, &["a", "b"]));
    assert!(
        matches!(
            effects[..],
            [Effect::Append { id: AppendId(7), base_offset: 1, last_offset: 2, .. }]
        ),
        "{effects:?}"
    );
    assert_eq!(step(&mut quorum, Event::Appended { end_offset: 3 }), [Effect::Flush { offset: 3 }]);
    step(&mut quorum, append(8, &["c"]));
    assert_eq!(step(&mut quorum, Event::Appended { end_offset: 4 }), []);
    // The flush missed the second append, so another is asked for.
    assert_eq!(
        step(&mut quorum, Event::Flushed { offset: 3 }),
        [Effect::HighWatermark(3), Effect::Flush { offset: 4 }]
    );
    assert_eq!(step(&mut quorum, Event::Flushed { offset: 4 }), [Effect::HighWatermark(4)]);
    assert_eq!(step(&mut quorum, Event::Flushed { offset: 4 }), []);
}

#[test]
fn what_cannot_be_appended_is_refused_and_changes_nothing() {
    let check = |quorum: &mut Quorum, event, refusal| {
        let end = quorum.log_end();
        assert_eq!(step(quorum, event), [Effect::AppendRefused { id: AppendId(1), refusal }]);
        assert_eq!(quorum.log_end(), end);
    };
    let mut quorum = leader();
    check(&mut quorum, append(1, &[]), Refusal::Empty);
    let values = vec![Bytes::from(vec![0; MAX_BATCH_SIZE / 2]); 2];
    let size = MAX_BATCH_SIZE + 2 * 26 + 61;
    check(&mut quorum, Event::Append { id: AppendId(1), values }, Refusal::TooLarge { size });
    step(&mut quorum, Event::Shutdown);
    check(&mut quorum, append(1, &["a"]), Refusal::NotLeader);
}

#[test]
fn a_leader_that_resigns_stands_again_in_a_higher_epoch_after_a_while() {
    let mut quorum = leader();
    step(&mut quorum, append(7, &["a"]));
    step(&mut quorum, Event::Appended { end_offset: 2 });
    assert_eq!(step(&mut quorum, Event::Resign { random: 250 }), [Effect::Resigned { epoch: 1 }]);
    // What is flushed now isn't committed before the next leader says so.
    assert_eq!(step(&mut quorum, Event::Flushed { offset: 2 }), []);
    let deadline = quorum.next_deadline().expect("an election to come");
    assert_eq!(deadline.since_start(), Duration::from_millis(1250));
    assert_eq!(step(&mut quorum, Event::Tick), []);
    let mut out = Vec::new();
    quorum.step(at(1250), Event::Tick, &mut out);
    assert_eq!(out, [Effect::PersistElectionState(ElectionState::voted(2, LOCAL))]);
    step(&mut quorum, Event::ElectionStatePersisted);
    step(&mut quorum, Event::ElectionStatePersisted);
    step(&mut quorum, Event::Appended { end_offset: 3 });
    // The record of the old epoch alone commits nothing.
    assert_eq!(step(&mut quorum, Event::Flushed { offset: 2 }), [Effect::Flush { offset: 3 }]);
    assert_eq!(
        step(&mut quorum, Event::Flushed { offset: 3 }),
        [Effect::HighWatermark(3), Effect::BecameLeader { epoch: 2, start_offset: 2 }]
    );
}

#[test]
fn a_failed_disk_or_a_shutdown_ends_the_leadership_for_good() {
    for event in [Event::StorageFailed, Event::Shutdown] {
        let mut quorum = leader();
        step(&mut quorum, append(7, &["a"]));
        assert_eq!(step(&mut quorum, event), [Effect::Resigned { epoch: 1 }]);
        assert_eq!(quorum.next_deadline(), None);
        let mut out = Vec::new();
        quorum.step(at(1_000_000), Event::Tick, &mut out);
        assert_eq!(out, []);
        assert_eq!(quorum.role(), Role::Resigned { epoch: 1, election_at: None });
    }
    // A candidate that is told to stop doesn't lead once its vote has reached the disk.
    let mut quorum = Quorum::new(config(), recovered(None, 0, 0)).expect("valid");
    step(&mut quorum, Event::Start);
    assert_eq!(step(&mut quorum, Event::Shutdown), []);
    assert_eq!(step(&mut quorum, Event::ElectionStatePersisted), []);
    assert!(!quorum.is_leader());
}
