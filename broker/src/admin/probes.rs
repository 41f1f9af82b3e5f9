//! `/startupz`, `/healthz`, `/readyz` and `/metrics`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use crate::runtime::{NodeView, Phase};
use crate::telemetry::Metrics;

/// What Prometheus takes the text of [`Metrics::encode`] for.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A runtime that gave no sign of life for so long, ten signs, gives none.
const PULSE_AGE_MAX: Duration = Duration::from_secs(10);

/// Logs that `/startupz` names.
const NAMES_MAX: usize = 8;

/// What the answers are made of.
#[derive(Clone)]
pub(super) struct Probed {
    pub(super) view: Arc<NodeView>,
    pub(super) metrics: Arc<Metrics>,
}

pub(super) fn router(probed: Probed) -> Router {
    Router::new()
        .route("/startupz", get(startupz))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(probed)
}

/// The body of `/startupz`.
#[derive(Serialize)]
struct Progress {
    phase: String,
    logs_total: Option<u64>,
    logs_recovered: u64,
    bytes_recovered: u64,
    current: Vec<String>,
    elapsed_ms: u64,
}

/// Whether the logs are recovered and the metadata is loaded.
async fn startupz(State(probed): State<Probed>) -> impl IntoResponse {
    let recovery = probed.view.recovery.load(NAMES_MAX);
    let progress = Progress {
        phase: probed.view.phase().to_string(),
        logs_total: recovery.logs_total,
        logs_recovered: recovery.logs_recovered,
        bytes_recovered: recovery.bytes_recovered,
        current: recovery.current,
        elapsed_ms: u64::try_from(recovery.elapsed.as_millis()).unwrap_or(u64::MAX),
    };
    (ok_if(recovery.is_complete), Json(progress))
}

/// Whether the process does anything: recovering counts, and so does stopping.
async fn healthz(State(probed): State<Probed>) -> impl IntoResponse {
    alive(probed.view.pulse_age())
}

fn alive(pulse_age: Duration) -> (StatusCode, String) {
    if pulse_age < PULSE_AGE_MAX {
        return (StatusCode::OK, "ok\n".to_owned());
    }
    let seconds = pulse_age.as_secs();
    let text = format!("the threads that serve clients gave no sign of life for {seconds} s\n");
    (StatusCode::SERVICE_UNAVAILABLE, text)
}

/// Whether clients are served.
async fn readyz(State(probed): State<Probed>) -> impl IntoResponse {
    let view = &probed.view;
    let is_serving = view.is_serving();
    let text = match view.phase() {
        Phase::Ready if !is_serving => "fenced\n".to_owned(),
        phase => format!("{phase}\n"),
    };
    (ok_if(is_serving), text)
}

fn ok_if(condition: bool) -> StatusCode {
    if condition { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

async fn metrics(State(probed): State<Probed>) -> Result<impl IntoResponse, StatusCode> {
    let text = probed.metrics.encode().map_err(|error| {
        tracing::error!(%error, "metrics can't be written");
        StatusCode::INTERNAL_SERVER_ERROR
    })?;
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_without_a_pulse_is_dead() {
        assert_eq!(alive(Duration::from_secs(9)).0, StatusCode::OK);
        let (status, text) = alive(Duration::from_secs(11));
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(text.contains("no sign of life for 11 s"), "{text}");
    }
}
