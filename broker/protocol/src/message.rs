//! What all messages have in common.

use std::fmt::Debug;

#[cfg(feature = "messages")]
use crate::ApiKey;
use crate::wire::{DecodeError, Decoder, EncodeError, Encoder};

/// A struct of Kafka's protocol with versions of its own: a request, a response, a header or a record.
///
/// `Default` has the schema's defaults. Fields that a version lacks are the default after decoding.
pub trait Message: Clone + Debug + Default + PartialEq {
    /// Kafka's name.
    const NAME: &'static str;
    /// The lowest version that exists.
    const MIN_VERSION: i16;
    /// The highest version that exists.
    const MAX_VERSION: i16;

    /// Reads the message; what follows it is left to the caller.
    ///
    /// # Errors
    /// When the version doesn't exist, or the bytes aren't the message.
    fn decode(decoder: &mut Decoder, version: i16) -> Result<Self, DecodeError>;

    /// Writes the message.
    ///
    /// # Errors
    /// When the version doesn't exist, or lacks a field that is set and can't be dropped silently, or a
    /// value is null or too long where it may not be. What was written by then is of no use.
    fn encode(&self, encoder: &mut Encoder, version: i16) -> Result<(), EncodeError>;
}

/// A message that asks for another.
#[cfg(feature = "messages")]
pub trait Request: Message {
    /// The kind of request.
    const KEY: ApiKey;
    /// The answer, in the request's version.
    type Response: Message;
}
