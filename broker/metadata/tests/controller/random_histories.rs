//! Random histories: the invariants hold in every image, replay gives the same image again, and a
//! snapshot of it is the image.

use proptest::prelude::*;
use taffrail_metadata::{
    ConfigAlteration, ConfigChange, ConfigOperation, ConfigReplacement, ConfigResource,
    CreatePartitions, DeleteTopic, Event, ImageLoader, MetadataDelta, MetadataImage, NewPartitions,
    NewTopic, Operation, RegisterBroker,
};
use taffrail_model::{NodeId, TopicName};

use crate::harness::{Cluster, Disk, assert_invariants, by_hand, registration, topic};

#[derive(Clone, Debug)]
enum Act {
    Create(u8, i32, i16),
    CreateByHand(u8, Vec<NodeId>),
    AddPartitions(u8, i32, Option<Vec<NodeId>>),
    Delete(u8),
    Restart(NodeId, u8, bool),
    Heartbeat(NodeId),
    Leave(NodeId),
    Pass(i64),
    Shrink(u8),
    Grow(u8),
    Configure(u8, i64),
    ConfigureAll(i64),
    Replace(u8, Option<i64>),
    Unclean(u8),
    ProducerIds(NodeId),
    Fail(Box<Act>),
    Failover,
}

fn act() -> impl Strategy<Value = Act> {
    let id = 1..4i32;
    let simple = prop_oneof![
        3 => (0..6u8, -1..5i32, -1..4i16).prop_map(|(n, p, r)| Act::Create(n, p, r)),
        2 => (0..6u8, proptest::sample::subsequence(vec![1, 2, 3], 1..=3))
            .prop_map(|(n, r)| Act::CreateByHand(n, r)),
        2 => (
            0..6u8,
            0..7i32,
            proptest::option::of(proptest::sample::subsequence(vec![1, 2, 3], 0..=3)),
        )
            .prop_map(|(n, p, r)| Act::AddPartitions(n, p, r)),
        1 => (0..6u8).prop_map(Act::Delete),
        2 => (id.clone(), 1..4u8, any::<bool>()).prop_map(|(i, n, c)| Act::Restart(i, n, c)),
        6 => id.clone().prop_map(Act::Heartbeat),
        1 => id.clone().prop_map(Act::Leave),
        4 => (1..6_000i64).prop_map(Act::Pass),
        2 => (0..6u8).prop_map(Act::Shrink),
        2 => (0..6u8).prop_map(Act::Grow),
        1 => (0..6u8, 1..4i64).prop_map(|(n, v)| Act::Configure(n, v)),
        1 => (1..4i64).prop_map(Act::ConfigureAll),
        1 => (0..6u8, proptest::option::of(1..4i64)).prop_map(|(n, v)| Act::Replace(n, v)),
        1 => (0..6u8).prop_map(Act::Unclean),
        1 => id.prop_map(Act::ProducerIds),
    ];
    prop_oneof![
        8 => simple.clone(),
        1 => simple.prop_map(|act| Act::Fail(Box::new(act))),
        1 => Just(Act::Failover),
    ]
}

/// Names with both collision letters.
fn name(number: u8) -> String {
    ["a", "b", "c.d", "c_d", "e", "f"][usize::from(number) % 6].to_owned()
}

/// Answers don't matter here: states do.
fn create(cluster: &mut Cluster, topic: NewTopic) {
    let _ = cluster.ask(Operation::CreateTopics { topics: vec![topic], validate_only: false });
}

fn resource(topic: u8) -> ConfigResource {
    ConfigResource::topic(&TopicName::new(&name(topic)).unwrap())
}

fn set(cluster: &mut Cluster, resource: ConfigResource, key: &str, value: String) {
    let _ = cluster.ask(Operation::IncrementalAlterConfigs {
        changes: vec![ConfigAlteration {
            resource,
            changes: vec![ConfigChange {
                name: key.to_owned(),
                operation: ConfigOperation::Set(value),
            }],
        }],
        validate_only: false,
    });
}

fn alter_isr(cluster: &mut Cluster, number: u8, grow: bool) {
    let Some(topic) = cluster.published.topic_by_name(&name(number)) else {
        return;
    };
    let id = topic.id;
    let partition = cluster.partition(id, 0);
    if !cluster.epochs.contains_key(&partition.leader) {
        return;
    }
    let isr = if grow { partition.replicas.clone() } else { vec![partition.leader] };
    let _ = crate::isr::alter(cluster, partition.leader, id, &isr);
}

