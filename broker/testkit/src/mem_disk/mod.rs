//! A file system in memory that can lose power.
//!
//! It keeps apart what programs see and what is durable: bytes by sectors of 512, names by directory. A crash
//! ([`MemDisk::crash`]) keeps what was synced and, of the rest, whatever the seed says: some sectors, some
//! length, some of the latest names. [`MemDisk::fail_at`] strikes the n-th operation.
//!
//! Architecture Invariant: what was synced survives every crash; the same seed gives the same crash.
//!
//! Deliberately absent: permissions, links, time stamps, renaming from one directory to another.

mod content;
mod directory;
mod faults;

use std::collections::BTreeSet;
use std::io::{self, IoSlice};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use taffrail_log::{DirEntry, Disk, DiskFile, DiskSpace, LockError, OpenMode};

use self::content::Content;
use self::directory::{Directory, Node};
pub use self::faults::Fault;
use self::faults::{Faults, Need};
use crate::SeededRng;

/// The size of a disk that was given none.
const DEFAULT_CAPACITY_BYTES: u64 = 1 << 40;
/// The process that [`MemLock`] names as its holder.
const HOLDER_PID: u32 = 1;

/// A machine's file system in memory. Clones are handles to the same one.
#[derive(Clone, Debug, Default)]
pub struct MemDisk {
    state: Arc<Mutex<State>>,
}

/// An open file of a [`MemDisk`]. It fails after a crash or a kill, as its process is gone.
#[derive(Debug)]
pub struct MemFile {
    content: Arc<Mutex<Content>>,
    disk: MemDisk,
    /// The life of the process that opened it.
    life: u64,
    is_writable: bool,
}

/// A lock of a [`MemDisk`]; dropping it lets go.
#[derive(Debug)]
pub struct MemLock {
    disk: MemDisk,
    path: PathBuf,
    life: u64,
}

#[derive(Debug, Default)]
struct State {
    root: Directory,
    faults: Faults,
    capacity_bytes: Option<u64>,
    locks: BTreeSet<PathBuf>,
    /// Rises with each crash and kill.
    life: u64,
}

impl MemDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many operations there were so far; the next one has this number.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state.lock().faults.operations()
    }

    /// Lets the operation of this number (see [`MemDisk::operations`]) fail.
    pub fn fail_at(&self, operation: u64, fault: Fault) {
        self.state.lock().faults.plan(operation, fault);
    }

    /// Limits the bytes in all files together; what goes past them fails as [`Fault::NoSpace`] does.
    pub fn set_capacity(&self, capacity_bytes: Option<u64>) {
        self.state.lock().capacity_bytes = capacity_bytes;
    }

    /// Whether a planned [`Fault::Crash`] has struck, so that nothing works until the next start.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.state.lock().faults.is_down()
    }

    /// Makes everything durable, as the operating system does when it is left in peace.
    pub fn settle(&self) {
        self.state.lock().root.settle();
    }

    /// Cuts the power and starts again: unsynced bytes and names survive as the generator says. Open files
    /// and locks are gone, planned faults are forgotten.
    pub fn crash(&self, rng: &mut SeededRng) {
        let mut state = self.state.lock();
        state.root.crash(rng);
        state.start_again();
    }

    /// Kills the process and starts it again: all that was written stays, for the operating system has it.
    /// Open files and locks are gone, planned faults are forgotten.
    pub fn kill(&self) {
        self.state.lock().start_again();
    }

    /// Runs one operation under the lock, unless a fault strikes it.
    fn operate<T>(
        &self,
        need: Need,
        operation: impl FnOnce(&mut State) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.state.lock();
        match state.faults.strike(need) {
            None => operation(&mut state),
            Some(fault) => Err(fault.into()),
        }
    }
}

impl State {
    fn start_again(&mut self) {
        self.life += 1;
        self.locks.clear();
        self.faults.restart();
    }

    fn node(&self, path: &Path) -> io::Result<Node> {
        let (parent, name) = split(path)?;
        self.in_directory(&parent, |directory| directory.get(&name))?.ok_or_else(|| not_found(path))
    }

    /// Runs `action` on the directory of this path.
    fn in_directory<T>(
        &self,
        names: &[String],
        action: impl FnOnce(&Directory) -> T,
    ) -> io::Result<T> {
        let Some((first, rest)) = names.split_first() else { return Ok(action(&self.root)) };
        let mut directory = child_directory(&self.root, first)?;
        for name in rest {
            let child = child_directory(&directory.lock(), name)?;
            directory = child;
        }
        let directory = directory.lock();
        Ok(action(&directory))
    }

