//! Small text files that are replaced as a whole: a log dir's checkpoints, its identity, and a partition's.

mod meta_properties;
mod offsets;
mod partition_metadata;
mod text_file;

pub use self::meta_properties::MetaProperties;
pub(crate) use self::offsets::{parse_offsets, render_offsets};
pub(crate) use self::partition_metadata::{parse_partition_metadata, render_partition_metadata};
pub(crate) use self::text_file::TextFile;

use std::io;
use std::path::Path;

use crate::disk::Disk;
use crate::error::LogError;

/// Checkpoints have a line for each partition or epoch; this is room for some million of them.
const TEXT_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Reads a text file and parses it; `None` when there is none.
pub(crate) fn read_text<D: Disk, T>(
    disk: &D,
    path: &Path,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, LogError> {
    let content = match disk.read(path, TEXT_BYTES_MAX) {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LogError::io("read", path)(error)),
    };
    let text = std::str::from_utf8(&content)
        .map_err(|_| LogError::corrupt(path, "it isn't UTF-8 text"))?;
    parse(text).map(Some).map_err(|reason| LogError::corrupt(path, reason))
}

/// Replaces a text file: a crash leaves the old content or the new.
pub(crate) fn write_text<D: Disk>(disk: &D, path: &Path, text: &str) -> Result<(), LogError> {
    disk.write_atomically(path, text.as_bytes()).map_err(LogError::io("write", path))
}