fn perform(cluster: &mut Cluster, act: Act) {
    match act {
        Act::Create(n, partitions, replicas) => {
            create(cluster, topic(&name(n), partitions, replicas));
        }
        Act::CreateByHand(n, replicas) => {
            create(cluster, NewTopic { name: name(n), ..by_hand("", &[&replicas]) });
        }
        Act::AddPartitions(n, count, replicas) => {
            let assignments = replicas.map(|replicas| vec![replicas]);
            let topics = vec![NewPartitions { name: name(n), count, assignments }];
            let request = CreatePartitions { topics, validate_only: false };
            let _ = cluster.ask(Operation::CreatePartitions(request));
        }
        Act::Delete(n) => {
            let _ =
                cluster.ask(Operation::DeleteTopics { topics: vec![DeleteTopic::Name(name(n))] });
        }
        Act::Restart(id, incarnation, clean) => {
            let previous = cluster.epochs.get(&id).copied();
            let _ = cluster.register_as(RegisterBroker {
                previous_epoch: previous.filter(|_| clean).unwrap_or(-1),
                ..registration(id, incarnation)
            });
        }
        Act::Heartbeat(id) if cluster.epochs.contains_key(&id) => {
            let request = cluster.alive(id);
            let _ = cluster.heartbeat_as(request);
        }
        Act::Leave(id) if cluster.epochs.contains_key(&id) => {
            let mut request = cluster.alive(id);
            request.want_shutdown = true;
            let _ = cluster.heartbeat_as(request);
        }
        Act::Heartbeat(_) | Act::Leave(_) => {}
        Act::Pass(ms) => cluster.advance_ms(ms),
        Act::Shrink(n) => alter_isr(cluster, n, false),
        Act::Grow(n) => alter_isr(cluster, n, true),
        Act::Configure(n, value) => {
            set(cluster, resource(n), "min.insync.replicas", value.to_string());
        }
        Act::ConfigureAll(value) => {
            let every = ConfigResource::cluster_default();
            set(cluster, every, "min.insync.replicas", value.to_string());
        }
        Act::Replace(n, value) => {
            let set = |value: i64| ("min.insync.replicas".to_owned(), value.to_string());
            let configs = value.map(set).into_iter().collect();
            let replacements = vec![ConfigReplacement { resource: resource(n), configs }];
            let _ = cluster.ask(Operation::ReplaceConfigs { replacements, validate_only: false });
        }
        Act::Unclean(n) => {
            let key = "unclean.leader.election.enable";
            set(cluster, resource(n), key, "true".to_owned());
        }
        Act::ProducerIds(id) => {
            if let Some(&broker_epoch) = cluster.epochs.get(&id) {
                let _ = cluster.ask(Operation::AllocateProducerIds { broker_id: id, broker_epoch });
            }
        }
        Act::Fail(act) => {
            cluster.disk = Disk::Fails;
            perform(cluster, *act);
            cluster.disk = Disk::Commits;
        }
        Act::Failover => {
            cluster.step(Event::Resigned);
            cluster.become_leader();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_history_keeps_the_invariants(acts in proptest::collection::vec(act(), 1..60)) {
        let mut cluster = Cluster::leading(&[("default.replication.factor", "2")]);
        let mut highest = std::collections::BTreeMap::new();
        for act in acts {
            let before = cluster.published.clone();
            let epochs = cluster.epochs.clone();
            perform(&mut cluster, act);
            // A registration that failed to be written gave out no epoch.
            for (id, epoch) in epochs {
                if cluster.published.broker(id).is_none_or(|b| b.epoch == epoch) {
                    cluster.epochs.insert(id, epoch);
                }
            }
            assert_invariants(&cluster.published);
            prop_assert_eq!(cluster.controller.committed_image(), &cluster.published);
            for (topic, index, partition) in cluster.published.partitions() {
                let seen = highest.entry((topic.id, index)).or_insert((0, 0));
                prop_assert!(partition.leader_epoch >= seen.0 && partition.partition_epoch >= seen.1);
                *seen = (partition.leader_epoch, partition.partition_epoch);
            }
            let delta = MetadataDelta::between(&before, &cluster.published);
            prop_assert_eq!(delta.is_empty(), before == cluster.published);
        }

        // The same records give the same image, however they are cut.
        let mut whole = ImageLoader::default();
        for (offset, record) in (0..).zip(&cluster.log) {
            whole.replay(offset, record).unwrap();
        }
        prop_assert_eq!(whole.image(), &cluster.published);
        prop_assert_eq!(whole.image().fingerprint(), cluster.published.fingerprint());

        // A snapshot is the image.
        let mut restored = MetadataImage::default();
        let mut delta = MetadataDelta::default();
        for record in cluster.published.to_records() {
            restored.replay(&record, &mut delta).unwrap();
        }
        prop_assert_eq!(&restored, &cluster.published);
        prop_assert_eq!(restored.fingerprint(), cluster.published.fingerprint());
    }
}
