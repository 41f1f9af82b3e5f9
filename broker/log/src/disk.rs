//! The only way from the rooms to files: a machine's file system behind two small traits.
//!
//! One [`Disk`] stands for one machine's file system. The shell implements it over the operating system,
//! the test kit in memory with faults, so that crashes, torn writes and full disks can be played from a seed.
//!
//! Architecture Invariant: nothing is durable before it was synced. Data counts after
//! [`DiskFile::sync_data`], a name (created, renamed or removed) after [`Disk::sync_dir`] of its directory.
//!
//! Deliberately absent: appending at "the end" and a file cursor. Every access names its position, so that
//! readers and the writer can share one handle.

use std::fmt;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};

/// How [`Disk::open`] treats a file that exists, and one that doesn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// Read an existing file.
    Read,
    /// Read and write an existing file.
    ReadWrite,
    /// Read and write, creating an empty file when there is none.
    Create,
    /// Read and write a new file; fails with [`io::ErrorKind::AlreadyExists`] when there is one.
    CreateNew,
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirEntry {
    /// The entry's name, without its directory. A name that isn't UTF-8 is left out of the listing.
    pub name: String,
    /// Whether the entry is a directory itself.
    pub is_dir: bool,
}

/// The room on a file system, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    /// The size of the file system.
    pub total_bytes: u64,
    /// What an ordinary process may still write.
    pub free_bytes: u64,
}

/// Why [`Disk::lock_exclusive`] gave no lock.
#[derive(Debug)]
pub enum LockError {
    /// Another process (or another lock of this one) holds it.
    Held {
        /// The lock file.
        path: PathBuf,
        /// The process that holds it, when it left its id in the file.
        pid: Option<u32>,
    },
    /// The lock file couldn't be opened or written.
    Io {
        /// The lock file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { path, pid: Some(pid) } => {
                write!(f, "{} is locked by process {pid}", path.display())
            }
            Self::Held { path, pid: None } => {
                write!(f, "{} is locked by another process", path.display())
            }
            Self::Io { path, .. } => write!(f, "cannot lock {}", path.display()),
        }
    }
}

impl std::error::Error for LockError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Held { .. } => None,
            Self::Io { source, .. } => Some(source),
        }
    }
}

/// A machine's file system. Clones are handles to the same one.
pub trait Disk: Clone + Send + Sync + 'static {
    /// An open file.
    type File: DiskFile;
    /// A held lock; dropping it lets go.
    type Lock: Send + Sync + 'static;

    /// Opens a file.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Self::File>;

    /// Renames a file or a directory within its directory, replacing a file of the new name, atomically.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file. Handles that are open on it stay usable.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes a directory and all that is in it.
    fn remove_dir_all(&self, path: &Path) -> io::Result<()>;

    /// Creates a directory and those above it, where they are missing.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;

    /// The entries of a directory, sorted by name.
    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>>;

    /// Whether there is a file or a directory of this name.
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// Makes the names in a directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Locks `path` (created when missing) against every other process, without waiting.
    fn lock_exclusive(&self, path: &Path) -> Result<Self::Lock, LockError>;

    /// The room on the file system that holds `path`.
    fn space(&self, path: &Path) -> io::Result<DiskSpace>;

    /// As [`create_dir_all`](Self::create_dir_all), and the name of each new directory is durable afterwards.
    fn create_dir_durably(&self, path: &Path) -> io::Result<()> {
        let mut new = Vec::new();
        for ancestor in path.ancestors() {
            // A relative path ends in the empty one: the working directory.
            if ancestor.as_os_str().is_empty() || self.exists(ancestor)? {
                break;
            }
            new.push(ancestor);
        }
        self.create_dir_all(path)?;
        for parent in new.iter().filter_map(|path| path.parent()) {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            self.sync_dir(parent)?;
        }
        Ok(())
    }

    /// Reads a whole file, which must not be larger than `limit_bytes`.
    fn read(&self, path: &Path, limit_bytes: u64) -> io::Result<Vec<u8>> {
        let file = self.open(path, OpenMode::Read)?;
        let len = file.len()?;
        if len > limit_bytes {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{} has {len} bytes, more than the {limit_bytes} expected", path.display()),
            ));
        }
        let mut content = vec![0; usize::try_from(len).map_err(io::Error::other)?];
        let read = file.read_at(&mut content, 0)?;
        content.truncate(read);
        Ok(content)
    }

    /// Replaces a small file so that a crash leaves the old content or the new: written to `<path>.tmp`,
    /// synced, renamed over `path`, and the directory synced.
    fn write_atomically(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".tmp");
        let temporary = PathBuf::from(temporary);
        let file = self.open(&temporary, OpenMode::Create)?;
        file.set_len(0)?;
        file.write_all_at(content, 0)?;
        file.sync_all()?;
        self.rename(&temporary, path)?;
        match path.parent() {
            Some(directory) => self.sync_dir(directory),
            None => Ok(()),
        }
    }
}

/// An open file. Every access names its position; several threads may share one handle.
pub trait DiskFile: Send + Sync + 'static {
    /// Fills `buffer` from `position` on and returns how many bytes there were: fewer than asked for only
    /// at the end of the file.
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `position`. After an error any part of them may have been written.
    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()>;

    /// Writes all `parts`, one behind the other, from `position` on, with as few system calls as possible.
    /// After an error any part of them may have been written.
    fn write_vectored_at(&self, parts: &[IoSlice<'_>], position: u64) -> io::Result<()>;

    /// The file's length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Cuts the file, or extends it with zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes content and length durable.
    fn sync_data(&self) -> io::Result<()>;

    /// Makes content, length and the file's attributes durable.
    fn sync_all(&self) -> io::Result<()>;

    /// Fills all of `buffer`, or fails with [`io::ErrorKind::UnexpectedEof`].
    fn read_exact_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        let read = self.read_at(buffer, position)?;
        if read == buffer.len() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}
