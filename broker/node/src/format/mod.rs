//! Formatting of a node's directories, and the check at start that they are this node's.
//!
//! Invariants:
//! - `meta.properties` is written last: a directory that has it has all the rest, and a format that was
//!   interrupted is simply done again;
//! - a directory that is formatted is never formatted over.
//!
//! Deliberately absent: the choice of random ids, which are handed in, and static quorums
//! (`controller.quorum.voters`), since a node of ours formats itself at kraft.version 1 only.

mod ensemble;
mod error;
mod formatter;

pub use ensemble::{LogDirs, verify_formatted};
pub use error::FormatError;
pub use formatter::{FormatOptions, FormattedDir, Outcome, format};
