//! The first steps of the plan.

use taffrail_balancer::wording::{in_bytes, thousands};
use taffrail_balancer::{Step, StepKind};

use super::super::plain::shortened;
use super::super::report::Report;
use super::grid::{Grid, Side};

/// Steps that are shown.
const SHOWN: usize = 10;
/// Characters of a topic's name.
const TOPIC_LENGTH: usize = 40;
/// Characters of a directory's path.
const PATH_LENGTH: usize = 32;

pub(super) fn write(text: &mut String, report: &Report<'_>) {
    let steps = &report.plan.steps;
    if steps.is_empty() {
        return;
    }
    let first = if steps.len() > SHOWN {
        format!(": the first {SHOWN} of {}", thousands(steps.len() as u64))
    } else {
        String::new()
    };
    text.push_str(&format!("\nSTEPS{first}\n"));
    let mut grid = Grid::new(&[
        Side::Right,
        Side::Left,
        Side::Left,
        Side::Left,
        Side::Left,
        Side::Right,
        Side::Left,
    ]);
    grid.row(["", "kind", "partition", "replicas", "leader", "bytes", ""]);
    for (index, step) in steps.iter().take(SHOWN).enumerate() {
        grid.row([
            (index + 1).to_string(),
            kind_name(step.kind).to_owned(),
            format!("{}-{}", shortened(&step.topic, TOPIC_LENGTH), step.partition),
            replicas(step),
            step.leader.map_or("none".to_owned(), |id| id.to_string()),
            in_bytes(step.bytes),
            log_dir(step),
        ]);
    }
    grid.write(text);
    if steps.len() > SHOWN {
        let more = thousands((steps.len() - SHOWN) as u64);
        text.push_str(&format!("  {more} more: -o json has every step\n"));
    }
}

fn replicas(step: &Step) -> String {
    if step.from == step.to {
        ids(&step.from)
    } else {
        format!("{} → {}", ids(&step.from), ids(&step.to))
    }
}

fn ids(ids: &[i32]) -> String {
    format!("[{}]", ids.iter().map(i32::to_string).collect::<Vec<_>>().join(", "))
}

fn log_dir(step: &Step) -> String {
    let Some(change) = &step.log_dir else { return String::new() };
    let path = |path: &str| shortened(path, PATH_LENGTH);
    match &change.from {
        Some(from) => format!("on {}: {} → {}", change.broker, path(from), path(&change.to)),
        None => format!("on {}: to {}", change.broker, path(&change.to)),
    }
}

/// The name of a kind of step, as in the plan's JSON.
pub(super) const fn kind_name(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Evacuate => "evacuate",
        StepKind::Move => "move",
        StepKind::Add => "add",
        StepKind::Remove => "remove",
        StepKind::Leader => "leader",
        StepKind::LogDir => "log-dir",
    }
}
