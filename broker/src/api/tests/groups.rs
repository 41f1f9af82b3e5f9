//! Groups and their offsets.

use taffrail_model::ErrorCode;
use taffrail_protocol::messages::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use taffrail_protocol::messages::join_group_request::{JoinGroupRequest, JoinGroupRequestProtocol};
use taffrail_protocol::messages::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use taffrail_protocol::messages::offset_fetch_request::{
    OffsetFetchRequest, OffsetFetchRequestGroup,
};
use taffrail_protocol::messages::sync_group_request::{
    SyncGroupRequest, SyncGroupRequestAssignment,
};
use taffrail_protocol::messages::{DescribeGroupsRequest, HeartbeatRequest, JoinGroupResponse};

use super::{Client, Node};

/// A version without the round that gives a member its id.
const JOIN: i16 = 3;

fn join(group: &str, member_id: &str) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: group.to_owned(),
        session_timeout_ms: 30_000,
        rebalance_timeout_ms: 300_000,
        member_id: member_id.to_owned(),
        protocol_type: "consumer".to_owned(),
        protocols: vec![JoinGroupRequestProtocol {
            name: "range".to_owned(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn sync(group: &str, joined: &JoinGroupResponse, assignments: &[(&str, &str)]) -> SyncGroupRequest {
    SyncGroupRequest {
        group_id: group.to_owned(),
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        assignments: assignments
            .iter()
            .map(|&(member_id, assignment)| SyncGroupRequestAssignment {
                member_id: member_id.to_owned(),
                assignment: assignment.to_owned().into(),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}

async fn heartbeat(client: &mut Client, group: &str, joined: &JoinGroupResponse) -> i16 {
    let request = HeartbeatRequest {
        group_id: group.to_owned(),
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        ..Default::default()
    };
    client.ask(3, &request).await.error_code
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_members_share_a_generation() {
    let node = Node::start().await;
    let (mut one, mut two) = (node.connect().await, node.connect().await);
    one.find_coordinator("g").await;
    let first = one.ask(JOIN, &join("g", "")).await;
    assert_eq!(first.error_code, 0);
    assert_eq!(one.ask(3, &sync("g", &first, &[])).await.error_code, 0);
    // The second member waits for the first, which hears of it in its heartbeat.
    two.send(JOIN, &join("g", "")).await;
    let rebalancing = ErrorCode::RebalanceInProgress.code();
    while heartbeat(&mut one, "g", &first).await != rebalancing {
        tokio::task::yield_now().await;
    }
    let first = one.ask(JOIN, &join("g", &first.member_id)).await;
    let second = two.receive::<JoinGroupRequest>(JOIN).await;
    assert_eq!((first.error_code, second.error_code), (0, 0));
    assert_eq!(first.generation_id, second.generation_id);
    assert_eq!((first.leader == first.member_id, first.members.len()), (true, 2));
    assert!(second.members.is_empty());

    two.send(3, &sync("g", &second, &[])).await;
    let shares = [(first.member_id.as_str(), "ones"), (second.member_id.as_str(), "twos")];
    let mine = one.ask(3, &sync("g", &first, &shares)).await;
    let theirs = two.receive::<SyncGroupRequest>(3).await;
    assert_eq!((&mine.assignment[..], &theirs.assignment[..]), (&b"ones"[..], &b"twos"[..]));

    // Named again and again, and described once.
    let request = DescribeGroupsRequest {
        groups: vec!["g".to_owned(), "g".to_owned(), "missing".to_owned()],
        include_authorized_operations: true,
        ..Default::default()
    };
    let described = one.ask(6, &request).await;
    assert_eq!(described.groups.len(), 2);
    let group = described.groups.iter().find(|group| group.group_id == "g").unwrap();
    assert_eq!((group.group_state.as_str(), group.members.len()), ("Stable", 2));
    assert_eq!(group.members[0].client_host, "/127.0.0.1");
    assert!(group.authorized_operations > 0);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn committed_offsets_come_back() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    client.create_topic("a", 2).await;
    client.find_coordinator("g").await;
    let topic = |name: &str, partitions: &[i32]| OffsetCommitRequestTopic {
        name: name.to_owned(),
        partitions: partitions
            .iter()
            .map(|&partition_index| OffsetCommitRequestPartition {
                partition_index,
                committed_offset: 40 + i64::from(partition_index),
                committed_metadata: Some("note".to_owned()),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    };
    let commit = OffsetCommitRequest {
        group_id: "g".to_owned(),
        generation_id_or_member_epoch: -1,
        topics: vec![
            topic("missing", &[0]),
            topic("a", &[7, 1]),
            topic("a", &[0]),
            topic("empty", &[]),
        ],
        ..Default::default()
    };
    let response = client.ask(9, &commit).await;
    let codes: Vec<Vec<i16>> = response
        .topics
        .iter()
        .map(|topic| topic.partitions.iter().map(|partition| partition.error_code).collect())
        .collect();
    let unknown = ErrorCode::UnknownTopicOrPartition.code();
    assert_eq!(codes, [vec![unknown], vec![unknown, 0], vec![0], vec![]]);

    let group = OffsetFetchRequestGroup { group_id: "g".to_owned(), ..Default::default() };
    let all = OffsetFetchRequestGroup { topics: None, ..group };
    // A small question with a large answer is answered once.
    let request = OffsetFetchRequest { groups: vec![all.clone(), all], ..Default::default() };
    for version in [9, 10] {
        let response = client.ask(version, &request).await;
        let [group] = response.groups.as_slice() else { panic!("{response:?}") };
        let [topic] = group.topics.as_slice() else { panic!("{group:?}") };
        let offsets: Vec<(i32, i64)> = topic
            .partitions
            .iter()
            .map(|partition| (partition.partition_index, partition.committed_offset))
            .collect();
        assert_eq!(offsets, [(0, 40), (1, 41)]);
        assert_eq!(topic.topic_id.is_zero(), version < 10);
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_of_a_stranger_is_refused() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    client.create_topic("a", 1).await;
    client.find_coordinator("g").await;
    let joined = client.ask(JOIN, &join("g", "")).await;
    let check = async |client: &mut Client, generation: i32, member: &str, expect: ErrorCode| {
        let partition = OffsetCommitRequestPartition::default();
        let topic = OffsetCommitRequestTopic {
            name: "a".to_owned(),
            partitions: vec![partition],
            ..Default::default()
        };
        let request = OffsetCommitRequest {
            group_id: "g".to_owned(),
            generation_id_or_member_epoch: generation,
            member_id: member.to_owned(),
            topics: vec![topic],
            ..Default::default()
        };
        let response = client.ask(8, &request).await;
        assert_eq!(response.topics[0].partitions[0].error_code, expect.code(), "{member}");
    };
    let (generation, member) = (joined.generation_id, joined.member_id.as_str());
    check(&mut client, generation, "nobody", ErrorCode::UnknownMemberId).await;
    check(&mut client, generation + 1, member, ErrorCode::IllegalGeneration).await;
    check(&mut client, -1, "", ErrorCode::UnknownMemberId).await;
    // The leader hasn't given the assignment yet.
    check(&mut client, generation, member, ErrorCode::RebalanceInProgress).await;
    assert_eq!(client.ask(3, &sync("g", &joined, &[])).await.error_code, 0);
    check(&mut client, generation, member, ErrorCode::None).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_of_groups_before_their_topic_say_that_nobody_coordinates() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    let joined = client.ask(JOIN, &join("g", "")).await;
    assert_eq!(joined.error_code, ErrorCode::NotCoordinator.code());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_node_answers_who_waits() {
    let node = Node::start().await;
    let (mut one, mut two, mut three) =
        (node.connect().await, node.connect().await, node.connect().await);
    one.create_topic("a", 1).await;
    one.find_coordinator("g").await;
    let first = one.ask(JOIN, &join("g", "")).await;
    assert_eq!(one.ask(3, &sync("g", &first, &[])).await.error_code, 0);
    // Waits for the first member, which will not join again.
    two.send(JOIN, &join("g", "")).await;
    while heartbeat(&mut one, "g", &first).await == 0 {
        tokio::task::yield_now().await;
    }
    let topic = FetchTopic {
        topic: "a".to_owned(),
        partitions: vec![FetchPartition { partition_max_bytes: 1, ..Default::default() }],
        ..Default::default()
    };
    let fetch = FetchRequest {
        max_wait_ms: i32::MAX,
        min_bytes: 1,
        max_bytes: 1,
        topics: vec![topic],
        ..Default::default()
    };
    let before = node.bytes_received();
    three.send(12, &fetch).await;
    // A connection whose request was read isn't closed without an answer.
    while node.bytes_received() == before {
        tokio::task::yield_now().await;
    }
    tokio::join!(node.stop(), async {
        let joined = two.receive::<JoinGroupRequest>(JOIN).await;
        // The node leads nothing any longer, or doesn't get to it.
        let gone = [ErrorCode::NotCoordinator, ErrorCode::CoordinatorNotAvailable];
        assert!(gone.map(|error| error.code()).contains(&joined.error_code), "{joined:?}");
        let fetched = three.receive::<FetchRequest>(12).await;
        let code = fetched.responses[0].partitions[0].error_code;
        let gone = [ErrorCode::NotLeaderOrFollower, ErrorCode::None];
        assert!(gone.map(|error| error.code()).contains(&code), "{fetched:?}");
    });
}
