//! Whether a resource's configuration, as a whole, may become what a change would make it.

use imbl::OrdMap;
use taffrail_model::TopicName;

use super::{ConfigError, ConfigKey, ConfigValue, Honoured, UpdateMode, broker_key, topic_key};

/// How a key for one listener begins.
const LISTENER_PREFIX: &str = "listener.name.";

/// Checks all that is set for a topic.
///
/// # Errors
/// The first thing that is wrong, in the order of the keys.
pub fn validate_topic_configs(
    topic: &TopicName,
    configs: &OrdMap<String, String>,
) -> Result<(), ConfigError> {
    let mut lags = [0, i64::MAX];
    for (name, text) in configs {
        let key = topic_key(name)
            .ok_or_else(|| ConfigError::UnknownName { resource: "topic", name: name.clone() })?;
        let value = key.parse(text)?;
        match (key.name, &value) {
            ("min.compaction.lag.ms", ConfigValue::Number(lag)) => lags[0] = *lag,
            ("max.compaction.lag.ms", ConfigValue::Number(lag)) => lags[1] = *lag,
            ("cleanup.policy", policy) if asks_for_compaction(policy) && !topic.is_internal() => {
                return Err(compaction_refused(key.name, configs));
            }
            _ => {}
        }
    }
    if lags[0] > lags[1] {
        return Err(ConfigError::Conflict(format!(
            "conflict topic config setting min.compaction.lag.ms ({}) > max.compaction.lag.ms ({})",
            lags[0], lags[1]
        )));
    }
    Ok(())
}

/// Keys and certificates: each listener has its own, so that a change must name the listener.
const PER_LISTENER: &[&str] = &[
    "ssl.key.password",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.type",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.truststore.type",
];

/// Checks what a change sets for one broker (`per_broker`), or for all of them.
///
/// Keys that nobody knows are let through, as in Kafka, where a plug-in may know them.
///
/// # Errors
/// What is wrong, in the order in which Kafka looks.
pub fn validate_broker_configs(
    configs: &OrdMap<String, String>,
    per_broker: bool,
) -> Result<(), ConfigError> {
    let known: Vec<(&ConfigKey, &String)> =
        configs.iter().filter_map(|(name, text)| Some((broker_key(name)?, text))).collect();
    let named = |is_meant: &dyn Fn(&ConfigKey) -> bool| -> Vec<String> {
        let meant = known.iter().filter(|(key, _)| is_meant(key));
        meant.map(|(key, _)| key.name.to_owned()).collect()
    };
    let refuse = |names: Vec<String>, error: fn(Vec<String>) -> ConfigError| {
        if names.is_empty() { Ok(()) } else { Err(error(names)) }
    };
    // What is read at the start alone Kafka applies at once; to take it and do nothing would be a lie.
    let is_fixed = |key: &ConfigKey| {
        key.update_mode == UpdateMode::ReadOnly || key.honoured == Honoured::AtRestart
    };
    refuse(named(&is_fixed), ConfigError::ReadOnly)?;
    refuse(named(&|key| PER_LISTENER.contains(&key.name)), ConfigError::PerListener)?;
    if let Some((name, _)) = configs.iter().find(|(name, _)| name.starts_with(LISTENER_PREFIX)) {
        return Err(ConfigError::NotSupported {
            name: name.clone(),
            value: "[hidden]".to_owned(),
            reason: "listeners cannot be configured one by one yet".to_owned(),
        });
    }
    for (key, text) in &known {
        let value = key.parse(text)?;
        if key.name == "log.cleanup.policy" && asks_for_compaction(&value) {
            return Err(compaction_refused(key.name, configs));
        }
    }
    if !per_broker {
        refuse(named(&|key| key.update_mode == UpdateMode::PerBroker), ConfigError::PerBroker)?;
    }
    Ok(())
}

pub(super) fn asks_for_compaction(policy: &ConfigValue) -> bool {
    matches!(policy, ConfigValue::List(items) if items.iter().any(|item| item == "compact"))
}

