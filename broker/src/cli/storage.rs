//! `taffrail storage`: a node's directories get their ids, and a new cluster its first metadata.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use taffrail_metadata::{BootstrapRecords, MetadataVersion};
use taffrail_model::{Timestamp, Uuid};
use taffrail_node::format::{FormatOptions, Outcome, format};

use super::server::ConfigArgs;
use crate::config::{LockedDirs, ServerConfig};
use crate::runtime::OsDisk;

/// Prepare the directories of a node
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Give the directories of a node to a cluster; done once, before the first start
    Format(FormatArgs),
    /// Print a random id, for a new cluster
    RandomUuid,
}

#[derive(clap::Args, Debug)]
struct FormatArgs {
    /// The cluster's id, the same for all its nodes; `taffrail storage random-uuid` prints one
    #[arg(long, short = 't', value_name = "ID")]
    cluster_id: String,
    /// Leave directories that are formatted as they are, and format the others
    #[arg(long, short = 'g')]
    ignore_formatted: bool,
    /// The version of the cluster's metadata, such as 4.3-IV0; by default the newest
    #[arg(long, short = 'r', value_name = "VERSION", value_parser = metadata_version)]
    release_version: Option<MetadataVersion>,
    #[command(flatten)]
    config: ConfigArgs,
}

fn metadata_version(name: &str) -> Result<MetadataVersion, String> {
    let newest = MetadataVersion::LATEST.name();
    MetadataVersion::from_name(name).ok_or_else(|| {
        format!("no metadata version of that name is supported; the newest is {newest}")
    })
}

/// Runs the command.
pub(super) fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::RandomUuid => {
            println!("{}", random_uuid());
            Ok(())
        }
        Command::Format(args) => {
            let config = args.config.resolve()?;
            let version = args.release_version.unwrap_or(MetadataVersion::LATEST);
            let outcome = format_node(&config, &args.cluster_id, version, args.ignore_formatted)?;
            for dir in outcome.formatted {
                println!(
                    "Formatted {} for cluster {} (metadata.version {}, directory id {}).",
                    dir.path.display(),
                    args.cluster_id,
                    version.name(),
                    dir.directory_id
                );
            }
            for path in outcome.left_alone {
                println!("{} is formatted already.", path.display());
            }
            Ok(())
        }
    }
}

/// An id that nobody else has.
pub(super) fn random_uuid() -> Uuid {
    Uuid::from_random(rand::random())
}

/// Formats the directories of a node, while no other process can use them. A controller becomes the
/// only voter of its cluster.
pub(super) fn format_node(
    config: &ServerConfig,
    cluster_id: &str,
    version: MetadataVersion,
    ignore_formatted: bool,
) -> anyhow::Result<Outcome> {
    let _locks = LockedDirs::acquire(&OsDisk, config.directories())?;
    format_locked(config, cluster_id, version, ignore_formatted)
}

/// As [`format_node`], for a caller that holds the locks.
pub(super) fn format_locked(
    config: &ServerConfig,
    cluster_id: &str,
    version: MetadataVersion,
    ignore_formatted: bool,
) -> anyhow::Result<Outcome> {
    let mut log_dirs: Vec<PathBuf> = config.directories().map(Into::into).collect();
    // First, so that wherever a format is interrupted no other directory waits for its metadata.
    log_dirs.sort_by_key(|directory| *directory != config.metadata_dir);
    let endpoints = config.listeners.controller_endpoints();
    let options = FormatOptions {
        log_dirs,
        metadata_dir: config.metadata_dir.clone(),
        cluster_id: cluster_id.to_owned(),
        node_id: config.node_id,
        standalone_controller: config.roles.controller.then_some(endpoints),
        bootstrap: BootstrapRecords::of_release(version),
        ignore_formatted,
    };
    format(&OsDisk, &options, &mut rand::random, wall_clock())
        .context("the directories can't be formatted")
}

/// Milliseconds since 1970; a clock before that counts as 1970.
fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp::try_from(since.as_millis()).unwrap_or(Timestamp::MAX)
}
