//! The names of files and directories, as Kafka's tools expect them.

use std::path::{Path, PathBuf};

use taffrail_model::{Offset, TopicName, TopicPartition, Uuid};

pub(crate) const LOG_SUFFIX: &str = ".log";
pub(crate) const OFFSET_INDEX_SUFFIX: &str = ".index";
pub(crate) const TIME_INDEX_SUFFIX: &str = ".timeindex";
pub(crate) const TXN_INDEX_SUFFIX: &str = ".txnindex";
pub(crate) const SNAPSHOT_SUFFIX: &str = ".snapshot";
/// A segment's files, the log itself first.
pub(crate) const SEGMENT_SUFFIXES: [&str; 4] =
    [LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX];

/// A file that waits for its removal.
pub(crate) const DELETED_SUFFIX: &str = ".deleted";
/// A file that compaction was writing.
pub(crate) const CLEANED_SUFFIX: &str = ".cleaned";
/// A file that compaction had finished, and that was about to take its place.
pub(crate) const SWAP_SUFFIX: &str = ".swap";
/// A KRaft snapshot that waits for its removal; it isn't the log's to remove.
pub(crate) const CHECKPOINT_DELETED_SUFFIX: &str = ".checkpoint.deleted";

pub(crate) const LEADER_EPOCH_CHECKPOINT: &str = "leader-epoch-checkpoint";
pub(crate) const PARTITION_METADATA: &str = "partition.metadata";

const DELETED_DIR_SUFFIX: &str = "-delete";
/// What a file system allows for one name.
const DIR_NAME_BYTES_MAX: usize = 255;

/// `<offset><suffix>` in a partition's directory, the offset in 20 digits.
pub(crate) fn offset_file(dir: &Path, offset: Offset, suffix: &str) -> PathBuf {
    dir.join(format!("{offset:020}{suffix}"))
}

/// `path` with something behind its name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The offset that a file name begins with: the digits before the first dot.
pub(crate) fn offset_of(name: &str) -> Option<Offset> {
    let (digits, _) = name.split_once('.')?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// The offset of a file named `<offset><suffix>` exactly.
pub(crate) fn offset_with_suffix(name: &str, suffix: &str) -> Option<Offset> {
    let digits = name.strip_suffix(suffix)?;
    offset_of(name).filter(|_| !digits.contains('.'))
}

/// The directory of a partition: `<topic>-<partition>`.
#[must_use]
pub fn partition_dir_name(partition: &TopicPartition) -> String {
    format!("{}-{}", partition.topic, partition.partition)
}

/// The partition of a directory named `<topic>-<partition>`; `None` for every other name, among them those
/// of deleted, future and stray partitions.
#[must_use]
pub fn parse_partition_dir_name(name: &str) -> Option<TopicPartition> {
    let (topic, partition) = name.rsplit_once('-')?;
    if partition.is_empty() || !partition.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let topic = TopicName::new(topic).ok()?;
    Some(TopicPartition { topic, partition: partition.parse().ok()? })
}

/// Whether this is the directory of a partition that was deleted and waits for its removal.
#[must_use]
pub fn is_deleted_dir_name(name: &str) -> bool {
    name.ends_with(DELETED_DIR_SUFFIX) && name.contains('.')
}

/// The name of a partition's directory once it is deleted: `<topic>-<partition>.<unique id>-delete`, the
/// topic cut so that the name fits a file system.
pub(crate) fn deleted_dir_name(name: &str, unique_id: Uuid) -> String {
    let id: String = unique_id.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let tail = format!(".{id}{DELETED_DIR_SUFFIX}");
    let kept = DIR_NAME_BYTES_MAX - tail.len();
    match name.char_indices().nth(kept) {
        Some((end, _)) => format!("{}{tail}", &name[..end]),
        None => format!("{name}{tail}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partition_directories_are_read_from_their_end() {
        let check = |name: &str, expect: Option<(&str, i32)>| {
            let parsed = parse_partition_dir_name(name);
            let parsed = parsed.as_ref().map(|tp| (tp.topic.as_str(), tp.partition));
            assert_eq!(parsed, expect, "{name}");
        };
        check("orders-0", Some(("orders", 0)));
        check("eu-orders-12", Some(("eu-orders", 12)));
        check("orders", None);
        check("orders-", None);
        check("orders-x", None);
        check("-1", None);
        check("orders-99999999999", None);
        check("orders-0.0123456789abcdef0123456789abcdef-delete", None);
    }

    #[test]
    fn a_deleted_directory_says_so_within_255_bytes() {
        let long = "t".repeat(249) + "-100";
        for name in ["orders-0", long.as_str()] {
            let deleted = deleted_dir_name(name, Uuid::from_bytes([0xab; 16]));
            assert!(is_deleted_dir_name(&deleted));
            assert!(deleted.len() <= DIR_NAME_BYTES_MAX);
            assert!(deleted.ends_with(".abababababababababababababababab-delete"));
        }
        assert!(!is_deleted_dir_name("orders-delete"));
    }

    #[test]
    fn offsets_come_from_exact_names_only() {
        assert_eq!(offset_with_suffix("00000000000000000042.log", LOG_SUFFIX), Some(42));
        assert_eq!(offset_with_suffix("00000000000000000042.log.swap", LOG_SUFFIX), None);
        assert_eq!(offset_with_suffix("x.log", LOG_SUFFIX), None);
        assert_eq!(offset_of("00000000000000000042.index.swap"), Some(42));
        assert_eq!(offset_of("99999999999999999999.log"), None);
    }
}
