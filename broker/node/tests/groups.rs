//! The shards of the group coordinator: whom an event reaches, and what goes into the log.

use bytes::Bytes;
use taffrail_coordinator::{
    Answer, DeletedTopic, GroupConfig, LoadedBatch, OffsetCommit, OffsetCommitPartition,
    OffsetCommitTopic, OffsetFetch, OffsetFetchGroup, OffsetFetchTopic, ReplyToken, Request,
    RequestContext, WriteId,
};
use taffrail_model::{ErrorCode, PartitionIndex, Uuid};
use taffrail_node::groups::{Effect, Event, Groups, loaded_batch};
use taffrail_protocol::batch::{Batch, BatchBuilder};
use taffrail_protocol::compression::Compression;
use taffrail_protocol::records::GroupRecord;
use taffrail_testkit::{ManualClock, TestBatch};

const INFLATED_BYTES_MAX: usize = 1 << 20;

struct Scenario {
    groups: Groups,
    clock: ManualClock,
}

impl Scenario {
    /// The shards of these partitions serve, with nothing in their logs.
    fn leading(partitions: &[PartitionIndex]) -> Self {
        let groups = Groups::new(GroupConfig::default());
        let mut scenario = Self { groups, clock: ManualClock::default() };
        for &partition in partitions {
            scenario.load(partition, Vec::new());
        }
        scenario
    }

    fn step(&mut self, event: Event) -> Vec<Effect> {
        let mut out = Vec::new();
        self.groups.step(self.clock.now(), event, &mut out);
        out
    }

    fn load(&mut self, partition: PartitionIndex, batches: Vec<LoadedBatch>) -> Vec<Effect> {
        let mut said = self.step(Event::Elected { partition, high_watermark: 0 });
        for batch in batches {
            said.extend(self.step(Event::Load { partition, batch }));
        }
        said.extend(self.step(Event::Loaded { partition }));
        said
    }

    fn ask(&mut self, partition: PartitionIndex, token: u64, request: Request) -> Vec<Effect> {
        let context =
            RequestContext { client_id: "client".to_owned(), client_host: "/127.0.0.1".to_owned() };
        self.step(Event::Request { partition, token: ReplyToken(token), context, request })
    }

    fn commit(&mut self, partition: PartitionIndex, token: u64, offset: i64) -> Vec<Effect> {
        self.ask(partition, token, commit(offset))
    }

    /// The offset that the group has committed.
    fn committed(&mut self, partition: PartitionIndex) -> Option<i64> {
        let group = OffsetFetchGroup {
            group_id: "group".to_owned(),
            topics: Some(vec![OffsetFetchTopic {
                name: "orders".to_owned(),
                topic_id: Uuid::ZERO,
                partitions: vec![3],
            }]),
        };
        let fetch = OffsetFetch { groups: vec![group], require_stable: false };
        match self.ask(partition, 99, Request::OffsetFetch(fetch)).as_slice() {
            [Effect::Reply { answer: Answer::OffsetFetch(groups), .. }] => {
                let offset = groups[0].topics.first()?.partitions[0].offset;
                (offset >= 0).then_some(offset)
            }
            other => panic!("expected an answer, got {other:?}"),
        }
    }
}

/// A commit of a consumer outside of any membership.
fn commit(offset: i64) -> Request {
    let partition = OffsetCommitPartition { partition: 3, offset, ..Default::default() };
    let topic = OffsetCommitTopic {
        name: "orders".to_owned(),
        partitions: vec![partition],
        ..Default::default()
    };
    Request::OffsetCommit(OffsetCommit {
        group_id: "group".to_owned(),
        generation_id: -1,
        topics: vec![topic],
        ..Default::default()
    })
}

fn appended(effects: &[Effect]) -> (PartitionIndex, WriteId, Bytes) {
    match effects {
        [Effect::Append { partition, write_id, batch }] => (*partition, *write_id, batch.clone()),
        other => panic!("expected an append, got {other:?}"),
    }
}

/// The tokens that were answered, each with the first error in the answer to a commit.
fn replies(effects: &[Effect]) -> Vec<(u64, ErrorCode)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Reply { token, answer: Answer::OffsetCommit(topics) } => {
                Some((token.0, topics[0].partitions[0].1))
            }
            _ => None,
        })
        .collect()
}

fn loaded(bytes: &Bytes) -> LoadedBatch {
    let batch = Batch::parse(bytes).expect("a batch");
    loaded_batch(&batch, INFLATED_BYTES_MAX).expect("readable").expect("not a control batch")
}

