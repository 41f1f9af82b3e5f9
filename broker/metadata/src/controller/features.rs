//! Changes of finalised features.

use taffrail_model::ErrorCode;
use taffrail_protocol::records::{ConfigRecord, FeatureLevelRecord, MetadataRecord};

use super::decision::{Decision, View};
use super::{Answer, FeatureUpdate, Refusal, UpdatedFeature, UpgradeType};
use crate::features::{
    ELIGIBLE_LEADER_REPLICAS_VERSION, KRAFT_VERSION, METADATA_VERSION, MetadataVersion,
    VersionRange, supported_features,
};
use crate::image::{ConfigResource, ResourceType};

/// Finalises features at other levels: all of them or none.
pub(super) fn update(view: View<'_>, updates: Vec<FeatureUpdate>, validate_only: bool) -> Decision {
    let mut records = Vec::new();
    for update in &updates {
        match update_one(view, update, &updates) {
            Ok(record) => records.extend(record),
            Err(refusal) => return Decision::refused(refusal),
        }
    }
    if turns_elr_on(view, &updates) {
        records.extend(settle_min_isr(view));
    }
    if validate_only {
        records.clear();
    }
    let answers = updates
        .into_iter()
        .map(|update| UpdatedFeature { name: update.name, result: Ok(()) })
        .collect();
    Decision::atomic(records, Answer::UpdateFeatures(answers))
}

fn update_one(
    view: View<'_>,
    update: &FeatureUpdate,
    all: &[FeatureUpdate],
) -> Result<Option<MetadataRecord>, Refusal> {
    let invalid = |reason: String| {
        Refusal::new(
            ErrorCode::InvalidUpdateVersion,
            format!(
                "Invalid update version {} for feature {}. {reason}",
                update.level, update.name
            ),
        )
    };
    let current = view.image.features().level(&update.name);
    if update.level < 0 {
        return Err(invalid("A feature version cannot be less than 0.".to_owned()));
    }
    if update.name == KRAFT_VERSION {
        return Err(invalid(
            "The version of the quorum cannot be changed while it runs.".to_owned(),
        ));
    }
    check_supported(view, update).map_err(invalid)?;
    if update.level < current && update.upgrade_type == UpgradeType::Upgrade {
        return Err(invalid(
            "Can't downgrade the version of this feature without setting the upgrade type to either safe \
             or unsafe downgrade."
                .to_owned(),
        ));
    }
    if update.level > current && update.upgrade_type != UpgradeType::Upgrade {
        return Err(invalid("Can't downgrade to a newer version.".to_owned()));
    }
    if update.name == METADATA_VERSION && changes_records(update.level, current) {
        return Err(invalid(
            "Refusing to perform the requested downgrade because it might delete metadata information."
                .to_owned(),
        ));
    }
    let wanted_metadata_version = all
        .iter()
        .find(|u| u.name == METADATA_VERSION)
        .map_or_else(|| view.image.metadata_version().level(), |u| u.level);
    if update.name == ELIGIBLE_LEADER_REPLICAS_VERSION
        && update.level > 0
        && wanted_metadata_version < MetadataVersion::V4_0_IV1.level()
    {
        return Err(invalid(format!(
            "It needs {METADATA_VERSION} {} or newer.",
            MetadataVersion::V4_0_IV1
        )));
    }
    Ok((update.level != current).then(|| {
        MetadataRecord::from(FeatureLevelRecord {
            name: update.name.clone(),
            feature_level: update.level,
            ..FeatureLevelRecord::default()
        })
    }))
}

fn turns_elr_on(view: View<'_>, updates: &[FeatureUpdate]) -> bool {
    let on = |u: &FeatureUpdate| u.name == ELIGIBLE_LEADER_REPLICAS_VERSION && u.level > 0;
    !view.image.features().elr_enabled() && updates.iter().any(on)
}

/// With eligible leader replicas one `min.insync.replicas` holds for the cluster: it is written down, and
/// those of single brokers go.
fn settle_min_isr(view: View<'_>) -> Vec<MetadataRecord> {
    const KEY: &str = "min.insync.replicas";
    let record = |resource: &ConfigResource, value: Option<String>| {
        MetadataRecord::from(ConfigRecord {
            resource_type: resource.kind.code(),
            resource_name: resource.name.clone(),
            name: KEY.to_owned(),
            value,
            ..ConfigRecord::default()
        })
    };
    let mut records = Vec::new();
    let cluster = ConfigResource::cluster_default();
    if view.image.config_value(&cluster, KEY).is_none() {
        let value = view.config.static_config.number(KEY);
        records.push(record(&cluster, Some(value.to_string())));
    }
    for resource in view.image.config_resources() {
        let single = resource.kind == ResourceType::Broker && *resource != cluster;
        if single && view.image.config_value(resource, KEY).is_some() {
            records.push(record(resource, None));
        }
    }
    records
}

/// Every controller and broker must be able to work at the level.
fn check_supported(view: View<'_>, update: &FeatureUpdate) -> Result<(), String> {
    let local = supported_features().iter().find(|f| f.name == update.name).map(|f| f.range);
    check_range(update.level, &format!("Local controller {}", view.config.node_id), local)?;
    for broker in view.image.brokers() {
        let range = broker.features.get(&update.name).copied();
        check_range(update.level, &format!("Broker {}", broker.id), range)?;
    }
    for controller in view.image.controllers() {
        if controller.id != view.config.node_id {
            let range = controller.features.get(&update.name).copied();
            check_range(update.level, &format!("Controller {}", controller.id), range)?;
        }
    }
    Ok(())
}

fn check_range(level: i16, who: &str, range: Option<VersionRange>) -> Result<(), String> {
    match range.filter(|range| range.max > 0) {
        Some(range) if range.contains(level) => Ok(()),
        Some(range) => Err(format!("{who} only supports versions {range}")),
        None if level == 0 => Ok(()),
        None => Err(format!("{who} does not support this feature.")),
    }
}

/// Whether records of `current` may say things that `wanted`, an older level, has no words for.
fn changes_records(wanted: i16, current: i16) -> bool {
    // The levels that brought new records or fields, by Kafka's table.
    const BROUGHT_NEW_RECORDS: [i16; 9] = [7, 8, 11, 13, 14, 15, 17, 23, 30];
    BROUGHT_NEW_RECORDS.iter().any(|level| (wanted + 1..=current).contains(level))
}
