//! The formatting itself, as Kafka's `Formatter` and `StorageTool` do it.

use std::path::{Path, PathBuf};

use taffrail_log::{Disk, LogDir, MetaProperties};
use taffrail_metadata::{BootstrapRecords, VersionedRecord};
use taffrail_model::{NodeId, Timestamp, Uuid};
use taffrail_quorum::snapshot::{BOOTSTRAP_SNAPSHOT_ID, Snapshot, file_name};
use taffrail_quorum::{KRAFT_VERSION, Voter, VoterEndpoint, VoterKey, VoterSet};

use super::FormatError;
use super::ensemble::Ensemble;
use crate::control::{BOOTSTRAP_FILE, CLUSTER_METADATA_DIR, QUORUM_STATE_FILE, write_snapshot};

/// What is to be formatted, and as what.
#[derive(Clone, Debug)]
pub struct FormatOptions {
    /// `log.dirs`, in their order.
    pub log_dirs: Vec<PathBuf>,
    /// `metadata.log.dir`: one of `log_dirs`, or a directory of its own.
    pub metadata_dir: PathBuf,
    /// The cluster's id.
    pub cluster_id: String,
    /// `node.id`.
    pub node_id: NodeId,
    /// The endpoints of this node's controller, which becomes the sole voter of a new quorum; `None` for a
    /// node that is only a broker.
    pub standalone_controller: Option<Vec<VoterEndpoint>>,
    /// The first records of the cluster's metadata: its features.
    pub bootstrap: BootstrapRecords,
    /// Leave formatted directories as they are, instead of refusing them.
    pub ignore_formatted: bool,
}

/// A directory that was formatted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormattedDir {
    /// The directory.
    pub path: PathBuf,
    /// Its new id.
    pub directory_id: Uuid,
}

/// What a format did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The directories that are formatted now.
    pub formatted: Vec<FormattedDir>,
    /// The directories that were before.
    pub left_alone: Vec<PathBuf>,
}

/// Formats directories. `random` gives 16 random bytes for each new directory's id.
///
/// # Errors
/// [`FormatError`]. Directories that were finished before the failure stay formatted; doing the same again
/// with [`FormatOptions::ignore_formatted`] goes on with the others.
pub fn format<D: Disk>(
    disk: &D,
    options: &FormatOptions,
    random: &mut dyn FnMut() -> [u8; 16],
    now: Timestamp,
) -> Result<Outcome, FormatError> {
    check_ids(options)?;
    let mut directories = options.log_dirs.clone();
    if !directories.contains(&options.metadata_dir) {
        directories.push(options.metadata_dir.clone());
    }
    let ensemble = Ensemble::load(disk, &directories)?;
    ensemble.verify(&options.cluster_id, options.node_id)?;
    let left_alone: Vec<PathBuf> =
        ensemble.formatted.iter().map(|(path, _)| path.clone()).collect();
    if let (false, Some(first)) = (options.ignore_formatted, left_alone.first()) {
        return Err(FormatError::AlreadyFormatted(first.clone()));
    }
    for path in &ensemble.unformatted {
        refuse_lost_properties(disk, path)?;
    }

    let mut used: Vec<Uuid> =
        ensemble.formatted.iter().filter_map(|(_, properties)| properties.directory_id).collect();
    let mut formatted = Vec::new();
    for path in ensemble.unformatted {
        let directory_id = new_directory_id(&used, random);
        used.push(directory_id);
        format_directory(disk, options, &path, directory_id, now)?;
        formatted.push(FormattedDir { path, directory_id });
    }
    Ok(Outcome { formatted, left_alone })
}

fn check_ids(options: &FormatOptions) -> Result<(), FormatError> {
    let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if options.cluster_id.is_empty() || !options.cluster_id.chars().all(usable) {
        return Err(FormatError::InvalidClusterId(options.cluster_id.clone()));
    }
    if options.node_id < 0 {
        return Err(FormatError::InvalidNodeId(options.node_id));
    }
    if options.log_dirs.is_empty() {
        return Err(FormatError::NoDirectories);
    }
    Ok(())
}

/// A node that took part in elections, lost its `meta.properties` and were given a new directory id would
/// no longer be the voter that its own log names.
fn refuse_lost_properties<D: Disk>(disk: &D, directory: &Path) -> Result<(), FormatError> {
    let quorum_state = directory.join(CLUSTER_METADATA_DIR).join(QUORUM_STATE_FILE);
    let has_voted =
        disk.exists(&quorum_state).map_err(FormatError::io("look for", &quorum_state))?;
    if has_voted {
        return Err(FormatError::MetadataWithoutProperties(directory.to_owned()));
    }
    Ok(())
}

fn format_directory<D: Disk>(
    disk: &D,
    options: &FormatOptions,
    directory: &Path,
    directory_id: Uuid,
    now: Timestamp,
) -> Result<(), FormatError> {
    disk.create_dir_durably(directory).map_err(FormatError::io("create", directory))?;
    if let (true, Some(endpoints)) =
        (directory == options.metadata_dir, &options.standalone_controller)
    {
        let key = VoterKey { id: options.node_id, directory_id };
        let voter = Voter::local(key, endpoints.clone());
        write_checkpoints(disk, options, directory, voter, now)?;
    }
    let properties = MetaProperties {
        cluster_id: options.cluster_id.clone(),
        node_id: options.node_id,
        directory_id: Some(directory_id),
    };
    LogDir::new(disk.clone(), directory).write_meta_properties(&properties)?;
    Ok(())
}

/// The two files that a controller begins with: who votes, and what the metadata log is to say first.
fn write_checkpoints<D: Disk>(
    disk: &D,
    options: &FormatOptions,
    directory: &Path,
    voter: Voter,
    now: Timestamp,
) -> Result<(), FormatError> {
    let log_dir = directory.join(CLUSTER_METADATA_DIR);
    disk.create_dir_all(&log_dir).map_err(FormatError::io("create", &log_dir))?;
    let voters = Snapshot {
        last_contained_log_timestamp: now,
        kraft_version: KRAFT_VERSION,
        voters: Some(VoterSet::new(vec![voter])),
        values: Vec::new(),
    };
    let path = log_dir.join(file_name(BOOTSTRAP_SNAPSHOT_ID));
    write_snapshot(disk, &path, BOOTSTRAP_SNAPSHOT_ID, &voters, now)?;
    let records = options.bootstrap.records().iter().cloned();
    let values = records
        .map(|record| VersionedRecord::new(record, options.bootstrap.features()).encode_value())
        .collect::<Result<_, _>>()
        .map_err(FormatError::Bootstrap)?;
    let bootstrap = Snapshot { values, ..Snapshot::default() };
    let path = directory.join(BOOTSTRAP_FILE);
    write_snapshot(disk, &path, BOOTSTRAP_SNAPSHOT_ID, &bootstrap, now)?;
    Ok(())
}

/// A random id that has no meaning yet: neither one of Kafka's reserved ids nor one of another directory.
fn new_directory_id(used: &[Uuid], random: &mut dyn FnMut() -> [u8; 16]) -> Uuid {
    loop {
        let id = Uuid::from_random(random());
        if !id.is_reserved() && !used.contains(&id) {
            return id;
        }
    }
}
