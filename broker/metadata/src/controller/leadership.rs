//! One leadership: what was decided and isn't committed yet, who waits for it, and what time brings.

use std::collections::VecDeque;
use std::time::Duration;

use taffrail_model::{ErrorCode, LeaderEpoch, Mono, Now, Offset};
use taffrail_protocol::records::{MetadataRecord, NoOpRecord};

use super::decision::{Changes, Decision, MAX_RECORDS_PER_BATCH, View};
use super::room::{Context, not_controller};
use super::schedule::Schedule;
use super::sessions::Sessions;
use super::state::State;
use super::{
    Answer, AppendId, BrokerHeartbeat, ControllerConfig, Effect, Notice, Operation, Refusal,
    ReplyToken, SeededRandom, VersionedRecord, activation, alter_partition, brokers, configs,
    election, features, heartbeat, partitions, topics,
};
use crate::image::Loaded;

/// The most replies that wait for the quorum. More than that, and the quorum has failed.
const MAX_PARKED_REPLIES: usize = 10_000;

/// A request, apart from the event that brought it.
pub(super) struct Request {
    pub(super) token: ReplyToken,
    pub(super) deadline: Option<Mono>,
    pub(super) random: u64,
    pub(super) operation: Operation,
}

#[derive(Debug)]
pub(super) struct Leadership {
    epoch: LeaderEpoch,
    /// The state with everything decided so far.
    speculative: State,
    /// Where the next append goes.
    next_offset: Offset,
    /// Appends that aren't committed yet, in their order.
    pending: VecDeque<Pending>,
    parked: usize,
    sessions: Sessions,
    schedule: Schedule,
}

/// An append that isn't committed yet.
#[derive(Debug)]
struct Pending {
    append_id: AppendId,
    base_offset: Offset,
    last_offset: Offset,
    is_appended: bool,
    /// The state once it is committed.
    state: State,
    /// What to publish then; nothing inside a metadata transaction.
    loaded: Option<Loaded>,
    replies: Vec<Parked>,
}

/// An answer that waits until what it rests on is committed.
#[derive(Debug)]
struct Parked {
    token: ReplyToken,
    deadline: Option<Mono>,
    answer: Result<Answer, Refusal>,
}

impl Leadership {
    pub(super) fn begin(
        epoch: LeaderEpoch,
        end_offset: Offset,
        committed: State,
        config: &ControllerConfig,
        now: Now,
    ) -> Self {
        assert!(
            committed.next_offset() <= end_offset,
            "a leader's log can't end before what is committed"
        );
        let timeout = config.static_config.number("broker.session.timeout.ms");
        let timeout = Duration::from_millis(u64::try_from(timeout).unwrap_or(0));
        let mut sessions = Sessions::new(timeout);
        for broker in committed.image().brokers() {
            // The former leader heard of the unfenced ones; each has a whole session to be heard of here.
            let heard_at = (!broker.fenced).then_some(now.mono);
            sessions.begin(broker.id, broker.epoch, heard_at);
        }
        Self {
            epoch,
            speculative: committed,
            next_offset: end_offset,
            pending: VecDeque::new(),
            parked: 0,
            sessions,
            schedule: Schedule::new(&config.static_config, now.mono),
        }
    }

    pub(super) fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    /// Writes what a new leader writes first.
    pub(super) fn activate(&mut self, context: &mut Context<'_>, now: Now, out: &mut Vec<Effect>) {
        let image = self.speculative.image();
        let activation = activation::activate(
            image.features().metadata_version(),
            self.speculative.transaction_start(),
            &context.config.bootstrap,
            context.config.static_config.int("min.insync.replicas"),
        );
        if !activation.records.is_empty() {
            self.append(context, vec![activation.records], None, now, out);
        }
        out.extend(activation.notices.into_iter().map(Effect::Announce));
    }

    pub(super) fn log_end_moved(&mut self, end_offset: Offset) {
        assert!(end_offset >= self.next_offset, "the end of a leader's log never goes back");
        self.next_offset = end_offset;
    }

