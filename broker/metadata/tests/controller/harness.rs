//! A carrier for one controller: it holds the log, commits at once or when told, and keeps what was
//! published and answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use taffrail_metadata::config::StaticConfig;
use taffrail_metadata::{
    Answer, AppendId, BootstrapRecords, BrokerHeartbeat, BrokerHeartbeatReply, Controller,
    ControllerConfig, CreatedTopic, Effect, Endpoint, Event, MetadataDelta, MetadataImage,
    MetadataVersion, NewTopic, Notice, Operation, PartitionRegistration, Refusal, RegisterBroker,
    ReplyToken, SecurityProtocol, VersionRange, VersionedRecord, supported_features,
};
use taffrail_model::{BrokerEpoch, ErrorCode, Mono, NodeId, Now, Offset, Uuid};
use taffrail_protocol::records::MetadataRecord;

pub(crate) const CLUSTER_ID: &str = "AAAAAAAAAAAAAAAAAAAAcQ";

/// What becomes of the next appends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disk {
    /// They are appended and committed at once.
    Commits,
    /// They are appended and not committed.
    Appends,
    /// They fail.
    Fails,
}

/// The controller's own node id; no broker of most tests runs in its process.
pub(crate) const CONTROLLER: i32 = 100;

pub(crate) struct Cluster {
    pub(crate) controller: Controller,
    pub(crate) log: Vec<MetadataRecord>,
    pub(crate) disk: Disk,
    pub(crate) published: MetadataImage,
    pub(crate) published_offset: Offset,
    pub(crate) delta: MetadataDelta,
    pub(crate) notices: Vec<Notice>,
    pub(crate) replies: BTreeMap<u64, Result<Answer, Refusal>>,
    pub(crate) appends: Vec<Vec<VersionedRecord>>,
    pub(crate) epochs: BTreeMap<NodeId, BrokerEpoch>,
    pub(crate) now: Now,
    next_token: u64,
    seed: u64,
}

pub(crate) fn static_config(pairs: &[(&str, &str)]) -> StaticConfig {
    let mut texts: BTreeMap<String, String> =
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    texts.entry("metadata.max.idle.interval.ms".to_owned()).or_insert_with(|| "0".to_owned());
    StaticConfig::new(texts).expect("a legal configuration")
}

impl Cluster {
    /// A controller without a log, not leading yet.
    pub(crate) fn new(pairs: &[(&str, &str)]) -> Self {
        let bootstrap = BootstrapRecords::of_release(MetadataVersion::V4_3_IV0);
        Self::bootstrapped(pairs, bootstrap)
    }

    pub(crate) fn bootstrapped(pairs: &[(&str, &str)], bootstrap: BootstrapRecords) -> Self {
        let config = ControllerConfig {
            node_id: CONTROLLER,
            cluster_id: CLUSTER_ID.to_owned(),
            static_config: Arc::new(static_config(pairs)),
            bootstrap,
        };
        Self {
            controller: Controller::new(config),
            log: Vec::new(),
            disk: Disk::Commits,
            published: MetadataImage::default(),
            published_offset: -1,
            delta: MetadataDelta::default(),
            notices: Vec::new(),
            replies: BTreeMap::new(),
            appends: Vec::new(),
            epochs: BTreeMap::new(),
            now: Now::default(),
            next_token: 0,
            seed: 7,
        }
    }

    /// A leading controller over a new log.
    pub(crate) fn leading(pairs: &[(&str, &str)]) -> Self {
        let mut cluster = Self::new(pairs);
        cluster.become_leader();
        cluster
    }

    /// A leading controller with these brokers registered and unfenced.
    pub(crate) fn with_brokers(pairs: &[(&str, &str)], ids: &[NodeId]) -> Self {
        let mut cluster = Self::leading(pairs);
        for id in ids {
            cluster.start_broker(*id);
        }
        cluster
    }

    pub(crate) fn become_leader(&mut self) {
        let epoch = self.controller.leading_epoch().unwrap_or(0) + 1;
        let end_offset = self.end_offset();
        self.step(Event::BecameLeader { epoch, end_offset });
    }

