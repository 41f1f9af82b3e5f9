//! One step of a shard at work: what every decision may look at and touch beside its group.

use taffrail_model::{ErrorCode, Now};

use crate::answer::{Answer, JoinGroupAnswer, SyncGroupAnswer};
use crate::config::GroupConfig;
use crate::effect::{Effect, ReplyToken};
use crate::state::Change;
use crate::store::{Store, Waiting};
use crate::timers::Timers;

/// The shard without its live groups, so that a decision can hold one of them at the same time.
pub(crate) struct Turn<'a> {
    pub(crate) now: Now,
    pub(crate) config: &'a GroupConfig,
    pub(crate) store: &'a mut Store,
    pub(crate) timers: &'a mut Timers,
    pub(crate) out: &'a mut Vec<Effect>,
}

impl Turn<'_> {
    /// Answers now.
    pub(crate) fn reply(&mut self, token: ReplyToken, answer: Answer) {
        self.out.push(Effect::Reply { token, answer });
    }

    /// Answers once the last write is committed; now when all are.
    pub(crate) fn reply_after_writes(&mut self, token: ReplyToken, answer: Answer) {
        match self.store.last_waiting() {
            Some(waiting) => waiting.push(Waiting::Reply { token, answer }),
            None => self.reply(token, answer),
        }
    }

    pub(crate) fn refuse_join(&mut self, token: ReplyToken, member_id: &str, error: ErrorCode) {
        self.reply(token, Answer::JoinGroup(JoinGroupAnswer::refusal(member_id, error)));
    }

    pub(crate) fn refuse_sync(&mut self, token: ReplyToken, error: ErrorCode) {
        self.reply(token, Answer::SyncGroup(SyncGroupAnswer::refusal(error)));
    }

    /// Decides: replays the changes and has them appended as one batch. `waiting` follows.
    pub(crate) fn write(&mut self, changes: &[Change], waiting: Option<Waiting>) {
        let deadline = self.now.mono.plus_ms(self.config.commit_timeout_ms);
        self.store.write(self.now, deadline, changes, waiting, self.out);
    }

    /// Decides changes that need not be atomic, in batches of a bounded size.
    pub(crate) fn write_in_parts(&mut self, changes: &[Change]) {
        for part in changes.chunks(self.config.records_per_append_max.max(1)) {
            self.write(part, None);
        }
    }
}
