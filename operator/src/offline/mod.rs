//! What the operator's binary does without a cluster: `plan` says what the balancer would do with a model in a file,
//! `generate` writes such a model.
//!
//! All that decides is in `taffrail-balancer`. Here are flags, files, and three ways to write a plan down: as JSON,
//! which is the plan and nothing else; as a table; as a picture.

mod bands;
mod dimension;
#[cfg(test)]
mod fixture;
mod generate;
mod model_file;
mod output;
mod picture;
mod plain;
mod plan;
mod report;
mod request;
mod table;
mod thresholds;

use clap::error::ErrorKind;

pub use generate::GenerateArgs;
pub use plan::PlanArgs;

pub(crate) use generate::run as generate;
pub(crate) use plan::run as plan;

/// Flags that don't fit together. [`exit_on_misuse`] tells them from other failures.
fn usage(message: &str) -> anyhow::Error {
    clap::Error::raw(
        ErrorKind::ArgumentConflict,
        format!("{message}\n\nFor more information, try '--help'.\n"),
    )
    .into()
}

/// Ends the process as the command line's parser would if the failure is one of usage.
pub(crate) fn exit_on_misuse(outcome: anyhow::Result<()>) -> anyhow::Result<()> {
    match outcome.map_err(|error| error.downcast::<clap::Error>()) {
        Ok(()) => Ok(()),
        Err(Ok(misuse)) => misuse.exit(),
        Err(Err(error)) => Err(error),
    }
}