    /// As [`Self::in_directory`], for changes.
    fn change_directory<T>(
        &mut self,
        names: &[String],
        action: impl FnOnce(&mut Directory) -> T,
    ) -> io::Result<T> {
        let Some((first, rest)) = names.split_first() else { return Ok(action(&mut self.root)) };
        let mut directory = child_directory(&self.root, first)?;
        for name in rest {
            let child = child_directory(&directory.lock(), name)?;
            directory = child;
        }
        let mut directory = directory.lock();
        Ok(action(&mut directory))
    }

    fn free_bytes(&self) -> u64 {
        match self.capacity_bytes {
            Some(capacity) => capacity.saturating_sub(self.root.used_bytes()),
            None => DEFAULT_CAPACITY_BYTES,
        }
    }
}

impl Disk for MemDisk {
    type File = MemFile;
    type Lock = MemLock;

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<MemFile> {
        let need = if matches!(mode, OpenMode::Create | OpenMode::CreateNew) {
            Need::Room
        } else {
            Need::Nothing
        };
        self.operate(need, |state| {
            let content = match (state.node(path), mode) {
                (Ok(_), OpenMode::CreateNew) => return Err(io::ErrorKind::AlreadyExists.into()),
                (Ok(Node::File(content)), _) => content,
                (Ok(Node::Directory(_)), _) => return Err(io::ErrorKind::IsADirectory.into()),
                (Err(error), OpenMode::Read | OpenMode::ReadWrite) => return Err(error),
                (Err(_), OpenMode::Create | OpenMode::CreateNew) => {
                    let (parent, name) = split(path)?;
                    let content = Arc::new(Mutex::new(Content::default()));
                    let node = Node::File(Arc::clone(&content));
                    state.change_directory(&parent, |directory| directory.insert(&name, node))?;
                    content
                }
            };
            let is_writable = mode != OpenMode::Read;
            Ok(MemFile { content, disk: self.clone(), life: state.life, is_writable })
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.operate(Need::Room, |state| {
            let (parent, old_name) = split(from)?;
            let (new_parent, new_name) = split(to)?;
            if parent != new_parent {
                return Err(io::ErrorKind::CrossesDevices.into());
            }
            state.node(from)?;
            if let Ok(Node::Directory(target)) = state.node(to)
                && target.lock().iter().next().is_some()
            {
                return Err(io::ErrorKind::DirectoryNotEmpty.into());
            }
            state.change_directory(&parent, |directory| directory.rename(&old_name, &new_name))
        })
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.operate(Need::Nothing, |state| match state.node(path)? {
            Node::Directory(_) => Err(io::ErrorKind::IsADirectory.into()),
            Node::File(_) => {
                let (parent, name) = split(path)?;
                state.change_directory(&parent, |directory| directory.remove(&name))
            }
        })
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        self.operate(Need::Nothing, |state| match state.node(path)? {
            Node::File(_) => Err(io::ErrorKind::NotADirectory.into()),
            Node::Directory(directory) => {
                remove_all(&mut directory.lock());
                let (parent, name) = split(path)?;
                state.change_directory(&parent, |directory| directory.remove(&name))
            }
        })
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.operate(Need::Room, |state| {
            let names = names_of(path)?;
            for depth in 0..names.len() {
                let (parent, name) = (&names[..depth], &names[depth]);
                match state.in_directory(parent, |directory| directory.get(name))? {
                    Some(Node::Directory(_)) => {}
                    Some(Node::File(_)) => return Err(io::ErrorKind::AlreadyExists.into()),
                    None => {
                        let node = Node::Directory(Arc::default());
                        state.change_directory(parent, |directory| directory.insert(name, node))?;
                    }
                }
            }
            Ok(())
        })
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.operate(Need::Nothing, |state| {
            state.in_directory(&names_of(path)?, |directory| {
                directory
                    .iter()
                    .map(|(name, node)| DirEntry {
                        name: name.clone(),
                        is_dir: matches!(node, Node::Directory(_)),
                    })
                    .collect()
            })
        })
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.operate(Need::Nothing, |state| {
            Ok(names_of(path)?.is_empty() || state.node(path).is_ok())
        })
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.operate(Need::Nothing, |state| {
            state.change_directory(&names_of(path)?, Directory::sync)
        })
    }

    fn lock_exclusive(&self, path: &Path) -> Result<MemLock, LockError> {
        self.open(path, OpenMode::Create)
            .map_err(|source| LockError::Io { path: path.to_owned(), source })?;
        let mut state = self.state.lock();
        if state.locks.insert(path.to_owned()) {
            Ok(MemLock { disk: self.clone(), path: path.to_owned(), life: state.life })
        } else {
            Err(LockError::Held { path: path.to_owned(), pid: Some(HOLDER_PID) })
        }
    }

    fn space(&self, _path: &Path) -> io::Result<DiskSpace> {
        self.operate(Need::Nothing, |state| {
            let total_bytes = state.capacity_bytes.unwrap_or(DEFAULT_CAPACITY_BYTES);
            Ok(DiskSpace { total_bytes, free_bytes: state.free_bytes() })
        })
    }
}

impl MemFile {
    fn operate<T>(
        &self,
        operation: impl FnOnce(&mut State, &mut Content) -> io::Result<T>,
    ) -> io::Result<T> {
        self.disk.operate(Need::Nothing, |state| {
            self.check_alive(state)?;
            operation(state, &mut self.content.lock())
        })
    }

    fn check_alive(&self, state: &State) -> io::Result<()> {
        if self.life == state.life {
            Ok(())
        } else {
            Err(io::Error::other("the process that opened this file is gone"))
        }
    }

    /// Writes as much as faults and room allow.
    fn write(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        if !self.is_writable {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let position = usize::try_from(position).map_err(io::Error::other)?;
        let mut state = self.disk.state.lock();
        self.check_alive(&state)?;
        let was_down = state.faults.is_down();
        let struck = state.faults.strike(Need::Room);
        // The content's own lock is taken after this: `free_bytes` looks into every file.
        let free_bytes = usize::try_from(state.free_bytes()).unwrap_or(usize::MAX);
        let mut content = self.content.lock();
        let room = content.len().saturating_add(free_bytes).saturating_sub(position);
        let (count, fault) = match struck {
            // A crash in the middle of a write is the whole write, of which the restart then keeps a part.
            Some(Fault::Crash) if was_down => (0, Some(Fault::Crash)),
            Some(Fault::Crash) => (bytes.len(), Some(Fault::Crash)),
            Some(fault) => (bytes.len() / 2, Some(fault)),
            None if bytes.len() > room => (room, Some(Fault::NoSpace)),
            None => (bytes.len(), None),
        };
        if count > 0 {
            content.write(&bytes[..count], position);
        }
        fault.map_or(Ok(()), |fault| Err(fault.into()))
    }
}

impl DiskFile for MemFile {
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        let position = usize::try_from(position).map_err(io::Error::other)?;
        self.operate(|_, content| Ok(content.read(buffer, position)))
    }

    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        self.write(bytes, position)
    }

    fn write_vectored_at(&self, parts: &[IoSlice<'_>], position: u64) -> io::Result<()> {
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        self.write(&bytes, position)
    }

    fn len(&self) -> io::Result<u64> {
        self.operate(|_, content| Ok(content.len() as u64))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).map_err(io::Error::other)?;
        self.operate(|_, content| {
            content.set_len(len);
            Ok(())
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.operate(|_, content| {
            content.sync();
            Ok(())
        })
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync_data()
    }
}

impl Drop for MemLock {
    fn drop(&mut self) {
        let mut state = self.disk.state.lock();
        if state.life == self.life {
            state.locks.remove(&self.path);
        }
    }
}

fn remove_all(directory: &mut Directory) {
    let children: Vec<(String, Node)> =
        directory.iter().map(|(name, node)| (name.clone(), node.clone())).collect();
    for (name, node) in children {
        if let Node::Directory(child) = node {
            remove_all(&mut child.lock());
        }
        directory.remove(&name);
    }
}

fn child_directory(parent: &Directory, name: &str) -> io::Result<Arc<Mutex<Directory>>> {
    match parent.get(name) {
        Some(Node::Directory(directory)) => Ok(directory),
        Some(Node::File(_)) => Err(io::ErrorKind::NotADirectory.into()),
        None => Err(not_found(Path::new(name))),
    }
}

fn not_found(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{} doesn't exist", path.display()))
}

/// A path as the names from the root down.
fn names_of(path: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => {
                names.push(name.to_str().ok_or(io::ErrorKind::InvalidFilename)?.to_owned());
            }
            Component::ParentDir => return Err(io::ErrorKind::InvalidFilename.into()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    Ok(names)
}

/// A path as its directory's names and its own.
fn split(path: &Path) -> io::Result<(Vec<String>, String)> {
    let mut names = names_of(path)?;
    let name = names.pop().ok_or(io::ErrorKind::InvalidFilename)?;
    Ok((names, name))
}
