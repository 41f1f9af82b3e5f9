//! The clients, the network, the log and the coordinator.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;

use taffrail_model::{ErrorCode, Mono, Offset};

use super::super::partition_log::{PartitionLog, at};
use super::super::render;
use super::checks::{Checks, Seen};
use super::client::{Client, PARTITIONS, Stage};
use crate::{Answer, Effect, Event, GroupConfig, GroupShard, ReplyToken, Request, RequestContext};

/// How often the things happened that this is about.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Coverage {
    pub(super) assignments: u64,
    pub(super) commits: u64,
    pub(super) stale_commits_refused: u64,
    pub(super) failed_appends: u64,
    pub(super) failovers: u64,
    pub(super) lost_writes: u64,
    pub(super) fenced: u64,
}

impl AddAssign for Coverage {
    fn add_assign(&mut self, other: Self) {
        self.assignments += other.assignments;
        self.commits += other.commits;
        self.stale_commits_refused += other.stale_commits_refused;
        self.failed_appends += other.failed_appends;
        self.failovers += other.failovers;
        self.lost_writes += other.lost_writes;
        self.fenced += other.fenced;
    }
}

/// Everything, in one seed.
pub(super) struct World {
    random: u64,
    config: GroupConfig,
    time_ms: i64,
    shard: GroupShard,
    log: PartitionLog,
    high_watermark: Offset,
    clients: BTreeMap<u64, Client>,
    next_client: u64,
    next_token: u64,
    next_offset: Offset,
    /// Who asked.
    askers: BTreeMap<ReplyToken, u64>,
    /// Replies on their way.
    network: Vec<(ReplyToken, Answer)>,
    faults: bool,
    checks: Checks,
    coverage: Coverage,
    trace: Vec<String>,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let config = GroupConfig {
            // Groups that are deleted begin at generation 0 again, which the checks don't follow.
            offsets_retention_check_interval_ms: i64::MAX / 4,
            ..GroupConfig::default()
        };
        let mut world = Self {
            random: seed,
            time_ms: 0,
            shard: GroupShard::new(config.clone()),
            config,
            log: PartitionLog::default(),
            high_watermark: 0,
            clients: BTreeMap::new(),
            next_client: 0,
            next_token: 0,
            next_offset: 0,
            askers: BTreeMap::new(),
            network: Vec::new(),
            faults: true,
            checks: Checks::default(),
            coverage: Coverage::default(),
            trace: Vec::new(),
        };
        world.load();
        world
    }

    pub(super) fn trace(&self) -> &[String] {
        &self.trace
    }

    /// One random thing happens.
    pub(super) fn act(&mut self) {
        match self.dice(100) {
            0..45 => self.speak(),
            45..70 => self.deliver(),
            70..80 => self.pass_time(),
            80..88 => self.commit_offsets(),
            88..94 => self.commit_log(),
            94..96 if self.clients.len() < 6 => self.arrive(),
            96..98 => self.depart(),
            98 => self.fail_over(),
            99 => self.checks.replayed(&self.shard, &self.log, &self.config),
            _ => {}
        }
    }

    /// All faults end. The clients that are left must come to share the partitions.
    pub(super) fn heal(&mut self) {
        self.faults = false;
        self.commit_log();
        self.clients.retain(|_, client| !client.is_fenced);
        if self.clients.is_empty() {
            self.arrive();
        }
        for _ in 0..300 {
            self.time_ms += 1_000;
            self.step(Event::Tick);
            while !self.network.is_empty() {
                self.deliver();
            }
            let ready: Vec<u64> = self.clients.keys().copied().collect();
            for id in ready {
                self.speak_as(id);
                while !self.network.is_empty() {
                    self.deliver();
                }
            }
        }
        self.clients.retain(|_, client| !client.is_fenced);
        let stages: Vec<&Stage> = self.clients.values().map(|client| &client.stage).collect();
        assert!(stages.iter().all(|stage| **stage == Stage::Stable), "{:#?}", self.clients);
        let generations: BTreeSet<i32> =
            self.clients.values().map(|client| client.generation).collect();
        assert_eq!(generations.len(), 1, "{:#?}", self.clients);
        let mut owned: Vec<u8> =
            self.clients.values().flat_map(|client| client.owned.clone()).collect();
        owned.sort_unstable();
        assert_eq!(owned, (0..PARTITIONS).collect::<Vec<_>>(), "{:#?}", self.clients);
    }

    /// Ends the leadership: nobody is left waiting.
    pub(super) fn finish(mut self) -> Coverage {
        self.checks.replayed(&self.shard, &self.log, &self.config);
        self.step(Event::Unload);
        assert!(self.checks.is_quiet(), "a request got no reply");
        self.coverage
    }

    /// A client sends its next request.
    fn speak(&mut self) {
        if let Some(id) = self.any_client() {
            self.speak_as(id);
        }
    }

    fn speak_as(&mut self, id: u64) {
        let dice = self.random();
        let Some(client) = self.clients.get(&id) else { return };
        if client.is_ready(self.time_ms) {
            let request = client.next_request(dice);
            let token = self.ask(id, request);
            if let Some(client) = self.clients.get_mut(&id)
                && self.askers.contains_key(&token)
            {
                client.in_flight = Some((token, self.time_ms));
            }
        }
    }

    /// A client commits, or one that is long out of the group does.
    fn commit_offsets(&mut self) {
        let Some(id) = self.any_client() else { return };
        let Some(client) = self.clients.get(&id).cloned() else { return };
        if client.owned.is_empty() {
            return;
        }
        self.next_offset += 1;
        let request = client.commit(self.next_offset);
        self.ask(id, request);
    }

    /// A reply arrives, or is lost.
    fn deliver(&mut self) {
        if self.network.is_empty() {
            return;
        }
        let index = usize::try_from(self.dice(self.network.len() as u64)).expect("an index");
        let (token, answer) = self.network.swap_remove(index);
        let Some(asker) = self.askers.remove(&token) else { return };
        if self.faults && self.dice(20) == 0 {
            return;
        }
        let Some(client) = self.clients.get_mut(&asker) else { return };
        if client.in_flight.is_some_and(|(awaited, _)| awaited == token) {
            client.hear(&answer);
            self.coverage.fenced += u64::from(client.is_fenced);
        }
    }

    fn pass_time(&mut self) {
        let end = self.time_ms + i64::try_from(self.dice(3_000)).expect("a short time");
        while let Some(deadline) = self.shard.next_deadline()
            && deadline <= Mono::ZERO.plus_ms(end)
        {
            let deadline = i64::try_from(deadline.since_start().as_millis()).expect("a short time");
            self.time_ms = self.time_ms.max(deadline);
            self.step(Event::Tick);
        }
        self.time_ms = end;
    }

    /// The high watermark reaches the end of the log.
    fn commit_log(&mut self) {
        self.high_watermark = self.log.end();
        self.step(Event::Committed { high_watermark: self.high_watermark });
    }

    fn arrive(&mut self) {
        let instance_id = (self.dice(3) == 0).then(|| format!("static-{}", self.dice(2)));
        self.clients.insert(self.next_client, Client::new(instance_id));
        self.next_client += 1;
    }

    /// A client says goodbye, or crashes; a static one comes back at once.
    fn depart(&mut self) {
        let Some(id) = self.any_client() else { return };
        if self.dice(3) == 0 {
            let goodbye = self.clients.get(&id).map(Client::leave);
            if let Some(goodbye) = goodbye {
                self.ask(id, goodbye);
            }
        }
        let Some(client) = self.clients.remove(&id) else { return };
        if client.instance_id.is_some() && !client.is_fenced {
            self.clients.insert(self.next_client, Client::new(client.instance_id));
            self.next_client += 1;
        }
    }

    /// Another node leads. What wasn't committed may be lost, or not.
    fn fail_over(&mut self) {
        self.coverage.failovers += 1;
        self.step(Event::Unload);
        let end = self.log.end();
        let unsure = u64::try_from(end - self.high_watermark).expect("the end is above");
        let kept = i64::try_from(self.dice(unsure + 1)).expect("few records");
        self.log.truncate(self.high_watermark + kept);
        self.coverage.lost_writes += u64::from(self.log.end() < end);
        self.shard = GroupShard::new(self.config.clone());
        self.load();
    }

    fn load(&mut self) {
        for event in self.log.load_events() {
            // The new leader doesn't know yet that the end is committed.
            let event = match event {
                Event::StartLoad { .. } => Event::StartLoad { high_watermark: self.high_watermark },
                other => other,
            };
            self.step(event);
        }
    }

    fn ask(&mut self, client: u64, request: Request) -> ReplyToken {
        let token = ReplyToken(self.next_token);
        self.next_token += 1;
        self.askers.insert(token, client);
        self.checks.asked(token, &request);
        let context = RequestContext {
            client_id: format!("c{client}"),
            client_host: "/192.0.2.7".to_owned(),
        };
        let event = Event::Request { token, context, request };
        let mut effects = Vec::new();
        self.shard.step(at(self.time_ms), event, &mut effects);
        if effects.iter().any(|effect| matches!(effect, Effect::Append { .. })) {
            self.checks.accepted(token);
        }
        self.carry_out(effects);
        token
    }

    fn step(&mut self, event: Event) {
        let mut effects = Vec::new();
        self.shard.step(at(self.time_ms), event, &mut effects);
        self.carry_out(effects);
    }

    /// Carries effects out in order; after an append that failed, no later append of the step is tried.
    fn carry_out(&mut self, effects: Vec<Effect>) {
        let mut results = Vec::new();
        let mut failed = false;
        for effect in effects {
            self.trace.push(render::effect(&effect));
            match effect {
                Effect::Append { .. } if failed => {}
                Effect::Append { write_id, .. } if self.faults && self.dice(25) == 0 => {
                    failed = true;
                    self.coverage.failed_appends += 1;
                    results.push(Event::AppendFailed {
                        write_id,
                        error: ErrorCode::NotEnoughReplicas,
                    });
                }
                Effect::Append { write_id, records, .. } => {
                    let last_offset = self.log.append(records);
                    results.push(Event::Appended { write_id, last_offset });
                }
                Effect::Reply { token, answer } => {
                    match self.checks.replied(token, &answer) {
                        Seen::Assignment => self.coverage.assignments += 1,
                        Seen::Commit => self.coverage.commits += 1,
                        Seen::StaleCommitRefused => self.coverage.stale_commits_refused += 1,
                        Seen::Other => {}
                    }
                    self.network.push((token, answer));
                }
                Effect::Rebalancing { .. } | Effect::LoadFinished(_) => {}
                Effect::LoadFailed { .. } => panic!("the log can't be read"),
            }
        }
        for event in results {
            self.step(event);
        }
        if !self.faults && self.high_watermark < self.log.end() {
            self.commit_log();
        }
    }

    fn any_client(&mut self) -> Option<u64> {
        let count = u64::try_from(self.clients.len()).expect("few clients");
        let index = usize::try_from(self.dice(count.max(1))).expect("few clients");
        self.clients.keys().nth(index).copied()
    }

    fn dice(&mut self, sides: u64) -> u64 {
        self.random() % sides
    }

    /// SplitMix64.
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
