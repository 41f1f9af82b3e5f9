//! One segment: a file of batches that begins at a base offset, and its three indexes.
//!
//! Architecture Invariant: readers see a byte only after all of its batch was written ([`Segment::size`] is
//! set last), and never while it is cut off (the gate).

mod read;
mod scan;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use taffrail_model::{Offset, Timestamp};
use taffrail_protocol::batch::BatchHeader;

pub(crate) use self::read::Chunk;
pub(crate) use self::scan::{Located, Scan, ScanError};
use crate::config::LogConfig;
use crate::disk::{Disk, DiskFile, OpenMode};
use crate::error::LogError;
use crate::file_names::{
    LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX, offset_file,
};
use crate::index::{AbortedTxn, Index, IndexEntry, OffsetEntry, TimeEntry};

/// One segment of a log.
pub(crate) struct Segment<D: Disk> {
    pub(crate) base_offset: Offset,
    pub(crate) path: PathBuf,
    pub(crate) file: D::File,
    pub(crate) offset_index: Index<D, OffsetEntry>,
    pub(crate) time_index: Index<D, TimeEntry>,
    pub(crate) txn_index: Index<D, AbortedTxn>,
    /// The bytes of whole batches, all of which may be read.
    size: AtomicU64,
    /// Held for reading while positions are followed into the file, for writing while the file is cut.
    gate: RwLock<()>,
    facts: Mutex<Facts>,
    /// The segment left the log; what is still read from it may fail for want of its indexes.
    is_removed: AtomicBool,
}

/// What the writer remembers of a segment.
#[derive(Debug)]
struct Facts {
    /// When the segment was made, or opened, by the wall clock.
    created: Timestamp,
    /// The maximum timestamp of the first batch, once it is known.
    first_timestamp: Option<Timestamp>,
    /// The greatest timestamp, once it is known.
    greatest: Option<TimeEntry>,
    /// The bytes since the last entry of the offset index.
    unindexed_bytes: u64,
}

