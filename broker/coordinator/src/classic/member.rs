//! One member of a classic group.

use bytes::Bytes;

use crate::answer::DescribedMember;
use crate::effect::ReplyToken;
use crate::request::{JoinGroup, JoinProtocol, RequestContext};
use crate::state::{MemberId, MemberMetadata, own};

/// What a join request says of a member, and every later join may change.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MemberSettings {
    pub(crate) rebalance_timeout_ms: i32,
    pub(crate) session_timeout_ms: i32,
    /// Best first, each name once.
    pub(crate) protocols: Vec<JoinProtocol>,
}

impl MemberSettings {
    /// What `join` says, in memory of its own.
    pub(crate) fn of(join: &JoinGroup) -> Self {
        Self {
            rebalance_timeout_ms: join.rebalance_timeout_ms,
            session_timeout_ms: join.session_timeout_ms,
            protocols: distinct(&join.protocols)
                .map(|protocol| JoinProtocol {
                    name: protocol.name.clone(),
                    metadata: own(&protocol.metadata),
                })
                .collect(),
        }
    }

    /// Whether a join brings the protocols that are known already.
    pub(crate) fn matches(&self, join: &JoinGroup) -> bool {
        distinct(&join.protocols).eq(&self.protocols)
    }
}

/// The protocols without repeated names, of which Kafka keeps the first.
fn distinct(protocols: &[JoinProtocol]) -> impl Iterator<Item = &JoinProtocol> {
    let mut seen = std::collections::BTreeSet::new();
    protocols.iter().filter(move |protocol| seen.insert(&protocol.name))
}

/// A member. Requests of it that wait are parked here, at most one of each kind.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) id: MemberId,
    pub(crate) instance_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) settings: MemberSettings,
    /// What it owns in the group's generation; empty until the generation's assignment is committed.
    pub(crate) assignment: Bytes,
    /// Whether its first join was not answered yet. Such a member can't heartbeat, so waiting doesn't keep it alive.
    pub(crate) is_new: bool,
    pub(super) awaiting_join: Option<ReplyToken>,
    pub(super) awaiting_sync: Option<ReplyToken>,
}

impl Member {
    pub(crate) fn joining(id: MemberId, context: &RequestContext, join: &JoinGroup) -> Self {
        Self {
            id,
            instance_id: join.group_instance_id.clone(),
            client_id: context.client_id.clone(),
            client_host: context.client_host.clone(),
            settings: MemberSettings::of(join),
            assignment: Bytes::new(),
            is_new: true,
            awaiting_join: None,
            awaiting_sync: None,
        }
    }

    /// A member of a loaded group, which speaks the one protocol that the record knows.
    pub(crate) fn loaded(metadata: &MemberMetadata, protocol: &str) -> Self {
        let protocol =
            JoinProtocol { name: protocol.to_owned(), metadata: metadata.subscription.clone() };
        Self {
            id: metadata.id.clone(),
            instance_id: metadata.instance_id.clone(),
            client_id: metadata.client_id.clone(),
            client_host: metadata.client_host.clone(),
            settings: MemberSettings {
                rebalance_timeout_ms: metadata.rebalance_timeout_ms,
                session_timeout_ms: metadata.session_timeout_ms,
                protocols: vec![protocol],
            },
            assignment: metadata.assignment.clone(),
            is_new: false,
            awaiting_join: None,
            awaiting_sync: None,
        }
    }

    pub(crate) fn is_awaiting_join(&self) -> bool {
        self.awaiting_join.is_some()
    }

    /// Whether the member need not be heard from: it waits for the coordinator, not the coordinator for it.
    pub(crate) fn is_excused(&self) -> bool {
        !self.is_new && (self.awaiting_join.is_some() || self.awaiting_sync.is_some())
    }

    /// Its metadata for a protocol; empty for one that it doesn't speak.
    pub(crate) fn subscription(&self, protocol: &str) -> Bytes {
        let spoken = self.settings.protocols.iter().find(|spoken| spoken.name == protocol);
        spoken.map(|spoken| spoken.metadata.clone()).unwrap_or_default()
    }

    /// The memory that it takes, more or less: what its client chose, and a constant for the rest.
    pub(crate) fn bytes(&self) -> usize {
        const OVERHEAD: usize = 256;
        const PROTOCOL_OVERHEAD: usize = 64;
        let protocols: usize = self
            .settings
            .protocols
            .iter()
            .map(|protocol| PROTOCOL_OVERHEAD + protocol.name.len() + protocol.metadata.len())
            .sum();
        OVERHEAD
            + self.id.len()
            + self.instance_id.as_ref().map_or(0, String::len)
            + self.client_id.len()
            + self.client_host.len()
            + protocols
    }

    /// The member as its group's record has it, with what it is going to own.
    pub(crate) fn metadata(&self, protocol: &str, assignment: Bytes) -> MemberMetadata {
        MemberMetadata {
            id: self.id.clone(),
            instance_id: self.instance_id.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            rebalance_timeout_ms: self.settings.rebalance_timeout_ms,
            session_timeout_ms: self.settings.session_timeout_ms,
            subscription: self.subscription(protocol),
            assignment,
        }
    }

    /// The member for `DescribeGroups`; `protocol` is that of a stable group.
    pub(crate) fn describe(&self, protocol: Option<&str>) -> DescribedMember {
        DescribedMember {
            member_id: self.id.to_string(),
            group_instance_id: self.instance_id.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            metadata: protocol.map(|protocol| self.subscription(protocol)).unwrap_or_default(),
            assignment: protocol.map(|_| self.assignment.clone()).unwrap_or_default(),
        }
    }
}
