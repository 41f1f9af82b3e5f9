//! Features and their levels (KIP-584, KIP-778): what this software can do, and what a cluster has
//! agreed to use.
//!
//! A level is finalised in the metadata log and governs the versions of the records that the
//! controller writes, so that every node that was let in can read them.

use std::fmt;

use imbl::OrdMap;

/// The feature that governs the metadata records' versions.
pub const METADATA_VERSION: &str = "metadata.version";
/// The feature of the consensus: 1 = voters with directory ids, changed at run time (KIP-853). It lives
/// in control records of the quorum and never in a feature record.
pub const KRAFT_VERSION: &str = "kraft.version";
/// The feature of the group coordinator: 1 = the server-side group protocol (KIP-848).
pub const GROUP_VERSION: &str = "group.version";
/// The feature of transactions: 2 = KIP-890, with an epoch bump per transaction.
pub const TRANSACTION_VERSION: &str = "transaction.version";
/// The feature of eligible leader replicas (KIP-966).
pub const ELIGIBLE_LEADER_REPLICAS_VERSION: &str = "eligible.leader.replicas.version";
/// The feature of share groups (KIP-932).
pub const SHARE_VERSION: &str = "share.version";
/// The feature of streams groups (KIP-1071).
pub const STREAMS_VERSION: &str = "streams.version";

/// A level of [`METADATA_VERSION`], 3.3-IV3 (7) to 4.3-IV0 (30). The table is Kafka's `MetadataVersion`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetadataVersion(i16);

/// Names of the levels from [`MetadataVersion::MINIMUM`] on.
const NAMES: [&str; 24] = [
    "3.3-IV3", "3.4-IV0", "3.5-IV0", "3.5-IV1", "3.5-IV2", "3.6-IV0", "3.6-IV1", "3.6-IV2",
    "3.7-IV0", "3.7-IV1", "3.7-IV2", "3.7-IV3", "3.7-IV4", "3.8-IV0", "3.9-IV0", "4.0-IV0",
    "4.0-IV1", "4.0-IV2", "4.0-IV3", "4.1-IV0", "4.1-IV1", "4.2-IV0", "4.2-IV1", "4.3-IV0",
];

impl MetadataVersion {
    /// 3.3-IV3, the first that KRaft may run at.
    pub const MINIMUM: Self = Self(7);
    /// 3.6-IV1: transactions in the metadata log (KIP-868).
    pub const V3_6_IV1: Self = Self(13);
    /// 3.7-IV2: log directories of replicas (KIP-858).
    pub const V3_7_IV2: Self = Self(17);
    /// 4.0-IV1: fields for eligible leader replicas.
    pub const V4_0_IV1: Self = Self(23);
    /// 4.3-IV0: cordoned log directories (KIP-1066). The newest that this software knows.
    pub const V4_3_IV0: Self = Self(30);
    /// The newest level that this software knows.
    pub const LATEST: Self = Self::V4_3_IV0;

    /// The version with this level, or `None` when it is outside of what this software knows.
    #[must_use]
    pub fn from_level(level: i16) -> Option<Self> {
        (Self::MINIMUM.0..=Self::LATEST.0).contains(&level).then_some(Self(level))
    }

    /// The version with this name: `4.3-IV0`, or a release (`4.3`), which means its last level.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let index = NAMES.iter().rposition(|known| {
            *known == name || known.strip_prefix(name).is_some_and(|rest| rest.starts_with("-IV"))
        })?;
        Some(Self(Self::MINIMUM.0 + i16::try_from(index).ok()?))
    }

    /// The level in feature records.
    #[must_use]
    pub const fn level(self) -> i16 {
        self.0
    }

    /// Kafka's name of the level, such as `4.3-IV0`.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.get(usize::from(self.0.abs_diff(Self::MINIMUM.0))).copied().unwrap_or("unknown")
    }

    /// Whether a run of records may be made atomic by begin and end records.
    #[must_use]
    pub fn supports_transactions(self) -> bool {
        self >= Self::V3_6_IV1
    }

    /// Whether records tell the log directories of replicas and brokers.
    #[must_use]
    pub fn supports_directories(self) -> bool {
        self >= Self::V3_7_IV2
    }

    /// Whether records tell cordoned log directories.
    #[must_use]
    pub fn supports_cordoned_directories(self) -> bool {
        self >= Self::V4_3_IV0
    }
}

impl fmt::Display for MetadataVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for MetadataVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An inclusive range of feature levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionRange {
    /// The lowest level.
    pub min: i16,
    /// The highest level.
    pub max: i16,
}

impl VersionRange {
    /// Whether `level` lies within.
    #[must_use]
    pub fn contains(self, level: i16) -> bool {
        (self.min..=self.max).contains(&level)
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.min, self.max)
    }
}

/// A feature that this software knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SupportedFeature {
    /// The feature's name.
    pub name: &'static str,
    /// The levels that this software can work at.
    pub range: VersionRange,
    /// The level that each newer level needs of [`METADATA_VERSION`]: a cluster that is formatted at
    /// that version gets the level without being asked.
    bootstrap: &'static [i16],
}