impl<D: Disk> Segment<D> {
    /// Makes the files of a new segment, in place of any that a lost roll left behind.
    pub(crate) fn create(
        disk: &D,
        dir: &Path,
        base_offset: Offset,
        created: Timestamp,
    ) -> Result<Self, LogError> {
        for suffix in [OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX] {
            let path = offset_file(dir, base_offset, suffix);
            match disk.remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(LogError::io("remove", &path)(error));
                }
                _ => {}
            }
        }
        let path = offset_file(dir, base_offset, LOG_SUFFIX);
        let file = disk.open(&path, OpenMode::Create).map_err(LogError::io("create", &path))?;
        file.set_len(0).map_err(LogError::io("truncate", &path))?;
        let index = |suffix| offset_file(dir, base_offset, suffix);
        Ok(Self {
            offset_index: Index::new_empty(disk.clone(), index(OFFSET_INDEX_SUFFIX), base_offset),
            time_index: Index::new_empty(disk.clone(), index(TIME_INDEX_SUFFIX), base_offset),
            txn_index: Index::new_empty(disk.clone(), index(TXN_INDEX_SUFFIX), base_offset),
            ..Self::with_file(disk, dir, base_offset, path, file, 0, created)
        })
    }

    /// Opens the files of a segment that was there before. All of its bytes count as valid.
    pub(crate) fn open(
        disk: &D,
        dir: &Path,
        base_offset: Offset,
        opened: Timestamp,
    ) -> Result<Self, LogError> {
        let path = offset_file(dir, base_offset, LOG_SUFFIX);
        let file = disk.open(&path, OpenMode::ReadWrite).map_err(LogError::io("open", &path))?;
        let size = file.len().map_err(LogError::io("measure", &path))?;
        Ok(Self::with_file(disk, dir, base_offset, path, file, size, opened))
    }

    fn with_file(
        disk: &D,
        dir: &Path,
        base_offset: Offset,
        path: PathBuf,
        file: D::File,
        size: u64,
        created: Timestamp,
    ) -> Self {
        let index = |suffix| offset_file(dir, base_offset, suffix);
        Self {
            base_offset,
            path,
            file,
            offset_index: Index::existing(disk.clone(), index(OFFSET_INDEX_SUFFIX), base_offset),
            time_index: Index::existing(disk.clone(), index(TIME_INDEX_SUFFIX), base_offset),
            txn_index: Index::existing(disk.clone(), index(TXN_INDEX_SUFFIX), base_offset),
            size: AtomicU64::new(size),
            gate: RwLock::new(()),
            facts: Mutex::new(Facts {
                created,
                first_timestamp: None,
                greatest: None,
                unindexed_bytes: 0,
            }),
            is_removed: AtomicBool::new(false),
        }
    }

    /// The bytes of whole batches.
    pub(crate) fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    /// Takes note that the segment has left the log. It can still be read by those who hold it, but writes
    /// no more files: another segment may get their names.
    pub(crate) fn mark_removed(&self) {
        self.is_removed.store(true, Ordering::Release);
        self.offset_index.retire();
        self.time_index.retire();
        self.txn_index.retire();
    }

    pub(crate) fn is_removed(&self) -> bool {
        self.is_removed.load(Ordering::Acquire)
    }

    /// Wraps what the operating system said of this segment's log.
    pub(crate) fn io(&self, action: &'static str) -> impl FnOnce(io::Error) -> LogError {
        LogError::io(action, &self.path)
    }

    /// Takes note of a batch that was written at the end, and lets readers see it.
    pub(crate) fn appended(
        &self,
        header: &BatchHeader,
        index_interval_bytes: u64,
    ) -> Result<(), LogError> {
        let position = self.size();
        let mut facts = self.facts.lock();
        if position == 0 {
            facts.first_timestamp = Some(header.max_timestamp);
        }
        let greatest = self.greatest_or_indexed(&mut facts)?;
        if header.max_timestamp > greatest.timestamp {
            let entry = TimeEntry { timestamp: header.max_timestamp, offset: header.last_offset() };
            facts.greatest = Some(entry);
        }
        if facts.unindexed_bytes > index_interval_bytes {
            self.index_batch(header, position, facts.greatest)?;
            facts.unindexed_bytes = 0;
        }
        facts.unindexed_bytes += header.size_in_bytes() as u64;
        self.size.store(position + header.size_in_bytes() as u64, Ordering::Release);
        Ok(())
    }

    /// Whether a new segment must begin before this batch (Kafka's `LogSegment.shouldRoll`).
    /// `pending_bytes` are to be written before it.
    pub(crate) fn should_roll(
        &self,
        header: &BatchHeader,
        pending_bytes: u64,
        config: &LogConfig,
        now: Timestamp,
    ) -> Result<bool, LogError> {
        let size = self.size() + pending_bytes;
        let is_past_relative_offsets =
            header.last_offset() - self.base_offset > i64::from(i32::MAX);
        if size == 0 {
            return Ok(is_past_relative_offsets && header.base_offset > self.base_offset);
        }
        let entries = |bytes: u64, entry_size: usize| bytes / entry_size as u64;
        let offset_entries = self.offset_index.len().map_err(self.io("read the index of"))?;
        let time_entries = self.time_index.len().map_err(self.io("read the time index of"))?;
        // The time index keeps an entry free for the end of the segment.
        Ok(is_past_relative_offsets
            || size + header.size_in_bytes() as u64 > config.segment_bytes
            || offset_entries >= entries(config.index_bytes_max, OffsetEntry::SIZE)
            || time_entries + 1 >= entries(config.index_bytes_max, TimeEntry::SIZE)
            || self.waited_ms(header.max_timestamp, now)? > config.segment_ms)
    }

    /// How far this batch's timestamp is from that of the first batch; by the wall clock without one.
    fn waited_ms(&self, timestamp: Timestamp, now: Timestamp) -> Result<i64, LogError> {
        let known = self.facts.lock().first_timestamp;
        let first = match known {
            Some(first) => first,
            None => match Scan::headers(&self.file, 0, self.size()).next_header() {
                Ok(Some(located)) => located.header.max_timestamp,
                Ok(None) => -1,
                Err(error) => return Err(self.scan_error(error)),
            },
        };
        let mut facts = self.facts.lock();
        if self.size() > 0 {
            facts.first_timestamp = Some(first);
        }
        Ok(if first >= 0 {
            timestamp.saturating_sub(first)
        } else {
            now.saturating_sub(facts.created)
        })
    }

    /// The greatest timestamp of the segment and the offset of its batch's last record; a timestamp of -1
    /// when there is none.
    pub(crate) fn greatest_timestamp(&self) -> Result<TimeEntry, LogError> {
        self.greatest_or_indexed(&mut self.facts.lock())
    }

    /// The age by which retention judges: that of the greatest timestamp, or of the segment's opening.
    pub(crate) fn retention_timestamp(&self) -> Result<Timestamp, LogError> {
        let greatest = self.greatest_timestamp()?.timestamp;
        Ok(if greatest >= 0 { greatest } else { self.facts.lock().created })
    }

    /// A segment that was closed has its greatest timestamp at the end of the time index.
    fn greatest_or_indexed(&self, facts: &mut Facts) -> Result<TimeEntry, LogError> {
        if let Some(greatest) = facts.greatest {
            return Ok(greatest);
        }
        let last = self.time_index.last().map_err(self.io("read the time index of"))?;
        let greatest = last.unwrap_or(TimeEntry { timestamp: -1, offset: self.base_offset });
        facts.greatest = Some(greatest);
        Ok(greatest)
    }

    /// Adds the entries of the batch at `position`.
    fn index_batch(
        &self,
        header: &BatchHeader,
        position: u64,
        greatest: Option<TimeEntry>,
    ) -> Result<(), LogError> {
        // A segment ends before positions pass 31 bits.
        let position = u32::try_from(position).unwrap_or(u32::MAX);
        let entry = OffsetEntry { offset: header.last_offset(), position };
        self.offset_index.push(entry).map_err(self.io("index"))?;
        greatest.map_or(Ok(()), |greatest| self.index_time(greatest))
    }

    /// Adds a time entry when it is later than the last one.
    fn index_time(&self, entry: TimeEntry) -> Result<(), LogError> {
        let last = self.time_index.last().map_err(self.io("read the time index of"))?;
        if entry.timestamp > last.map_or(-1, |last| last.timestamp) {
            self.time_index.push(entry).map_err(self.io("index the time of"))?;
        }
        Ok(())
    }

    /// Ends a segment: its greatest timestamp becomes the last entry of the time index, by which
    /// retention and look-ups know it later.
    pub(crate) fn seal(&self) -> Result<(), LogError> {
        let greatest = self.greatest_timestamp()?;
        self.index_time(greatest)
    }

    /// Makes the batches durable.
    pub(crate) fn sync_batches(&self) -> Result<(), LogError> {
        self.file.sync_data().map_err(self.io("sync"))
    }

    /// Writes the indexes to their files, without a sync.
    pub(crate) fn write_indexes(&self) -> Result<(), LogError> {
        self.offset_index.write_out().map_err(self.io("write the index of"))?;
        self.time_index.write_out().map_err(self.io("write the time index of"))?;
        self.txn_index.write_out().map_err(self.io("write the transaction index of"))
    }

    /// Makes the indexes durable.
    pub(crate) fn sync_indexes(&self) -> Result<(), LogError> {
        self.offset_index.sync().map_err(self.io("sync the index of"))?;
        self.time_index.sync().map_err(self.io("sync the time index of"))?;
        self.txn_index.sync().map_err(self.io("sync the transaction index of"))
    }

    /// Cuts off the batch that holds `offset` and all behind it, durably. Returns the offset at which the
    /// segment then ends.
    pub(crate) fn truncate_to(&self, offset: Offset) -> Result<Offset, LogError> {
        let _cutting = self.gate.write();
        let Some(first_cut) = self.locate(offset)? else { return self.next_offset() };
        let end = first_cut.header.base_offset.min(offset);
        self.offset_index.truncate_to(end).map_err(self.io("truncate the index of"))?;
        self.time_index.truncate_to(end).map_err(self.io("truncate the time index of"))?;
        self.txn_index.truncate_to(end).map_err(self.io("truncate the transaction index of"))?;
        self.cut(first_cut.position)?;
        self.forget_timestamps()?;
        Ok(end)
    }

    /// Cuts the file at a batch's edge, durably.
    pub(crate) fn cut(&self, position: u64) -> Result<(), LogError> {
        self.size.store(position, Ordering::Release);
        self.file.set_len(position).map_err(self.io("truncate"))?;
        self.file.sync_data().map_err(self.io("sync"))
    }

    /// Finds the greatest timestamp again after a truncation: from the indexes, and from the batches that
    /// follow the last entry.
    fn forget_timestamps(&self) -> Result<(), LogError> {
        let last = self.time_index.last().map_err(self.io("read the time index of"))?;
        let mut greatest = last.unwrap_or(TimeEntry { timestamp: -1, offset: self.base_offset });
        let mut scan = self.scan_from_index(greatest.offset)?;
        loop {
            match scan.next_header() {
                Ok(Some(Located { header, .. })) => {
                    if header.max_timestamp > greatest.timestamp {
                        let offset = header.last_offset();
                        greatest = TimeEntry { timestamp: header.max_timestamp, offset };
                    }
                }
                Ok(None) => break,
                Err(error) => return Err(self.scan_error(error)),
            }
        }
        let mut facts = self.facts.lock();
        facts.greatest = Some(greatest);
        facts.unindexed_bytes = 0;
        if self.size() == 0 {
            facts.first_timestamp = None;
        }
        Ok(())
    }

    /// Whether the indexes could be those of this segment: their last entries are inside of it.
    pub(crate) fn has_sane_indexes(&self) -> Result<bool, LogError> {
        let last = self.offset_index.last().map_err(self.io("read the index of"))?;
        let last_time = self.time_index.last().map_err(self.io("read the time index of"))?;
        let is_inside = |entry: &OffsetEntry| {
            entry.offset >= self.base_offset && u64::from(entry.position) < self.size()
        };
        Ok(last.as_ref().is_none_or(is_inside)
            && last_time.is_none_or(|entry| entry.offset >= self.base_offset))
    }

    /// Empties the indexes, before they are built anew from the batches.
    pub(crate) fn clear_indexes(&self) -> Result<(), LogError> {
        self.offset_index.clear().map_err(self.io("clear the index of"))?;
        self.time_index.clear().map_err(self.io("clear the time index of"))?;
        self.txn_index.clear().map_err(self.io("clear the transaction index of"))?;
        let mut facts = self.facts.lock();
        facts.greatest = None;
        facts.first_timestamp = None;
        facts.unindexed_bytes = 0;
        Ok(())
    }

    /// Counts no byte as valid, so that [`Segment::appended`] can take them up again one by one.
    pub(crate) fn restart_at_zero(&self) {
        self.size.store(0, Ordering::Release);
    }

    pub(crate) fn scan_error(&self, error: ScanError) -> LogError {
        match error {
            ScanError::Io(error) => self.io("read")(error),
            ScanError::Invalid { position, reason } => {
                LogError::corrupt(&self.path, format!("at byte {position}: {reason}"))
            }
        }
    }
}
