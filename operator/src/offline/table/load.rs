//! The load of the whole cluster, and how far apart its brokers are.

use taffrail_balancer::wording::thousands;

use super::super::bands::shown;
use super::super::dimension::{Dimension, amount, per_cent};
use super::super::report::Report;
use super::grid::{Grid, Side};

pub(super) fn write(text: &mut String, report: &Report<'_>) {
    text.push_str("\nLOAD, and the brokers with the least and the most of it\n");
    let mut grid = Grid::new(&[
        Side::Left,
        Side::Right,
        Side::Right,
        Side::Right,
        Side::Right,
        Side::Right,
        Side::Right,
    ]);
    grid.row(["", "in all", "of capacity", "before", "after", "band", "limit"]);
    for dimension in Dimension::ALL {
        let (total, share) = total(report, dimension);
        let unit = dimension.unit();
        let range = |range: Option<(f64, f64)>| match range {
            Some((low, high)) => {
                format!("{} … {}{unit}", dimension.number(low), dimension.number(high))
            }
            None => "-".to_owned(),
        };
        let band = shown(&report.bands, dimension);
        let limit =
            band.limit.map_or("-".to_owned(), |limit| format!("{}{unit}", dimension.number(limit)));
        grid.row([
            dimension.title().to_owned(),
            total,
            share,
            range(report.spread(dimension, &report.before)),
            range(report.spread(dimension, &report.after)),
            range(band.ends),
            limit,
        ]);
    }
    grid.write(text);
}

/// The sum over the brokers as the plan leaves them, and its share of what they have to be used.
fn total(report: &Report<'_>, dimension: Dimension) -> (String, String) {
    let Dimension::Use(resource) = dimension else {
        let number = |broker: &taffrail_balancer::BrokerStatistics| match dimension {
            Dimension::Leaders => broker.leaders,
            _ => broker.replicas,
        };
        return (thousands(report.after.iter().map(number).sum()), String::new());
    };
    let index = resource as usize;
    let load: f64 = report.after.iter().map(|broker| broker.load[index]).sum();
    let counted = report.bands.iter().filter(|broker| broker.counted);
    let capacity: f64 = counted.map(|broker| broker.capacity[index]).sum();
    let share =
        if capacity > 0.0 { format!("{} %", per_cent(load / capacity)) } else { "-".to_owned() };
    (amount(resource, load), share)
}
