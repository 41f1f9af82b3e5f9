use k8s_openapi::jiff::Timestamp;
use serde_json::json;
use taffrail_crds::topic::{DeletionPolicy, ManagementPolicy};

use super::super::desired::Desired;
use super::*;

const ID: Uuid = Uuid::from_bytes([7; 16]);
const OTHER_ID: Uuid = Uuid::from_bytes([8; 16]);

fn name(name: &str) -> TopicName {
    TopicName::new(name).unwrap()
}

fn entry(topic: &str, id: Option<Uuid>) -> Entry {
    Entry { topic: name(topic), id, object: ObjectKey::new("shop", topic) }
}

/// One owner: its uid, its topic, and whether that goes with it.
fn owners(uid: &str, topic: &str, deletion: DeletionPolicy) -> BTreeMap<TopicName, Claim> {
    let desired = Desired {
        name: name(topic),
        partitions: None,
        replication_factor: None,
        management: ManagementPolicy::Manage,
        deletion,
        config: BTreeMap::new(),
        unmanaged: BTreeSet::new(),
    };
    let claim = Claim {
        uid: uid.to_owned(),
        object: ObjectKey::new("shop", topic),
        created: Timestamp::UNIX_EPOCH,
        desired,
        known_id: None,
    };
    BTreeMap::from([(name(topic), claim)])
}

fn record(entries: &[(&str, Entry)]) -> Record {
    let entries = entries.iter().map(|(uid, entry)| ((*uid).to_owned(), entry.clone())).collect();
    Record { entries, ..Record::default() }
}

#[test]
fn what_is_written_is_read_again() {
    let full = record(&[("u1", entry("a", Some(ID))), ("u2", entry("b", None))]);
    assert_eq!(Record::read(&full.to_data()), full);
    let text = full.to_data().remove("u1").unwrap();
    let written: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expect = json!({"topic": "a", "topicID": ID.to_string(), "namespace": "shop", "name": "a"});
    assert_eq!(written, expect);
}

#[test]
fn what_cannot_be_read_stays_and_counts() {
    let check = |text: &str| {
        let data = BTreeMap::from([("u".to_owned(), text.to_owned())]);
        let record = Record::read(&data);
        assert!(record.entries.is_empty(), "{text}");
        assert_eq!(record.unreadable(), 1, "{text}");
        assert_eq!(record.to_data(), data);
        assert!(!record.is_empty());
    };
    check("");
    check("{}");
    check(r#"{"topic":"a b","namespace":"n","name":"a"}"#);
    check(r#"{"topic":"__consumer_offsets","namespace":"n","name":"a"}"#);
    check(r#"{"topic":"a","topicID":"short","namespace":"n","name":"a"}"#);
    check(r#"{"topic":"a","topicID":"AAAAAAAAAAAAAAAAAAAAAA","namespace":"n","name":"a"}"#);
}

#[test]
fn an_entry_goes_when_its_resource_says_otherwise() {
    let check = |bound: &[(&str, &str)], known: &[&str], stays: bool| {
        let mut record = record(&[("u", entry("a", Some(ID)))]);
        let bound = bound.iter().map(|(uid, topic)| ((*uid).to_owned(), name(topic))).collect();
        let known = known.iter().map(|uid| (*uid).to_owned()).collect();
        record.remove_unwanted(&bound, &known);
        assert_eq!(!record.is_empty(), stays, "{bound:?} {known:?}");
    };
    check(&[("u", "a")], &["u"], true);
    // It asks for another name now.
    check(&[("u", "b")], &["u"], false);
    // It is there, and asks for nothing here: not any more, refused, or in another cluster.
    check(&[], &["u"], false);
    // It isn't there: that is for others to judge.
    check(&[], &[], true);
    check(&[("v", "a")], &["v"], true);
}

#[test]
fn a_topic_is_entered_before_it_is_made_and_completed_after() {
    let owners = owners("u", "a", DeletionPolicy::Delete);
    let check = |before: &Record, id: Option<Option<Uuid>>, expect: &Record| {
        let mut record = before.clone();
        let ids = id.map(|id| (name("a"), id)).into_iter().collect();
        assert_eq!(record.enter(&owners, &ids), BTreeMap::new());
        assert_eq!(record, *expect);
    };
    let (none, about) = (record(&[]), record(&[("u", entry("a", None))]));
    let full = record(&[("u", entry("a", Some(ID)))]);
    check(&none, Some(None), &about);
    check(&about, Some(Some(ID)), &full);
    // The process ended before it could complete the entry: the next pass sees the topic.
    check(&about, Some(None), &about);
    check(&none, Some(Some(ID)), &full);
    // Made anew by others.
    check(&full, Some(Some(OTHER_ID)), &record(&[("u", entry("a", Some(OTHER_ID)))]));
    // Deleted by others, about to be made again.
    check(&full, Some(None), &about);
    // Nothing was said of it.
    check(&full, None, &full);
    check(&none, None, &none);
}

#[test]
fn only_topics_that_go_with_their_resource_are_entered() {
    let ids = BTreeMap::from([(name("a"), Some(ID))]);
    let mut record = Record::default();
    assert!(record.enter(&owners("u", "a", DeletionPolicy::Retain), &ids).is_empty());
    let mut observed = owners("u", "a", DeletionPolicy::Delete);
    for claim in observed.values_mut() {
        claim.desired.management = ManagementPolicy::Observe;
    }
    assert!(record.enter(&observed, &ids).is_empty());
    assert!(record.is_empty());
}

#[test]
fn a_full_record_takes_no_more_and_keeps_what_it_has() {
    let mut record = Record::default();
    for index in 0..ENTRIES_MAX {
        record.entries.insert(format!("u{index}"), entry(&format!("t{index}"), Some(ID)));
    }
    let full = record.clone();
    let ids = BTreeMap::from([(name("more"), None), (name("t1"), Some(ID))]);
    let refused = record.enter(&owners("v", "more", DeletionPolicy::Delete), &ids);
    assert_eq!(refused.keys().collect::<Vec<_>>(), [&name("more")]);
    assert!(record.enter(&owners("u1", "t1", DeletionPolicy::Delete), &ids).is_empty());
    assert_eq!(record, full);
}

#[test]
fn a_full_record_fits_a_config_map() {
    let longest = Entry {
        topic: name(&"t".repeat(249)),
        id: Some(ID),
        object: ObjectKey::new("n".repeat(63), "o".repeat(253)),
    };
    let uid_bytes = 36;
    assert!((write_entry(&longest).len() + uid_bytes) * ENTRIES_MAX < 1 << 20);
}
