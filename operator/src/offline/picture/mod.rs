//! A plan as a picture: the load of each broker before it and after it.
//!
//! One SVG file that needs nothing else: a row for each dimension, before on the left and after on the right on the same
//! scale, brokers by id from left to right, the band shaded and the limit as a line. Colours are apart for people who
//! don't tell red from green, and follow the reader's light or dark scheme.

mod panel;
mod scale;
mod svg;

use taffrail_balancer::wording::{count, in_bytes};

use self::panel::Panel;
use self::svg::{Class, Svg};
use super::dimension::Dimension;
use super::report::{Report, short_id};

/// The picture's width.
const WIDTH: f64 = 1120.0;
/// The edge around all.
const EDGE: f64 = 28.0;
/// For the names of dimensions and their numbers.
const GUTTER: f64 = 128.0;
/// Between before and after.
const BETWEEN: f64 = 28.0;
/// For the title, what it says in small, and the legend.
const HEAD: f64 = 128.0;
/// A row, with its space.
const ROW: f64 = 132.0;
/// The bars of a row.
const PANEL_HEIGHT: f64 = 96.0;
/// Below the ids of brokers.
const FOOT: f64 = 12.0;

/// The picture of a plan.
pub(super) fn picture(report: &Report<'_>) -> String {
    #[expect(clippy::cast_precision_loss, reason = "there are six")]
    let height = HEAD + ROW * Dimension::ALL.len() as f64 + FOOT;
    let mut svg = Svg::new(WIDTH, height, &title(report));
    head(&mut svg, report);
    let width = (WIDTH - 2.0 * EDGE - GUTTER - BETWEEN) / 2.0;
    let left = EDGE + GUTTER;
    let right = left + width + BETWEEN;
    let mut y = HEAD;
    for (row, dimension) in Dimension::ALL.into_iter().enumerate() {
        let last = row + 1 == Dimension::ALL.len();
        let scale = scale::Scale::new(report, dimension);
        scale.write_labels(&mut svg, dimension, left, y, PANEL_HEIGHT);
        for (x, brokers) in [(left, &report.before), (right, &report.after)] {
            Panel { report, dimension, scale, brokers, x, y, width, height: PANEL_HEIGHT }
                .write(&mut svg, last);
        }
        if last {
            svg.text(Class::Tick, left - 8.0, y + PANEL_HEIGHT + 16.0, "broker");
        }
        y += ROW;
    }
    svg.finish()
}

/// `rebalance: 3,142 replicas (336 MB) and 1,058 leaders move`.
fn title(report: &Report<'_>) -> String {
    let plan = report.plan;
    if report.is_empty() {
        return format!("{}: nothing to do", plan.operation);
    }
    format!(
        "{}: {} ({}) and {} move",
        plan.operation,
        count(plan.replicas_moved, "replica"),
        in_bytes(plan.bytes_moved),
        count(plan.leaders_moved, "leader"),
    )
}

fn head(svg: &mut Svg, report: &Report<'_>) {
    svg.text(Class::Title, EDGE, 42.0, &title(report));
    svg.text(
        Class::Small,
        EDGE,
        64.0,
        &format!("{}; {}", report.size.sentence(), report.goals_sentence()),
    );
    let right = WIDTH - EDGE;
    let plan = format!("plan {}, seed {}", short_id(&report.plan.id), report.plan.seed);
    svg.text(Class::SmallEnd, right, 64.0, &plan);
    let mut x = EDGE;
    for (class, text, width) in [
        (Class::Inside, "as the goals want it", 158.0),
        (Class::Outside, "out of the band", 132.0),
        (Class::Over, "over the limit, or to be emptied", 222.0),
        (Class::Band, "band", 70.0),
    ] {
        svg.rect(class, x, 80.0, 12.0, 12.0);
        svg.text(Class::Small, x + 18.0, 90.5, text);
        x += width;
    }
    svg.line(Class::Limit, x, 86.0, x + 18.0, 86.0);
    svg.text(Class::Small, x + 24.0, 90.5, "limit");
    let panels = EDGE + GUTTER;
    let width = (WIDTH - 2.0 * EDGE - GUTTER - BETWEEN) / 2.0;
    svg.text(Class::Column, panels, HEAD - 12.0, "before");
    svg.text(Class::Column, panels + width + BETWEEN, HEAD - 12.0, "after");
}

#[cfg(test)]
mod tests;
