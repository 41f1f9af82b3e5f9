//! Binding: from a configured listener to sockets that listen.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};

use socket2::{Domain, Protocol, Socket, Type};

use super::port_holder;
use crate::config::{Listener, NetworkLimits};

/// Sockets that listen for one configured listener. Peers can connect from here on, and are served once
/// the listener is given to [`Network::serve`](super::Network::serve).
#[derive(Debug)]
pub(crate) struct BoundListener {
    /// What was configured.
    pub(crate) listener: Listener,
    /// The first address, with the port that the system gave when 0 was asked for.
    pub(crate) local_addr: SocketAddr,
    pub(super) sockets: Vec<TcpListener>,
}

/// Why a listener can't be bound.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BindError {
    /// The host isn't known.
    #[error("listener {listener}: the host can't be resolved")]
    Resolve {
        /// The listener as configured.
        listener: String,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else listens there.
    #[error(
        "listener {listener}: port {port} is taken by {holder}; stop it, or choose another port with \
         --port (taffrail dev) or the key 'listeners'"
    )]
    PortTaken {
        /// The listener as configured.
        listener: String,
        /// The port.
        port: u16,
        /// The process, as well as it is known.
        holder: String,
    },
    /// The system refuses for another reason.
    #[error("listener {listener}: {address} can't be bound")]
    Bind {
        /// The listener as configured.
        listener: String,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

impl BoundListener {
    /// Binds the addresses of a listener. Without a host that is every interface, in both families where
    /// the machine has them. `localhost` is both loopback addresses, since clients try either first.
    pub(crate) fn bind(listener: &Listener, limits: &NetworkLimits) -> Result<Self, BindError> {
        let name = || listener.endpoint.to_string();
        let addresses = addresses(listener)
            .map_err(|source| BindError::Resolve { listener: name(), source })?;
        let mut sockets: Vec<TcpListener> = Vec::new();
        let mut local_addr = None;
        let mut refusal = None;
        for mut address in addresses {
            // All addresses of one listener have one port, also when the system chose it.
            let port = local_addr.map_or(address.port(), |first: SocketAddr| first.port());
            address.set_port(port);
            match listen(address, limits) {
                Ok((socket, bound)) => {
                    sockets.push(socket);
                    local_addr.get_or_insert(bound);
                }
                // A machine without IPv6 has loopback and the wildcard in one family only.
                Err(source) if is_absent(&source) && refusal.is_none() => {
                    refusal = Some((address, source));
                }
                Err(source) => return Err(bind_error(name(), address, source)),
            }
        }
        match (local_addr, refusal) {
            (Some(local_addr), _) => Ok(Self { listener: listener.clone(), local_addr, sockets }),
            (None, Some((address, source))) => Err(bind_error(name(), address, source)),
            (None, None) => {
                Err(BindError::Resolve { listener: name(), source: io::ErrorKind::NotFound.into() })
            }
        }
    }
}

fn addresses(listener: &Listener) -> io::Result<Vec<SocketAddr>> {
    let port = listener.endpoint.port;
    let with_port = |ip: IpAddr| SocketAddr::new(ip, port);
    match listener.endpoint.host.as_deref() {
        None => Ok(vec![
            with_port(Ipv4Addr::UNSPECIFIED.into()),
            with_port(Ipv6Addr::UNSPECIFIED.into()),
        ]),
        Some("localhost") => {
            Ok(vec![with_port(Ipv4Addr::LOCALHOST.into()), with_port(Ipv6Addr::LOCALHOST.into())])
        }
        // Of a host with several addresses the first is taken, as Kafka does.
        Some(host) => Ok((host, port).to_socket_addrs()?.take(1).collect()),
    }
}

fn listen(address: SocketAddr, limits: &NetworkLimits) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for the connections of the run before to time out.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Connections inherit the sizes of their buffers, which have to be known before the handshake.
    if let Some(bytes) = limits.receive_buffer_bytes {
        socket.set_recv_buffer_size(bytes)?;
    }
    if let Some(bytes) = limits.send_buffer_bytes {
        socket.set_send_buffer_size(bytes)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(limits.backlog)?;
    let socket = TcpListener::from(socket);
    let bound = socket.local_addr()?;
    Ok((socket, bound))
}

/// Whether the machine lacks the address, or its whole family.
fn is_absent(error: &io::Error) -> bool {
    use rustix::io::Errno;
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.raw_os_error() == Some(Errno::AFNOSUPPORT.raw_os_error())
}

fn bind_error(listener: String, address: SocketAddr, source: io::Error) -> BindError {
    if source.kind() != io::ErrorKind::AddrInUse {
        return BindError::Bind { listener, address, source };
    }
    let port = address.port();
    BindError::PortTaken {
        listener,
        port,
        holder: match port_holder::find(port) {
            Some(holder) => format!("process {} ({})", holder.pid, holder.name),
            None => "another process".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ServerConfig;

    fn config(listeners: &str) -> ServerConfig {
        let properties = [
            ("process.roles", "broker"),
            ("node.id", "1"),
            ("controller.quorum.bootstrap.servers", "h:1"),
            ("controller.listener.names", "C"),
            ("listeners", listeners),
        ];
        ServerConfig::resolve(properties.into_iter().collect()).unwrap()
    }

    fn bind(listeners: &str) -> Result<BoundListener, BindError> {
        let config = config(listeners);
        BoundListener::bind(&config.listeners.bound[0], &config.limits)
    }

    #[test]
    fn the_system_gives_a_port() {
        let bound = bind("PLAINTEXT://localhost:0").unwrap();
        assert!(bound.local_addr.ip().is_loopback());
        assert_ne!(bound.local_addr.port(), 0);
        for socket in &bound.sockets {
            let address = socket.local_addr().unwrap();
            assert!(address.ip().is_loopback());
            assert_eq!(address.port(), bound.local_addr.port());
        }
    }

    #[test]
    fn a_taken_port_names_its_holder() {
        let first = bind("PLAINTEXT://127.0.0.1:0").unwrap();
        let port = first.local_addr.port();
        let error = bind(&format!("PLAINTEXT://127.0.0.1:{port}")).unwrap_err();
        let text = error.to_string();
        let pid = std::process::id();
        for part in [format!("port {port} is taken by process {pid} ("), "--port".to_owned()] {
            assert!(text.contains(&part), "{text}");
        }
    }

    #[test]
    fn a_foreign_address_is_named() {
        let error = bind("PLAINTEXT://192.0.2.1:0").unwrap_err();
        assert!(error.to_string().contains("192.0.2.1:0 can't be bound"), "{error}");
    }
}
