//! Every served version of every API gets an answer that its client can read: one for a request that succeeds, and one
//! for a request that fails. Whatever a handler puts into a field that an old version doesn't have would close the
//! connection instead.

mod administration;

use std::collections::BTreeSet;

use taffrail_model::{ErrorCode, Uuid};
use taffrail_protocol::ApiKey;
use taffrail_protocol::messages::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use taffrail_protocol::messages::join_group_request::{JoinGroupRequest, JoinGroupRequestProtocol};
use taffrail_protocol::messages::leave_group_request::{LeaveGroupRequest, MemberIdentity};
use taffrail_protocol::messages::list_offsets_request::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use taffrail_protocol::messages::metadata_request::{MetadataRequest, MetadataRequestTopic};
use taffrail_protocol::messages::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use taffrail_protocol::messages::offset_fetch_request::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use taffrail_protocol::messages::{
    ApiVersionsRequest, DeleteGroupsRequest, DescribeGroupsRequest, DescribeLogDirsRequest,
    FindCoordinatorRequest, HeartbeatRequest, InitProducerIdRequest, JoinGroupResponse,
    ListGroupsRequest, SyncGroupRequest,
};
use taffrail_security::Authorizer;

use super::super::{SERVED, Served};
use super::{Client, Node, batch, produce};

const TOPIC: &str = "events";
const GROUP: &str = "readers";

/// A client, and what its requests name.
struct Fixture {
    client: Client,
    topic_id: Uuid,
}

