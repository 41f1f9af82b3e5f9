//! Logs: one line an event, to standard error.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal};

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: a JSON object a line.
    Json,
}

/// Sends events to standard error from here on, and panics to the log before they unwind. `level` is a
/// level (`info`) or a filter by module (`info,taffrail::net=debug`).
///
/// # Errors
/// When `level` is neither, or logs were set up before.
pub(crate) fn init_logs(format: LogFormat, level: &str) -> anyhow::Result<()> {
    // A lone word that isn't a level would be taken for a module's name.
    let is_filter = level.contains(['=', ',']) || level.parse::<LevelFilter>().is_ok();
    let filter = EnvFilter::try_new(level).ok().filter(|_| is_filter).ok_or_else(|| {
        anyhow::anyhow!(
            "'{level}' is not a log level (error, warn, info, debug, trace) or a filter by module"
        )
    })?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let result = match format {
        LogFormat::Text => subscriber.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
    result.map_err(|error| anyhow::anyhow!("logs can't be set up: {error}"))?;
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let backtrace = Backtrace::capture();
        let backtrace = (backtrace.status() == BacktraceStatus::Captured).then_some(backtrace);
        let backtrace = backtrace.as_ref().map(tracing::field::display);
        tracing::error!(thread = thread.name(), backtrace, "{panic}");
    }));
    Ok(())
}
