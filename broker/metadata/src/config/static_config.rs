//! What `server.properties` says.

use std::collections::BTreeMap;
use std::fmt;

use super::{ConfigError, ConfigKey, ConfigValue, UpdateMode, broker_key};

/// The static configuration of one node: every known key is of its type and within its bounds. Unknown
/// keys are kept and warned about.
#[derive(Clone, Default)]
pub struct StaticConfig {
    texts: BTreeMap<String, String>,
    values: BTreeMap<&'static str, ConfigValue>,
    warnings: Vec<String>,
}

/// Unknown keys may be secrets, so that only known ones are printed, without their passwords.
impl fmt::Debug for StaticConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.values).finish()
    }
}

impl StaticConfig {
    /// Reads keys and values as the file, and overrides of it, give them.
    ///
    /// # Errors
    /// All that is wrong, in the order of the keys.
    pub fn new(texts: BTreeMap<String, String>) -> Result<Self, Vec<ConfigError>> {
        let mut config = Self::default();
        let mut errors = Vec::new();
        for (name, text) in &texts {
            let Some(key) = broker_key(name) else {
                config.warnings.push(format!("unknown configuration '{name}' is ignored"));
                continue;
            };
            match key.parse(text) {
                Ok(value) => {
                    config.values.insert(key.name, value);
                }
                Err(error) => errors.push(error),
            }
        }
        if let Some(policy) = config.values.get("log.cleanup.policy")
            && super::validate::asks_for_compaction(policy)
        {
            errors.push(super::validate::compaction_refused("log.cleanup.policy", &texts));
        }
        config.texts = texts;
        if errors.is_empty() { Ok(config) } else { Err(errors) }
    }

    /// What was read and has no effect, for the log.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The text that a key, known or not, was given; `None` when it wasn't.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// All that was given, sorted by key.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// Whether a key was given.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        self.texts.contains_key(name)
    }

    /// The value of a boolean key, or its default.
    ///
    /// # Panics
    /// When no key of that name and type exists: a mistake in the program.
    #[must_use]
    pub fn boolean(&self, name: &str) -> bool {
        match self.value(name) {
            Some(ConfigValue::Boolean(value)) => value,
            other => mistaken(name, "boolean", other.as_ref()),
        }
    }

    /// The value of a key of type int, short or long, or its default.
    ///
    /// # Panics
    /// When no key of that name and type exists, or it has neither value nor default: a mistake in the
    /// program (see [`Self::optional_number`]).
    #[must_use]
    pub fn number(&self, name: &str) -> i64 {
        match self.value(name) {
            Some(ConfigValue::Number(value)) => value,
            other => mistaken(name, "number", other.as_ref()),
        }
    }

    /// As [`Self::number`], for a key of type int or short.
    ///
    /// # Panics
    /// As [`Self::number`].
    #[must_use]
    pub fn int(&self, name: &str) -> i32 {
        match i32::try_from(self.number(name)) {
            Ok(value) => value,
            Err(_) => mistaken(name, "int", None),
        }
    }

    /// As [`Self::number`], for a key without a default.
    #[must_use]
    pub fn optional_number(&self, name: &str) -> Option<i64> {
        match self.value(name)? {
            ConfigValue::Number(value) => Some(value),
            other => mistaken(name, "number", Some(&other)),
        }
    }

    /// The value of a text key, or its default; `None` when there is neither.
    #[must_use]
    pub fn string(&self, name: &str) -> Option<String> {
        match self.value(name)? {
            ConfigValue::Text(value) | ConfigValue::Password(value) => Some(value),
            other => mistaken(name, "text", Some(&other)),
        }
    }

    /// The value of a list key, or its default; empty when there is neither.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<String> {
        match self.value(name) {
            None => Vec::new(),
            Some(ConfigValue::List(value)) => value,
            other => mistaken(name, "list", other.as_ref()),
        }
    }

    /// The value of any known key, or its default.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<ConfigValue> {
        match self.values.get(name) {
            Some(value) => Some(value.clone()),
            None => known(name).default_value(),
        }
    }

    /// The known keys that were given here and could be changed while running.
    pub fn dynamic_keys(&self) -> impl Iterator<Item = &'static ConfigKey> + '_ {
        self.values
            .keys()
            .filter_map(|name| broker_key(name))
            .filter(|key| key.update_mode != UpdateMode::ReadOnly)
    }
}

fn known(name: &str) -> &'static ConfigKey {
    let Some(key) = broker_key(name) else {
        panic!("no configuration key is named '{name}'");
    };
    key
}

fn mistaken(name: &str, wanted: &str, value: Option<&ConfigValue>) -> ! {
    panic!("configuration '{name}' was asked for as a {wanted}, and is {value:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<StaticConfig, Vec<ConfigError>> {
        StaticConfig::new(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn values_defaults_and_unknown_keys() {
        let config = read(&[
            ("node.id", "1"),
            ("process.roles", "broker,controller"),
            ("num.partitions", "3"),
            ("confluent.metrics.enable", "false"),
        ])
        .unwrap();
        assert_eq!(config.optional_number("node.id"), Some(1));
        assert_eq!(config.int("num.partitions"), 3);
        assert_eq!(config.int("num.io.threads"), 8);
        assert_eq!(config.optional_number("log.retention.ms"), None);
        assert_eq!(config.list("process.roles"), ["broker", "controller"]);
        assert_eq!(config.list("log.dirs"), [""; 0]);
        assert!(config.boolean("auto.create.topics.enable"));
        assert_eq!(config.string("metadata.log.dir"), None);
        assert_eq!(config.text("confluent.metrics.enable"), Some("false"));
        assert_eq!(
            config.warnings(),
            ["unknown configuration 'confluent.metrics.enable' is ignored"]
        );
    }

    #[test]
    fn all_that_is_wrong_is_said() {
        let errors = read(&[
            ("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
            ("log.cleanup.policy", "compact"),
            ("log.segment.bytes", "17"),
            ("node.id", "one"),
        ])
        .unwrap_err();
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "Configuration authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer \
                 is not supported: this broker cannot do what it asks for",
                "Invalid value 17 for configuration log.segment.bytes: Value must be at least 1048576",
                "Invalid value one for configuration node.id: Not a number of type INT",
                "Configuration log.cleanup.policy=compact is not supported: log compaction is not there yet; \
                 use delete",
            ]
        );
    }

    #[test]
    #[should_panic(expected = "no configuration key is named 'num.partitons'")]
    fn a_key_that_does_not_exist_is_a_mistake() {
        let _ = StaticConfig::default().int("num.partitons");
    }
}
