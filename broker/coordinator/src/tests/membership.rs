//! Dynamic members: the round of a group, and everything that disturbs it.

use super::script::{check, check_with};
use crate::GroupConfig;

#[test]
fn a_group_forms_in_two_steps_after_the_initial_delay() {
    check(
        "
        join a
          > 1> MEMBER_ID_REQUIRED a~01
          > append g gen=0 - leader=- []
        join a id=a~01
          > rebalance g after 0
        wait 2999
        wait 1
          > 2> joined a~01 gen=1 consumer/range leader=a~01 [a~01]
        sync a~01 gen=1 a~01=all
          > append g gen=1 range leader=a~01 [a~01=all]
          > 3> synced consumer/range all
        heartbeat a~01 gen=1
          > 4> NONE
        describe g
          > 5> g Stable consumer/range [a~01=all]
        ",
    );
}

#[test]
fn old_clients_get_their_id_with_the_generation() {
    check(
        "
        join a v=3
          > rebalance g after 0
          > append g gen=0 - leader=- []
        wait 3000
          > 1> joined a~01 gen=1 consumer/range leader=a~01 [a~01]
        ",
    );
}

#[test]
fn the_initial_delay_grows_with_each_member_up_to_the_rebalance_timeout() {
    check(
        "
        join a v=3 rebalance=8000
          > rebalance g after 0
          > append g gen=0 - leader=- []
        wait 2000
        join b v=3 rebalance=8000
        wait 3999
        join c v=3 rebalance=8000
        wait 2000
        wait 1
          > 1> joined a~01 gen=1 consumer/range leader=a~01 [a~01 b~02 c~03]
          > 2> joined b~02 gen=1 consumer/range leader=a~01 []
          > 3> joined c~03 gen=1 consumer/range leader=a~01 []
        ",
    );
}

#[test]
fn followers_wait_for_the_leaders_assignment() {
    check(
        "
        join a v=3
          > rebalance g after 0
          > append g gen=0 - leader=- []
        join b v=3
        wait 6000
          > 1> joined a~01 gen=1 consumer/range leader=a~01 [a~01 b~02]
          > 2> joined b~02 gen=1 consumer/range leader=a~01 []
        sync b~02 gen=1
        heartbeat b~02 gen=1
          > 4> NONE
        commit b~02 gen=1 orders-0=1
          > 5> orders-0=REBALANCE_IN_PROGRESS
        sync a~01 gen=1 a~01=0 b~02=1
          > append g gen=1 range leader=a~01 [a~01=0 b~02=1]
          > 6> synced consumer/range 0
          > 3> synced consumer/range 1
        sync b~02 gen=1
          > 7> synced consumer/range 1
        ",
    );
}

#[test]
fn an_assignment_is_given_out_when_it_is_committed() {
    check(
        "
        join a v=3
          > rebalance g after 0
          > append g gen=0 - leader=- []
        wait 3000
          > 1> joined a~01 gen=1 consumer/range leader=a~01 [a~01]
        hold
        sync a~01 gen=1 a~01=all
          > append g gen=1 range leader=a~01 [a~01=all]
        heartbeat a~01 gen=1
          > 3> NONE
        sync a~01 gen=1 a~01=other
          > 2> REBALANCE_IN_PROGRESS
        describe g
          > 5> g CompletingRebalance consumer/ [a~01=-]
        release
          > 4> synced consumer/range all
        describe g
          > 6> g Stable consumer/range [a~01=all]
        ",
    );
}

#[test]
fn a_failed_assignment_is_taken_back() {
    check(
        "
        join a v=3
          > rebalance g after 0
          > append g gen=0 - leader=- []
        wait 3000
          > 1> joined a~01 gen=1 consumer/range leader=a~01 [a~01]
        hold
        sync a~01 gen=1 a~01=all
          > append g gen=1 range leader=a~01 [a~01=all]
        fail NOT_ENOUGH_REPLICAS
          > 2> COORDINATOR_NOT_AVAILABLE
          > rebalance g after 1
        join a id=a~01
          > 3> joined a~01 gen=2 consumer/range leader=a~01 [a~01]
        sync a~01 gen=2 a~01=all
          > append g gen=2 range leader=a~01 [a~01=all]
          > 4> synced consumer/range all
        crash
          > loaded 2 groups=1
        describe g
          > 5> g Stable consumer/range [a~01=all]
        ",
    );
}

