//! Loads, unloads and failovers.

use bytes::Bytes;

use super::partition_log::at;
use super::render;
use super::script::check;
use crate::{
    Event, GroupConfig, GroupShard, Heartbeat, LoadedBatch, LoadedRecord, ReplyToken, Request,
    RequestContext,
};

#[test]
fn a_group_outlives_its_coordinator() {
    check(
        "
        join a v=3
          > rebalance g after 0
          > append g gen=0 - leader=- []
        join b v=3
        wait 6000
          > 1> joined a~01 gen=1 consumer/range leader=a~01 [a~01 b~02]
          > 2> joined b~02 gen=1 consumer/range leader=a~01 []
        sync a~01 gen=1 a~01=0 b~02=1
          > append g gen=1 range leader=a~01 [a~01=0 b~02=1]
          > 3> synced consumer/range 0
        sync b~02 gen=1
          > 4> synced consumer/range 1
        commit a~01 gen=1 orders-0=5
          > append g orders-0=5
          > 5> orders-0=NONE
        crash
          > loaded 3 groups=1
        heartbeat a~01 gen=1
          > 6> NONE
        sync b~02 gen=1
          > 7> synced consumer/range 1
        fetch orders-0
          > 8> g: orders-0=5
        join b id=b~02
          > 9> joined b~02 gen=1 consumer/range leader=a~01 []
        wait 9999
        heartbeat a~01 gen=1
          > 10> NONE
        wait 1
          > rebalance g after 1
        ",
    );
}

#[test]
fn what_was_not_committed_is_lost_with_the_coordinator() {
    check(
        "
        join a v=3
          > rebalance g after 0
          > append g gen=0 - leader=- []
        wait 3000
          > 1> joined a~01 gen=1 consumer/range leader=a~01 [a~01]
        sync a~01 gen=1 a~01=0
          > append g gen=1 range leader=a~01 [a~01=0]
          > 2> synced consumer/range 0
        hold
        commit a~01 gen=1 orders-0=5
          > append g orders-0=5
        join b v=3
          > rebalance g after 1
        fetch stable orders-0
        crash
          > 3> orders-0=NOT_COORDINATOR
          > 5> g NOT_COORDINATOR
          > 4> NOT_COORDINATOR b~04
          > loaded 2 groups=1
        fetch orders-0
          > 6> g: orders-0=-1
        join b id=b~04
          > 7> UNKNOWN_MEMBER_ID b~04
        heartbeat a~01 gen=1
          > 8> NONE
        ",
    );
}

#[test]
fn requests_are_refused_outside_of_leadership() {
    check(
        "
        unload
        join a
          > 1> NOT_COORDINATOR -
        commit - orders-0=1
          > 2> orders-0=NOT_COORDINATOR
        list
          > 3> NOT_COORDINATOR
        start-load
        join a
          > 4> COORDINATOR_LOAD_IN_PROGRESS -
        sync a gen=1
          > 5> COORDINATOR_LOAD_IN_PROGRESS
        heartbeat a gen=1
          > 6> NONE
        leave a
          > 7> COORDINATOR_LOAD_IN_PROGRESS
        commit - orders-0=1
          > 8> orders-0=COORDINATOR_LOAD_IN_PROGRESS
        fetch orders-0
          > 9> g COORDINATOR_LOAD_IN_PROGRESS
        describe g
          > 10> g COORDINATOR_LOAD_IN_PROGRESS  / []
        list
          > 11> COORDINATOR_LOAD_IN_PROGRESS
        delete g
          > 12> deleted g=COORDINATOR_LOAD_IN_PROGRESS
        delete-offsets orders-0
          > 13> COORDINATOR_LOAD_IN_PROGRESS
        topic-deleted orders
        loaded
          > loaded 0 groups=0
        list
          > 14> groups 
        ",
    );
}

#[test]
fn a_loaded_group_that_is_too_large_rebalances() {
    check(
        "
        join a v=3
          > rebalance g after 0
          > append g gen=0 - leader=- []
        join b v=3
        wait 6000
          > 1> joined a~01 gen=1 consumer/range leader=a~01 [a~01 b~02]
          > 2> joined b~02 gen=1 consumer/range leader=a~01 []
        sync a~01 gen=1 a~01=0 b~02=1
          > append g gen=1 range leader=a~01 [a~01=0 b~02=1]
          > 3> synced consumer/range 0
        max-size 1
        crash
          > loaded 2 groups=1
          > rebalance g after 1
        describe g
          > 4> g PreparingRebalance consumer/ [a~01=- b~02=-]
        join a id=a~01
        join b id=b~02
          > 6> GROUP_MAX_SIZE_REACHED -
          > 5> joined a~01 gen=2 consumer/range leader=a~01 [a~01]
        wait 60000
          > rebalance g after 2
          > append g gen=3 - leader=- []
        ",
    );
}

