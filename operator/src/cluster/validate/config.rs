//! Kafka's keys: which may be set, and whether their values are what the broker takes.
//!
//! The table of keys is the broker's own, so that what is accepted here starts. A newer image may know
//! more keys than this operator: what is unknown is passed on with a warning.

use std::collections::BTreeMap;

use serde_json::Value;
use taffrail_metadata::config::{Honoured, StaticConfig, broker_key, topic_key};

use super::Findings;

/// Keys that follow from the rest of the spec.
const OWNED: [&str; 15] = [
    "advertised.listeners",
    "authorizer.class.name",
    "broker.id",
    "broker.rack",
    "cluster.id",
    "controller.listener.names",
    "controller.quorum.bootstrap.servers",
    "controller.quorum.voters",
    "inter.broker.listener.name",
    "listener.security.protocol.map",
    "listeners",
    "node.id",
    "process.roles",
    "security.inter.broker.protocol",
    "super.users",
];
/// Keys of directories, which follow from the volumes.
const OWNED_DIRS: [&str; 3] = ["log.dir", "log.dirs", "metadata.log.dir"];
/// Beginnings of keys that follow from the rest of the spec.
const OWNED_PREFIXES: [&str; 6] =
    ["listener.name.", "sasl.", "ssl.", "taffrail.grpc.", "taffrail.http.", "zookeeper."];

/// The texts of a map of configuration; what is wrong in it is left away.
pub(super) fn texts(
    findings: &mut Findings,
    field: &str,
    config: &BTreeMap<String, Value>,
) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for (key, value) in config {
        let field = format!("{field}[{key}]");
        if let Some(text) = entry(findings, &field, key, value) {
            texts.insert(key.clone(), text);
        }
    }
    texts
}

/// Whether the keys of a node agree with each other.
pub(super) fn check_together(
    findings: &mut Findings,
    field: &str,
    config: &BTreeMap<String, String>,
) {
    if let Err(errors) = StaticConfig::new(config.clone()) {
        for error in errors {
            findings.invalid(field, error.to_string());
        }
    }
}

fn entry(findings: &mut Findings, field: &str, key: &str, value: &Value) -> Option<String> {
    if !is_key(key) {
        findings
            .invalid(field, "this isn't a key of Kafka's: write letters, digits, '.', '_' and '-'");
        return None;
    }
    if let Some(owner) = owner(key) {
        findings.invalid(field, format!("'{key}' is the operator's own and can't be set: {owner}"));
        return None;
    }
    let Some(text) = scalar(value) else {
        let message = "the value has to be a text, a number or a boolean: write a list as one text with commas";
        findings.invalid(field, message);
        return None;
    };
    let Some(known) = broker_key(key) else {
        warn_unknown(findings, field, key);
        return Some(text);
    };
    if let Err(error) = known.parse(&text) {
        findings.invalid(field, format!("{error}; put a value there that the key takes"));
        return None;
    }
    if known.honoured == Honoured::WithoutEffect {
        findings.warn(
            field,
            "the key is accepted and has no effect: what it tunes isn't there or needs no tuning",
        );
    }
    Some(text)
}

fn warn_unknown(findings: &mut Findings, field: &str, key: &str) {
    if topic_key(key).is_some() {
        findings.warn(
            field,
            "this is a key of topics and has no effect on brokers: set it in a Topic, or write the broker's \
             key for all topics, which mostly begins with log.",
        );
    } else if !key.starts_with("taffrail.") {
        findings.warn(
            field,
            "no such key is known, and it has no effect: see whether it is spelt as Kafka has it",
        );
    }
}

/// A scalar as `server.properties` has it. Numbers stay as they were written: no integer gets a fraction.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(is_set) => Some(is_set.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn is_key(key: &str) -> bool {
    (1..=253).contains(&key.len())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// What sets a key instead, if it is the operator's.
fn owner(key: &str) -> Option<&'static str> {
    if OWNED_DIRS.contains(&key) {
        return Some("directories follow from spec.pools[].storage.volumes");
    }
    let is_owned =
        OWNED.contains(&key) || OWNED_PREFIXES.iter().any(|prefix| key.starts_with(prefix));
    is_owned.then_some("it follows from spec.pools and spec.listeners; remove it")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "tables read better so")]
    fn check(key: &str, value: Value, expected: Result<&str, &str>) {
        let mut findings = Findings::default();
        let got = entry(&mut findings, "spec.config", key, &value);
        match expected {
            Ok(text) => assert_eq!(got.as_deref(), Some(text), "{key}: {:?}", findings.refusals),
            Err(part) => {
                assert_eq!(got, None, "{key}");
                assert!(findings.refusals[0].message.contains(part), "{:?}", findings.refusals);
            }
        }
    }

    #[test]
    fn scalars_become_the_texts_that_brokers_read() {
        check("log.retention.ms", json!(604_800_000_i64), Ok("604800000"));
        check("log.retention.ms", json!(-1), Ok("-1"));
        check("log.retention.ms", json!("604800000"), Ok("604800000"));
        check("auto.create.topics.enable", json!(false), Ok("false"));
        check("log.cleaner.min.cleanable.ratio", json!(0.25), Ok("0.25"));
        check("no.such.key", json!(1), Ok("1"));
    }

    #[test]
    fn what_no_broker_takes_is_refused() {
        check("num.io.threads", json!("many"), Err("many"));
        check("num.io.threads", json!(2.5), Err("2.5"));
        check("num.io.threads", json!([1, 2]), Err("one text with commas"));
        check("num.io.threads", json!(null), Err("a text, a number or a boolean"));
        check("num io threads", json!(1), Err("isn't a key"));
        check("", json!(1), Err("isn't a key"));
    }

    #[test]
    fn keys_that_the_operator_owns_are_refused_by_name() {
        let dirs = OWNED_DIRS.iter().copied();
        let prefixed = ["ssl.keystore.type", "sasl.enabled.mechanisms", "zookeeper.connect"];
        let ours = [
            "listener.name.internal.max.connections",
            "taffrail.http.listen",
            "taffrail.grpc.listen",
        ];
        for key in OWNED.into_iter().chain(dirs).chain(prefixed).chain(ours) {
            check(key, json!("x"), Err(&format!("'{key}' is the operator's own")));
        }
    }

    #[test]
    fn what_has_no_effect_is_warned_about() {
        for key in ["no.such.key", "retention.ms", "background.threads"] {
            let mut findings = Findings::default();
            entry(&mut findings, "spec.config", key, &json!(1));
            assert_eq!(findings.refusals, [], "{key}");
            assert_eq!(findings.warnings.len(), 1, "{key}");
        }
    }
}
