//! The brokers, before and after.

use taffrail_balancer::BrokerStatistics;
use taffrail_balancer::document::BrokerState;
use taffrail_balancer::wording::thousands;

use super::super::dimension::Dimension;
use super::super::plain::shortened;
use super::super::report::Report;
use super::grid::{Grid, Side, arrows};

/// Brokers that are shown of a cluster with more than [`SHOWN_MAX`].
const SHOWN: usize = 10;
/// As many brokers are shown one and all.
const SHOWN_MAX: usize = 15;
/// Characters of a rack's name.
const RACK_LENGTH: usize = 16;

pub(super) fn write(text: &mut String, report: &Report<'_>, all: bool) {
    let brokers = report.before.len();
    let shown =
        if all || brokers <= SHOWN_MAX { (0..brokers).collect() } else { most_changed(report) };
    let which = match () {
        () if shown.len() == brokers => String::new(),
        () if report.is_empty() => format!(": the {} with the most load", shown.len()),
        () => format!(": the {} that change most", shown.len()),
    };
    text.push_str(&format!("\nBROKERS{which}\n"));

    let mut sides = vec![Side::Right, Side::Left, Side::Left];
    sides.extend([Side::Right; Dimension::ALL.len()]);
    let mut grid = Grid::new(&sides);
    grid.row(["id", "rack", "state"].into_iter().chain(Dimension::ALL.map(Dimension::title)));
    let columns = Dimension::ALL.map(|dimension| {
        let number = |broker: &BrokerStatistics| {
            dimension.value(broker).map_or("-".to_owned(), |value| dimension.number(value))
        };
        let pair = |index: &usize| (number(&report.before[*index]), number(&report.after[*index]));
        arrows(&shown.iter().map(pair).collect::<Vec<_>>(), dimension.unit())
    });
    for (row, index) in shown.iter().enumerate() {
        let broker = &report.before[*index];
        let names = [
            broker.id.to_string(),
            shortened(&broker.rack, RACK_LENGTH),
            state(broker.state).to_owned(),
        ];
        grid.row(names.into_iter().chain(columns.iter().map(|column| column[row].clone())));
    }
    grid.write(text);
    if shown.len() < brokers {
        text.push_str(&format!(
            "  {} more: --all shows them\n",
            thousands((brokers - shown.len()) as u64)
        ));
    }
}

/// Their indices, by id.
fn most_changed(report: &Report<'_>) -> Vec<usize> {
    let mut ranked: Vec<(f64, usize)> = (0..report.before.len())
        .map(|index| {
            let (before, after) = (&report.before[index], &report.after[index]);
            if report.bands[index].closed && before.replicas > 0 {
                // Whoever empties a broker wants to see it empty.
                return (f64::INFINITY, index);
            }
            let weigh = |dimension: Dimension| {
                let (before, after) = (dimension.value(before)?, dimension.value(after)?);
                let scale = report
                    .spread(dimension, &report.before)
                    .map_or(1.0, |(_, high)| high.max(f64::MIN_POSITIVE));
                Some(if report.is_empty() {
                    before / scale
                } else {
                    (after - before).abs() / scale
                })
            };
            (Dimension::ALL.into_iter().filter_map(weigh).fold(0.0, f64::max), index)
        })
        .collect();
    // Of two that change alike the one with the lower id: the table is the same whenever the plan is.
    ranked.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
    let mut shown: Vec<usize> = ranked.into_iter().take(SHOWN).map(|(_, index)| index).collect();
    shown.sort_unstable();
    shown
}

const fn state(state: BrokerState) -> &'static str {
    match state {
        BrokerState::Alive => "alive",
        BrokerState::New => "new",
        BrokerState::Dead => "dead",
        BrokerState::Demoted => "demoted",
        BrokerState::Draining => "draining",
    }
}
