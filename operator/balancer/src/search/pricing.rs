//! What a violation costs: the one number that the search brings down.
//!
//! A broker's price is the sum, over dimensions, of how far its totals are outside its band, in shares of what an average
//! broker has. Inside every band it is zero, so that the search never moves anything for a prettier average. Totals
//! beyond a hard limit cost a thousand times as much, and no action may add to them.

use crate::goal::Goal;
use crate::limits::{
    BrokerLimits, DIMENSIONS, LEADER_IN, LEADERS, Limits, POTENTIAL_OUT, REPLICAS, Totals,
};
use crate::model::Resource;
use crate::task::Task;

/// Beyond a hard limit, compared to outside a band.
const HARD: f64 = 1_000.0;
/// One replica or leader of a topic too many or too few, compared to one replica too many on a broker...
const TOPIC: f64 = 16.0;
/// ... and while there is still much to choose from: as good as forbidden, however large the replica.
const TOPIC_EARLY: f64 = 1_000.0;
/// One leader fewer than a topic has to have on a broker, in replicas of a topic outside its band.
pub(super) const MIN_LEADERS: i64 = 1_000;
/// That a band is left at all, however little, on the same scale. Without it, the last bit of a violation would be
/// cheaper than the copy that mends it.
const LEFT: f64 = 1.0;
/// How much more a goal weighs when an earlier search made it worse.
const EMPHASIS: f64 = 4.0;
/// What copying costs, compared to the violation that it mends: low enough that every band that can be met is met, high
/// enough that of two ways the one with fewer bytes is taken.
const COPY_BYTES: f64 = 0.2;
/// The same, of a replica that leaves its broker.
const COPY_REPLICA: f64 = 0.2;

/// Which totals a search looks at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum View {
    /// Every replica has its part of the leader's load, whoever leads, unless nobody can: where replicas go is decided
    /// first, and leadership, which is free, after it.
    Expected,
    /// Load is where the leaders are.
    Actual,
}

/// The price of totals.
#[derive(Clone, Debug)]
pub(super) struct Pricing {
    /// By broker: bands, narrowed for the search that uses them.
    brokers: Vec<BrokerLimits>,
    /// By dimension: the price of one unit outside the band.
    scale: [f64; DIMENSIONS],
    /// The price of being outside a band at all.
    left: f64,
    /// The price of one unit of disk that is copied.
    pub(super) byte: f64,
    /// The price of one replica that leaves its broker.
    pub(super) replica: f64,
    /// The price of one replica or leader of a topic outside its band.
    pub(super) topic: f64,
    /// What an average broker has.
    pub(super) share: [f64; DIMENSIONS],
}

impl Pricing {
    /// Prices for a view. `narrow` is the part of each band that the search aims at (1 is the whole of it): leadership
    /// costs nothing, so it aims at the middle and leaves room at both ends.
    pub(super) fn new(
        task: &Task<'_>,
        limits: &Limits,
        emphasis: &[Goal],
        view: View,
        narrow: f64,
    ) -> Self {
        let mut share = [1.0_f64; DIMENSIONS];
        let counted = task.roles.iter().filter(|role| role.counted).count().max(1) as f64;
        for (dimension, share) in share.iter_mut().enumerate() {
            let sum: f64 = limits
                .shares
                .iter()
                .zip(&task.roles)
                .filter(|(_, role)| role.counted)
                .map(|(shares, _)| shares[dimension] as f64)
                .sum();
            *share = (sum / counted).max(1.0);
        }
        let mut scale = share.map(|share| 1.0 / share);
        let mut topic = if view == View::Expected { TOPIC_EARLY } else { TOPIC } / share[REPLICAS];
        for goal in emphasis {
            match dimension(*goal) {
                Some(dimension) => scale[dimension] *= EMPHASIS,
                None => topic *= EMPHASIS,
            }
        }
        if view == View::Expected {
            scale[LEADERS] = 0.0;
            scale[LEADER_IN] = 0.0;
            scale[Resource::NetworkOut as usize] = 0.0;
        }
        let mut brokers = limits.brokers.clone();
        for broker in &mut brokers {
            for dimension in 0..DIMENSIONS {
                broker.high[dimension] = broker.high[dimension].min(broker.cap[dimension]);
                let (low, high) = (broker.low[dimension], broker.high[dimension]);
                if low > 0 && high > low && narrow < 1.0 {
                    let trim = ((high - low) as f64 * (1.0 - narrow) / 2.0) as i64;
                    broker.low[dimension] += trim;
                    broker.high[dimension] -= trim;
                } else if dimension == LEADER_IN && narrow < 1.0 && high < i64::MAX {
                    broker.high[dimension] -= (high as f64 * (1.0 - narrow) * 0.1) as i64;
                }
            }
        }
        Self {
            brokers,
            scale,
            left: 0.0,
            byte: COPY_BYTES / share[Resource::Disk as usize],
            replica: COPY_REPLICA / share[REPLICAS],
            topic,
            share,
        }
    }

