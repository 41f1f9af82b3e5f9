//! The thread that answers over HTTP and gRPC.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use taffrail_admin_api::REQUEST_BYTES_MAX;
use taffrail_admin_api::v1::node_server::NodeServer;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use super::incoming::Incoming;
use super::node_service::NodeService;
use super::probes::{self, Probed};
use crate::config::ServerConfig;
use crate::runtime::NodeView;
use crate::telemetry::Metrics;

/// A scrape takes little stack.
const STACK_BYTES: usize = 512 * 1024;
/// Threads for questions to the system that a sick disk may keep waiting.
const BLOCKING_THREADS: usize = 2;

/// Calls that one connection has answered at once; further ones wait.
const GRPC_CALLS_PER_CONNECTION: usize = 4;
const GRPC_STREAMS_PER_CONNECTION: u32 = 16;
const GRPC_HEADER_BYTES_MAX: u32 = 16 * 1024;
/// How long an answer may take to begin.
const GRPC_TIMEOUT: Duration = Duration::from_secs(30);
/// A peer that is silent for so long is asked whether it lives, and has as long again to answer.
const GRPC_KEEPALIVE: Duration = Duration::from_secs(20);
/// A connection ends after this time whatever it is at, so that nobody holds a place for ever.
const GRPC_CONNECTION_AGE: Duration = Duration::from_secs(600);
const GRPC_CONNECTION_AGE_GRACE: Duration = Duration::from_secs(30);

