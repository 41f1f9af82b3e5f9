//! A cluster's life, plan by plan, against a Kubernetes that merges and fills in as the real one does.

use std::sync::Arc;

use k8s_openapi::jiff::SignedDuration;
use kube::ResourceExt;
use serde_json::{Value, json};
use taffrail_crds::cluster::NodeState;
use taffrail_operator::cluster::{NodePhase, PartitionHealth, Plan, Rejection, Step, Stranger};

use crate::fake::{World, quickstart, unready_status, with_node_port};

fn condition<'a>(plan: &'a Plan, kind: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let condition = plan.status.conditions.iter().find(|condition| condition.type_ == kind)?;
    Some((condition.status.as_str(), condition.reason.as_str(), condition.message.as_str()))
}

#[track_caller]
fn check(plan: &Plan, kind: &str, status: &str, reason: &str) {
    let (is_status, is_reason, message) = condition(plan, kind).expect("the condition");
    assert_eq!((is_status, is_reason), (status, reason), "{message}");
}

#[track_caller]
fn check_message(plan: &Plan, kind: &str, part: &str) {
    let (_, _, message) = condition(plan, kind).expect("the condition");
    assert!(message.contains(part), "'{part}' isn't in: {message}");
}

/// What somebody else does to an object.
type Drift = fn(&mut World);

fn applied(plan: &Plan) -> Vec<String> {
    plan.applies.iter().map(|object| format!("{}/{}", object.kind(), object.name())).collect()
}

fn reasons(plan: &Plan) -> Vec<&str> {
    plan.events.iter().map(|event| event.reason.as_str()).collect()
}

#[test]
fn a_new_cluster_is_applied_at_once_with_its_stateful_set_last() {
    let world = World::new(quickstart());
    let plan = world.plan();
    assert_eq!(
        applied(&plan),
        [
            "ServiceAccount/quickstart-node",
            "NetworkPolicy/quickstart",
            "Service/quickstart-nodes",
            "Service/quickstart-internal",
            "PodDisruptionBudget/quickstart",
            "PersistentVolumeClaim/data-quickstart-nodes-0",
            "ConfigMap/quickstart-nodes-0",
            "StatefulSet/quickstart-nodes-0",
        ]
    );
    assert_eq!(plan.step, None);
    check(&plan, "Ready", "False", "Starting");
    check(&plan, "Reconciling", "True", "Starting");
    assert_eq!(condition(&plan, "Stalled"), None);
    assert_eq!(reasons(&plan), ["Created", "Created"]);
    assert_eq!(plan.status.ready_nodes.as_deref(), Some("0/1"));
}

#[test]
fn each_object_of_a_new_cluster_is_written_once() {
    let mut world = World::new(with_node_port());
    let mut written: Vec<String> = world.settle().iter().flat_map(applied).collect();
    let total = written.len();
    written.sort();
    written.dedup();
    assert_eq!(written.len(), total);
}

#[test]
fn a_running_cluster_has_nothing_to_be_done() {
    let mut world = World::running(quickstart());
    world.now += SignedDuration::from_secs(3600);
    let plan = world.plan();
    assert_eq!(applied(&plan), [""; 0]);
    assert!(!world.status_differs(&plan), "{:#?}", plan.status);
    assert_eq!(plan.events, []);
    check(&plan, "Ready", "True", "Ready");
    check(&plan, "Available", "True", "Ready");
    check(&plan, "UpToDate", "True", "Ready");
    let listener = &plan.status.listeners[0];
    assert_eq!(listener.bootstrap_servers, "quickstart-internal.default.svc:9092");
}

#[test]
fn a_node_waits_for_the_port_that_it_has_to_advertise() {
    let mut world = World::new(with_node_port());
    let plan = world.plan();
    assert!(applied(&plan).contains(&"Service/quickstart-outside-0".to_owned()));
    assert!(!applied(&plan).iter().any(|object| object.starts_with("StatefulSet")));
    world.apply(&plan);
    let plan = world.plan();
    assert!(
        applied(&plan).contains(&"StatefulSet/quickstart-nodes-0".to_owned()),
        "{:?}",
        applied(&plan)
    );
    let args = plan.applies.last().unwrap().to_json()["spec"]["template"]["spec"]["containers"][0]
        ["args"]
        .to_string();
    assert!(args.contains("OUTSIDE://$(NODE_IP):30001"), "{args}");
    world.settle();
    world.all_ready();
    world.settle();
    let outside = &world.plan().status.listeners[1];
    assert_eq!(outside.bootstrap_servers, "10.0.0.7:30000");
}