    pub(crate) fn end_offset(&self) -> Offset {
        Offset::try_from(self.log.len()).expect("a small log")
    }

    /// Steps the controller and carries the effects out.
    pub(crate) fn step(&mut self, event: Event) {
        let mut effects = Vec::new();
        self.controller.step(self.now, event, &mut effects);
        for effect in effects {
            match effect {
                Effect::Append { append_id, base_offset, records, .. } => {
                    if !self.append(append_id, base_offset, records) {
                        // Effects stop at the first that fails.
                        return;
                    }
                }
                Effect::Reply { token, answer } => {
                    assert!(
                        self.replies.insert(token.0, answer).is_none(),
                        "a request is answered once"
                    );
                }
                Effect::Publish(loaded) => {
                    assert!(loaded.offset > self.published_offset || loaded.delta.is_empty());
                    self.published = loaded.image;
                    self.published_offset = loaded.offset;
                    self.delta.merge(loaded.delta);
                }
                Effect::Announce(notice) => self.notices.push(notice),
                Effect::Fatal { offset, error } => panic!("at {offset}: {error}"),
            }
        }
    }

    fn append(
        &mut self,
        append_id: AppendId,
        base_offset: Offset,
        records: Vec<VersionedRecord>,
    ) -> bool {
        assert_eq!(base_offset, self.end_offset());
        if self.disk == Disk::Fails {
            self.step(Event::AppendFailed { append_id });
            return false;
        }
        for record in &records {
            let value = record.encode_value().expect("the record has a form");
            let read = MetadataRecord::decode_value(value).expect("what is written can be read");
            self.log.push(read);
        }
        self.appends.push(records);
        let last_offset = self.end_offset() - 1;
        self.step(Event::Appended { append_id, last_offset });
        if self.disk == Disk::Commits {
            self.commit();
        }
        true
    }

    pub(crate) fn commit(&mut self) {
        let high_watermark = self.end_offset();
        self.step(Event::Committed { high_watermark });
    }

    /// Sends a request and gives back its token.
    pub(crate) fn send(&mut self, operation: Operation) -> u64 {
        self.send_until(operation, None)
    }

    pub(crate) fn send_until(&mut self, operation: Operation, deadline: Option<Mono>) -> u64 {
        let token = self.next_token;
        self.next_token += 1;
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.step(Event::Request {
            token: ReplyToken(token),
            deadline,
            random: self.seed,
            operation,
        });
        token
    }

    /// Sends a request that is answered at once.
    pub(crate) fn ask(&mut self, operation: Operation) -> Result<Answer, Refusal> {
        let token = self.send(operation);
        self.replies.remove(&token).expect("an answer")
    }

    pub(crate) fn advance_ms(&mut self, ms: i64) {
        self.now.mono = self.now.mono.plus_ms(ms);
        self.now.wall += ms;
        self.step(Event::Tick);
    }

    pub(crate) fn register(&mut self, id: NodeId, incarnation: u8) -> Result<BrokerEpoch, Refusal> {
        self.register_as(registration(id, incarnation))
    }

