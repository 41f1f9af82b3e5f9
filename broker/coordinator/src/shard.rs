//! The shard: what comes in, in which phase, and to whom it goes.

use taffrail_model::{ErrorCode, Mono, Now, Offset};

use crate::answer::Answer;
use crate::classic::ClassicGroup;
use crate::config::GroupConfig;
use crate::effect::{Effect, ReplyToken};
use crate::event::{Event, LoadedBatch};
use crate::groups::LiveGroups;
use crate::load_report::LoadReport;
use crate::records::{self, Decoded};
use crate::request::{Request, RequestContext};
use crate::requests;
use crate::state::GroupId;
use crate::store::{SettledWrite, Store, Waiting};
use crate::timers::{TimerKey, Timers};
use crate::turn::Turn;

/// Where a shard is in its life.
#[derive(Debug)]
enum Phase {
    /// Another node leads the partition, or the log can't be read.
    Inactive,
    /// The log is being read.
    Loading(LoadReport),
    /// Requests are served.
    Active,
}

/// The groups of one partition of `__consumer_offsets` that this node leads.
#[derive(Debug)]
pub struct GroupShard {
    config: GroupConfig,
    phase: Phase,
    store: Store,
    live: LiveGroups,
    timers: Timers,
}

impl GroupShard {
    /// A shard that serves nothing before it is loaded.
    #[must_use]
    pub fn new(config: GroupConfig) -> Self {
        Self {
            config,
            phase: Phase::Inactive,
            store: Store::default(),
            live: LiveGroups::new(),
            timers: Timers::default(),
        }
    }

