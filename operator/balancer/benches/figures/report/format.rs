//! Numbers and tables as text.

use std::fmt::Write;

use crate::measure::Times;

/// A value beside its target.
pub(super) fn judged(value: &str, met: bool, target: &str) -> String {
    if met {
        format!("{value} ({target}: met)")
    } else {
        format!("{value} (**{target}: not met**)")
    }
}

/// None when there is nothing to compare with; nothing against nothing is 1.
pub(super) fn ratio(part: f64, whole: f64) -> Option<f64> {
    if whole > 0.0 { Some(part / whole) } else { (part == 0.0).then_some(1.0) }
}

/// The least time and the median.
pub(super) fn spread(times: &Times) -> String {
    format!("{} / {}", seconds(times.least()), seconds(times.median()))
}

/// With as many places as matter.
pub(super) fn seconds(seconds: f64) -> String {
    if seconds < 10.0 { format!("{seconds:.3} s") } else { format!("{seconds:.1} s") }
}

/// In millions of bytes.
pub(super) fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes / 1_000_000)
}

/// A heading, a paragraph and a table.
pub(super) fn section(
    title: &str,
    introduction: &str,
    header: &[&str],
    lines: impl Iterator<Item = Vec<String>>,
) -> String {
    let mut text = format!(
        "## {title}\n\n{introduction}\n\n| {} |\n|{}\n",
        header.join(" | "),
        "---|".repeat(header.len())
    );
    for line in lines {
        let _ = writeln!(text, "| {} |", line.join(" | "));
    }
    text
}
