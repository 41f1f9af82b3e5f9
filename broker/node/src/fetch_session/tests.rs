//! Tables of fetches and what the sessions make of them.

use std::time::Duration;

use taffrail_model::{ErrorCode, Mono, Uuid};

use super::{
    FetchContext, FetchParams, FetchSessionCache, FetchSessionConfig, FetchTarget, FetchTopic,
    PartitionOutcome, SessionAnswer, SessionRequest,
};

const TOPIC: Uuid = Uuid::from_bytes([7; 16]);

fn target(partition: i32) -> FetchTarget {
    FetchTarget { topic: FetchTopic::Id(TOPIC), partition }
}

fn params(fetch_offset: i64) -> FetchParams {
    FetchParams { fetch_offset, max_bytes: 100, ..FetchParams::default() }
}

fn request(session_id: i32, epoch: i32, partitions: &[(i32, i64)]) -> SessionRequest {
    SessionRequest {
        session_id,
        epoch,
        privileged: false,
        uses_topic_ids: true,
        partitions: partitions.iter().map(|(p, offset)| (target(*p), params(*offset))).collect(),
        forgotten: Vec::new(),
    }
}

/// Nothing new: no records, high watermark 10, log start 0.
fn quiet(partition: i32) -> PartitionOutcome {
    PartitionOutcome {
        target: target(partition),
        has_records: false,
        high_watermark: 10,
        log_start_offset: 0,
        error: ErrorCode::None,
        has_preferred_replica: false,
        has_diverging_epoch: false,
    }
}

fn seconds(seconds: u64) -> Mono {
    Mono::ZERO + Duration::from_secs(seconds)
}

/// What a fetch reads, as (partition, offset).
fn reads(context: &FetchContext) -> Vec<(i32, i64)> {
    context
        .partitions
        .iter()
        .map(|(target, params)| (target.partition, params.fetch_offset))
        .collect()
}

fn answer(session_id: i32, included: &[usize]) -> SessionAnswer {
    SessionAnswer { error: ErrorCode::None, session_id, included: included.to_vec() }
}

/// A cache of `slots_max` with one session per list of partitions, each begun at its number of seconds.
fn cache_of(slots_max: usize, sessions: &[&[(i32, i64)]]) -> FetchSessionCache {
    let mut cache = cache(slots_max);
    for (index, partitions) in sessions.iter().enumerate() {
        let now = seconds(index as u64);
        open(&mut cache, now, request(0, 0, partitions));
    }
    cache
}

fn cache(slots_max: usize) -> FetchSessionCache {
    FetchSessionCache::new(&FetchSessionConfig { slots_max, ..FetchSessionConfig::default() })
}

/// Whether there is such a session: a fetch of an impossible epoch finds it, and changes nothing.
fn exists(cache: &mut FetchSessionCache, id: i32) -> bool {
    cache.begin(Mono::ZERO, request(id, -2, &[])) == Err(ErrorCode::InvalidFetchSessionEpoch)
}

/// A full fetch in which nothing is new; returns the session's id, which is 0 without one.
fn open(cache: &mut FetchSessionCache, now: Mono, request: SessionRequest) -> i32 {
    let outcomes: Vec<_> =
        request.partitions.iter().map(|(target, _)| quiet(target.partition)).collect();
    let context = cache.begin(now, request).expect("a full fetch is always served");
    let random = u32::try_from(cache.len() + 1).expect("few sessions") * 200;
    cache.complete(now, &context, &outcomes, random).session_id
}

#[test]
fn a_session_remembers_what_is_asked_for() {
    let mut cache = cache(10);
    let id = open(&mut cache, Mono::ZERO, request(0, 0, &[(0, 5), (1, 6)]));
    assert_eq!(id, 100);
    // Each fetch names what changed, and says what is read.
    let mut check =
        |epoch: i32, partitions: &[(i32, i64)], forgotten: &[i32], expect: &[(i32, i64)]| {
            let mut request = request(id, epoch, partitions);
            request.forgotten = forgotten.iter().map(|partition| target(*partition)).collect();
            let context = cache.begin(Mono::ZERO, request).expect("the epoch is right");
            assert_eq!(reads(&context), expect);
            assert_eq!(cache.partitions(), expect.len());
        };
    check(1, &[], &[], &[(0, 5), (1, 6)]);
    check(2, &[(0, 7)], &[], &[(0, 7), (1, 6)]);
    check(3, &[(2, 1)], &[0], &[(1, 6), (2, 1)]);
    check(4, &[(0, 9)], &[3], &[(1, 6), (2, 1), (0, 9)]);
}

