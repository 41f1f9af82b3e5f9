//! A plan as a table for people: what moves and at what cost, the goals, the load, the brokers, the first steps, and why
//! the plan does less than it was asked for.
//!
//! No colours, and the same text wherever it goes. What comes from the model (names of topics and racks) is shown with
//! its control characters replaced.

mod brokers;
mod goals;
mod grid;
mod load;
mod steps;

use taffrail_balancer::wording::{in_bytes, thousands};
use taffrail_balancer::{ProvisionStatus, StepKind};

use self::grid::{Grid, Side};
use super::plain::plain;
use super::report::{Report, gap, short_id};

/// Characters of a line of prose. The broker table is about as wide.
const WIDTH: usize = 116;

/// The table of a plan; `all` shows every broker.
pub(super) fn table(report: &Report<'_>, all: bool) -> String {
    let mut text = String::new();
    head(&mut text, report);
    goals::write(&mut text, report);
    load::write(&mut text, report);
    brokers::write(&mut text, report, all);
    steps::write(&mut text, report);
    text
}

fn head(text: &mut String, report: &Report<'_>) {
    let plan = report.plan;
    let nothing = if report.is_empty() { ": nothing to do" } else { "" };
    text.push_str(&format!("{}{nothing}\n", plan.operation.to_uppercase()));
    let mut grid = Grid::new(&[Side::Left, Side::Left]);
    grid.row([
        "plan",
        &format!(
            "{} (seed {}, made from {})",
            short_id(&plan.id),
            plan.seed,
            short_id(&plan.basis)
        ),
    ]);
    grid.row(["cluster", &report.size.sentence()]);
    if !report.is_empty() {
        grid.row(["steps", &steps_sentence(report)]);
        let (replicas, replicas_min) = (plan.replicas_moved, plan.replicas_lower_bound);
        #[expect(clippy::cast_precision_loss, reason = "no plan moves 2^53 replicas")]
        let above = gap(replicas as f64, replicas_min as f64);
        grid.row(["replicas moved", &moved(&thousands(replicas), &thousands(replicas_min), above)]);
        let (copied, copied_min) = (plan.bytes_moved, plan.bytes_lower_bound);
        grid.row([
            "bytes moved",
            &moved(&in_bytes(copied), &in_bytes(copied_min), gap(copied, copied_min)),
        ]);
        grid.row(["leaders moved", &thousands(plan.leaders_moved)]);
    }
    grid.row(["size", status(plan.provision.status)]);
    grid.write(text);
    list(text, "What to change about the size", &plan.provision.recommendations);
    list(text, "What the plan doesn't do, and why", &plan.reasons);
}

/// `3,142; to meet every goal takes at least 3,001 (+4.7 %)`.
fn moved(moved: &str, bound: &str, above: Option<String>) -> String {
    let above = above.map(|above| format!(" ({above})")).unwrap_or_default();
    format!("{moved}; to meet every goal takes at least {bound}{above}")
}

const fn status(status: ProvisionStatus) -> &'static str {
    match status {
        ProvisionStatus::UnderProvisioned => {
            "under-provisioned: the goals can't be met with what is there"
        }
        ProvisionStatus::RightSized => "right-sized",
        ProvisionStatus::OverProvisioned => "over-provisioned: the goals would be met with less",
    }
}

/// `4,200 (3,142 move, 1,058 leader)`.
fn steps_sentence(report: &Report<'_>) -> String {
    let kinds = [
        StepKind::Evacuate,
        StepKind::Move,
        StepKind::Add,
        StepKind::Remove,
        StepKind::Leader,
        StepKind::LogDir,
    ];
    let steps = &report.plan.steps;
    let parts: Vec<String> = kinds
        .into_iter()
        .map(|kind| (kind, steps.iter().filter(|step| step.kind == kind).count()))
        .filter(|(_, number)| *number > 0)
        .map(|(kind, number)| format!("{} {}", thousands(number as u64), steps::kind_name(kind)))
        .collect();
    format!("{} ({})", thousands(steps.len() as u64), parts.join(", "))
}

/// Sentences under a headline; nothing without sentences.
fn list(text: &mut String, title: &str, sentences: &[String]) {
    if sentences.is_empty() {
        return;
    }
    text.push_str(&format!("\n{title}\n"));
    for sentence in sentences {
        write_wrapped(text, &plain(sentence));
    }
}

/// Writes a sentence behind a dash, with breaks between words.
fn write_wrapped(text: &mut String, sentence: &str) {
    let mut line = String::from("  -");
    for word in sentence.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH && line.trim() != "-" {
            text.push_str(&line);
            text.push('\n');
            line = String::from("   ");
        }
        line.push(' ');
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}

#[cfg(test)]
mod tests;