/// Both servers. They end when this is dropped.
#[derive(Debug)]
pub(crate) struct AdminServer {
    /// Where HTTP is served.
    pub(crate) http: Option<SocketAddr>,
    /// Where gRPC is served.
    pub(crate) grpc: Option<SocketAddr>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

/// The servers can't start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminServerError {
    /// HTTP has nowhere to listen.
    #[error("health and metrics can't be served on {address} (taffrail.http.listen)")]
    Http {
        /// The address of the configuration.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// gRPC has nowhere to listen.
    #[error("the node's gRPC can't be served on {address} (taffrail.grpc.listen)")]
    Grpc {
        /// The address of the configuration.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// There is no thread to be had.
    #[error("the thread for health and metrics can't be started")]
    Thread(#[source] io::Error),
}

impl AdminServer {
    /// Listens where the configuration says and serves from a thread of its own.
    pub(crate) fn start(
        config: &ServerConfig,
        view: &Arc<NodeView>,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, AdminServerError> {
        let http = config.http_listen.map(|address| {
            listen(address).map_err(|source| AdminServerError::Http { address, source })
        });
        let grpc = config.grpc_listen.map(|address| {
            listen(address).map_err(|source| AdminServerError::Grpc { address, source })
        });
        let (http, grpc) = (http.transpose()?, grpc.transpose()?);
        let address = |socket: &Option<(TcpListener, SocketAddr)>| {
            socket.as_ref().map(|(_, address)| *address)
        };
        let mut server = Self {
            http: address(&http),
            grpc: address(&grpc),
            stop: CancellationToken::new(),
            thread: None,
        };
        if http.is_none() && grpc.is_none() {
            return Ok(server);
        }
        let probed = Probed { view: Arc::clone(view), metrics: Arc::clone(metrics) };
        let service = NodeService::new(config, Arc::clone(view), Arc::clone(metrics));
        let (http, grpc) = (http.map(|(socket, _)| socket), grpc.map(|(socket, _)| socket));
        let stop = server.stop.clone();
        let thread = spawn(async move {
            tokio::join!(serve_http(http, probed, &stop), serve_grpc(grpc, service, &stop))
        });
        server.thread = Some(thread.map_err(AdminServerError::Thread)?);
        Ok(server)
    }
}

impl Drop for AdminServer {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic there was logged by the hook; there is nothing to add to it.
            let _ = thread.join();
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = TcpListener::bind(address)?;
    socket.set_nonblocking(true)?;
    let bound = socket.local_addr()?;
    Ok((socket, bound))
}

fn spawn<T>(serving: impl Future<Output = T> + Send + 'static) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build()?;
    std::thread::Builder::new().name("taffrail-admin".to_owned()).stack_size(STACK_BYTES).spawn(
        move || {
            runtime.block_on(serving);
            // What still waits for a sick disk must not keep the process from ending.
            runtime.shutdown_background();
        },
    )
}

async fn serve_http(socket: Option<TcpListener>, probed: Probed, stop: &CancellationToken) {
    let Some(socket) = socket else { return };
    let served = async {
        let socket = tokio::net::TcpListener::from_std(socket)?;
        axum::serve(Incoming::new(socket), probes::router(probed)).await
    };
    tokio::select! {
        Err(error) = served => tracing::error!(%error, "health and metrics are no longer served"),
        () = stop.cancelled() => {}
    }
}

async fn serve_grpc(socket: Option<TcpListener>, service: NodeService, stop: &CancellationToken) {
    let Some(socket) = socket else { return };
    let socket = match tokio::net::TcpListener::from_std(socket) {
        Ok(socket) => socket,
        Err(error) => {
            tracing::error!(%error, "the node's gRPC can't be served");
            return;
        }
    };
    let service = NodeServer::new(service).max_decoding_message_size(REQUEST_BYTES_MAX);
    let served = Server::builder()
        .timeout(GRPC_TIMEOUT)
        .concurrency_limit_per_connection(GRPC_CALLS_PER_CONNECTION)
        .max_concurrent_streams(GRPC_STREAMS_PER_CONNECTION)
        .http2_max_header_list_size(GRPC_HEADER_BYTES_MAX)
        .http2_keepalive_interval(Some(GRPC_KEEPALIVE))
        .http2_keepalive_timeout(Some(GRPC_KEEPALIVE))
        .max_connection_age(GRPC_CONNECTION_AGE)
        .max_connection_age_grace(GRPC_CONNECTION_AGE_GRACE)
        .add_service(service)
        .serve_with_incoming(Incoming::new(socket).into_stream());
    tokio::select! {
        Err(error) = served => tracing::error!(%error, "the node's gRPC is no longer served"),
        () = stop.cancelled() => {}
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::super::incoming::CONNECTIONS_MAX;
    use super::*;

    fn config(more: &[(&str, &str)]) -> ServerConfig {
        let mut properties: crate::config::Properties = [
            ("process.roles", "broker,controller"),
            ("node.id", "1"),
            ("log.dirs", "/never/made"),
            ("listeners", "PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0"),
            ("controller.listener.names", "CONTROLLER"),
            ("controller.quorum.bootstrap.servers", "127.0.0.1:0"),
            ("taffrail.http.listen", "127.0.0.1:0"),
        ]
        .into_iter()
        .collect();
        for (key, value) in more {
            properties.set(key, value);
        }
        ServerConfig::resolve(properties).unwrap()
    }

    fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn probes_follow_the_node_and_metrics_are_listed() {
        let config = config(&[]);
        let view = NodeView::starting(&config);
        let metrics = Arc::new(Metrics::new());
        metrics.topics.messages_in.inc();
        let server = AdminServer::start(&config, &view, &metrics).unwrap();
        let http = server.http.unwrap();
        let check = |path, status: &str, end: &str| {
            let answer = get(http, path);
            assert!(answer.starts_with(status) && answer.ends_with(end), "{path}: {answer}");
        };
        check("/healthz", "HTTP/1.1 200", "\r\n\r\nok\n");
        check("/readyz", "HTTP/1.1 503", "\r\n\r\nstarting\n");
        let answer = get(http, "/startupz");
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(answer.contains(r#""phase":"starting","logs_total":null,"logs_recovered":0"#));
        view.set_ready();
        // No controller has said anything yet.
        check("/readyz", "HTTP/1.1 503", "\r\n\r\nfenced\n");
        view.set_stopping();
        check("/readyz", "HTTP/1.1 503", "\r\n\r\nstopping\n");
        check("/healthz", "HTTP/1.1 200", "ok\n");
        check("/metrics", "HTTP/1.1 200", "# EOF\n");
        check("/other", "HTTP/1.1 404", "");
        let text = get(http, "/metrics");
        assert!(text.contains("openmetrics-text"), "{text}");
        assert!(text.contains("messagesin_total 1"), "{text}");
        assert!(text.contains("process_resident_memory_bytes"), "{text}");
    }

    #[test]
    fn who_does_nothing_makes_room_for_a_probe() {
        let config = config(&[("taffrail.grpc.listen", "127.0.0.1:0")]);
        let view = NodeView::starting(&config);
        let server = AdminServer::start(&config, &view, &Arc::new(Metrics::new())).unwrap();
        for address in [server.http.unwrap(), server.grpc.unwrap()] {
            let idle: Vec<TcpStream> =
                (0..=CONNECTIONS_MAX).map(|_| TcpStream::connect(address).unwrap()).collect();
            // A limit for a test that fails, and no measure of anything.
            idle[0].set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            // What the protocol says at first may come before the end.
            let ended = (&idle[0]).read_to_end(&mut Vec::new()).map_err(|error| error.kind());
            assert!(matches!(ended, Ok(_) | Err(io::ErrorKind::ConnectionReset)), "{ended:?}");
        }
        assert!(get(server.http.unwrap(), "/healthz").starts_with("HTTP/1.1 200"));
    }

    #[test]
    fn a_taken_port_names_the_key() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        for key in ["taffrail.http.listen", "taffrail.grpc.listen"] {
            let config = config(&[(key, &address)]);
            let view = NodeView::starting(&config);
            let error = AdminServer::start(&config, &view, &Arc::new(Metrics::new())).unwrap_err();
            assert!(error.to_string().contains(key), "{error}");
        }
    }
}
