//! A list of all messages and records, to read any of them by its name: for tests, and for tools that
//! show what bytes say.

use bytes::Bytes;
use serde_json::Value;

use crate::Message;
pub use crate::generated::catalogue::ENTRIES;
use crate::wire::{DecodeError, Decoder, EncodeError, Encoder, ToJson};

/// A message or record of the schema.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Kafka's name.
    pub name: &'static str,
    /// The lowest version.
    pub min_version: i16,
    /// The highest version.
    pub max_version: i16,
    read: fn(Bytes, i16) -> Result<Reading, DecodeError>,
    rewrite: fn(Bytes, i16) -> Result<Rewritten, DecodeError>,
    default: fn(i16) -> Result<Bytes, EncodeError>,
}

/// What bytes were found to say.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The message, in the form of Kafka's JSON converters.
    pub json: Value,
    /// The message, as Debug shows it.
    pub debug: String,
}

/// Bytes that were read and written again.
#[derive(Clone, Debug)]
pub struct Rewritten {
    /// The message, written again.
    pub encoded: Result<Bytes, EncodeError>,
    /// How many bytes were left behind its end.
    pub left_over: usize,
}

impl Entry {
    pub(crate) const fn of<M: Message + ToJson>() -> Self {
        Self {
            name: M::NAME,
            min_version: M::MIN_VERSION,
            max_version: M::MAX_VERSION,
            read: read::<M>,
            rewrite: rewrite::<M>,
            default: |version| encode(&M::default(), version),
        }
    }

    /// The entry of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        ENTRIES.iter().find(|entry| entry.name == name)
    }

    /// Reads bytes as that message.
    ///
    /// # Errors
    /// When they aren't the message in that version.
    pub fn read(&self, bytes: Bytes, version: i16) -> Result<Reading, DecodeError> {
        (self.read)(bytes, version)
    }

    /// Reads bytes as that message, and writes it again.
    ///
    /// # Errors
    /// When they aren't the message in that version.
    pub fn rewrite(&self, bytes: Bytes, version: i16) -> Result<Rewritten, DecodeError> {
        (self.rewrite)(bytes, version)
    }

    /// The message with all defaults, as bytes.
    ///
    /// # Errors
    /// When a default has no form in that version.
    pub fn encode_default(&self, version: i16) -> Result<Bytes, EncodeError> {
        (self.default)(version)
    }
}

fn encode<M: Message>(message: &M, version: i16) -> Result<Bytes, EncodeError> {
    let mut encoder = Encoder::new();
    message.encode(&mut encoder, version)?;
    Ok(encoder.into_bytes())
}

fn read<M: Message + ToJson>(bytes: Bytes, version: i16) -> Result<Reading, DecodeError> {
    let message = M::decode(&mut Decoder::new(bytes), version)?;
    Ok(Reading { json: message.to_json(version), debug: format!("{message:?}") })
}

fn rewrite<M: Message>(bytes: Bytes, version: i16) -> Result<Rewritten, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    let message = M::decode(&mut decoder, version)?;
    Ok(Rewritten { encoded: encode(&message, version), left_over: decoder.remaining() })
}
