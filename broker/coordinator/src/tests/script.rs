//! Scenarios as text: a line is a command, and below it, after `>`, the effects that it must have.
//!
//! Requests are numbered from 1; a reply begins with the number of its request. A member id that the coordinator made
//! is its prefix, `~` and the number of the request that brought it. Writes are committed at once, except between
//! `hold` and `release`; `fail` makes the first held write fail with an error. `wait` lets milliseconds pass. `crash`
//! ends the leadership, drops what wasn't committed, and loads another shard from what was, with the settings of then.

use std::collections::BTreeMap;

use bytes::{BufMut, Bytes, BytesMut};
use taffrail_model::{ErrorCode, Mono, Offset, Uuid};

use super::partition_log::{PartitionLog, at};
use super::render;
use crate::{
    DeleteGroups, DeletedTopic, DescribeGroups, Effect, Event, GroupConfig, GroupShard, Heartbeat,
    JoinGroup, JoinProtocol, LeaveGroup, LeavingMember, ListGroups, OffsetCommit,
    OffsetCommitPartition, OffsetCommitTopic, OffsetDelete, OffsetDeleteTopic, OffsetFetch,
    OffsetFetchGroup, OffsetFetchTopic, ReplyToken, Request, RequestContext, SyncAssignment,
    SyncGroup, WriteId,
};

/// What stands between the prefix and the number of a member id that the coordinator made.
const UUID_HEAD: &str = "-00000000-0000-0000-0000-0000000000";

/// Runs a scenario with Kafka's defaults.
pub(super) fn check(scenario: &str) {
    check_with(GroupConfig::default(), scenario);
}

/// Runs a scenario, and compares the effects of each command with those that the scenario has.
pub(super) fn check_with(config: GroupConfig, scenario: &str) {
    let mut script = Script::new(config);
    let mut actual = String::new();
    for command in scenario.lines().map(str::trim) {
        if command.is_empty() || command.starts_with('>') {
            continue;
        }
        actual.push_str(&format!("{command}\n"));
        for effect in script.run(command) {
            actual.push_str(&format!("  > {effect}\n"));
        }
    }
    let expected: String = scenario
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| if line.starts_with('>') { format!("  {line}\n") } else { format!("{line}\n") })
        .collect();
    assert!(actual == expected, "expected:\n{expected}\nactual:\n{actual}");
}

struct Script {
    config: GroupConfig,
    shard: GroupShard,
    log: PartitionLog,
    committed: Offset,
    time_ms: i64,
    requests: u64,
    held: Option<Vec<(WriteId, Offset)>>,
    effects: Vec<Effect>,
}

impl Script {
    fn new(config: GroupConfig) -> Self {
        let mut script = Self {
            shard: GroupShard::new(config.clone()),
            config,
            log: PartitionLog::default(),
            committed: 0,
            time_ms: 0,
            requests: 0,
            held: None,
            effects: Vec::new(),
        };
        script.load();
        script
    }

    fn run(&mut self, command: &str) -> Vec<String> {
        self.effects.clear();
        let args = Args::parse(command);
        let request = match args.word(0) {
            "join" => Request::JoinGroup(self.join(&args)),
            "sync" => Request::SyncGroup(sync(&args)),
            "heartbeat" => Request::Heartbeat(Heartbeat {
                group_id: args.group(),
                generation_id: args.number("gen", 0),
                member_id: args.member(),
                group_instance_id: args.text("static"),
            }),
            "leave" => Request::LeaveGroup(LeaveGroup {
                group_id: args.group(),
                members: vec![LeavingMember {
                    member_id: args.member(),
                    group_instance_id: args.text("static"),
                    reason: None,
                }],
            }),
            "commit" => Request::OffsetCommit(commit(&args)),
            "fetch" => Request::OffsetFetch(fetch(&args)),
            "describe" => Request::DescribeGroups(DescribeGroups {
                group_ids: args.words(),
                supports_group_not_found: args.number("v", 6) >= 6,
            }),
            "list" => Request::ListGroups(ListGroups {
                states: args.list("states"),
                types: args.list("types"),
            }),
            "delete" => Request::DeleteGroups(DeleteGroups { group_ids: args.words() }),
            "delete-offsets" => Request::OffsetDelete(delete_offsets(&args)),
            _ => {
                self.control(&args);
                return self.rendered();
            }
        };
        let context = RequestContext {
            client_id: args.word(1).to_owned(),
            client_host: "/192.0.2.7".to_owned(),
        };
        self.requests += 1;
        self.step(Event::Request { token: ReplyToken(self.requests), context, request });
        self.rendered()
    }

