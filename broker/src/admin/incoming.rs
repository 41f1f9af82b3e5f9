//! The connections of both servers, which are few.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard, WaitForCancellationFutureOwned};
use tonic::codegen::tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

/// Probes, a scraper, an operator and its successor, a balancer, a person. Who comes when all places are taken gets
/// that of the oldest: connections that do nothing must not keep a probe waiting, since the node would be ended for it.
pub(super) const CONNECTIONS_MAX: usize = 32;
/// How long to rest after the system refused a connection, so that a process without file descriptors doesn't spin.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// A socket that is listened on.
pub(super) struct Incoming {
    socket: TcpListener,
    /// The places that are taken, the oldest first. A place is given up by cancelling it.
    places: VecDeque<CancellationToken>,
}

impl Incoming {
    pub(super) fn new(socket: TcpListener) -> Self {
        Self { socket, places: VecDeque::new() }
    }

    /// The connections, until the stream is dropped.
    pub(super) fn into_stream(mut self) -> ReceiverStream<io::Result<Connection>> {
        let (accepted, connections) = mpsc::channel(1);
        tokio::spawn(async move {
            let accepting = async {
                loop {
                    let connection = self.next().await;
                    if accepted.send(Ok(connection)).await.is_err() {
                        return;
                    }
                }
            };
            tokio::select! {
                () = accepting => {}
                () = accepted.closed() => {}
            }
        });
        ReceiverStream::new(connections)
    }

    async fn next(&mut self) -> Connection {
        loop {
            match self.socket.accept().await {
                Ok((stream, _)) => {
                    // Without it, small answers wait for the peer's acknowledgement; that is all.
                    let _ = stream.set_nodelay(true);
                    return self.admit(stream);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection for health or metrics can't be accepted");
                    tokio::time::sleep(ACCEPT_BACKOFF).await;
                }
            }
        }
    }

    fn admit(&mut self, stream: TcpStream) -> Connection {
        self.places.retain(|place| !place.is_cancelled());
        if self.places.len() >= CONNECTIONS_MAX
            && let Some(oldest) = self.places.pop_front()
        {
            oldest.cancel();
        }
        let place = CancellationToken::new();
        self.places.push_back(place.clone());
        let evicted = Box::pin(place.clone().cancelled_owned());
        Connection { stream, evicted, _place: place.drop_guard() }
    }
}

impl Listener for Incoming {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            let connection = self.next().await;
            // Who has gone already has no address.
            if let Ok(peer) = connection.stream.peer_addr() {
                return (connection, peer);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

/// A connection that has its place until it ends, or until somebody else gets it.
pub(super) struct Connection {
    stream: TcpStream,
    evicted: Pin<Box<WaitForCancellationFutureOwned>>,
    _place: DropGuard,
}

impl Connection {
    fn check_place(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.evicted.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionAborted.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = Option<SocketAddr>;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.stream.peer_addr().ok()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check_place(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check_place(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check_place(context)?;
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
