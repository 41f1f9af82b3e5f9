//! Images: every record has a meaning, what doesn't fit changes nothing, and a snapshot is the image.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use taffrail_metadata::{
    ImageLoader, MetadataDelta, MetadataImage, ReplayError, ScramCredential, VersionedRecord,
};
use taffrail_model::{TopicName, Uuid};
use taffrail_protocol::records::*;

fn id(number: u8) -> Uuid {
    Uuid::from_bytes([number; 16])
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof!["[ab][._]?c?", Just("a/b".to_owned())]
}

fn nodes() -> impl Strategy<Value = Vec<i32>> {
    vec(0..4i32, 0..4)
}

fn broker_records() -> impl Strategy<Value = MetadataRecord> {
    let dirs = || vec((2..5u8).prop_map(id), 0..3);
    prop_oneof![
        (0..3i32, 0..3i64, 0..5i16, any::<bool>(), dirs(), option::of(dirs())).prop_map(
            |(broker_id, broker_epoch, security_protocol, fenced, log_dirs, cordoned_log_dirs)| {
                RegisterBrokerRecord {
                    broker_id,
                    broker_epoch,
                    end_points: vec![register_broker_record::BrokerEndpoint {
                        name: "L".to_owned(),
                        host: "h".to_owned(),
                        port: 1,
                        security_protocol,
                        ..Default::default()
                    }],
                    fenced,
                    log_dirs,
                    cordoned_log_dirs,
                    ..Default::default()
                }
                .into()
            }
        ),
        (0..3i32, 0..3i64).prop_map(|(broker_id, broker_epoch)| {
            UnregisterBrokerRecord { broker_id, broker_epoch, ..Default::default() }.into()
        }),
        (0..3i32, 0..3i64).prop_map(|(id, epoch)| {
            FenceBrokerRecord { id, epoch, ..Default::default() }.into()
        }),
        (0..3i32, 0..3i64).prop_map(|(id, epoch)| {
            UnfenceBrokerRecord { id, epoch, ..Default::default() }.into()
        }),
        (0..3i32, 0..3i64, -2..3i8, -1..2i8, dirs(), option::of(dirs())).prop_map(
            |(broker_id, broker_epoch, fenced, shutdown, log_dirs, cordoned_log_dirs)| {
                BrokerRegistrationChangeRecord {
                    broker_id,
                    broker_epoch,
                    fenced,
                    in_controlled_shutdown: shutdown,
                    log_dirs,
                    cordoned_log_dirs,
                    ..Default::default()
                }
                .into()
            }
        ),
        (0..3i32, 0..5i16).prop_map(|(controller_id, security_protocol)| {
            RegisterControllerRecord {
                controller_id,
                end_points: vec![register_controller_record::ControllerEndpoint {
                    security_protocol,
                    ..Default::default()
                }],
                ..Default::default()
            }
            .into()
        }),
    ]
}

fn topic_records() -> impl Strategy<Value = MetadataRecord> {
    prop_oneof![
        3 => (names(), 0..4u8).prop_map(|(name, topic)| {
            TopicRecord { name, topic_id: id(topic), ..Default::default() }.into()
        }),
        1 => (0..4u8).prop_map(|topic| {
            RemoveTopicRecord { topic_id: id(topic), ..Default::default() }.into()
        }),
        4 => (0..4u8, 0..3i32, nodes(), nodes(), option::of(nodes()), any::<bool>(), -1..3i8).prop_map(
            |(topic, partition_id, replicas, isr, elr, dirs, state)| {
                PartitionRecord {
                    topic_id: id(topic),
                    partition_id,
                    directories: if dirs { vec![id(7); replicas.len()] } else { vec![] },
                    replicas,
                    isr,
                    eligible_leader_replicas: elr,
                    leader_recovery_state: state,
                    ..Default::default()
                }
                .into()
            }
        ),
        4 => (0..4u8, 0..3i32, option::of(nodes()), option::of(nodes()), -2..4i32, -1..3i8).prop_map(
            |(topic, partition_id, replicas, isr, leader, state)| {
                PartitionChangeRecord {
                    topic_id: id(topic),
                    partition_id,
                    replicas,
                    isr,
                    leader,
                    leader_recovery_state: state,
                    ..Default::default()
                }
                .into()
            }
        ),
        1 => prop_oneof![Just(String::new()), names()].prop_map(|topic_name| {
            ClearElrRecord { topic_name, ..Default::default() }.into()
        }),
    ]
}

