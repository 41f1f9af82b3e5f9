//! The metadata log, replayed from its files by nobody's code but the records' own.

use std::path::Path;

use anyhow::{Context, Result};
use bytes::Bytes;
use taffrail_log::{Disk, DiskFile, OpenMode};
use taffrail_metadata::ImageLoader;
use taffrail_protocol::batch::Batches;
use taffrail_protocol::records::MetadataRecord;
use taffrail_testkit::MemDisk;

/// The most that a batch of the simulation may become.
const INFLATED_BYTES_MAX: usize = 1 << 20;

/// The fingerprint of the image that the metadata log adds up to.
///
/// # Errors
/// What can't be read or replayed. An error of the disk is an [`std::io::Error`].
pub(crate) fn replayed_fingerprint(disk: &MemDisk, directory: &Path) -> Result<u64> {
    let mut names: Vec<String> = disk
        .read_dir(directory)?
        .into_iter()
        .map(|entry| entry.name)
        .filter(|name| name.ends_with(".log"))
        .collect();
    names.sort();
    let mut loader = ImageLoader::default();
    for name in names {
        let file = disk.open(&directory.join(&name), OpenMode::Read)?;
        let mut bytes = vec![0; usize::try_from(file.len()?)?];
        let read = file.read_at(&mut bytes, 0)?;
        bytes.truncate(read);
        for batch in Batches::new(Bytes::from(bytes)) {
            let batch = batch.with_context(|| name.clone())?;
            batch.verify_crc()?;
            if batch.header.is_control() {
                continue;
            }
            for record in batch.records(INFLATED_BYTES_MAX)? {
                let record = record?;
                let value = record.value.context("a metadata record without a value")?;
                loader.replay(record.offset, &MetadataRecord::decode_value(value)?)?;
            }
        }
    }
    Ok(loader.image().fingerprint())
}
