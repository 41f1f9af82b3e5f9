//! `/healthz`, `/readyz` and `/metrics` over HTTP.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio_util::sync::CancellationToken;

use super::health::{Health, Phase};
use crate::telemetry::Metrics;

/// A scrape takes little stack.
const STACK_BYTES: usize = 512 * 1024;

/// What Prometheus takes the text of [`Metrics::encode`] for.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The HTTP server. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct AdminServer {
    /// Where it listens.
    pub(crate) local_addr: SocketAddr,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

/// The HTTP server can't start.
#[derive(Debug, thiserror::Error)]
#[error("health and metrics can't be served on {address} (taffrail.http.listen)")]
pub(crate) struct AdminServerError {
    address: SocketAddr,
    source: io::Error,
}

#[derive(Debug)]
struct Served {
    health: Arc<Health>,
    metrics: Arc<Metrics>,
}

impl AdminServer {
    /// Listens on `address` and serves from a thread of its own.
    pub(crate) fn start(
        address: SocketAddr,
        health: Arc<Health>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, AdminServerError> {
        Self::try_start(address, Served { health, metrics })
            .map_err(|source| AdminServerError { address, source })
    }

    fn try_start(address: SocketAddr, served: Served) -> io::Result<Self> {
        let socket = TcpListener::bind(address)?;
        socket.set_nonblocking(true)?;
        let local_addr = socket.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let thread = std::thread::Builder::new()
            .name("taffrail-http".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let result = runtime.block_on(async {
                    let socket = tokio::net::TcpListener::from_std(socket)?;
                    let served = axum::serve(socket, router(served)).into_future();
                    tokio::select! {
                        result = served => result,
                        () = stopped => Ok(()),
                    }
                });
                if let Err(error) = result {
                    tracing::error!(%error, "health and metrics are no longer served");
                }
            })?;
        Ok(Self { local_addr, stop, thread: Some(thread) })
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

fn router(served: Served) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(Arc::new(served))
}

/// Whether the process lives; it does whenever it answers.
async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether clients are served.
async fn readyz(State(served): State<Arc<Served>>) -> impl IntoResponse {
    let phase = served.health.phase();
    let status = match phase {
        Phase::Ready => StatusCode::OK,
        Phase::Starting | Phase::Stopping => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, format!("{phase}\n"))
}

async fn metrics(State(served): State<Arc<Served>>) -> Result<impl IntoResponse, StatusCode> {
    let text = served.metrics.encode().map_err(|error| {
        tracing::error!(%error, "metrics can't be written");
        StatusCode::INTERNAL_SERVER_ERROR
    })?;
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], text))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;

    fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn health_follows_the_node_and_metrics_are_listed() {
        let health = Arc::new(Health::starting());
        let metrics = Arc::new(Metrics::new());
        metrics.topics.messages_in.inc();
        let address = "127.0.0.1:0".parse().unwrap();
        let server = AdminServer::start(address, Arc::clone(&health), metrics).unwrap();
        let check = |path, status: &str, end: &str| {
            let answer = get(server.local_addr, path);
            assert!(answer.starts_with(status) && answer.ends_with(end), "{path}: {answer}");
        };
        check("/healthz", "HTTP/1.1 200", "\r\n\r\nok\n");
        check("/readyz", "HTTP/1.1 503", "\r\n\r\nstarting\n");
        health.enter(Phase::Ready);
        check("/readyz", "HTTP/1.1 200", "\r\n\r\nready\n");
        health.enter(Phase::Stopping);
        check("/readyz", "HTTP/1.1 503", "\r\n\r\nstopping\n");
        check("/metrics", "HTTP/1.1 200", "# EOF\n");
        check("/other", "HTTP/1.1 404", "");
        let text = get(server.local_addr, "/metrics");
        assert!(text.contains("openmetrics-text"), "{text}");
        assert!(text.contains("messagesin_total 1"), "{text}");
        assert!(text.contains("process_resident_memory_bytes"), "{text}");
    }

    #[test]
    fn a_taken_port_names_the_key() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let health = Arc::new(Health::starting());
        let error = AdminServer::start(address, health, Arc::new(Metrics::new())).unwrap_err();
        assert!(error.to_string().contains("taffrail.http.listen"), "{error}");
    }
}
