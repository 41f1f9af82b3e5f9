//! The control records of the metadata log and its snapshots.

use bytes::Bytes;
use taffrail_protocol::Message;
use taffrail_protocol::batch::{BatchError, ControlRecordType};
use taffrail_protocol::records::{
    KRaftVersionRecord, LeaderChangeMessage, SnapshotFooterRecord, SnapshotHeaderRecord,
    VotersRecord,
};
use taffrail_protocol::wire::{DecodeError, Decoder, EncodeError, Encoder};

/// The version that every control record's value is written in, as by Kafka's `ControlRecordUtils`.
const VALUE_VERSION: i16 = 0;

/// A record of a control batch: its key is a version and a type, its value a message.
#[derive(Clone, Debug, PartialEq)]
pub enum ControlRecord {
    /// The first record of an epoch, by its leader.
    LeaderChange(LeaderChangeMessage),
    /// The first record of a snapshot.
    SnapshotHeader(SnapshotHeaderRecord),
    /// The last record of a snapshot; one without it is unfinished.
    SnapshotFooter(SnapshotFooterRecord),
    /// The KRaft version from here on.
    KRaftVersion(KRaftVersionRecord),
    /// The voters from here on.
    Voters(VotersRecord),
}

/// Why a control record can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ControlRecordError {
    /// The key isn't a version and a type.
    #[error("the key of a control record can't be read")]
    Key(#[source] BatchError),
    /// A control record without a value.
    #[error("the {0:?} control record has no value")]
    NoValue(ControlRecordType),
    /// The type has no place in a metadata log.
    #[error("a control record of the type {0:?}, which a metadata log doesn't hold")]
    UnexpectedType(ControlRecordType),
    /// The value is not what the type says.
    #[error("the value of the {record_type:?} control record can't be read")]
    Value {
        /// The type.
        record_type: ControlRecordType,
        /// Where the value went wrong.
        source: DecodeError,
    },
}

impl ControlRecord {
    /// The record's key: its type after the version of the key.
    #[must_use]
    pub fn key(&self) -> [u8; 4] {
        self.record_type().key()
    }

    /// The record's value.
    ///
    /// # Errors
    /// Where a field doesn't fit the wire.
    pub fn value(&self) -> Result<Bytes, EncodeError> {
        let mut encoder = Encoder::new();
        match self {
            Self::LeaderChange(message) => message.encode(&mut encoder, VALUE_VERSION),
            Self::SnapshotHeader(message) => message.encode(&mut encoder, VALUE_VERSION),
            Self::SnapshotFooter(message) => message.encode(&mut encoder, VALUE_VERSION),
            Self::KRaftVersion(message) => message.encode(&mut encoder, VALUE_VERSION),
            Self::Voters(message) => message.encode(&mut encoder, VALUE_VERSION),
        }?;
        Ok(encoder.into_bytes())
    }

    /// Reads a record of a control batch.
    ///
    /// # Errors
    /// [`ControlRecordError`] for anything but the five types in the version that Kafka writes.
    pub fn decode(key: Option<&[u8]>, value: Option<Bytes>) -> Result<Self, ControlRecordError> {
        let record_type = ControlRecordType::from_key(key).map_err(ControlRecordError::Key)?;
        let value = value.ok_or(ControlRecordError::NoValue(record_type))?;
        let mut decoder = Decoder::new(value);
        let d = &mut decoder;
        match record_type {
            ControlRecordType::LeaderChange => {
                LeaderChangeMessage::decode(d, VALUE_VERSION).map(Self::LeaderChange)
            }
            ControlRecordType::SnapshotHeader => {
                SnapshotHeaderRecord::decode(d, VALUE_VERSION).map(Self::SnapshotHeader)
            }
            ControlRecordType::SnapshotFooter => {
                SnapshotFooterRecord::decode(d, VALUE_VERSION).map(Self::SnapshotFooter)
            }
            ControlRecordType::KraftVersion => {
                KRaftVersionRecord::decode(d, VALUE_VERSION).map(Self::KRaftVersion)
            }
            ControlRecordType::KraftVoters => {
                VotersRecord::decode(d, VALUE_VERSION).map(Self::Voters)
            }
            ControlRecordType::Abort
            | ControlRecordType::Commit
            | ControlRecordType::Unknown(_) => {
                return Err(ControlRecordError::UnexpectedType(record_type));
            }
        }
        .map_err(|source| ControlRecordError::Value { record_type, source })
    }

    fn record_type(&self) -> ControlRecordType {
        match self {
            Self::LeaderChange(_) => ControlRecordType::LeaderChange,
            Self::SnapshotHeader(_) => ControlRecordType::SnapshotHeader,
            Self::SnapshotFooter(_) => ControlRecordType::SnapshotFooter,
            Self::KRaftVersion(_) => ControlRecordType::KraftVersion,
            Self::Voters(_) => ControlRecordType::KraftVoters,
        }
    }
}