#[test]
fn a_shard_that_is_not_here_answers_that_it_is_not_the_coordinator() {
    let mut scenario = Scenario::leading(&[1]);
    let said = scenario.commit(2, 7, 42);
    assert_eq!(replies(&said), [(7, ErrorCode::NotCoordinator)]);
    // What the log tells of it is for nobody.
    for event in [
        Event::Loaded { partition: 2 },
        Event::Resigned { partition: 2 },
        Event::Committed { partition: 2, high_watermark: 5 },
        Event::Appended { partition: 2, write_id: WriteId(0), last_offset: 1 },
        Event::AppendFailed { partition: 2, write_id: WriteId(0), error: ErrorCode::None },
    ] {
        assert!(scenario.step(event.clone()).is_empty(), "{event:?}");
    }
}

#[test]
fn a_shard_that_is_being_loaded_says_so() {
    let mut scenario = Scenario::leading(&[]);
    scenario.step(Event::Elected { partition: 1, high_watermark: 0 });
    let said = scenario.commit(1, 7, 42);
    assert_eq!(replies(&said), [(7, ErrorCode::CoordinatorLoadInProgress)]);
}

#[test]
fn an_append_is_one_batch_of_kafkas_records() {
    let mut scenario = Scenario::leading(&[1]);
    let (partition, _, bytes) = appended(&scenario.commit(1, 7, 42));
    assert_eq!(partition, 1);
    let batch = Batch::parse(&bytes).expect("a batch");
    assert_eq!(batch.bytes.len(), bytes.len());
    batch.verify_crc().expect("right");
    assert_eq!(batch.header.base_offset, 0);
    assert_eq!(batch.header.max_timestamp, scenario.clock.now().wall);
    let records: Vec<GroupRecord> = batch
        .records(INFLATED_BYTES_MAX)
        .expect("readable")
        .map(|record| {
            let record = record.expect("readable");
            GroupRecord::decode(record.key.expect("a key"), record.value).expect("Kafka's")
        })
        .collect();
    let [GroupRecord::OffsetCommit(key, Some(value))] = records.as_slice() else {
        panic!("expected a committed offset, got {records:?}");
    };
    assert_eq!((key.group.as_str(), key.topic.as_str(), key.partition), ("group", "orders", 3));
    assert_eq!((value.offset, value.commit_timestamp), (42, scenario.clock.now().wall));
}

#[test]
fn a_commit_is_answered_when_it_is_committed() {
    let mut scenario = Scenario::leading(&[1, 2]);
    let (partition, write_id, _) = appended(&scenario.commit(1, 7, 42));
    assert!(scenario.step(Event::Appended { partition, write_id, last_offset: 4 }).is_empty());
    assert!(scenario.step(Event::Committed { partition, high_watermark: 4 }).is_empty());
    assert!(scenario.step(Event::Committed { partition: 2, high_watermark: 9 }).is_empty());
    let said = scenario.step(Event::Committed { partition, high_watermark: 5 });
    assert_eq!(replies(&said), [(7, ErrorCode::None)]);
    assert_eq!(scenario.committed(1), Some(42));
    assert_eq!(scenario.committed(2), None);
}

#[test]
fn a_failed_append_is_undone_and_told() {
    let check = |error, expect| {
        let mut scenario = Scenario::leading(&[1]);
        let (partition, write_id, _) = appended(&scenario.commit(1, 7, 42));
        let said = scenario.step(Event::AppendFailed { partition, write_id, error });
        assert_eq!(replies(&said), [(7, expect)], "{error:?}");
        assert_eq!(scenario.committed(1), None);
    };
    check(ErrorCode::NotLeaderOrFollower, ErrorCode::NotCoordinator);
    check(ErrorCode::KafkaStorageError, ErrorCode::NotCoordinator);
    check(ErrorCode::NotEnoughReplicas, ErrorCode::CoordinatorNotAvailable);
    check(ErrorCode::RecordListTooLarge, ErrorCode::UnknownServerError);
}

#[test]
fn what_was_written_is_there_after_an_election() {
    let mut scenario = Scenario::leading(&[1]);
    let (_, _, first) = appended(&scenario.commit(1, 7, 42));
    let (_, _, second) = appended(&scenario.commit(1, 8, 43));
    let mut next = Scenario::leading(&[]);
    let said = next.load(1, vec![loaded(&first), loaded(&second)]);
    let [Effect::LoadFinished { partition: 1, report }] = said.as_slice() else {
        panic!("expected the end of the load, got {said:?}");
    };
    assert_eq!((report.replayed, report.groups), (2, 1));
    // Nothing is shown before the high watermark has passed it.
    assert_eq!(next.committed(1), None);
    next.step(Event::Committed { partition: 1, high_watermark: 1 });
    assert_eq!(next.committed(1), Some(43));
}

#[test]
fn resigning_sends_those_who_wait_away_and_forgets_everything() {
    let mut scenario = Scenario::leading(&[1, 2]);
    scenario.commit(1, 7, 42);
    let said = scenario.step(Event::Resigned { partition: 1 });
    assert_eq!(replies(&said), [(7, ErrorCode::NotCoordinator)]);
    assert_eq!(replies(&scenario.commit(1, 8, 43)), [(8, ErrorCode::NotCoordinator)]);
    assert_eq!(scenario.committed(2), None);
    scenario.load(1, Vec::new());
    assert_eq!(scenario.committed(1), None);
}

