//! A broker that speaks the admin part of Kafka's protocol and keeps topics in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use taffrail_model::{ErrorCode, Uuid};
use taffrail_protocol::header::{decode_request_header, encode_response};
use taffrail_protocol::messages::api_versions_response::ApiVersion;
use taffrail_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use taffrail_protocol::messages::create_topics_response::CreatableTopicResult;
use taffrail_protocol::messages::delete_topics_response::DeletableTopicResult;
use taffrail_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult,
};
use taffrail_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use taffrail_protocol::messages::metadata_response::{
    MetadataResponsePartition, MetadataResponseTopic,
};
use taffrail_protocol::messages::{
    ApiVersionsResponse, CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest,
    CreateTopicsResponse, DeleteTopicsRequest, DeleteTopicsResponse, DescribeConfigsRequest,
    DescribeConfigsResponse, IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
    MetadataRequest, MetadataResponse,
};
use taffrail_protocol::wire::Decoder;
use taffrail_protocol::{ApiKey, Message, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A topic of the broker.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Topic {
    pub(crate) id: Uuid,
    pub(crate) partitions: i32,
    pub(crate) replicas: i16,
    pub(crate) config: BTreeMap<String, String>,
}

/// What the broker holds, and how it misbehaves.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) topics: BTreeMap<String, Topic>,
    /// Requests that changed something, in their order.
    pub(crate) writes: Vec<ApiKey>,
    /// Requests that it doesn't know.
    pub(crate) unserved: BTreeSet<ApiKey>,
    /// How it lies in answers to `Metadata`.
    pub(crate) lie: Option<fn(&mut MetadataResponse)>,
    /// It closes the connection in place of so many answers.
    pub(crate) hang_ups: usize,
    ids: u128,
}

impl State {
    /// Puts a topic there.
    pub(crate) fn put(&mut self, name: &str, partitions: i32, config: &[(&str, &str)]) -> Uuid {
        self.ids += 1;
        // The first hundred ids are reserved.
        let id = Uuid::from_bytes((self.ids + 1000).to_be_bytes());
        let config = config.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        self.topics.insert(name.to_owned(), Topic { id, partitions, replicas: 1, config });
        id
    }

    /// Forgets what was written, and says what it was.
    pub(crate) fn take_writes(&mut self) -> Vec<ApiKey> {
        std::mem::take(&mut self.writes)
    }
}

/// The broker. It ends when it is dropped.
pub(crate) struct FakeBroker {
    pub(crate) address: String,
    state: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

impl Drop for FakeBroker {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl FakeBroker {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                tokio::spawn(async move { serve(stream, &state).await });
            }
        });
        Self { address, state, accepting }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

async fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    while let Ok(size) = stream.read_i32().await {
        let mut frame = vec![0; usize::try_from(size).unwrap()];
        stream.read_exact(&mut frame).await.unwrap();
        let Some(chunks) = answer(Bytes::from(frame), &mut state.lock().unwrap()) else { return };
        for chunk in chunks {
            if stream.write_all(&chunk).await.is_err() {
                return;
            }
        }
    }
}

fn answer(frame: Bytes, state: &mut State) -> Option<Vec<Bytes>> {
    let mut body = Decoder::new(frame);
    let header = decode_request_header(&mut body).unwrap();
    let (key, version) =
        (ApiKey::from_code(header.request_api_key).unwrap(), header.request_api_version);
    if key != ApiKey::ApiVersions && state.hang_ups > 0 {
        state.hang_ups -= 1;
        return None;
    }
    let id = header.correlation_id;
    let encode = |chunks: Result<Vec<Bytes>, _>| -> Vec<Bytes> { chunks.unwrap() };
    let chunks = match key {
        ApiKey::ApiVersions => encode(encode_response(id, key, version, &versions(state))),
        ApiKey::Metadata => {
            let mut response = metadata(state, read::<MetadataRequest>(&mut body, version));
            if let Some(lie) = state.lie {
                lie(&mut response);
            }
            encode(encode_response(id, key, version, &response))
        }
        ApiKey::DescribeConfigs => {
            let response =
                describe_configs(state, read::<DescribeConfigsRequest>(&mut body, version));
            encode(encode_response(id, key, version, &response))
        }
        ApiKey::CreateTopics => {
            state.writes.push(key);
            let response = create_topics(state, read::<CreateTopicsRequest>(&mut body, version));
            encode(encode_response(id, key, version, &response))
        }
        ApiKey::CreatePartitions => {
            state.writes.push(key);
            let response =
                create_partitions(state, read::<CreatePartitionsRequest>(&mut body, version));
            encode(encode_response(id, key, version, &response))
        }
        ApiKey::IncrementalAlterConfigs => {
            state.writes.push(key);
            let response =
                alter_configs(state, read::<IncrementalAlterConfigsRequest>(&mut body, version));
            encode(encode_response(id, key, version, &response))
        }
        ApiKey::DeleteTopics => {
            state.writes.push(key);
            let response = delete_topics(state, read::<DeleteTopicsRequest>(&mut body, version));
            encode(encode_response(id, key, version, &response))
        }
        other => panic!("{} was never announced", other.name()),
    };
    Some(chunks)
}

