//! The partition log, in Kafka's own file formats, so that Kafka's tools read it and a data directory can
//! move over.
//!
//! Owns: segments of record batches (v2) with their offset, time and transaction indexes; rolling,
//! retention, truncation; recovery after an unclean stop; the producers' state, by which an append is
//! idempotent; the leader epochs; and the small files of a partition and of a log dir. All of it is
//! synchronous, over a small [`Disk`] trait.
//!
//! Architecture Invariant: after a crash all that was synced is there, and what is recovered is a prefix that
//! ends on a batch's edge.
//!
//! Architecture Invariant: offsets rise strictly; no read passes the end; a (producer, epoch, sequence) is
//! appended once.
//!
//! Architecture Invariant: an I/O error is never taken for the end of the data. It cuts nothing.
//!
//! Deliberately absent: clocks, threads and files of its own; the high watermark, which is the replica's and
//! comes as an argument; validation of what producers send, which happens once before; compaction.

mod checkpoint;
mod config;
mod disk;
mod error;
mod file_names;
mod index;
mod leader_epochs;
mod log;
mod log_dir;
mod producer;
mod segment;

pub use checkpoint::MetaProperties;
pub use config::{InvalidLogConfig, LogConfig};
pub use disk::{DirEntry, Disk, DiskFile, DiskSpace, LockError, OpenMode};
pub use error::{AppendError, LogError};
pub use file_names::{is_deleted_dir_name, parse_partition_dir_name, partition_dir_name};
pub use index::AbortedTxn;
pub use leader_epochs::{EpochEnd, EpochEntry};
pub use log::{
    Appended, FoundOffset, Log, LogReader, OffsetQuery, OpenLog, ReadRequest, ReadResult,
    RecoveryReport, Retained, SyncHandle, SyncScope, Truncation,
};
pub use log_dir::{CleanShutdown, LogDir, OffsetCheckpoint};
pub use producer::Origin;
