//! Opening a log: Kafka's four passes over the files of a directory, then recovery.
//!
//! 1. Remove what is marked as deleted and what compaction hadn't finished; collect what was about to be
//!    swapped in. 2. Remove what the swaps replace. 3. Give the swaps their names. 4. Open the segments.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use taffrail_model::{Now, Offset, Uuid};

use super::Log;
use super::recover::{Recovered, Recovery};
use super::report::RecoveryReport;
use super::shared::{SegmentList, Shared};
use crate::checkpoint::{
    parse_partition_metadata, read_text, render_partition_metadata, write_text,
};
use crate::config::LogConfig;
use crate::disk::{Disk, DiskFile, OpenMode};
use crate::error::LogError;
use crate::file_names::{
    CHECKPOINT_DELETED_SUFFIX, CLEANED_SUFFIX, DELETED_SUFFIX, LEADER_EPOCH_CHECKPOINT, LOG_SUFFIX,
    OFFSET_INDEX_SUFFIX, PARTITION_METADATA, SEGMENT_SUFFIXES, SNAPSHOT_SUFFIX, SWAP_SUFFIX,
    TIME_INDEX_SUFFIX, offset_file, offset_of, offset_with_suffix, with_suffix,
};
use crate::leader_epochs::LeaderEpochs;
use crate::producer::Snapshots;
use crate::segment::{Scan, Segment};

/// What is known of a log before it is opened.
#[derive(Clone, Debug)]
pub struct OpenLog {
    /// The partition's directory; it is made when it is missing.
    pub dir: PathBuf,
    /// The topic's id, checked against the directory's, or written into it. `None` takes what is there.
    pub topic_id: Option<Uuid>,
    /// The configuration, validated.
    pub config: LogConfig,
    /// Whether the last process closed the log, so that its files are trusted as they are.
    pub was_clean: bool,
    /// The offset below which all was synced, from the log dir's checkpoint, or 0.
    pub recovery_point: Offset,
    /// The first offset, from the log dir's checkpoint, or 0.
    pub start_offset: Offset,
}

/// The names in a partition's directory.
struct Listing {
    names: Vec<String>,
}

impl Listing {
    fn read<D: Disk>(disk: &D, dir: &Path) -> Result<Self, LogError> {
        let entries = disk.read_dir(dir).map_err(LogError::io("list", dir))?;
        let files = entries.into_iter().filter(|entry| !entry.is_dir);
        Ok(Self { names: files.map(|entry| entry.name).collect() })
    }

    fn ending(&self, suffix: &str) -> impl Iterator<Item = &String> {
        self.names.iter().filter(move |name| name.ends_with(suffix))
    }

    fn offsets(&self, suffix: &str) -> BTreeSet<Offset> {
        self.names.iter().filter_map(|name| offset_with_suffix(name, suffix)).collect()
    }
}

impl<D: Disk> Log<D> {
    /// Opens the log in a directory, or makes an empty one. What the last process left unfinished is undone;
    /// after an unclean stop, all from the recovery point on is checked and cut at the first byte that isn't
    /// right.
    ///
    /// # Errors
    /// Errors of the disk (nothing is cut on their account), [`LogError::TopicIdMismatch`], and
    /// [`LogError::Corrupt`] for files that are replaced as a whole and so can't be torn.
    pub fn open(disk: D, open: OpenLog, now: Now) -> Result<(Self, RecoveryReport), LogError> {
        Self::open_any(disk, open, false, now)
    }

