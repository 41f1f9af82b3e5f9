//! The seam between connections and what answers on them.

use std::future::Future;

use bytes::Bytes;
use taffrail_protocol::messages::RequestHeader;

use super::context::ConnectionState;

/// Answers requests. There are two in a process: the broker's, and the controller listener's, which
/// knows other APIs and runs on threads of its own.
pub(crate) trait Handler: Send + Sync + 'static {
    /// Answers one request, whose `body` begins after the header. The connection reads its next request
    /// only when this is done, so that replies keep order; a request may wait here as long as it has to.
    ///
    /// The future is always run to its end, also when the client goes away or the server shuts down
    /// (until the shutdown's deadline), so that no operation is left halfway. A panic closes the
    /// connection and is logged; it doesn't end the process.
    fn handle(
        &self,
        connection: &mut ConnectionState,
        header: RequestHeader,
        body: Bytes,
    ) -> impl Future<Output = Outcome> + Send;
}

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// A whole response frame, its size prefix included, in parts that are written without being copied.
    Reply(Vec<Bytes>),
    /// The request wants no reply (Produce with acks=0).
    NoReply,
    /// The connection is closed without a reply; the reason is logged.
    Close(String),
}
