//! The keys and values of the coordinators' logs.
//!
//! A key is the type of the record as an int16, then the key's struct in its only version. A value is the
//! version of its struct as an int16, then the struct. Read from Kafka's `CoordinatorRecordSerde`, which
//! leaves bytes behind the end of a key or a value alone; so does this.

use bytes::Bytes;

use crate::Message;
use crate::wire::{DecodeError, Decoder, EncodeError, Encoder};

/// Writes an int16, and behind it a struct in a version.
pub(crate) fn encode_prefixed(
    prefix: i16,
    message: &impl Message,
    version: i16,
) -> Result<Bytes, EncodeError> {
    let mut encoder = Encoder::with_capacity(64);
    encoder.int16(prefix);
    message.encode(&mut encoder, version)?;
    Ok(encoder.into_bytes())
}

/// Reads a value, if there is one.
pub(crate) fn decode_value<M: Message>(value: Option<Bytes>) -> Result<Option<M>, DecodeError> {
    value
        .map(|value| {
            let mut decoder = Decoder::new(value);
            decoder.at(M::NAME);
            let version = decoder.int16()?;
            M::decode(&mut decoder, version)
        })
        .transpose()
}

/// Makes the enum over all records of a coordinator from rows of `type => Variant(Key, Value)`.
macro_rules! coordinator_records {
    (
        $(#[$doc:meta])*
        $name:ident;
        $($code:literal => $variant:ident($key:ident, $value:ident),)*
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $name {
            $(
                #[doc = concat!("Record type ", $code, "; without a value, what was under the key is gone.")]
                $variant($key, Option<$value>),
            )*
        }

        impl $name {
            /// The number of the record's type.
            #[must_use]
            pub const fn record_type(&self) -> i16 {
                match self { $(Self::$variant(..) => $code,)* }
            }

            /// The highest version of the value's struct.
            #[must_use]
            pub const fn max_value_version(&self) -> i16 {
                match self { $(Self::$variant(..) => <$value as crate::Message>::MAX_VERSION,)* }
            }

            /// The key of the log's record.
            ///
            /// # Errors
            /// When a text in it is too long.
            pub fn encode_key(&self) -> Result<bytes::Bytes, crate::wire::EncodeError> {
                match self {
                    $(Self::$variant(key, _) => crate::records::coordinator::encode_prefixed(
                        $code,
                        key,
                        <$key as crate::Message>::MAX_VERSION,
                    ),)*
                }
            }

            /// The value of the log's record, with its struct in that version.
            ///
            /// # Errors
            /// When the struct has no form in that version.
            pub fn encode_value(
                &self,
                version: i16,
            ) -> Result<Option<bytes::Bytes>, crate::wire::EncodeError> {
                match self {
                    $(Self::$variant(_, value) => value
                        .as_ref()
                        .map(|value| {
                            crate::records::coordinator::encode_prefixed(version, value, version)
                        })
                        .transpose(),)*
                }
            }

            /// Reads the key and the value of a record of the log.
            ///
            /// # Errors
            /// When the type is unknown ([`crate::wire::DecodeErrorKind::UnknownType`]: a newer broker
            /// may have written it), or the bytes aren't such a record.
            pub fn decode(
                key: bytes::Bytes,
                value: Option<bytes::Bytes>,
            ) -> Result<Self, crate::wire::DecodeError> {
                let mut decoder = crate::wire::Decoder::new(key);
                decoder.at(concat!(stringify!($name), " (type)"));
                match decoder.int16()? {
                    $($code => Ok(Self::$variant(
                        crate::Message::decode(
                            &mut decoder,
                            <$key as crate::Message>::MAX_VERSION,
                        )?,
                        crate::records::coordinator::decode_value(value)?,
                    )),)*
                    other => {
                        let kind = crate::wire::DecodeErrorKind::UnknownType(other.into());
                        Err(decoder.error(kind))
                    }
                }
            }
        }
    };
}
pub(crate) use coordinator_records;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{GroupRecord, OffsetCommitKey, OffsetCommitValue};
    use crate::wire::DecodeErrorKind;

    fn commit() -> GroupRecord {
        GroupRecord::OffsetCommit(
            OffsetCommitKey { group: "g".to_owned(), topic: "t".to_owned(), partition: 3 },
            Some(OffsetCommitValue { offset: 42, ..OffsetCommitValue::default() }),
        )
    }

    #[test]
    fn keys_begin_with_the_type_and_values_with_their_version() {
        let record = commit();
        let key = record.encode_key().unwrap();
        let value = record.encode_value(3).unwrap().unwrap();
        assert_eq!(key[..], [0, 1, 0, 1, b'g', 0, 1, b't', 0, 0, 0, 3]);
        assert_eq!(value[..2], [0, 3]);
        assert_eq!(GroupRecord::decode(key, Some(value)), Ok(record));
    }

    #[test]
    fn a_record_without_a_value_is_a_tombstone() {
        let key = commit().encode_key().unwrap();
        let record = GroupRecord::decode(key, None).unwrap();
        assert!(matches!(record, GroupRecord::OffsetCommit(_, None)));
        assert_eq!(record.encode_value(3), Ok(None));
    }

    #[test]
    fn unknown_types_can_be_told_from_broken_records() {
        let check = |key: &'static [u8], value: Option<&'static [u8]>, kind: DecodeErrorKind| {
            let value = value.map(Bytes::from_static);
            let error = GroupRecord::decode(Bytes::from_static(key), value).unwrap_err();
            assert_eq!(error.kind, kind);
        };
        check(&[3, 232], None, DecodeErrorKind::UnknownType(1000));
        check(&[0], None, DecodeErrorKind::Truncated { needed: 2, remaining: 1 });
        check(&[0, 2, 0, 1, b'g'], Some(&[0, 99]), DecodeErrorKind::UnsupportedVersion(99));
    }
}
