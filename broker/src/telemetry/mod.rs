//! What the process tells about itself: logs and metrics.
//!
//! Owns the set-up of `tracing` and the registry of metrics. Serving them over HTTP is `admin`'s.

mod logs;
mod metrics;
mod process;

pub(crate) use logs::{LogFormat, init_logs};
pub(crate) use metrics::{ListenerMetrics, Metrics};
pub(crate) use process::ProcessUsage;
