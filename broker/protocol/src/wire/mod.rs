//! The primitives of Kafka's wire format, and the two ends that the generated messages speak to.
//!
//! Owns: [`Decoder`] (over one [`bytes::Bytes`], handing out slices of it), [`Encoder`] (a list of
//! chunks, so that record data is never copied), [`Records`], raw tagged fields, and their errors.
//!
//! Invariants: decoding never panics and never reserves more than the bytes at hand can hold; a length
//! is checked against the bytes that remain before anything is made of it. Encoding what was decoded
//! gives the same bytes, as long as those were in Kafka's canonical form.
//!
//! Deliberately absent: knowledge of any single message, and I/O.

mod decoder;
mod encoder;
mod error;
#[cfg(feature = "json")]
mod json;
mod records;
mod tagged;

pub use decoder::Decoder;
pub use encoder::Encoder;
pub use error::{DecodeError, DecodeErrorKind, EncodeError};
#[cfg(feature = "json")]
pub use json::{ToJson, bytes_to_json, double_to_json};
pub use records::Records;
pub use tagged::{RawTaggedField, TaggedFields};

/// How lengths are written: a fixed-width integer, or an unsigned varint of the length plus one as in
/// flexible versions (KIP-482).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lengths {
    /// An int16 before strings, an int32 before everything else; -1 is null.
    Fixed,
    /// An unsigned varint of the length plus one; 0 is null.
    Compact,
}

impl Lengths {
    /// [`Lengths::Compact`] if the version is flexible, else [`Lengths::Fixed`].
    #[must_use]
    pub const fn of(flexible: bool) -> Self {
        if flexible { Self::Compact } else { Self::Fixed }
    }
}

/// The longest string that Kafka writes or reads, in bytes: lengths were an int16 once.
pub const STRING_LENGTH_MAX: usize = 0x7fff;