fn other_records() -> impl Strategy<Value = MetadataRecord> {
    prop_oneof![
        (0..9i8, names(), "[kl]", option::of("[vw]")).prop_map(|(kind, name, key, value)| {
            ConfigRecord {
                resource_type: kind,
                resource_name: name,
                name: key,
                value,
                ..Default::default()
            }
            .into()
        }),
        ("(metadata|group|x).version", 0..40i16).prop_map(|(name, feature_level)| {
            FeatureLevelRecord { name, feature_level, ..Default::default() }.into()
        }),
        (0..9i64).prop_map(|next_producer_id| {
            ProducerIdsRecord { next_producer_id, ..Default::default() }.into()
        }),
        (option::of("[uv]"), "[kl]", 0..3u8, any::<bool>()).prop_map(
            |(entity_name, key, value, remove)| {
                ClientQuotaRecord {
                    entity: vec![client_quota_record::EntityData {
                        entity_type: "user".to_owned(),
                        entity_name,
                        ..Default::default()
                    }],
                    key,
                    value: f64::from(value),
                    remove,
                    ..Default::default()
                }
                .into()
            }
        ),
        ("[uv]", 1..3i8, 0..3i32).prop_map(|(name, mechanism, iterations)| {
            UserScramCredentialRecord { name, mechanism, iterations, ..Default::default() }.into()
        }),
        ("[uv]", 1..3i8).prop_map(|(name, mechanism)| {
            RemoveUserScramCredentialRecord { name, mechanism, ..Default::default() }.into()
        }),
        (0..4u8, names()).prop_map(|(acl, resource_name)| {
            AccessControlEntryRecord { id: id(acl), resource_name, ..Default::default() }.into()
        }),
        (0..4u8).prop_map(|acl| {
            RemoveAccessControlEntryRecord { id: id(acl), ..Default::default() }.into()
        }),
        ("[tu]", "[ab]").prop_map(|(token_id, owner)| {
            DelegationTokenRecord { token_id, owner, ..Default::default() }.into()
        }),
        "[tu]".prop_map(|token_id| {
            RemoveDelegationTokenRecord { token_id, ..Default::default() }.into()
        }),
        Just(NoOpRecord::default().into()),
        Just(ZkMigrationStateRecord::default().into()),
        Just(BeginTransactionRecord::default().into()),
        Just(EndTransactionRecord::default().into()),
        Just(AbortTransactionRecord::default().into()),
    ]
}