#[test]
fn a_node_on_its_way_is_told_from_one_that_needs_somebody() {
    let unscheduled = json!({"conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available"},
    ]});
    let waiting = |reason: &str, message: &str| {
        unready_status(json!({"waiting": {"reason": reason, "message": message}}), 1)
    };
    let mut out_of_memory = waiting("CrashLoopBackOff", "back-off");
    out_of_memory["containerStatuses"][0]["lastState"] =
        json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
    let mut crashing = waiting("CrashLoopBackOff", "back-off");
    crashing["containerStatuses"][0]["lastState"] =
        json!({"terminated": {"exitCode": 1, "message": "log dir is full"}});
    let cases: [(Value, &str, &str, &str); 8] = [
        (json!({"phase": "Pending"}), "Reconciling", "Starting", "about to start"),
        (unscheduled, "Reconciling", "Unschedulable", "0/3 nodes are available"),
        (waiting("ContainerCreating", ""), "Reconciling", "Starting", "about to start"),
        (waiting("ErrImagePull", "not found"), "Stalled", "ImagePullFailed", "not found"),
        (out_of_memory, "Stalled", "OutOfMemory", "limits.memory"),
        (crashing, "Stalled", "CrashLooping", "log dir is full"),
        (unready_status(json!({"running": {}}), 0), "Reconciling", "Starting", "it starts"),
        (
            unready_status(json!({"terminated": {"exitCode": 1}}), 0),
            "Reconciling",
            "Starting",
            "is started again",
        ),
    ];
    for (status, kind, reason, part) in cases {
        let mut world = World::new(quickstart());
        world.settle();
        world.pod_status(status);
        let plan = world.plan();
        check(&plan, "Ready", "False", reason);
        check(&plan, kind, "True", reason);
        check_message(&plan, "Ready", part);
        assert_eq!(plan.step, None);
        world.settle();
    }
}

#[test]
fn recovery_is_shown_as_it_goes() {
    let mut world = World::new(quickstart());
    world.settle();
    world.pod_status(unready_status(json!({"running": {}}), 0));
    world.report(0, NodePhase::Recovering);
    let plan = world.plan();
    check(&plan, "Ready", "False", "Recovering");
    check_message(&plan, "Ready", "3 of 12");
    assert_eq!(plan.status.nodes[0].state, NodeState::Recovering);
    assert_eq!(applied(&plan), ["PodDisruptionBudget/quickstart"]);
}

#[test]
fn a_change_of_configuration_restarts_the_node_once_and_says_why() {
    let mut world = World::running(quickstart());
    world.edit(|spec| spec["config"] = json!({"num.io.threads": 4}));
    let plan = world.plan();
    assert_eq!(applied(&plan), ["ConfigMap/quickstart-nodes-0", "StatefulSet/quickstart-nodes-0"]);
    assert_eq!(plan.step, None);
    check(&plan, "Ready", "False", "Rolling");
    check(&plan, "Available", "True", "Ready");
    world.apply(&plan);
    let plan = world.plan();
    let Some(Step::RestartPod { node: 0, pod, reason, .. }) = &plan.step else {
        panic!("{plan:#?}")
    };
    assert_eq!(pod, "quickstart-nodes-0-0");
    assert_eq!(reason, "configuration changed: num.io.threads");
    assert_eq!(applied(&plan), ["PodDisruptionBudget/quickstart"]);
    assert!(reasons(&plan).contains(&"Restarting"));
    let plans = world.settle();
    world.all_ready();
    let later = world.settle();
    assert_eq!(plans.iter().chain(&later).filter(|plan| plan.step.is_some()).count(), 1);
    check(&world.plan(), "Ready", "True", "Ready");
}

#[test]
fn a_wrong_image_stops_the_roll_and_putting_it_back_heals() {
    let mut world = World::running(quickstart());
    world.edit(|spec| spec["image"] = json!({"tag": "nonsense"}));
    let plans = world.settle();
    let steps: Vec<_> = plans.iter().filter_map(|plan| plan.step.as_ref()).collect();
    let [Step::RestartPod { reason, .. }] = steps.as_slice() else { panic!("{steps:?}") };
    assert_eq!(reason, "image changed: taffrail/taffrail:0.1.0 to taffrail/taffrail:nonsense");
    world.pod_status(unready_status(
        json!({"waiting": {"reason": "ImagePullBackOff", "message": "no such tag"}}),
        0,
    ));
    let plan = world.plan();
    check(&plan, "Stalled", "True", "ImagePullFailed");
    assert!(reasons(&plan).contains(&"ImagePullFailed"));
    world.settle();
    world.edit(|spec| *spec = quickstart());
    let plans = world.settle();
    assert_eq!(
        plans.iter().filter(|plan| plan.step.is_some()).count(),
        1,
        "the broken pod goes at once"
    );
    world.all_ready();
    world.settle();
    check(&world.plan(), "Ready", "True", "Ready");
}