    /// When the next [`Event::Tick`] is due.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        self.timers.next_deadline().into_iter().chain(self.store.next_deadline()).min()
    }

    /// Whether requests are served.
    #[must_use]
    pub fn is_active(&self) -> bool {
        matches!(self.phase, Phase::Active)
    }

    #[cfg(test)]
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    #[cfg(test)]
    pub(crate) fn live(&self) -> &LiveGroups {
        &self.live
    }

    /// Takes an event in, and appends what is to be done to `out`.
    pub fn step(&mut self, now: Now, event: Event, out: &mut Vec<Effect>) {
        match event {
            Event::StartLoad { high_watermark } => {
                self.unload(high_watermark, out);
                self.phase = Phase::Loading(LoadReport::default());
            }
            Event::Load(batch) => self.load(&batch, out),
            Event::Loaded => self.loaded(now, out),
            Event::Unload => self.unload(0, out),
            Event::Request { token, context, request } => {
                self.request(now, token, &context, &request, out);
            }
            Event::TopicsDeleted(topics) => {
                if self.is_active() {
                    let (mut turn, _) = self.turn(now, out);
                    turn.delete_offsets_of_topics(&topics);
                }
            }
            Event::Appended { write_id, last_offset } => {
                self.store.appended(write_id, last_offset);
                self.settle_committed(now, out);
            }
            Event::AppendFailed { write_id, error } => {
                for write in self.store.roll_back(write_id) {
                    self.settle_failed(now, write, of_coordinator(error), out);
                }
            }
            Event::Committed { high_watermark } => {
                self.store.advance(high_watermark);
                self.settle_committed(now, out);
            }
            Event::Tick => self.tick(now, out),
        }
        while let Some(write) = self.store.pop_refused() {
            self.settle_failed(now, write, ErrorCode::UnknownServerError, out);
        }
    }

    fn turn<'a>(
        &'a mut self,
        now: Now,
        out: &'a mut Vec<Effect>,
    ) -> (Turn<'a>, &'a mut LiveGroups) {
        let Self { config, store, timers, live, .. } = self;
        (Turn { now, config, store, timers, out }, live)
    }

    fn load(&mut self, batch: &LoadedBatch, out: &mut Vec<Effect>) {
        let Phase::Loading(report) = &mut self.phase else { return };
        let mut changes = Vec::with_capacity(batch.records.len());
        for record in &batch.records {
            match records::decode(record, batch.transactional) {
                Ok(Decoded::Change(change)) => changes.push(change),
                Ok(Decoded::Skipped(why)) => *report.skipped.entry(why).or_default() += 1,
                Err(error) => {
                    out.push(Effect::LoadFailed { last_offset: batch.last_offset, error });
                    self.unload(0, out);
                    return;
                }
            }
        }
        report.replayed += changes.len() as u64;
        self.store.load(&changes, batch.last_offset);
    }

    fn loaded(&mut self, now: Now, out: &mut Vec<Effect>) {
        let Phase::Loading(report) = &mut self.phase else { return };
        let groups = self.store.speculative().len();
        out.push(Effect::LoadFinished(LoadReport { groups, ..std::mem::take(report) }));
        self.phase = Phase::Active;
        let ids: Vec<GroupId> =
            self.store.speculative().groups().map(|(id, _)| id.clone()).collect();
        for id in ids {
            self.revive(now, &id, out);
        }
        let interval = self.config.offsets_retention_check_interval_ms;
        self.timers.set(TimerKey::Expiry, now.mono.plus_ms(interval));
    }

    /// Builds the live group of a record.
    fn revive(&mut self, now: Now, id: &GroupId, out: &mut Vec<Effect>) {
        let entry = self.store.speculative().group(id);
        let Some(metadata) = entry.and_then(|entry| entry.metadata.clone()) else { return };
        let mut group = ClassicGroup::loaded(id.clone(), &metadata);
        let (mut turn, live) = self.turn(now, out);
        for member in group.member_ids() {
            turn.heard_from(&group, &member);
        }
        if group.len() > usize::try_from(turn.config.group_size_max).unwrap_or(0) {
            turn.prepare_rebalance(&mut group, "the loaded group is over group.max.size");
        }
        live.insert(id.clone(), group);
    }

    fn unload(&mut self, high_watermark: Offset, out: &mut Vec<Effect>) {
        self.phase = Phase::Inactive;
        self.timers.clear();
        let error = ErrorCode::NotCoordinator;
        for waiting in self.store.reset(high_watermark) {
            if let Waiting::Reply { token, answer } = waiting {
                out.push(Effect::Reply { token, answer: answer.after_failed_write(error) });
            }
        }
        for group in std::mem::take(&mut self.live).into_values() {
            for (token, answer) in group.refuse_all(error) {
                out.push(Effect::Reply { token, answer });
            }
        }
    }

    fn request(
        &mut self,
        now: Now,
        token: ReplyToken,
        context: &RequestContext,
        request: &Request,
        out: &mut Vec<Effect>,
    ) {
        let unavailable = match &self.phase {
            Phase::Active => requests::check(&self.config, request).err(),
            Phase::Inactive => Some(ErrorCode::NotCoordinator),
            // A member that is told nothing goes on with its work, as it should while its group is being read.
            Phase::Loading(_) if matches!(request, Request::Heartbeat(_)) => Some(ErrorCode::None),
            Phase::Loading(_) => Some(ErrorCode::CoordinatorLoadInProgress),
        };
        if let Some(error) = unavailable {
            out.push(Effect::Reply { token, answer: Answer::refusal(request, error) });
            return;
        }
        let (mut turn, live) = self.turn(now, out);
        turn.request(live, token, context, request);
    }

    fn tick(&mut self, now: Now, out: &mut Vec<Effect>) {
        let impatient = self.store.give_up(now.mono);
        self.fail(now, impatient, of_coordinator(ErrorCode::RequestTimedOut), out);
        while let Some(key) = self.timers.pop_due(now.mono) {
            let (mut turn, live) = self.turn(now, out);
            match key {
                TimerKey::Session(id, member) => {
                    if let Some(group) = live.get_mut(&id) {
                        turn.session_deadline(group, &member);
                    }
                }
                TimerKey::Join(id) => {
                    if let Some(group) = live.get_mut(&id) {
                        turn.join_deadline(group);
                    }
                }
                TimerKey::Sync(id) => {
                    if let Some(group) = live.get_mut(&id) {
                        turn.sync_deadline(group);
                    }
                }
                TimerKey::Expiry => {
                    turn.clean_up(live);
                    let interval = turn.config.offsets_retention_check_interval_ms.max(1);
                    turn.timers.set(TimerKey::Expiry, now.mono.plus_ms(interval));
                }
            }
        }
    }

    fn settle_committed(&mut self, now: Now, out: &mut Vec<Effect>) {
        while let Some(write) = self.store.pop_committed() {
            let (mut turn, live) = self.turn(now, out);
            for waiting in write.waiting {
                match waiting {
                    Waiting::Reply { token, answer } => turn.reply(token, answer),
                    Waiting::Assignment(pending) => {
                        if let Some(group) = live.get_mut(&pending.group) {
                            turn.assignment_committed(group, pending);
                        }
                    }
                    Waiting::StaticJoin(pending) => {
                        if let Some(group) = live.get_mut(&pending.group) {
                            turn.static_join_committed(group, &pending);
                        }
                    }
                }
            }
        }
    }

    /// A write is undone: who waits for it hears `error`, and the live groups follow the state as it is again.
    fn settle_failed(
        &mut self,
        now: Now,
        write: SettledWrite,
        error: ErrorCode,
        out: &mut Vec<Effect>,
    ) {
        self.fail(now, write.waiting, error, out);
        for id in write.touched {
            // A deletion was undone: the group is back. A new group that couldn't be written lives on in memory,
            // with the members that are joining it; it is written when it has an assignment.
            if !self.live.contains_key(&id) {
                self.revive(now, &id, out);
            }
        }
    }

    fn fail(&mut self, now: Now, all: Vec<Waiting>, error: ErrorCode, out: &mut Vec<Effect>) {
        let (mut turn, live) = self.turn(now, out);
        for waiting in all {
            match waiting {
                Waiting::Reply { token, answer } => {
                    turn.reply(token, answer.after_failed_write(error));
                }
                Waiting::Assignment(pending) => {
                    if let Some(group) = live.get_mut(&pending.group) {
                        turn.assignment_failed(group, &pending, error);
                    }
                }
                Waiting::StaticJoin(pending) => {
                    if let Some(group) = live.get_mut(&pending.group) {
                        turn.static_join_failed(group, pending, error);
                    }
                }
            }
        }
    }
}

/// What clients of a coordinator are told when the log refused a write.
fn of_coordinator(error: ErrorCode) -> ErrorCode {
    match error {
        ErrorCode::UnknownTopicOrPartition
        | ErrorCode::NotEnoughReplicas
        | ErrorCode::NotEnoughReplicasAfterAppend
        | ErrorCode::RequestTimedOut => ErrorCode::CoordinatorNotAvailable,
        ErrorCode::NotLeaderOrFollower | ErrorCode::KafkaStorageError => ErrorCode::NotCoordinator,
        ErrorCode::MessageTooLarge
        | ErrorCode::RecordListTooLarge
        | ErrorCode::InvalidFetchSize => ErrorCode::UnknownServerError,
        other => other,
    }
}
