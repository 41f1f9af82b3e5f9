//! The definitions as files: that they are what the types give, small enough to apply, bounded
//! everywhere, and that every rule has a case which the API server has to refuse.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests that read files")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use serde_json::Value;
use taffrail_crds::definition::Definition;
use taffrail_crds::{KafkaCluster, KafkaUser, Rebalance, Topic};

/// Client-side apply keeps a whole copy in an annotation, of which Kubernetes takes 256 KiB.
const SIZE_MAX: usize = 150_000;

fn crate_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn definitions() -> Vec<Definition> {
    Definition::all().expect("the types give definitions")
}

fn schema(definition: &Definition) -> &Value {
    definition.manifest.pointer("/spec/versions/0/schema/openAPIV3Schema").expect("a schema")
}

/// Calls `visit` with every schema within a schema and its path.
fn walk(schema: &Value, path: &str, visit: &mut impl FnMut(&str, &Value)) {
    visit(path, schema);
    for (name, property) in
        schema.get("properties").and_then(Value::as_object).into_iter().flatten()
    {
        walk(property, &format!("{path}.{name}"), visit);
    }
    for (key, suffix) in [("items", "[]"), ("additionalProperties", "{}")] {
        if let Some(inner) = schema.get(key) {
            walk(inner, &format!("{path}{suffix}"), visit);
        }
    }
}

/// What `complaint` says of any schema of any definition.
fn complaints(mut complaint: impl FnMut(&str, &Value) -> Option<String>) -> Vec<String> {
    let mut found = Vec::new();
    for definition in definitions() {
        walk(schema(&definition), &definition.file_name, &mut |path, schema| {
            found.extend(complaint(path, schema).map(|what| format!("{path}: {what}")));
        });
    }
    found
}

fn cases(folder: &str) -> Vec<(String, String)> {
    let folder = crate_dir().join("tests/data").join(folder);
    let mut found: Vec<_> = fs::read_dir(&folder)
        .expect("a folder of cases")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (name_of(&path), fs::read_to_string(&path).expect("a case")))
        .collect();
    found.sort();
    found
}

fn name_of(path: &Path) -> String {
    path.file_name().expect("a file").to_string_lossy().into_owned()
}

fn documents(text: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(text)
        .map(|document| Value::deserialize(document).expect("YAML"))
        .collect()
}

#[test]
fn the_files_are_what_the_types_give() {
    let mut committed: BTreeSet<_> = fs::read_dir(crate_dir())
        .expect("the crate's folder")
        .map(|entry| name_of(&entry.expect("an entry").path()))
        .filter(|name| name.ends_with(".yaml"))
        .collect();
    for definition in definitions() {
        assert!(
            committed.remove(&definition.file_name),
            "{} is missing: run crdgen",
            definition.file_name
        );
        let text =
            fs::read_to_string(crate_dir().join(&definition.file_name)).expect("a definition");
        assert!(
            text == definition.yaml().expect("YAML"),
            "{} is stale: run `cargo run -p taffrail-crds --bin crdgen`",
            definition.file_name
        );
        assert_eq!(documents(&text), [definition.manifest], "the file doesn't read back");
    }
    assert!(committed.is_empty(), "no type gives {committed:?}");
}

#[test]
fn every_definition_is_small_enough_to_apply() {
    for definition in definitions() {
        let yaml = definition.yaml().expect("YAML").len();
        let json = definition.manifest.to_string().len();
        assert!(
            yaml < SIZE_MAX && json < SIZE_MAX,
            "{}: {yaml} as YAML, {json} as JSON",
            definition.file_name
        );
    }
}

#[test]
fn a_file_holds_nothing_that_the_api_server_writes() {
    for definition in definitions() {
        let metadata = definition.manifest["metadata"].as_object().expect("metadata");
        assert_eq!(metadata.keys().collect::<Vec<_>>(), ["name"], "{}", definition.file_name);
        assert!(definition.manifest.get("status").is_none(), "{}", definition.file_name);
        assert!(
            definition.yaml().expect("YAML").contains("\nmetadata:\n  name: "),
            "the chart puts labels there"
        );
    }
}

#[test]
fn everything_is_bounded() {
    let unbounded = complaints(|path, schema| {
        let has = |key: &str| schema.get(key).is_some();
        if has("x-kubernetes-int-or-string") {
            return (!has("maxLength") || !has("minimum"))
                .then(|| "an unbounded number or string".to_owned());
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("string") => {
                (!has("maxLength") && !has("enum")).then(|| "an unbounded string".to_owned())
            }
            Some("array") => (!has("maxItems")).then(|| "an unbounded list".to_owned()),
            Some("object") if has("additionalProperties") => {
                (!has("maxProperties")).then(|| "an unbounded map".to_owned())
            }
            Some("object") => {
                (!has("properties")).then(|| "an object without properties".to_owned())
            }
            // What Kubernetes' own types leave open, and what the operator writes.
            Some("integer") if path.contains(".spec.") && !path.contains(".affinity.") => {
                (!path.ends_with(".tolerationSeconds") && (!has("minimum") || !has("maximum")))
                    .then(|| "an unbounded number".to_owned())
            }
            Some("integer" | "boolean") => None,
            None if has("x-kubernetes-preserve-unknown-fields") => {
                (!has("maxLength")).then(|| "an unbounded value".to_owned())
            }
            other => Some(format!("an unexpected type {other:?}")),
        }
    });
    assert_eq!(unbounded, [""; 0]);
}

