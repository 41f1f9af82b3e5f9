//! A segment's indexes: files of sorted entries of fixed size, never checksummed, always rebuildable.
//!
//! New entries stay in memory until there are [`ENTRIES_HELD_MAX`], or until the segment is synced, so that
//! an append costs no second write. After an unclean stop the index of every segment that may have lost
//! entries is rebuilt, so nothing depends on them.
//!
//! Architecture Invariant: keys and offsets in an index never go down. An index is a hint: whoever follows an
//! entry into the log checks what is there.

mod entry;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;
use taffrail_model::Offset;

pub use self::entry::AbortedTxn;
pub(crate) use self::entry::{IndexEntry, OffsetEntry, TimeEntry};
use crate::disk::{Disk, DiskFile, OpenMode};

/// The entries that wait in memory for a write.
const ENTRIES_HELD_MAX: usize = 512;
/// The entries that a search reads at once when it has come this close.
const ENTRIES_READ_AT_ONCE: u64 = 128;

/// One index file.
pub(crate) struct Index<D: Disk, E> {
    disk: D,
    path: PathBuf,
    base_offset: Offset,
    state: RwLock<State<D::File, E>>,
    /// No more is written. Changed and read only by whoever holds `state` for writing.
    is_retired: AtomicBool,
}

enum State<F, E> {
    /// The file, if there is one, hasn't been looked at yet.
    Unopened,
    Open(Open<F, E>),
}

struct Open<F, E> {
    /// Missing as long as there was nothing to write.
    file: Option<Arc<F>>,
    entries_in_file: u64,
    held: Vec<E>,
    last: Option<E>,
}

impl<D: Disk, E: IndexEntry> Index<D, E> {
    /// The index of a segment that is new: nothing is read, and nothing written until there is a need.
    pub(crate) fn new_empty(disk: D, path: PathBuf, base_offset: Offset) -> Self {
        let open = Open { file: None, entries_in_file: 0, held: Vec::new(), last: None };
        Self::with_state(disk, path, base_offset, State::Open(open))
    }

    /// The index of a segment that was there before; its file is opened at the first use.
    pub(crate) fn existing(disk: D, path: PathBuf, base_offset: Offset) -> Self {
        Self::with_state(disk, path, base_offset, State::Unopened)
    }

    fn with_state(disk: D, path: PathBuf, base_offset: Offset, state: State<D::File, E>) -> Self {
        let state = RwLock::new(state);
        Self { disk, path, base_offset, state, is_retired: AtomicBool::new(false) }
    }

    /// The number of entries.
    pub(crate) fn len(&self) -> io::Result<u64> {
        self.read(|open| Ok(open.len()))
    }

    /// The last entry.
    pub(crate) fn last(&self) -> io::Result<Option<E>> {
        self.read(|open| Ok(open.last))
    }

    /// The last entry whose key is not greater than `key`.
    pub(crate) fn lookup(&self, key: i64) -> io::Result<Option<E>> {
        self.read(|open| {
            let index = open.count_while(self.base_offset, |entry| entry.key() <= key)?;
            match index.checked_sub(1) {
                None => Ok(None),
                Some(last) => open.get(last, self.base_offset),
            }
        })
    }

    /// All entries, in order.
    pub(crate) fn all(&self) -> io::Result<Vec<E>> {
        self.read(|open| {
            let mut entries = open.read_from_file(0, open.entries_in_file, self.base_offset)?;
            entries.extend_from_slice(&open.held);
            Ok(entries)
        })
    }

    /// Adds an entry in memory. A full disk is no reason to fail here: entries then wait for the next sync.
    pub(crate) fn push(&self, entry: E) -> io::Result<()> {
        self.change(|open| {
            open.held.push(entry);
            open.last = Some(entry);
            if open.held.len() >= ENTRIES_HELD_MAX {
                // Whether it worked or not, nothing is lost: entries leave memory once they are written.
                let _written_or_held = self.write_held(open);
            }
            Ok(())
        })
    }

    /// Drops the entries that point to `offset` or past it.
    pub(crate) fn truncate_to(&self, offset: Offset) -> io::Result<()> {
        self.change(|open| {
            let kept = open.count_while(self.base_offset, |entry| entry.offset() < offset)?;
            open.truncate(kept)?;
            open.last = match kept.checked_sub(1) {
                None => None,
                Some(last) => open.get(last, self.base_offset)?,
            };
            Ok(())
        })
    }

    /// Drops all entries, and whatever else is in the file.
    pub(crate) fn clear(&self) -> io::Result<()> {
        let mut state = self.state.write();
        let file = match &*state {
            State::Open(open) => open.file.clone(),
            State::Unopened => open_if_exists(&self.disk, &self.path)?.map(Arc::new),
        };
        if let Some(file) = &file {
            file.set_len(0)?;
        }
        *state = State::Open(Open { file, entries_in_file: 0, held: Vec::new(), last: None });
        Ok(())
    }

    /// Writes all entries to the file. After a failure those that weren't written wait for the next time.
    pub(crate) fn write_out(&self) -> io::Result<()> {
        self.change(|open| self.write_held(open))
    }