#[test]
fn an_assignment_that_is_not_committed_in_time_is_taken_back() {
    check(
        "
        join a v=3
          > rebalance g after 0
          > append g gen=0 - leader=- []
        wait 3000
          > 1> joined a~01 gen=1 consumer/range leader=a~01 [a~01]
        hold
        sync a~01 gen=1 a~01=all
          > append g gen=1 range leader=a~01 [a~01=all]
        wait 5000
          > 2> COORDINATOR_NOT_AVAILABLE
          > rebalance g after 1
        join a id=a~01
          > 3> joined a~01 gen=2 consumer/range leader=a~01 [a~01]
        release
        describe g
          > 4> g CompletingRebalance consumer/ [a~01=-]
        ",
    );
}

#[test]
fn a_new_member_makes_the_others_join_again() {
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
        join b
          > 3> MEMBER_ID_REQUIRED b~03
        join b id=b~03
          > rebalance g after 1
        heartbeat a~01 gen=1
          > 5> REBALANCE_IN_PROGRESS
        commit a~01 gen=1 orders-0=7
          > append g orders-0=7
          > 6> orders-0=NONE
        sync a~01 gen=1
          > 7> REBALANCE_IN_PROGRESS
        join a id=a~01
          > 8> joined a~01 gen=2 consumer/range leader=a~01 [a~01 b~03]
          > 4> joined b~03 gen=2 consumer/range leader=a~01 []
        heartbeat a~01 gen=1
          > 9> ILLEGAL_GENERATION
        commit a~01 gen=1 orders-0=8
          > 10> orders-0=ILLEGAL_GENERATION
        sync a~01 gen=2 a~01=0 b~03=1
          > append g gen=2 range leader=a~01 [a~01=0 b~03=1]
          > 11> synced consumer/range 0
        sync b~03 gen=2
          > 12> synced consumer/range 1
        ",
    );
}

#[test]
fn members_that_do_not_join_in_time_are_out() {
    check(
        "
        join a v=3 session=100000 rebalance=20000
          > rebalance g after 0
          > append g gen=0 - leader=- []
        wait 3000
          > 1> joined a~01 gen=1 consumer/range leader=a~01 [a~01]
        sync a~01 gen=1 a~01=all
          > append g gen=1 range leader=a~01 [a~01=all]
          > 2> synced consumer/range all
        join b v=3 session=100000 rebalance=20000
          > rebalance g after 1
        wait 19999
        wait 1
          > 3> joined b~03 gen=2 consumer/range leader=b~03 [b~03]
        heartbeat a~01 gen=1
          > 4> UNKNOWN_MEMBER_ID
        sync b~03 gen=2 b~03=all
          > append g gen=2 range leader=b~03 [b~03=all]
          > 5> synced consumer/range all
        ",
    );
}

#[test]
fn members_that_do_not_sync_in_time_are_out() {
    check(
        "
        join a v=3 session=100000 rebalance=20000
          > rebalance g after 0
          > append g gen=0 - leader=- []
        join b v=3 session=100000 rebalance=20000
        wait 6000
          > 1> joined a~01 gen=1 consumer/range leader=a~01 [a~01 b~02]
          > 2> joined b~02 gen=1 consumer/range leader=a~01 []
        sync b~02 gen=1
        wait 20000
          > 3> REBALANCE_IN_PROGRESS
          > rebalance g after 1
        heartbeat b~02 gen=1
          > 4> REBALANCE_IN_PROGRESS
        join b id=b~02
          > 5> joined b~02 gen=2 consumer/range leader=b~02 [b~02]
        ",
    );
}

#[test]
fn a_silent_member_is_out_after_its_session() {
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
        wait 9999
        heartbeat a~01 gen=1
          > 3> NONE
        wait 9999
        commit a~01 gen=1 orders-0=1
          > append g orders-0=1
          > 4> orders-0=NONE
        wait 9999
        wait 1
          > rebalance g after 1
          > append g gen=2 - leader=- []
        heartbeat a~01 gen=1
          > 5> UNKNOWN_MEMBER_ID
        describe g
          > 6> g Empty consumer/ []
        ",
    );
}