    /// Prices for the last violations: each that is left costs something of its own.
    pub(super) fn count_each(&mut self) {
        self.left = LEFT / self.share[REPLICAS];
    }

    /// Makes copies so cheap that any violation is worth one.
    pub(super) fn at_any_cost(&mut self) {
        self.byte /= 100.0;
        self.replica /= 100.0;
    }

    /// The band of a broker.
    pub(super) fn band(&self, broker: u32) -> &BrokerLimits {
        &self.brokers[broker as usize]
    }

    /// The price of one unit of a dimension outside the band.
    pub(super) fn scale(&self, dimension: usize) -> f64 {
        self.scale[dimension]
    }

    /// The price of a broker's totals.
    pub(super) fn price(&self, broker: u32, totals: &Totals) -> f64 {
        let limits = &self.brokers[broker as usize];
        let mut price = 0.0;
        for (dimension, total) in totals.iter().copied().enumerate() {
            let outside = (total - limits.high[dimension]).max(limits.low[dimension] - total);
            if outside > 0 && self.scale[dimension] > 0.0 {
                price += outside as f64 * self.scale[dimension] + self.left;
            }
            if total > limits.cap[dimension] {
                price += (total - limits.cap[dimension]) as f64 * HARD / self.share[dimension];
            }
        }
        price
    }

    /// Whether totals stay below every hard limit, or don't grow where they are beyond it.
    pub(super) fn allows(&self, broker: u32, before: &Totals, after: &Totals) -> bool {
        let cap = &self.brokers[broker as usize].cap;
        (0..DIMENSIONS).all(|dimension| after[dimension] <= cap[dimension].max(before[dimension]))
    }

    /// How far a broker's totals are above and below its band, priced, by dimension.
    pub(super) fn outside(
        &self,
        broker: u32,
        totals: &Totals,
    ) -> ([f64; DIMENSIONS], [f64; DIMENSIONS]) {
        let limits = &self.brokers[broker as usize];
        let mut over = [0.0; DIMENSIONS];
        let mut under = [0.0; DIMENSIONS];
        for dimension in 0..DIMENSIONS {
            let scale = self.scale[dimension];
            over[dimension] = (totals[dimension] - limits.high[dimension]).max(0) as f64 * scale;
            under[dimension] = (limits.low[dimension] - totals[dimension]).max(0) as f64 * scale;
        }
        (over, under)
    }
}

/// The dimension that a soft goal between brokers is about; none for those about topics.
fn dimension(goal: Goal) -> Option<usize> {
    Some(match goal {
        Goal::ReplicaDistribution => REPLICAS,
        Goal::PotentialNwOut => POTENTIAL_OUT,
        Goal::DiskUsageDistribution => Resource::Disk as usize,
        Goal::NetworkInboundUsageDistribution => Resource::NetworkIn as usize,
        Goal::NetworkOutboundUsageDistribution => Resource::NetworkOut as usize,
        Goal::CpuUsageDistribution => Resource::Cpu as usize,
        Goal::LeaderReplicaDistribution => LEADERS,
        Goal::LeaderBytesInDistribution => LEADER_IN,
        _ => return None,
    })
}

/// What a replica adds to its broker in a view.
pub(super) fn amounts(task: &Task<'_>, view: View, replica: u32, leads: bool) -> Totals {
    match view {
        View::Actual => crate::limits::totals_of(task.model, replica, leads),
        View::Expected => {
            let mut totals = crate::limits::totals_of(task.model, replica, false);
            if task.has_source(replica) {
                let partition = task.model.replicas[replica as usize].partition;
                let partition = &task.model.partitions[partition as usize];
                for (total, extra) in totals.iter_mut().zip(partition.leader_extra) {
                    *total += extra / i64::from(partition.replicas);
                }
            }
            totals
        }
    }
}
