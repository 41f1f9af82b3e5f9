//! Committed offsets: stored, read, deleted, expired.

mod commit;
mod delete;
mod expire;
mod fetch;

pub(crate) use expire::expired;
pub(crate) use fetch::fetch_group;
