//! Where the bands and the limits are, as a person is shown them.
//!
//! The planner holds brokers against limits in its own exact units; these are the same rules in the units of a table and
//! a picture, from what is public: statistics and thresholds. Nothing is decided by them.

use taffrail_balancer::document::BrokerState;
use taffrail_balancer::{BrokerStatistics, Constraints, Operation, Options, Resource};

use super::dimension::Dimension;

/// The band and the limit of one dimension, in its unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Band {
    /// No less and no more than this, if a goal asks for it.
    pub(super) band: Option<(f64, f64)>,
    /// Never more than this, if a goal asks for it.
    pub(super) limit: Option<f64>,
}

/// What a plan makes of a broker.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Role {
    /// It is there to hold its share.
    pub(super) counted: bool,
    /// It may lead.
    pub(super) leads: bool,
    /// Everything on it has to go.
    pub(super) closed: bool,
}

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

/// The bands of a plan.
#[derive(Debug)]
pub(super) struct Bands {
    roles: Vec<Role>,
    bands: [Band; Dimension::ALL.len()],
}

impl Bands {
    /// The bands for these options, over the brokers as the plan leaves them.
    pub(super) fn new(options: &Options, after: &[BrokerStatistics]) -> Self {
        let roles: Vec<Role> = after.iter().map(|broker| role(options, broker)).collect();
        let bands = Dimension::ALL.map(|dimension| band(options, after, &roles, dimension));
        Self { roles, bands }
    }

    /// What the plan makes of a broker, by its place in the statistics.
    pub(super) fn role(&self, broker: usize) -> Role {
        self.roles[broker]
    }

    /// The band and the limit of a dimension.
    pub(super) fn of(&self, dimension: Dimension) -> Band {
        let index = Dimension::ALL.iter().position(|other| *other == dimension);
        self.bands[index.expect("all dimensions are among them")]
    }

    /// How a broker with this value stands.
    pub(super) fn standing(&self, dimension: Dimension, broker: usize, value: f64) -> Standing {
        let (role, Band { band, limit }) = (self.roles[broker], self.of(dimension));
        if role.closed {
            return if value > 0.0 { Standing::OverLimit } else { Standing::Inside };
        }
        if limit.is_some_and(|limit| value > limit) {
            return Standing::OverLimit;
        }
        let needs = role.counted && (role.leads || !follows_leaders(dimension));
        match band {
            Some((low, high)) if value > high || (needs && value < low) => Standing::Outside,
            _ => Standing::Inside,
        }
    }
}

/// What can't be asked of a broker that may not lead.
fn follows_leaders(dimension: Dimension) -> bool {
    matches!(dimension, Dimension::Leaders | Dimension::Use(Resource::NetworkOut | Resource::Cpu))
}

fn role(options: &Options, broker: &BrokerStatistics) -> Role {
    let named = match &options.operation {
        Operation::RemoveBrokers(ids) | Operation::Demote(ids) => ids.contains(&broker.id),
        _ => false,
    };
    let removed = named && matches!(options.operation, Operation::RemoveBrokers(_));
    let closed = removed || matches!(broker.state, BrokerState::Dead | BrokerState::Draining);
    Role {
        counted: !closed && !options.excluded_for_replicas.contains(&broker.id),
        leads: !closed
            && !named
            && broker.state != BrokerState::Demoted
            && !options.excluded_for_leadership.contains(&broker.id),
        closed,
    }
}

#[expect(clippy::cast_precision_loss, reason = "no cluster has 2^53 replicas")]
fn band(
    options: &Options,
    after: &[BrokerStatistics],
    roles: &[Role],
    dimension: Dimension,
) -> Band {
    let constraints = &options.constraints;
    let counted = || after.iter().zip(roles).filter(|(_, role)| role.counted);
    let (soft, hard) = dimension.goals();
    let has_limit = hard.is_some_and(|goal| options.has(goal));
    let (mean, width, limit) = match dimension {
        Dimension::Replicas => {
            let total: u64 = after.iter().map(|broker| broker.replicas).sum();
            let mean = ratio(total as f64, counted().count() as f64);
            (
                mean,
                Constraints::band(constraints.replica_threshold),
                constraints.max_replicas_per_broker.into(),
            )
        }
        Dimension::Leaders => {
            let total: u64 = after.iter().map(|broker| broker.leaders).sum();
            let mean = ratio(total as f64, counted().filter(|(_, role)| role.leads).count() as f64);
            (mean, Constraints::band(constraints.leader_threshold), f64::INFINITY)
        }
        Dimension::Use(resource) => {
            let index = resource as usize;
            let load: f64 = after.iter().map(|broker| broker.load[index]).sum();
            let capacity: f64 = counted().map(|(broker, _)| broker.capacity[index]).sum();
            (
                ratio(load, capacity),
                constraints.resource_band(resource),
                constraints.capacity_thresholds[index],
            )
        }
    };
    let (mut low, mut high) = (mean * (1.0 - width).max(0.0), mean * (1.0 + width));
    if let Dimension::Use(resource) = dimension {
        let idle = constraints.low_utilization_thresholds[resource as usize];
        if mean <= idle {
            (low, high) = (0.0, high.max(idle * Constraints::MARGIN));
        }
    } else {
        (low, high) = (low.floor(), high.ceil());
    }
    Band { band: options.has(soft).then_some((low, high)), limit: has_limit.then_some(limit) }
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}
