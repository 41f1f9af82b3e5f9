//! What a `Topic` asks for, once it has been found to make sense.

use std::collections::{BTreeMap, BTreeSet};

use taffrail_crds::Topic;
use taffrail_crds::topic::{DeletionPolicy, ManagementPolicy};
use taffrail_model::TopicName;

use super::config_value::to_text;

/// A topic as its resource wants it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Desired {
    /// Its name in Kafka.
    pub name: TopicName,
    /// How many partitions; any number unless given.
    pub partitions: Option<i32>,
    /// How many replicas; any number unless given.
    pub replication_factor: Option<i16>,
    /// Whether it is changed or only read.
    pub management: ManagementPolicy,
    /// What becomes of it with its resource.
    pub deletion: DeletionPolicy,
    /// The keys that are set for it.
    pub config: BTreeMap<String, String>,
    /// The keys that others set.
    pub unmanaged: BTreeSet<String>,
}

impl Desired {
    /// Whether the topic goes with its resource. One that is only read stays in any case.
    #[must_use]
    pub fn is_deleted_with_resource(&self) -> bool {
        self.deletion == DeletionPolicy::Delete && self.management == ManagementPolicy::Manage
    }

    /// Reads `topic`, whose name in Kafka is `name`.
    ///
    /// # Errors
    /// What makes no sense, and where.
    pub(super) fn read(topic: &Topic, name: &TopicName) -> Result<Self, String> {
        let spec = &topic.spec;
        if let Some(count @ ..1) = spec.partitions {
            return Err(format!("spec.partitions is {count}: it has to be 1 or more"));
        }
        let replication_factor =
            match spec.replication_factor.map(|count| (count, i16::try_from(count))) {
                None => None,
                Some((_, Ok(count @ 1..))) => Some(count),
                Some((count, _)) => {
                    return Err(format!(
                        "spec.replicationFactor is {count}: it has to be 1 to {}",
                        i16::MAX
                    ));
                }
            };
        let unmanaged: BTreeSet<String> = spec.unmanaged_config.iter().cloned().collect();
        let mut config = BTreeMap::new();
        for (key, value) in &spec.config {
            if unmanaged.contains(key) {
                return Err(format!(
                    "{key} is in spec.config and in spec.unmanagedConfig: take it out of one"
                ));
            }
            let text = to_text(value).ok_or_else(|| {
                format!(
                    "spec.config.{key} has to be text, a number, true, false or a list of those"
                )
            })?;
            config.insert(key.clone(), text);
        }
        Ok(Self {
            name: name.clone(),
            partitions: spec.partitions,
            replication_factor,
            management: spec.management_policy,
            deletion: spec.deletion_policy,
            config,
            unmanaged,
        })
    }
}

/// Whether `topic` asks for its topic to go with it, whatever else it says. One that is only read stays in any case.
pub(super) fn is_deleted_with_resource(topic: &Topic) -> bool {
    let spec = &topic.spec;
    spec.deletion_policy == DeletionPolicy::Delete
        && spec.management_policy == ManagementPolicy::Manage
}

/// The name in Kafka that `topic` asks for.
///
/// # Errors
/// It isn't one that a topic may have, or that a resource may.
pub(super) fn name_of(topic: &Topic) -> Result<TopicName, String> {
    let given = topic.spec.topic_name.as_deref().or(topic.metadata.name.as_deref());
    let name = TopicName::new(given.unwrap_or_default()).map_err(|error| error.to_string())?;
    if name.is_internal() {
        return Err(format!(
            "topic \"{name}\" is the brokers' own: give spec.topicName another name"
        ));
    }
    Ok(name)
}
