//! Brokers: their registration and its end.

use std::collections::BTreeSet;

use taffrail_model::{ErrorCode, NodeId, Now, Uuid};
use taffrail_protocol::records::{BrokerRegistrationChangeRecord, UnregisterBrokerRecord};

use super::decision::{Changes, Decision, View};
use super::election::{BrokerFate, follow_fate};
use super::{Answer, Refusal, RegisterBroker};
use crate::features::{METADATA_VERSION, VersionRange};
use crate::image::BrokerRegistration;

/// A broker introduces itself. A new process gets a new epoch, starts fenced, and what it led before is
/// led by others; the same process only amends what it said.
pub(super) fn register(view: View<'_>, request: RegisterBroker, now: Now) -> Decision {
    match decide(view, request, now) {
        Ok(decision) => decision,
        Err(refusal) => Decision::refused(refusal),
    }
}

fn decide(view: View<'_>, request: RegisterBroker, now: Now) -> Result<Decision, Refusal> {
    check_cluster(view, &request)?;
    let existing = view.image.broker(request.id);
    if let Some(existing) = existing
        && existing.incarnation_id != request.incarnation_id
        // The predecessor of this very process is dead: it held the lock of the metadata directory.
        && request.id != view.config.node_id
        && view.sessions.is_valid(request.id, existing.epoch, now.mono)
    {
        return Err(Refusal::new(
            ErrorCode::DuplicateBrokerRegistration,
            format!(
                "Another broker is registered with the id {}. If the broker was restarted, this resolves \
                 itself once the session of its predecessor has run out.",
                request.id
            ),
        ));
    }
    check_lengths(&request)?;
    if view.image.metadata_version().supports_directories() {
        check_directories(view, &request)?;
    }
    check_features(view, &request)?;

    let same_process = existing.filter(|e| e.incarnation_id == request.incarnation_id);
    let mut changes = Changes::default();
    if same_process.is_none() {
        let known_epoch = existing.map_or(-2, |e| e.epoch);
        let stopped_cleanly = known_epoch == request.previous_epoch;
        let elr = view.image.features().elr_enabled();
        let fate = if elr && !stopped_cleanly {
            BrokerFate::StoppedUncleanly(request.id)
        } else {
            BrokerFate::Leaves(request.id)
        };
        follow_fate(view, fate, &mut changes);
    }
    let registration = BrokerRegistration {
        id: request.id,
        // The registration comes last; were its batch split, its epoch would still be unique, as no
        // other registration can begin at the same offset.
        epoch: same_process.map_or(view.next_offset, |e| e.epoch),
        incarnation_id: request.incarnation_id,
        listeners: request.listeners,
        features: request.features.into_iter().collect(),
        rack: request.rack,
        fenced: same_process.is_none_or(|e| e.fenced),
        in_controlled_shutdown: same_process.is_some_and(|e| e.in_controlled_shutdown),
        log_dirs: request.log_dirs,
        cordoned_log_dirs: None,
    };
    changes.push(registration.to_record());
    let broker_epoch = registration.epoch;
    Ok(Decision::in_pieces(changes, Answer::RegisterBroker { broker_epoch }))
}

fn check_cluster(view: View<'_>, request: &RegisterBroker) -> Result<(), Refusal> {
    if request.cluster_id == view.config.cluster_id {
        return Ok(());
    }
    Err(Refusal::new(
        ErrorCode::InconsistentClusterId,
        format!(
            "Expected cluster ID {}, but got cluster ID {}",
            view.config.cluster_id, request.cluster_id
        ),
    ))
}

/// Texts must fit the log's format.
fn check_lengths(request: &RegisterBroker) -> Result<(), Refusal> {
    const MAX_LENGTH: usize = 32_767;
    let listeners = request.listeners.iter().flat_map(|e| [&e.listener, &e.host]);
    let features = request.features.iter().map(|(name, _)| name);
    match listeners.chain(features).chain(&request.rack).find(|text| text.len() > MAX_LENGTH) {
        None => Ok(()),
        Some(text) => Err(Refusal::new(
            ErrorCode::InvalidRegistration,
            format!("A name of {} bytes is too long: {MAX_LENGTH} are allowed", text.len()),
        )),
    }
}

