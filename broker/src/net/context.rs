//! Who asks, and by which way: what every handler is told about the connection that a request came over.

use std::fmt;
use std::net::SocketAddr;
use std::time::Instant;

use taffrail_model::Timestamp;
use taffrail_security::Principal;

use crate::config::{ListenerName, SecurityProtocol};

/// The library that a client runs on, as its `ApiVersions` request told (KIP-511).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientSoftware {
    /// The library's name, such as `librdkafka`.
    pub(crate) name: String,
    /// The library's version.
    pub(crate) version: String,
}

/// A connection's number, unique while the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConnectionId(pub(crate) u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who asks, and by which way. Plain data without a hold on the connection, because a request that is
/// forwarded to the controller (Kafka's Envelope) is judged there as if it had come over this connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestContext {
    /// Who the peer proved to be.
    pub(crate) principal: Principal,
    /// The listener that accepted the connection; replies about the cluster name its addresses.
    pub(crate) listener: ListenerName,
    /// How the connection is secured.
    pub(crate) security_protocol: SecurityProtocol,
    /// The peer's address.
    pub(crate) client_addr: SocketAddr,
    /// The client id of the request at hand; any text, or none, chosen by the client.
    pub(crate) client_id: Option<String>,
    /// The client's library, once it told.
    pub(crate) client_software: Option<ClientSoftware>,
    /// The connection's number.
    pub(crate) connection_id: ConnectionId,
    /// When the peer's authentication ends, in milliseconds of the wall clock (KIP-368); `None` on
    /// listeners without SASL.
    pub(crate) session_expires_at: Option<Timestamp>,
}

impl RequestContext {
    /// The context of a connection that was just accepted and knows nothing yet of its peer.
    pub(crate) fn accepted(
        listener: ListenerName,
        security_protocol: SecurityProtocol,
        client_addr: SocketAddr,
        connection_id: ConnectionId,
    ) -> Self {
        Self {
            principal: Principal::anonymous(),
            listener,
            security_protocol,
            client_addr,
            client_id: None,
            client_software: None,
            connection_id,
            session_expires_at: None,
        }
    }
}

/// What a connection remembers between requests.
#[derive(Debug)]
pub(crate) struct ConnectionState {
    /// Who asks, and by which way.
    pub(crate) context: RequestContext,
    /// When the last byte of the request at hand arrived; deadlines inside requests count from here.
    pub(crate) received_at: Instant,
}

impl ConnectionState {
    /// The state of a connection that was just accepted.
    pub(crate) fn new(context: RequestContext) -> Self {
        Self { context, received_at: Instant::now() }
    }
}
