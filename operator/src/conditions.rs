//! Conditions as a status has them, whatever the kind: what holds, and since when. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use taffrail_crds::condition::Condition;

/// What a condition's message may be long, in characters: messages hold what others say. The rest is cut off.
const MESSAGE_MAX: usize = 4096;

/// A condition without its times.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its type.
    pub kind: &'static str,
    /// `True`, `False` or `Unknown`.
    pub status: &'static str,
    /// Why, in one word.
    pub reason: &'static str,
    /// Why, for people.
    pub message: String,
}

/// Conditions with their times: a status that stays keeps the time since when it is so.
#[must_use]
pub fn dated(
    drafts: Vec<Draft>,
    before: &[Condition],
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    let date = |draft: Draft| {
        let same = before.iter().find(|old| old.type_ == draft.kind && old.status == draft.status);
        Condition {
            type_: draft.kind.to_owned(),
            status: draft.status.to_owned(),
            reason: draft.reason.to_owned(),
            message: draft.message.chars().take(MESSAGE_MAX).collect(),
            observed_generation: generation,
            last_transition_time: same
                .map_or_else(|| to_the_second(now), |old| old.last_transition_time.clone()),
        }
    };
    drafts.into_iter().map(date).collect()
}

/// Kubernetes tells the times of conditions in whole seconds.
fn to_the_second(now: Timestamp) -> Time {
    Time(Timestamp::from_second(now.as_second()).unwrap_or(now))
}