pub(super) fn compaction_refused<'a, M>(name: &str, configs: &'a M) -> ConfigError
where
    &'a M: IntoIterator<Item = (&'a String, &'a String)>,
{
    let value = configs
        .into_iter()
        .find(|(key, _)| key.as_str() == name)
        .map(|(_, text)| text.clone())
        .unwrap_or_default();
    ConfigError::NotSupported {
        name: name.to_owned(),
        value,
        reason: "log compaction is not there yet; use delete".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configs(pairs: &[(&str, &str)]) -> OrdMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn topics() {
        let check = |topic: &str, pairs: &[(&str, &str)], expect: Option<&str>| {
            let topic = TopicName::new(topic).unwrap();
            let error = validate_topic_configs(&topic, &configs(pairs)).err();
            assert_eq!(error.map(|e| e.to_string()).as_deref(), expect);
        };
        check("t", &[], None);
        check("t", &[("retention.ms", "-1"), ("cleanup.policy", "delete")], None);
        check("t", &[("cleanup.policy", "")], None);
        check("t", &[("no.such", "1")], Some("Unknown topic config name: no.such"));
        check(
            "t",
            &[("segment.bytes", "1")],
            Some("Invalid value 1 for configuration segment.bytes: Value must be at least 1048576"),
        );
        check(
            "t",
            &[("cleanup.policy", "compact,delete")],
            Some(
                "Configuration cleanup.policy=compact,delete is not supported: log compaction is not \
                 there yet; use delete",
            ),
        );
        check("__consumer_offsets", &[("cleanup.policy", "compact")], None);
        check(
            "t",
            &[("remote.storage.enable", "true")],
            Some(
                "Configuration remote.storage.enable=true is not supported: this broker cannot do what \
                 it asks for",
            ),
        );
        check(
            "t",
            &[("min.compaction.lag.ms", "9"), ("max.compaction.lag.ms", "8")],
            Some(
                "conflict topic config setting min.compaction.lag.ms (9) > max.compaction.lag.ms (8)",
            ),
        );
    }

    #[test]
    fn brokers() {
        let check = |pairs: &[(&str, &str)], per_broker: bool, expect: Option<&str>| {
            let error = validate_broker_configs(&configs(pairs), per_broker).err();
            assert_eq!(error.map(|e| e.to_string()).as_deref(), expect);
        };
        check(&[("log.retention.ms", "1000")], false, None);
        check(&[("some.plugins.key", "x")], false, None);
        check(
            &[("node.id", "2")],
            true,
            Some("Cannot update these configs dynamically: [node.id]"),
        );
        check(
            &[("ssl.keystore.location", "/x"), ("ssl.client.auth", "none")],
            true,
            Some(
                "These security configs can be dynamically updated only per-listener using the listener \
                 prefix: [ssl.keystore.location]",
            ),
        );
        check(&[("ssl.client.auth", "none")], true, None);
        check(
            &[("ssl.client.auth", "none"), ("ssl.protocol", "TLSv1.3")],
            false,
            Some(
                "Cannot update these configs at default cluster level, broker id must be specified: \
                 [ssl.client.auth, ssl.protocol]",
            ),
        );
        check(
            &[("log.retention.ms", "soon")],
            true,
            Some(
                "Invalid value soon for configuration log.retention.ms: Not a number of type LONG",
            ),
        );
        check(
            &[("log.cleanup.policy", "compact")],
            true,
            Some(
                "Configuration log.cleanup.policy=compact is not supported: log compaction is not \
                 there yet; use delete",
            ),
        );
        check(
            &[("max.connections", "7"), ("log.dirs", "/x")],
            false,
            Some("Cannot update these configs dynamically: [log.dirs, max.connections]"),
        );
        check(
            &[("listener.name.internal.ssl.keystore.password", "x")],
            true,
            Some(
                "Configuration listener.name.internal.ssl.keystore.password=[hidden] is not supported: \
                 listeners cannot be configured one by one yet",
            ),
        );
    }
}
