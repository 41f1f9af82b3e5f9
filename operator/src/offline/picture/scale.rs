//! The scale that the two panels of a row share.

use super::super::bands::shown;
use super::super::dimension::Dimension;
use super::super::report::Report;
use super::svg::{Class, Svg};

/// From nothing to its top.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// The value at the top.
    pub(super) top: f64,
    /// Between two lines.
    step: f64,
}

/// Lines of a panel, at most, without that at the bottom.
const LINES: f64 = 4.0;
/// A limit is shown when the highest bar reaches so much of it: one that is far away would press all bars flat.
const LIMIT_IN_SIGHT: f64 = 0.5;

impl Scale {
    /// For all bars before and after, the band, and the limit if the bars come near it.
    pub(super) fn new(report: &Report<'_>, dimension: Dimension) -> Self {
        let bars =
            report.before.iter().chain(&report.after).filter_map(|broker| dimension.value(broker));
        let highest = bars.filter(|value| value.is_finite()).fold(0.0, f64::max);
        let band = shown(&report.bands, dimension);
        let mut reach = band.ends.map_or(highest, |(_, high)| highest.max(high));
        if let Some(limit) = band.limit.filter(|limit| highest >= limit * LIMIT_IN_SIGHT) {
            reach = reach.max(limit);
        }
        if reach <= 0.0 {
            return Self { top: 1.0, step: 1.0 };
        }
        let least = if matches!(dimension, Dimension::Use(_)) { 0.0 } else { 1.0 };
        let step = round_step(reach / LINES).max(least);
        Self { top: (reach / step).ceil() * step, step }
    }

    /// How far up a value is, from 0 to 1.
    pub(super) fn share(self, value: f64) -> f64 {
        (value / self.top).clamp(0.0, 1.0)
    }

    /// The values of the lines, without the lowest.
    pub(super) fn lines(self) -> impl Iterator<Item = f64> {
        (1..)
            .map(move |line| f64::from(line) * self.step)
            .take_while(move |value| *value <= self.top * 1.000_001)
    }

    /// The name of the row and the numbers of its lines, to the left of `x`.
    pub(super) fn write_labels(
        self,
        svg: &mut Svg,
        dimension: Dimension,
        x: f64,
        y: f64,
        height: f64,
    ) {
        svg.text(Class::Row, super::EDGE, y + 12.0, dimension.title());
        if matches!(dimension, Dimension::Use(_)) {
            svg.text(Class::Small, super::EDGE, y + 28.0, "of capacity");
        }
        for value in std::iter::once(0.0).chain(self.lines()) {
            let label = match dimension {
                Dimension::Use(_) => format!("{} %", short(value * 100.0)),
                _ => dimension.number(value),
            };
            svg.text(Class::Tick, x - 8.0, y + height * (1.0 - self.share(value)) + 3.5, &label);
        }
    }
}

/// The next of 1, 2, 2.5, 5 times a power of ten.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let of_ten = [1.0, 2.0, 2.5, 5.0].into_iter().find(|factor| factor * power >= step * 0.999_999);
    of_ten.unwrap_or(10.0) * power
}

/// As few decimals as there are, at most three.
fn short(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        let check =
            |step: f64, expect: f64| assert!((round_step(step) - expect).abs() < 1e-9, "{step}");
        check(0.9, 1.0);
        check(1.0, 1.0);
        check(1.1, 2.0);
        check(21.0, 25.0);
        check(30.0, 50.0);
        check(0.12, 0.2);
        check(510.0, 1000.0);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(short(20.0), "20");
        assert_eq!(short(2.5), "2.5");
        assert_eq!(short(0.0), "0");
    }
}