#[test]
fn a_restart_waits_for_recovery_and_for_replicas_in_sync() {
    let mut world = World::running(quickstart());
    world.edit(|spec| spec["config"] = json!({"num.io.threads": 4}));
    world.apply(&world.plan());
    world.observed.partitions =
        Some(PartitionHealth { blocked_by_node: [(0, 7)].into(), ..PartitionHealth::default() });
    let plan = world.plan();
    assert_eq!(plan.step, None);
    check(&plan, "Reconciling", "True", "Rolling");
    check_message(&plan, "Reconciling", "7 partitions");
    world.observed.partitions = None;
    world.pod_status(unready_status(json!({"running": {}}), 0));
    world.report(0, NodePhase::Recovering);
    assert_eq!(world.plan().step, None);
    world.report(0, NodePhase::Starting);
    assert!(world.plan().step.is_some(), "a node that isn't ready has nothing to lose");
}

#[test]
fn what_others_change_is_put_back() {
    let mut world = World::running(with_node_port());
    let drifts: [(&str, Drift); 7] = [
        ("ConfigMap/quickstart-nodes-0", |world| {
            Arc::make_mut(&mut world.observed.config_maps[0]).data = None;
        }),
        ("Service/quickstart-nodes", |world| {
            let service = Arc::make_mut(&mut world.observed.services[0]);
            service.spec.as_mut().unwrap().publish_not_ready_addresses = Some(false);
        }),
        ("NetworkPolicy/quickstart", |world| {
            let policy = Arc::make_mut(&mut world.observed.policies[0]);
            policy.spec.as_mut().unwrap().ingress = None;
        }),
        ("PodDisruptionBudget/quickstart", |world| {
            Arc::make_mut(&mut world.observed.budgets[0]).spec.as_mut().unwrap().max_unavailable =
                None;
        }),
        ("ServiceAccount/quickstart-node", |world| world.observed.accounts.clear()),
        ("PersistentVolumeClaim/data-quickstart-nodes-0", |world| {
            Arc::make_mut(&mut world.observed.claims[0]).labels_mut().remove("taffrail.io/volume");
        }),
        ("StatefulSet/quickstart-nodes-0", |world| {
            Arc::make_mut(&mut world.observed.stateful_sets[0]).spec.as_mut().unwrap().replicas =
                Some(0);
        }),
    ];
    for (object, drift) in drifts {
        drift(&mut world);
        let plan = world.plan();
        assert_eq!(applied(&plan), [object]);
        let is_gone = object.starts_with("ServiceAccount");
        assert_eq!(reasons(&plan).contains(&"DriftRepaired"), !is_gone, "{object}");
        world.settle();
        world.all_ready();
        world.settle();
    }
}

#[test]
fn a_field_that_is_no_longer_asked_for_is_noticed() {
    let mut spec = quickstart();
    spec["pools"][0]["nodeSelector"] = json!({"disk": "fast"});
    let mut world = World::running(spec);
    world.edit(|spec| *spec = quickstart());
    assert_eq!(applied(&world.plan()), ["StatefulSet/quickstart-nodes-0"]);
}

#[test]
fn what_nothing_asks_for_is_deleted_by_allow_list() {
    let mut world = World::running(with_node_port());
    let mut topics = world.observed.config_maps[0].as_ref().clone();
    topics.metadata.name = Some("quickstart-topics".to_owned());
    let mut foreign = topics.clone();
    foreign.metadata.name = Some("somebodys".to_owned());
    foreign.labels_mut().remove("app.kubernetes.io/managed-by");
    let mut old = topics.clone();
    old.metadata.name = Some("quickstart-nodes-7".to_owned());
    world.observed.config_maps.extend([topics, foreign, old].map(Arc::new));
    world.edit(|spec| *spec = quickstart());
    let plan = world.plan();
    let orphans: Vec<_> = plan.orphans.iter().map(|orphan| orphan.name.as_str()).collect();
    assert_eq!(orphans, ["quickstart-nodes-7", "quickstart-outside", "quickstart-outside-0"]);
    world.settle();
    assert_eq!(world.observed.config_maps.len(), 3);
    assert_eq!(world.observed.claims.len(), 1);
}

