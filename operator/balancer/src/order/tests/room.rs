//! Disks, machines and counts on the way.

use super::*;

fn full(brokers: &[(i32, f64)]) -> Vec<Broker> {
    brokers.iter().map(|(id, disk)| broker(*id, &id.to_string(), *disk)).collect()
}

#[test]
fn two_full_brokers_cannot_swap() {
    let model = model(full(&[(1, 10.0), (2, 10.0)]), topic(&[(&[1], 8.0), (&[2], 8.0)], &[]));
    let after = target(&model, &[(0, 1, 2), (1, 2, 1)]);
    check(
        &model,
        &options(),
        &after,
        &[],
        &["broker 2 has no room for it (disk)", "broker 1 has no room"],
    );
}

#[test]
fn two_full_brokers_swap_once_another_replica_has_left() {
    let brokers = full(&[(1, 10.0), (2, 18.0), (3, 10.0)]);
    let model = model(brokers, topic(&[(&[1], 8.0), (&[2], 8.0), (&[2], 8.0)], &[]));
    let after = target(&model, &[(0, 1, 2), (1, 2, 1), (2, 2, 3)]);
    let steps = ["2 move [2]>[3] 3", "0 move [1]>[2] 2", "1 move [2]>[1] 1"];
    check(&model, &options(), &after, &steps, &[]);
}

#[test]
fn a_chain_of_full_brokers_begins_at_its_end() {
    let brokers = full(&[(1, 10.0), (2, 10.0), (3, 10.0), (4, 10.0)]);
    let model = model(brokers, topic(&[(&[1], 9.0), (&[2], 9.0), (&[3], 9.0)], &[]));
    let after = target(&model, &[(0, 1, 2), (1, 2, 3), (2, 3, 4)]);
    let steps = ["2 move [3]>[4] 4", "1 move [2]>[3] 3", "0 move [1]>[2] 2"];
    check(&model, &options(), &after, &steps, &[]);
}

#[test]
fn room_is_kept_for_those_who_need_it() {
    // Partition 1 would take the room on broker 2 that partition 0 needs to let partition 2 in.
    let brokers = full(&[(1, 10.0), (2, 20.0), (3, 10.0)]);
    let model = model(brokers, topic(&[(&[3], 10.0), (&[1], 10.0), (&[2], 10.0)], &[]));
    let after = target(&model, &[(0, 3, 2), (1, 1, 2), (2, 2, 1)]);
    let steps = ["1 move [1]>[2] 2", "2 move [2]>[1] 1", "0 move [3]>[2] 2"];
    check(&model, &options(), &after, &steps, &[]);
}

#[test]
fn what_is_over_its_limit_gives_before_it_takes() {
    let brokers = full(&[(1, 10.0), (2, 100.0)]);
    let model = model(brokers, topic(&[(&[1], 8.0), (&[1], 8.0), (&[2], 1.0)], &[]));
    let after = target(&model, &[(0, 1, 2), (2, 2, 1)]);
    check(&model, &options(), &after, &["0 move [1]>[2] 2", "2 move [2]>[1] 1"], &[]);
    // It never gets below with what comes.
    let after = target(&model, &[(2, 2, 1)]);
    check(&model, &options(), &after, &[], &["broker 1 has no room for it (disk)"]);
}

#[test]
fn only_the_smallest_is_left_out() {
    // Partitions 0 and 1 block each other; 2 goes in with what room there is.
    let brokers = full(&[(1, 10.0), (2, 10.0), (3, 10.0)]);
    let model = model(brokers, topic(&[(&[1], 9.0), (&[2], 9.0), (&[3], 1.0)], &[]));
    let after = target(&model, &[(0, 1, 2), (1, 2, 1), (2, 3, 1)]);
    let reasons = ["partition 0: the replica on broker 1", "partition 1: the replica on broker 2"];
    check(&model, &options(), &after, &["2 move [3]>[1] 1"], &reasons);
}

#[test]
fn the_number_of_replicas_is_a_limit() {
    let mut options = options();
    options.constraints.max_replicas_per_broker = 2;
    let brokers = full(&[(1, 100.0), (2, 100.0)]);
    let model = model(brokers, topic(&[(&[1], 1.0), (&[1], 1.0), (&[2], 1.0)], &[]));
    let after = target(&model, &[(0, 1, 2), (2, 2, 1)]);
    check(&model, &options, &after, &["0 move [1]>[2] 2", "2 move [2]>[1] 1"], &[]);
}

#[test]
fn a_machine_is_a_limit_but_not_for_what_stays_on_it() {
    let on_host = |id: i32, host: &str| {
        let made = broker(id, host, 100.0);
        Broker {
            host: Some(host.to_owned()),
            capacity: Resources { network_out: 1.0, ..made.capacity },
            ..made
        }
    };
    let brokers = vec![on_host(1, "x"), on_host(2, "x"), on_host(3, "y"), on_host(4, "y")];
    // Broker 1 leads one too many, so that its machine can't carry more, though broker 2 could.
    let model = model(brokers, topic(&[(&[1], 1.0), (&[1], 1.0), (&[3], 1.0)], &[]));
    check(
        &model,
        &options(),
        &target(&model, &[(2, 3, 2)]),
        &[],
        &["machine \"x\" has no room for it (network_out)"],
    );
    check(&model, &options(), &target(&model, &[(0, 1, 2)]), &["0 move [1]>[2] 2"], &[]);
    let after = target(&model, &[(0, 1, 4), (2, 3, 2)]);
    check(&model, &options(), &after, &["0 move [1]>[4] 4", "2 move [3]>[2] 2"], &[]);
}

#[test]
fn many_that_wait_for_the_same_broker_all_come() {
    // Broker 2 has to give 100 replicas of 1 before it can take as many, one by one.
    let mut partitions: Vec<(&[i32], f64)> = vec![(&[1], 1.0); 100];
    partitions.extend(vec![(&[2] as &[i32], 1.0); 100]);
    let brokers = full(&[(1, 101.0), (2, 101.0)]);
    let model = model(brokers, topic(&partitions, &[]));
    let moves: Vec<(u32, i32, i32)> =
        (0..100).map(|p| (p, 1, 2)).chain((100..200).map(|p| (p, 2, 1))).collect();
    let ordered = ordered(&model, &options(), &target(&model, &moves), &[]);
    assert_eq!((ordered.steps.len(), ordered.left_out.len()), (200, 0));
}

#[test]
fn reasons_are_few() {
    let partitions: Vec<(&[i32], f64)> = vec![(&[1], 5.0); 50];
    let brokers = full(&[(1, 1000.0), (2, 1.0)]);
    let model = model(brokers, topic(&partitions, &[]));
    let moves: Vec<(u32, i32, i32)> = (0..50).map(|p| (p, 1, 2)).collect();
    let ordered = ordered(&model, &options(), &target(&model, &moves), &[]);
    assert_eq!(ordered.left_out.len(), 21);
    assert_eq!(ordered.left_out[20], "and 30 more steps are left out for such reasons");
}