    pub(crate) fn register_as(&mut self, request: RegisterBroker) -> Result<BrokerEpoch, Refusal> {
        let id = request.id;
        match self.ask(Operation::RegisterBroker(request))? {
            Answer::RegisterBroker { broker_epoch } => {
                self.epochs.insert(id, broker_epoch);
                Ok(broker_epoch)
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn heartbeat(&mut self, id: NodeId) -> BrokerHeartbeatReply {
        let request = self.alive(id);
        self.heartbeat_as(request).expect("a known broker")
    }

    pub(crate) fn alive(&self, id: NodeId) -> BrokerHeartbeat {
        BrokerHeartbeat {
            id,
            epoch: self.epochs[&id],
            metadata_offset: self.end_offset() - 1,
            want_fence: false,
            want_shutdown: false,
            offline_log_dirs: Vec::new(),
            cordoned_log_dirs: None,
        }
    }

    pub(crate) fn heartbeat_as(
        &mut self,
        request: BrokerHeartbeat,
    ) -> Result<BrokerHeartbeatReply, Refusal> {
        match self.ask(Operation::BrokerHeartbeat(request))? {
            Answer::BrokerHeartbeat(reply) => Ok(reply),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn start_broker(&mut self, id: NodeId) {
        self.register(id, u8::try_from(id).expect("a small id")).expect("the broker registers");
        assert!(!self.heartbeat(id).is_fenced);
    }

    pub(crate) fn create_topics(&mut self, topics: Vec<NewTopic>) -> Vec<CreatedTopic> {
        let operation = Operation::CreateTopics { topics, validate_only: false };
        match self.ask(operation) {
            Ok(Answer::CreateTopics(created)) => created,
            other => panic!("{other:?}"),
        }
    }

    /// Creates one topic and gives back its id, or the error and its words.
    pub(crate) fn create(&mut self, topic: NewTopic) -> Result<Uuid, (ErrorCode, String)> {
        let created = self.create_topics(vec![topic]).remove(0);
        created
            .result
            .map(|topic| topic.topic_id)
            .map_err(|refusal| (refusal.error, refusal.message))
    }

    /// Creates a topic of one partition on these brokers.
    pub(crate) fn create_on(&mut self, name: &str, replicas: &[NodeId]) -> Uuid {
        self.create(by_hand(name, &[replicas])).expect("a topic")
    }

    pub(crate) fn partition(&self, topic: Uuid, index: i32) -> PartitionRegistration {
        self.published.partition(topic, index).expect("a partition").clone()
    }
}

pub(crate) fn topic(name: &str, num_partitions: i32, replication_factor: i16) -> NewTopic {
    NewTopic { name: name.to_owned(), num_partitions, replication_factor, ..NewTopic::default() }
}

pub(crate) fn by_hand(name: &str, partitions: &[&[NodeId]]) -> NewTopic {
    NewTopic {
        assignments: (0..).zip(partitions.iter().map(|p| p.to_vec())).collect(),
        ..topic(name, -1, -1)
    }
}

pub(crate) fn directory(broker: NodeId, number: u8) -> Uuid {
    let mut bytes = [0xd0; 16];
    bytes[..4].copy_from_slice(&broker.to_be_bytes());
    bytes[4] = number;
    Uuid::from_bytes(bytes)
}

pub(crate) fn registration(id: NodeId, incarnation: u8) -> RegisterBroker {
    RegisterBroker {
        id,
        cluster_id: CLUSTER_ID.to_owned(),
        incarnation_id: Uuid::from_bytes([incarnation; 16]),
        listeners: vec![Endpoint {
            listener: "PLAINTEXT".to_owned(),
            host: "localhost".to_owned(),
            port: 9092,
            protocol: SecurityProtocol::Plaintext,
        }],
        features: supported_features()
            .iter()
            .map(|f| (f.name.to_owned(), f.range))
            .collect::<Vec<(String, VersionRange)>>(),
        rack: None,
        log_dirs: vec![directory(id, 1)],
        previous_epoch: -1,
    }
}

/// What must hold in every image.
pub(crate) fn assert_invariants(image: &MetadataImage) {
    for (topic, index, partition) in image.partitions() {
        let name = format!("{}-{index}: {partition:?}", topic.name);
        assert_eq!(partition.replicas.len(), partition.directories.len(), "{name}");
        assert!(partition.isr.iter().all(|n| partition.replicas.contains(n)), "{name}");
        assert!(partition.elr.iter().all(|n| partition.replicas.contains(n)), "{name}");
        assert!(partition.elr.iter().all(|n| !partition.isr.contains(n)), "{name}");
        if partition.has_leader() {
            assert!(partition.isr.contains(&partition.leader), "{name}");
            let leader = image.broker(partition.leader).expect("a registered leader");
            assert!(!leader.fenced, "{name}");
        } else {
            assert!(
                partition.isr.iter().all(|n| !image.is_active(*n)),
                "somebody could lead: {name}"
            );
        }
        for node in &partition.isr {
            assert!(image.is_active(*node), "{node} is in sync and not active: {name}");
        }
    }
    assert_eq!(image.topics().count(), image.topic_count());
}
