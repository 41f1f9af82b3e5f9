//! The data directories: there, writable, and this process' own.

use std::any::Any;
use std::io;
use std::path::{Path, PathBuf};

use taffrail_log::{Disk, LockError};

/// The file that is locked in each directory. The name is Kafka's, so that neither starts on a directory
/// that the other has in use.
const LOCK_FILE: &str = ".lock";

/// Why a data directory can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogDirError {
    /// The directory isn't there and can't be made.
    #[error("data directory {} can't be created", dir.display())]
    Create {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No file can be written there.
    #[error(
        "data directory {} can't be written to; choose another, or change its owner or mode",
        dir.display()
    )]
    NotWritable {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has it.
    #[error("data directory {} is in use by {holder}; stop it, or choose another directory", dir.display())]
    InUse {
        /// The directory.
        dir: PathBuf,
        /// The process, as well as it is known.
        holder: String,
    },
}

/// Data directories that are this process' own until this is dropped, or the process ends in whatever way.
#[must_use = "dropping it lets another process use the directories"]
pub(crate) struct LockedDirs {
    _locks: Vec<Box<dyn Any + Send + Sync>>,
}

impl LockedDirs {
    /// Makes the directories that are missing and locks them all, or fails at the first that can't be.
    pub(crate) fn acquire<'a, D: Disk>(
        disk: &D,
        dirs: impl IntoIterator<Item = &'a Path>,
    ) -> Result<Self, LogDirError> {
        let mut locks: Vec<Box<dyn Any + Send + Sync>> = Vec::new();
        for dir in dirs {
            locks.push(Box::new(lock_dir(disk, dir)?));
        }
        Ok(Self { _locks: locks })
    }
}

fn lock_dir<D: Disk>(disk: &D, dir: &Path) -> Result<D::Lock, LogDirError> {
    let owned = || dir.to_path_buf();
    disk.create_dir_durably(dir).map_err(|source| LogDirError::Create { dir: owned(), source })?;
    disk.lock_exclusive(&dir.join(LOCK_FILE)).map_err(|error| match error {
        LockError::Held { pid, .. } => LogDirError::InUse {
            dir: owned(),
            holder: match pid {
                Some(pid) => format!("process {pid}"),
                None => "another process".to_owned(),
            },
        },
        LockError::Io { source, .. } => LogDirError::NotWritable { dir: owned(), source },
    })
}

#[cfg(test)]
mod tests {
    use taffrail_testkit::{MemDisk, SeededRng};

    use super::*;

    #[test]
    fn directories_are_made_and_belong_to_one() {
        let disk = MemDisk::new();
        let dirs = [Path::new("/data/a"), Path::new("/data/b")];
        let locks = LockedDirs::acquire(&disk, dirs).unwrap();
        assert!(disk.exists(&dirs[1].join(LOCK_FILE)).unwrap());
        let error = LockedDirs::acquire(&disk, [dirs[1]]).err().unwrap().to_string();
        assert!(error.contains("/data/b is in use by"), "{error}");
        drop(locks);
        assert!(LockedDirs::acquire(&disk, dirs).is_ok());
    }

    #[test]
    fn a_directory_that_was_made_survives_the_loss_of_power() {
        for seed in 0..20 {
            let disk = MemDisk::new();
            let dir = Path::new("/volume/log");
            drop(LockedDirs::acquire(&disk, [dir]).unwrap());
            disk.crash(&mut SeededRng::new(seed));
            assert!(disk.exists(dir).unwrap(), "{seed}");
        }
    }
}
