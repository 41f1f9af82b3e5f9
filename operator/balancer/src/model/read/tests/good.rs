//! What good documents become.

use super::{amounts, broker, cluster, log_dir, partition, topic};
use crate::document::{BrokerState, Cluster, LogDirState};
use crate::model::{Model, NONE, Resource};

fn read(cluster: Cluster) -> Model {
    Model::new(cluster).expect("a cluster")
}

#[test]
fn everything_is_in_order_whatever_the_order_of_the_file() {
    let mut shuffled = cluster();
    shuffled.brokers.reverse();
    shuffled.topics.reverse();
    shuffled.topics.iter_mut().for_each(|topic| topic.partitions.reverse());
    let model = read(shuffled);
    assert_eq!(model.brokers.iter().map(|broker| broker.id).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(model.brokers.iter().map(|broker| broker.rack).collect::<Vec<_>>(), [0, 1, 1]);
    assert_eq!(
        model.topics.iter().map(|topic| topic.name.as_str()).collect::<Vec<_>>(),
        ["a", "b"]
    );
    let homes: Vec<_> =
        model.replicas.iter().map(|replica| (replica.partition, replica.broker)).collect();
    assert_eq!(homes, [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 0)]);
    assert_eq!(format!("{model:?}"), format!("{:?}", read(cluster())));
}

#[test]
fn brokers_without_rack_or_host_have_their_own() {
    let mut cluster = cluster();
    cluster.brokers[0].rack = Some("(broker 2)".to_owned());
    cluster.brokers[1].rack = None;
    cluster.brokers[2].rack = None;
    let model = read(cluster);
    assert_eq!(model.racks, ["((broker 2))", "(broker 2)", "(broker 3)"]);
    assert_eq!(model.brokers.iter().map(|broker| broker.rack).collect::<Vec<_>>(), [1, 0, 2]);
    let hosts: Vec<_> = model.hosts.iter().map(|host| (host.name.as_str(), host.rack)).collect();
    assert_eq!(hosts, [("(broker 1)", 1), ("(broker 2)", 0), ("(broker 3)", 2)]);
}

#[test]
fn brokers_of_one_host_share_its_rack() {
    let mut cluster = cluster();
    for broker in &mut cluster.brokers[1..] {
        broker.rack = None;
        broker.host = Some("h".to_owned());
    }
    let model = read(cluster);
    assert_eq!(model.racks, ["(host h)", "x"]);
    assert_eq!(model.brokers.iter().map(|broker| broker.rack).collect::<Vec<_>>(), [1, 0, 0]);
    assert_eq!(model.brokers.iter().map(|broker| broker.host).collect::<Vec<_>>(), [0, 1, 1]);
}

#[test]
fn log_dirs_are_by_path_and_a_broker_without_has_one() {
    let mut cluster = cluster();
    cluster.brokers[1].log_dirs =
        vec![log_dir("/b", LogDirState::Online), log_dir("/a", LogDirState::Offline)];
    cluster.brokers[2].log_dirs = vec![log_dir("/only", LogDirState::Online)];
    for replica in cluster
        .topics
        .iter_mut()
        .flat_map(|topic| &mut topic.partitions)
        .flat_map(|p| &mut p.replicas)
    {
        replica.log_dir = (replica.broker == 2).then(|| "/b".to_owned());
    }
    let model = read(cluster);
    let dirs: Vec<_> =
        model.log_dirs.iter().map(|dir| (dir.broker, dir.path.as_str(), dir.online)).collect();
    assert_eq!(dirs, [(0, "", true), (1, "/a", false), (1, "/b", true), (2, "/only", true)]);
    assert_eq!(
        model.replicas.iter().map(|replica| replica.log_dir).collect::<Vec<_>>(),
        [0, 2, 2, 3, 3, 0]
    );
    assert_eq!(model.amount(Resource::Disk, model.log_dirs[0].capacity), 100.0);
}

#[test]
fn nobody_leads_from_a_dead_broker_or_an_offline_directory() {
    let mut cluster = cluster();
    cluster.brokers[0].state = BrokerState::Dead;
    cluster.brokers[0].capacity = amounts(0.0);
    cluster.brokers[1].log_dirs = vec![log_dir("/a", LogDirState::Offline)];
    cluster.topics.push(topic("c", vec![partition(0, &[3, 2]), partition(1, &[3])]));
    cluster.topics[2].partitions[1].leader = None;
    let model = read(cluster);
    let leaders: Vec<_> = model.partitions.iter().map(|partition| partition.leader).collect();
    assert_eq!(leaders, [NONE, NONE, 4, 6, NONE]);
    let offline: Vec<u32> =
        (0..model.replicas.len() as u32).filter(|replica| model.is_offline(*replica)).collect();
    assert_eq!(offline, [0, 1, 2, 5, 7]);
}