fn records() -> impl Strategy<Value = Vec<MetadataRecord>> {
    vec(prop_oneof![broker_records(), topic_records(), other_records()], 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replay_is_total_and_deterministic(records in records()) {
        let mut image = MetadataImage::default();
        let mut fitting = Vec::new();
        for record in records {
            let (before, mut delta) = (image.clone(), MetadataDelta::default());
            match image.replay(&record, &mut delta) {
                Ok(()) => {
                    let mut difference = MetadataDelta::between(&before, &image);
                    // What was written again, or restored, is named all the same.
                    difference.merge(delta.clone());
                    prop_assert_eq!(difference, delta);
                    fitting.push(record);
                }
                Err(_) => {
                    prop_assert_eq!(&image, &before);
                    prop_assert!(delta.is_empty());
                }
            }
        }
        let replay = |records: &[MetadataRecord]| {
            let mut image = MetadataImage::default();
            for record in records {
                image.replay(record, &mut MetadataDelta::default()).unwrap();
            }
            image
        };
        let again = replay(&fitting);
        prop_assert_eq!(&again, &image);
        let snapshot = image.to_records();
        let restored = replay(&snapshot);
        prop_assert_eq!(&restored, &image);
        prop_assert_eq!(restored.fingerprint(), image.fingerprint());
        prop_assert!(MetadataDelta::between(&restored, &image).is_empty());
        for record in snapshot {
            let written = VersionedRecord::new(record.clone(), image.features());
            prop_assert!(written.encode_value().is_ok(), "{:?}", written);
        }
    }

    #[test]
    fn a_loader_shows_whole_transactions(records in records()) {
        let mut loader = ImageLoader::default();
        let mut shown = MetadataImage::default();
        for (offset, record) in (0..).zip(&records) {
            let before = loader.image().clone();
            if loader.replay(offset, record).is_err() {
                prop_assert_eq!(loader.image(), &before);
            }
            match loader.take_loaded() {
                None => prop_assert!(loader.transaction_start().is_some() || loader.next_offset() == 0),
                Some(loaded) => {
                    let mut difference = MetadataDelta::between(&shown, &loaded.image);
                    difference.merge(loaded.delta.clone());
                    prop_assert_eq!(difference, loaded.delta);
                    shown = loaded.image;
                }
            }
        }
    }
}

fn topic(name: &str, number: u8) -> MetadataRecord {
    TopicRecord { name: name.to_owned(), topic_id: id(number), ..Default::default() }.into()
}

#[test]
fn what_does_not_fit_is_said() {
    let mut image = MetadataImage::default();
    let mut delta = MetadataDelta::default();
    image.replay(&topic("a", 1), &mut delta).unwrap();
    let mut check = |record: MetadataRecord, expect: ReplayError| {
        assert_eq!(image.replay(&record, &mut delta), Err(expect));
    };
    let a = TopicName::new("a").unwrap();
    check(topic("a", 2), ReplayError::TopicExists { name: a.clone(), id: id(1) });
    check(topic("b", 1), ReplayError::TopicExists { name: a, id: id(1) });
    check(topic("a b", 2), ReplayError::TopicName(TopicName::new("a b").unwrap_err()));
    check(
        RemoveTopicRecord { topic_id: id(3), ..Default::default() }.into(),
        ReplayError::UnknownTopicId(id(3)),
    );
    check(
        PartitionChangeRecord { topic_id: id(1), partition_id: 0, ..Default::default() }.into(),
        ReplayError::UnknownPartition { topic_id: id(1), partition: 0 },
    );
    check(
        PartitionRecord {
            topic_id: id(1),
            partition_id: 0,
            replicas: vec![1, 2],
            directories: vec![id(9)],
            ..Default::default()
        }
        .into(),
        ReplayError::MalformedPartition {
            topic_id: id(1),
            partition: 0,
            reason: "directories and replicas differ in number",
        },
    );
    check(
        FenceBrokerRecord { id: 1, epoch: 2, ..Default::default() }.into(),
        ReplayError::UnknownBroker { id: 1, epoch: 2 },
    );
    check(
        FeatureLevelRecord {
            name: "metadata.version".to_owned(),
            feature_level: 31,
            ..Default::default()
        }
        .into(),
        ReplayError::UnsupportedMetadataVersion(31),
    );
    assert_eq!(
        ReplayError::UnsupportedMetadataVersion(31).to_string(),
        "metadata.version 31 isn't supported: this software knows 7 to 30"
    );
}

#[test]
fn an_aborted_transaction_never_was() {
    let mut loader = ImageLoader::default();
    let mut offset = 0;
    let mut replay = |loader: &mut ImageLoader, record: MetadataRecord| {
        loader.replay(offset, &record).unwrap();
        offset += 1;
    };
    replay(&mut loader, topic("a", 1));
    assert!(loader.take_loaded().is_some());
    replay(&mut loader, BeginTransactionRecord::default().into());
    replay(&mut loader, topic("b", 2));
    assert!(loader.image().topic_by_name("b").is_some());
    assert!(loader.take_loaded().is_none());
    assert_eq!(loader.transaction_start(), Some(1));
    replay(&mut loader, AbortTransactionRecord::default().into());
    let loaded = loader.take_loaded().unwrap();
    assert!(loaded.delta.is_empty());
    assert_eq!((loaded.image.topic_count(), loaded.offset), (1, 3));
    replay(&mut loader, BeginTransactionRecord::default().into());
    assert_eq!(
        loader.replay(5, &BeginTransactionRecord::default().into()),
        Err(ReplayError::NestedTransaction(5))
    );
    replay(&mut loader, topic("b", 2));
    replay(&mut loader, EndTransactionRecord::default().into());
    let loaded = loader.take_loaded().unwrap();
    assert!(loaded.delta.changed_topics[&id(2)].created);
    assert_eq!(
        loader.replay(7, &EndTransactionRecord::default().into()),
        Err(ReplayError::NoTransaction(7))
    );
}

#[test]
fn a_credential_is_not_printed() {
    let credential = ScramCredential {
        salt: Bytes::from_static(b"salt"),
        stored_key: Bytes::from_static(b"stored"),
        server_key: Bytes::from_static(b"server"),
        iterations: 4096,
    };
    assert_eq!(format!("{credential:?}"), "ScramCredential { iterations: 4096, .. }");
}
