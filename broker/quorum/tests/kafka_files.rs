//! Files that Apache Kafka 4.3.1 wrote (`kafka-storage.sh format --standalone`, then the first start): read,
//! and written again to the same bytes.

use std::time::Duration;

use bytes::Bytes;
use taffrail_model::Now;
use taffrail_protocol::batch::{Batch, Batches};
use taffrail_quorum::snapshot::{BOOTSTRAP_SNAPSHOT_ID, Snapshot};
use taffrail_quorum::{
    AppendId, Effect, Event, OffsetAndEpoch, Quorum, QuorumConfig, Recovered, Voter, VoterEndpoint,
    VoterKey, VoterSet,
};

const VOTERS: &[u8] = include_bytes!("fixtures/00000000000000000000-0000000000.checkpoint");
const BOOTSTRAP: &[u8] = include_bytes!("fixtures/bootstrap.checkpoint");

/// The first two batches of the log: the start of the first epoch, and the bootstrap records.
const LOG: &[u8] = include_bytes!("fixtures/00000000000000000000.log");

fn batches(file: &'static [u8]) -> Vec<Batch> {
    Batches::new(file).collect::<Result<_, _>>().expect("whole batches")
}

/// Batches carry the time when each was written; the snapshot is encoded with each batch's own.
fn assert_same_bytes(snapshot: &Snapshot, kafka: &'static [u8]) {
    let batches = batches(kafka);
    for (index, batch) in batches.iter().enumerate() {
        let ours =
            snapshot.encode(BOOTSTRAP_SNAPSHOT_ID, batch.header.base_timestamp).expect("encodable");
        assert_eq!(ours.len(), batches.len());
        assert_eq!(ours[index], batch.bytes, "batch {index}");
    }
}

#[test]
fn the_bootstrap_checkpoint_names_the_voter() {
    let snapshot = Snapshot::decode(Bytes::from_static(VOTERS)).expect("decodable");
    let voters = VoterSet::new(vec![Voter::local(
        VoterKey { id: 1, directory_id: "yGlt4zo7RpeggXbFQuRiwQ".parse().expect("an id") },
        vec![VoterEndpoint {
            name: "CONTROLLER".to_owned(),
            host: "localhost".to_owned(),
            port: 39093,
        }],
    )]);
    assert_eq!(
        snapshot,
        Snapshot {
            last_contained_log_timestamp: 1_795_262_691_447,
            kraft_version: 1,
            voters: Some(voters),
            values: Vec::new(),
        }
    );
    assert_same_bytes(&snapshot, VOTERS);
}

#[test]
fn the_bootstrap_metadata_holds_the_features() {
    let snapshot = Snapshot::decode(Bytes::from_static(BOOTSTRAP)).expect("decodable");
    assert_eq!(snapshot.values.len(), 6);
    assert_eq!(snapshot.voters, None);
    assert_eq!(snapshot.kraft_version, 0);
    assert_same_bytes(&snapshot, BOOTSTRAP);
}

#[test]
fn the_first_epoch_begins_with_the_same_bytes() {
    let snapshot = Snapshot::decode(Bytes::from_static(VOTERS)).expect("decodable");
    let voters = snapshot.voters.expect("voters");
    let [voter] = voters.voters() else { panic!("{voters:?}") };
    let mut quorum = Quorum::new(
        QuorumConfig {
            node_id: voter.key.id,
            directory_id: voter.key.directory_id,
            endpoints: voter.endpoints.clone(),
            election_timeout: Duration::from_secs(1),
        },
        Recovered {
            election_state: None,
            log_end: OffsetAndEpoch::default(),
            kraft_version: snapshot.kraft_version,
            voters: voters.clone(),
            voters_in_log: false,
        },
    )
    .expect("valid");
    let kafka = batches(LOG);
    let mut step = |wall, event| {
        let mut out = Vec::new();
        quorum.step(Now { wall, ..Now::default() }, event, &mut out);
        out
    };
    let began = kafka[0].header.base_timestamp;
    step(began, Event::Start);
    step(began, Event::ElectionStatePersisted);
    let effects = step(began, Event::ElectionStatePersisted);
    assert_eq!(effects, [Effect::AppendControl { base_offset: 0, batch: kafka[0].bytes.clone() }]);
    step(began, Event::Appended { end_offset: 3 });
    step(began, Event::Flushed { offset: 3 });

    let records = kafka[1].records(4096).expect("records");
    let values = records.map(|record| record.expect("a record").value.expect("a value")).collect();
    let append = Event::Append { id: AppendId(1), values };
    let effects = step(kafka[1].header.base_timestamp, append);
    let expected = Effect::Append {
        id: AppendId(1),
        base_offset: 3,
        last_offset: 11,
        batch: kafka[1].bytes.clone(),
    };
    assert_eq!(effects, [expected]);
}
