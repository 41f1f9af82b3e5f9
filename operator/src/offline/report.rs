//! A plan, and what a person wants to see beside it.

use taffrail_balancer::wording::{count, thousands};
use taffrail_balancer::{
    BrokerBands, BrokerStatistics, Model, Options, Plan, PlanError, bands, statistics_after,
    statistics_before,
};

use super::dimension::Dimension;

/// A plan, and what a person wants to see beside it.
#[derive(Debug)]
pub(super) struct Report<'a> {
    /// The plan.
    pub(super) plan: &'a Plan,
    /// How large the cluster is that it was made for.
    pub(super) size: Size,
    /// Its brokers by id.
    pub(super) before: Vec<BrokerStatistics>,
    /// The same brokers after the last step.
    pub(super) after: Vec<BrokerStatistics>,
    /// Where they should be.
    pub(super) bands: Vec<BrokerBands>,
}

/// How large a cluster is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Size {
    /// Brokers in any state.
    pub(super) brokers: usize,
    /// Topics.
    pub(super) topics: usize,
    /// Partitions of all topics.
    pub(super) partitions: usize,
    /// Their replicas.
    pub(super) replicas: usize,
}

impl Size {
    /// Of a model.
    pub(super) fn of(model: &Model) -> Self {
        Self {
            brokers: model.brokers().len(),
            topics: model.topics().len(),
            partitions: model.partitions().len(),
            replicas: model.replicas().len(),
        }
    }

    /// `40 brokers, 3,000 topics, 16,667 partitions, 50,001 replicas`.
    pub(super) fn sentence(self) -> String {
        [
            count(self.brokers as u64, "broker"),
            count(self.topics as u64, "topic"),
            count(self.partitions as u64, "partition"),
            count(self.replicas as u64, "replica"),
        ]
        .join(", ")
    }
}

impl<'a> Report<'a> {
    /// A plan that was made for this model with these options.
    pub(super) fn new(model: &Model, options: &Options, plan: &'a Plan) -> Result<Self, PlanError> {
        Ok(Self {
            plan,
            size: Size::of(model),
            before: statistics_before(model),
            after: statistics_after(model, plan),
            bands: bands(model, options)?,
        })
    }

    /// Whether the plan does nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.plan.steps.is_empty()
    }

    /// The lowest and the highest value among the brokers that hold a share.
    pub(super) fn spread(
        &self,
        dimension: Dimension,
        brokers: &[BrokerStatistics],
    ) -> Option<(f64, f64)> {
        brokers
            .iter()
            .enumerate()
            .filter(|(index, _)| self.bands[*index].counted)
            .filter_map(|(_, broker)| dimension.value(broker))
            .fold(None, |spread: Option<(f64, f64)>, value| {
                let (low, high) = spread.unwrap_or((value, value));
                Some((low.min(value), high.max(value)))
            })
    }

    /// `of 20 goals 3 are violated before, 0 after`.
    pub(super) fn goals_sentence(&self) -> String {
        let before = self.plan.goals.iter().filter(|goal| goal.violations_before > 0).count();
        let after = self.plan.goals.iter().filter(|goal| goal.violations_after > 0).count();
        let of = thousands(self.plan.goals.len() as u64);
        format!("of {of} goals {before} are violated before, {after} after")
    }
}

/// The first part of a hash: enough for people to tell plans apart.
pub(super) fn short_id(id: &str) -> String {
    super::plain::plain(id).chars().take(12).collect()
}

/// How far something is above its lower bound: `+4.7 %`. None: it isn't above one. A plan that can't meet every goal may
/// well move less than it would take to meet them all.
pub(super) fn gap(moved: f64, bound: f64) -> Option<String> {
    (bound > 0.0 && moved >= bound).then(|| format!("{:+.1} %", (moved / bound - 1.0) * 100.0))
}