    fn control(&mut self, args: &Args) {
        match args.word(0) {
            "wait" => self.wait(args.word(1).parse().expect("milliseconds")),
            "hold" => self.held = Some(Vec::new()),
            "release" => {
                for (write_id, last_offset) in self.held.take().unwrap_or_default() {
                    self.step(Event::Appended { write_id, last_offset });
                    self.commit(last_offset);
                }
            }
            "fail" => {
                let held = self.held.take().unwrap_or_default();
                let (write_id, last_offset) = *held.first().expect("a held write");
                self.log.truncate(last_offset);
                let error = (-1..200)
                    .filter_map(ErrorCode::from_code)
                    .find(|error| error.name() == args.word(1))
                    .expect("an error");
                self.step(Event::AppendFailed { write_id, error });
            }
            "unload" => self.step(Event::Unload),
            "start-load" => self.step(Event::StartLoad { high_watermark: 0 }),
            "loaded" => self.step(Event::Loaded),
            "crash" => {
                self.held = None;
                self.step(Event::Unload);
                self.log.truncate(self.committed);
                self.shard = GroupShard::new(self.config.clone());
                self.load();
            }
            "max-size" => {
                self.config.group_size_max = args.word(1).parse().expect("a number");
            }
            "topic-deleted" => self.step(Event::TopicsDeleted(vec![DeletedTopic {
                name: args.word(1).to_owned(),
                topic_id: args.topic_id(),
            }])),
            other => panic!("unknown command '{other}'"),
        }
    }

    fn join(&self, args: &Args) -> JoinGroup {
        let protocols = args.text("protocols").unwrap_or_else(|| "range".to_owned());
        let version = args.number("v", 9);
        let session_timeout_ms = args.number("session", 10_000);
        JoinGroup {
            group_id: args.group(),
            member_id: args.text("id").map(|id| expand(&id)).unwrap_or_default(),
            group_instance_id: args.text("static"),
            session_timeout_ms,
            rebalance_timeout_ms: args.number("rebalance", 60_000),
            protocol_type: args.text("type").unwrap_or_else(|| "consumer".to_owned()),
            protocols: protocols
                .split(',')
                .filter(|name| !name.is_empty())
                .map(|name| JoinProtocol {
                    name: name.to_owned(),
                    metadata: subscription(
                        &args.text("topics").unwrap_or_else(|| "orders".to_owned()),
                    ),
                })
                .collect(),
            reason: None,
            requires_known_member_id: version >= 4,
            supports_skip_assignment: version >= 9,
            new_member_uuid: Uuid::from_bytes(uuid_of(self.requests + 1)),
        }
    }

    fn wait(&mut self, ms: i64) {
        let end = self.time_ms + ms;
        while let Some(deadline) = self.shard.next_deadline() {
            if deadline > Mono::ZERO.plus_ms(end) {
                break;
            }
            let deadline = i64::try_from(deadline.since_start().as_millis()).expect("a short test");
            self.time_ms = self.time_ms.max(deadline);
            self.step(Event::Tick);
        }
        self.time_ms = end;
    }

    fn load(&mut self) {
        for event in self.log.load_events() {
            self.step(event);
        }
    }

    fn commit(&mut self, last_offset: Offset) {
        self.committed = last_offset + 1;
        self.step(Event::Committed { high_watermark: self.committed });
    }

    fn step(&mut self, event: Event) {
        let mut effects = Vec::new();
        self.shard.step(at(self.time_ms), event, &mut effects);
        self.effects.extend(effects.iter().cloned());
        for effect in effects {
            let Effect::Append { write_id, records, .. } = effect else { continue };
            let last_offset = self.log.append(records);
            match &mut self.held {
                Some(held) => held.push((write_id, last_offset)),
                None => {
                    self.step(Event::Appended { write_id, last_offset });
                    self.commit(last_offset);
                }
            }
        }
    }

    fn rendered(&self) -> Vec<String> {
        self.effects
            .iter()
            .map(|effect| render::effect(effect).trim_end().replace(UUID_HEAD, "~"))
            .collect()
    }
}

fn sync(args: &Args) -> SyncGroup {
    let is_option = |key: &str| ["gen", "group", "static", "type", "protocol"].contains(&key);
    let assignments = args.options.iter().filter(|(key, _)| !is_option(key));
    SyncGroup {
        group_id: args.group(),
        generation_id: args.number("gen", 0),
        member_id: args.member(),
        group_instance_id: args.text("static"),
        protocol_type: args.text("type"),
        protocol_name: args.text("protocol"),
        assignments: assignments
            .map(|(member, value)| SyncAssignment {
                member_id: expand(member),
                assignment: Bytes::from(value.clone()),
            })
            .collect(),
    }
}

