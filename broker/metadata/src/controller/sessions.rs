//! Who was heard of when. Soft state: a new leader begins with what the image says.

use std::collections::BTreeMap;
use std::time::Duration;

use taffrail_model::{BrokerEpoch, Mono, NodeId, Offset};

/// The brokers' sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    timeout: Duration,
    brokers: BTreeMap<NodeId, Session>,
}

#[derive(Debug)]
struct Session {
    epoch: BrokerEpoch,
    /// When it was last heard of; `None` before its first heartbeat and after it expired.
    last_contact: Option<Mono>,
    /// The last metadata offset that it told; -1 when it hasn't.
    metadata_offset: Offset,
    /// The end of the log when its leaderships began to be moved away; others must have read that far
    /// before it may go.
    shutdown_offset: Option<Offset>,
}

impl Sessions {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { timeout, brokers: BTreeMap::new() }
    }

    /// Begins a session. `heard_at` is `None` for a broker that has yet to send its first heartbeat.
    pub(super) fn begin(&mut self, id: NodeId, epoch: BrokerEpoch, heard_at: Option<Mono>) {
        let session =
            Session { epoch, last_contact: heard_at, metadata_offset: -1, shutdown_offset: None };
        self.brokers.insert(id, session);
    }

    pub(super) fn end(&mut self, id: NodeId) {
        self.brokers.remove(&id);
    }

    /// Whether a broker with this epoch was heard of lately enough.
    pub(super) fn is_valid(&self, id: NodeId, epoch: BrokerEpoch, now: Mono) -> bool {
        self.brokers
            .get(&id)
            .filter(|session| session.epoch == epoch)
            .and_then(|session| session.last_contact)
            .is_some_and(|contact| now.saturating_since(contact) <= self.timeout)
    }

    /// Notes a heartbeat.
    pub(super) fn touch(
        &mut self,
        id: NodeId,
        epoch: BrokerEpoch,
        metadata_offset: Offset,
        now: Mono,
    ) {
        if self.brokers.get(&id).is_none_or(|s| s.epoch != epoch) {
            self.begin(id, epoch, Some(now));
        }
        if let Some(session) = self.brokers.get_mut(&id) {
            session.last_contact = Some(now);
            session.metadata_offset = metadata_offset;
        }
    }

    /// Where the log ended when the broker's leaderships began to be moved away.
    pub(super) fn shutdown_offset(&self, id: NodeId) -> Option<Offset> {
        self.brokers.get(&id)?.shutdown_offset
    }

    /// Notes that the broker's leaderships are being moved away; the first note stays.
    pub(super) fn shutting_down(&mut self, id: NodeId, offset: Offset) {
        if let Some(session) = self.brokers.get_mut(&id) {
            session.shutdown_offset.get_or_insert(offset);
        }
    }

    /// A fenced broker is in no controlled shutdown.
    pub(super) fn fenced(&mut self, id: NodeId) {
        if let Some(session) = self.brokers.get_mut(&id) {
            session.shutdown_offset = None;
        }
    }

    /// The lowest metadata offset of the brokers that `is_active` names and that aren't on their way
    /// out; `Offset::MAX` when there is none.
    pub(super) fn lowest_active_offset(&self, is_active: impl Fn(NodeId) -> bool) -> Offset {
        self.brokers
            .iter()
            .filter(|(id, session)| session.shutdown_offset.is_none() && is_active(**id))
            .map(|(_, session)| session.metadata_offset)
            .min()
            .unwrap_or(Offset::MAX)
    }

    /// The first broker, by id, whose session has run out; it is forgotten until it is heard of again.
    pub(super) fn take_expired(&mut self, now: Mono) -> Option<(NodeId, BrokerEpoch)> {
        let timeout = self.timeout;
        let (id, session) = self.brokers.iter_mut().find(|(_, session)| {
            session.last_contact.is_some_and(|contact| now.saturating_since(contact) > timeout)
        })?;
        session.last_contact = None;
        Some((*id, session.epoch))
    }

    /// When the next session runs out.
    pub(super) fn next_expiry(&self) -> Option<Mono> {
        // One nanosecond on, since a session of exactly the timeout is still valid.
        let after = self.timeout + Duration::from_nanos(1);
        self.brokers
            .values()
            .filter_map(|session| session.last_contact)
            .min()
            .map(|contact| contact + after)
    }
}
