//! What can be wrong with bytes, and with values that are to become bytes.

use thiserror::Error;

/// The bytes are not the message that they were said to be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{field}: {kind} (at byte {offset})")]
pub struct DecodeError {
    /// The message and field that was being read, such as `FetchRequest.FetchTopic.partitions`.
    pub field: &'static str,
    /// How many bytes of the input had been read.
    pub offset: usize,
    /// What was wrong.
    pub kind: DecodeErrorKind,
}

/// What was wrong with the bytes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The input ends inside of a value.
    #[error("{needed} bytes are needed, {remaining} remain")]
    Truncated {
        /// Bytes that the value needs.
        needed: usize,
        /// Bytes that were left.
        remaining: usize,
    },
    /// A length is below -1, or above what the type allows.
    #[error("the length {0} is invalid")]
    InvalidLength(i64),
    /// An array claims more elements than the remaining bytes can hold.
    #[error("{length} elements can't fit in the {remaining} bytes that remain")]
    ArrayTooLong {
        /// The claimed number of elements.
        length: usize,
        /// Bytes that were left.
        remaining: usize,
    },
    /// Null, where the version has no null.
    #[error("null is not allowed in this version")]
    UnexpectedNull,
    /// A string that isn't UTF-8.
    #[error("the string is not valid UTF-8")]
    InvalidUtf8,
    /// A varint that is longer than its type.
    #[error("the varint is too long")]
    VarintTooLong,
    /// A tagged field's content is shorter than its size says.
    #[error("{0} bytes are left over in a tagged field")]
    TaggedFieldTooLong(usize),
    /// A tag that belongs to another version of the message.
    #[error("tag {tag} is not valid in version {version}")]
    InvalidTag {
        /// The tag.
        tag: u32,
        /// The version that was being read.
        version: i16,
    },
    /// A tag that appears twice.
    #[error("tag {0} appears twice")]
    DuplicateTag(u32),
    /// The message has no such version.
    #[error("version {0} does not exist")]
    UnsupportedVersion(i16),
    /// A request with a key, or a record of a type, that is not known.
    #[error("the type {0} is unknown")]
    UnknownType(i64),
    /// A record in a frame that isn't known.
    #[error("the frame version {0} is unknown")]
    UnknownFrame(u32),
    /// Bytes are left over behind the end of the value.
    #[error("{0} bytes are left over")]
    TrailingBytes(usize),
}

/// The value has no form on the wire in the version that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The message has no such version.
    #[error("{message}: version {version} does not exist")]
    UnsupportedVersion {
        /// The message's name.
        message: &'static str,
        /// The version that was asked for.
        version: i16,
    },
    /// A field was set that the version doesn't have, and that may not be dropped silently.
    #[error("{field}: set, but version {version} does not have it")]
    UnsupportedField {
        /// The message and field.
        field: &'static str,
        /// The version that was asked for.
        version: i16,
    },
    /// Null, where the version has no null.
    #[error("{field}: null is not allowed in this version")]
    UnexpectedNull {
        /// The message and field.
        field: &'static str,
    },
    /// A string, array or block of bytes that is longer than its length field can say.
    #[error("{field}: the length {length} is too large")]
    TooLong {
        /// The message and field.
        field: &'static str,
        /// The length, in bytes or elements.
        length: usize,
    },
    /// Raw tagged fields, in a version that has no tagged fields.
    #[error("{message}: tagged fields were set, but version {version} does not have any")]
    UnsupportedTaggedFields {
        /// The message or struct.
        message: &'static str,
        /// The version that was asked for.
        version: i16,
    },
    /// Raw tagged fields that aren't in rising order, or that carry the tag of a known field.
    #[error("{field}: tag {tag} is out of order or a repetition")]
    TagOutOfOrder {
        /// The message and field.
        field: &'static str,
        /// The tag.
        tag: u32,
    },
}
