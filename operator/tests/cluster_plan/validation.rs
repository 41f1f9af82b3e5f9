//! What is refused, with the field, the reason and the way out.

use serde_json::{Value, json};
use taffrail_operator::cluster::{InvalidReason, validate};

use crate::fake::{cluster, quickstart, settings, with_node_port};

#[track_caller]
fn refused(change: impl FnOnce(&mut Value), field: &str, reason: InvalidReason, part: &str) {
    let mut spec = with_node_port();
    change(&mut spec);
    let refusals = validate(&cluster(spec), &settings()).expect_err(field);
    let found = refusals.iter().find(|one| one.field == field && one.message.contains(part));
    let found =
        found.unwrap_or_else(|| panic!("no refusal of {field} with '{part}' among {refusals:#?}"));
    assert_eq!(found.reason, reason);
}

#[track_caller]
fn invalid(change: impl FnOnce(&mut Value), field: &str, part: &str) {
    refused(change, field, InvalidReason::Invalid, part);
}

#[track_caller]
fn not_supported(change: impl FnOnce(&mut Value), field: &str, part: &str) {
    refused(change, field, InvalidReason::NotSupported, part);
}

#[test]
fn what_these_tests_start_from_is_sound() {
    for spec in [quickstart(), with_node_port()] {
        let valid = validate(&cluster(spec), &settings()).expect("a sound spec");
        assert_eq!(valid.warnings, []);
        assert_eq!(valid.image.reference, "taffrail/taffrail:0.1.0");
    }
}

#[test]
fn nodes_are_counted_and_numbered() {
    not_supported(|spec| spec["pools"][0]["replicas"] = json!(3), "spec.pools", "have 3 nodes");
    invalid(
        |spec| spec["pools"][0]["replicas"] = json!(0),
        "spec.pools",
        "delete the KafkaCluster",
    );
    invalid(
        |spec| spec["pools"][0]["replicas"] = json!(-1),
        "spec.pools[0].replicas",
        "fewer nodes than none",
    );
    invalid(|spec| spec["pools"][0]["roles"] = json!(["Broker"]), "spec.pools", "both roles");
    invalid(
        |spec| spec["pools"][0]["nodeIDs"] = json!("9-0"),
        "spec.pools[0].nodeIDs",
        "lower id first",
    );
    invalid(|spec| spec["pools"] = json!([]), "spec.pools", "no node");
    let two_pools = |ids: [Value; 2]| {
        move |spec: &mut Value| {
            let mut other = spec["pools"][0].clone();
            other["name"] = json!("other");
            other["replicas"] = json!(0);
            spec["pools"].as_array_mut().expect("a list").push(other);
            for (pool, ids) in ids.into_iter().enumerate() {
                spec["pools"][pool]["nodeIDs"] = ids;
            }
        }
    };
    invalid(two_pools([json!("0-9"), json!(null)]), "spec.pools[1].nodeIDs", "ids of their own");
    invalid(
        two_pools([json!("0-9"), json!("9-20")]),
        "spec.pools[1].nodeIDs",
        "id 9 is in pool 'nodes'",
    );
    invalid(
        |spec| {
            spec["pools"][0]["replicas"] = json!(3);
            spec["pools"][0]["nodeIDs"] = json!("0-1");
        },
        "spec.pools[0].nodeIDs",
        "fewer ids than the 3 nodes",
    );
}

#[test]
fn names_fit_into_the_names_made_of_them() {
    invalid(
        |spec| spec["pools"][0]["name"] = json!("thirteen-long"),
        "spec.pools[0].name",
        "at most 12",
    );
    invalid(|spec| spec["pools"][0]["name"] = json!("Nodes"), "spec.pools[0].name", "lower-case");
    invalid(
        |spec| spec["pools"][0]["name"] = json!("0nodes"),
        "spec.pools[0].name",
        "begins with a letter",
    );
    invalid(
        |spec| spec["listeners"][0]["name"] = json!("in-"),
        "spec.listeners[0].name",
        "doesn't end with",
    );
    invalid(
        |spec| spec["listeners"][0]["name"] = json!("nodes"),
        "spec.listeners[0].name",
        "cluster's own",
    );
    invalid(
        |spec| spec["listeners"][0]["name"] = json!("outside"),
        "spec.listeners[1].name",
        "stands twice",
    );
    invalid(
        |spec| spec["listeners"][0]["name"] = json!("in-1"),
        "spec.listeners[0].name",
        "as a node's Service",
    );
    let mut named = cluster(quickstart());
    named.metadata.name = Some("a-name-of-twenty-nine-letters".to_owned());
    let refusals = validate(&named, &settings()).expect_err("too long");
    assert_eq!(refusals[0].field, "metadata.name");
}

