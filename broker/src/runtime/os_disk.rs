//! The operating system's file system as a [`Disk`].
//!
//! Positions are explicit in every call (`pread`, `pwritev`), so that a log's writer and its readers share one
//! file descriptor. Directories are synced like files, which Linux needs for names to survive a power cut.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{FlockOperation, fcntl_lock, flock, statvfs};
use taffrail_log::{DirEntry, Disk, DiskFile, DiskSpace, LockError, OpenMode};

/// The parts that one `pwritev` takes on Linux (IOV_MAX).
const PARTS_PER_WRITE_MAX: usize = 1024;
/// A lock file holds a process id and nothing else.
const LOCK_BYTES_MAX: u64 = 32;

/// The machine's file system.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OsDisk;

/// An open file of the machine.
#[derive(Debug)]
pub(crate) struct OsFile(File);

/// A lock on a file, let go when it is dropped, or when the process ends in whatever way.
#[derive(Debug)]
pub(crate) struct OsLock {
    _file: File,
}

impl Disk for OsDisk {
    type File = OsFile;
    type Lock = OsLock;

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<OsFile> {
        OpenOptions::new()
            .read(true)
            .write(mode != OpenMode::Read)
            .create(mode == OpenMode::Create)
            .create_new(mode == OpenMode::CreateNew)
            .open(path)
            .map(OsFile)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            if let Ok(name) = entry.file_name().into_string() {
                // A link to a directory counts as one: log dirs are often linked to where the room is.
                let is_dir = entry.file_type()?.is_dir() || entry.path().is_dir();
                entries.push(DirEntry { name, is_dir });
            }
        }
        entries.sort();
        Ok(entries)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        // The parent of a relative path of one name is empty, and means the working directory.
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        File::open(path)?.sync_all()
    }

    fn lock_exclusive(&self, path: &Path) -> Result<OsLock, LockError> {
        let failed = |source| LockError::Io { path: path.to_owned(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        // `flock` keeps out another lock of this process, the record lock keeps out Apache Kafka.
        let locked = flock(&file, FlockOperation::NonBlockingLockExclusive)
            .and_then(|()| fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive));
        match locked {
            Ok(()) => {
                file.set_len(0).map_err(failed)?;
                writeln!(file, "{}", std::process::id()).map_err(failed)?;
                Ok(OsLock { _file: file })
            }
            Err(error)
                if [rustix::io::Errno::AGAIN, rustix::io::Errno::ACCESS].contains(&error) =>
            {
                let mut holder = String::new();
                let read = file.take(LOCK_BYTES_MAX).read_to_string(&mut holder);
                let pid = read.ok().and_then(|_| holder.trim().parse().ok());
                Err(LockError::Held { path: path.to_owned(), pid })
            }
            Err(error) => Err(failed(error.into())),
        }
    }

    fn space(&self, path: &Path) -> io::Result<DiskSpace> {
        let space = statvfs(path)?;
        Ok(DiskSpace {
            total_bytes: space.f_blocks.saturating_mul(space.f_frsize),
            free_bytes: space.f_bavail.saturating_mul(space.f_frsize),
        })
    }
}

impl DiskFile for OsFile {
    fn read_at(&self, mut buffer: &mut [u8], mut position: u64) -> io::Result<usize> {
        let mut total = 0;
        while !buffer.is_empty() {
            match self.0.read_at(buffer, position) {
                Ok(0) => break,
                Ok(read) => {
                    total += read;
                    position += read as u64;
                    buffer = buffer.get_mut(read..).unwrap_or_default();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(total)
    }

    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, position)
    }

    fn write_vectored_at(&self, parts: &[IoSlice<'_>], mut position: u64) -> io::Result<()> {
        let mut parts = parts.to_vec();
        let mut rest = &mut parts[..];
        // Drops empty parts at the front, so that a write of none can't be taken for a full disk.
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            let batch = rest.get(..PARTS_PER_WRITE_MAX).unwrap_or(rest);
            match rustix::io::pwritev(&self.0, batch, position) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    position += written as u64;
                    IoSlice::advance_slices(&mut rest, written);
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_written_one_behind_the_other() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = OsDisk.open(&dir.path().join("file"), OpenMode::CreateNew).expect("created");
        let parts: Vec<Vec<u8>> =
            (0..3000).map(|part| vec![(part % 251) as u8; part % 7]).collect();
        let slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
        file.write_vectored_at(&slices, 3).expect("written");
        let expect = [vec![0; 3], parts.concat()].concat();
        let mut content = vec![1; expect.len() + 10];
        assert_eq!(file.read_at(&mut content, 0).expect("read"), expect.len());
        assert_eq!(&content[..expect.len()], expect);
        assert_eq!(file.len().expect("measured"), expect.len() as u64);
    }

    #[test]
    fn files_are_opened_as_their_mode_says() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("file");
        let kind = |mode| OsDisk.open(&path, mode).map(|_| ()).map_err(|error| error.kind());
        assert_eq!(kind(OpenMode::Read), Err(io::ErrorKind::NotFound));
        assert_eq!(kind(OpenMode::ReadWrite), Err(io::ErrorKind::NotFound));
        assert_eq!(kind(OpenMode::Create), Ok(()));
        assert_eq!(kind(OpenMode::CreateNew), Err(io::ErrorKind::AlreadyExists));
        OsDisk.write_atomically(&path, b"content").expect("written");
        assert_eq!(kind(OpenMode::Create), Ok(()));
        assert_eq!(OsDisk.read(&path, 100).expect("read"), b"content");
        let listed = OsDisk.read_dir(dir.path()).expect("listed");
        assert_eq!(listed, [DirEntry { name: "file".to_owned(), is_dir: false }]);
    }

    #[test]
    fn a_second_lock_names_the_holder() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(".lock");
        let lock = OsDisk.lock_exclusive(&path).expect("free");
        match OsDisk.lock_exclusive(&path) {
            Err(LockError::Held { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
            other => panic!("expected a held lock, got {other:?}"),
        }
        drop(lock);
        OsDisk.lock_exclusive(&path).expect("free again");
    }

    #[test]
    fn space_is_told() {
        let space = OsDisk.space(Path::new("/")).expect("known");
        assert!(space.total_bytes >= space.free_bytes && space.total_bytes > 0);
    }
}