#[test]
fn an_answer_names_only_what_is_new() {
    let mut cache = cache(10);
    let id = open(&mut cache, Mono::ZERO, request(0, 0, &[(0, 0), (1, 0)]));
    let mut epoch = 0;
    let mut check = |outcome: PartitionOutcome, expect: &[usize]| {
        epoch += 1;
        let context = cache.begin(Mono::ZERO, request(id, epoch, &[])).expect("the epoch is right");
        let answered = cache.complete(Mono::ZERO, &context, &[outcome.clone(), quiet(1)], 0);
        assert_eq!(answered, answer(id, expect), "{outcome:?}");
    };
    check(quiet(0), &[]);
    check(PartitionOutcome { has_records: true, ..quiet(0) }, &[0]);
    check(PartitionOutcome { high_watermark: 11, ..quiet(0) }, &[0]);
    check(PartitionOutcome { high_watermark: 11, ..quiet(0) }, &[]);
    check(quiet(0), &[0]);
    check(PartitionOutcome { log_start_offset: 3, ..quiet(0) }, &[0]);
    check(PartitionOutcome { log_start_offset: 3, ..quiet(0) }, &[]);
    check(PartitionOutcome { log_start_offset: 3, has_preferred_replica: true, ..quiet(0) }, &[0]);
    check(PartitionOutcome { log_start_offset: 3, has_diverging_epoch: true, ..quiet(0) }, &[0]);
    let failed =
        PartitionOutcome { log_start_offset: 3, error: ErrorCode::NotLeaderOrFollower, ..quiet(0) };
    check(failed.clone(), &[0]);
    check(failed, &[0]);
    // The end of an error is news.
    check(PartitionOutcome { log_start_offset: 3, ..quiet(0) }, &[0]);
    check(PartitionOutcome { log_start_offset: 3, ..quiet(0) }, &[]);
}

#[test]
fn what_returned_records_is_read_last() {
    let mut cache = cache(10);
    let id = open(&mut cache, Mono::ZERO, request(0, 0, &[(0, 0), (1, 0), (2, 0)]));
    let context = cache.begin(Mono::ZERO, request(id, 1, &[])).expect("the epoch is right");
    let outcomes = [PartitionOutcome { has_records: true, ..quiet(0) }, quiet(1), quiet(2)];
    assert_eq!(cache.complete(Mono::ZERO, &context, &outcomes, 0), answer(id, &[0]));
    let context = cache.begin(Mono::ZERO, request(id, 2, &[])).expect("the epoch is right");
    assert_eq!(reads(&context), [(1, 0), (2, 0), (0, 0)]);
}

#[test]
fn wrong_sessions_and_epochs_are_refused() {
    let mut cache = cache(10);
    let id = open(&mut cache, Mono::ZERO, request(0, 0, &[(0, 0)]));
    let mut check = |session_id: i32, epoch: i32, uses_topic_ids: bool, expect: ErrorCode| {
        let request = SessionRequest { uses_topic_ids, ..request(session_id, epoch, &[]) };
        assert_eq!(cache.begin(Mono::ZERO, request), Err(expect));
    };
    check(id + 1, 1, true, ErrorCode::FetchSessionIdNotFound);
    check(0, 1, true, ErrorCode::FetchSessionIdNotFound);
    check(id, 2, true, ErrorCode::InvalidFetchSessionEpoch);
    check(id, -2, true, ErrorCode::InvalidFetchSessionEpoch);
    check(id, 1, false, ErrorCode::FetchSessionTopicIdError);
    assert!(cache.begin(Mono::ZERO, request(id, 1, &[])).is_ok());
}

#[test]
fn an_overtaken_fetch_is_not_answered() {
    let mut cache = cache(10);
    let id = open(&mut cache, Mono::ZERO, request(0, 0, &[(0, 0)]));
    let first = cache.begin(Mono::ZERO, request(id, 1, &[])).expect("the epoch is right");
    let second = cache.begin(Mono::ZERO, request(id, 2, &[])).expect("the epoch is right");
    let news = [PartitionOutcome { has_records: true, ..quiet(0) }];
    let overtaken = SessionAnswer {
        error: ErrorCode::InvalidFetchSessionEpoch,
        session_id: id,
        included: Vec::new(),
    };
    assert_eq!(cache.complete(Mono::ZERO, &first, &news, 0), overtaken);
    assert_eq!(cache.complete(Mono::ZERO, &second, &news, 0), answer(id, &[0]));
}

#[test]
fn sessions_end_by_a_full_fetch_a_final_one_or_when_nothing_is_left() {
    let check = |last: SessionRequest, sessions: usize| {
        let mut cache = cache(10);
        let id = open(&mut cache, Mono::ZERO, request(0, 0, &[(0, 0)]));
        let last = SessionRequest { session_id: id, ..last };
        let epoch = last.epoch;
        let context = cache.begin(Mono::ZERO, last).expect("the epoch is right");
        let outcomes: Vec<_> =
            context.partitions.iter().map(|(target, _)| quiet(target.partition)).collect();
        let answered = cache.complete(Mono::ZERO, &context, &outcomes, 1_000);
        assert_eq!(cache.len(), sessions, "epoch {epoch}");
        assert_eq!(answered.session_id, if sessions == 0 { 0 } else { 500 }, "epoch {epoch}");
        assert_eq!(answered.included.len(), outcomes.len());
        assert!(cache.begin(Mono::ZERO, request(id, 1, &[])).is_err());
    };
    check(request(0, 0, &[(1, 0)]), 1);
    check(request(0, -1, &[(1, 0)]), 0);
    check(SessionRequest { forgotten: vec![target(0)], ..request(0, 1, &[]) }, 0);
}