#[test]
fn a_cluster_that_is_applied_again_finds_its_volumes() {
    let mut world = World::running(quickstart());
    let before = world.plan().status.cluster_id;
    world.delete_and_apply_again("7c9e6679-7425-40de-944b-e07fc1f90ae7");
    let plan = world.plan();
    assert_eq!(plan.status.cluster_id, before);
    assert!(!applied(&plan).iter().any(|object| object.starts_with("PersistentVolumeClaim")));
    assert_eq!(world.observed.claims[0].owner_references(), []);

    let mut fresh = World::new(quickstart());
    fresh.change_cluster(|cluster| {
        cluster.metadata.uid = Some("7c9e6679-7425-40de-944b-e07fc1f90ae7".to_owned())
    });
    assert_ne!(fresh.plan().status.cluster_id, before, "another cluster has another id");
}

#[test]
fn volumes_belong_to_the_resource_only_while_it_says_delete() {
    let mut world = World::running(quickstart());
    world.edit(|spec| spec["pools"][0]["storage"]["whenDeleted"] = json!("Delete"));
    assert_eq!(applied(&world.plan()), ["PersistentVolumeClaim/data-quickstart-nodes-0"]);
    world.settle();
    assert_eq!(world.observed.claims[0].owner_references().len(), 1);
    world.edit(|spec| spec["pools"][0]["storage"]["whenDeleted"] = json!("Retain"));
    world.settle();
    assert_eq!(world.observed.claims[0].owner_references(), []);
}

#[test]
fn volumes_grow_and_never_shrink() {
    let mut world = World::running(quickstart());
    world.edit(|spec| spec["pools"][0]["storage"]["volumes"][0]["size"] = json!("20Gi"));
    let plan = world.plan();
    assert_eq!(applied(&plan), ["PersistentVolumeClaim/data-quickstart-nodes-0"]);
    check(&plan, "Ready", "True", "Ready");
    world.settle();
    world.edit(|spec| spec["pools"][0]["storage"]["volumes"][0]["size"] = json!("20480Mi"));
    world.settle();
    let request = serde_json::to_value(&world.observed.claims[0].spec).unwrap();
    assert_eq!(request["resources"]["requests"]["storage"], "20Gi", "the same size in other words");
    world.edit(|spec| spec["pools"][0]["storage"]["volumes"][0]["size"] = json!("10Gi"));
    let plan = world.plan();
    check(&plan, "Stalled", "True", "Invalid");
    check_message(&plan, "Stalled", "write size: 20Gi");
    assert_eq!(applied(&plan), [""; 0]);
}

#[test]
fn a_volume_that_is_gone_is_not_replaced_by_an_empty_one() {
    let mut world = World::running(quickstart());
    world.observed.claims.clear();
    assert_eq!(world.plan().applies.len(), 1, "one that was just made may not be seen yet");
    world.now += SignedDuration::from_secs(61);
    let plan = world.plan();
    assert_eq!(applied(&plan), [""; 0]);
    check(&plan, "Stalled", "True", "VolumeMissing");
    check_message(&plan, "Stalled", "kubectl -n default delete statefulset quickstart-nodes-0");
}

#[test]
fn a_node_isn_t_restarted_while_its_volume_is_being_deleted() {
    let mut world = World::running(quickstart());
    let now = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(world.now);
    Arc::make_mut(&mut world.observed.claims[0]).metadata.deletion_timestamp = Some(now);
    world.edit(|spec| spec["config"] = json!({"num.io.threads": 4}));
    for plan in world.settle() {
        assert_eq!(plan.step, None);
        check(&plan, "Stalled", "True", "VolumeMissing");
        check(&plan, "Available", "True", "Ready");
    }
}

#[test]
fn volumes_of_two_clusters_are_not_mixed() {
    let mut world = World::running(quickstart());
    world.edit(|spec| spec["clusterID"] = json!("AAAAAAAAAAAAAAAAAAAAAA"));
    let plan = world.plan();
    check(&plan, "Stalled", "True", "Invalid");
    check_message(&plan, "Stalled", "AAAAAAAAAAAAAAAAAAAAAA");
    assert_eq!(applied(&plan), [""; 0]);
}

#[test]
fn the_only_voter_can_t_be_taken_away() {
    let mut world = World::running(quickstart());
    let edits: [fn(&mut Value); 2] = [
        |spec| spec["pools"][0]["nodeIDs"] = json!("5-9"),
        |spec| spec["pools"][0]["name"] = json!("others"),
    ];
    for edit in edits {
        world.edit(edit);
        let plan = world.plan();
        check(&plan, "Stalled", "True", "NotSupported");
        check_message(&plan, "Stalled", "node 0 of pool 'nodes'");
        check(&plan, "Available", "True", "Ready");
        assert_eq!((applied(&plan).len(), plan.orphans.len(), &plan.step), (0, 0, &None));
        world.edit(|spec| *spec = quickstart());
    }
    world.edit(|spec| spec["pools"][0]["nodeIDs"] = json!("0,5-9"));
    assert_eq!(applied(&world.plan()), [""; 0], "a wider range keeps the node's id");
}

