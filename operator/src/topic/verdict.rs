//! What a pass has to say about one `Topic`.

use taffrail_model::{TopicName, Uuid};

use crate::events::News;

/// How things stand.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Standing {
    /// The topic is as its resource says.
    Ready,
    /// It will be, without anybody's doing.
    Waiting,
    /// Somebody has to do something first.
    Stalled,
}

/// Why a topic isn't as its resource says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// Whether it passes by itself.
    pub standing: Standing,
    /// The condition's reason.
    pub reason: &'static str,
    /// What is wrong, and how it is mended.
    pub message: String,
}

impl Problem {
    /// One that passes by itself.
    pub(super) fn waiting(reason: &'static str, message: impl Into<String>) -> Self {
        Self { standing: Standing::Waiting, reason, message: message.into() }
    }

    /// One that somebody has to mend.
    pub(super) fn stalled(reason: &'static str, message: impl Into<String>) -> Self {
        Self { standing: Standing::Stalled, reason, message: message.into() }
    }
}

/// A topic as it was seen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Seen {
    /// Its id.
    pub id: Uuid,
    /// How many partitions it has; `None` if the broker didn't say.
    pub partitions: Option<i32>,
    /// How many replicas they have; `None` if the broker didn't say.
    pub replication_factor: Option<i32>,
}

/// Something that happened to a topic, for an Event.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Happening {
    /// Whether somebody should look at it.
    pub is_warning: bool,
    /// The Event's reason.
    pub reason: &'static str,
    /// What happened.
    pub note: String,
}

impl Happening {
    /// What the operator did.
    pub(super) const fn done(reason: &'static str, note: String) -> Self {
        Self { is_warning: false, reason, note }
    }

    /// What the operator came upon.
    pub(super) const fn warning(reason: &'static str, note: String) -> Self {
        Self { is_warning: true, reason, note }
    }

    /// As it is told.
    pub(super) fn news(&self) -> News {
        News {
            is_warning: self.is_warning,
            reason: self.reason.to_owned(),
            action: "Reconcile".to_owned(),
            note: self.note.clone(),
        }
    }
}

/// What a pass has to say about one `Topic`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Verdict {
    /// Its name in Kafka, if it has one that makes sense.
    pub topic: Option<TopicName>,
    /// What was seen of it. `None` keeps what the status says.
    pub seen: Option<Seen>,
    /// Whether it was looked for and isn't there.
    pub is_missing: bool,
    /// All that keeps it from being ready.
    pub problems: Vec<Problem>,
    /// What happened to it in this pass.
    pub happenings: Vec<Happening>,
}

impl Verdict {
    /// Nothing but a problem.
    pub(super) fn only(topic: Option<TopicName>, problem: Problem) -> Self {
        Self { topic, problems: vec![problem], ..Self::default() }
    }

    /// How things stand on the whole.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.problems.iter().map(|problem| problem.standing).max().unwrap_or(Standing::Ready)
    }

    /// The reason of the conditions: that of the first of the gravest problems.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        let standing = self.standing();
        let gravest = self.problems.iter().find(|problem| problem.standing == standing);
        gravest.map_or(reason::READY, |problem| problem.reason)
    }

    /// All that there is to say.
    #[must_use]
    pub fn message(&self) -> String {
        if self.problems.is_empty() {
            return "the topic is as its resource says".to_owned();
        }
        let messages: Vec<&str> =
            self.problems.iter().map(|problem| problem.message.as_str()).collect();
        messages.join("; ")
    }
}

/// Reasons of conditions.
pub mod reason {
    /// All is as it should be.
    pub const READY: &str = "Ready";
    /// The spec makes no sense, or Kafka says that it doesn't.
    pub const INVALID: &str = "Invalid";
    /// It can't be done yet.
    pub const NOT_SUPPORTED: &str = "NotSupported";
    /// The cluster is paused.
    pub const PAUSED: &str = "Paused";
    /// An older resource has the name.
    pub const TOPIC_CONFLICT: &str = "TopicConflict";
    /// There is no such cluster.
    pub const CLUSTER_NOT_FOUND: &str = "ClusterNotFound";
    /// No broker answers, or not with what is needed.
    pub const CLUSTER_NOT_READY: &str = "ClusterNotReady";
    /// The cluster takes nothing from this namespace.
    pub const NOT_ADMITTED: &str = "NotAdmitted";
    /// There are more partitions than asked for.
    pub const PARTITIONS_CANNOT_DECREASE: &str = "PartitionsCannotDecrease";
    /// The broker refuses a configuration key or its value.
    pub const CONFIG_REFUSED: &str = "ConfigRefused";
    /// A topic that is only read isn't there.
    pub const TOPIC_NOT_FOUND: &str = "TopicNotFound";
}