#[test]
fn a_fetch_that_names_a_partition_twice_reads_it_once() {
    let mut cache = cache(10);
    for epoch in [0, -1] {
        let context = cache
            .begin(Mono::ZERO, request(0, epoch, &[(0, 1), (1, 1), (0, 2)]))
            .expect("a full fetch is always served");
        assert_eq!(reads(&context), [(0, 2), (1, 1)]);
    }
}

#[test]
fn epochs_and_ids_go_around() {
    assert_eq!(super::next_epoch(i32::MAX), 1);
    let mut cache = cache(10);
    let mut check = |random: u32, expect: i32| {
        let context = cache.begin(Mono::ZERO, request(0, 0, &[(0, 0)])).expect("a full fetch");
        assert_eq!(cache.complete(Mono::ZERO, &context, &[quiet(0)], random).session_id, expect);
    };
    check(0, 1);
    check(1, 2);
    check(u32::MAX, i32::MAX);
    check(u32::MAX - 1, 3);
}

#[test]
fn a_full_cache_makes_room_by_kafkas_rules() {
    const MINUTE: u64 = 60;
    // Two sessions of one and two partitions, begun at 0 s and 1 s. `used` fetches with both at that time; then a
    // session of `partitions` wants a slot, for a follower or a consumer.
    let check = |used: u64, now: u64, privileged: bool, partitions: i32, expect: &[i32]| {
        let mut cache = cache_of(2, &[&[(0, 0)], &[(0, 0), (1, 0)]]);
        if used > 0 {
            for id in [100, 200] {
                cache.begin(seconds(used), request(id, 1, &[])).expect("the epoch is right");
            }
        }
        let partitions: Vec<(i32, i64)> = (0..partitions).map(|partition| (partition, 0)).collect();
        let id = open(
            &mut cache,
            seconds(now),
            SessionRequest { privileged, ..request(0, 0, &partitions) },
        );
        let left: Vec<i32> =
            [100, 200, id].into_iter().filter(|id| *id != 0 && exists(&mut cache, *id)).collect();
        assert_eq!(left, expect, "used {used} now {now} privileged {privileged}");
        assert_eq!(cache.evicted(), u64::from(id != 0));
    };
    // New sessions are safe from consumers, and not from followers.
    check(0, MINUTE, false, 9, &[100, 200]);
    check(0, MINUTE, true, 1, &[200, 300]);
    // What wasn't used for two minutes goes first.
    check(0, 3 * MINUTE, false, 1, &[200, 300]);
    // Sessions that are old and in use make way for larger ones, the smaller one first.
    check(3 * MINUTE, 3 * MINUTE, false, 2, &[200, 300]);
    check(3 * MINUTE, 3 * MINUTE, false, 0, &[100, 200]);
    check(3 * MINUTE, 3 * MINUTE, true, 0, &[200, 300]);
}

#[test]
fn a_follower_does_not_push_out_a_new_follower() {
    let mut cache = cache(1);
    let follower = |partitions| SessionRequest { privileged: true, ..request(0, 0, partitions) };
    let first = open(&mut cache, Mono::ZERO, follower(&[(0, 0)]));
    assert_eq!(open(&mut cache, seconds(60), follower(&[(0, 0), (1, 0)])), 0);
    assert!(cache.begin(seconds(150), request(first, 1, &[])).is_ok());
    // It is old by now, though it was just used.
    assert_ne!(open(&mut cache, seconds(151), follower(&[(0, 0), (1, 0)])), 0);
}

#[test]
fn a_fetch_whose_session_was_evicted_is_still_answered() {
    let mut cache = cache_of(1, &[&[(0, 0)]]);
    let context = cache.begin(seconds(1), request(100, 1, &[])).expect("the epoch is right");
    open(&mut cache, seconds(2), SessionRequest { privileged: true, ..request(0, 0, &[(1, 0)]) });
    assert_eq!(cache.complete(seconds(3), &context, &[quiet(0)], 0), answer(100, &[0]));
    assert_eq!(
        cache.begin(seconds(4), request(100, 2, &[])),
        Err(ErrorCode::FetchSessionIdNotFound)
    );
}

#[test]
fn without_slots_there_are_no_sessions() {
    let mut cache = cache(0);
    assert_eq!(open(&mut cache, Mono::ZERO, request(0, 0, &[(0, 0)])), 0);
    assert!(cache.is_empty());
}
