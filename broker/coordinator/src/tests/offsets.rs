//! Offsets: committed, read, deleted, expired.

use super::script::{check, check_with};
use crate::GroupConfig;

#[test]
fn a_simple_consumer_commits_without_membership() {
    check(
        "
        fetch orders-0
          > 1> g: orders-0=-1
        commit - orders-0=5 orders-1=6 note=here
          > append g orders-0=5 + g orders-1=6
          > 2> orders-0=NONE orders-1=NONE
        fetch orders-0 orders-1 orders-2 other-0
          > 3> g: orders-0=5(here) orders-1=6(here) orders-2=-1 other-0=-1
        fetch all
          > 4> g: orders-0=5(here) orders-1=6(here)
        fetch all group=none
          > 5> none:
        describe g
          > 6> g Empty / []
        list
          > 7> groups g::Empty:classic
        ",
    );
}

#[test]
fn offsets_are_read_when_they_are_committed() {
    check(
        "
        commit - orders-0=5
          > append g orders-0=5
          > 1> orders-0=NONE
        hold
        commit - orders-0=6
          > append g orders-0=6
        fetch orders-0
          > 3> g: orders-0=5
        fetch stable orders-0
        release
          > 2> orders-0=NONE
          > 4> g: orders-0=6
        fetch orders-0
          > 5> g: orders-0=6
        ",
    );
}

#[test]
fn a_failed_commit_leaves_the_old_offset() {
    check(
        "
        commit - orders-0=5
          > append g orders-0=5
          > 1> orders-0=NONE
        hold
        commit - orders-0=6
          > append g orders-0=6
        commit - orders-0=7 group=h
          > append h orders-0=7
        fetch stable orders-0
        fail NOT_LEADER_OR_FOLLOWER
          > 2> orders-0=NOT_COORDINATOR
          > 3> orders-0=NOT_COORDINATOR
          > 4> g NOT_COORDINATOR
        fetch stable orders-0
          > 5> g: orders-0=5
        describe h
          > 6> h GROUP_ID_NOT_FOUND Dead / []
        ",
    );
}

#[test]
fn a_commit_that_takes_too_long_says_so() {
    check(
        "
        hold
        commit - orders-0=5
          > append g orders-0=5
        wait 4999
        wait 1
          > 1> orders-0=COORDINATOR_NOT_AVAILABLE
        release
        fetch orders-0
          > 2> g: orders-0=5
        ",
    );
}

#[test]
fn a_note_has_a_longest_length() {
    check_with(
        GroupConfig { offset_metadata_max: 4, ..GroupConfig::default() },
        "
        commit - orders-0=5 note=12345
          > 1> orders-0=OFFSET_METADATA_TOO_LARGE
        commit - orders-0=5 note=1234
          > append g orders-0=5
          > 2> orders-0=NONE
        commit - orders-0=5 note=ääää
          > append g orders-0=5
          > 3> orders-0=NONE
        commit - orders-0=5 note=🦀🦀🦀
          > 4> orders-0=OFFSET_METADATA_TOO_LARGE
        ",
    );
}

#[test]
fn commits_of_members_that_cannot_be() {
    check(
        "
        commit x gen=3 orders-0=5
          > 1> orders-0=GROUP_ID_NOT_FOUND
        commit x gen=3 orders-0=5 v=8
          > 2> orders-0=ILLEGAL_GENERATION
        commit - orders-0=5
          > append g orders-0=5
          > 3> orders-0=NONE
        commit x gen=3 orders-0=5
          > 4> orders-0=UNKNOWN_MEMBER_ID
        commit x gen=-1 orders-0=6
          > append g orders-0=6
          > 5> orders-0=NONE
        ",
    );
}

#[test]
fn an_offset_of_another_topic_of_the_same_name_is_not_shown() {
    check(
        "
        commit - orders-0=5 topic-id=1
          > append g orders-0=5
          > 1> orders-0=NONE
        fetch orders-0 topic-id=1
          > 2> g: orders-0=5
        fetch orders-0 topic-id=2
          > 3> g: orders-0=-1
        fetch orders-0
          > 4> g: orders-0=5
        topic-deleted orders topic-id=2
        topic-deleted orders topic-id=1
          > append g orders-0 gone
        describe g
          > 5> g GROUP_ID_NOT_FOUND Dead / []
        ",
    );
}

#[test]
fn offsets_in_use_are_not_deleted() {
    check(
        "
        delete-offsets orders-0
          > 1> GROUP_ID_NOT_FOUND
        join a v=3 topics=orders
          > rebalance g after 0
          > append g gen=0 - leader=- []
        wait 3000
          > 2> joined a~02 gen=1 consumer/range leader=a~02 [a~02]
        sync a~02 gen=1 a~02=all
          > append g gen=1 range leader=a~02 [a~02=all]
          > 3> synced consumer/range all
        commit a~02 gen=1 orders-0=1 other-0=2
          > append g orders-0=1 + g other-0=2
          > 4> orders-0=NONE other-0=NONE
        delete-offsets orders-0 other-0 other-1
          > append g other-0 gone
          > 5> deleted orders-0=GROUP_SUBSCRIBED_TO_TOPIC other-0=NONE other-1=NONE
        leave a~02
          > rebalance g after 1
          > append g gen=2 - leader=- []
          > 6> left a~02=NONE
        delete-offsets orders-0 other-0
          > append g orders-0 gone
          > 7> deleted orders-0=NONE other-0=NONE
        delete-offsets orders-0 group=
          > 8> INVALID_GROUP_ID
        ",
    );
    check(
        "
        join a v=3 type=connect
          > rebalance g after 0
          > append g gen=0 - leader=- []
        wait 3000
          > 1> joined a~01 gen=1 connect/range leader=a~01 [a~01]
        delete-offsets orders-0
          > 2> NON_EMPTY_GROUP
        ",
    );
}

