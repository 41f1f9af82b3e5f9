//! The coordinator's settings, under Kafka's keys.

/// What an operator may set about groups and offsets. Times are milliseconds unless the name says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupConfig {
    /// `group.min.session.timeout.ms`: a shorter session timeout is refused. Default 6 s.
    pub session_timeout_ms_min: i32,
    /// `group.max.session.timeout.ms`: a longer session timeout is refused. Default 30 min.
    pub session_timeout_ms_max: i32,
    /// `group.initial.rebalance.delay.ms`: how long an empty group waits for more members before its first
    /// rebalance. Each member that comes in that time prolongs it, up to the rebalance timeout. Default 3 s.
    pub initial_rebalance_delay_ms: i32,
    /// `group.max.size`: the most members of one group. Default `i32::MAX`.
    pub group_size_max: i32,
    /// `offset.metadata.max.bytes`: the longest note beside a committed offset, in UTF-16 units as Kafka counts.
    /// Default 4096.
    pub offset_metadata_max: usize,
    /// `offsets.commit.timeout.ms`: how long a request waits for its write to be committed. Default 5 s.
    pub commit_timeout_ms: i64,
    /// `offsets.retention.minutes`: how long the offsets of an empty group are kept. Default 7 days.
    pub offsets_retention_minutes: i64,
    /// `offsets.retention.check.interval.ms`: how often expired offsets are looked for. Default 10 min.
    pub offsets_retention_check_interval_ms: i64,
    /// How long a member may wait in its first join before it is given up; Kafka has no key for it. 5 min.
    pub new_member_join_timeout_ms: i64,
    /// The most member ids of one group that were handed out and not used yet. Kafka has no bound; without one
    /// a client that never comes back with its id fills the memory within one session timeout. Default 10,000.
    pub pending_members_max: usize,
    /// The most bytes that the ids and protocol metadata of one group's members may take, so that a group can't
    /// fill the memory of the process. Kafka has no bound. Default 64 MiB.
    pub group_bytes_max: usize,
    /// The most records of one append that may be split (expiry, deletions). A commit or a group is never split.
    pub records_per_append_max: usize,
}

impl Default for GroupConfig {
    fn default() -> Self {
        Self {
            session_timeout_ms_min: 6_000,
            session_timeout_ms_max: 1_800_000,
            initial_rebalance_delay_ms: 3_000,
            group_size_max: i32::MAX,
            offset_metadata_max: 4_096,
            commit_timeout_ms: 5_000,
            offsets_retention_minutes: 7 * 24 * 60,
            offsets_retention_check_interval_ms: 600_000,
            new_member_join_timeout_ms: 300_000,
            pending_members_max: 10_000,
            group_bytes_max: 64 << 20,
            records_per_append_max: 1_000,
        }
    }
}

impl GroupConfig {
    /// `offsets.retention.minutes` in milliseconds.
    #[must_use]
    pub fn offsets_retention_ms(&self) -> i64 {
        self.offsets_retention_minutes.saturating_mul(60_000)
    }
}
