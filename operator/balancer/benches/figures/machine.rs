//! What the kernel says about this process and its machine.

use std::fs;

use anyhow::{Context, Result};

/// The most memory that this process ever had, in bytes.
pub(crate) fn peak_memory() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("reading /proc/self/status")?;
    let kibibytes = field(&status, "VmHWM:")
        .and_then(|value| value.strip_suffix("kB")?.trim().parse::<u64>().ok());
    Ok(kibibytes.context("/proc/self/status has no VmHWM in kB")? * 1024)
}

/// Seconds that this thread was on a processor.
pub(crate) fn thread_seconds() -> Result<f64> {
    let path = "/proc/thread-self/schedstat";
    let text = fs::read_to_string(path).with_context(|| format!("reading {path}"))?;
    let nanoseconds = text.split_whitespace().next().and_then(|value| value.parse::<u64>().ok());
    Ok(nanoseconds.with_context(|| format!("{path} has no run time"))? as f64 / 1e9)
}

/// One line about the machine.
pub(crate) fn describe() -> Result<String> {
    let processors = fs::read_to_string("/proc/cpuinfo").context("reading /proc/cpuinfo")?;
    let value = |name: &str| {
        field(&processors, name).map_or("unknown", |value| value.trim_start_matches([':', ' ']))
    };
    let cores = processors.lines().filter(|line| line.starts_with("processor")).count();
    let memory = fs::read_to_string("/proc/meminfo").context("reading /proc/meminfo")?;
    let memory = field(&memory, "MemTotal:")
        .and_then(|value| value.strip_suffix("kB")?.trim().parse::<f64>().ok())
        .map_or_else(
            || "unknown".to_owned(),
            |kibibytes| format!("{:.0} GiB", kibibytes / 1024.0 / 1024.0),
        );
    let load = fs::read_to_string("/proc/loadavg").context("reading /proc/loadavg")?;
    let load = load.split_whitespace().next().unwrap_or("unknown");
    Ok(format!(
        "{cores} cores of {} at {} MHz, {memory} of memory; load of the machine when the run began: {load}",
        value("model name"),
        value("cpu MHz"),
    ))
}

/// What follows the name on the first line that begins with it.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}
