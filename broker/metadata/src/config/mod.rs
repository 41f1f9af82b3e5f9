//! Configuration: every key of Kafka 4.3, what it may be set to, and how far it is honoured here.
//!
//! One pipeline for all of it: static (`server.properties`) is overruled by the cluster's default, that
//! by the broker's own, that by the topic's. The controller validates a change before it becomes a
//! record; everybody reads it from the image. Nothing is global: what a room needs it is given.
//!
//! Names, types, defaults, bounds and update modes are those that Apache Kafka 4.3.1 prints of itself;
//! the sentences of documentation are our own.

mod broker_view;
mod describe;
mod error;
mod key;
mod keys;
mod static_config;
mod topic_synonyms;
mod topic_view;
mod validate;
mod value;

pub use broker_view::BrokerConfigView;
pub(crate) use describe::describe_new_topic;
pub use describe::{
    ConfigEntry, ConfigSource, ConfigSynonym, describe_broker, describe_cluster_default,
    describe_topic,
};
pub use error::ConfigError;
pub use key::{ConfigKey, ConfigType, DefaultValue, Honoured, Importance, Rule, UpdateMode};
pub use keys::{broker_key, broker_keys, broker_synonyms, topic_key, topic_keys};
pub use static_config::StaticConfig;
pub use topic_view::{CleanupPolicy, TimestampType, TopicCompression, TopicConfigView};
pub use validate::{validate_broker_configs, validate_topic_configs};
pub use value::ConfigValue;
