//! Directories on the way.

use super::*;

/// Puts the replica of a partition on a broker into one of its directories, by number.
fn put(model: &Model, after: &mut Placement, partition: u32, id: i32, dir: u32) {
    let broker = model.broker_index(id).expect("a broker");
    for replica in
        model.replicas_of(partition).filter(|replica| after.broker[*replica as usize] == broker)
    {
        after.log_dir[replica as usize] = model.log_dirs_of(broker).start + dir - 1;
    }
}

fn in_dirs(mut topic: Topic, dirs: &[(usize, i32, &str)]) -> Topic {
    for (partition, id, dir) in dirs {
        for replica in
            topic.partitions[*partition].replicas.iter_mut().filter(|replica| replica.broker == *id)
        {
            replica.log_dir = Some((*dir).to_owned());
        }
    }
    topic
}

#[test]
fn a_replica_that_comes_is_told_its_directory() {
    let brokers = vec![broker(1, "a", 100.0), broker_with_dirs(2, "b", [50.0, 50.0])];
    let model = model(brokers, topic(&[(&[1], 5.0)], &[]));
    let mut after = target(&model, &[(0, 1, 2)]);
    put(&model, &mut after, 0, 2, 2);
    check(&model, &options(), &after, &["0 move [1]>[2] 2 2:>/2"], &[]);
}

#[test]
fn a_directory_takes_no_more_than_it_holds() {
    let brokers = vec![broker_with_dirs(1, "a", [10.0, 10.0])];
    let topic = in_dirs(topic(&[(&[1], 6.0), (&[1], 6.0)], &[]), &[(0, 1, "/1"), (1, 1, "/2")]);
    let full = model(brokers, topic.clone());
    let mut after = Placement::of(&full);
    put(&full, &mut after, 0, 1, 2);
    check(&full, &options(), &after, &[], &["directory \"/2\" of broker 1 has no room"]);
    put(&full, &mut after, 1, 1, 1);
    check(
        &full,
        &options(),
        &after,
        &[],
        &["directory \"/2\" of broker 1", "directory \"/1\" of broker 1"],
    );

    let roomy = model(vec![broker_with_dirs(1, "a", [10.0, 12.0])], topic);
    let mut after = Placement::of(&roomy);
    put(&roomy, &mut after, 0, 1, 2);
    put(&roomy, &mut after, 1, 1, 1);
    let steps = ["0 logdir [1]>[1] 1 1:/1>/2", "1 logdir [1]>[1] 1 1:/2>/1"];
    check(&roomy, &options(), &after, &steps, &[]);
}

#[test]
fn moves_come_before_moves_between_directories_unless_they_wait_for_them() {
    let brokers = vec![broker(1, "a", 100.0), broker_with_dirs(2, "b", [10.0, 10.0])];
    let topic = in_dirs(topic(&[(&[2], 6.0), (&[1], 6.0), (&[1], 1.0)], &[]), &[(0, 2, "/1")]);
    let model = model(brokers, topic);
    let mut after = target(&model, &[(1, 1, 2), (2, 1, 2)]);
    put(&model, &mut after, 0, 2, 2);
    put(&model, &mut after, 1, 2, 1);
    put(&model, &mut after, 2, 2, 1);
    let steps = ["2 move [1]>[2] 2 2:>/1", "0 logdir [2]>[2] 2 2:/1>/2", "1 move [1]>[2] 2 2:>/1"];
    check(&model, &options(), &after, &steps, &[]);
}

#[test]
fn what_is_in_a_directory_that_is_gone_comes_first() {
    let mut brokers = vec![broker(1, "a", 100.0), broker_with_dirs(2, "b", [50.0, 50.0])];
    brokers[1].log_dirs[0].state = LogDirState::Offline;
    let topic = in_dirs(topic(&[(&[1], 5.0), (&[1, 2], 5.0)], &[2]), &[(1, 2, "/1")]);
    let model = model(brokers, topic);
    let mut after = target(&model, &[(0, 1, 2)]);
    put(&model, &mut after, 0, 2, 2);
    put(&model, &mut after, 1, 2, 2);
    let steps = ["1 logdir [1,2]>[1,2] 1 2:/1>/2", "0 move [1]>[2] 2 2:>/2"];
    check(&model, &options(), &after, &steps, &[]);
}

#[test]
fn a_replica_changes_its_directory_while_others_of_its_partition_move() {
    let mut brokers = vec![broker_with_dirs(1, "1", [50.0, 50.0])];
    brokers.extend((2..=5).map(|id| broker(id, &id.to_string(), 100.0)));
    let topic = in_dirs(topic(&[(&[1, 2, 3], 5.0)], &[]), &[(0, 1, "/1")]);
    let model = model(brokers, topic);
    let mut after = target(&model, &[(0, 2, 4), (0, 3, 5)]);
    put(&model, &mut after, 0, 1, 2);
    let steps = [
        "0 move [1,2,3]>[1,4,3] 1",
        "0 move [1,4,3]>[1,4,5] 1",
        "0 logdir [1,4,5]>[1,4,5] 1 1:/1>/2",
    ];
    check(&model, &options(), &after, &steps, &[]);
}
