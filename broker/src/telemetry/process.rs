//! What the operating system knows of the process, under the names of Prometheus' client libraries.

use std::fs;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// What the process used so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ProcessUsage {
    /// Processor time, user and system; 0 where the system doesn't say.
    pub(crate) cpu_seconds: f64,
    /// Resident memory; 0 where the system doesn't say.
    pub(crate) resident_bytes: u64,
}

impl ProcessUsage {
    /// Asks the system.
    pub(crate) fn read() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let resident = status_field(&read("/proc/self/status"), "VmRSS").unwrap_or(0);
        Self {
            cpu_seconds: cpu_seconds(&read("/proc/self/stat")).unwrap_or(0.0),
            resident_bytes: u64::try_from(resident.saturating_mul(KIB)).unwrap_or(0),
        }
    }
}

/// Reads `/proc/self` at each scrape. What can't be read there is left out.
#[derive(Debug)]
pub(super) struct ProcessCollector;

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        if let Some(seconds) = cpu_seconds(&read("/proc/self/stat")) {
            let cpu = ConstCounter::new(seconds);
            cpu.encode(encoder.encode_descriptor(
                "process_cpu_seconds",
                "User and system time spent",
                None,
                cpu.metric_type(),
            )?)?;
        }
        let status = read("/proc/self/status");
        for (name, help, field, unit) in [
            ("process_resident_memory_bytes", "Resident memory", "VmRSS", KIB),
            ("process_virtual_memory_bytes", "Virtual memory", "VmSize", KIB),
            ("process_threads", "Threads", "Threads", 1),
        ] {
            if let Some(value) = status_field(&status, field) {
                encode_gauge(&mut encoder, name, help, value.saturating_mul(unit))?;
            }
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            let open = i64::try_from(open.count()).unwrap_or(i64::MAX);
            encode_gauge(&mut encoder, "process_open_fds", "File descriptors that are open", open)?;
        }
        Ok(())
    }
}

fn encode_gauge(
    encoder: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    value: i64,
) -> Result<(), std::fmt::Error> {
    let gauge = ConstGauge::new(value);
    gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
}

/// `/proc/self/status` counts memory in these.
const KIB: i64 = 1024;

/// Ticks of `/proc/self/stat` in a second: Linux shows 100 to programs whatever the kernel's own rate.
const TICKS_PER_SECOND: u64 = 100;

/// User and system time from `/proc/self/stat`. The program's name may hold blanks and parentheses, so
/// fields are counted from behind its last `)`, which closes field 2.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(14 - 3);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    let time =
        Duration::from_millis(user.checked_add(system)?.checked_mul(1000 / TICKS_PER_SECOND)?);
    Some(time.as_secs_f64())
}

/// The number in a line such as `VmRSS:   1234 kB`.
fn status_field(status: &str, field: &str) -> Option<i64> {
    let value = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    value.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_counted_from_behind_the_name() {
        let stat = "42 (taff) rail)) S 1 42 42 0 -1 4194560 900 0 0 0 150 50 0 0 20 0 7 0 12345";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        // Fifty days of ten processors.
        let stat = "42 (x) S 1 42 42 0 -1 4194560 900 0 0 0 4320000000 5 0 0 20 0 7 0 12345";
        assert_eq!(cpu_seconds(stat), Some(43_200_000.05));
        assert_eq!(cpu_seconds(""), None);
        assert_eq!(cpu_seconds("1 (x) S 1"), None);
    }

    #[test]
    fn status_is_read_by_whole_names() {
        let status = "VmRSSX:\t9 kB\nVmRSS:\t  120 kB\nThreads:\t3\n";
        assert_eq!(status_field(status, "VmRSS"), Some(120));
        assert_eq!(status_field(status, "Threads"), Some(3));
        assert_eq!(status_field(status, "VmSize"), None);
    }
}
