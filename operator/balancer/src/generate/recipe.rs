//! What is asked of a random cluster.

use super::distribution::Distribution;
use super::recipe_error::RecipeError;
use crate::document::Resources;

/// No cluster gets more replicas: they take some 100 bytes each.
const REPLICAS_MAX: u32 = 50_000_000;
/// No cluster gets more brokers: there is a topic with a partition for each.
const BROKERS_MAX: u32 = 65_535;
/// No partition gets more replicas.
const RF_MAX: u32 = 100;
/// No broker gets more log directories.
const LOG_DIRS_MAX: u32 = 100;
/// No mean and no factor is larger.
pub(super) const AMOUNT_MAX: f64 = 1e9;

/// What is asked of a random cluster. The default is the base of the benchmark: 40 brokers in 10 racks, 50,001 replicas.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Brokers that hold replicas, with the dead and the demoted. Broker `i` is in rack `i` while there are racks, the
    /// others are in random ones. The last has less of everything but processor.
    pub brokers: u32,
    /// Brokers beyond those, new and empty.
    pub new_brokers: u32,
    /// How many of the brokers are dead: the first.
    pub dead_brokers: u32,
    /// How many of the brokers are demoted: those after the dead.
    pub demoted_brokers: u32,
    /// Brokers on each machine. With 1 machines aren't named.
    pub brokers_per_host: u32,
    /// Racks.
    pub racks: u32,
    /// Replicas, but for those of the topic with a leader on each broker: that is one more topic, of two replicas a
    /// partition.
    pub replicas: u32,
    /// Topics, but for that one.
    pub topics: u32,
    /// Replicas of each partition.
    pub rf: u32,
    /// If given, each topic has between `rf` and so many replicas of each partition.
    pub rf_max: Option<u32>,
    /// How replicas spread over the brokers.
    pub distribution: Distribution,
    /// Which of the clusters of this recipe.
    pub seed: u64,
    /// Whether no two replicas of a partition are in one rack.
    pub rack_aware: bool,
    /// Whether the leader is the first replica; otherwise it is the second.
    pub leader_first: bool,
    /// All capacities are times this: for more replicas a broker.
    pub capacity_factor: f64,
    /// Log directories of each broker, of its disk in equal parts, with replicas spread at random. With 1 they aren't
    /// named.
    pub log_dirs: u32,
    /// How many brokers that aren't dead have their first directory offline.
    pub offline_log_dirs: u32,
    /// Mean load of a replica; of its processor time and its network out, of a leader.
    pub mean_load: Resources,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            brokers: 40,
            new_brokers: 0,
            dead_brokers: 0,
            demoted_brokers: 0,
            brokers_per_host: 1,
            racks: 10,
            replicas: 50_001,
            topics: 3_000,
            rf: 3,
            rf_max: None,
            distribution: Distribution::Uniform,
            seed: 3140,
            rack_aware: false,
            leader_first: true,
            capacity_factor: 1.0,
            log_dirs: 1,
            offline_log_dirs: 0,
            mean_load: Resources { cpu: 0.01, network_in: 100.0, network_out: 100.0, disk: 100.0 },
        }
    }
}

impl Recipe {
    /// The most replicas that a partition of it has.
    pub(super) fn rf_max(&self) -> u32 {
        self.rf_max.unwrap_or(self.rf)
    }

    /// Whether there can be such a cluster.
    pub(super) fn check(&self) -> Result<(), RecipeError> {
        self.check_ranges()?;
        let shares = [
            ("racks", self.racks, "machines", self.brokers.div_ceil(self.brokers_per_host)),
            (
                "dead and demoted brokers",
                self.dead_brokers.saturating_add(self.demoted_brokers),
                "brokers",
                self.brokers,
            ),
            ("dead brokers", self.dead_brokers, "brokers but one", self.brokers - 1),
            (
                "offline log dirs",
                self.offline_log_dirs,
                "brokers alive",
                self.brokers - self.dead_brokers.min(self.brokers),
            ),
            ("replicas of a partition", self.rf_max(), "brokers", self.brokers),
        ];
        if self.rf > self.rf_max() {
            return Err(RecipeError::RfMax { rf: self.rf, rf_max: self.rf_max() });
        }
        for (what, count, of, most) in shares {
            if count > most {
                return Err(RecipeError::More { what, count, of, most });
            }
        }
        if self.rack_aware && self.rf_max().max(2) > self.racks {
            return Err(RecipeError::TooFewRacks {
                racks: self.racks,
                needed: self.rf_max().max(2),
            });
        }
        if self.offline_log_dirs > 0 && self.log_dirs < 2 {
            return Err(RecipeError::OnlyLogDir);
        }
        let needed = u64::from(self.topics) * u64::from(self.rf);
        if needed > u64::from(self.replicas) {
            return Err(RecipeError::TooFewReplicas {
                replicas: self.replicas,
                topics: self.topics,
                needed,
            });
        }
        Ok(())
    }

    fn check_ranges(&self) -> Result<(), RecipeError> {
        for (what, count, least, most) in [
            ("brokers", self.brokers, 2, BROKERS_MAX),
            ("new brokers", self.new_brokers, 0, BROKERS_MAX),
            ("brokers per host", self.brokers_per_host, 1, BROKERS_MAX),
            ("racks", self.racks, 1, BROKERS_MAX),
            ("replicas", self.replicas, 1, REPLICAS_MAX),
            ("topics", self.topics, 1, REPLICAS_MAX),
            ("replicas of a partition", self.rf, 1, RF_MAX),
            ("replicas of a partition", self.rf_max(), 1, RF_MAX),
            ("log dirs", self.log_dirs, 1, LOG_DIRS_MAX),
        ] {
            if !(least..=most).contains(&count) {
                return Err(RecipeError::OutOfRange { what, count, least, most });
            }
        }
        if !(self.capacity_factor > 0.0 && self.capacity_factor <= AMOUNT_MAX) {
            return Err(RecipeError::CapacityFactor(self.capacity_factor));
        }
        let Resources { cpu, network_in, network_out, disk } = self.mean_load;
        for (what, mean) in
            [("cpu", cpu), ("network_in", network_in), ("network_out", network_out), ("disk", disk)]
        {
            if !(0.0..=AMOUNT_MAX).contains(&mean) {
                return Err(RecipeError::Mean { what, mean });
            }
        }
        Ok(())
    }
}