fn read<R: Message>(body: &mut Decoder, version: i16) -> R {
    R::decode(body, version).unwrap()
}

fn versions(state: &State) -> ApiVersionsResponse {
    fn of<R: Request>() -> (ApiKey, i16, i16) {
        (R::KEY, R::MIN_VERSION, R::MAX_VERSION)
    }
    let served = [
        of::<MetadataRequest>(),
        of::<DescribeConfigsRequest>(),
        of::<CreateTopicsRequest>(),
        of::<CreatePartitionsRequest>(),
        of::<IncrementalAlterConfigsRequest>(),
        of::<DeleteTopicsRequest>(),
    ];
    let api_keys = served.into_iter().filter(|(key, _, _)| !state.unserved.contains(key)).map(
        |(key, min_version, max_version)| ApiVersion {
            api_key: key.code(),
            min_version,
            max_version,
            ..Default::default()
        },
    );
    ApiVersionsResponse { api_keys: api_keys.collect(), ..Default::default() }
}

fn metadata(state: &State, request: MetadataRequest) -> MetadataResponse {
    let topics = match request.topics {
        None => state.topics.iter().map(|(name, topic)| described(name, topic)).collect(),
        Some(asked) => asked
            .into_iter()
            .map(|asked| {
                let found = state.topics.iter().find(|(name, topic)| match &asked.name {
                    Some(wanted) => *name == wanted,
                    None => topic.id == asked.topic_id,
                });
                found.map_or_else(
                    || {
                        let error = match asked.name {
                            Some(_) => ErrorCode::UnknownTopicOrPartition,
                            None => ErrorCode::UnknownTopicId,
                        };
                        MetadataResponseTopic {
                            error_code: error.code(),
                            name: asked.name.clone(),
                            topic_id: asked.topic_id,
                            ..Default::default()
                        }
                    },
                    |(name, topic)| described(name, topic),
                )
            })
            .collect(),
    };
    MetadataResponse { topics, ..Default::default() }
}

fn described(name: &str, topic: &Topic) -> MetadataResponseTopic {
    let partitions = (0..topic.partitions).map(|partition_index| MetadataResponsePartition {
        partition_index,
        replica_nodes: (0..i32::from(topic.replicas)).collect(),
        isr_nodes: vec![0],
        ..Default::default()
    });
    MetadataResponseTopic {
        name: Some(name.to_owned()),
        topic_id: topic.id,
        partitions: partitions.collect(),
        ..Default::default()
    }
}

fn describe_configs(state: &State, request: DescribeConfigsRequest) -> DescribeConfigsResponse {
    let results = request.resources.into_iter().map(|resource| {
        let mut result = DescribeConfigsResult {
            resource_type: resource.resource_type,
            resource_name: resource.resource_name,
            ..Default::default()
        };
        match state.topics.get(&result.resource_name) {
            None => result.error_code = ErrorCode::UnknownTopicOrPartition.code(),
            Some(topic) => {
                let set = topic.config.iter().map(|(key, value)| (key.as_str(), value.as_str(), 1));
                let rest = [("cleanup.policy", "delete", 5), ("segment.bytes", "5000000", 4)];
                let rest = rest.into_iter().filter(|(key, _, _)| !topic.config.contains_key(*key));
                result.configs = set
                    .chain(rest)
                    .map(|(key, value, source)| DescribeConfigsResourceResult {
                        name: key.to_owned(),
                        value: Some(value.to_owned()),
                        config_source: source,
                        config_type: if key == "cleanup.policy" { 7 } else { 5 },
                        ..Default::default()
                    })
                    .collect();
            }
        }
        result
    });
    DescribeConfigsResponse { results: results.collect(), ..Default::default() }
}