    pub(super) fn request(
        &mut self,
        context: &mut Context<'_>,
        request: Request,
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        let refusal = if request.deadline.is_some_and(|deadline| deadline <= now.mono) {
            // A heartbeat that came late is still a sign of life.
            if let Operation::BrokerHeartbeat(heartbeat) = &request.operation {
                self.touch(heartbeat, now);
            }
            timed_out()
        } else if self.parked >= MAX_PARKED_REPLIES {
            Refusal::new(
                ErrorCode::ThrottlingQuotaExceeded,
                "Too many requests wait for the metadata quorum.",
            )
        } else {
            let decision = self.decide(context, request.operation, request.random, now);
            let (token, deadline) = (request.token, request.deadline);
            self.submit(context, decision, token, deadline, now, out);
            return;
        };
        out.push(Effect::Reply { token: request.token, answer: Err(refusal) });
    }

    fn view<'a>(&'a self, config: &'a ControllerConfig) -> View<'a> {
        View {
            image: self.speculative.image(),
            config,
            sessions: &self.sessions,
            next_offset: self.next_offset,
        }
    }

    fn decide(
        &mut self,
        context: &Context<'_>,
        operation: Operation,
        seed: u64,
        now: Now,
    ) -> Decision {
        let view = self.view(context.config);
        let random = SeededRandom::new(seed);
        match operation {
            Operation::CreateTopics { topics, validate_only } => {
                topics::create(view, topics, validate_only, random)
            }
            Operation::DeleteTopics { topics } => topics::delete(view, topics),
            Operation::CreatePartitions(request) => partitions::create(view, request, random),
            Operation::RegisterBroker(request) => {
                let (id, incarnation) = (request.id, request.incarnation_id);
                let is_new = view.image.broker(id).is_none_or(|b| b.incarnation_id != incarnation);
                let decision = brokers::register(view, request, now);
                if let (true, Ok(Answer::RegisterBroker { broker_epoch })) =
                    (is_new, &decision.answer)
                {
                    self.sessions.begin(id, *broker_epoch, None);
                }
                decision
            }
            Operation::BrokerHeartbeat(request) => self.decide_heartbeat(context, &request, now),
            Operation::UnregisterBroker { id } => {
                let decision = brokers::unregister(view, id);
                if decision.answer.is_ok() {
                    self.sessions.end(id);
                }
                decision
            }
            Operation::AllocateProducerIds { broker_id, broker_epoch } => {
                super::producer_ids::allocate(view, broker_id, broker_epoch)
            }
            Operation::IncrementalAlterConfigs { changes, validate_only } => {
                configs::alter(view, changes, validate_only)
            }
            Operation::ReplaceConfigs { replacements, validate_only } => {
                configs::replace(view, replacements, validate_only)
            }
            Operation::UpdateFeatures { updates, validate_only } => {
                features::update(view, updates, validate_only)
            }
            Operation::AlterPartition(request) => alter_partition::decide(view, request),
        }
    }

    fn decide_heartbeat(
        &mut self,
        context: &Context<'_>,
        request: &BrokerHeartbeat,
        now: Now,
    ) -> Decision {
        let registered_at = self.speculative.registered_at(request.id);
        let decision = heartbeat::decide(self.view(context.config), request, registered_at);
        if let Ok(Answer::BrokerHeartbeat(reply)) = &decision.answer {
            self.touch(request, now);
            if reply.is_fenced {
                self.sessions.fenced(request.id);
            }
            if reply.in_controlled_shutdown {
                let end = self.next_offset + count(&decision.records);
                self.sessions.shutting_down(request.id, end);
            }
        }
        decision
    }

    fn touch(&mut self, request: &BrokerHeartbeat, now: Now) {
        let registered = self.speculative.image().broker(request.id);
        if registered.is_some_and(|broker| broker.epoch == request.epoch) {
            self.sessions.touch(request.id, request.epoch, request.metadata_offset, now.mono);
        }
    }

