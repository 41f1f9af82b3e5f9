//! The requests of administrators.

use taffrail_protocol::messages::alter_configs_request::{
    AlterConfigsRequest, AlterConfigsResource, AlterableConfig,
};
use taffrail_protocol::messages::create_partitions_request::{
    CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsTopic,
};
use taffrail_protocol::messages::create_topics_request::CreateTopicsRequest;
use taffrail_protocol::messages::delete_topics_request::{DeleteTopicState, DeleteTopicsRequest};
use taffrail_protocol::messages::describe_configs_request::{
    DescribeConfigsRequest, DescribeConfigsResource,
};
use taffrail_protocol::messages::describe_log_dirs_request::{
    DescribableLogDirTopic, DescribeLogDirsRequest,
};
use taffrail_protocol::messages::describe_topic_partitions_request::{
    DescribeTopicPartitionsRequest, TopicRequest,
};
use taffrail_protocol::messages::{
    DescribeClusterRequest, IncrementalAlterConfigsRequest, incremental_alter_configs_request,
};

use super::super::topic;
use super::{Fixture, IMPOSSIBLE, TOPIC, Want};

impl Fixture {
    pub(super) async fn create_topics(&mut self, version: i16, want: Want) -> Vec<i16> {
        let name = match want {
            Want::Success => format!("created-{version}"),
            Want::Failure => TOPIC.to_owned(),
        };
        let request = CreateTopicsRequest {
            topics: vec![topic(&name, 1, &[("retention.ms", "60000")])],
            timeout_ms: 30_000,
            ..Default::default()
        };
        let response = self.client.ask(version, &request).await;
        response.topics.iter().map(|topic| topic.error_code).collect()
    }

    pub(super) async fn delete_topics(&mut self, version: i16, want: Want) -> Vec<i16> {
        // Version 1 has its topic from the tests of CreateTopics, which begin at version 2.
        let name = match want {
            Want::Success => format!("created-{}", version + 1),
            Want::Failure => "missing".to_owned(),
        };
        let mut request = DeleteTopicsRequest { timeout_ms: 30_000, ..Default::default() };
        if version >= 6 {
            request.topics =
                vec![DeleteTopicState { name: Some(name.clone()), ..Default::default() }];
        } else {
            request.topic_names = vec![name.clone()];
        }
        let response = self.client.ask(version, &request).await;
        let [deleted] = response.responses.as_slice() else { panic!("{response:?}") };
        assert_eq!(deleted.name.as_ref(), Some(&name));
        vec![deleted.error_code]
    }

    pub(super) async fn describe_configs(&mut self, version: i16, want: Want) -> Vec<i16> {
        let resource = |resource_type, name: &str| DescribeConfigsResource {
            resource_type,
            resource_name: name.to_owned(),
            configuration_keys: None,
            ..Default::default()
        };
        let resources = match want {
            Want::Success => vec![resource(2, TOPIC), resource(4, "1"), resource(4, "")],
            Want::Failure => vec![resource(2, "missing"), resource(4, "7"), resource(99, "")],
        };
        let count = resources.len();
        let request = DescribeConfigsRequest {
            resources,
            include_synonyms: true,
            include_documentation: version >= 3,
            ..Default::default()
        };
        let response = self.client.ask(version, &request).await;
        assert_eq!(response.results.len(), count);
        response.results.iter().map(|result| result.error_code).collect()
    }

    pub(super) async fn alter_configs(&mut self, version: i16, want: Want) -> Vec<i16> {
        let resource = |resource_type, name: &str, key: &str, value: Option<&str>| {
            let config = AlterableConfig {
                name: key.to_owned(),
                value: value.map(str::to_owned),
                ..Default::default()
            };
            AlterConfigsResource {
                resource_type,
                resource_name: name.to_owned(),
                configs: vec![config],
                ..Default::default()
            }
        };
        let value = Some("60000");
        let resources = match want {
            Want::Success => vec![
                resource(2, TOPIC, "retention.ms", value),
                resource(4, "1", "log.retention.ms", value),
            ],
            Want::Failure => vec![
                resource(2, "missing", "retention.ms", value),
                resource(2, TOPIC, "retention.ms", None),
                resource(4, "7", "log.retention.ms", value),
                resource(8, "1", "root", Some("INFO")),
            ],
        };
        let count = resources.len();
        let request = AlterConfigsRequest { resources, ..Default::default() };
        let response = self.client.ask(version, &request).await;
        assert_eq!(response.responses.len(), count);
        response.responses.iter().map(|response| response.error_code).collect()
    }

