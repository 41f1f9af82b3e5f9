//! What connections may cost.

use std::time::Duration;

use taffrail_metadata::config::{ConfigError, StaticConfig};

use super::error::invalid;

/// The limits that hold for all listeners of the node together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NetworkLimits {
    /// `socket.request.max.bytes`: the longest frame, without its size prefix, in bytes.
    pub(crate) request_max_bytes: u32,
    /// `queued.max.request.bytes`: memory for requests of client and broker listeners, in bytes.
    pub(crate) request_memory_bytes: u64,
    /// `max.connections`: open connections of client and broker listeners.
    pub(crate) max_connections: u32,
    /// `max.connections.per.ip`: open connections from one address.
    pub(crate) max_connections_per_ip: u32,
    /// `connections.max.idle.ms`: silence between requests after which a connection is closed; `None`
    /// never closes.
    pub(crate) idle_timeout: Option<Duration>,
    /// `taffrail.frame.timeout.ms`: silence inside a request or a reply after which a connection is
    /// closed.
    pub(crate) frame_timeout: Duration,
    /// `socket.listen.backlog.size`.
    pub(crate) backlog: i32,
    /// `socket.send.buffer.bytes`, when it is set; else the system chooses, which grows it as needed.
    pub(crate) send_buffer_bytes: Option<usize>,
    /// `socket.receive.buffer.bytes`, likewise.
    pub(crate) receive_buffer_bytes: Option<usize>,
}

/// The smallest memory for requests that is chosen without being asked for.
const REQUEST_MEMORY_FLOOR_BYTES: u64 = 64 << 20;

impl NetworkLimits {
    pub(super) fn resolve(
        config: &StaticConfig,
        frame_timeout: Duration,
    ) -> Result<Self, ConfigError> {
        let limits = Self {
            request_max_bytes: count(config, "socket.request.max.bytes"),
            request_memory_bytes: request_memory(config)?,
            max_connections: count(config, "max.connections"),
            max_connections_per_ip: count(config, "max.connections.per.ip"),
            idle_timeout: u64::try_from(config.number("connections.max.idle.ms"))
                .ok()
                .map(Duration::from_millis),
            frame_timeout,
            backlog: config.int("socket.listen.backlog.size"),
            send_buffer_bytes: socket_buffer(config, "socket.send.buffer.bytes"),
            receive_buffer_bytes: socket_buffer(config, "socket.receive.buffer.bytes"),
        };
        if limits.max_connections_per_ip == 0 {
            let allowed = "Value must be at least 1, since nobody could connect";
            return Err(invalid("max.connections.per.ip", "0", allowed));
        }
        Ok(limits)
    }
}

/// A number that the table of keys bounds to zero or more.
fn count(config: &StaticConfig, key: &str) -> u32 {
    u32::try_from(config.number(key)).unwrap_or(0)
}

/// Kafka's default is no bound at all. Here it is a quarter of the memory that the process may have,
/// so that a flood of requests ends in waiting and not with the process killed.
fn request_memory(config: &StaticConfig) -> Result<u64, ConfigError> {
    const KEY: &str = "queued.max.request.bytes";
    let largest_request = u64::from(count(config, "socket.request.max.bytes"));
    let given = config.number(KEY);
    match u64::try_from(given).ok().filter(|&bytes| bytes > 0) {
        None => {
            let quarter = memory_limit_bytes().map_or(0, |limit| limit / 4);
            Ok(quarter.max(REQUEST_MEMORY_FLOOR_BYTES).max(largest_request))
        }
        Some(bytes) if bytes >= largest_request => Ok(bytes),
        Some(_) => {
            let allowed = format!(
                "Value must be at least socket.request.max.bytes ({largest_request}), or -1"
            );
            Err(invalid(KEY, given.to_string(), allowed))
        }
    }
}

/// The memory that the process may use: its control group's limit, or else the machine's.
fn memory_limit_bytes() -> Option<u64> {
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        let kib: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
        kib.checked_mul(1024)
    });
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max")
        .ok()
        .and_then(|text| text.trim().parse().ok());
    machine.into_iter().chain(group).min()
}

/// Kafka sets 100 KiB when asked for nothing, which switches the kernel's own tuning off and caps what a
/// distant client gets; here only a value that somebody chose is set.
fn socket_buffer(config: &StaticConfig, key: &str) -> Option<usize> {
    let chosen = config.is_set(key).then(|| config.number(key))?;
    usize::try_from(chosen).ok().filter(|&bytes| bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(pairs: &[(&str, &str)]) -> Result<NetworkLimits, String> {
        let texts = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let config = StaticConfig::new(texts.collect()).unwrap();
        NetworkLimits::resolve(&config, Duration::from_secs(30)).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_kafkas_but_for_memory_and_buffers() {
        let limits = resolve(&[]).unwrap();
        assert_eq!(limits.request_max_bytes, 104_857_600);
        assert_eq!(limits.max_connections, 2_147_483_647);
        assert_eq!(limits.idle_timeout, Some(Duration::from_secs(600)));
        assert!(limits.request_memory_bytes >= 104_857_600);
        assert_eq!(limits.send_buffer_bytes, None);
    }

    #[test]
    fn memory_holds_at_least_one_request() {
        let check = |value, expect: Result<u64, &str>| {
            let got = resolve(&[
                ("socket.request.max.bytes", "1000"),
                ("queued.max.request.bytes", value),
            ]);
            let got = got.map(|limits| limits.request_memory_bytes);
            assert_eq!(got, expect.map_err(str::to_owned));
        };
        check("1000", Ok(1000));
        check(
            "999",
            Err(
                "Invalid value 999 for configuration queued.max.request.bytes: Value must be at least \
                 socket.request.max.bytes (1000), or -1",
            ),
        );
    }

    #[test]
    fn what_was_chosen_is_taken() {
        let limits = resolve(&[
            ("connections.max.idle.ms", "-1"),
            ("socket.send.buffer.bytes", "65536"),
            ("socket.receive.buffer.bytes", "-1"),
        ])
        .unwrap();
        assert_eq!(limits.idle_timeout, None);
        assert_eq!(limits.send_buffer_bytes, Some(65_536));
        assert_eq!(limits.receive_buffer_bytes, None);
        assert!(resolve(&[("max.connections.per.ip", "0")]).is_err());
    }
}
