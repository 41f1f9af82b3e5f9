//! Changes of finalised features.

use taffrail_metadata::{
    BootstrapRecords, ConfigResource, FeatureUpdate, MetadataVersion, Operation, RegisterBroker,
    UpgradeType, VersionRange,
};
use taffrail_model::ErrorCode;

use crate::harness::{Cluster, registration};

fn update(
    cluster: &mut Cluster,
    name: &str,
    level: i16,
    upgrade_type: UpgradeType,
) -> Result<(), (ErrorCode, String)> {
    let updates = vec![FeatureUpdate { name: name.to_owned(), level, upgrade_type }];
    let operation = Operation::UpdateFeatures { updates, validate_only: false };
    cluster.ask(operation).map(|_| ()).map_err(|r| (r.error, r.message))
}

fn old_cluster() -> Cluster {
    let version = MetadataVersion::from_name("3.9").unwrap();
    let mut cluster = Cluster::bootstrapped(&[], BootstrapRecords::of_release(version));
    cluster.become_leader();
    cluster
}

#[test]
fn a_cluster_is_upgraded_step_by_step() {
    let mut cluster = old_cluster();
    cluster.start_broker(1);
    let id = cluster.create_on("a", &[1]);
    assert_eq!(cluster.appends.last().unwrap().last().unwrap().version, 1);
    assert_eq!(
        update(&mut cluster, "eligible.leader.replicas.version", 1, UpgradeType::Upgrade),
        Err((
            ErrorCode::InvalidUpdateVersion,
            "Invalid update version 1 for feature eligible.leader.replicas.version. It needs \
             metadata.version 4.0-IV1 or newer."
                .to_owned()
        ))
    );
    update(&mut cluster, "metadata.version", 30, UpgradeType::Upgrade).unwrap();
    update(&mut cluster, "eligible.leader.replicas.version", 1, UpgradeType::Upgrade).unwrap();
    let cluster_default = ConfigResource::cluster_default();
    assert_eq!(cluster.published.config_value(&cluster_default, "min.insync.replicas"), Some("1"));
    assert!(cluster.published.features().elr_enabled());
    assert_eq!(cluster.partition(id, 0).leader, 1);
    cluster.create_on("b", &[1]);
    assert_eq!(cluster.appends.last().unwrap().last().unwrap().version, 2);
}

#[test]
fn what_is_refused() {
    let mut cluster = Cluster::with_brokers(&[], &[1]);
    let old = RegisterBroker {
        features: vec![
            ("metadata.version".to_owned(), VersionRange { min: 7, max: 30 }),
            ("eligible.leader.replicas.version".to_owned(), VersionRange { min: 0, max: 1 }),
            ("group.version".to_owned(), VersionRange { min: 0, max: 1 }),
            ("share.version".to_owned(), VersionRange { min: 0, max: 1 }),
            ("streams.version".to_owned(), VersionRange { min: 0, max: 1 }),
            ("transaction.version".to_owned(), VersionRange { min: 2, max: 2 }),
        ],
        ..registration(2, 2)
    };
    cluster.register_as(old).unwrap();
    let mut check = |name: &str, level, upgrade_type, reason: &str| {
        assert_eq!(
            update(&mut cluster, name, level, upgrade_type),
            Err((
                ErrorCode::InvalidUpdateVersion,
                format!("Invalid update version {level} for feature {name}. {reason}")
            ))
        );
    };
    check(
        "no.such.version",
        1,
        UpgradeType::Upgrade,
        "Local controller 100 does not support this feature.",
    );
    check(
        "metadata.version",
        31,
        UpgradeType::Upgrade,
        "Local controller 100 only supports versions 7-30",
    );
    check("group.version", -1, UpgradeType::Upgrade, "A feature version cannot be less than 0.");
    check(
        "transaction.version",
        1,
        UpgradeType::SafeDowngrade,
        "Broker 2 only supports versions 2-2",
    );
    check(
        "group.version",
        0,
        UpgradeType::Upgrade,
        "Can't downgrade the version of this feature without setting the upgrade type to either safe or \
         unsafe downgrade.",
    );
    check(
        "metadata.version",
        29,
        UpgradeType::SafeDowngrade,
        "Refusing to perform the requested downgrade because it might delete metadata information.",
    );
    check(
        "kraft.version",
        1,
        UpgradeType::Upgrade,
        "The version of the quorum cannot be changed while it runs.",
    );
    update(&mut cluster, "group.version", 0, UpgradeType::SafeDowngrade).unwrap();
    assert_eq!(cluster.published.features().level("group.version"), 0);
}

#[test]
fn a_cluster_without_eligible_replicas_keeps_its_last_isr() {
    let mut cluster = old_cluster();
    cluster.start_broker(1);
    cluster.start_broker(2);
    let id = cluster.create_on("a", &[1, 2]);
    cluster.advance_ms(5_000);
    cluster.heartbeat(2);
    cluster.advance_ms(4_001);
    assert_eq!(cluster.partition(id, 0).isr, [2]);
    cluster.advance_ms(9_001);
    let partition = cluster.partition(id, 0);
    assert_eq!((partition.leader, partition.isr.as_slice()), (-1, [2].as_slice()));
    assert!(partition.elr.is_empty() && partition.last_known_elr.is_empty());
    cluster.heartbeat(1);
    assert_eq!(cluster.partition(id, 0).leader, -1);
    cluster.heartbeat(2);
    assert_eq!(cluster.partition(id, 0).leader, 2);
}
