use std::collections::BTreeSet;

use k8s_openapi::jiff::Timestamp;
use taffrail_crds::topic::DeletionPolicy;
use taffrail_model::ErrorCode;

use super::*;
use crate::admin_client::ConfigValue;
use crate::stores::ObjectKey;
use crate::topic::verdict::Standing;

const ID: Uuid = Uuid::from_bytes([7; 16]);

fn name(name: &str) -> TopicName {
    TopicName::new(name).unwrap()
}

fn refusal(code: ErrorCode, message: &str) -> Refusal {
    Refusal { code: code.code(), message: Some(message.to_owned()).filter(|text| !text.is_empty()) }
}

fn config(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// A topic that asks for three partitions, one replica and a retention.
fn desired(topic: &str) -> Desired {
    Desired {
        name: name(topic),
        partitions: Some(3),
        replication_factor: Some(1),
        management: ManagementPolicy::Manage,
        deletion: DeletionPolicy::Retain,
        config: config(&[("retention.ms", "1000")]),
        unmanaged: BTreeSet::new(),
    }
}

/// Claims, each younger than the one before.
fn owners(desired: &[Desired]) -> BTreeMap<TopicName, Claim> {
    let claims = desired.iter().zip(0..).map(|(desired, second)| {
        let claim = Claim {
            uid: format!("uid-{}", desired.name),
            object: ObjectKey::new("shop", desired.name.as_str()),
            created: Timestamp::from_second(second).unwrap(),
            desired: desired.clone(),
            known_id: None,
        };
        (desired.name.clone(), claim)
    });
    claims.collect()
}

/// What a topic is on the broker: partitions, replicas, keys that are set for it.
fn observed(topic: &str, partitions: i32, replicas: i32, set: &[(&str, &str)]) -> Observed {
    let description = TopicDescription {
        name: name(topic),
        id: ID,
        is_internal: false,
        partitions,
        replication_factor: replicas,
    };
    let value =
        |value: &str, source, kind| ConfigValue { value: Some(value.to_owned()), source, kind };
    let mut configs = TopicConfigs::default();
    configs.kinds.insert("retention.ms".to_owned(), ConfigKind::Integer);
    configs.kinds.insert("cleanup.policy".to_owned(), ConfigKind::List);
    configs.values.insert(
        "segment.bytes".to_owned(),
        value("5000000", ConfigSource::Broker, ConfigKind::Integer),
    );
    for (key, text) in set {
        let kind = configs.kinds.get(*key).copied().unwrap_or(ConfigKind::Text);
        configs.values.insert((*key).to_owned(), value(text, ConfigSource::Topic, kind));
    }
    Observed {
        topics: BTreeMap::from([(name(topic), Ok(description))]),
        configs: BTreeMap::from([(name(topic), Ok(configs))]),
    }
}

fn missing(topics: &[&str]) -> Observed {
    let gone = || Err(refusal(ErrorCode::UnknownTopicOrPartition, ""));
    Observed {
        topics: topics.iter().map(|topic| (name(topic), gone())).collect(),
        configs: BTreeMap::new(),
    }
}

fn planned(desired: &[Desired], observed: &Observed) -> Plan {
    plan(&owners(desired), observed, &BTreeMap::new())
}

/// What a plan does, a line for each change, and the reason that it gives.
fn check(desired: Desired, observed: &Observed, changes: &[&str], reason: &str) {
    let topic = desired.name.clone();
    let plan = planned(&[desired], observed);
    let mut found = Vec::new();
    for (name, new) in &plan.creates {
        found.push(format!(
            "create {name} {:?} {:?} {:?}",
            new.partitions, new.replication_factor, new.config
        ));
    }
    found.extend(plan.partitions.iter().map(|(name, total)| format!("partitions {name} {total}")));
    found.extend(plan.configs.values().map(describe));
    assert_eq!(found, changes);
    assert_eq!(plan.verdicts[&topic].reason(), reason, "{:?}", plan.verdicts[&topic]);
}

#[test]
fn a_topic_that_is_not_there_is_made() {
    let expect = r#"create a Some(3) Some(1) {"retention.ms": "1000"}"#;
    check(desired("a"), &missing(&["a"]), &[expect], "Ready");
    let plain = Desired {
        partitions: None,
        replication_factor: None,
        config: BTreeMap::new(),
        ..desired("a")
    };
    check(plain, &missing(&["a"]), &["create a None None {}"], "Ready");
}

#[test]
fn a_topic_that_is_as_desired_is_left_alone() {
    let same = observed("a", 3, 1, &[("retention.ms", "1000")]);
    check(desired("a"), &same, &[], "Ready");
    check(desired("a"), &observed("a", 3, 1, &[("retention.ms", "01000")]), &[], "Ready");
    let list = Desired { config: config(&[("cleanup.policy", "compact,delete")]), ..desired("a") };
    check(list, &observed("a", 3, 1, &[("cleanup.policy", "compact, delete")]), &[], "Ready");
    let any = Desired { partitions: None, replication_factor: None, ..desired("a") };
    check(any, &observed("a", 9, 2, &[("retention.ms", "1000")]), &[], "Ready");
}

#[test]
fn drift_is_reverted_but_for_what_others_manage() {
    let drifted = observed(
        "a",
        3,
        1,
        &[
            ("retention.ms", "5"),
            ("max.message.bytes", "9"),
            ("leader.replication.throttled.replicas", "*"),
        ],
    );
    check(desired("a"), &drifted, &["deleted max.message.bytes, set retention.ms=1000"], "Ready");
    let unmanaged =
        Desired { unmanaged: BTreeSet::from(["max.message.bytes".to_owned()]), ..desired("a") };
    check(unmanaged, &drifted, &["set retention.ms=1000"], "Ready");
    // The cluster's default may be the same today: it is set all the same.
    let default = Desired { config: config(&[("segment.bytes", "5000000")]), ..desired("a") };
    check(default, &observed("a", 3, 1, &[]), &["set segment.bytes=5000000"], "Ready");
}

#[test]
fn partitions_grow_and_never_shrink() {
    let set = &[("retention.ms", "1000")];
    check(desired("a"), &observed("a", 1, 1, set), &["partitions a 3"], "Ready");
    check(desired("a"), &observed("a", 4, 1, set), &[], "PartitionsCannotDecrease");
    // The rest goes on.
    let set = &["set retention.ms=1000"];
    check(desired("a"), &observed("a", 4, 1, &[]), set, "PartitionsCannotDecrease");
}

#[test]
fn another_replication_factor_is_refused() {
    check(desired("a"), &observed("a", 3, 2, &[("retention.ms", "1000")]), &[], "NotSupported");
}

#[test]
fn what_is_only_observed_is_never_changed() {
    let observe = || Desired { management: ManagementPolicy::Observe, ..desired("a") };
    check(observe(), &missing(&["a"]), &[], "TopicNotFound");
    check(observe(), &observed("a", 9, 2, &[("max.message.bytes", "9")]), &[], "Ready");
}

#[test]
fn the_brokers_own_topics_are_left_alone() {
    let mut internal = observed("a", 1, 1, &[]);
    if let Some(Ok(topic)) = internal.topics.get_mut(&name("a")) {
        topic.is_internal = true;
    }
    check(desired("a"), &internal, &[], "Invalid");
}

#[test]
fn what_is_not_known_is_waited_for() {
    check(desired("a"), &Observed::default(), &[], "ClusterNotReady");
    let mut busy = missing(&[]);
    busy.topics.insert(name("a"), Err(refusal(ErrorCode::LeaderNotAvailable, "")));
    check(desired("a"), &busy, &[], "ClusterNotReady");
    let mut half = observed("a", 3, 1, &[]);
    half.configs.clear();
    check(desired("a"), &half, &[], "ClusterNotReady");
}

#[test]
fn a_topic_that_was_made_anew_is_taken_over_with_a_warning() {
    let mut owners = owners(&[desired("a")]);
    let same = observed("a", 3, 1, &[("retention.ms", "1000")]);
    let warnings = |owners: &BTreeMap<TopicName, Claim>| {
        let plan = plan(owners, &same, &BTreeMap::new());
        assert!(plan.is_empty());
        let verdict = &plan.verdicts[&name("a")];
        verdict.happenings.iter().map(|happening| happening.reason).collect::<Vec<_>>()
    };
    assert_eq!(warnings(&owners), [""; 0]);
    owners.get_mut(&name("a")).unwrap().known_id = Some(ID);
    assert_eq!(warnings(&owners), [""; 0]);
    owners.get_mut(&name("a")).unwrap().known_id = Some(Uuid::from_bytes([9; 16]));
    assert_eq!(warnings(&owners), ["TopicMadeAnew"]);
}

#[test]
fn of_names_that_collide_only_the_oldest_is_made() {
    let plan = planned(&[desired("a_b"), desired("a.b")], &missing(&["a.b", "a_b"]));
    assert_eq!(plan.creates.keys().collect::<Vec<_>>(), [&name("a_b")]);
    assert_eq!(plan.verdicts[&name("a.b")].reason(), "Invalid");
    assert_eq!(plan.verdicts[&name("a_b")].reason(), "Ready");
}

#[test]
fn what_could_not_be_recorded_is_not_touched() {
    let problem = Problem::stalled(reason::NOT_SUPPORTED, "no room");
    let unrecorded = BTreeMap::from([(name("a"), problem)]);
    let plan = plan(&owners(&[desired("a")]), &missing(&["a"]), &unrecorded);
    assert!(plan.is_empty());
    assert_eq!(plan.verdicts[&name("a")].message(), "no room");
}

#[test]
fn refusals_concern_their_topic_alone() {
    let check = |code: ErrorCode, standing: Standing, reason: &str| {
        let mut plan = planned(&[desired("a"), desired("b")], &missing(&["a", "b"]));
        let made = CreatedTopic { id: ID, partitions: Some(3), replication_factor: Some(1) };
        plan.created(BTreeMap::from([
            (name("a"), Err(refusal(code, "in Kafka's words"))),
            (name("b"), Ok(made)),
        ]));
        let (refused, made) = (&plan.verdicts[&name("a")], &plan.verdicts[&name("b")]);
        assert_eq!((refused.standing(), refused.reason()), (standing, reason), "{code:?}");
        assert!(refused.message().contains("in Kafka's words"), "{}", refused.message());
        assert_eq!(made.standing(), Standing::Ready);
        assert_eq!(made.seen.map(|seen| seen.id), Some(ID));
        assert!(!made.is_missing);
    };
    check(ErrorCode::InvalidConfig, Standing::Stalled, "ConfigRefused");
    check(ErrorCode::InvalidReplicationFactor, Standing::Stalled, "Invalid");
    check(ErrorCode::InvalidTopicException, Standing::Stalled, "Invalid");
    check(ErrorCode::PolicyViolation, Standing::Stalled, "Invalid");
    check(ErrorCode::TopicAlreadyExists, Standing::Waiting, "ClusterNotReady");
    check(ErrorCode::NotController, Standing::Waiting, "ClusterNotReady");
}

#[test]
fn a_refused_change_is_told_with_the_keys() {
    let mut plan = planned(&[desired("a")], &observed("a", 1, 1, &[]));
    plan.grown(BTreeMap::from([(name("a"), Ok(()))]));
    plan.altered(BTreeMap::from([(name("a"), Err(refusal(ErrorCode::InvalidRequest, "no")))]));
    let verdict = &plan.verdicts[&name("a")];
    assert_eq!(verdict.reason(), "ConfigRefused");
    assert!(verdict.message().contains("(set retention.ms=1000): no"), "{}", verdict.message());
    assert_eq!(verdict.seen.and_then(|seen| seen.partitions), Some(3));
}