#[test]
fn an_unused_member_id_is_forgotten_after_its_session() {
    check(
        "
        join a
          > 1> MEMBER_ID_REQUIRED a~01
          > append g gen=0 - leader=- []
        wait 10000
        join a id=a~01
          > 2> UNKNOWN_MEMBER_ID a~01
        describe g
          > 3> g Empty / []
        ",
    );
}

#[test]
fn an_unused_member_id_holds_up_a_rebalance_until_its_session_ends() {
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
        join b
          > 3> MEMBER_ID_REQUIRED b~03
        join a id=a~01 topics=other
          > rebalance g after 1
        wait 9999
        wait 1
          > 4> joined a~01 gen=2 consumer/range leader=a~01 [a~01]
        ",
    );
}

#[test]
fn a_member_that_leaves_makes_room_at_once() {
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
        leave a~01
          > rebalance g after 1
          > 5> left a~01=NONE
        join b id=b~02
          > 6> joined b~02 gen=2 consumer/range leader=b~02 [b~02]
        leave b~02
          > rebalance g after 2
          > append g gen=3 - leader=- []
          > 7> left b~02=NONE
        leave b~02
          > 8> left b~02=UNKNOWN_MEMBER_ID
        leave x group=none
          > 9> left x=UNKNOWN_MEMBER_ID
        describe g
          > 10> g Empty consumer/ []
        ",
    );
}

#[test]
fn the_last_leave_is_answered_when_it_is_committed() {
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
        hold
        leave a~01
          > rebalance g after 1
          > append g gen=2 - leader=- []
        release
          > 3> left a~01=NONE
        ",
    );
}

#[test]
fn who_leaves_gets_its_parked_requests_answered() {
    check(
        "
        join a v=3
          > rebalance g after 0
          > append g gen=0 - leader=- []
        join b v=3
        wait 6000
          > 1> joined a~01 gen=1 consumer/range leader=a~01 [a~01 b~02]
          > 2> joined b~02 gen=1 consumer/range leader=a~01 []
        sync b~02 gen=1
        leave b~02
          > 3> UNKNOWN_MEMBER_ID
          > rebalance g after 1
          > 4> left b~02=NONE
        join a id=a~01
          > 5> joined a~01 gen=2 consumer/range leader=a~01 [a~01]
        join c v=3
          > rebalance g after 2
        leave c~06
          > 6> UNKNOWN_MEMBER_ID -
          > 7> left c~06=NONE
        ",
    );
}

#[test]
fn a_repeated_request_gives_up_the_first() {
    check(
        "
        join a v=3
          > rebalance g after 0
          > append g gen=0 - leader=- []
        join a id=a~01
          > 1> REBALANCE_IN_PROGRESS a~01
        wait 3000
          > 2> joined a~01 gen=1 consumer/range leader=a~01 [a~01]
        join b v=3
          > rebalance g after 1
        join b id=b~03
          > 3> REBALANCE_IN_PROGRESS b~03
        ",
    );
    check(
        "
        join a v=3
          > rebalance g after 0
          > append g gen=0 - leader=- []
        join b v=3
        wait 6000
          > 1> joined a~01 gen=1 consumer/range leader=a~01 [a~01 b~02]
          > 2> joined b~02 gen=1 consumer/range leader=a~01 []
        sync b~02 gen=1
        sync b~02 gen=1
          > 3> REBALANCE_IN_PROGRESS
        sync a~01 gen=1 b~02=1
          > append g gen=1 range leader=a~01 [a~01=- b~02=1]
          > 5> synced consumer/range -
          > 4> synced consumer/range 1
        ",
    );
}

