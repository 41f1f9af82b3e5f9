//! Values of configuration keys: how a resource writes them, and when Kafka takes two for the same.

use std::borrow::Cow;

use serde_json::{Number, Value};

use crate::admin_client::ConfigKind;

/// The largest whole number that a double holds exactly, and every one below it.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// A value as Kafka writes it; `None` for one that has no such form.
pub(super) fn to_text(value: &Value) -> Option<String> {
    match value {
        Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(scalar).collect();
            Some(items?.join(","))
        }
        value => scalar(value),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(number_text(number)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Kafka reads no `1e9` and no `1.0` where it wants a whole number.
fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() <= EXACT_MAX => {
            format!("{float:.0}")
        }
        _ => number.to_string(),
    }
}

/// Whether Kafka takes both for the same value of a key that it reads as `kind`.
pub(super) fn are_same(kind: ConfigKind, a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    match kind {
        ConfigKind::Boolean => a.trim().eq_ignore_ascii_case(b.trim()),
        ConfigKind::Integer => same_numbers::<i64>(a, b),
        ConfigKind::Double => same_numbers::<f64>(a, b),
        ConfigKind::List => list(a).eq(list(b)),
        ConfigKind::Text => false,
    }
}

fn same_numbers<N: std::str::FromStr + PartialEq>(a: &str, b: &str) -> bool {
    match (a.trim().parse::<N>(), b.trim().parse::<N>()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

fn list(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let text = text.trim();
    let is_empty = text.is_empty();
    text.split(',').filter(move |_| !is_empty).map(|item| Cow::Borrowed(item.trim()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_as_kafka_reads_them() {
        let check = |value: Value, expect: Option<&str>| {
            assert_eq!(to_text(&value).as_deref(), expect, "{value}");
        };
        check(json!("delete"), Some("delete"));
        check(json!(""), Some(""));
        check(json!(604_800_000), Some("604800000"));
        check(json!(-1), Some("-1"));
        check(json!(6.048e8), Some("604800000"));
        check(json!(0.5), Some("0.5"));
        check(json!(true), Some("true"));
        check(json!(["compact", "delete"]), Some("compact,delete"));
        check(json!([]), Some(""));
        check(json!(null), None);
        check(json!({"a": 1}), None);
        check(json!([["a"]]), None);
    }

    #[test]
    fn values_are_compared_as_kafka_reads_them() {
        let check = |kind: ConfigKind, a: &str, b: &str, expect: bool| {
            assert_eq!(are_same(kind, a, b), expect, "{a} and {b} as {kind:?}");
        };
        check(ConfigKind::Boolean, "TRUE", " true", true);
        check(ConfigKind::Boolean, "true", "false", false);
        check(ConfigKind::Integer, "0100", "100", true);
        check(ConfigKind::Integer, "100", "101", false);
        check(ConfigKind::Integer, "many", "more", false);
        check(ConfigKind::Double, "0.50", ".5", true);
        check(ConfigKind::List, "compact, delete", "compact,delete", true);
        check(ConfigKind::List, "delete,compact", "compact,delete", false);
        check(ConfigKind::List, "", " ", true);
        check(ConfigKind::List, "", "delete", false);
        check(ConfigKind::Text, "producer", "producer", true);
        check(ConfigKind::Text, "a", "A", false);
    }
}