#[test]
fn a_refused_spec_leaves_what_runs_alone() {
    let mut world = World::running(quickstart());
    world.edit(|spec| spec["config"] = json!({"node.id": 7}));
    let plan = world.plan();
    assert_eq!((applied(&plan).len(), plan.orphans.len(), &plan.step), (0, 0, &None));
    check(&plan, "Ready", "False", "Invalid");
    check_message(&plan, "Ready", "spec.config[node.id]");
    check_message(&plan, "Ready", "goes on as it was");
    check(&plan, "Available", "True", "Ready");
    assert_eq!(plan.status.observed_generation, Some(2));
    assert_eq!(plan.status.listeners.len(), 1);
    assert_eq!(reasons(&plan), ["Invalid"]);
    world.settle();
    assert_eq!(world.plan().events, []);
    world.edit(|spec| *spec = quickstart());
    check(&world.plan(), "Ready", "True", "Ready");
}

#[test]
fn a_paused_cluster_is_left_alone() {
    let mut world = World::running(quickstart());
    world.edit(|spec| {
        spec["paused"] = json!(true);
        spec["config"] = json!({"num.io.threads": 4});
    });
    world.observed.services.clear();
    let plan = world.plan();
    assert_eq!((applied(&plan).len(), &plan.step), (0, &None));
    check(&plan, "Ready", "False", "Paused");
    check(&plan, "Available", "True", "Ready");
    world.edit(|spec| spec["paused"] = json!(false));
    assert!(!world.plan().applies.is_empty());
    world.change_cluster(|cluster| {
        cluster.annotations_mut().insert("taffrail.io/pause".to_owned(), "true".to_owned());
    });
    check(&world.plan(), "Ready", "False", "Paused");
}

#[test]
fn names_of_other_clusters_are_not_taken_over() {
    let mut world = World::new(quickstart());
    world.observed.strangers = vec![Stranger {
        kind: "PersistentVolumeClaim".to_owned(),
        name: "data-quickstart-nodes-0".to_owned(),
        cluster: "other".to_owned(),
    }];
    let plan = world.plan();
    assert_eq!(applied(&plan), [""; 0]);
    check(&plan, "Stalled", "True", "Invalid");
    check_message(&plan, "Stalled", "belongs to cluster 'other'");
}

#[test]
fn what_kubernetes_rejects_is_told() {
    let mut world = World::running(quickstart());
    let rejection = |kind: &str, name: &str| Rejection {
        kind: kind.to_owned(),
        name: name.to_owned(),
        message: "no room".to_owned(),
    };
    world.observed.rejections = vec![rejection("PersistentVolumeClaim", "data-quickstart-nodes-0")];
    check(&world.plan(), "Ready", "True", "Ready");
    check(&world.plan(), "Warning", "True", "Rejected");
    world.observed.rejections = vec![rejection("StatefulSet", "quickstart-nodes-0")];
    check(&world.plan(), "Stalled", "True", "Rejected");
    check_message(&world.plan(), "Stalled", "no room");
}

#[test]
fn what_has_no_effect_is_said() {
    let mut spec = quickstart();
    spec["rack"] = json!({"topologyKey": "topology.kubernetes.io/zone"});
    let mut world = World::running(spec);
    check(&world.plan(), "Ready", "True", "Ready");
    check_message(&world.plan(), "Warning", "spec.rack");
    world.edit(|spec| *spec = quickstart());
    assert_eq!(condition(&world.plan(), "Warning"), None);
}

#[test]
fn a_resource_that_goes_away_is_left_to_kubernetes() {
    let mut world = World::running(quickstart());
    let now = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(world.now);
    world.change_cluster(|cluster| cluster.metadata.deletion_timestamp = Some(now));
    world.observed.services.clear();
    let plan = world.plan();
    assert!(plan.applies.is_empty() && plan.orphans.is_empty() && !world.status_differs(&plan));
}

#[test]
fn the_version_is_what_nodes_say() {
    let mut world = World::running(quickstart());
    assert_eq!(world.plan().status.version, None);
    world.report(0, NodePhase::Ready);
    let status = world.plan().status;
    assert_eq!((status.version.as_deref(), status.quorum_leader), (Some("0.1.0"), Some(0)));
    assert_eq!(status.nodes[0].state, NodeState::Ready);
}
