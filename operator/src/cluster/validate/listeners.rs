//! Listeners: names and ports that don't collide, and what of them is there yet.

use taffrail_crds::cluster::{AuthenticationType, ExposureType, Listener, TlsMode};

use super::{Findings, ValidExposure, ValidListener, check_name, names_limits};
use crate::cluster::names;

/// Names that a cluster's own Services, ports and listeners have.
const RESERVED: [&str; 5] = ["controller", "grpc", "http", "nodes", "replication"];

pub(super) fn validate(findings: &mut Findings, listeners: &[Listener]) -> Vec<ValidListener> {
    if listeners.is_empty() {
        findings
            .invalid("spec.listeners", "there is none, so that no client could connect: add one");
    }
    for (index, listener) in listeners.iter().enumerate() {
        let before = listeners.get(..index).unwrap_or_default();
        check(findings, &format!("spec.listeners[{index}]"), listener, before);
    }
    listeners.iter().map(valid).collect()
}

fn valid(listener: &Listener) -> ValidListener {
    let exposure = match listener.exposure.kind {
        ExposureType::Internal => ValidExposure::Internal,
        ExposureType::NodePort => ValidExposure::NodePort(listener.exposure.node_port),
    };
    ValidListener { name: listener.name.clone(), port: listener.port, exposure }
}

fn check(findings: &mut Findings, field: &str, listener: &Listener, before: &[Listener]) {
    check_listener_name(findings, &format!("{field}.name"), &listener.name, before);
    check_port(findings, &format!("{field}.port"), listener.port, before);
    check_node_port(findings, &format!("{field}.exposure.nodePort"), listener, before);
    if listener.tls.mode != TlsMode::Disabled {
        findings.not_supported(
            format!("{field}.tls.mode"),
            "encrypted listeners aren't there yet: write Disabled, and keep the listener inside a network that you trust",
        );
    }
    if listener.authentication.kind != AuthenticationType::None {
        findings.not_supported(
            format!("{field}.authentication.type"),
            "authentication isn't there yet: write None, and keep the listener inside a network that you trust",
        );
    }
}

fn check_listener_name(findings: &mut Findings, field: &str, name: &str, before: &[Listener]) {
    check_name(findings, field, name, names_limits::LISTENER);
    if RESERVED.contains(&name) {
        let message =
            format!("'{name}' is a name of the cluster's own: give the listener another name");
        findings.invalid(field, message);
    }
    if before.iter().any(|other| other.name == name) {
        findings
            .invalid(field, format!("'{name}' stands twice: give each listener a name of its own"));
    }
    let is_node_like = name
        .rsplit_once('-')
        .is_some_and(|(_, end)| !end.is_empty() && end.chars().all(|c| c.is_ascii_digit()));
    if is_node_like {
        let message = format!("'{name}' ends as a node's Service does: end the name otherwise");
        findings.invalid(field, message);
    }
}

fn check_port(findings: &mut Findings, field: &str, port: i32, before: &[Listener]) {
    let (first, last) = (names::CLIENT_PORTS.start(), names::CLIENT_PORTS.end());
    if !names::CLIENT_PORTS.contains(&port) {
        let message = format!("{port} isn't a port for clients: choose one from {first} to {last}");
        findings.invalid(field, message);
    }
    if let Some(other) = before.iter().find(|other| other.port == port) {
        let message = format!(
            "{port} is the port of listener '{}' as well: choose another from {first} to {last}",
            other.name
        );
        findings.invalid(field, message);
    }
}

fn check_node_port(findings: &mut Findings, field: &str, listener: &Listener, before: &[Listener]) {
    let Some(port) = listener.exposure.node_port else { return };
    if listener.exposure.kind != ExposureType::NodePort {
        findings.invalid(
            field,
            "it goes with type NodePort alone: change the type, or leave nodePort away",
        );
    }
    if !(1..=65_535).contains(&port) {
        findings.invalid(
            field,
            format!("{port} isn't a port: leave it away, and Kubernetes chooses one"),
        );
    }
    if let Some(other) = before.iter().find(|other| other.exposure.node_port == Some(port)) {
        let message =
            format!("{port} is asked for by listener '{}' as well: choose another", other.name);
        findings.invalid(field, message);
    }
}