#[test]
fn groups_are_listed_by_state_and_type() {
    check(
        "
        join a v=3
          > rebalance g after 0
          > append g gen=0 - leader=- []
        wait 3000
          > 1> joined a~01 gen=1 consumer/range leader=a~01 [a~01]
        commit - orders-0=1 group=h
          > append h orders-0=1
          > 2> orders-0=NONE
        list
          > 3> groups g:consumer:CompletingRebalance:classic h::Empty:classic
        list states=completingrebalance
          > 4> groups g:consumer:CompletingRebalance:classic
        list states=Stable,Empty
          > 5> groups h::Empty:classic
        list types=Classic
          > 6> groups g:consumer:CompletingRebalance:classic h::Empty:classic
        list types=consumer
          > 7> groups 
        ",
    );
}

#[test]
fn a_new_group_is_there_after_a_failover_and_cleaned_up_later() {
    check(
        "
        join a
          > 1> MEMBER_ID_REQUIRED a~01
          > append g gen=0 - leader=- []
        crash
          > loaded 1 groups=1
        describe g
          > 2> g Empty / []
        wait 600000
          > append g gone
        describe g
          > 3> g GROUP_ID_NOT_FOUND Dead / []
        ",
    );
}

/// A key and a value.
type RawRecord<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);

/// The effects of loading these records, as text.
fn load(transactional: bool, records: &[RawRecord<'_>]) -> Vec<String> {
    let own = |bytes: &[u8]| Bytes::copy_from_slice(bytes);
    let record =
        |(key, value): &RawRecord<'_>| LoadedRecord { key: key.map(own), value: value.map(own) };
    let batch = LoadedBatch {
        last_offset: 7,
        transactional,
        records: records.iter().map(record).collect(),
    };
    let mut shard = GroupShard::new(GroupConfig::default());
    let mut effects = Vec::new();
    shard.step(at(0), Event::StartLoad { high_watermark: 0 }, &mut effects);
    shard.step(at(0), Event::Load(batch), &mut effects);
    shard.step(at(0), Event::Loaded, &mut effects);
    let heartbeat = Event::Request {
        token: ReplyToken(1),
        context: RequestContext::default(),
        request: Request::Heartbeat(Heartbeat { group_id: "g".to_owned(), ..Heartbeat::default() }),
    };
    shard.step(at(0), heartbeat, &mut effects);
    effects.iter().map(render::effect).collect()
}

#[test]
fn loads_are_total() {
    let check = |transactional: bool, records: &[RawRecord<'_>], expect: &[&str]| {
        assert_eq!(load(transactional, records), expect, "{records:?}");
    };
    const OFFSET_KEY: &[u8] = b"\x00\x01\x00\x01g\x00\x01t\x00\x00\x00\x00";
    const OFFSET_V0: &[u8] =
        b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01";
    const GROUP_KEY: &[u8] = b"\x00\x02\x00\x01g";
    const OK: &str = "1> UNKNOWN_MEMBER_ID";
    const NOT_LOADED: &str = "1> NOT_COORDINATOR";
    let offset: &[RawRecord<'_>] = &[(Some(OFFSET_KEY), Some(OFFSET_V0))];
    check(false, offset, &["loaded 1 groups=1", OK]);
    check(true, offset, &["loaded 0 groups=0 Transactional=1", OK]);
    // Offsets of Kafka before 0.8.3.
    let legacy_key: &[u8] = b"\x00\x00\x00\x01g\x00\x01t\x00\x00\x00\x00";
    check(false, &[(Some(legacy_key), Some(OFFSET_V0))], &["loaded 1 groups=1", OK]);
    // A consumer group's record, a type from the future, no key, a tombstone of nothing.
    let foreign: &[RawRecord<'_>] = &[
        (Some(b"\x00\x03\x00\x01g"), Some(b"")),
        (Some(b"\x7f\xff"), None),
        (None, None),
        (Some(GROUP_KEY), None),
    ];
    check(false, foreign, &["loaded 1 groups=0 Type(3)=1 Type(32767)=1 NoKey=1", OK]);
    let fails = |key: &[u8], value: Option<&[u8]>, expect: &str| {
        check(false, &[(Some(key), value)], &[&format!("load failed at 7: {expect}"), NOT_LOADED]);
    };
    fails(b"\x00", None, "the key of a record of type -1 can't be decoded");
    fails(b"\x00\x01\x00\x09g", None, "the key of a record of type 1 can't be decoded");
    fails(OFFSET_KEY, Some(b"\x00\x63"), "the value of a record of type 1 can't be decoded");
    // A group that says that it has 2^31 members.
    let crowd: &[u8] =
        b"\x00\x03\x00\x00\x00\x00\x00\x01\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\x7f\xff\xff\xff";
    fails(GROUP_KEY, Some(crowd), "the value of a record of type 2 can't be decoded");
}