    /// Appends what was decided; the reply waits until that, and all that the decision saw, is committed.
    fn submit(
        &mut self,
        context: &mut Context<'_>,
        decision: Decision,
        token: ReplyToken,
        deadline: Option<Mono>,
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        let reply = Parked { token, deadline, answer: decision.answer };
        if !decision.records.is_empty() {
            let batches =
                if decision.atomic { vec![decision.records] } else { split(decision.records) };
            self.append(context, batches, Some(reply), now, out);
        } else if let Some(last) = self.pending.back_mut() {
            self.parked += 1;
            last.replies.push(reply);
        } else {
            out.push(reply.into_effect());
        }
        out.extend(decision.notices.into_iter().map(Effect::Announce));
    }

    fn append(
        &mut self,
        context: &mut Context<'_>,
        batches: Vec<Vec<MetadataRecord>>,
        mut reply: Option<Parked>,
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        let last = batches.len().saturating_sub(1);
        for (i, batch) in batches.into_iter().enumerate() {
            let features = self.speculative.image().features().clone();
            let base_offset = self.next_offset;
            let mut state = self.speculative.clone();
            for (offset, record) in (base_offset..).zip(&batch) {
                if let Err(error) = state.replay(offset, record) {
                    // A decision that doesn't fit the state it was made from is a mistake in this room;
                    // nothing of it gets out.
                    let refusal = Refusal::new(ErrorCode::UnknownServerError, error.to_string());
                    out.extend(reply.take().map(|reply| reply.refused(refusal)));
                    return;
                }
            }
            let append_id = AppendId(*context.next_append_id);
            *context.next_append_id += 1;
            self.next_offset += count(&batch);
            let loaded = state.take_loaded();
            self.speculative = state.clone();
            let replies = Vec::from_iter(if i == last { reply.take() } else { None });
            self.parked += replies.len();
            self.pending.push_back(Pending {
                append_id,
                base_offset,
                last_offset: self.next_offset - 1,
                is_appended: false,
                state,
                loaded,
                replies,
            });
            out.push(Effect::Append {
                append_id,
                epoch: self.epoch,
                base_offset,
                records: batch
                    .into_iter()
                    .map(|record| VersionedRecord::new(record, &features))
                    .collect(),
            });
        }
        self.schedule.appended(now.mono);
    }

    pub(super) fn appended(&mut self, append_id: AppendId, last_offset: Offset) {
        let Some(pending) = self.pending.iter_mut().find(|p| p.append_id == append_id) else {
            // Of a leadership that is over.
            return;
        };
        assert_eq!(pending.last_offset, last_offset, "an append must lie where it was asked for");
        pending.is_appended = true;
    }

    /// Undoes an append and all after it.
    pub(super) fn append_failed(
        &mut self,
        append_id: AppendId,
        committed: &State,
        out: &mut Vec<Effect>,
    ) {
        let Some(index) = self.pending.iter().position(|p| p.append_id == append_id) else {
            return;
        };
        let failed = self.pending.split_off(index);
        self.speculative = match self.pending.back() {
            Some(last) => last.state.clone(),
            None => committed.clone(),
        };
        let refusal =
            Refusal::new(ErrorCode::NotController, "The metadata log could not be written.");
        // The first that failed was asked for where the log still ends.
        if let Some(first) = failed.front() {
            self.next_offset = first.base_offset;
        }
        for pending in failed {
            self.parked -= pending.replies.len();
            out.extend(pending.replies.into_iter().map(|r| r.refused(refusal.clone())));
        }
    }

    /// Publishes and answers all that is committed now, and gives back the state up to there.
    pub(super) fn committed(
        &mut self,
        high_watermark: Offset,
        out: &mut Vec<Effect>,
    ) -> Option<State> {
        let mut state = None;
        let mut loaded: Option<Loaded> = None;
        let mut replies = Vec::new();
        while let Some(first) = self.pending.front()
            && first.is_appended
            && first.last_offset < high_watermark
            && let Some(done) = self.pending.pop_front()
        {
            if let Some(mut next) = done.loaded {
                if let Some(mut earlier) = loaded.take() {
                    earlier.delta.merge(next.delta);
                    next.delta = earlier.delta;
                }
                loaded = Some(next);
            }
            replies.extend(done.replies);
            state = Some(done.state);
        }
        self.parked -= replies.len();
        out.extend(loaded.map(|loaded| Effect::Publish(Box::new(loaded))));
        out.extend(replies.into_iter().map(Parked::into_effect));
        state
    }