#[test]
fn joining_again_changes_nothing_for_a_follower_and_everything_for_a_leader() {
    check(
        "
        join a v=3
          > rebalance g after 0
          > append g gen=0 - leader=- []
        join b v=3
        wait 6000
          > 1> joined a~01 gen=1 consumer/range leader=a~01 [a~01 b~02]
          > 2> joined b~02 gen=1 consumer/range leader=a~01 []
        join b id=b~02
          > 3> joined b~02 gen=1 consumer/range leader=a~01 []
        sync a~01 gen=1 a~01=0 b~02=1
          > append g gen=1 range leader=a~01 [a~01=0 b~02=1]
          > 4> synced consumer/range 0
        sync b~02 gen=1
          > 5> synced consumer/range 1
        join b id=b~02
          > 6> joined b~02 gen=1 consumer/range leader=a~01 []
        join b id=b~02 topics=orders,more
          > rebalance g after 1
        join a id=a~01
          > 8> joined a~01 gen=2 consumer/range leader=a~01 [a~01 b~02]
          > 7> joined b~02 gen=2 consumer/range leader=a~01 []
        sync a~01 gen=2 a~01=0 b~02=1
          > append g gen=2 range leader=a~01 [a~01=0 b~02=1]
          > 9> synced consumer/range 0
        sync b~02 gen=2
          > 10> synced consumer/range 1
        join a id=a~01
          > rebalance g after 2
        ",
    );
}

#[test]
fn new_metadata_while_the_leader_assigns_starts_over() {
    check(
        "
        join a v=3
          > rebalance g after 0
          > append g gen=0 - leader=- []
        join b v=3
        wait 6000
          > 1> joined a~01 gen=1 consumer/range leader=a~01 [a~01 b~02]
          > 2> joined b~02 gen=1 consumer/range leader=a~01 []
        sync b~02 gen=1
        join a id=a~01 topics=other
          > 3> REBALANCE_IN_PROGRESS
          > rebalance g after 1
        heartbeat b~02 gen=1
          > 5> REBALANCE_IN_PROGRESS
        join b id=b~02
          > 4> joined a~01 gen=2 consumer/range leader=a~01 [a~01 b~02]
          > 6> joined b~02 gen=2 consumer/range leader=a~01 []
        ",
    );
}

#[test]
fn the_protocol_that_all_speak_and_most_prefer_wins() {
    check(
        "
        join a v=3 protocols=x,range,sticky
          > rebalance g after 0
          > append g gen=0 - leader=- []
        join b v=3 protocols=sticky,range
        join c v=3 protocols=sticky,range,y
        join d v=3 protocols=y
          > 4> INCONSISTENT_GROUP_PROTOCOL -
        join e v=3 protocols=range type=connect
          > 5> INCONSISTENT_GROUP_PROTOCOL -
        join f v=3 protocols=
          > 6> INCONSISTENT_GROUP_PROTOCOL -
        wait 9000
          > 1> joined a~01 gen=1 consumer/sticky leader=a~01 [a~01 b~02 c~03]
          > 2> joined b~02 gen=1 consumer/sticky leader=a~01 []
          > 3> joined c~03 gen=1 consumer/sticky leader=a~01 []
        sync b~02 gen=1 type=consumer protocol=range
          > 7> INCONSISTENT_GROUP_PROTOCOL
        sync b~02 gen=1 type=connect
          > 8> INCONSISTENT_GROUP_PROTOCOL
        sync b~02 gen=1 type=consumer protocol=sticky
        ",
    );
}

#[test]
fn a_group_refuses_who_is_too_many() {
    check_with(
        GroupConfig { group_size_max: 1, ..GroupConfig::default() },
        "
        join a v=3
          > rebalance g after 0
          > append g gen=0 - leader=- []
        join b v=3
          > 2> GROUP_MAX_SIZE_REACHED -
        wait 3000
          > 1> joined a~01 gen=1 consumer/range leader=a~01 [a~01]
        join c v=3
          > 3> GROUP_MAX_SIZE_REACHED -
        join a id=a~01 topics=other
          > rebalance g after 1
          > 4> joined a~01 gen=2 consumer/range leader=a~01 [a~01]
        ",
    );
    check_with(
        GroupConfig { pending_members_max: 1, ..GroupConfig::default() },
        "
        join a
          > 1> MEMBER_ID_REQUIRED a~01
          > append g gen=0 - leader=- []
        join b
          > 2> GROUP_MAX_SIZE_REACHED -
        ",
    );
    check_with(
        GroupConfig { group_bytes_max: 600, ..GroupConfig::default() },
        "
        join a v=3
          > rebalance g after 0
          > append g gen=0 - leader=- []
        join b v=3
        join c v=3
          > 3> GROUP_MAX_SIZE_REACHED -
        wait 6000
          > 1> joined a~01 gen=1 consumer/range leader=a~01 [a~01 b~02]
          > 2> joined b~02 gen=1 consumer/range leader=a~01 []
        sync a~01 gen=1 a~01=0
          > append g gen=1 range leader=a~01 [a~01=0 b~02=-]
          > 4> synced consumer/range 0
        join a id=a~01 topics=ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
          > 5> GROUP_MAX_SIZE_REACHED -
          > rebalance g after 1
        ",
    );
}

