//! Files, good and bad.

use super::DocumentError;
use crate::document::Cluster;

#[test]
fn a_file_has_brokers_and_topics_and_defaults() {
    let cluster = Cluster::from_json(
        br#"{
            "brokers": [{"id": 1, "capacity": {"cpu": 4, "network_in": 1e6, "network_out": 1e6, "disk": 1e9}}],
            "topics": [{"name": "a", "partitions": [
                {"id": 0, "leader": 1, "replicas": [
                    {"broker": 1, "load": {"cpu": 0.1, "network_in": 5, "network_out": 0, "disk": 7}}
                ]}
            ]}]
        }"#,
    )
    .expect("a cluster");
    let partition = &cluster.topics[0].partitions[0];
    assert_eq!(
        (partition.leader, partition.replicas[0].load.disk, partition.leader_extra.cpu),
        (Some(1), 7.0, 0.0)
    );
    assert_eq!(Cluster::from_json(&serde_json::to_vec(&cluster).expect("json")), Ok(cluster));
}

fn check(json: &str, expected: &str) {
    let error: DocumentError = Cluster::from_json(json.as_bytes()).expect_err("an error");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn errors_say_where_and_what_to_do() {
    check(
        "",
        "line 1, column 0: EOF while parsing a value: the file ends too early, make sure that it is whole",
    );
    check(
        "{\"brokers\":\n  [}",
        "line 2, column 4: expected value: this is no JSON, mend it there",
    );
    check(
        "{\n \"brokers\": [],\n \"topic\": []}",
        "line 3, column 8: unknown field `topic`, expected `brokers` or `topics`: \
         this is no field or value of a cluster, mend it there",
    );
    check(
        "{\"brokers\": [{\"id\": 1}]}",
        "line 1, column 22: missing field `capacity`: this is no field or value of a cluster, mend it there",
    );
    check(
        "{\"brokers\": [{\"id\": 3000000000}]}",
        "line 1, column 30: invalid value: integer `3000000000`, expected i32: \
         this is no field or value of a cluster, mend it there",
    );
    check(
        "{\"brokers\": []} x",
        "line 1, column 17: trailing characters: this is no JSON, mend it there",
    );
}

#[test]
fn a_long_name_is_cut() {
    let error = Cluster::from_json(format!("{{\"{}\": 1}}", "x".repeat(100_000)).as_bytes())
        .expect_err("an error");
    assert!(error.cause.len() < 500, "{}", error.cause.len());
}

#[test]
fn deep_nesting_is_refused() {
    let error = Cluster::from_json("[".repeat(1_000_000).as_bytes()).expect_err("an error");
    assert!(error.line == 1);
}
