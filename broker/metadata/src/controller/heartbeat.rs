//! Heartbeats: a broker tells how far it is and what it wants, and hears what it shall do.

use taffrail_model::{ErrorCode, NodeId, Offset, Uuid};
use taffrail_protocol::records::BrokerRegistrationChangeRecord;

use super::decision::{Changes, Decision, View};
use super::election::{BrokerFate, follow_fate};
use super::{Answer, BrokerHeartbeat, BrokerHeartbeatReply, Refusal, brokers};
use crate::image::BrokerRegistration;

/// What a broker is to the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Fenced,
    Unfenced,
    ControlledShutdown,
    ShutdownNow,
}

/// Decides on a heartbeat. `registered_at` is the offset of the broker's registration record.
pub(super) fn decide(view: View<'_>, request: &BrokerHeartbeat, registered_at: Offset) -> Decision {
    let broker = match view.registered(request.id, request.epoch) {
        Ok(broker) => broker,
        Err(refusal) => return Decision::refused(refusal),
    };
    let is_caught_up = request.metadata_offset >= registered_at;
    let current = current_state(view, broker);
    // Who has asked to go doesn't come back but by a new registration: no record takes the word back.
    let may_return = is_caught_up && !broker.in_controlled_shutdown;
    let next = next_state(view, request, current, may_return);
    let mut changes = Changes::default();
    if next != current {
        match next {
            State::Fenced | State::ShutdownNow => brokers::fence(view, broker, &mut changes),
            State::Unfenced => brokers::unfence(view, broker, &mut changes),
            State::ControlledShutdown => begin_shutdown(view, broker, &mut changes),
        }
    }
    if let Err(refusal) = note_directories(view, broker, request, &mut changes) {
        return Decision::refused(refusal);
    }
    let reply = BrokerHeartbeatReply {
        is_caught_up,
        is_fenced: matches!(next, State::Fenced | State::ShutdownNow),
        in_controlled_shutdown: next == State::ControlledShutdown,
        should_shut_down: next == State::ShutdownNow,
    };
    Decision::in_pieces(changes, Answer::BrokerHeartbeat(reply))
}

fn current_state(view: View<'_>, broker: &BrokerRegistration) -> State {
    if broker.fenced {
        State::Fenced
    } else if view.sessions.shutdown_offset(broker.id).is_some() {
        State::ControlledShutdown
    } else {
        State::Unfenced
    }
}

fn next_state(
    view: View<'_>,
    request: &BrokerHeartbeat,
    current: State,
    may_return: bool,
) -> State {
    match current {
        State::Fenced if request.want_shutdown => State::ShutdownNow,
        State::Fenced if !request.want_fence && may_return => State::Unfenced,
        State::Fenced => State::Fenced,
        State::Unfenced if request.want_fence && request.want_shutdown => State::ShutdownNow,
        State::Unfenced if request.want_fence => State::Fenced,
        State::Unfenced if !request.want_shutdown => State::Unfenced,
        State::Unfenced if leads_something(view, request.id) => State::ControlledShutdown,
        State::Unfenced => State::ShutdownNow,
        State::ControlledShutdown if leads_something(view, request.id) => State::ControlledShutdown,
        State::ControlledShutdown => {
            let lowest = view.sessions.lowest_active_offset(|id| view.image.is_active(id));
            let moved_at = view.sessions.shutdown_offset(request.id);
            if moved_at.is_none_or(|offset| offset <= lowest) {
                State::ShutdownNow
            } else {
                State::ControlledShutdown
            }
        }
        State::ShutdownNow => State::ShutdownNow,
    }
}

fn leads_something(view: View<'_>, id: NodeId) -> bool {
    view.image.partitions().any(|(_, _, p)| p.leader == id)
}

fn begin_shutdown(view: View<'_>, broker: &BrokerRegistration, changes: &mut Changes) {
    if !broker.in_controlled_shutdown {
        changes.push(BrokerRegistrationChangeRecord {
            broker_id: broker.id,
            broker_epoch: broker.epoch,
            in_controlled_shutdown: 1,
            ..BrokerRegistrationChangeRecord::default()
        });
    }
    follow_fate(view, BrokerFate::Leaves(broker.id), changes);
}

/// Directories that failed take their replicas out of the ISRs; cordoned ones are only noted.
fn note_directories(
    view: View<'_>,
    broker: &BrokerRegistration,
    request: &BrokerHeartbeat,
    changes: &mut Changes,
) -> Result<(), Refusal> {
    let version = view.image.metadata_version();
    let failed: Vec<Uuid> = broker
        .log_dirs
        .iter()
        .filter(|dir| request.offline_log_dirs.contains(dir))
        .copied()
        .collect();
    if version.supports_directories() && !failed.is_empty() {
        if failed.len() == broker.log_dirs.len() {
            // The record's empty list means "no change"; a broker without directories stops anyway.
            return Err(Refusal::new(
                ErrorCode::InvalidRequest,
                "every log directory is offline: the broker must shut down",
            ));
        }
        super::election::leave_directories(view, broker.id, &failed, changes);
        changes.push(BrokerRegistrationChangeRecord {
            broker_id: broker.id,
            broker_epoch: broker.epoch,
            log_dirs: broker.log_dirs.iter().filter(|dir| !failed.contains(dir)).copied().collect(),
            ..BrokerRegistrationChangeRecord::default()
        });
    }
    if version.supports_cordoned_directories()
        && request.cordoned_log_dirs.is_some()
        && request.cordoned_log_dirs != broker.cordoned_log_dirs
    {
        changes.push(BrokerRegistrationChangeRecord {
            broker_id: broker.id,
            broker_epoch: broker.epoch,
            cordoned_log_dirs: request.cordoned_log_dirs.clone(),
            ..BrokerRegistrationChangeRecord::default()
        });
    }
    Ok(())
}
