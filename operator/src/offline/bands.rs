//! How the brokers stand to the bands that a plan is made for. The bands are the planner's.

use taffrail_balancer::{Band, BrokerBands};

use super::dimension::Dimension;

/// How a broker stands to the band and the limit.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Standing {
    /// As the goals want it.
    Inside,
    /// Out of the band.
    Outside,
    /// Over the limit, or not empty though it has to be.
    OverLimit,
}

/// How a broker with this value stands.
pub(super) fn standing(bands: &BrokerBands, dimension: Dimension, value: f64) -> Standing {
    let Band { ends, limit } = dimension.band(bands);
    if bands.closed {
        return if value > 0.0 { Standing::OverLimit } else { Standing::Inside };
    }
    if limit.is_some_and(|limit| value > limit) {
        return Standing::OverLimit;
    }
    match ends {
        Some((low, high)) if value < low || value > high => Standing::Outside,
        _ => Standing::Inside,
    }
}

/// The band and the limit that are shown, once for all brokers: the highest. A broker has a lower one where it can't carry
/// all that it was built for, or can't be asked for its share.
pub(super) fn shown(bands: &[BrokerBands], dimension: Dimension) -> Band {
    let each = || bands.iter().map(|broker| dimension.band(broker));
    let ends = each().filter_map(|band| band.ends);
    Band {
        ends: ends
            .max_by(|(low, high), other| high.total_cmp(&other.1).then(low.total_cmp(&other.0))),
        limit: each().filter_map(|band| band.limit).reduce(f64::max),
    }
}
