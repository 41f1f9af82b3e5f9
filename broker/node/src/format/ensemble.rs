//! The directories of one node, as their `meta.properties` describe them.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use taffrail_log::{Disk, LogDir, MetaProperties};
use taffrail_model::{NodeId, Uuid};

use super::FormatError;

/// Formatted directories of one node, all of one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogDirs {
    /// The cluster's id.
    pub cluster_id: String,
    /// The directories with their ids, in the order that they were given in.
    pub directory_ids: Vec<(PathBuf, Uuid)>,
}

impl LogDirs {
    /// The id of a directory.
    #[must_use]
    pub fn directory_id(&self, directory: &Path) -> Option<Uuid> {
        self.directory_ids.iter().find(|(path, _)| path == directory).map(|(_, id)| *id)
    }
}

/// Checks at start that every directory is formatted, belongs to this node and to one cluster, and has an
/// id that no other has.
///
/// # Errors
/// [`FormatError`], which names the directory and the way out.
pub fn verify_formatted<D: Disk>(
    disk: &D,
    node_id: NodeId,
    directories: &[PathBuf],
) -> Result<LogDirs, FormatError> {
    let mut ensemble = Ensemble::load(disk, directories)?;
    if let Some(unformatted) = ensemble.unformatted.pop_front() {
        return Err(FormatError::NotFormatted(unformatted));
    }
    let (_, first) = ensemble.formatted.first().ok_or(FormatError::NoDirectories)?;
    let cluster_id = first.cluster_id.clone();
    ensemble.verify(&cluster_id, node_id)?;
    let directory_ids = ensemble
        .formatted
        .into_iter()
        .map(|(path, properties)| match properties.directory_id {
            Some(id) => Ok((path, id)),
            None => Err(FormatError::NoDirectoryId(path)),
        })
        .collect::<Result<_, _>>()?;
    Ok(LogDirs { cluster_id, directory_ids })
}

/// What is found in the directories, formatted or not.
pub(super) struct Ensemble {
    pub(super) formatted: Vec<(PathBuf, MetaProperties)>,
    pub(super) unformatted: VecDeque<PathBuf>,
}

impl Ensemble {
    pub(super) fn load<D: Disk>(disk: &D, directories: &[PathBuf]) -> Result<Self, FormatError> {
        let mut ensemble = Self { formatted: Vec::new(), unformatted: VecDeque::new() };
        for path in directories {
            match LogDir::new(disk.clone(), path).meta_properties()? {
                Some(properties) => ensemble.formatted.push((path.clone(), properties)),
                None => ensemble.unformatted.push_back(path.clone()),
            }
        }
        Ok(ensemble)
    }

    /// Checks that what is formatted belongs to this cluster and node, and that no id occurs twice.
    pub(super) fn verify(&self, cluster_id: &str, node_id: NodeId) -> Result<(), FormatError> {
        for (index, (path, properties)) in self.formatted.iter().enumerate() {
            if properties.cluster_id != cluster_id {
                return Err(FormatError::ClusterIdMismatch {
                    path: path.clone(),
                    found: properties.cluster_id.clone(),
                    expected: cluster_id.to_owned(),
                });
            }
            if properties.node_id != node_id {
                return Err(FormatError::NodeIdMismatch {
                    path: path.clone(),
                    found: properties.node_id,
                    expected: node_id,
                });
            }
            let same_id = self.formatted.iter().take(index).find(|(_, other)| {
                other.directory_id.is_some() && other.directory_id == properties.directory_id
            });
            if let Some((first, _)) = same_id {
                return Err(FormatError::DuplicateDirectoryId {
                    first: first.clone(),
                    second: path.clone(),
                });
            }
        }
        Ok(())
    }
}