#[test]
fn groups_without_members_are_deleted_with_their_offsets() {
    check(
        "
        join a v=3
          > rebalance g after 0
          > append g gen=0 - leader=- []
        wait 3000
          > 1> joined a~01 gen=1 consumer/range leader=a~01 [a~01]
        sync a~01 gen=1 a~01=all
          > append g gen=1 range leader=a~01 [a~01=all]
          > 2> synced consumer/range all
        commit a~01 gen=1 orders-0=1
          > append g orders-0=1
          > 3> orders-0=NONE
        delete g none
          > 4> deleted g=NON_EMPTY_GROUP none=GROUP_ID_NOT_FOUND
        leave a~01
          > rebalance g after 1
          > append g gen=2 - leader=- []
          > 5> left a~01=NONE
        hold
        delete g
          > append g orders-0 gone + g gone
        describe g
          > 7> g Empty consumer/ []
        delete g
          > 8> deleted g=GROUP_ID_NOT_FOUND
        release
          > 6> deleted g=NONE
        describe g
          > 9> g GROUP_ID_NOT_FOUND Dead / []
        describe g v=5
          > 10> g Dead / []
        list
          > 11> groups 
        ",
    );
}

#[test]
fn a_deletion_that_fails_is_undone() {
    check(
        "
        join a v=3
          > rebalance g after 0
          > append g gen=0 - leader=- []
        wait 3000
          > 1> joined a~01 gen=1 consumer/range leader=a~01 [a~01]
        leave a~01
          > rebalance g after 1
          > append g gen=2 - leader=- []
          > 2> left a~01=NONE
        commit - orders-0=1
          > append g orders-0=1
          > 3> orders-0=NONE
        hold
        delete g
          > append g orders-0 gone + g gone
        fail REQUEST_TIMED_OUT
          > 4> deleted g=COORDINATOR_NOT_AVAILABLE
        fetch stable orders-0
          > 5> g: orders-0=1
        describe g
          > 6> g Empty consumer/ []
        join b v=3
          > rebalance g after 2
        wait 3000
          > 7> joined b~07 gen=3 consumer/range leader=b~07 [b~07]
        ",
    );
}

#[test]
fn offsets_of_an_empty_group_expire_after_it_is_empty() {
    check_with(
        GroupConfig { offsets_retention_minutes: 20, ..GroupConfig::default() },
        "
        join a v=3 session=1800000
          > rebalance g after 0
          > append g gen=0 - leader=- []
        wait 3000
          > 1> joined a~01 gen=1 consumer/range leader=a~01 [a~01]
        sync a~01 gen=1 a~01=all
          > append g gen=1 range leader=a~01 [a~01=all]
          > 2> synced consumer/range all
        commit a~01 gen=1 orders-0=1
          > append g orders-0=1
          > 3> orders-0=NONE
        wait 1800000
          > rebalance g after 1
          > append g gen=2 - leader=- []
        fetch orders-0
          > 4> g: orders-0=1
        leave a~01
          > 5> left a~01=UNKNOWN_MEMBER_ID
        wait 1199000
        fetch orders-0
          > 6> g: orders-0=1
        wait 600000
          > append g orders-0 gone + g gone
        fetch orders-0
          > 7> g: orders-0=-1
        describe g
          > 8> g GROUP_ID_NOT_FOUND Dead / []
        ",
    );
}

#[test]
fn offsets_of_simple_consumers_expire_after_each_commit() {
    check_with(
        GroupConfig { offsets_retention_minutes: 20, ..GroupConfig::default() },
        "
        commit - orders-0=1
          > append g orders-0=1
          > 1> orders-0=NONE
        commit - orders-1=1 retention=500000
          > append g orders-1=1
          > 2> orders-1=NONE
        wait 600000
          > append g orders-1 gone
        commit - orders-2=1
          > append g orders-2=1
          > 3> orders-2=NONE
        wait 600000
          > append g orders-0 gone
        wait 600000
          > append g orders-2 gone
        describe g
          > 4> g GROUP_ID_NOT_FOUND Dead / []
        ",
    );
}

#[test]
fn offsets_of_topics_that_a_group_left_expire_while_it_lives() {
    check_with(
        GroupConfig { offsets_retention_minutes: 5, ..GroupConfig::default() },
        "
        join a v=3 topics=orders session=1800000
          > rebalance g after 0
          > append g gen=0 - leader=- []
        wait 3000
          > 1> joined a~01 gen=1 consumer/range leader=a~01 [a~01]
        sync a~01 gen=1 a~01=all
          > append g gen=1 range leader=a~01 [a~01=all]
          > 2> synced consumer/range all
        commit a~01 gen=1 orders-0=1 other-0=2
          > append g orders-0=1 + g other-0=2
          > 3> orders-0=NONE other-0=NONE
        wait 600000
          > append g other-0 gone
        ",
    );
}

#[test]
fn splits_what_need_not_be_atomic() {
    check_with(
        GroupConfig { records_per_append_max: 2, ..GroupConfig::default() },
        "
        commit - a-0=1 a-1=1 a-2=1 b-0=1 b-1=1
          > append g a-0=1 + g a-1=1 + g a-2=1 + g b-0=1 + g b-1=1
          > 1> a-0=NONE a-1=NONE a-2=NONE b-0=NONE b-1=NONE
        delete-offsets a-0 a-1 a-2
          > append g a-0 gone + g a-1 gone
          > append g a-2 gone
          > 2> deleted a-0=NONE a-1=NONE a-2=NONE
        topic-deleted b
          > append g b-0 gone + g b-1 gone
        ",
    );
}
