//! The keys of a broker that can change while it runs and that no key of topics stands in for.

use taffrail_model::NodeId;

use super::describe::BrokerLayers;
use super::{ConfigValue, StaticConfig, broker_key};
use crate::image::MetadataImage;

/// The values that hold for one broker, all layers resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokerConfigView {
    /// `producer.id.expiration.ms`: the silence after which a producer's state is forgotten.
    pub producer_id_expiration_ms: i64,
}

impl BrokerConfigView {
    /// The values that hold for the broker `node`. A value in the log that can't be read counts as not set.
    #[must_use]
    pub fn resolve(image: &MetadataImage, config: &StaticConfig, node: NodeId) -> Self {
        let layers = BrokerLayers::new(image, config, node);
        Self { producer_id_expiration_ms: number(&layers, config, "producer.id.expiration.ms") }
    }
}

fn number(layers: &BrokerLayers<'_>, config: &StaticConfig, name: &str) -> i64 {
    let text = layers.text(name);
    match broker_key(name).zip(text).and_then(|(key, text)| key.parse(text).ok()) {
        Some(ConfigValue::Number(number)) => number,
        _ => config.number(name),
    }
}
