//! How many connections may be open, in all, by listener and by address.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::config::{Listener, ListenerName, NetworkLimits};

/// Counts the open connections of all listeners.
#[derive(Debug)]
pub(super) struct ConnectionLimits {
    limits: NetworkLimits,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    /// Of listeners for clients and brokers.
    total: u32,
    by_listener: BTreeMap<ListenerName, u32>,
    by_ip: BTreeMap<IpAddr, u32>,
}

/// Which limit a connection would pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum OverLimit {
    /// `max.connections`.
    #[error("max.connections is {0}")]
    Total(u32),
    /// `listener.name.<name>.max.connections`.
    #[error("max.connections of the listener is {0}")]
    Listener(u32),
    /// `max.connections.per.ip`.
    #[error("max.connections.per.ip is {0}")]
    Ip(u32),
}

impl ConnectionLimits {
    pub(super) fn new(limits: NetworkLimits) -> Self {
        Self { limits, open: Mutex::default() }
    }

    /// Counts one connection more, until the slot is dropped. Controllers' connections aren't bounded
    /// in all: clients must not be able to shut them out.
    pub(super) fn admit(
        self: &Arc<Self>,
        listener: &Listener,
        ip: IpAddr,
    ) -> Result<Slot, OverLimit> {
        let ip = ip.to_canonical();
        let mut open = self.open.lock();
        let is_bounded = !listener.is_controller;
        if is_bounded && open.total >= self.limits.max_connections {
            return Err(OverLimit::Total(self.limits.max_connections));
        }
        let name = &listener.endpoint.name;
        let on_listener = open.by_listener.get(name).copied().unwrap_or(0);
        if on_listener >= listener.max_connections {
            return Err(OverLimit::Listener(listener.max_connections));
        }
        let of_ip = open.by_ip.get(&ip).copied().unwrap_or(0);
        let max_of_ip = self.limits.max_connections_per_ip;
        if of_ip >= max_of_ip {
            return Err(OverLimit::Ip(max_of_ip));
        }
        open.total += u32::from(is_bounded);
        open.by_listener.insert(name.clone(), on_listener + 1);
        open.by_ip.insert(ip, of_ip + 1);
        Ok(Slot { limits: Arc::clone(self), is_bounded, listener: name.clone(), ip })
    }
}

/// A connection's place in the counts.
#[derive(Debug)]
pub(super) struct Slot {
    limits: Arc<ConnectionLimits>,
    is_bounded: bool,
    listener: ListenerName,
    ip: IpAddr,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.limits.open.lock();
        open.total -= u32::from(self.is_bounded);
        leave(&mut open.by_listener, &self.listener);
        leave(&mut open.by_ip, &self.ip);
    }
}

/// Counts one less, and forgets who has none left, so that the map is no larger than what is open.
fn leave<K: Ord>(counts: &mut BTreeMap<K, u32>, key: &K) {
    match counts.get_mut(key) {
        Some(count) if *count > 1 => *count -= 1,
        _ => {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ServerConfig;

    const A: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const B: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));
    const C: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 3));

    #[test]
    fn every_limit_counts_what_is_open() {
        let properties = [
            ("process.roles", "broker,controller"),
            ("node.id", "1"),
            ("controller.quorum.bootstrap.servers", "h:1"),
            ("controller.listener.names", "CONTROLLER"),
            ("listeners", "PLAINTEXT://:1,CONTROLLER://:2"),
            ("max.connections", "3"),
            ("max.connections.per.ip", "2"),
            ("listener.name.controller.max.connections", "1"),
        ];
        let config = ServerConfig::resolve(properties.into_iter().collect()).unwrap();
        let [clients, controllers] = config.listeners.bound.as_slice() else {
            panic!("two listeners");
        };
        let limits = Arc::new(ConnectionLimits::new(config.limits.clone()));

        let first = limits.admit(clients, A).unwrap();
        let second = limits.admit(clients, A).unwrap();
        assert_eq!(limits.admit(clients, A).unwrap_err(), OverLimit::Ip(2));
        let third = limits.admit(clients, B).unwrap();
        assert_eq!(limits.admit(clients, C).unwrap_err(), OverLimit::Total(3));

        let controller = limits.admit(controllers, C).unwrap();
        assert_eq!(limits.admit(controllers, B).unwrap_err(), OverLimit::Listener(1));

        drop(first);
        let again = limits.admit(clients, A).unwrap();
        drop((second, third, controller, again));
        let open = limits.open.lock();
        assert_eq!(open.total, 0);
        assert!(open.by_ip.is_empty() && open.by_listener.is_empty());
    }
}
