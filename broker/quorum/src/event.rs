//! What a quorum can be told.

use bytes::Bytes;
use taffrail_model::Offset;

/// The caller's name for one append, handed back with what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppendId(pub u64);

/// Everything that a [`Quorum`](crate::Quorum) can learn.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The node is up: take part in the quorum. Sent once.
    Start,
    /// The election state of the last [`Effect::PersistElectionState`](crate::Effect) is on the disk.
    ElectionStatePersisted,
    /// Append these record values as one batch, which is all there after a crash or not at all.
    Append {
        /// The caller's name for it.
        id: AppendId,
        /// The records' values, in order. Metadata records have neither keys nor headers.
        values: Vec<Bytes>,
    },
    /// The batch of the last `Append` or `AppendControl` effect is in the log, not necessarily synced.
    Appended {
        /// The log's end: the offset of the next record.
        end_offset: Offset,
    },
    /// The log is synced up to an offset, as [`Effect::Flush`](crate::Effect) asked or on its own.
    Flushed {
        /// All records below it are on the disk.
        offset: Offset,
    },
    /// The last append, flush or election state could not be written. What the disk holds is unknown, so
    /// this quorum never leads again; a restart reads the disk anew.
    StorageFailed,
    /// The application can't go on as the leader of this epoch; another election is held after a while.
    Resign {
        /// Chooses the length of that while.
        random: u64,
    },
    /// Time has passed; see [`Quorum::next_deadline`](crate::Quorum::next_deadline).
    Tick,
    /// The node stops: lead no longer, and stand for no election.
    Shutdown,
}