    /// As [`Log::open`], for a log that compaction, here or where it was copied from, has left with offsets
    /// missing between its batches. [`Log::open`] takes a gap between two unsynced segments for the lost end
    /// of the first one, and cuts there; this doesn't, and so can't see such a loss.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn open_compacted(
        disk: D,
        open: OpenLog,
        now: Now,
    ) -> Result<(Self, RecoveryReport), LogError> {
        Self::open_any(disk, open, true, now)
    }

    fn open_any(
        disk: D,
        open: OpenLog,
        is_sparse: bool,
        now: Now,
    ) -> Result<(Self, RecoveryReport), LogError> {
        let mut report = RecoveryReport::default();
        let dir = &open.dir;
        create_dir(&disk, dir)?;
        let topic_id = check_topic_id(&disk, dir, open.topic_id)?;
        let mut names_changed = finish_interrupted(&disk, dir, &mut report)?;
        let (segments, to_scan) = open_segments(&disk, &open, now, &mut names_changed)?;
        let mut snapshot_offsets = Listing::read(&disk, dir)?.offsets(SNAPSHOT_SUFFIX);
        names_changed |= remove_strays(&disk, dir, &segments, &mut snapshot_offsets)?;
        let epochs_path = dir.join(LEADER_EPOCH_CHECKPOINT);
        let epochs = read_text(&disk, &epochs_path, LeaderEpochs::from_text)?.unwrap_or_default();
        report.segments = segments.len();
        let recovery = Recovery {
            disk: &disk,
            open: &open,
            now,
            is_sparse,
            snapshots: Snapshots::new(disk.clone(), dir, snapshot_offsets),
            epochs,
            report,
            names_changed,
        };
        let Recovered { segments, producers, snapshots, epochs, start, end, report, names_changed } =
            recovery.run(segments, &to_scan)?;
        if names_changed {
            // A name that comes back after the next crash would lie about what follows.
            disk.sync_dir(dir).map_err(LogError::io("sync", dir))?;
        }
        let recovery_point =
            if open.was_clean { end } else { open.recovery_point.clamp(start.min(end), end) };
        let shared = Shared::new(disk.clone(), open.dir.clone(), segments, epochs, start, end);
        let mut log = Self {
            disk,
            dir: open.dir,
            topic_id,
            config: open.config,
            shared: Arc::new(shared),
            producers,
            snapshots,
            recovery_point,
            unsynced_since: (recovery_point < end).then_some(now.mono),
            // The first segment may have been made just now.
            names_changed: 1,
            names_synced: 0,
            truncations: 0,
            doomed: std::collections::VecDeque::new(),
        };
        log.expire_producers(now);
        Ok((log, report))
    }
}

fn create_dir<D: Disk>(disk: &D, dir: &Path) -> Result<(), LogError> {
    if disk.exists(dir).map_err(LogError::io("look for", dir))? {
        return Ok(());
    }
    disk.create_dir_all(dir).map_err(LogError::io("create", dir))?;
    let parent = dir.parent().unwrap_or(Path::new("/"));
    disk.sync_dir(parent).map_err(LogError::io("sync", parent))
}

fn check_topic_id<D: Disk>(
    disk: &D,
    dir: &Path,
    expected: Option<Uuid>,
) -> Result<Option<Uuid>, LogError> {
    let path = dir.join(PARTITION_METADATA);
    match (read_text(disk, &path, parse_partition_metadata)?, expected) {
        (Some(found), Some(expected)) if found != expected => {
            Err(LogError::TopicIdMismatch { path, found, expected })
        }
        (None, Some(topic_id)) => {
            write_text(disk, &path, &render_partition_metadata(topic_id))?;
            Ok(Some(topic_id))
        }
        (found, _) => Ok(found),
    }
}

/// The first three passes. Returns whether any file was removed or renamed.
fn finish_interrupted<D: Disk>(
    disk: &D,
    dir: &Path,
    report: &mut RecoveryReport,
) -> Result<bool, LogError> {
    let listing = Listing::read(disk, dir)?;
    let mut is_changed = false;
    let mut remove = |name: &str| {
        is_changed = true;
        remove_if_exists(disk, &dir.join(name))
    };
    for name in listing.ending(DELETED_SUFFIX) {
        if !name.ends_with(CHECKPOINT_DELETED_SUFFIX) {
            remove(name)?;
        }
    }
    let cleaned = listing.ending(CLEANED_SUFFIX).filter_map(|name| offset_of(name)).min();
    // A split that wasn't finished has its later parts as swaps and this one still as cleaned.
    let (unfinished, swaps): (Vec<_>, Vec<_>) = listing.ending(SWAP_SUFFIX).partition(|name| {
        cleaned.is_some_and(|first| offset_of(name).is_some_and(|offset| offset >= first))
    });
    for name in listing.ending(CLEANED_SUFFIX).chain(unfinished) {
        remove(name)?;
    }
    let mut replaced: Option<(Offset, Offset)> = None;
    for name in &swaps {
        let is_log = name.strip_suffix(SWAP_SUFFIX).is_some_and(|name| name.ends_with(LOG_SUFFIX));
        if let (true, Some(base_offset)) = (is_log, offset_of(name)) {
            let end = batches_end(disk, &dir.join(name), base_offset)?;
            let (first, last) = replaced.unwrap_or((base_offset, end));
            replaced = Some((first.min(base_offset), last.max(end)));
        }
    }
    if let Some((first, last)) = replaced {
        for name in listing.names.iter().filter(|name| !name.ends_with(SWAP_SUFFIX)) {
            if offset_of(name).is_some_and(|offset| (first..last).contains(&offset)) {
                report.segments_removed += usize::from(name.ends_with(LOG_SUFFIX));
                remove(name)?;
            }
        }
    }
    for name in swaps {
        let target = dir.join(name.strip_suffix(SWAP_SUFFIX).unwrap_or(name));
        let path = dir.join(name);
        disk.rename(&path, &target).map_err(LogError::io("rename", &path))?;
        is_changed = true;
    }
    Ok(is_changed)
}

