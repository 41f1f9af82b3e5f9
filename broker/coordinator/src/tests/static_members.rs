//! Static members (KIP-345): they come back under a new id and take their old place.

use super::script::check;

#[test]
fn a_static_member_comes_back_without_a_rebalance() {
    check(
        "
        join a static=one
          > rebalance g after 0
          > append g gen=0 - leader=- []
        join b static=two
        wait 6000
          > 1> joined one~01 gen=1 consumer/range leader=one~01 [one~01(one) two~02(two)]
          > 2> joined two~02 gen=1 consumer/range leader=one~01 []
        sync one~01 gen=1 one~01=0 two~02=1
          > append g gen=1 range leader=one~01 [one~01=0 two~02=1]
          > 3> synced consumer/range 0
        sync two~02 gen=1
          > 4> synced consumer/range 1
        join b static=two
          > append g gen=1 range leader=one~01 [one~01=0 two~05=1]
          > 5> joined two~05 gen=1 consumer/range leader=one~01 []
        heartbeat two~02 gen=1 static=two
          > 6> FENCED_INSTANCE_ID
        commit two~02 gen=1 static=two orders-1=5
          > 7> orders-1=FENCED_INSTANCE_ID
        sync two~05 gen=1 static=two
          > 8> synced consumer/range 1
        heartbeat one~01 gen=1 static=one
          > 9> NONE
        ",
    );
}

#[test]
fn a_static_leader_that_comes_back_skips_the_assignment_if_it_can() {
    check(
        "
        join a static=one
          > rebalance g after 0
          > append g gen=0 - leader=- []
        wait 3000
          > 1> joined one~01 gen=1 consumer/range leader=one~01 [one~01(one)]
        sync one~01 gen=1 one~01=0
          > append g gen=1 range leader=one~01 [one~01=0]
          > 2> synced consumer/range 0
        join a static=one
          > append g gen=1 range leader=one~03 [one~03=0]
          > 3> joined one~03 gen=1 consumer/range leader=one~03 [one~03(one)] skip
        join a static=one v=8
          > append g gen=1 range leader=one~04 [one~04=0]
          > 4> joined one~04 gen=1 consumer/range leader=one~03 []
        ",
    );
}

#[test]
fn a_change_of_protocol_rebalances() {
    check(
        "
        join a static=one protocols=range,sticky
          > rebalance g after 0
          > append g gen=0 - leader=- []
        wait 3000
          > 1> joined one~01 gen=1 consumer/range leader=one~01 [one~01(one)]
        sync one~01 gen=1 one~01=0
          > append g gen=1 range leader=one~01 [one~01=0]
          > 2> synced consumer/range 0
        join a static=one protocols=sticky,range
          > rebalance g after 1
          > 3> joined one~03 gen=2 consumer/sticky leader=one~03 [one~03(one)]
        ",
    );
}

#[test]
fn a_new_id_that_is_not_written_is_taken_back() {
    check(
        "
        join a static=one
          > rebalance g after 0
          > append g gen=0 - leader=- []
        wait 3000
          > 1> joined one~01 gen=1 consumer/range leader=one~01 [one~01(one)]
        sync one~01 gen=1 one~01=0
          > append g gen=1 range leader=one~01 [one~01=0]
          > 2> synced consumer/range 0
        hold
        join a static=one
          > append g gen=1 range leader=one~03 [one~03=0]
        heartbeat one~01 gen=1 static=one
          > 4> FENCED_INSTANCE_ID
        fail NOT_LEADER_OR_FOLLOWER
          > 3> NOT_COORDINATOR -
        heartbeat one~01 gen=1 static=one
          > 5> NONE
        crash
          > loaded 2 groups=1
        heartbeat one~01 gen=1 static=one
          > 6> NONE
        describe g
          > 7> g Stable consumer/range [one~01=0]
        ",
    );
}

#[test]
fn a_rebalance_overtakes_a_new_id_that_is_being_written() {
    check(
        "
        join a static=one
          > rebalance g after 0
          > append g gen=0 - leader=- []
        wait 3000
          > 1> joined one~01 gen=1 consumer/range leader=one~01 [one~01(one)]
        sync one~01 gen=1 one~01=0
          > append g gen=1 range leader=one~01 [one~01=0]
          > 2> synced consumer/range 0
        hold
        join a static=one
          > append g gen=1 range leader=one~03 [one~03=0]
        join b static=two
          > rebalance g after 1
          > 3> joined one~03 gen=2 consumer/range leader=one~03 [one~03(one) two~04(two)]
          > 4> joined two~04 gen=2 consumer/range leader=one~03 []
        release
        sync one~03 gen=2 one~03=0 two~04=1
          > append g gen=2 range leader=one~03 [one~03=0 two~04=1]
          > 5> synced consumer/range 0
        ",
    );
}

