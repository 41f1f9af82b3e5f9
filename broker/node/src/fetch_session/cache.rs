//! The sessions of a broker.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use taffrail_model::{ErrorCode, Mono};

use super::evictions::{Evictions, Worth};
use super::partition::{FetchParams, FetchTarget, PartitionOutcome};
use super::session::FetchSession;
use super::{FINAL_EPOCH, INITIAL_EPOCH, NO_SESSION_ID, next_epoch};

/// Bounds of the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchSessionConfig {
    /// `max.incremental.fetch.session.cache.slots`: the most sessions. 0 turns sessions off. Default 1,000.
    pub slots_max: usize,
    /// How long a session is safe from others, from its beginning and from its last use. Kafka has no key for it. 2 min.
    pub min_age: Duration,
}

impl Default for FetchSessionConfig {
    fn default() -> Self {
        Self { slots_max: 1_000, min_age: Duration::from_secs(120) }
    }
}

/// What a fetch request says about its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRequest {
    /// The session, or 0. Versions before 7 have none: 0.
    pub session_id: i32,
    /// The session's epoch, 0 for a new session or -1 for none. Versions before 7 have none: -1.
    pub epoch: i32,
    /// Whether a follower asks.
    pub privileged: bool,
    /// Whether topics are named by id (version 13 and up).
    pub uses_topic_ids: bool,
    /// The partitions that the request names, in its order.
    pub partitions: Vec<(FetchTarget, FetchParams)>,
    /// The partitions that an incremental fetch takes out.
    pub forgotten: Vec<FetchTarget>,
}

/// A fetch that was accepted: what to read, and how to answer. Ends in [`FetchSessionCache::complete`]; one that is
/// dropped costs nothing, but its fetcher then finds its epoch refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchContext {
    /// The partitions to read, in this order.
    pub partitions: Vec<(FetchTarget, FetchParams)>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sessionless,
    Full {
        privileged: bool,
        uses_topic_ids: bool,
    },
    /// `epoch` is the session's after this fetch.
    Incremental {
        session_id: i32,
        epoch: i32,
    },
}

/// What the response says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionAnswer {
    /// The error of the whole response, or `None`.
    pub error: ErrorCode,
    /// The session's id, or 0.
    pub session_id: i32,
    /// The outcomes that the response contains, as indices into what `complete` was given, rising.
    pub included: Vec<usize>,
}

/// All sessions of a broker.
#[derive(Debug)]
pub struct FetchSessionCache {
    slots_max: usize,
    sessions: BTreeMap<i32, FetchSession>,
    evictions: Evictions,
    partitions: usize,
    evicted: u64,
}

impl FetchSessionCache {
    /// An empty cache.
    #[must_use]
    pub fn new(config: &FetchSessionConfig) -> Self {
        Self {
            slots_max: config.slots_max,
            sessions: BTreeMap::new(),
            evictions: Evictions::new(config.min_age),
            partitions: 0,
            evicted: 0,
        }
    }

    /// The number of sessions (Kafka's `NumIncrementalFetchSessions`).
    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether there are no sessions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// The number of partitions in all sessions (Kafka's `NumIncrementalFetchPartitionsCached`).
    #[must_use]
    pub fn partitions(&self) -> usize {
        self.partitions
    }

    /// How many sessions had to make way for others (Kafka's `IncrementalFetchSessionEvictions`).
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Finds out what a fetch wants to read.
    ///
    /// # Errors
    /// `FETCH_SESSION_ID_NOT_FOUND` for a session that isn't (any more), `INVALID_FETCH_SESSION_EPOCH` for an epoch
    /// that isn't its next, `FETCH_SESSION_TOPIC_ID_ERROR` for a fetch by names in a session of ids or the other way
    /// round. The response then has this error, session id 0 and no partitions.
    pub fn begin(&mut self, now: Mono, request: SessionRequest) -> Result<FetchContext, ErrorCode> {
        let SessionRequest { session_id, epoch, privileged, uses_topic_ids, .. } = request;
        if epoch == INITIAL_EPOCH || epoch == FINAL_EPOCH {
            self.remove(session_id);
            let kind = match epoch {
                FINAL_EPOCH => Kind::Sessionless,
                _ => Kind::Full { privileged, uses_topic_ids },
            };
            return Ok(FetchContext { partitions: distinct(request.partitions), kind });
        }
        let session =
            self.sessions.get_mut(&session_id).ok_or(ErrorCode::FetchSessionIdNotFound)?;
        if session.epoch != epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        if session.uses_topic_ids != uses_topic_ids {
            return Err(ErrorCode::FetchSessionTopicIdError);
        }
        self.evictions.remove(session_id, session);
        let before = session.len();
        for (target, params) in &request.partitions {
            session.ask(target.clone(), *params);
        }
        for target in &request.forgotten {
            session.forget(target);
        }
        self.partitions = self.partitions + session.len() - before;
        session.last_used = now;
        self.evictions.add(session_id, session);
        if session.len() == 0 {
            self.remove(session_id);
            let partitions = distinct(request.partitions);
            return Ok(FetchContext { partitions, kind: Kind::Sessionless });
        }
        session.epoch = next_epoch(session.epoch);
        let kind = Kind::Incremental { session_id, epoch: session.epoch };
        Ok(FetchContext { partitions: session.partitions(), kind })
    }