    /// The leadership is over: nobody knows what becomes of what is pending.
    pub(super) fn resign(self, out: &mut Vec<Effect>) {
        let replies = self.pending.into_iter().flat_map(|p| p.replies);
        out.extend(replies.map(|reply| reply.refused(not_controller())));
    }

    pub(super) fn tick(&mut self, context: &mut Context<'_>, now: Now, out: &mut Vec<Effect>) {
        self.expire_replies(now.mono, out);
        // One by one, so that each sees what became of the one before.
        while let Some((id, epoch)) = self.sessions.take_expired(now.mono) {
            let view = self.view(context.config);
            let Some(broker) =
                view.image.broker(id).filter(|broker| broker.epoch == epoch && !broker.fenced)
            else {
                continue;
            };
            let mut changes = Changes::default();
            changes.notices.push(Notice::SessionExpired { id, epoch });
            brokers::fence(view, broker, &mut changes);
            self.sessions.fenced(id);
            self.submit_changes(context, changes, now, out);
        }
        if self.schedule.take_preferred(now.mono) {
            let mut changes = Changes::default();
            election::elect_preferred(self.view(context.config), &mut changes);
            self.submit_changes(context, changes, now, out);
        }
        if self.schedule.take_unclean(now.mono) {
            let mut changes = Changes::default();
            election::elect_unclean(self.view(context.config), &mut changes);
            self.submit_changes(context, changes, now, out);
        }
        // Nobody gains by more of them while earlier ones wait.
        if self.schedule.no_op_due().is_some_and(|due| due <= now.mono) && self.pending.is_empty() {
            let no_op = vec![NoOpRecord::default().into()];
            self.append(context, vec![no_op], None, now, out);
        }
    }

    fn submit_changes(
        &mut self,
        context: &mut Context<'_>,
        changes: Changes,
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        if !changes.records.is_empty() {
            self.append(context, split(changes.records), None, now, out);
        }
        out.extend(changes.notices.into_iter().map(Effect::Announce));
    }

    fn expire_replies(&mut self, now: Mono, out: &mut Vec<Effect>) {
        let mut expired = 0;
        for pending in &mut self.pending {
            let (late, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut pending.replies)
                .into_iter()
                .partition(|reply| reply.deadline.is_some_and(|deadline| deadline <= now));
            pending.replies = waiting;
            expired += late.len();
            out.extend(late.into_iter().map(|reply| reply.refused(timed_out())));
        }
        self.parked -= expired;
    }

    pub(super) fn next_deadline(&self) -> Mono {
        let replies = self.pending.iter().flat_map(|p| &p.replies);
        replies
            .filter_map(|reply| reply.deadline)
            .chain(self.sessions.next_expiry())
            .chain(self.schedule.no_op_due().filter(|_| self.pending.is_empty()))
            .fold(self.schedule.next_election(), Mono::min)
    }
}

impl Parked {
    fn into_effect(self) -> Effect {
        Effect::Reply { token: self.token, answer: self.answer }
    }

    fn refused(self, refusal: Refusal) -> Effect {
        Effect::Reply { token: self.token, answer: Err(refusal) }
    }
}

fn timed_out() -> Refusal {
    Refusal::new(ErrorCode::RequestTimedOut, "The request timed out.")
}

fn count(records: &[MetadataRecord]) -> Offset {
    Offset::try_from(records.len()).unwrap_or(Offset::MAX)
}

/// Records that needn't be atomic, as batches that the log takes.
fn split(records: Vec<MetadataRecord>) -> Vec<Vec<MetadataRecord>> {
    let mut batches = Vec::with_capacity(records.len() / MAX_RECORDS_PER_BATCH + 1);
    let mut rest = records;
    while rest.len() > MAX_RECORDS_PER_BATCH {
        let tail = rest.split_off(MAX_RECORDS_PER_BATCH);
        batches.push(std::mem::replace(&mut rest, tail));
    }
    batches.push(rest);
    batches
}