#[test]
fn listeners_have_ports_of_their_own() {
    for port in [9090, 9091, 9644, 9200, 0] {
        invalid(
            |spec| spec["listeners"][0]["port"] = json!(port),
            "spec.listeners[0].port",
            "from 9092 to 9199",
        );
    }
    invalid(
        |spec| spec["listeners"][0]["port"] = json!(9094),
        "spec.listeners[1].port",
        "listener 'internal'",
    );
    let field = "spec.listeners[0].exposure.nodePort";
    invalid(
        |spec| spec["listeners"][0]["exposure"] = json!({"nodePort": 30_000}),
        field,
        "type NodePort alone",
    );
    invalid(|spec| spec["listeners"] = json!([]), "spec.listeners", "add one");
    not_supported(
        |spec| spec["listeners"][0]["tls"] = json!({"mode": "Required"}),
        "spec.listeners[0].tls.mode",
        "write Disabled",
    );
    not_supported(
        |spec| spec["listeners"][0]["authentication"] = json!({"type": "ScramSHA512"}),
        "spec.listeners[0].authentication.type",
        "write None",
    );
}

#[test]
fn volumes_and_resources_are_amounts() {
    let size = |size: &'static str| {
        move |spec: &mut Value| spec["pools"][0]["storage"]["volumes"][0]["size"] = json!(size)
    };
    let field = "spec.pools[0].storage.volumes[0].size";
    invalid(size("10GB"), field, "isn't a quantity");
    invalid(size("0"), field, "above zero");
    invalid(size("-1Gi"), field, "above zero");
    invalid(
        |spec| spec["pools"][0]["storage"]["volumes"] = json!([]),
        "spec.pools[0].storage.volumes",
        "add one",
    );
    invalid(
        |spec| spec["pools"][0]["storage"]["volumes"][0]["name"] = json!("config"),
        "spec.pools[0].storage.volumes[0].name",
        "mount of the node's own",
    );
    let resources =
        |resources: Value| move |spec: &mut Value| spec["pools"][0]["resources"] = resources;
    invalid(
        resources(json!({"limits": {"memory": "128Mi"}})),
        "spec.pools[0].resources.limits[memory]",
        "256Mi",
    );
    invalid(
        resources(json!({"requests": {"cpu": "2"}, "limits": {"cpu": "1500m"}})),
        "spec.pools[0].resources.limits[cpu]",
        "below what is requested",
    );
    invalid(
        resources(json!({"requests": {"cpu": "lots"}})),
        "spec.pools[0].resources.requests[cpu]",
        "quantity",
    );
}

#[test]
fn images_and_ids_are_spelt_right() {
    invalid(|spec| spec["version"] = json!("a b"), "spec.version", "tag of an image");
    invalid(
        |spec| spec["image"] = json!({"repository": "a/b:c"}),
        "spec.image.repository",
        "into spec.image.tag",
    );
    invalid(
        |spec| spec["image"] = json!({"digest": "sha256:abc"}),
        "spec.image.digest",
        "64 hexadecimal",
    );
    invalid(|spec| spec["clusterID"] = json!("short"), "spec.clusterID", "22 characters");
}

#[test]
fn configuration_is_what_a_broker_takes() {
    invalid(
        |spec| spec["config"] = json!({"log.dirs": "/tmp"}),
        "spec.config[log.dirs]",
        "volumes",
    );
    invalid(
        |spec| spec["config"] = json!({"num.io.threads": 0}),
        "spec.config[num.io.threads]",
        "num.io.threads",
    );
    invalid(
        |spec| spec["pools"][0]["config"] = json!({"node.id": 1}),
        "spec.pools[0].config[node.id]",
        "operator's own",
    );
}

#[test]
fn everything_that_is_wrong_is_found_at_once() {
    let mut spec = quickstart();
    spec["pools"][0]["replicas"] = json!(5);
    spec["listeners"][0]["port"] = json!(1);
    spec["config"] = json!({"node.id": 1});
    let refusals = validate(&cluster(spec), &settings()).expect_err("three things");
    assert_eq!(refusals.len(), 3, "{refusals:#?}");
}

#[test]
fn the_pool_s_configuration_wins_over_the_cluster_s() {
    let mut spec = quickstart();
    spec["config"] = json!({"num.io.threads": 8, "log.retention.ms": 604_800_000_i64});
    spec["pools"][0]["config"] = json!({"num.io.threads": 16});
    let valid = validate(&cluster(spec), &settings()).expect("a sound spec");
    let config = &valid.pools[0].config;
    assert_eq!(
        (config["num.io.threads"].as_str(), config["log.retention.ms"].as_str()),
        ("16", "604800000")
    );
}
