//! The bars of one dimension at one time.

use taffrail_balancer::BrokerStatistics;

use super::super::bands::{Standing, shown, standing};
use super::super::dimension::Dimension;
use super::super::report::Report;
use super::scale::Scale;
use super::svg::{Class, Svg};

/// The share of its place that a bar fills.
const BAR: f64 = 0.78;
/// A bar that would be narrower than this fills its place: gaps between hairlines are but a haze.
const BAR_MIN: f64 = 1.5;
/// The width that the id of a broker needs.
const ID_WIDTH: f64 = 34.0;

/// The bars of one dimension at one time.
pub(super) struct Panel<'a> {
    pub(super) report: &'a Report<'a>,
    pub(super) dimension: Dimension,
    pub(super) scale: Scale,
    /// At this time.
    pub(super) brokers: &'a [BrokerStatistics],
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Panel<'_> {
    /// Draws it, with the ids of brokers under it if it is the lowest.
    pub(super) fn write(&self, svg: &mut Svg, with_ids: bool) {
        let (left, right) = (self.x, self.x + self.width);
        let band = shown(&self.report.bands, self.dimension);
        if let Some((low, high)) = band.ends {
            let (bottom, top) = (self.height_of(low), self.height_of(high));
            svg.rect(Class::Band, left, top, self.width, bottom - top);
        }
        for value in self.scale.lines() {
            svg.line(Class::Grid, left, self.height_of(value), right, self.height_of(value));
        }
        self.bars(svg);
        if let Some((low, high)) = band.ends {
            for end in [low, high] {
                svg.line(Class::BandEnd, left, self.height_of(end), right, self.height_of(end));
            }
        }
        let bottom = self.y + self.height;
        svg.line(Class::Axis, left, bottom, right, bottom);
        if let Some(limit) = band.limit.filter(|limit| *limit <= self.scale.top) {
            svg.line(Class::Limit, left, self.height_of(limit), right, self.height_of(limit));
        }
        if let Some((low, high)) = self.report.spread(self.dimension, self.brokers) {
            let (number, unit) = (|value| self.dimension.number(value), self.dimension.unit());
            svg.text(
                Class::SmallEnd,
                right,
                self.y - 5.0,
                &format!("{} … {}{unit}", number(low), number(high)),
            );
        }
        if with_ids {
            self.ids(svg);
        }
    }

    fn bars(&self, svg: &mut Svg) {
        let bar = if self.place() * BAR < BAR_MIN { self.place() } else { self.place() * BAR };
        for (index, broker) in self.brokers.iter().enumerate() {
            let Some(value) = self.dimension.value(broker) else { continue };
            let class = match standing(&self.report.bands[index], self.dimension, value) {
                Standing::Inside => Class::Inside,
                Standing::Outside => Class::Outside,
                Standing::OverLimit => Class::Over,
            };
            let height = self.height * self.scale.share(value);
            let x = self.middle(index) - bar / 2.0;
            let (number, unit) = (self.dimension.number(value), self.dimension.unit());
            let tip = format!(
                "broker {} in rack {}: {} {number}{unit}",
                broker.id,
                broker.rack,
                self.dimension.title()
            );
            svg.rect_with_tip(class, x, self.y + self.height - height, bar, height, &tip);
        }
    }

    /// As many ids as there is room for, at the same distance.
    fn ids(&self, svg: &mut Svg) {
        let mut every = 1;
        for (index, step) in [1, 2, 5].into_iter().cycle().enumerate() {
            every = step * 10_usize.pow(u32::try_from(index / 3).unwrap_or(u32::MAX).min(9));
            if self.place() * count(every) >= ID_WIDTH || every >= self.brokers.len() {
                break;
            }
        }
        for (index, broker) in self.brokers.iter().enumerate().step_by(every.max(1)) {
            svg.text(
                Class::Id,
                self.middle(index),
                self.y + self.height + 16.0,
                &broker.id.to_string(),
            );
        }
    }

    /// The width of a broker's place.
    fn place(&self) -> f64 {
        self.width / count(self.brokers.len().max(1))
    }

    fn middle(&self, index: usize) -> f64 {
        self.x + self.place() * (count(index) + 0.5)
    }

    fn height_of(&self, value: f64) -> f64 {
        self.y + self.height * (1.0 - self.scale.share(value))
    }
}

#[expect(clippy::cast_precision_loss, reason = "no cluster has 2^53 brokers")]
fn count(number: usize) -> f64 {
    number as f64
}