#[test]
fn strangers_and_stale_generations_are_refused() {
    check(
        "
        join a id=x
          > 1> UNKNOWN_MEMBER_ID x
        join a group=
          > 2> INVALID_GROUP_ID -
        join a session=5999
          > 3> INVALID_SESSION_TIMEOUT -
        join a session=1800001
          > 4> INVALID_SESSION_TIMEOUT -
        sync x gen=1
          > 5> UNKNOWN_MEMBER_ID
        heartbeat x gen=1
          > 6> UNKNOWN_MEMBER_ID
        join a v=3
          > rebalance g after 0
          > append g gen=0 - leader=- []
        wait 3000
          > 7> joined a~07 gen=1 consumer/range leader=a~07 [a~07]
        sync a~07 gen=1 a~07=all
          > append g gen=1 range leader=a~07 [a~07=all]
          > 8> synced consumer/range all
        join a id=x
          > 9> UNKNOWN_MEMBER_ID x
        sync x gen=1
          > 10> UNKNOWN_MEMBER_ID
        sync a~07 gen=2
          > 11> ILLEGAL_GENERATION
        heartbeat x gen=1
          > 12> UNKNOWN_MEMBER_ID
        heartbeat a~07 gen=0
          > 13> ILLEGAL_GENERATION
        commit x gen=1 orders-0=1
          > 14> orders-0=UNKNOWN_MEMBER_ID
        commit a~07 gen=0 orders-0=1
          > 15> orders-0=ILLEGAL_GENERATION
        commit - gen=-1 orders-0=1
          > 16> orders-0=UNKNOWN_MEMBER_ID
        heartbeat x gen=1 group=
          > 17> INVALID_GROUP_ID
        sync x gen=1 group=
          > 18> INVALID_GROUP_ID
        leave x group=
          > 19> INVALID_GROUP_ID
        ",
    );
}

#[test]
fn a_leader_that_does_not_come_back_is_replaced() {
    check(
        "
        join a v=3 rebalance=20000 session=100000
          > rebalance g after 0
          > append g gen=0 - leader=- []
        join b v=3 rebalance=20000 session=100000
        wait 6000
          > 1> joined a~01 gen=1 consumer/range leader=a~01 [a~01 b~02]
          > 2> joined b~02 gen=1 consumer/range leader=a~01 []
        sync a~01 gen=1 a~01=0 b~02=1
          > append g gen=1 range leader=a~01 [a~01=0 b~02=1]
          > 3> synced consumer/range 0
        sync b~02 gen=1
          > 4> synced consumer/range 1
        join b id=b~02 topics=other rebalance=20000 session=100000
          > rebalance g after 1
        wait 20000
          > 5> joined b~02 gen=2 consumer/range leader=b~02 [b~02]
        ",
    );
}

#[test]
fn a_member_whose_first_join_waits_too_long_is_given_up() {
    check(
        "
        join a v=3 rebalance=1000000 session=1800000
          > rebalance g after 0
          > append g gen=0 - leader=- []
        wait 3000
          > 1> joined a~01 gen=1 consumer/range leader=a~01 [a~01]
        sync a~01 gen=1 a~01=all
          > append g gen=1 range leader=a~01 [a~01=all]
          > 2> synced consumer/range all
        join b v=3 rebalance=1000000 session=1800000
          > rebalance g after 1
        wait 300000
          > 3> UNKNOWN_MEMBER_ID -
        ",
    );
}