#[test]
fn a_second_election_begins_anew() {
    let mut scenario = Scenario::leading(&[1]);
    scenario.commit(1, 7, 42);
    let said = scenario.step(Event::Elected { partition: 1, high_watermark: 0 });
    assert_eq!(replies(&said), [(7, ErrorCode::NotCoordinator)]);
    scenario.step(Event::Loaded { partition: 1 });
    assert_eq!(scenario.committed(1), None);
}

#[test]
fn deleted_topics_concern_every_shard() {
    let mut scenario = Scenario::leading(&[1, 2]);
    for partition in [1, 2] {
        let (_, write_id, _) = appended(&scenario.commit(partition, 7, 42));
        scenario.step(Event::Appended { partition, write_id, last_offset: 0 });
        scenario.step(Event::Committed { partition, high_watermark: 1 });
    }
    let topic = DeletedTopic { name: "orders".to_owned(), topic_id: Uuid::from_bytes([1; 16]) };
    let said = scenario.step(Event::TopicsDeleted(vec![topic]));
    let partitions: Vec<PartitionIndex> = said
        .iter()
        .filter_map(|effect| match effect {
            Effect::Append { partition, .. } => Some(*partition),
            _ => None,
        })
        .collect();
    assert_eq!(partitions, [1, 2]);
}

#[test]
fn a_deadline_is_the_earliest_of_all_shards_and_reaches_those_that_are_due() {
    let mut scenario = Scenario::leading(&[1, 2]);
    let config = GroupConfig::default();
    let idle = scenario.groups.next_deadline().expect("expiry");
    assert_eq!(idle, scenario.clock.now().mono.plus_ms(config.offsets_retention_check_interval_ms));
    let (partition, write_id, _) = appended(&scenario.commit(2, 7, 42));
    scenario.step(Event::Appended { partition, write_id, last_offset: 0 });
    let impatient = scenario.clock.now().mono.plus_ms(config.commit_timeout_ms);
    assert_eq!(scenario.groups.next_deadline(), Some(impatient));
    assert!(scenario.step(Event::Tick).is_empty(), "nothing is due yet");

    scenario.clock.advance_ms(u32::try_from(config.commit_timeout_ms).expect("small"));
    let said = scenario.step(Event::Tick);
    assert_eq!(replies(&said), [(7, ErrorCode::CoordinatorNotAvailable)]);
    assert_eq!(scenario.groups.next_deadline(), Some(idle));
    assert_eq!(Scenario::leading(&[]).groups.next_deadline(), None);
}

#[test]
fn batches_of_the_log_are_read_as_far_as_they_concern_groups() {
    let marker = TestBatch { producer: Some((9, 0, -1)), ..TestBatch::default() };
    let marker = Batch::parse(&marker.build_marker(true)).expect("a batch");
    assert!(loaded_batch(&marker, INFLATED_BYTES_MAX).expect("readable").is_none());

    let transactional = TestBatch {
        base_offset: 40,
        producer: Some((9, 0, 0)),
        is_transactional: true,
        values: vec![Bytes::from_static(b"a"), Bytes::from_static(b"b")],
        ..TestBatch::default()
    };
    let batch = loaded(&transactional.build());
    assert!(batch.transactional);
    assert_eq!((batch.last_offset, batch.records.len()), (41, 2));
    assert!(batch.records.iter().all(|record| record.key.is_none()));

    let mut builder = BatchBuilder::new().compression(Compression::Gzip);
    builder.append(0, Some(b"key"), Some(&[0; 10_000]), &[]);
    let bomb = Batch::parse(&builder.build()).expect("a batch");
    assert!(bomb.bytes.len() < 1_000);
    loaded_batch(&bomb, 1_000).expect_err("it inflates to more");
}

#[test]
fn a_record_that_cannot_be_read_stops_the_load() {
    let mut builder = BatchBuilder::new();
    // A committed offset whose key ends after its type.
    builder.append(0, Some(&[0, 1]), Some(b"value"), &[]);
    let mut scenario = Scenario::leading(&[]);
    scenario.step(Event::Elected { partition: 1, high_watermark: 0 });
    let said = scenario.step(Event::Load { partition: 1, batch: loaded(&builder.build()) });
    assert!(
        matches!(said.as_slice(), [Effect::LoadFailed { partition: 1, last_offset: 0, .. }]),
        "{said:?}"
    );
    assert!(scenario.step(Event::Loaded { partition: 1 }).is_empty());
    assert_eq!(replies(&scenario.commit(1, 7, 42)), [(7, ErrorCode::NotCoordinator)]);
}
