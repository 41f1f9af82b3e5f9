//! Registrations of brokers and controllers.

use std::collections::BTreeMap;

use taffrail_model::{BrokerEpoch, NodeId, Uuid};
use taffrail_protocol::records::{
    RegisterBrokerRecord, RegisterControllerRecord,
    register_broker_record::{BrokerEndpoint, BrokerFeature},
    register_controller_record::{ControllerEndpoint, ControllerFeature},
};

use super::ReplayError;
use crate::features::VersionRange;

/// How a listener is secured, with Kafka's `SecurityProtocol` numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i16)]
pub enum SecurityProtocol {
    /// Neither TLS nor SASL.
    Plaintext = 0,
    /// TLS.
    Ssl = 1,
    /// SASL without TLS.
    SaslPlaintext = 2,
    /// SASL over TLS.
    SaslSsl = 3,
}

impl SecurityProtocol {
    /// The protocol with this number.
    #[must_use]
    pub const fn from_code(code: i16) -> Option<Self> {
        match code {
            0 => Some(Self::Plaintext),
            1 => Some(Self::Ssl),
            2 => Some(Self::SaslPlaintext),
            3 => Some(Self::SaslSsl),
            _ => None,
        }
    }

    /// The number on the wire and in records.
    #[must_use]
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// Kafka's name, as `listener.security.protocol.map` spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }
}

/// An address at which a node is reached under one listener name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The listener's name.
    pub listener: String,
    /// The advertised host name or address.
    pub host: String,
    /// The advertised port.
    pub port: u16,
    /// How the listener is secured.
    pub protocol: SecurityProtocol,
}

/// A broker as it registered, and what the controller has done with it since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerRegistration {
    /// The broker's node id.
    pub id: NodeId,
    /// The epoch of this registration, greater than that of any earlier one.
    pub epoch: BrokerEpoch,
    /// The id of the process that registered.
    pub incarnation_id: Uuid,
    /// Where the broker is reached, in the order in which it told.
    pub listeners: Vec<Endpoint>,
    /// The feature levels that the broker can work at.
    pub features: BTreeMap<String, VersionRange>,
    /// The rack that the broker stands in.
    pub rack: Option<String>,
    /// A fenced broker leads nothing, is in no ISR and isn't shown to clients.
    pub fenced: bool,
    /// The broker has asked to go: it gets no new leadership.
    pub in_controlled_shutdown: bool,
    /// The log directories that are online.
    pub log_dirs: Vec<Uuid>,
    /// The log directories that take no new replicas (KIP-1066); `None` until the broker has told.
    pub cordoned_log_dirs: Option<Vec<Uuid>>,
}

impl BrokerRegistration {
    /// Whether the broker may lead and be in an ISR.
    #[must_use]
    pub fn is_active(&self) -> bool {
        !self.fenced && !self.in_controlled_shutdown
    }

    /// Whether a new replica has a directory to go to.
    #[must_use]
    pub fn has_uncordoned_dirs(&self) -> bool {
        match &self.cordoned_log_dirs {
            None => true,
            Some(cordoned) => {
                self.log_dirs.is_empty() || self.log_dirs.iter().any(|d| !cordoned.contains(d))
            }
        }
    }

    /// The endpoint under a listener name.
    #[must_use]
    pub fn endpoint(&self, listener: &str) -> Option<&Endpoint> {
        self.listeners.iter().find(|e| e.listener == listener)
    }

    pub(crate) fn from_record(record: &RegisterBrokerRecord) -> Result<Self, ReplayError> {
        let listeners = record
            .end_points
            .iter()
            .map(|e| endpoint(record.broker_id, &e.name, &e.host, e.port, e.security_protocol))
            .collect::<Result<_, _>>()?;
        let mut log_dirs = record.log_dirs.clone();
        log_dirs.sort_unstable();
        Ok(Self {
            id: record.broker_id,
            epoch: record.broker_epoch,
            incarnation_id: record.incarnation_id,
            listeners,
            features: record
                .features
                .iter()
                .map(|f| {
                    (
                        f.name.clone(),
                        VersionRange { min: f.min_supported_version, max: f.max_supported_version },
                    )
                })
                .collect(),
            rack: record.rack.clone(),
            fenced: record.fenced,
            in_controlled_shutdown: record.in_controlled_shutdown,
            log_dirs,
            cordoned_log_dirs: record.cordoned_log_dirs.clone(),
        })
    }

    pub(crate) fn to_record(&self) -> RegisterBrokerRecord {
        RegisterBrokerRecord {
            broker_id: self.id,
            incarnation_id: self.incarnation_id,
            broker_epoch: self.epoch,
            end_points: self
                .listeners
                .iter()
                .map(|e| BrokerEndpoint {
                    name: e.listener.clone(),
                    host: e.host.clone(),
                    port: e.port,
                    security_protocol: e.protocol.code(),
                    ..BrokerEndpoint::default()
                })
                .collect(),
            features: self
                .features
                .iter()
                .map(|(name, range)| BrokerFeature {
                    name: name.clone(),
                    min_supported_version: range.min,
                    max_supported_version: range.max,
                    ..BrokerFeature::default()
                })
                .collect(),
            rack: self.rack.clone(),
            fenced: self.fenced,
            in_controlled_shutdown: self.in_controlled_shutdown,
            log_dirs: self.log_dirs.clone(),
            cordoned_log_dirs: self.cordoned_log_dirs.clone(),
            ..RegisterBrokerRecord::default()
        }
    }
}

/// A controller as it registered (KIP-919).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControllerRegistration {
    /// The controller's node id.
    pub id: NodeId,
    /// The id of the process that registered.
    pub incarnation_id: Uuid,
    /// Where the controller is reached.
    pub listeners: Vec<Endpoint>,
    /// The feature levels that the controller can work at.
    pub features: BTreeMap<String, VersionRange>,
}

impl ControllerRegistration {
    pub(crate) fn from_record(record: &RegisterControllerRecord) -> Result<Self, ReplayError> {
        let listeners = record
            .end_points
            .iter()
            .map(|e| endpoint(record.controller_id, &e.name, &e.host, e.port, e.security_protocol))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            id: record.controller_id,
            incarnation_id: record.incarnation_id,
            listeners,
            features: record
                .features
                .iter()
                .map(|f| {
                    (
                        f.name.clone(),
                        VersionRange { min: f.min_supported_version, max: f.max_supported_version },
                    )
                })
                .collect(),
        })
    }

    pub(crate) fn to_record(&self) -> RegisterControllerRecord {
        RegisterControllerRecord {
            controller_id: self.id,
            incarnation_id: self.incarnation_id,
            end_points: self
                .listeners
                .iter()
                .map(|e| ControllerEndpoint {
                    name: e.listener.clone(),
                    host: e.host.clone(),
                    port: e.port,
                    security_protocol: e.protocol.code(),
                    ..ControllerEndpoint::default()
                })
                .collect(),
            features: self
                .features
                .iter()
                .map(|(name, range)| ControllerFeature {
                    name: name.clone(),
                    min_supported_version: range.min,
                    max_supported_version: range.max,
                    ..ControllerFeature::default()
                })
                .collect(),
            ..RegisterControllerRecord::default()
        }
    }
}

fn endpoint(
    node: NodeId,
    listener: &str,
    host: &str,
    port: u16,
    protocol: i16,
) -> Result<Endpoint, ReplayError> {
    Ok(Endpoint {
        listener: listener.to_owned(),
        host: host.to_owned(),
        port,
        protocol: SecurityProtocol::from_code(protocol)
            .ok_or(ReplayError::UnknownSecurityProtocol { node, protocol })?,
    })
}