    /// Writes all entries to the file and makes them durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        let file = self.change(|open| {
            self.write_held(open)?;
            Ok(open.file.clone())
        })?;
        file.map_or(Ok(()), |file| file.sync_all())
    }

    /// Writes no more: the file is about to be renamed, and another index may get its name.
    pub(crate) fn retire(&self) {
        let _no_write_meanwhile = self.state.write();
        self.is_retired.store(true, Ordering::Release);
    }

    fn write_held(&self, open: &mut Open<D::File, E>) -> io::Result<()> {
        if self.is_retired.load(Ordering::Acquire) {
            return Ok(());
        }
        if open.file.is_none() && (E::HAS_EMPTY_FILE || !open.held.is_empty()) {
            open.file = Some(Arc::new(self.disk.open(&self.path, OpenMode::Create)?));
        }
        if let Some(file) = &open.file
            && !open.held.is_empty()
        {
            let mut bytes = Vec::with_capacity(open.held.len() * E::SIZE);
            for entry in &open.held {
                entry.encode(self.base_offset, &mut bytes);
            }
            file.write_all_at(&bytes, open.entries_in_file * E::SIZE as u64)?;
            open.entries_in_file += open.held.len() as u64;
            open.held.clear();
        }
        Ok(())
    }

    fn read<T>(&self, action: impl FnOnce(&Open<D::File, E>) -> io::Result<T>) -> io::Result<T> {
        if let State::Open(open) = &*self.state.read() {
            return action(open);
        }
        action(self.opened(&mut self.state.write())?)
    }

    fn change<T>(
        &self,
        action: impl FnOnce(&mut Open<D::File, E>) -> io::Result<T>,
    ) -> io::Result<T> {
        action(self.opened(&mut self.state.write())?)
    }

    fn opened<'a>(&self, state: &'a mut State<D::File, E>) -> io::Result<&'a mut Open<D::File, E>> {
        if let State::Unopened = state {
            let file = open_if_exists(&self.disk, &self.path)?.map(Arc::new);
            let len = file.as_ref().map_or(Ok(0), |file| file.len())?;
            let entries_in_file = len / E::SIZE as u64;
            let mut open = Open { file, entries_in_file, held: Vec::new(), last: None };
            if let Some(last) = entries_in_file.checked_sub(1) {
                open.last = open.get(last, self.base_offset)?;
            }
            *state = State::Open(open);
        }
        match state {
            State::Open(open) => Ok(open),
            State::Unopened => Err(io::Error::other("index is not open")),
        }
    }
}

impl<F: DiskFile, E: IndexEntry> Open<F, E> {
    fn len(&self) -> u64 {
        self.entries_in_file + self.held.len() as u64
    }

    /// How many entries at the front satisfy a condition that holds for a first part of them only.
    fn count_while(&self, base: Offset, condition: impl Fn(&E) -> bool) -> io::Result<u64> {
        if self.held.first().is_some_and(&condition) {
            let held = self.held.partition_point(&condition);
            return Ok(self.entries_in_file + held as u64);
        }
        let (mut low, mut high) = (0, self.entries_in_file);
        while high - low > ENTRIES_READ_AT_ONCE {
            let middle = low + (high - low) / 2;
            match self.get(middle, base)? {
                Some(entry) if condition(&entry) => low = middle + 1,
                _ => high = middle,
            }
        }
        let window = self.read_from_file(low, high, base)?;
        Ok(low + window.partition_point(condition) as u64)
    }

    fn get(&self, index: u64, base: Offset) -> io::Result<Option<E>> {
        if let Some(index) = index.checked_sub(self.entries_in_file) {
            return Ok(usize::try_from(index).ok().and_then(|index| self.held.get(index)).copied());
        }
        Ok(self.read_from_file(index, index + 1, base)?.pop())
    }

    fn read_from_file(&self, start: u64, end: u64, base: Offset) -> io::Result<Vec<E>> {
        let Some(file) = &self.file else { return Ok(Vec::new()) };
        let count = usize::try_from(end.saturating_sub(start)).map_err(io::Error::other)?;
        let mut bytes = vec![0; count * E::SIZE];
        file.read_exact_at(&mut bytes, start * E::SIZE as u64)?;
        Ok(bytes.chunks_exact(E::SIZE).filter_map(|entry| E::decode(entry, base)).collect())
    }

    fn truncate(&mut self, entries: u64) -> io::Result<()> {
        match entries.checked_sub(self.entries_in_file) {
            Some(held) => self.held.truncate(usize::try_from(held).unwrap_or(usize::MAX)),
            None => {
                self.held.clear();
                self.entries_in_file = entries;
            }
        }
        match &self.file {
            Some(file) => file.set_len(self.entries_in_file * E::SIZE as u64),
            None => Ok(()),
        }
    }
}

fn open_if_exists<D: Disk>(disk: &D, path: &std::path::Path) -> io::Result<Option<D::File>> {
    match disk.open(path, OpenMode::ReadWrite) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
