//! The tables of keys, by what they are about: a line a key. `name: type = default, rule, importance,
//! update mode, honoured, documentation`.

mod coordination;
mod log;
mod network;
mod observability;
mod quorum;
mod remote;
mod replication;
mod security;
mod topic;

use std::sync::LazyLock;

use super::{ConfigKey, topic_synonyms::BROKER_SYNONYM_GROUPS};

/// Writes a table of keys as a constant.
macro_rules! keys {
    (@internal) => { false };
    (@internal internal) => { true };
    ($($($internal:ident)? $name:literal: $kind:ident = $default:ident $(($text:literal))?,
        $rule:ident $(($($argument:expr),*))?, $importance:ident, $mode:ident, $honoured:ident,
        $documentation:literal;)*) => {
        pub(super) const KEYS: &[crate::config::ConfigKey] = &[$(crate::config::ConfigKey {
            name: $name,
            kind: crate::config::ConfigType::$kind,
            default: crate::config::DefaultValue::$default $(($text))?,
            rule: crate::config::Rule::$rule $(($($argument),*))?,
            importance: crate::config::Importance::$importance,
            update_mode: crate::config::UpdateMode::$mode,
            honoured: crate::config::Honoured::$honoured,
            internal: keys!(@internal $($internal)?),
            documentation: $documentation,
        },)*];
    };
}
use keys;

static BROKER_KEYS: LazyLock<Vec<&'static ConfigKey>> = LazyLock::new(|| {
    let mut keys: Vec<&'static ConfigKey> = [
        coordination::KEYS,
        log::KEYS,
        network::KEYS,
        observability::KEYS,
        quorum::KEYS,
        remote::KEYS,
        replication::KEYS,
        security::KEYS,
    ]
    .into_iter()
    .flatten()
    .collect();
    keys.sort_unstable_by_key(|key| key.name);
    keys
});

/// All keys of brokers and controllers, sorted by name.
#[must_use]
pub fn broker_keys() -> &'static [&'static ConfigKey] {
    &BROKER_KEYS
}

/// A key of brokers and controllers.
#[must_use]
pub fn broker_key(name: &str) -> Option<&'static ConfigKey> {
    let index = BROKER_KEYS.binary_search_by(|key| key.name.cmp(name)).ok()?;
    BROKER_KEYS.get(index).copied()
}

/// All keys of topics, sorted by name.
#[must_use]
pub fn topic_keys() -> &'static [ConfigKey] {
    topic::KEYS
}

/// A key of topics.
#[must_use]
pub fn topic_key(name: &str) -> Option<&'static ConfigKey> {
    let index = topic::KEYS.binary_search_by(|key| key.name.cmp(name)).ok()?;
    topic::KEYS.get(index)
}

/// The names under which a broker's key may be set, the one that wins first: `log.retention.ms` and its
/// like in minutes and hours. Most keys have their own name alone.
#[must_use]
pub fn broker_synonyms(name: &str) -> Vec<&str> {
    BROKER_SYNONYM_GROUPS
        .iter()
        .find(|group| group.contains(&name))
        // The scheduler's interval stands in for the flush interval, and not the other way round.
        .filter(|_| name != "log.flush.scheduler.interval.ms")
        .map_or_else(|| vec![name], |group| group.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_and_defaults_satisfy_their_own_rules() {
        assert!(topic_keys().is_sorted_by(|a, b| a.name < b.name));
        assert!(broker_keys().is_sorted_by(|a, b| a.name < b.name));
        for key in topic_keys().iter().chain(broker_keys().iter().copied()) {
            if let Some(text) = key.default_text() {
                assert!(key.parse(text).is_ok(), "{}: {:?}", key.name, key.parse(text));
            }
        }
    }

    #[test]
    fn keys_are_found() {
        assert_eq!(broker_key("node.id").map(|k| k.name), Some("node.id"));
        assert_eq!(broker_key("no.such.key"), None);
        assert_eq!(topic_key("segment.bytes").map(|k| k.name), Some("segment.bytes"));
        assert_eq!(topic_key("log.segment.bytes"), None);
    }

    #[test]
    fn every_key_that_is_honoured_is_documented() {
        for key in topic_keys().iter().chain(broker_keys().iter().copied()) {
            let honoured = key.honoured != crate::config::Honoured::WithoutEffect;
            assert_eq!(honoured, !key.documentation.is_empty(), "{}", key.name);
        }
    }

    #[test]
    fn synonyms_are_kafkas() {
        let check = |name: &str, expect: &[&str]| assert_eq!(broker_synonyms(name), expect);
        check("log.segment.bytes", &["log.segment.bytes"]);
        check(
            "log.retention.hours",
            &["log.retention.ms", "log.retention.minutes", "log.retention.hours"],
        );
        check("log.roll.ms", &["log.roll.ms", "log.roll.hours"]);
        check(
            "log.flush.interval.ms",
            &["log.flush.interval.ms", "log.flush.scheduler.interval.ms"],
        );
        check("log.flush.scheduler.interval.ms", &["log.flush.scheduler.interval.ms"]);
    }
}
