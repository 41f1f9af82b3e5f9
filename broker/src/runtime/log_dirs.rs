//! What lies in the log dirs of this node, for who asks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use taffrail_log::{Disk, DiskSpace};

use super::broker::Broker;
use super::partition_cell::PartitionCell;

/// A log dir as it is at one moment.
pub(crate) struct LogDir {
    /// Where it is, from the root.
    pub(crate) path: PathBuf,
    /// The room on its volume; `None` when the dir failed.
    pub(crate) space: Option<DiskSpace>,
    /// What lies in it.
    pub(crate) partitions: Vec<Arc<PartitionCell>>,
}

impl Broker {
    /// The log dirs of this node.
    pub(crate) fn log_dirs(&self) -> Vec<LogDir> {
        let offline = self.storage.offline();
        let ids = self.storage.ids().into_iter().enumerate();
        ids.filter_map(|(dir, id)| {
            let path = self.storage.path(dir)?;
            let space = if offline.contains(&id) { None } else { self.space(path) };
            Some(LogDir {
                path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
                space,
                partitions: self.partitions.of_dir(dir),
            })
        })
        .collect()
    }

    fn space(&self, path: &Path) -> Option<DiskSpace> {
        let warn = |error: &std::io::Error| {
            tracing::warn!(path = %path.display(), %error, "the room in a log dir can't be told");
        };
        self.storage.disk().space(path).inspect_err(warn).ok()
    }
}