#[test]
fn every_list_says_how_it_merges() {
    let silent = complaints(|_, schema| {
        if schema.get("type")? != "array" {
            return None;
        }
        let named = schema.pointer("/items/properties/name").is_some();
        match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
            Some("map") => None,
            Some("set" | "atomic") => {
                named.then(|| "it has names, and merges as a whole".to_owned())
            }
            _ => Some("it doesn't say".to_owned()),
        }
    });
    assert_eq!(silent, [""; 0]);
}

#[test]
fn every_value_of_an_enum_is_in_camel_case_and_a_string_to_every_parser() {
    let odd = complaints(|_, schema| {
        let values = schema.get("enum")?.as_array()?.iter().filter_map(Value::as_str);
        // What YAML 1.1, which kubectl reads, takes for a boolean; a condition's status is quoted everywhere.
        let boolean = |value: &str| {
            ["y", "n", "yes", "no", "on", "off"].contains(&value.to_ascii_lowercase().as_str())
        };
        let odd: Vec<_> = values
            .filter(|value| {
                boolean(value) || !value.starts_with(|first: char| first.is_ascii_uppercase())
            })
            .collect();
        (!odd.is_empty()).then(|| format!("{odd:?}"))
    });
    assert_eq!(odd, [""; 0]);
}

#[test]
fn every_field_of_ours_has_a_description() {
    let silent = complaints(|path, schema| {
        let foreign = [".affinity.", ".tolerations[]", ".namespaceSelector.", ".conditions[]"];
        let ours = !foreign.iter().any(|part| path.contains(part))
            && !path.ends_with("[]")
            && !path.ends_with("{}");
        (ours && schema.get("description").is_none()).then(|| "no description".to_owned())
    });
    assert_eq!(silent, [""; 0]);
}

/// Every rule: where it is, what it says to people, what it says to the API server.
fn rules() -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for definition in definitions() {
        walk(schema(&definition), &definition.file_name, &mut |path, schema| {
            for rule in schema
                .get("x-kubernetes-validations")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                let text = |key: &str| rule[key].as_str().unwrap_or_default().to_owned();
                found.push((path.to_owned(), text("message"), text("rule")));
            }
        });
    }
    found
}

#[test]
fn the_rules_are_these() {
    let list: Vec<_> = rules()
        .iter()
        .map(|(path, message, rule)| format!("{path}\n  {message}\n  {rule}\n"))
        .collect();
    insta::assert_snapshot!(list.concat());
}

#[test]
fn every_rule_has_a_case_and_says_how_to_mend_it() {
    let expected: Vec<_> = cases("invalid")
        .iter()
        .map(|(name, text)| {
            let first = text.lines().next().unwrap_or_default();
            let words = first.strip_prefix("# expect: ");
            words.unwrap_or_else(|| panic!("{name} doesn't begin with `# expect: `")).to_owned()
        })
        .collect();
    for (path, message, _) in rules() {
        assert!(message.contains(": "), "{path}: `{message}` doesn't say what to do");
        assert!(
            expected.iter().any(|words| message.contains(words)),
            "{path}: no case for `{message}`"
        );
    }
}

/// What is read from a case is written as it was, but for what is absent, null or a default.
#[track_caller]
fn check_round_trip(name: &str, document: &Value) {
    fn through<T: serde::de::DeserializeOwned + serde::Serialize>(
        document: &Value,
    ) -> serde_json::Result<Value> {
        serde_json::to_value(serde_json::from_value::<T>(document.clone())?)
    }
    let written = match document["kind"].as_str() {
        Some("KafkaCluster") => through::<KafkaCluster>(document),
        Some("Topic") => through::<Topic>(document),
        Some("KafkaUser") => through::<KafkaUser>(document),
        Some("Rebalance") => through::<Rebalance>(document),
        other => panic!("{name}: an unknown kind {other:?}"),
    };
    let written = written.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_within(name, document, &written);
}

#[track_caller]
fn assert_within(path: &str, given: &Value, written: &Value) {
    match (given, written) {
        (Value::Object(given), _) => {
            for (key, value) in given.iter().filter(|(_, value)| !value.is_null()) {
                assert_within(&format!("{path}.{key}"), value, &written[key]);
            }
        }
        (Value::Array(given), Value::Array(written)) if given.len() == written.len() => {
            for (index, (given, written)) in given.iter().zip(written).enumerate() {
                assert_within(&format!("{path}[{index}]"), given, written);
            }
        }
        // Quantities may be given as numbers; they are strings from then on.
        (Value::Number(number), Value::String(text)) => {
            assert_eq!(&number.to_string(), text, "{path}")
        }
        // What is left out when it is written because it says nothing.
        (Value::Bool(false), Value::Null) => {}
        _ => assert_eq!(given, written, "{path}"),
    }
}

#[test]
fn valid_resources_survive_the_types() {
    for (name, text) in cases("valid") {
        for document in documents(&text) {
            check_round_trip(&name, &document);
        }
    }
}
