//! A node's control part on a disk in memory, and what it said.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use taffrail_log::{Disk, DiskFile, LogDir, OpenMode};
use taffrail_metadata::config::StaticConfig;
use taffrail_metadata::{
    Answer, BootstrapRecords, BrokerHeartbeat, ControllerConfig, Endpoint, MetadataImage,
    MetadataVersion, NewTopic, Operation, Refusal, RegisterBroker, ReplyToken, SecurityProtocol,
    supported_features,
};
use taffrail_model::Uuid;
use taffrail_node::control::{Control, ControlConfig, ControlEffect, ControlEvent, ControlFailure};
use taffrail_node::format::{FormatOptions, format};
use taffrail_quorum::VoterEndpoint;
use taffrail_testkit::{ManualClock, MemDisk, SeededRng};

/// The node's only directory.
pub(crate) const METADATA_DIR: &str = "/data";

const CLUSTER_ID: &str = "MkU3OEVBNTcwNTJENDM2Qk";
const NODE_ID: i32 = 1;
const BROKER_DIR: Uuid = Uuid::from_bytes([0xbd; 16]);

/// A disk that is formatted for a sole controller, all of it synced.
pub(crate) fn format_disk() -> MemDisk {
    let disk = MemDisk::new();
    let options = FormatOptions {
        log_dirs: vec![METADATA_DIR.into()],
        metadata_dir: METADATA_DIR.into(),
        cluster_id: CLUSTER_ID.to_owned(),
        node_id: NODE_ID,
        standalone_controller: Some(endpoints(("CONTROLLER", "localhost", 9093))),
        bootstrap: BootstrapRecords::of_release(MetadataVersion::LATEST),
        ignore_formatted: false,
    };
    let mut rng = SeededRng::new(7);
    format(&disk, &options, &mut || rng.bytes16(), 1_000).expect("formatted");
    disk.settle();
    disk
}

/// Copies a directory of `tests/fixtures`, with those in it, to a directory of the disk.
pub(crate) fn copy_fixture(disk: &MemDisk, name: &str, to: &Path) {
    let from = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    copy_directory(disk, &from, to);
}

fn copy_directory(disk: &MemDisk, from: &Path, to: &Path) {
    disk.create_dir_all(to).expect("created");
    for entry in std::fs::read_dir(from).expect("listed") {
        let path = entry.expect("an entry").path();
        let to = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_directory(disk, &path, &to);
        } else {
            let content = std::fs::read(&path).expect("read");
            let file = disk.open(&to, OpenMode::Create).expect("created");
            file.write_all_at(&content, 0).expect("written");
        }
    }
}

fn endpoints((name, host, port): (&str, &str, u16)) -> Vec<VoterEndpoint> {
    vec![VoterEndpoint { name: name.to_owned(), host: host.to_owned(), port }]
}

/// The request to create a topic of two partitions.
pub(crate) fn create_topic(name: &str) -> Operation {
    Operation::CreateTopics {
        topics: vec![NewTopic {
            name: name.to_owned(),
            num_partitions: 2,
            replication_factor: 1,
            ..NewTopic::default()
        }],
        validate_only: false,
    }
}

/// A control part that runs, and everything that it said.
pub(crate) struct ControlNode {
    pub(crate) control: Control<MemDisk>,
    /// The answers that nobody has taken yet, in their order.
    pub(crate) answers: Vec<(ReplyToken, Result<Answer, Refusal>)>,
    /// Why it must stop, once it must.
    pub(crate) failure: Option<ControlFailure>,
    image: Option<MetadataImage>,
    offset: i64,
    clock: ManualClock,
    rng: SeededRng,
    requests: u64,
}

impl ControlNode {
    /// Opens the disk of [`format_disk`], and holds the election.
    pub(crate) fn start(disk: &MemDisk) -> Result<Self, ControlFailure> {
        let properties = LogDir::new(disk.clone(), METADATA_DIR).meta_properties();
        let directory_id = properties.ok().flatten().and_then(|meta| meta.directory_id);
        Self::start_as(disk, directory_id.unwrap_or_default(), ("CONTROLLER", "localhost", 9093))
    }

    /// Opens a disk as the voter of this directory and endpoint, and holds the election.
    pub(crate) fn start_as(
        disk: &MemDisk,
        directory_id: Uuid,
        endpoint: (&str, &str, u16),
    ) -> Result<Self, ControlFailure> {
        let clock = ManualClock::default();
        let config = ControlConfig {
            node_id: NODE_ID,
            directory_id,
            metadata_dir: METADATA_DIR.into(),
            endpoints: endpoints(endpoint),
            election_timeout: Duration::from_secs(1),
            segment_bytes: 1 << 20,
            segment_ms: 7 * 24 * 60 * 60 * 1000,
            controller: controller_config(),
        };
        let mut node = Self {
            control: Control::open(disk.clone(), config, clock.now())?,
            answers: Vec::new(),
            failure: None,
            image: None,
            offset: -1,
            clock,
            // Another one for every start, as ids must differ.
            rng: SeededRng::new(disk.operations()),
            requests: 0,
        };
        node.step_event(ControlEvent::Start);
        node.flush();
        Ok(node)
    }