fn check_directories(view: View<'_>, request: &RegisterBroker) -> Result<(), Refusal> {
    let invalid = |message: String| Err(Refusal::new(ErrorCode::InvalidRegistration, message));
    if request.log_dirs.is_empty() {
        return invalid("No directories specified in request".to_owned());
    }
    if request.log_dirs.iter().any(|dir| dir.is_reserved()) {
        return invalid("Reserved directory ID in request".to_owned());
    }
    let distinct: BTreeSet<&Uuid> = request.log_dirs.iter().collect();
    if distinct.len() != request.log_dirs.len() {
        return invalid("Duplicate directory ID in request".to_owned());
    }
    for other in view.image.brokers().filter(|b| b.id != request.id) {
        if let Some(shared) = other.log_dirs.iter().find(|dir| distinct.contains(dir)) {
            return invalid(format!(
                "Broker {} is already registered with directory {shared}",
                other.id
            ));
        }
    }
    Ok(())
}

/// The broker must be able to work at every finalised level. A feature that it doesn't name it can't do.
fn check_features(view: View<'_>, request: &RegisterBroker) -> Result<(), Refusal> {
    let supported =
        |name: &str| request.features.iter().find(|(n, _)| n == name).map(|(_, range)| *range);
    if supported(METADATA_VERSION).is_none() {
        return Err(Refusal::new(
            ErrorCode::InvalidRegistration,
            format!("Request features do not contain '{METADATA_VERSION}'"),
        ));
    }
    let check = |name: &str, range: VersionRange| {
        let finalised = view.image.features().level(name);
        if range.contains(finalised) {
            return Ok(());
        }
        Err(Refusal::new(
            ErrorCode::UnsupportedVersion,
            format!(
                "Unable to register because the broker does not support finalized version {finalised} of \
                 {name}. The broker wants a version between {} and {}, inclusive.",
                range.min, range.max
            ),
        ))
    };
    for (name, range) in &request.features {
        check(name, *range)?;
    }
    for (name, _) in view.image.features().iter() {
        check(name, supported(name).unwrap_or(VersionRange { min: 0, max: 0 }))?;
    }
    Ok(())
}

/// A broker is forgotten. What it led is led by others first.
pub(super) fn unregister(view: View<'_>, id: NodeId) -> Decision {
    let Some(broker) = view.image.broker(id) else {
        return Decision::refused(Refusal::new(
            ErrorCode::BrokerIdNotRegistered,
            format!("Broker ID {id} is not currently registered"),
        ));
    };
    let mut changes = Changes::default();
    follow_fate(view, BrokerFate::StoppedUncleanly(id), &mut changes);
    changes.push(UnregisterBrokerRecord {
        broker_id: id,
        broker_epoch: broker.epoch,
        ..UnregisterBrokerRecord::default()
    });
    Decision::in_pieces(changes, Answer::UnregisterBroker)
}

/// The records that fence a broker: it leaves its ISRs, then it is fenced. None for one that is.
pub(super) fn fence(view: View<'_>, broker: &BrokerRegistration, changes: &mut Changes) {
    if broker.fenced {
        return;
    }
    follow_fate(view, BrokerFate::Leaves(broker.id), changes);
    changes.push(BrokerRegistrationChangeRecord {
        broker_id: broker.id,
        broker_epoch: broker.epoch,
        fenced: 1,
        ..BrokerRegistrationChangeRecord::default()
    });
}

/// The records that unfence a broker: it is unfenced, then it may lead what nobody leads.
pub(super) fn unfence(view: View<'_>, broker: &BrokerRegistration, changes: &mut Changes) {
    changes.push(BrokerRegistrationChangeRecord {
        broker_id: broker.id,
        broker_epoch: broker.epoch,
        fenced: -1,
        ..BrokerRegistrationChangeRecord::default()
    });
    follow_fate(view, BrokerFate::Returns(broker.id), changes);
}
