//! The operator's own endpoints: whether it lives, whether it is ready, what it counts.
//!
//! Ready means that it knows what there is to know; one that stands by for the lease is as ready as the
//! one that acts, else a rollout of the operator would wait for ever.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::stores::Stores;

/// What Prometheus takes.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone)]
struct Endpoints {
    stores: Stores,
    metrics: Metrics,
}

/// Serves `/healthz`, `/readyz` and `/metrics` until `shutdown`.
///
/// # Errors
/// If the listener fails.
pub async fn serve(
    listener: TcpListener,
    stores: Stores,
    metrics: Metrics,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let endpoints = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(count))
        .with_state(Endpoints { stores, metrics });
    axum::serve(listener, endpoints).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

async fn ready(State(endpoints): State<Endpoints>) -> (StatusCode, &'static str) {
    if endpoints.stores.is_synced() {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not every kind has been listed yet\n")
    }
}

async fn count(State(endpoints): State<Endpoints>) -> Response {
    match endpoints.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
