//! Shapes of values that several kinds share: patterns of names, and schemas of types that come from
//! elsewhere.
//!
//! Invariant: whatever leaves this module has bounds, for the API server prices every rule by the
//! largest value that its schema lets in. Kubernetes' own types come without bounds and with pages of
//! prose; [`foreign`] gives them the one and takes the other.

use k8s_openapi::api::core::v1::{Affinity, Toleration};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

/// A part of a name of Kubernetes: a DNS label that begins with a letter.
pub(crate) const LABEL: &str = "^[a-z]([-a-z0-9]*[a-z0-9])?$";
/// A name of Kubernetes that may begin with a digit and has no dots, such as a namespace's.
pub(crate) const DNS_LABEL: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
/// A name of Kubernetes that may have dots, such as a Secret's.
pub(crate) const DNS_SUBDOMAIN: &str =
    "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
/// The key of a label, with a prefix or without.
pub(crate) const LABEL_KEY: &str =
    "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$";
/// Characters of a topic's name.
pub(crate) const TOPIC_NAME: &str = "^[a-zA-Z0-9._-]+$";
/// A user's name, without what would need quoting in a configuration or a subject.
pub(crate) const USERNAME: &str = "^[a-zA-Z0-9]([-a-zA-Z0-9._@+]*[a-zA-Z0-9_])?$";
/// A key of Kafka's configuration.
pub(crate) const CONFIG_KEY: &str = "^[a-zA-Z0-9]([-a-zA-Z0-9._]*[a-zA-Z0-9])?$";
/// Hours, minutes and seconds, as `168h` or `1h30m`.
pub(crate) const DURATION: &str = "^([1-9][0-9]{0,5}h)?([1-9][0-9]{0,5}m)?([1-9][0-9]{0,5}s)?$";

/// At least one byte, written as Kubernetes writes quantities.
const BYTES: &str = "^[1-9][0-9]{0,15}(\\.[0-9]{1,3})?([KMGTP]i|[kMGTP])?$";
/// Any quantity of a resource that isn't negative.
const QUANTITY: &str = "^[0-9]{1,18}(\\.[0-9]{1,9})?([KMGTPE]i|[numkMGTPE]|[eE][-+]?[0-9]{1,2})?$";

/// Bounds of what [`foreign`] takes over.
const STRING_LENGTH_MAX: u64 = 1024;
const LIST_ITEMS_MAX: u64 = 32;
const MAP_ENTRIES_MAX: u64 = 32;

/// The size of a volume. A string and nothing else, so that rules can compare it.
pub(crate) fn size(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "minLength": 1, "maxLength": 24, "pattern": BYTES})
}

/// An optional count of bytes, as a number or as a quantity.
pub(crate) fn bytes(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "x-kubernetes-int-or-string": true,
        "nullable": true,
        "minimum": 1,
        "maxLength": 24,
        "pattern": BYTES,
    })
}

/// Kafka's configuration. Schemas can't say "a scalar of any type" outright: the bounds of lists and
/// of objects contradict themselves, which leaves nothing but strings, numbers and booleans.
pub(crate) fn config(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 256,
        "additionalProperties": {
            "description": "A string, a number or a boolean.",
            "x-kubernetes-preserve-unknown-fields": true,
            "maxLength": 4096,
            "minItems": 1,
            "maxItems": 0,
            "minProperties": 1,
            "maxProperties": 0,
        },
    })
}

/// Labels that a node of Kubernetes must have.
pub(crate) fn labels(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": MAP_ENTRIES_MAX,
        "additionalProperties": {"type": "string", "maxLength": 63},
    })
}

/// Requests and limits of a container, but for `claims`, which need more of a pod than its container.
pub(crate) fn resources(_: &mut SchemaGenerator) -> Schema {
    let amounts = |description: &str| {
        json!({
            "description": description,
            "type": "object",
            "maxProperties": 16,
            "additionalProperties": {
                "x-kubernetes-int-or-string": true,
                "minimum": 0,
                "maxLength": 32,
                "pattern": QUANTITY,
            },
        })
    };
    json_schema!({
        "type": "object",
        "nullable": true,
        "properties": {
            "limits": amounts("The most that it may use."),
            "requests": amounts("What is set aside for it."),
        },
    })
}

/// Where pods run, in Kubernetes' own terms.
pub(crate) fn affinity(generator: &mut SchemaGenerator) -> Schema {
    nullable(foreign::<Affinity>(generator))
}

/// Taints that pods tolerate, in Kubernetes' own terms.
pub(crate) fn tolerations(generator: &mut SchemaGenerator) -> Schema {
    let mut toleration = foreign::<Toleration>(generator);
    one_of(&mut toleration, "effect", &["NoSchedule", "PreferNoSchedule", "NoExecute"]);
    one_of(&mut toleration, "operator", &["Exists", "Equal"]);
    json_schema!({
        "type": "array",
        "maxItems": LIST_ITEMS_MAX,
        "x-kubernetes-list-type": "atomic",
        "items": toleration,
    })
}

/// A selector of namespaces, in Kubernetes' own terms.
pub(crate) fn selector(generator: &mut SchemaGenerator) -> Schema {
    let mut selector = nullable(foreign::<LabelSelector>(generator));
    selector.insert("x-kubernetes-map-type".to_owned(), "atomic".into());
    one_of(
        &mut selector,
        "matchExpressions/items/properties/operator",
        &["In", "NotIn", "Exists", "DoesNotExist"],
    );
    selector
}

/// The conditions of a status, one for each type.
pub(crate) fn conditions(generator: &mut SchemaGenerator) -> Schema {
    let mut condition = foreign::<Condition>(generator);
    one_of(&mut condition, "status", &["True", "False", "Unknown"]);
    if let Some(message) = condition.pointer_mut("/properties/message/maxLength") {
        *message = json!(32768);
    }
    json_schema!({
        "type": "array",
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": condition,
    })
}

/// The schema of a type that isn't ours: without its prose, with bounds, and with its lists replaced
/// as a whole when they are applied, which is how Kubernetes treats them where it says nothing.
fn foreign<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = generator.subschema_for::<T>();
    if let Some(object) = schema.as_object_mut() {
        bound(object);
    }
    schema
}

fn bound(schema: &mut Map<String, Value>) {
    schema.remove("description");
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => {
            schema.entry("maxLength").or_insert(STRING_LENGTH_MAX.into());
        }
        Some("array") => {
            schema.entry("maxItems").or_insert(LIST_ITEMS_MAX.into());
            schema.entry("x-kubernetes-list-type").or_insert("atomic".into());
        }
        Some("object") if schema.contains_key("additionalProperties") => {
            schema.entry("maxProperties").or_insert(MAP_ENTRIES_MAX.into());
        }
        _ => {}
    }
    for key in ["items", "additionalProperties"] {
        if let Some(Value::Object(inner)) = schema.get_mut(key) {
            bound(inner);
        }
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for property in properties.values_mut() {
            if let Value::Object(inner) = property {
                bound(inner);
            }
        }
    }
}

fn nullable(mut schema: Schema) -> Schema {
    schema.insert("nullable".to_owned(), true.into());
    schema
}

/// Lets a property, given by its path below the schema's own, have these values only.
fn one_of(schema: &mut Schema, path: &str, values: &[&str]) {
    if let Some(Value::Object(property)) = schema.pointer_mut(&format!("/properties/{path}")) {
        property.remove("maxLength");
        property.insert("enum".to_owned(), json!(values));
    }
}
