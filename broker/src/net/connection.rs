//! One connection: read a request, let it be answered, write the reply, and again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use taffrail_protocol::ApiKey;
use taffrail_protocol::header::decode_request_header;
use taffrail_protocol::messages::RequestHeader;
use taffrail_protocol::wire::{DecodeError, Decoder};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use super::connection_limits::Slot;
use super::context::{ConnectionId, ConnectionState};
use super::frame_reader::{FrameError, FrameReader};
use super::handler::{Handler, Outcome};
use super::reply_writer::{WriteError, write_parts};
use crate::config::ListenerName;
use crate::telemetry::ListenerMetrics;

/// A connection that was accepted.
pub(super) struct Connection<H> {
    pub(super) stream: TcpStream,
    pub(super) reader: FrameReader,
    pub(super) state: ConnectionState,
    pub(super) handler: Arc<H>,
    pub(super) metrics: Arc<ListenerMetrics>,
    pub(super) frame_timeout: std::time::Duration,
    /// Given back when the connection ends, in whatever way.
    pub(super) _slot: Slot,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum End {
    /// No further request came, or none that could be read.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The reply couldn't be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The request's header can't be read.
    #[error("the request's header can't be read: {0}")]
    Header(#[from] DecodeError),
    /// The handler refused the request.
    #[error("{0}")]
    Handler(String),
    /// The server shuts down.
    #[error("the server shuts down")]
    Stopping,
}

impl End {
    /// A word for metrics when this side closes for a fault of the peer's.
    fn refusal(&self) -> Option<&'static str> {
        match self {
            Self::Frame(error) => error.refusal(),
            Self::Write(WriteError::Stalled { .. }) => Some("stalled_reply"),
            Self::Header(_) => Some("malformed_header"),
            Self::Handler(_) => Some("request_refused"),
            Self::Write(WriteError::Io(_)) | Self::Stopping => None,
        }
    }
}

impl<H: Handler> Connection<H> {
    /// Serves requests until the connection ends; between requests also when `stop` is cancelled.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let _open = OpenConnection::count(&self);
        let end = match self.serve(&stop).await {
            Err(end) => end,
            Ok(never) => match never {},
        };
        let context = &self.state.context;
        let (listener, client, id) =
            (&context.listener, context.client_addr, context.connection_id);
        match end.refusal() {
            // Idle connections are closed as a matter of course; whatever else is refused is somebody's
            // mistake, and the log is where they look for it.
            Some(reason) => {
                self.metrics.count_refused(reason);
                if matches!(end, End::Frame(FrameError::Idle(_))) {
                    debug!(%listener, %client, connection = %id, "closing connection: {end}");
                } else {
                    let client_id = context.client_id.as_deref().unwrap_or_default();
                    warn!(%listener, %client, connection = %id, client_id, "closing connection: {end}");
                }
            }
            None => debug!(%listener, %client, connection = %id, "connection ended: {end}"),
        }
    }

    async fn serve(&mut self, stop: &CancellationToken) -> Result<std::convert::Infallible, End> {
        let mut stopped = std::pin::pin!(stop.cancelled());
        loop {
            let frame = tokio::select! {
                biased;
                () = &mut stopped => return Err(End::Stopping),
                frame = self.reader.next(&self.stream) => frame?,
            };
            self.state.received_at = Instant::now();
            self.metrics.incoming_bytes.inc_by(frame.bytes.len() as u64);
            let mut decoder = Decoder::new(frame.bytes);
            let header = decode_request_header(&mut decoder)?;
            self.answer(header, decoder.rest()).await?;
            // The request's memory is free for others only now that its reply is written.
            drop(frame.charge);
            // A client that always has the next request ready must not keep the thread to itself.
            tokio::task::coop::consume_budget().await;
        }
    }

    async fn answer(&mut self, header: RequestHeader, body: Bytes) -> Result<(), End> {
        let api = ApiKey::from_code(header.request_api_key);
        let context = &mut self.state.context;
        if context.client_id != header.client_id {
            context.client_id.clone_from(&header.client_id);
        }
        // Boxed, so that an idle connection doesn't hold room for the largest handler's state.
        match Box::pin(self.handler.handle(&mut self.state, header, body)).await {
            Outcome::Reply(parts) => {
                let written = write_parts(&self.stream, parts, self.frame_timeout).await?;
                self.metrics.outgoing_bytes.inc_by(written as u64);
            }
            Outcome::NoReply => {}
            Outcome::Close(reason) => return Err(End::Handler(reason)),
        }
        if let Some(api) = api {
            let seconds = self.state.received_at.elapsed().as_secs_f64();
            self.metrics.count_request(api, seconds);
        }
        Ok(())
    }
}

/// Counts a connection while it is open, and says when a panic ended it.
struct OpenConnection {
    metrics: Arc<ListenerMetrics>,
    listener: ListenerName,
    client: SocketAddr,
    id: ConnectionId,
}

impl OpenConnection {
    fn count<H>(connection: &Connection<H>) -> Self {
        let context = &connection.state.context;
        connection.metrics.created.inc();
        connection.metrics.connections.inc();
        Self {
            metrics: Arc::clone(&connection.metrics),
            listener: context.listener.clone(),
            client: context.client_addr,
            id: context.connection_id,
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.metrics.connections.dec();
        if std::thread::panicking() {
            self.metrics.count_refused("panic");
            error!(
                listener = %self.listener,
                client = %self.client,
                connection = %self.id,
                "closing connection: its request's handler panicked"
            );
        }
    }
}
