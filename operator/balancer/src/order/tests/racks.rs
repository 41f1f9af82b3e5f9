//! Racks, and replicas of one partition that are in each other's way.

use super::*;

fn brokers(racks: &[&str]) -> Vec<Broker> {
    racks.iter().enumerate().map(|(index, rack)| broker(index as i32 + 1, rack, 100.0)).collect()
}

#[test]
fn who_frees_a_rack_goes_first() {
    // The first replica may come to rack b only when the second has left it.
    let model = model(brokers(&["a", "b", "b", "c"]), topic(&[(&[1, 2], 5.0)], &[]));
    let after = target(&model, &[(0, 1, 3), (0, 2, 4)]);
    check(&model, &options(), &after, &["0 move [1,2]>[1,4] 1", "0 move [1,4]>[3,4] 3"], &[]);
}

#[test]
fn replicas_that_exchange_racks_stay_in_their_own() {
    // 1 to 4 and 2 to 3 would cross; 1 to 3 and 2 to 4 come to the same. The leader is where it was to be.
    let model = model(brokers(&["a", "b", "a", "b"]), topic(&[(&[1, 2], 5.0)], &[]));
    let after = target(&model, &[(0, 1, 4), (0, 2, 3)]);
    check(&model, &options(), &after, &["0 move [1,2]>[3,2] 2", "0 move [3,2]>[3,4] 4"], &[]);
}

#[test]
fn replicas_that_exchange_brokers_stay() {
    let model = model(brokers(&["a", "b", "c"]), topic(&[(&[1, 2], 5.0)], &[]));
    let after = target(&model, &[(0, 1, 2), (0, 2, 1)]);
    check(&model, &options(), &after, &["0 leader [1,2]>[1,2] 2"], &[]);
    let after = target(&model, &[(0, 1, 2), (0, 2, 3)]);
    check(&model, &options(), &after, &["0 move [1,2]>[3,2] 2"], &[]);
}

#[test]
fn a_rack_that_stays_taken_is_left_out() {
    let model = model(brokers(&["a", "b", "b"]), topic(&[(&[1, 2], 5.0)], &[]));
    check(
        &model,
        &options(),
        &target(&model, &[(0, 1, 3)]),
        &[],
        &["the partition's other replicas"],
    );
    let mut options = options();
    options.goals.retain(|goal| *goal != Goal::RackAware);
    check(&model, &options, &target(&model, &[(0, 1, 3)]), &["0 move [1,2]>[3,2] 3"], &[]);
}

#[test]
fn an_even_spread_stays_even() {
    let mut options = options();
    options.goals.retain(|goal| *goal != Goal::RackAware);
    options.goals.push(Goal::RackAwareDistribution);
    // Four replicas on two racks: two in each. One can come only after another has gone the other way.
    let model = model(brokers(&["a", "a", "b", "b", "a", "b"]), topic(&[(&[1, 2, 3], 5.0)], &[]));
    // Two in a, one in b is even; so is one in a, two in b; three in one is not.
    check(&model, &options, &target(&model, &[(0, 1, 4)]), &["0 move [1,2,3]>[4,2,3] 4"], &[]);
    let after = target(&model, &[(0, 3, 5)]);
    check(&model, &options, &after, &[], &["the partition's other replicas"]);
}

#[test]
fn a_shared_rack_may_be_left_and_never_gets_worse() {
    let model = model(brokers(&["a", "a", "b", "c"]), topic(&[(&[1, 2, 3], 5.0)], &[]));
    check(&model, &options(), &target(&model, &[(0, 2, 4)]), &["0 move [1,2,3]>[1,4,3] 1"], &[]);
}