/// The features that brokers and controllers of this software register with, sorted by name. The ranges
/// are Kafka 4.3's, so that both may share a cluster.
#[must_use]
pub fn supported_features() -> &'static [SupportedFeature] {
    const FEATURES: &[SupportedFeature] = &[
        SupportedFeature {
            name: ELIGIBLE_LEADER_REPLICAS_VERSION,
            range: VersionRange { min: 0, max: 1 },
            bootstrap: &[26],
        },
        SupportedFeature {
            name: GROUP_VERSION,
            range: VersionRange { min: 0, max: 1 },
            bootstrap: &[22],
        },
        SupportedFeature {
            name: KRAFT_VERSION,
            range: VersionRange { min: 0, max: 1 },
            bootstrap: &[21],
        },
        SupportedFeature {
            name: METADATA_VERSION,
            range: VersionRange { min: MetadataVersion::MINIMUM.0, max: MetadataVersion::LATEST.0 },
            bootstrap: &[],
        },
        SupportedFeature {
            name: SHARE_VERSION,
            range: VersionRange { min: 0, max: 1 },
            bootstrap: &[28],
        },
        SupportedFeature {
            name: STREAMS_VERSION,
            range: VersionRange { min: 0, max: 1 },
            bootstrap: &[29],
        },
        SupportedFeature {
            name: TRANSACTION_VERSION,
            range: VersionRange { min: 0, max: 2 },
            bootstrap: &[24, 24],
        },
    ];
    FEATURES
}

impl SupportedFeature {
    /// The level that a cluster formatted at `version` starts with.
    #[must_use]
    pub fn default_level(&self, version: MetadataVersion) -> i16 {
        let reached = self.bootstrap.iter().take_while(|&&needed| needed <= version.0).count();
        i16::try_from(reached).unwrap_or(i16::MAX)
    }
}

/// The finalised levels of a cluster: what its metadata log says, 0 for a feature that it doesn't name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeatureLevels {
    pub(crate) levels: OrdMap<String, i16>,
}

impl FeatureLevels {
    /// The finalised level of `feature`, 0 when it isn't finalised.
    #[must_use]
    pub fn level(&self, feature: &str) -> i16 {
        self.levels.get(feature).copied().unwrap_or(0)
    }

    /// The finalised metadata version; `None` in an empty log, or when it is outside of what this
    /// software knows.
    #[must_use]
    pub fn metadata_version(&self) -> Option<MetadataVersion> {
        MetadataVersion::from_level(self.level(METADATA_VERSION))
    }

    /// Whether eligible leader replicas are kept and elected.
    #[must_use]
    pub fn elr_enabled(&self) -> bool {
        self.level(ELIGIBLE_LEADER_REPLICAS_VERSION) > 0
    }

    /// All finalised features with a level above 0, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, i16)> {
        self.levels.iter().map(|(name, level)| (name.as_str(), *level))
    }

    /// Sets a level; 0 removes the feature. Returns whether that changed anything.
    pub(crate) fn set(&mut self, feature: &str, level: i16) -> bool {
        if level == 0 {
            self.levels.remove(feature).is_some()
        } else {
            self.levels.insert(feature.to_owned(), level) != Some(level)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_names_are_kafkas() {
        let check = |name: &str, level: Option<i16>| {
            assert_eq!(
                MetadataVersion::from_name(name).map(MetadataVersion::level),
                level,
                "{name}"
            );
        };
        check("3.3-IV3", Some(7));
        check("3.6-IV1", Some(13));
        check("3.7", Some(19));
        check("3.7-IV2", Some(17));
        check("4.0", Some(25));
        check("4.3", Some(30));
        check("4.3-IV0", Some(30));
        check("4", None);
        check("4.4-IV0", None);
        check("", None);
        for level in 7..=30 {
            let version = MetadataVersion::from_level(level).unwrap();
            assert_eq!(MetadataVersion::from_name(version.name()), Some(version));
        }
        assert_eq!(MetadataVersion::from_level(6), None);
        assert_eq!(MetadataVersion::from_level(31), None);
    }

    #[test]
    fn a_new_cluster_starts_with_its_releases_features() {
        let at = |version: &str| -> Vec<(&str, i16)> {
            let version = MetadataVersion::from_name(version).unwrap();
            supported_features()
                .iter()
                .filter(|f| f.name != METADATA_VERSION)
                .map(|f| (f.name, f.default_level(version)))
                .filter(|(_, level)| *level > 0)
                .collect()
        };
        assert_eq!(at("3.8"), []);
        assert_eq!(at("4.0"), [(GROUP_VERSION, 1), (KRAFT_VERSION, 1), (TRANSACTION_VERSION, 2)]);
        assert_eq!(
            at("4.3"),
            [
                (ELIGIBLE_LEADER_REPLICAS_VERSION, 1),
                (GROUP_VERSION, 1),
                (KRAFT_VERSION, 1),
                (SHARE_VERSION, 1),
                (STREAMS_VERSION, 1),
                (TRANSACTION_VERSION, 2)
            ]
        );
    }
}