#[test]
fn a_topic_may_have_no_partitions_and_a_cluster_no_topics() {
    let mut cluster = cluster();
    cluster.topics = vec![topic("a", Vec::new())];
    assert_eq!(read(cluster).partitions.len(), 0);
    assert!(read(Cluster { brokers: vec![broker(0, "x")], topics: Vec::new() }).topics.is_empty());
}

#[test]
fn amounts_are_fixed_point_as_fine_as_the_sum_allows() {
    let mut cluster = cluster();
    cluster.brokers.iter_mut().for_each(|broker| broker.capacity = amounts(1e18));
    cluster.topics[0].partitions[0].replicas[0].load.disk = 123_456_789_012.0;
    cluster.topics[0].partitions[0].replicas[0].load.cpu = 0.0;
    let model = read(cluster);
    // 3e18 is less than 2^62, so that the sum takes 50 places with a unit of 2^12.
    assert_eq!(model.units, [4096.0; 4]);
    assert_eq!(model.replicas[0].load, [0, 0, 0, (123_456_789_012.0_f64 / 4096.0).round() as i64]);
    assert_eq!(model.replicas[1].load, [0; 4], "what is very small is nothing");
    assert_eq!(model.amount(Resource::Disk, model.brokers[0].capacity[3]), 1e18);

    let mut uneven = self::cluster();
    uneven.brokers[0].capacity = amounts(1e18);
    uneven.brokers[1].capacity = amounts(1e-9);
    assert_eq!(read(uneven).brokers[1].capacity, [1; 4], "what is there is never nothing");

    let mut fine = self::cluster();
    fine.brokers.iter_mut().for_each(|broker| broker.capacity.cpu = 0.7);
    fine.topics
        .iter_mut()
        .flat_map(|topic| &mut topic.partitions)
        .for_each(|p| p.leader_extra.cpu = 0.01);
    let model = read(fine);
    assert!((model.amount(Resource::Cpu, model.brokers[0].capacity[0]) - 0.7).abs() < 1e-13);
    assert!(
        (model.amount(Resource::Cpu, model.partitions[0].leader_extra[0]) - 0.01).abs() < 1e-13
    );
}

#[test]
fn the_basis_follows_placement_states_and_capacities_and_nothing_else() {
    let basis = |edit: &dyn Fn(&mut Cluster)| {
        let mut cluster = cluster();
        edit(&mut cluster);
        read(cluster).basis()
    };
    let base = basis(&|_| ());
    assert_eq!(base, "1535907e23678ac0b1d00a69f5f365360ad4700a57f3a5fb339b281dc23ca073");
    let same: [&dyn Fn(&mut Cluster); 4] = [
        &|cluster| cluster.brokers.reverse(),
        &|cluster| cluster.topics[0].partitions.reverse(),
        // The units change with it, and what capacities are in units.
        &|cluster| cluster.topics[0].partitions[0].replicas[0].load = amounts(1e12),
        &|cluster| cluster.topics[0].excluded = true,
    ];
    for edit in same {
        assert_eq!(basis(edit), base);
    }
    let other: [&dyn Fn(&mut Cluster); 9] = [
        &|cluster| cluster.topics[0].partitions[0].replicas.reverse(),
        &|cluster| cluster.topics[0].partitions[0].leader = Some(2),
        &|cluster| cluster.topics[0].partitions[0].leader = None,
        &|cluster| cluster.topics[0].name = "c".to_owned(),
        &|cluster| cluster.brokers[0].state = BrokerState::Demoted,
        &|cluster| cluster.brokers[0].rack = Some("z".to_owned()),
        &|cluster| cluster.brokers[0].host = Some("z".to_owned()),
        &|cluster| cluster.brokers[0].capacity.cpu = 100.1,
        &|cluster| cluster.brokers[0].log_dirs = vec![log_dir("/a", LogDirState::Online)],
    ];
    for (index, edit) in other.into_iter().enumerate() {
        assert_ne!(basis(edit), base, "edit {index}");
    }
}