/// Instead of the errors of an answer: such a request can't fail.
const IMPOSSIBLE: Vec<i16> = Vec::new();

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    Success,
    Failure,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_served_version_is_answered() {
    let node = Node::start().await;
    let mut client = node.connect().await;
    let topic_id = client.create_topic(TOPIC, 2).await;
    client.find_coordinator(GROUP).await;
    assert_eq!(client.produce(-1, TOPIC, batch(&["a", "b"])).await.error_code, 0);
    let mut fixture = Fixture { client, topic_id };
    for &Served { key, min, max } in SERVED {
        for version in min..=max {
            for want in [Want::Success, Want::Failure] {
                let errors = fixture.ask(key, version, want).await;
                let failed = errors.iter().any(|&code| code != ErrorCode::None.code());
                assert_eq!(
                    failed,
                    want == Want::Failure && !errors.is_empty(),
                    "{} {version}, {want:?}: {errors:?}",
                    key.name()
                );
            }
        }
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_served_version_can_be_refused() {
    let node =
        Node::start_authorized(Authorizer::DenyByDefault { super_users: BTreeSet::new() }).await;
    let client = node.connect().await;
    let mut fixture = Fixture { client, topic_id: Uuid::from_random([7; 16]) };
    for &Served { key, min, max } in SERVED {
        for version in min..=max {
            let errors = fixture.ask_unauthorized(key, version).await;
            let refused = |&code: &i16| {
                ErrorCode::from_code(code).is_some_and(|error| {
                    matches!(
                        error,
                        ErrorCode::TopicAuthorizationFailed
                            | ErrorCode::GroupAuthorizationFailed
                            | ErrorCode::ClusterAuthorizationFailed
                            | ErrorCode::UnknownTopicId
                    )
                })
            };
            let mut errors = errors.iter().filter(|&&code| code != ErrorCode::None.code());
            assert!(errors.all(refused), "{} {version}", key.name());
        }
    }
    node.stop().await;
}

impl Fixture {
    /// Sends one request that nobody may send, and returns the error codes of its answer that aren't "none".
    async fn ask_unauthorized(&mut self, key: ApiKey, version: i16) -> Vec<i16> {
        let group = "secret".to_owned();
        let error_code = match key {
            ApiKey::Produce => {
                let (name, topic_id) = self.named(version, 13, Want::Success);
                let request = produce(-1, &name, topic_id, batch(&["x"]));
                let response = self.client.ask(version, &request).await;
                response.responses[0].partition_responses[0].error_code
            }
            ApiKey::JoinGroup => self.join(version, &group, "").await.error_code,
            ApiKey::SyncGroup => {
                let request = sync(&group, &JoinGroupResponse::default());
                self.client.ask(version, &request).await.error_code
            }
            ApiKey::Heartbeat => {
                let request = HeartbeatRequest { group_id: group, ..Default::default() };
                self.client.ask(version, &request).await.error_code
            }
            ApiKey::LeaveGroup => {
                let request = LeaveGroupRequest { group_id: group, ..Default::default() };
                self.client.ask(version, &request).await.error_code
            }
            ApiKey::DescribeGroups => {
                let request = DescribeGroupsRequest { groups: vec![group], ..Default::default() };
                self.client.ask(version, &request).await.groups[0].error_code
            }
            ApiKey::DeleteGroups => {
                let request =
                    DeleteGroupsRequest { groups_names: vec![group], ..Default::default() };
                self.client.ask(version, &request).await.results[0].error_code
            }
            ApiKey::FindCoordinator => {
                let mut request = FindCoordinatorRequest::default();
                if version >= 4 {
                    request.coordinator_keys = vec![group];
                    self.client.ask(version, &request).await.coordinators[0].error_code
                } else {
                    request.key = group;
                    self.client.ask(version, &request).await.error_code
                }
            }
            ApiKey::InitProducerId => {
                let request =
                    InitProducerIdRequest { transactional_id: None, ..Default::default() };
                self.client.ask(version, &request).await.error_code
            }
            ApiKey::OffsetFetch => return self.offset_fetch_unauthorized(version).await,
            ApiKey::OffsetCommit => return self.offset_commit(version, Want::Success).await,
            ApiKey::ListOffsets => return self.list_offsets(version, Want::Success).await,
            ApiKey::CreateTopics => return self.create_topics(version, Want::Success).await,
            ApiKey::DeleteTopics => return self.delete_topics(version, Want::Success).await,
            ApiKey::Metadata => return self.metadata(version, Want::Success).await,
            ApiKey::DescribeConfigs => return self.describe_configs(version, Want::Success).await,
            ApiKey::AlterConfigs => return self.alter_configs(version, Want::Success).await,
            ApiKey::CreatePartitions => {
                return self.create_partitions(version, Want::Success).await;
            }
            ApiKey::IncrementalAlterConfigs => {
                return self.incremental_alter_configs(version, Want::Success).await;
            }
            ApiKey::DescribeLogDirs => {
                let response = self.client.ask(version, &DescribeLogDirsRequest::default()).await;
                assert!(response.results.is_empty());
                response.error_code
            }
            ApiKey::Fetch => return self.fetch(version, Want::Failure).await,
            // These show what may be seen, and refuse nothing.
            ApiKey::ListGroups
            | ApiKey::ApiVersions
            | ApiKey::DescribeCluster
            | ApiKey::DescribeTopicPartitions => return Vec::new(),
            other => panic!("{} is served, and no test asks for it", other.name()),
        };
        vec![error_code]
    }

    async fn offset_fetch_unauthorized(&mut self, version: i16) -> Vec<i16> {
        let mut request = OffsetFetchRequest::default();
        if version >= 8 {
            request.groups = vec![OffsetFetchRequestGroup {
                group_id: GROUP.to_owned(),
                topics: None,
                ..Default::default()
            }];
            return vec![self.client.ask(version, &request).await.groups[0].error_code];
        }
        request.group_id = GROUP.to_owned();
        request.topics = Some(vec![OffsetFetchRequestTopic {
            name: TOPIC.to_owned(),
            partition_indexes: vec![0],
            ..Default::default()
        }]);
        let response = self.client.ask(version, &request).await;
        if version == 1 {
            // There is no error of the whole group yet.
            return vec![response.topics[0].partitions[0].error_code];
        }
        vec![response.error_code]
    }

    /// Sends one request, and returns the error codes of its answer.
    async fn ask(&mut self, key: ApiKey, version: i16, want: Want) -> Vec<i16> {
        match key {
            ApiKey::Produce => self.produce(version, want).await,
            ApiKey::Fetch => self.fetch(version, want).await,
            ApiKey::ListOffsets => self.list_offsets(version, want).await,
            ApiKey::Metadata => self.metadata(version, want).await,
            ApiKey::OffsetCommit => self.offset_commit(version, want).await,
            ApiKey::OffsetFetch => self.offset_fetch(version, want).await,
            ApiKey::FindCoordinator => self.find_coordinator(version, want).await,
            ApiKey::JoinGroup => self.join_group(version, want).await,
            ApiKey::Heartbeat => self.heartbeat(version, want).await,
            ApiKey::LeaveGroup => self.leave_group(version, want).await,
            ApiKey::SyncGroup => self.sync_group(version, want).await,
            ApiKey::DescribeGroups => self.describe_groups(version, want).await,
            ApiKey::ListGroups => self.list_groups(version, want).await,
            ApiKey::ApiVersions => self.api_versions(version, want).await,
            ApiKey::CreateTopics => self.create_topics(version, want).await,
            ApiKey::DeleteTopics => self.delete_topics(version, want).await,
            ApiKey::InitProducerId => self.init_producer_id(version, want).await,
            ApiKey::DescribeConfigs => self.describe_configs(version, want).await,
            ApiKey::AlterConfigs => self.alter_configs(version, want).await,
            ApiKey::DescribeLogDirs => self.describe_log_dirs(version, want).await,
            ApiKey::CreatePartitions => self.create_partitions(version, want).await,
            ApiKey::IncrementalAlterConfigs => self.incremental_alter_configs(version, want).await,
            ApiKey::DeleteGroups => self.delete_groups(version, want).await,
            ApiKey::DescribeCluster => self.describe_cluster(version, want).await,
            ApiKey::DescribeTopicPartitions => self.describe_topic_partitions(version, want).await,
            other => panic!("{} is served, and no test asks for it", other.name()),
        }
    }

    /// The topic as a request of this version names it: with an id from `first_id_version` on, else by name.
    fn named(&self, version: i16, first_id_version: i16, want: Want) -> (String, Uuid) {
        match (version >= first_id_version, want) {
            (true, Want::Success) => (String::new(), self.topic_id),
            (true, Want::Failure) => (String::new(), Uuid::from_random([7; 16])),
            (false, Want::Success) => (TOPIC.to_owned(), Uuid::ZERO),
            (false, Want::Failure) => ("missing".to_owned(), Uuid::ZERO),
        }
    }

    async fn produce(&mut self, version: i16, want: Want) -> Vec<i16> {
        let (name, topic_id) = self.named(version, 13, want);
        let request = produce(-1, &name, topic_id, batch(&["x"]));
        let response = self.client.ask(version, &request).await;
        let [topic] = response.responses.as_slice() else { panic!("{response:?}") };
        assert_eq!((&topic.name, topic.topic_id), (&name, topic_id));
        topic.partition_responses.iter().map(|partition| partition.error_code).collect()
    }

    async fn fetch(&mut self, version: i16, want: Want) -> Vec<i16> {
        let (topic, topic_id) = self.named(version, 13, want);
        let partition =
            FetchPartition { partition: 0, partition_max_bytes: 1 << 20, ..Default::default() };
        let request = FetchRequest {
            max_wait_ms: 1_000,
            min_bytes: 1,
            max_bytes: 1 << 20,
            // A full fetch that asks for a session, where there are sessions.
            session_epoch: if version >= 7 { 0 } else { -1 },
            isolation_level: 1,
            topics: vec![FetchTopic {
                topic: topic.clone(),
                topic_id,
                partitions: vec![partition],
                ..Default::default()
            }],
            ..Default::default()
        };
        let response = self.client.ask(version, &request).await;
        assert_eq!(response.session_id != 0, version >= 7, "{version}");
        let [found] = response.responses.as_slice() else { panic!("{response:?}") };
        assert_eq!((&found.topic, found.topic_id), (&topic, topic_id));
        let mut errors = vec![response.error_code];
        for partition in &found.partitions {
            errors.push(partition.error_code);
            let length = partition.records.as_ref().map_or(0, |records| records.len());
            assert_eq!(length > 0, want == Want::Success, "{version}");
        }
        errors
    }

    async fn list_offsets(&mut self, version: i16, want: Want) -> Vec<i16> {
        let (name, _) = self.named(version, i16::MAX, want);
        let mut timestamps = vec![-1, -2, 0];
        timestamps.extend((version >= 7).then_some(-3));
        timestamps.extend((version >= 8).then_some(-4));
        timestamps.extend((version >= 9).then_some(-5));
        timestamps.extend((version >= 11).then_some(-6));
        let mut errors = Vec::new();
        for timestamp in timestamps {
            let partition = ListOffsetsPartition { timestamp, ..Default::default() };
            let request = ListOffsetsRequest {
                replica_id: -1,
                topics: vec![ListOffsetsTopic {
                    name: name.clone(),
                    partitions: vec![partition],
                    ..Default::default()
                }],
                ..Default::default()
            };
            let response = self.client.ask(version, &request).await;
            let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
            errors.extend(partitions.map(|partition| partition.error_code));
        }
        errors
    }

    async fn metadata(&mut self, version: i16, want: Want) -> Vec<i16> {
        let named = if version >= 12 {
            let (_, topic_id) = self.named(version, 12, want);
            MetadataRequestTopic { name: None, topic_id, ..Default::default() }
        } else {
            let (name, _) = self.named(version, i16::MAX, want);
            MetadataRequestTopic { name: Some(name), ..Default::default() }
        };
        let request = MetadataRequest {
            topics: Some(vec![named]),
            // Older versions create what they name, whether or not they want it.
            allow_auto_topic_creation: version < 4,
            include_cluster_authorized_operations: (8..=10).contains(&version),
            include_topic_authorized_operations: version >= 8,
            ..Default::default()
        };
        let request = match want {
            Want::Failure if version < 4 => MetadataRequest {
                topics: Some(vec![MetadataRequestTopic {
                    name: Some("not a name".to_owned()),
                    ..Default::default()
                }]),
                ..request
            },
            _ => request,
        };
        let response = self.client.ask(version, &request).await;
        assert_eq!(response.brokers.len(), 1);
        response.topics.iter().map(|topic| topic.error_code).collect()
    }

    async fn offset_commit(&mut self, version: i16, want: Want) -> Vec<i16> {
        let (name, topic_id) = self.named(version, 10, want);
        let partition = OffsetCommitRequestPartition { committed_offset: 1, ..Default::default() };
        let request = OffsetCommitRequest {
            group_id: GROUP.to_owned(),
            generation_id_or_member_epoch: -1,
            topics: vec![OffsetCommitRequestTopic {
                name,
                topic_id,
                partitions: vec![partition],
                ..Default::default()
            }],
            ..Default::default()
        };
        let response = self.client.ask(version, &request).await;
        let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
        partitions.map(|partition| partition.error_code).collect()
    }

    async fn offset_fetch(&mut self, version: i16, want: Want) -> Vec<i16> {
        if want == Want::Failure && version < 10 {
            // Neither a group nor a topic has to exist.
            return IMPOSSIBLE;
        }
        let group_id = GROUP.to_owned();
        let (name, topic_id) = self.named(version, 10, want);
        let mut request = OffsetFetchRequest::default();
        if version >= 8 {
            let topics = OffsetFetchRequestTopics {
                name,
                topic_id,
                partition_indexes: vec![0, 1],
                ..Default::default()
            };
            let group = |group_id: &str, topics| OffsetFetchRequestGroup {
                group_id: group_id.to_owned(),
                topics,
                ..Default::default()
            };
            request.groups = vec![group(&group_id, Some(vec![topics])), group(GROUP, None)];
        } else {
            request.group_id = group_id;
            request.topics = Some(vec![OffsetFetchRequestTopic {
                name,
                partition_indexes: vec![0, 1],
                ..Default::default()
            }]);
        }
        let response = self.client.ask(version, &request).await;
        let mut errors = vec![response.error_code];
        for topic in &response.topics {
            errors.extend(topic.partitions.iter().map(|partition| partition.error_code));
        }
        for group in &response.groups {
            errors.push(group.error_code);
            let partitions = group.topics.iter().flat_map(|topic| &topic.partitions);
            errors.extend(partitions.map(|partition| partition.error_code));
        }
        errors
    }

    async fn find_coordinator(&mut self, version: i16, want: Want) -> Vec<i16> {
        let mut request = FindCoordinatorRequest::default();
        match want {
            // Version 0 knows groups only, so that nothing can be asked for that isn't there.
            Want::Failure if version == 0 => return IMPOSSIBLE,
            Want::Failure => request.key_type = 1,
            Want::Success => {}
        }
        if version >= 4 {
            request.coordinator_keys = vec![GROUP.to_owned(), "others".to_owned()];
        } else {
            request.key = GROUP.to_owned();
        }
        let response = self.client.ask(version, &request).await;
        let mut errors = vec![response.error_code];
        errors.extend(response.coordinators.iter().map(|found| found.error_code));
        errors
    }

    async fn join(&mut self, version: i16, group: &str, member_id: &str) -> JoinGroupResponse {
        let request = JoinGroupRequest {
            group_id: group.to_owned(),
            session_timeout_ms: 30_000,
            rebalance_timeout_ms: 30_000,
            member_id: member_id.to_owned(),
            protocol_type: "consumer".to_owned(),
            protocols: vec![JoinGroupRequestProtocol {
                name: "range".to_owned(),
                ..Default::default()
            }],
            ..Default::default()
        };
        self.client.ask(version, &request).await
    }

    /// A member of a group of its own: the answer that made it one.
    async fn member(&mut self, version: i16, group: &str) -> JoinGroupResponse {
        let joined = self.join(version, group, "").await;
        if joined.error_code == ErrorCode::MemberIdRequired.code() {
            assert!(version >= 4);
            return self.join(version, group, &joined.member_id).await;
        }
        joined
    }

    async fn join_group(&mut self, version: i16, want: Want) -> Vec<i16> {
        match want {
            Want::Success => {
                let joined = self.member(version, &format!("join-{version}")).await;
                assert_eq!(joined.protocol_name.as_deref(), Some("range"));
                assert_eq!(joined.leader, joined.member_id);
                vec![joined.error_code]
            }
            Want::Failure => vec![self.join(version, "", "").await.error_code],
        }
    }

    async fn heartbeat(&mut self, version: i16, want: Want) -> Vec<i16> {
        let group = format!("heartbeat-{version}-{want:?}");
        let joined = self.synced(5, &group).await;
        let request = HeartbeatRequest {
            group_id: group,
            generation_id: joined.generation_id,
            member_id: if want == Want::Success { joined.member_id } else { "nobody".to_owned() },
            ..Default::default()
        };
        vec![self.client.ask(version, &request).await.error_code]
    }

    async fn leave_group(&mut self, version: i16, want: Want) -> Vec<i16> {
        let group = format!("leave-{version}-{want:?}");
        let joined = self.member(9, &group).await;
        let member_id = if want == Want::Success { joined.member_id } else { "nobody".to_owned() };
        let mut request = LeaveGroupRequest { group_id: group, ..Default::default() };
        if version >= 3 {
            request.members = vec![MemberIdentity { member_id, ..Default::default() }];
        } else {
            request.member_id = member_id;
        }
        let response = self.client.ask(version, &request).await;
        let mut errors = vec![response.error_code];
        errors.extend(response.members.iter().map(|member| member.error_code));
        errors
    }

    /// A member of a stable group.
    async fn synced(&mut self, version: i16, group: &str) -> JoinGroupResponse {
        let joined = self.member(9, group).await;
        let request = sync(group, &joined);
        let request = match version {
            5 => SyncGroupRequest {
                protocol_type: Some("consumer".to_owned()),
                protocol_name: Some("range".to_owned()),
                ..request
            },
            _ => request,
        };
        let response = self.client.ask(version, &request).await;
        assert_eq!(response.error_code, 0);
        joined
    }

    async fn sync_group(&mut self, version: i16, want: Want) -> Vec<i16> {
        let group = format!("sync-{version}");
        match want {
            Want::Success => {
                self.synced(version, &group).await;
                vec![0]
            }
            Want::Failure => {
                let request = sync("nobody's", &JoinGroupResponse::default());
                vec![self.client.ask(version, &request).await.error_code]
            }
        }
    }

    async fn describe_groups(&mut self, version: i16, want: Want) -> Vec<i16> {
        let group = match want {
            Want::Success => "sync-0",
            Want::Failure if version >= 6 => "missing",
            // A group that isn't there is described as a dead one.
            Want::Failure => return IMPOSSIBLE,
        };
        let request = DescribeGroupsRequest {
            groups: vec![group.to_owned()],
            include_authorized_operations: version >= 3,
            ..Default::default()
        };
        let response = self.client.ask(version, &request).await;
        let [found] = response.groups.as_slice() else { panic!("{response:?}") };
        if want == Want::Success {
            assert_eq!(found.members.len(), 1);
            assert_eq!(found.authorized_operations == i32::MIN, version < 3, "{version}");
        }
        vec![found.error_code]
    }

    async fn list_groups(&mut self, version: i16, want: Want) -> Vec<i16> {
        if want == Want::Failure {
            // Nothing can be asked for that fails while the shards are loaded.
            return IMPOSSIBLE;
        }
        let response = self.client.ask(version, &ListGroupsRequest::default()).await;
        assert!(response.groups.iter().any(|group| group.group_id == "sync-0"));
        vec![response.error_code]
    }

    async fn api_versions(&mut self, version: i16, want: Want) -> Vec<i16> {
        let mut request = ApiVersionsRequest::default();
        if version >= 3 {
            let name = if want == Want::Success { "test" } else { "no name" };
            request.client_software_name = name.to_owned();
            request.client_software_version = "1.0".to_owned();
        } else if want == Want::Failure {
            return IMPOSSIBLE;
        }
        let response = self.client.ask(version, &request).await;
        assert_eq!(response.api_keys.len(), if want == Want::Success { SERVED.len() } else { 0 });
        vec![response.error_code]
    }

    async fn init_producer_id(&mut self, version: i16, want: Want) -> Vec<i16> {
        let request = InitProducerIdRequest {
            transactional_id: (want == Want::Failure).then(|| "transactional".to_owned()),
            transaction_timeout_ms: 60_000,
            ..Default::default()
        };
        let response = self.client.ask(version, &request).await;
        assert_eq!(response.producer_id >= 0, want == Want::Success);
        vec![response.error_code]
    }

    async fn delete_groups(&mut self, version: i16, want: Want) -> Vec<i16> {
        let group = match want {
            // A group that nobody is in any more, from the tests of LeaveGroup.
            Want::Success => format!("leave-{version}-{want:?}"),
            Want::Failure => "missing".to_owned(),
        };
        let request = DeleteGroupsRequest { groups_names: vec![group], ..Default::default() };
        let response = self.client.ask(version, &request).await;
        response.results.iter().map(|result| result.error_code).collect()
    }
}

fn sync(group: &str, joined: &JoinGroupResponse) -> SyncGroupRequest {
    SyncGroupRequest {
        group_id: group.to_owned(),
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        ..Default::default()
    }
}
