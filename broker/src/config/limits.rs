//! What connections may cost.

use std::time::Duration;

use taffrail_metadata::config::{ConfigError, StaticConfig};

use super::error::invalid;
use super::memory::MemoryPlan;

/// The limits that hold for all listeners of the node together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NetworkLimits {
    /// `socket.request.max.bytes`: the longest frame, without its size prefix, in bytes.
    pub(crate) request_max_bytes: u32,
    /// `queued.max.request.bytes`: memory for requests of client and broker listeners, in bytes.
    pub(crate) request_memory_bytes: u64,
    /// Memory for requests on the listeners of controllers, which is theirs alone: parked produce requests must not be
    /// able to starve what would release them.
    pub(crate) control_memory_bytes: u64,
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

impl NetworkLimits {
    pub(super) fn resolve(
        config: &StaticConfig,
        memory: &MemoryPlan,
        frame_timeout: Duration,
    ) -> Result<Self, ConfigError> {
        let limits = Self {
            request_max_bytes: u32::try_from(memory.request_max_bytes).unwrap_or(u32::MAX),
            request_memory_bytes: memory.requests_bytes,
            control_memory_bytes: memory.control_bytes,
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

/// Kafka sets 100 KiB when asked for nothing, which switches the kernel's own tuning off and caps what a
/// distant client gets; here only a value that somebody chose is set.
fn socket_buffer(config: &StaticConfig, key: &str) -> Option<usize> {
    let chosen = config.is_set(key).then(|| config.number(key))?;
    usize::try_from(chosen).ok().filter(|&bytes| bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Machine;

    fn resolve(pairs: &[(&str, &str)]) -> Result<NetworkLimits, String> {
        let texts = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let config = StaticConfig::new(texts.collect()).unwrap();
        let machine = Machine { memory_bytes: Some(8 << 30), ..Machine::default() };
        let memory = MemoryPlan::resolve(&config, &machine).unwrap();
        NetworkLimits::resolve(&config, &memory, Duration::from_secs(30))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_kafkas_but_for_memory_and_buffers() {
        let limits = resolve(&[]).unwrap();
        assert_eq!(limits.request_max_bytes, 104_857_600);
        assert_eq!(limits.max_connections, 2_147_483_647);
        assert_eq!(limits.idle_timeout, Some(Duration::from_secs(600)));
        assert_eq!(limits.request_memory_bytes, 2 << 30);
        assert_eq!(limits.send_buffer_bytes, None);
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
