//! What can be wrong with a configuration.

use std::fmt;

use taffrail_metadata::config::ConfigError;

/// All that is wrong with a node's configuration, a line each.
#[derive(Debug)]
pub(crate) struct InvalidConfig(pub(super) Vec<ConfigError>);

impl fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidConfig {}

impl From<ConfigError> for InvalidConfig {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

/// A key that has to be set, and to what.
pub(super) fn missing(key: &str, allowed: &str) -> ConfigError {
    ConfigError::Conflict(format!("Configuration {key} is not set: {allowed}"))
}

/// A value that is wrong or contradicts another key, and what would be right.
pub(super) fn invalid(
    key: &str,
    value: impl Into<String>,
    allowed: impl Into<String>,
) -> ConfigError {
    ConfigError::InvalidValue { name: key.to_owned(), value: value.into(), reason: allowed.into() }
}

/// A value that Kafka would honour, and what is missing here.
pub(super) fn unsupported(
    key: &str,
    value: impl Into<String>,
    reason: impl Into<String>,
) -> ConfigError {
    ConfigError::NotSupported { name: key.to_owned(), value: value.into(), reason: reason.into() }
}