fn commit(args: &Args) -> OffsetCommit {
    let is_option =
        |key: &str| ["gen", "group", "static", "v", "note", "retention", "topic-id"].contains(&key);
    let offsets = args.options.iter().filter(|(key, _)| !is_option(key));
    OffsetCommit {
        group_id: args.group(),
        generation_id: args.number("gen", -1),
        member_id: args.member(),
        group_instance_id: args.text("static"),
        retention_ms: args.text("retention").map(|ms| ms.parse().expect("milliseconds")),
        supports_group_not_found: args.number("v", 9) >= 9,
        topics: offsets
            .map(|(partition, offset)| {
                let (name, partition) = topic_partition(partition);
                OffsetCommitTopic {
                    name,
                    topic_id: args.topic_id(),
                    partitions: vec![OffsetCommitPartition {
                        partition,
                        offset: offset.parse().expect("an offset"),
                        leader_epoch: -1,
                        metadata: args.text("note"),
                    }],
                }
            })
            .collect(),
    }
}

fn fetch(args: &Args) -> OffsetFetch {
    let topics: Vec<OffsetFetchTopic> = args
        .words()
        .iter()
        .filter(|word| *word != "stable" && *word != "all")
        .map(|word| {
            let (name, partition) = topic_partition(word);
            OffsetFetchTopic { name, topic_id: args.topic_id(), partitions: vec![partition] }
        })
        .collect();
    let topics = (!args.words().contains(&"all".to_owned())).then_some(topics);
    OffsetFetch {
        groups: vec![OffsetFetchGroup { group_id: args.group(), topics }],
        require_stable: args.words().contains(&"stable".to_owned()),
    }
}

fn delete_offsets(args: &Args) -> OffsetDelete {
    let topics = args.words().into_iter().map(|word| {
        let (name, partition) = topic_partition(&word);
        OffsetDeleteTopic { name, partitions: vec![partition] }
    });
    OffsetDelete { group_id: args.group(), topics: topics.collect() }
}

fn topic_partition(text: &str) -> (String, i32) {
    let (topic, partition) = text.rsplit_once('-').expect("topic-partition");
    (topic.to_owned(), partition.parse().expect("a partition"))
}

/// `prefix~07` as the member id that it stands for.
fn expand(id: &str) -> String {
    id.replace('~', UUID_HEAD)
}

/// A UUID whose last two digits, of its hexadecimal form, are the decimal number.
fn uuid_of(number: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[15] = u8::from_str_radix(&number.to_string(), 16).expect("fewer than a hundred requests");
    bytes
}

/// A consumer's subscription in version 0.
pub(super) fn subscription(topics: &str) -> Bytes {
    let topics: Vec<&str> = topics.split(',').filter(|topic| !topic.is_empty()).collect();
    let mut bytes = BytesMut::new();
    bytes.put_i16(0);
    bytes.put_i32(i32::try_from(topics.len()).expect("few topics"));
    for topic in topics {
        bytes.put_i16(i16::try_from(topic.len()).expect("a short name"));
        bytes.put_slice(topic.as_bytes());
    }
    bytes.put_i32(-1);
    bytes.freeze()
}

/// A command: words, and options `key=value`.
struct Args {
    words: Vec<String>,
    options: Vec<(String, String)>,
}

impl Args {
    fn parse(command: &str) -> Self {
        let mut args = Self { words: Vec::new(), options: Vec::new() };
        for word in command.split_whitespace() {
            match word.split_once('=') {
                Some((key, value)) => args.options.push((key.to_owned(), value.to_owned())),
                None => args.words.push(word.to_owned()),
            }
        }
        args
    }

    fn word(&self, index: usize) -> &str {
        self.words.get(index).map(String::as_str).unwrap_or_default()
    }

    /// The words after the command.
    fn words(&self) -> Vec<String> {
        self.words.iter().skip(1).cloned().collect()
    }

    /// The first word after the command as a member id; `-` is none.
    fn member(&self) -> String {
        expand(self.word(1)).trim_start_matches('-').to_owned()
    }

    fn text(&self, key: &str) -> Option<String> {
        let by_key: BTreeMap<&str, &str> =
            self.options.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        by_key.get(key).map(|value| (*value).to_owned())
    }

    fn list(&self, key: &str) -> Vec<String> {
        self.text(key).map(|list| list.split(',').map(str::to_owned).collect()).unwrap_or_default()
    }

    fn number(&self, key: &str, default: i32) -> i32 {
        self.text(key).map_or(default, |value| value.parse().expect("a number"))
    }

    fn group(&self) -> String {
        self.text("group").unwrap_or_else(|| "g".to_owned())
    }

    fn topic_id(&self) -> Uuid {
        self.text("topic-id")
            .map_or(Uuid::ZERO, |id| Uuid::from_bytes(uuid_of(id.parse().expect("a number"))))
    }
}
