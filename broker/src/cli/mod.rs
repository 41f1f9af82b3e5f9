//! The command line: what `taffrail` can be asked to do, a module for each command.

mod consume;
mod dev;
mod first_format;
mod group;
mod produce;
mod server;
mod storage;
mod topic;
mod version;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::telemetry::{LogFormat, init_logs};

/// A Kafka-compatible broker in one small binary
#[derive(Debug, Parser)]
#[command(name = "taffrail", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    logs: LogArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Args, Debug)]
struct LogArgs {
    /// How lines of the log look
    #[arg(long, global = true, value_enum, default_value_t, env = "TAFFRAIL_LOG_FORMAT")]
    log_format: LogFormat,
    /// What is logged: error, warn, info, debug, trace, or a filter by module such as
    /// info,taffrail::net=debug
    #[arg(long, global = true, default_value = "info", env = "TAFFRAIL_LOG_LEVEL")]
    log_level: String,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a broker for development, on this machine alone
    Dev(dev::Args),
    /// Start a node from a configuration file
    Server(server::Args),
    /// Prepare the directories of a node
    Storage(storage::Args),
    /// Create, list, describe, change and delete topics
    Topic(topic::Args),
    /// Write records to a topic
    Produce(produce::Args),
    /// Print the records of a topic
    Consume(consume::Args),
    /// List and describe groups
    Group(group::Args),
    /// Print the version
    Version,
}

/// Does what the arguments of the process say.
///
/// # Errors
/// What went wrong, for a person to read.
pub(crate) fn run() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let Some(command) = cli.command else {
        Cli::command().print_help()?;
        return Ok(());
    };
    init_logs(cli.logs.log_format, &cli.logs.log_level)?;
    match command {
        Command::Dev(args) => dev::run(args),
        Command::Server(args) => server::run(&args),
        Command::Storage(args) => storage::run(args),
        Command::Topic(args) => block_on(topic::run(args)),
        Command::Produce(args) => block_on(produce::run(args)),
        Command::Consume(args) => block_on(consume::run(args)),
        Command::Group(args) => block_on(group::run(args)),
        Command::Version => {
            version::run();
            Ok(())
        }
    }
}

/// Runs a command of the client; one thread is enough for a terminal.
fn block_on(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn log_options_may_stand_behind_the_command() {
        let cli = Cli::parse_from(["taffrail", "version", "--log-format", "json"]);
        assert_eq!(cli.logs.log_format, LogFormat::Json);
        assert!(Cli::parse_from(["taffrail"]).command.is_none());
    }
}