    /// Finds out what the answer to a fetch contains. `random` names a new session, if one is made.
    ///
    /// An incremental fetch that another one of its session has overtaken (a repeated request) gets
    /// `INVALID_FETCH_SESSION_EPOCH` and no partitions. One whose session has been evicted meanwhile is answered in
    /// full: what was read isn't wasted, and the next fetch finds out.
    pub fn complete(
        &mut self,
        now: Mono,
        context: &FetchContext,
        outcomes: &[PartitionOutcome],
        random: u32,
    ) -> SessionAnswer {
        let everything = |session_id| SessionAnswer {
            error: ErrorCode::None,
            session_id,
            included: (0..outcomes.len()).collect(),
        };
        match context.kind {
            Kind::Sessionless => everything(NO_SESSION_ID),
            Kind::Full { privileged, uses_topic_ids } => {
                let session =
                    FetchSession::new(privileged, uses_topic_ids, now, next_epoch(INITIAL_EPOCH));
                everything(self.create(session, context, outcomes, random))
            }
            Kind::Incremental { session_id, epoch } => match self.sessions.get_mut(&session_id) {
                None => everything(session_id),
                Some(session) if session.epoch != epoch => SessionAnswer {
                    error: ErrorCode::InvalidFetchSessionEpoch,
                    session_id,
                    included: Vec::new(),
                },
                Some(session) => {
                    let told = |(index, outcome)| session.tell(outcome).then_some(index);
                    let included = outcomes.iter().enumerate().filter_map(told).collect();
                    SessionAnswer { error: ErrorCode::None, session_id, included }
                }
            },
        }
    }

    /// Keeps `session` for the partitions of a full fetch, and returns its id, or 0 when no slot is to be had.
    fn create(
        &mut self,
        mut session: FetchSession,
        context: &FetchContext,
        outcomes: &[PartitionOutcome],
        random: u32,
    ) -> i32 {
        for (target, params) in &context.partitions {
            session.ask(target.clone(), *params);
        }
        for outcome in outcomes {
            session.told(outcome);
        }
        let candidate = Worth { privileged: session.privileged, partitions: session.len(), id: 0 };
        if self.sessions.len() >= self.slots_max {
            let Some(victim) = self.evictions.victim(candidate, session.created) else {
                return NO_SESSION_ID;
            };
            self.remove(victim);
            self.evicted += 1;
        }
        let id = self.free_id(random);
        self.evictions.add(id, &session);
        self.partitions += session.len();
        self.sessions.insert(id, session);
        id
    }

    /// The first free positive id from a random one on. There are far fewer slots than ids, so the search is short.
    fn free_id(&self, random: u32) -> i32 {
        let mut id = i32::try_from(random >> 1).unwrap_or(1).max(1);
        while self.sessions.contains_key(&id) {
            id = next_epoch(id);
        }
        id
    }

    fn remove(&mut self, id: i32) {
        if let Some(session) = self.sessions.remove(&id) {
            self.evictions.remove(id, &session);
            self.partitions -= session.len();
        }
    }
}

/// Each partition once: in its first place, as it was asked for last. A response never names one twice.
fn distinct(partitions: Vec<(FetchTarget, FetchParams)>) -> Vec<(FetchTarget, FetchParams)> {
    let last: BTreeMap<FetchTarget, FetchParams> = partitions.iter().cloned().collect();
    if last.len() == partitions.len() {
        return partitions;
    }
    let mut seen = BTreeSet::new();
    partitions
        .into_iter()
        .filter(|(target, _)| seen.insert(target.clone()))
        .map(|(target, params)| {
            let params = last.get(&target).copied().unwrap_or(params);
            (target, params)
        })
        .collect()
}