/// The one rule that it has for values: numbers, but for one key.
fn refusal<'a>(mut config: impl Iterator<Item = (&'a str, &'a str)>) -> Option<String> {
    let wrong =
        config.find(|(key, value)| *key != "cleanup.policy" && value.parse::<i64>().is_err());
    wrong.map(|(key, value)| format!("Invalid value {value} for configuration {key}"))
}

fn create_topics(state: &mut State, request: CreateTopicsRequest) -> CreateTopicsResponse {
    let mut topics = Vec::new();
    let partitions: i32 = request.topics.iter().map(|topic| topic.num_partitions.max(1)).sum();
    for asked in request.topics {
        let mut result = CreatableTopicResult { name: asked.name.clone(), ..Default::default() };
        if partitions > 10_000 {
            result.error_code = ErrorCode::PolicyViolation.code();
            topics.push(result);
            continue;
        }
        let config: Vec<(&str, &str)> = asked
            .configs
            .iter()
            .map(|config| (config.name.as_str(), config.value.as_deref().unwrap_or_default()))
            .collect();
        if state.topics.contains_key(&asked.name) {
            result.error_code = ErrorCode::TopicAlreadyExists.code();
        } else if let Some(message) = refusal(config.iter().copied()) {
            result.error_code = ErrorCode::InvalidConfig.code();
            result.error_message = Some(message);
        } else {
            result.num_partitions = asked.num_partitions.max(1);
            result.replication_factor = asked.replication_factor.max(1);
            result.topic_id = state.put(&asked.name, result.num_partitions, &config);
        }
        topics.push(result);
    }
    CreateTopicsResponse { topics, ..Default::default() }
}

fn create_partitions(
    state: &mut State,
    request: CreatePartitionsRequest,
) -> CreatePartitionsResponse {
    let results = request.topics.into_iter().map(|asked| {
        let mut result =
            CreatePartitionsTopicResult { name: asked.name.clone(), ..Default::default() };
        match state.topics.get_mut(&asked.name) {
            Some(topic) if topic.partitions < asked.count => topic.partitions = asked.count,
            Some(_) => result.error_code = ErrorCode::InvalidPartitions.code(),
            None => result.error_code = ErrorCode::UnknownTopicOrPartition.code(),
        }
        result
    });
    CreatePartitionsResponse { results: results.collect(), ..Default::default() }
}

fn alter_configs(
    state: &mut State,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let responses = request.resources.into_iter().map(|resource| {
        let mut result = AlterConfigsResourceResponse {
            resource_type: resource.resource_type,
            resource_name: resource.resource_name.clone(),
            ..Default::default()
        };
        let set = resource
            .configs
            .iter()
            .filter_map(|config| Some((config.name.as_str(), config.value.as_deref()?)));
        if let Some(message) = refusal(set) {
            result.error_code = ErrorCode::InvalidConfig.code();
            result.error_message = Some(message);
            return result;
        }
        let Some(topic) = state.topics.get_mut(&resource.resource_name) else {
            result.error_code = ErrorCode::UnknownTopicOrPartition.code();
            return result;
        };
        for config in resource.configs {
            match config.value {
                Some(value) => drop(topic.config.insert(config.name, value)),
                None => drop(topic.config.remove(&config.name)),
            }
        }
        result
    });
    IncrementalAlterConfigsResponse { responses: responses.collect(), ..Default::default() }
}

fn delete_topics(state: &mut State, request: DeleteTopicsRequest) -> DeleteTopicsResponse {
    let responses = request.topics.into_iter().map(|asked| {
        assert_eq!(asked.name, None, "topics are deleted by id alone");
        let before = state.topics.len();
        state.topics.retain(|_, topic| topic.id != asked.topic_id);
        let is_gone = state.topics.len() < before;
        let error = if is_gone { ErrorCode::None } else { ErrorCode::UnknownTopicId };
        DeletableTopicResult {
            topic_id: asked.topic_id,
            error_code: error.code(),
            ..Default::default()
        }
    });
    DeleteTopicsResponse { responses: responses.collect(), ..Default::default() }
}