/// The offset behind the last whole batch of a segment, by its headers.
fn batches_end<D: Disk>(disk: &D, path: &Path, base_offset: Offset) -> Result<Offset, LogError> {
    let file = disk.open(path, OpenMode::Read).map_err(LogError::io("open", path))?;
    let size = file.len().map_err(LogError::io("measure", path))?;
    let mut scan = Scan::headers(&file, 0, size);
    let mut end = base_offset;
    // What is wrong with the segment, recovery finds once it has its name.
    while let Ok(Some(located)) = scan.next_header() {
        end = located.header.next_offset();
    }
    Ok(end)
}

/// The fourth pass: the segments, and which of them have to be read in full.
fn open_segments<D: Disk>(
    disk: &D,
    open: &OpenLog,
    now: Now,
    names_changed: &mut bool,
) -> Result<(SegmentList<D>, BTreeSet<Offset>), LogError> {
    let dir = &open.dir;
    let listing = Listing::read(disk, dir)?;
    let logs = listing.offsets(LOG_SUFFIX);
    for suffix in SEGMENT_SUFFIXES.into_iter().skip(1) {
        for orphan in listing.offsets(suffix).difference(&logs) {
            *names_changed = true;
            remove_if_exists(disk, &offset_file(dir, *orphan, suffix))?;
        }
    }
    let mut segments: SegmentList<D> = Vec::with_capacity(logs.len());
    for base_offset in &logs {
        let segment = Segment::open(disk, dir, *base_offset, now.wall)?;
        // A roll that failed half way leaves an empty file, and the segment before it went on taking appends past that
        // offset. The file holds nothing, and would hide those batches or have what follows them cut.
        // One that begins where the segment before it ends, or behind a gap, is the active one and says where the log ends.
        let is_overrun = match segments.last() {
            Some(before) if segment.size() == 0 => {
                batches_end(disk, &before.path, before.base_offset)? > *base_offset
            }
            _ => false,
        };
        if is_overrun {
            *names_changed = true;
            remove_segment_files(disk, dir, *base_offset)?;
        } else {
            segments.push(Arc::new(segment));
        }
    }
    let logs: BTreeSet<Offset> = segments.iter().map(|segment| segment.base_offset).collect();
    let offset_indexes = listing.offsets(OFFSET_INDEX_SUFFIX);
    let time_indexes = listing.offsets(TIME_INDEX_SUFFIX);
    let mut to_scan = BTreeSet::new();
    for (base_offset, end) in logs.iter().zip(logs.iter().skip(1).copied().chain([Offset::MAX])) {
        let is_unsynced = !open.was_clean && end > open.recovery_point;
        let has_indexes =
            offset_indexes.contains(base_offset) && time_indexes.contains(base_offset);
        if is_unsynced || !has_indexes {
            to_scan.insert(*base_offset);
        }
    }
    // The last segment takes appends, so its indexes have to be right and not merely of use.
    if let Some(last) = segments.last()
        && !to_scan.contains(&last.base_offset)
        && !last.has_sane_indexes()?
    {
        to_scan.insert(last.base_offset);
    }
    Ok((segments, to_scan))
}

/// Removes the snapshots that belong to no segment, but for the last one if it is above them all: a clean
/// stop leaves one at the end of the log.
fn remove_strays<D: Disk>(
    disk: &D,
    dir: &Path,
    segments: &[Arc<Segment<D>>],
    snapshots: &mut BTreeSet<Offset>,
) -> Result<bool, LogError> {
    let bases: BTreeSet<Offset> = segments.iter().map(|segment| segment.base_offset).collect();
    let at_end = snapshots.last().copied().filter(|last| bases.last() < Some(last));
    let strays: Vec<Offset> = snapshots
        .iter()
        .filter(|offset| !bases.contains(offset) && Some(**offset) != at_end)
        .copied()
        .collect();
    for offset in &strays {
        snapshots.remove(offset);
        remove_if_exists(disk, &offset_file(dir, *offset, SNAPSHOT_SUFFIX))?;
    }
    Ok(!strays.is_empty())
}

/// Removes a segment's files, those that there are.
pub(super) fn remove_segment_files<D: Disk>(
    disk: &D,
    dir: &Path,
    base_offset: Offset,
) -> Result<(), LogError> {
    let paths = SEGMENT_SUFFIXES.map(|suffix| offset_file(dir, base_offset, suffix));
    paths.iter().try_for_each(|path| remove_if_exists(disk, path))
}

pub(super) fn remove_if_exists<D: Disk>(disk: &D, path: &Path) -> Result<(), LogError> {
    match disk.remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(LogError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// `<path>.deleted`: the name of a file that waits for its removal.
pub(super) fn deleted_path(path: &Path) -> PathBuf {
    with_suffix(path, DELETED_SUFFIX)
}
