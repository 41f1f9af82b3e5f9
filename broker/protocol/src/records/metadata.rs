//! The frame around the records of the metadata log.
//!
//! A value is: the version of the frame, the record's type and the record's version, each an unsigned
//! varint, then the record. Read from Kafka's `AbstractApiMessageSerde`.

use bytes::Bytes;

use crate::wire::{DecodeError, DecodeErrorKind, Decoder, EncodeError, Encoder};

/// The only frame there is; 0 was that of a preview.
const FRAME_VERSION: u32 = 1;

/// Reads the frame: the record's type and version.
pub(crate) fn decode_frame(decoder: &mut Decoder) -> Result<(i16, i16), DecodeError> {
    decoder.at("metadata record (frame)");
    let frame = decoder.unsigned_varint()?;
    if frame != FRAME_VERSION {
        return Err(decoder.error(DecodeErrorKind::UnknownFrame(frame)));
    }
    let short = |decoder: &mut Decoder| {
        let value = decoder.unsigned_varint()?;
        i16::try_from(value).map_err(|_| decoder.error(DecodeErrorKind::UnknownType(value.into())))
    };
    Ok((short(decoder)?, short(decoder)?))
}

/// Writes the frame, then the record.
pub(crate) fn encode_framed(
    record_type: i16,
    version: i16,
    body: impl FnOnce(&mut Encoder) -> Result<(), EncodeError>,
) -> Result<Bytes, EncodeError> {
    let mut encoder = Encoder::with_capacity(64);
    encoder.unsigned_varint(FRAME_VERSION);
    encoder.unsigned_varint(u32::from(record_type.unsigned_abs()));
    encoder.unsigned_varint(u32::from(version.unsigned_abs()));
    body(&mut encoder)?;
    Ok(encoder.into_bytes())
}

/// Makes the enum over all metadata records from rows of `type => Variant(Struct)`.
macro_rules! metadata_records {
    ($($code:literal => $variant:ident($record:ident),)*) => {
        /// A record of the metadata log.
        #[derive(Clone, Debug, PartialEq)]
        pub enum MetadataRecord {
            $(
                #[doc = concat!("Record type ", $code, ".")]
                $variant($record),
            )*
        }

        impl MetadataRecord {
            /// The number of the record's type.
            #[must_use]
            pub const fn record_type(&self) -> i16 {
                match self { $(Self::$variant(_) => $code,)* }
            }

            /// Kafka's name of the record's type.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => <$record as crate::Message>::NAME,)* }
            }

            /// The lowest version of the record's type.
            #[must_use]
            pub const fn min_version(&self) -> i16 {
                match self { $(Self::$variant(_) => <$record as crate::Message>::MIN_VERSION,)* }
            }

            /// The highest version of the record's type.
            #[must_use]
            pub const fn max_version(&self) -> i16 {
                match self { $(Self::$variant(_) => <$record as crate::Message>::MAX_VERSION,)* }
            }

            /// The value of the log's record, frame included.
            ///
            /// # Errors
            /// When the record has no form in that version.
            pub fn encode_value(
                &self,
                version: i16,
            ) -> Result<bytes::Bytes, crate::wire::EncodeError> {
                crate::records::metadata::encode_framed(self.record_type(), version, |encoder| {
                    match self {
                        $(Self::$variant(record) => {
                            crate::Message::encode(record, encoder, version)
                        })*
                    }
                })
            }

            /// Reads the value of the log's record.
            ///
            /// # Errors
            /// When the frame or the type is unknown, or the bytes aren't such a record and no more.
            pub fn decode_value(value: bytes::Bytes) -> Result<Self, crate::wire::DecodeError> {
                let mut decoder = crate::wire::Decoder::new(value);
                let (record_type, version) =
                    crate::records::metadata::decode_frame(&mut decoder)?;
                let record = match record_type {
                    $($code => Self::$variant(crate::Message::decode(&mut decoder, version)?),)*
                    other => {
                        let kind = crate::wire::DecodeErrorKind::UnknownType(other.into());
                        return Err(decoder.error(kind));
                    }
                };
                decoder.finish()?;
                Ok(record)
            }
        }

        $(
            impl From<$record> for MetadataRecord {
                fn from(record: $record) -> Self {
                    Self::$variant(record)
                }
            }
        )*
    };
}
pub(crate) use metadata_records;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{MetadataRecord, TopicRecord};

    fn topic() -> MetadataRecord {
        TopicRecord { name: "t".to_owned(), ..TopicRecord::default() }.into()
    }

    #[test]
    fn a_value_begins_with_its_frame() {
        let value = topic().encode_value(0).unwrap();
        assert_eq!(value[..3], [1, 2, 0]);
        assert_eq!(MetadataRecord::decode_value(value), Ok(topic()));
    }

    #[test]
    fn other_frames_types_and_leftovers_are_refused() {
        let check = |value: &[u8], kind: DecodeErrorKind| {
            let error = MetadataRecord::decode_value(Bytes::copy_from_slice(value)).unwrap_err();
            assert_eq!(error.kind, kind);
        };
        check(&[0, 2, 0], DecodeErrorKind::UnknownFrame(0));
        check(&[2, 2, 0], DecodeErrorKind::UnknownFrame(2));
        check(&[1, 6, 0], DecodeErrorKind::UnknownType(6));
        check(&[1, 0x80, 0x80, 2, 0], DecodeErrorKind::UnknownType(1 << 15));
        check(&[1, 2, 9], DecodeErrorKind::UnsupportedVersion(9));
        let mut value = topic().encode_value(0).unwrap().to_vec();
        value.push(0);
        check(&value, DecodeErrorKind::TrailingBytes(1));
        assert!(topic().encode_value(1).is_err());
    }
}
