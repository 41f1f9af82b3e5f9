//! Incremental fetch sessions (KIP-227): what a fetcher asked for, kept at the broker, so that a fetcher of many
//! partitions repeats only what changed, and hears only of partitions with news.
//!
//! A fetch goes through here twice: [`FetchSessionCache::begin`] turns the request into the partitions to read, in
//! the order to read them, and [`FetchSessionCache::complete`] turns what was read into what the answer says. The
//! cache is not touched in between, so a long poll holds nothing.
//!
//! Invariants:
//! - A session's epoch rises by one with each incremental fetch; only the fetch of the current epoch is served, and
//!   only its answer changes what the session believes that the fetcher knows.
//! - A partition that returned records goes to the end of the order, so that none starves behind the size limit.
//! - The number of sessions is bounded (`max.incremental.fetch.session.cache.slots`); a fetch that finds no slot is
//!   served in full, without a session. A session holds no more partitions than one request of its fetcher named.
//! - Names and ids are never mixed in one session.
//!
//! Deliberately absent: wire types, record data (only its presence matters here), authorisation, and the cache's
//! shards of Kafka, which exist to spread a lock.

mod cache;
mod evictions;
mod partition;
mod session;
#[cfg(test)]
mod tests;

pub use cache::{
    FetchContext, FetchSessionCache, FetchSessionConfig, SessionAnswer, SessionRequest,
};
pub use partition::{FetchParams, FetchTarget, FetchTopic, PartitionOutcome};

/// The session id of a fetch without a session.
pub const NO_SESSION_ID: i32 = 0;
/// The epoch of a fetch that wants a new session.
pub const INITIAL_EPOCH: i32 = 0;
/// The epoch of a fetch that wants no session, and ends the one it names.
pub const FINAL_EPOCH: i32 = -1;

/// The epoch after `epoch`: it wraps to 1, since 0 asks for a new session.
fn next_epoch(epoch: i32) -> i32 {
    epoch.checked_add(1).unwrap_or(1)
}
