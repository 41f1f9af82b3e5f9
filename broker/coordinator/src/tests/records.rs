//! The records' bytes: they are Kafka's, and reading gives back what was written.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use taffrail_model::Uuid;

use crate::records::{self, Decoded};
use crate::state::{Change, CommittedOffset, GroupMetadata, MemberMetadata};
use crate::{CoordinatorRecord, LoadedRecord};

fn loaded(record: CoordinatorRecord) -> LoadedRecord {
    LoadedRecord { key: Some(record.key), value: record.value }
}

fn offset(topic_id: Uuid, expire_timestamp: Option<i64>) -> CommittedOffset {
    CommittedOffset {
        offset: 5,
        leader_epoch: 2,
        metadata: "m".into(),
        commit_timestamp: 7,
        expire_timestamp,
        topic_id,
    }
}

#[test]
fn bytes_are_kafkas() {
    let check = |change: Change, key: &[u8], value: Option<&[u8]>| {
        let record = records::encode(&change).expect("short fields");
        assert_eq!(record.key, key, "{change:?}");
        assert_eq!(record.value.as_deref(), value, "{change:?}");
        let decoded = records::decode(&loaded(record), false);
        assert_eq!(decoded, Ok(Decoded::Change(change)));
    };
    let offset_key = b"\0\x01\0\x01g\0\x01t\0\0\0\x03";
    let of = |offset| Change::Offset { group: "g".into(), topic: "t".into(), partition: 3, offset };
    check(of(None), offset_key, None);
    check(
        of(Some(offset(Uuid::ZERO, None))),
        offset_key,
        Some(b"\0\x04\0\0\0\0\0\0\0\x05\0\0\0\x02\x02m\0\0\0\0\0\0\0\x07\0"),
    );
    check(
        of(Some(offset(Uuid::ONE, None))),
        offset_key,
        Some(
            b"\0\x04\0\0\0\0\0\0\0\x05\0\0\0\x02\x02m\0\0\0\0\0\0\0\x07\x01\0\x10\
              \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01",
        ),
    );
    let with_expiry = CommittedOffset { leader_epoch: -1, ..offset(Uuid::ZERO, Some(9)) };
    check(
        of(Some(with_expiry)),
        offset_key,
        Some(b"\0\x01\0\0\0\0\0\0\0\x05\0\x01m\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\x09"),
    );
    let group_key = b"\0\x02\0\x01g";
    let group = |metadata| Change::Group { group: "g".into(), metadata };
    check(group(None), group_key, None);
    let metadata = GroupMetadata {
        protocol_type: "c".to_owned(),
        generation: 4,
        protocol: Some("r".to_owned()),
        leader: Some("a".into()),
        state_since: 7,
        members: vec![MemberMetadata {
            id: "a".into(),
            instance_id: None,
            client_id: "b".to_owned(),
            client_host: "/".to_owned(),
            rebalance_timeout_ms: 1,
            session_timeout_ms: 2,
            subscription: Bytes::from_static(b"s"),
            assignment: Bytes::new(),
        }],
    };
    check(
        group(Some(Arc::new(metadata))),
        group_key,
        Some(
            b"\0\x03\0\x01c\0\0\0\x04\0\x01r\0\x01a\0\0\0\0\0\0\0\x07\0\0\0\x01\
              \0\x01a\xff\xff\0\x01b\0\x01/\0\0\0\x01\0\0\0\x02\0\0\0\x01s\0\0\0\0",
        ),
    );
}

#[test]
fn subscriptions_are_read_in_any_version() {
    let check = |metadata: &'static [u8], expect: Option<&[&str]>| {
        let topics = records::subscribed_topics(&Bytes::from_static(metadata));
        let expect = expect.map(|topics| topics.iter().map(ToString::to_string).collect());
        assert_eq!(topics, expect, "{metadata:?}");
    };
    check(b"\0\0\0\0\0\x01\0\x01t\xff\xff\xff\xff", Some(&["t"]));
    check(b"\0\x03\0\0\0\x01\0\x01t\xff\xff\xff\xff\0\0\0\0\0\0\0\x07\xff\xff", Some(&["t"]));
    check(b"", None);
    check(b"\xff\xff\0\0\0\0\xff\xff\xff\xff", None);
    check(b"\0\0\x7f\xff\xff\xff", None);
}

fn text() -> impl Strategy<Value = String> {
    "[a-zäß🦀.]{0,12}"
}

fn blob() -> impl Strategy<Value = Bytes> {
    proptest::collection::vec(any::<u8>(), 0..20).prop_map(Bytes::from)
}

prop_compose! {
    fn member()(
        id in text(),
        instance_id in proptest::option::of(text()),
        client_id in text(),
        client_host in text(),
        rebalance_timeout_ms in 0..i32::MAX,
        session_timeout_ms in any::<i32>(),
        subscription in blob(),
        assignment in blob(),
    ) -> MemberMetadata {
        MemberMetadata {
            id: id.into(),
            instance_id,
            client_id,
            client_host,
            rebalance_timeout_ms,
            session_timeout_ms,
            subscription,
            assignment,
        }
    }
}

prop_compose! {
    fn group_metadata()(
        protocol_type in text(),
        generation in any::<i32>(),
        protocol in proptest::option::of(text()),
        leader in proptest::option::of(text()),
        state_since in any::<i64>(),
        members in proptest::collection::vec(member(), 0..4),
    ) -> GroupMetadata {
        let leader = leader.map(Into::into);
        GroupMetadata { protocol_type, generation, protocol, leader, state_since, members }
    }
}

prop_compose! {
    fn committed_offset()(
        offset in any::<i64>(),
        leader_epoch in -1..i32::MAX,
        metadata in text(),
        commit_timestamp in any::<i64>(),
        topic_id in any::<[u8; 16]>(),
    ) -> CommittedOffset {
        CommittedOffset {
            offset,
            leader_epoch,
            metadata: metadata.into(),
            commit_timestamp,
            expire_timestamp: None,
            topic_id: Uuid::from_bytes(topic_id),
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let group = (text(), proptest::option::of(group_metadata())).prop_map(|(group, metadata)| {
        Change::Group { group: group.into(), metadata: metadata.map(Arc::new) }
    });
    let offset = (text(), text(), any::<i32>(), proptest::option::of(committed_offset())).prop_map(
        |(group, topic, partition, offset)| Change::Offset {
            group: group.into(),
            topic: topic.into(),
            partition,
            offset,
        },
    );
    prop_oneof![group, offset]
}

proptest! {
    #[test]
    fn reading_gives_back_what_was_written(change in change()) {
        let record = records::encode(&change).expect("short fields");
        prop_assert_eq!(records::decode(&loaded(record), false), Ok(Decoded::Change(change)));
    }

    #[test]
    fn any_bytes_are_read_or_refused(key in blob(), value in proptest::option::of(blob())) {
        drop(records::decode(&LoadedRecord { key: Some(key), value }, false));
    }
}