    /// The last image that was published.
    pub(crate) fn image(&self) -> MetadataImage {
        self.image.clone().unwrap_or_default()
    }

    /// Steps a request, without a flush. Its token is its number, from 1 on.
    pub(crate) fn step(&mut self, operation: Operation) -> ReplyToken {
        self.requests += 1;
        let token = ReplyToken(self.requests);
        let random = self.rng.next_u64();
        self.step_event(ControlEvent::Request { token, deadline: None, random, operation });
        token
    }

    /// Flushes until there is nothing left to commit.
    pub(crate) fn flush(&mut self) {
        let now = self.clock.advance_ms(1);
        let mut out = Vec::new();
        self.control.step_many(now, [], &mut out);
        self.hear(out);
    }

    /// Asks, commits, and returns the answer.
    pub(crate) fn ask(&mut self, operation: Operation) -> Option<Result<Answer, Refusal>> {
        let token = self.step(operation);
        self.flush();
        let index = self.answers.iter().position(|(answered, _)| *answered == token)?;
        Some(self.answers.remove(index).1)
    }

    /// Registers this node as a broker and unfences it; nothing when that fails.
    pub(crate) fn register_broker(&mut self) -> Option<()> {
        let register = RegisterBroker {
            id: NODE_ID,
            cluster_id: CLUSTER_ID.to_owned(),
            incarnation_id: Uuid::from_bytes(self.rng.bytes16()),
            listeners: vec![Endpoint {
                listener: "PLAINTEXT".to_owned(),
                host: "localhost".to_owned(),
                port: 9092,
                protocol: SecurityProtocol::Plaintext,
            }],
            features: supported_features()
                .iter()
                .map(|feature| (feature.name.to_owned(), feature.range))
                .collect(),
            rack: None,
            log_dirs: vec![BROKER_DIR],
            previous_epoch: -1,
        };
        // Another incarnation has a session until it runs out.
        self.clock.advance_ms(60_000);
        self.step_event(ControlEvent::Tick);
        self.flush();
        let answer = self.ask(Operation::RegisterBroker(register))?.ok()?;
        let Answer::RegisterBroker { broker_epoch } = answer else { panic!("{answer:?}") };
        let answer = self
            .ask(Operation::BrokerHeartbeat(BrokerHeartbeat {
                id: NODE_ID,
                epoch: broker_epoch,
                metadata_offset: self.offset,
                want_fence: false,
                want_shutdown: false,
                offline_log_dirs: Vec::new(),
                cordoned_log_dirs: None,
            }))?
            .ok()?;
        let Answer::BrokerHeartbeat(reply) = answer else { panic!("{answer:?}") };
        (!reply.is_fenced).then_some(())
    }

    /// Creates a topic; its id, when that was acknowledged.
    pub(crate) fn create_topic(&mut self, name: &str) -> Option<Uuid> {
        let answer = self.ask(create_topic(name))?.ok()?;
        let Answer::CreateTopics(topics) = answer else { panic!("{answer:?}") };
        topics.into_iter().next()?.result.ok().map(|topic| topic.topic_id)
    }

    /// Makes it resign, and waits for the next election, which comes within two seconds.
    pub(crate) fn resign(&mut self) {
        self.step_event(ControlEvent::Resign { random: self.requests });
        assert!(!self.control.is_leading());
        let deadline = self.control.next_deadline().expect("an election to come");
        while self.clock.now().mono < deadline {
            self.clock.advance_ms(500);
        }
        self.step_event(ControlEvent::Tick);
        self.flush();
    }

    /// Tells it to stop, and goes on listening.
    pub(crate) fn shut_down(&mut self) {
        self.step_event(ControlEvent::Shutdown);
        self.flush();
    }

    /// Shuts it down and closes the log.
    pub(crate) fn stop(mut self) {
        self.shut_down();
        let now = self.clock.now();
        self.control.close(now).expect("closed");
    }

    fn step_event(&mut self, event: ControlEvent) {
        let mut out = Vec::new();
        self.control.step(self.clock.now(), event, &mut out);
        self.hear(out);
    }

    fn hear(&mut self, effects: Vec<ControlEffect>) {
        for effect in effects {
            assert!(self.failure.is_none() || !matches!(effect, ControlEffect::Failed(_)));
            match effect {
                ControlEffect::Reply { token, answer } => {
                    assert!(self.answers.iter().all(|(other, _)| *other != token), "{token:?}");
                    self.answers.push((token, answer));
                }
                ControlEffect::Publish(loaded) => {
                    assert!(loaded.offset > self.offset);
                    self.offset = loaded.offset;
                    self.image = Some(loaded.image);
                }
                ControlEffect::Failed(failure) => self.failure = Some(failure),
                ControlEffect::Leading { .. }
                | ControlEffect::Resigned { .. }
                | ControlEffect::Announce(_) => {}
            }
        }
    }
}

fn controller_config() -> ControllerConfig {
    ControllerConfig {
        node_id: NODE_ID,
        cluster_id: CLUSTER_ID.to_owned(),
        static_config: Arc::new(StaticConfig::default()),
        bootstrap: BootstrapRecords::of_release(MetadataVersion::LATEST),
    }
}
