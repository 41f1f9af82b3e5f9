//! All listeners of a process: what they share, accepting, and their end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::bound_listener::BoundListener;
use super::budget::ByteBudget;
use super::connection::Connection;
use super::connection_limits::ConnectionLimits;
use super::context::{ConnectionId, ConnectionState, RequestContext};
use super::frame_reader::{FrameLimits, FrameReader};
use super::handler::Handler;
use crate::config::{Listener, NetworkLimits};
use crate::telemetry::{ListenerMetrics, Metrics};

/// How long a listener rests after the system refused a connection, so that a process without file
/// descriptors left doesn't spin.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// The listeners of a process and what they share.
#[derive(Debug)]
pub(crate) struct Network {
    limits: NetworkLimits,
    metrics: Arc<Metrics>,
    connection_limits: Arc<ConnectionLimits>,
    client_budget: ByteBudget,
    control_budget: ByteBudget,
    next_connection: Arc<AtomicU64>,
    /// Cancelled when no further connection or request is taken.
    stop: CancellationToken,
    /// Cancelled when connections end whatever they are at.
    abort: CancellationToken,
    tasks: TaskTracker,
}

impl Network {
    /// A network without listeners.
    pub(crate) fn new(limits: NetworkLimits, metrics: Arc<Metrics>) -> Self {
        let budget = |bytes| ByteBudget::new(bytes, metrics.request_memory_bytes.clone());
        Self {
            connection_limits: Arc::new(ConnectionLimits::new(limits.clone())),
            client_budget: budget(limits.request_memory_bytes),
            control_budget: budget(limits.control_memory_bytes),
            limits,
            metrics,
            next_connection: Arc::default(),
            stop: CancellationToken::new(),
            abort: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// Serves a listener on the threads of `runtime` until [`shutdown`](Self::shutdown). Listeners may be
    /// carried by different runtimes: those of controllers have one of their own.
    pub(crate) fn serve<H: Handler>(
        &self,
        bound: BoundListener,
        handler: &Arc<H>,
        runtime: &Handle,
    ) -> io::Result<()> {
        let acceptor = Arc::new(Acceptor {
            metrics: Arc::new(self.metrics.listener(bound.listener.endpoint.name.as_str())),
            frame_limits: FrameLimits {
                max_bytes: self.limits.request_max_bytes,
                idle_timeout: self.limits.idle_timeout,
                frame_timeout: self.limits.frame_timeout,
            },
            budget: if bound.listener.is_controller {
                self.control_budget.clone()
            } else {
                self.client_budget.clone()
            },
            listener: bound.listener,
            connection_limits: Arc::clone(&self.connection_limits),
            next_connection: Arc::clone(&self.next_connection),
            handler: Arc::clone(handler),
            stop: self.stop.clone(),
            abort: self.abort.clone(),
            tasks: self.tasks.clone(),
        });
        let _inside = runtime.enter();
        for socket in bound.sockets {
            let socket = TcpListener::from_std(socket)?;
            let accepting = Arc::clone(&acceptor).run(socket);
            self.tasks.spawn_on(accepting, runtime);
        }
        Ok(())
    }

    /// Takes no further connection or request, lets those in flight end for as long as `deadline`, and
    /// closes what is left then. Returns how many tasks had to be cut off.
    pub(crate) async fn shutdown(&self, deadline: Duration) -> usize {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(deadline, self.tasks.wait()).await.is_ok() {
            return 0;
        }
        let left = self.tasks.len();
        warn!(
            connections = left,
            "closing connections whose requests took longer than the shutdown allows"
        );
        self.abort.cancel();
        self.tasks.wait().await;
        left
    }
}

/// What accepting on one listener needs.
struct Acceptor<H> {
    listener: Listener,
    metrics: Arc<ListenerMetrics>,
    frame_limits: FrameLimits,
    budget: ByteBudget,
    connection_limits: Arc<ConnectionLimits>,
    next_connection: Arc<AtomicU64>,
    handler: Arc<H>,
    stop: CancellationToken,
    abort: CancellationToken,
    tasks: TaskTracker,
}

impl<H: Handler> Acceptor<H> {
    async fn run(self: Arc<Self>, socket: TcpListener) {
        let name = &self.listener.endpoint.name;
        if let Ok(address) = socket.local_addr() {
            debug!(listener = %name, %address, "accepting connections");
        }
        let mut stopped = std::pin::pin!(self.stop.cancelled());
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stopped => return,
                accepted = socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, client)) => self.admit(stream, client),
                Err(error) => {
                    warn!(listener = %name, %error, "a connection can't be accepted");
                    tokio::time::sleep(ACCEPT_BACKOFF).await;
                }
            }
        }
    }

    /// Starts to serve a connection, unless a limit is reached or the peer left already.
    fn admit(&self, stream: TcpStream, client: SocketAddr) {
        let name = &self.listener.endpoint.name;
        let slot = match self.connection_limits.admit(&self.listener, client.ip()) {
            Ok(slot) => slot,
            Err(limit) => {
                self.metrics.count_refused("too_many_connections");
                warn!(listener = %name, %client, "refusing connection: {limit}");
                return;
            }
        };
        if let Err(error) = prepare(&stream) {
            debug!(listener = %name, %client, %error, "connection ended before it was served");
            return;
        }
        let id = ConnectionId(self.next_connection.fetch_add(1, Ordering::Relaxed));
        let context = RequestContext::accepted(name.clone(), self.listener.protocol, client, id);
        let connection = Connection {
            stream,
            reader: FrameReader::new(self.frame_limits, self.budget.clone()),
            state: ConnectionState::new(context),
            handler: Arc::clone(&self.handler),
            metrics: Arc::clone(&self.metrics),
            frame_timeout: self.frame_limits.frame_timeout,
            _slot: slot,
        };
        let (stop, abort) = (self.stop.clone(), self.abort.clone());
        self.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = connection.run(stop) => {}
                () = abort.cancelled() => {}
            }
        });
    }
}

/// Replies leave at once, and a peer that vanished without a word is noticed in the end.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    SockRef::from(stream).set_keepalive(true)
}