    pub(super) async fn incremental_alter_configs(&mut self, version: i16, want: Want) -> Vec<i16> {
        use incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
        let resource = |resource_type, name: &str, key: &str, config_operation| {
            let config = AlterableConfig {
                name: key.to_owned(),
                config_operation,
                value: Some("60000".to_owned()),
                ..Default::default()
            };
            AlterConfigsResource {
                resource_type,
                resource_name: name.to_owned(),
                configs: vec![config],
                ..Default::default()
            }
        };
        let resources = match want {
            Want::Success => vec![
                resource(2, TOPIC, "retention.ms", 0),
                resource(4, "", "log.retention.ms", 0),
                resource(4, "1", "log.retention.ms", 1),
            ],
            Want::Failure => vec![
                resource(2, "missing", "retention.ms", 0),
                resource(2, TOPIC, "retention.ms", 9),
                resource(4, "7", "log.retention.ms", 0),
                resource(8, "1", "root", 0),
            ],
        };
        let count = resources.len();
        let request = IncrementalAlterConfigsRequest { resources, ..Default::default() };
        let response = self.client.ask(version, &request).await;
        assert_eq!(response.responses.len(), count);
        response.responses.iter().map(|response| response.error_code).collect()
    }

    pub(super) async fn create_partitions(&mut self, version: i16, want: Want) -> Vec<i16> {
        let (name, broker) = match want {
            Want::Success => (TOPIC, 1),
            Want::Failure => (TOPIC, 7),
        };
        let assignment =
            CreatePartitionsAssignment { broker_ids: vec![broker], ..Default::default() };
        let request = CreatePartitionsRequest {
            topics: vec![CreatePartitionsTopic {
                name: name.to_owned(),
                count: 3,
                assignments: Some(vec![assignment]),
                ..Default::default()
            }],
            timeout_ms: 30_000,
            validate_only: true,
            ..Default::default()
        };
        let response = self.client.ask(version, &request).await;
        response.results.iter().map(|result| result.error_code).collect()
    }

    pub(super) async fn describe_log_dirs(&mut self, version: i16, want: Want) -> Vec<i16> {
        if want == Want::Failure {
            return IMPOSSIBLE;
        }
        let named = DescribableLogDirTopic {
            topic: TOPIC.to_owned(),
            partitions: vec![0, 7],
            ..Default::default()
        };
        let request = DescribeLogDirsRequest { topics: Some(vec![named]), ..Default::default() };
        let response = self.client.ask(version, &request).await;
        let [dir] = response.results.as_slice() else { panic!("{response:?}") };
        let [topic] = dir.topics.as_slice() else { panic!("{dir:?}") };
        let [partition] = topic.partitions.as_slice() else { panic!("{topic:?}") };
        assert_eq!((topic.name.as_str(), partition.partition_index), (TOPIC, 0));
        assert!(partition.partition_size > 0);
        assert_eq!(dir.total_bytes > 0, version >= 4);
        vec![response.error_code, dir.error_code]
    }

    pub(super) async fn describe_cluster(&mut self, version: i16, want: Want) -> Vec<i16> {
        let mut request = DescribeClusterRequest {
            include_cluster_authorized_operations: true,
            include_fenced_brokers: version >= 2,
            ..Default::default()
        };
        match want {
            Want::Failure if version == 0 => return IMPOSSIBLE,
            Want::Failure => request.endpoint_type = 2,
            Want::Success => {}
        }
        let response = self.client.ask(version, &request).await;
        assert_eq!(response.brokers.len(), usize::from(want == Want::Success));
        vec![response.error_code]
    }

    pub(super) async fn describe_topic_partitions(&mut self, version: i16, want: Want) -> Vec<i16> {
        let (name, _) = self.named(version, i16::MAX, want);
        let request = DescribeTopicPartitionsRequest {
            topics: vec![TopicRequest { name, ..Default::default() }],
            response_partition_limit: 1,
            ..Default::default()
        };
        let response = self.client.ask(version, &request).await;
        let cursor = response.next_cursor.map(|cursor| cursor.partition_index);
        assert_eq!(cursor, (want == Want::Success).then_some(1));
        response.topics.iter().map(|topic| topic.error_code).collect()
    }
}
