//! What is to be done: one job becomes one step.

/// What a job does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// A partition that has no leader gets one, before anything else is done to it.
    Elect,
    /// A replica comes to a broker: from another, or from nowhere.
    Place,
    /// A replica changes its directory on its broker.
    LogDir,
    /// A replica goes.
    Remove,
    /// Who leads, or who stands first, changes alone.
    Leader,
}

/// One thing to be done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    /// Index of the partition's change.
    pub(super) change: u32,
    /// The replica: an index in the model, or, past its replicas, in those that leave. The one to lead for
    /// [`Kind::Leader`]; [`NONE`](crate::model::NONE) for [`Kind::Elect`], since who leads first is found when it is done.
    pub(super) replica: u32,
    /// Index of the broker that it comes to.
    pub(super) broker: u32,
    /// Index of the directory that it comes to, or [`NONE`](crate::model::NONE) when nobody has said.
    pub(super) log_dir: u32,
    pub(super) kind: Kind,
}

/// What changes in one partition.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) partition: u32,
    /// Index of the first of its jobs; they follow each other, but for a change of the leader that is left over.
    pub(super) first_job: u32,
    /// How many there are.
    pub(super) jobs: u32,
    /// How many replicas are still to come to a broker.
    pub(super) places: u32,
    /// The job that changes the leader alone, once there is one.
    pub(super) leader_job: u32,
    /// Index of the replica that is to lead, or [`NONE`](crate::model::NONE).
    pub(super) leader: u32,
    /// Index of the first of the replicas that leave.
    pub(super) first_leaving: u32,
    /// How many leave.
    pub(super) leaving: u32,
    /// Whether the one to lead is to stand first in the list.
    pub(super) leader_first: bool,
    /// Whether it was put there.
    pub(super) reordered: bool,
}