#[test]
fn coming_back_while_the_group_rebalances_takes_part_in_it() {
    check(
        "
        join a static=one
          > rebalance g after 0
          > append g gen=0 - leader=- []
        join b static=two
        wait 6000
          > 1> joined one~01 gen=1 consumer/range leader=one~01 [one~01(one) two~02(two)]
          > 2> joined two~02 gen=1 consumer/range leader=one~01 []
        sync two~02 gen=1 static=two
        join b static=two
          > 3> FENCED_INSTANCE_ID
          > rebalance g after 1
        join a static=one id=one~01
          > 5> joined one~01 gen=2 consumer/range leader=one~01 [one~01(one) two~04(two)]
          > 4> joined two~04 gen=2 consumer/range leader=one~01 []
        join c v=3
          > rebalance g after 2
        join b static=two
        ",
    );
}

#[test]
fn a_static_member_that_is_late_keeps_its_place() {
    check(
        "
        join a static=one rebalance=20000 session=100000
          > rebalance g after 0
          > append g gen=0 - leader=- []
        wait 3000
          > 1> joined one~01 gen=1 consumer/range leader=one~01 [one~01(one)]
        sync one~01 gen=1 one~01=0
          > append g gen=1 range leader=one~01 [one~01=0]
          > 2> synced consumer/range 0
        join b v=3 rebalance=20000 session=100000
          > rebalance g after 1
        wait 20000
          > 3> joined b~03 gen=2 consumer/range leader=b~03 [b~03 one~01(one)]
        sync b~03 gen=2 one~01=0 b~03=1
          > append g gen=2 range leader=b~03 [b~03=1 one~01=0]
          > 4> synced consumer/range 1
        join a static=one rebalance=20000 session=100000
          > append g gen=2 range leader=b~03 [b~03=1 one~05=0]
          > 5> joined one~05 gen=2 consumer/range leader=b~03 []
        describe g
          > 6> g Stable consumer/range [b~03=1 one~05=0]
        ",
    );
}

#[test]
fn only_late_static_members_wait_for_another_round() {
    check(
        "
        join a static=one rebalance=20000 session=30000
          > rebalance g after 0
          > append g gen=0 - leader=- []
        join b v=3 rebalance=20000 session=100000
        wait 6000
          > 2> joined b~02 gen=1 consumer/range leader=one~01 []
          > 1> joined one~01 gen=1 consumer/range leader=one~01 [b~02 one~01(one)]
        sync one~01 gen=1 one~01=0 b~02=1
          > append g gen=1 range leader=one~01 [b~02=1 one~01=0]
          > 3> synced consumer/range 0
        sync b~02 gen=1
          > 4> synced consumer/range 1
        leave b~02
          > rebalance g after 1
          > 5> left b~02=NONE
        wait 20000
        wait 10000
          > append g gen=2 - leader=- []
        ",
    );
}

#[test]
fn a_tool_sends_static_members_away_by_name() {
    check(
        "
        join a static=one
          > rebalance g after 0
          > append g gen=0 - leader=- []
        wait 3000
          > 1> joined one~01 gen=1 consumer/range leader=one~01 [one~01(one)]
        sync one~01 gen=1 one~01=0
          > append g gen=1 range leader=one~01 [one~01=0]
          > 2> synced consumer/range 0
        leave - static=two
          > 3> left -(two)=UNKNOWN_MEMBER_ID
        leave x static=one
          > 4> left x(one)=FENCED_INSTANCE_ID
        leave - static=one
          > rebalance g after 1
          > append g gen=2 - leader=- []
          > 5> left -(one)=NONE
        ",
    );
}

#[test]
fn static_names_are_checked_everywhere() {
    check(
        "
        join a static=one
          > rebalance g after 0
          > append g gen=0 - leader=- []
        wait 3000
          > 1> joined one~01 gen=1 consumer/range leader=one~01 [one~01(one)]
        sync one~01 gen=1 one~01=0 static=two
          > 2> UNKNOWN_MEMBER_ID
        sync x gen=1 static=one
          > 3> FENCED_INSTANCE_ID
        sync one~01 gen=1 one~01=0 static=one
          > append g gen=1 range leader=one~01 [one~01=0]
          > 4> synced consumer/range 0
        heartbeat x gen=1 static=one
          > 5> FENCED_INSTANCE_ID
        heartbeat one~01 gen=1 static=two
          > 6> UNKNOWN_MEMBER_ID
        join a id=x static=one
          > 7> FENCED_INSTANCE_ID x
        join a id=one~01 static=two
          > 8> UNKNOWN_MEMBER_ID one~01
        ",
    );
}
