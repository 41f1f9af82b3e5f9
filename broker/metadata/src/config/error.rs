//! What can be wrong with a configuration.

/// Why a configuration is refused, in the words that Kafka's tools show.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A value isn't of its key's type, or out of its bounds.
    #[error("Invalid value {value} for configuration {name}: {reason}")]
    InvalidValue {
        /// The key.
        name: String,
        /// The value; `[hidden]` for a secret.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The key isn't known for this kind of resource.
    #[error("Unknown {resource} config name: {name}")]
    UnknownName {
        /// The kind of resource, such as `topic`.
        resource: &'static str,
        /// The key.
        name: String,
    },
    /// The value is legal in Kafka, but what it asks for isn't there.
    #[error("Configuration {name}={value} is not supported: {reason}")]
    NotSupported {
        /// The key.
        name: String,
        /// The value; `[hidden]` for a secret.
        value: String,
        /// What is missing.
        reason: String,
    },
    /// Keys that can't be changed while the broker runs.
    #[error("Cannot update these configs dynamically: [{}]", .0.join(", "))]
    ReadOnly(Vec<String>),
    /// Keys that can be changed for one listener of a broker alone.
    #[error(
        "These security configs can be dynamically updated only per-listener using the listener prefix: [{}]",
        .0.join(", ")
    )]
    PerListener(Vec<String>),
    /// Keys that can't be changed for all brokers at once.
    #[error(
        "Cannot update these configs at default cluster level, broker id must be specified: [{}]",
        .0.join(", ")
    )]
    PerBroker(Vec<String>),
    /// Values contradict each other.
    #[error("{0}")]
    Conflict(String),
}
