//! What holds whatever happens, tried with lives drawn at random.

use std::sync::Arc;

use k8s_openapi::jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};
use taffrail_crds::cluster::NodeState;
use taffrail_operator::cluster::{Applied, NodePhase, Plan};

use crate::fake::{World, quickstart, unready_status, with_node_port};

/// Something that happens to a cluster.
#[derive(Clone, Debug)]
enum Happening {
    Threads(u32),
    Tag(String),
    Gigabytes(u32),
    OwnKey,
    Paused(bool),
    NodePort(bool),
    Resources(u32),
    DeleteVolumes(bool),
    Ready,
    Crash,
    Recovering,
    PodGone,
    ServicesGone,
    LabelsGone,
    StatusLost,
    AppliedAgain,
    TimePasses(u16),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        (1..4_u32).prop_map(Happening::Threads),
        "[a-c]".prop_map(Happening::Tag),
        (9..13_u32).prop_map(Happening::Gigabytes),
        Just(Happening::OwnKey),
        any::<bool>().prop_map(Happening::Paused),
        any::<bool>().prop_map(Happening::NodePort),
        (1..5_u32).prop_map(Happening::Resources),
        any::<bool>().prop_map(Happening::DeleteVolumes),
        Just(Happening::Ready),
        Just(Happening::Crash),
        Just(Happening::Recovering),
        Just(Happening::PodGone),
        Just(Happening::ServicesGone),
        Just(Happening::LabelsGone),
        Just(Happening::StatusLost),
        Just(Happening::AppliedAgain),
        any::<u16>().prop_map(Happening::TimePasses),
    ]
}

fn happen(world: &mut World, happening: &Happening) {
    match happening {
        Happening::Threads(number) => {
            world.edit(|spec| spec["config"] = json!({"num.io.threads": number}))
        }
        Happening::Tag(tag) => world.edit(|spec| spec["image"] = json!({"tag": tag})),
        Happening::Gigabytes(size) => world.edit(|spec| {
            spec["pools"][0]["storage"]["volumes"][0]["size"] = json!(format!("{size}Gi"));
        }),
        Happening::OwnKey => world.edit(|spec| spec["config"] = json!({"log.dirs": "/"})),
        Happening::Paused(is_paused) => world.edit(|spec| spec["paused"] = json!(is_paused)),
        Happening::NodePort(has_one) => world.edit(|spec| {
            let other = if *has_one { with_node_port() } else { quickstart() };
            spec["listeners"] = other["listeners"].clone();
        }),
        Happening::Resources(cores) => world.edit(|spec| {
            spec["pools"][0]["resources"] = json!({"requests": {"cpu": format!("{cores}000m")}});
        }),
        Happening::DeleteVolumes(is_wanted) => world.edit(|spec| {
            let policy = if *is_wanted { "Delete" } else { "Retain" };
            spec["pools"][0]["storage"]["whenDeleted"] = json!(policy);
        }),
        Happening::Ready => {
            world.observed.reports.clear();
            world.all_ready();
        }
        Happening::Crash => {
            world.pod_status(unready_status(json!({"waiting": {"reason": "CrashLoopBackOff"}}), 4))
        }
        Happening::Recovering => {
            world.pod_status(unready_status(json!({"running": {}}), 0));
            world.report(0, NodePhase::Recovering);
        }
        Happening::PodGone => world.observed.pods.clear(),
        Happening::ServicesGone => world.observed.services.clear(),
        Happening::LabelsGone => {
            for set in &mut world.observed.stateful_sets {
                Arc::make_mut(set)
                    .metadata
                    .labels
                    .get_or_insert_default()
                    .remove("app.kubernetes.io/name");
            }
        }
        Happening::StatusLost => world.change_cluster(|cluster| cluster.status = None),
        Happening::AppliedAgain => {
            world.delete_and_apply_again("7c9e6679-7425-40de-944b-e07fc1f90ae7")
        }
        Happening::TimePasses(seconds) => {
            world.now += SignedDuration::from_secs(i64::from(*seconds))
        }
    }
}

/// What holds of every plan.
fn check(world: &World, plan: &Plan) {
    let first_set =
        plan.applies.iter().position(|object| matches!(object, Applied::StatefulSet(_)));
    let sets = plan.applies.iter().skip(first_set.unwrap_or(plan.applies.len()));
    assert!(
        sets.into_iter().all(|object| matches!(object, Applied::StatefulSet(_))),
        "StatefulSets are last"
    );
    if plan.step.is_some() {
        let is_recovering =
            plan.status.nodes.iter().any(|node| node.state == NodeState::Recovering);
        assert!(!is_recovering, "a node that recovers its logs is left alone");
        assert!(first_set.is_none(), "a node goes only with its new shape in place");
    }
    for condition in &plan.status.conditions {
        assert!(!condition.message.is_empty() && !condition.reason.is_empty(), "{condition:?}");
    }
    let has = |kind: &str| {
        plan.status.conditions.iter().any(|one| one.type_ == kind && one.status == "True")
    };
    assert!(
        !(has("Ready") && (has("Stalled") || has("Reconciling"))),
        "{:?}",
        plan.status.conditions
    );
    assert_eq!(
        format!("{plan:?}"),
        format!("{:?}", world.plan()),
        "the same view gives the same plan"
    );
    assert_eq!(format!("{plan:?}"), format!("{:?}", backwards(world).plan()), "in any order");
}

/// The same world with every list the other way round.
fn backwards(world: &World) -> World {
    let mut other = world.copy();
    other.observed.services.reverse();
    other.observed.config_maps.reverse();
    other.observed.claims.reverse();
    other
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn plans_come_to_an_end_and_keep_what_can_t_be_had_again(
        happenings in prop::collection::vec(happening(), 1..12),
    ) {
        let mut world = World::running(quickstart());
        let id = world.plan().status.cluster_id;
        for happening in happenings {
            happen(&mut world, &happening);
            check(&world, &world.plan());
            world.settle_with(check);
            prop_assert!(world.plan().events.is_empty(), "what was told isn't told again");
            prop_assert_eq!(world.observed.claims.len(), 1);
            let later = world.plan().status.cluster_id;
            prop_assert!(later.is_none() || later == id, "{:?}", later);
        }
    }

    #[test]
    fn no_spec_brings_validation_down(
        names in prop::collection::vec(".{0,16}", 4),
        numbers in prop::collection::vec(any::<i32>(), 3),
        text in ".{0,40}",
    ) {
        let mut spec = with_node_port();
        spec["pools"][0]["name"] = json!(names[0]);
        spec["pools"][0]["replicas"] = json!(numbers[0]);
        spec["pools"][0]["nodeIDs"] = json!(text);
        spec["pools"][0]["storage"]["volumes"][0] = json!({"name": names[1], "size": text});
        spec["listeners"][0]["name"] = json!(names[2]);
        spec["listeners"][0]["port"] = json!(numbers[1]);
        spec["listeners"][1]["exposure"]["nodePort"] = json!(numbers[2]);
        spec["config"] = json!({&names[3]: text, "num.io.threads": text});
        spec["image"] = json!({"repository": text, "tag": names[0], "digest": names[1]});
        spec["clusterID"] = Value::String(text);
        let world = World::new(spec);
        prop_assert!(world.plan().applies.is_empty());
    }
}
