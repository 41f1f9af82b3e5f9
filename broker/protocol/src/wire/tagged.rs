//! Tagged fields (KIP-482): optional fields at the end of a struct, each with its number and size.

use bytes::Bytes;

use super::{EncodeError, Encoder};

/// A tagged field that this version of the schema doesn't know; kept, so that it can be passed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawTaggedField {
    /// The number of the field.
    pub tag: u32,
    /// Its content.
    pub data: Bytes,
}

/// Gathers the tagged fields of one struct that are to be written, known ones and raw ones.
#[derive(Debug)]
pub struct TaggedFields<'a> {
    known: Vec<(u32, Encoder)>,
    raw: &'a [RawTaggedField],
}

impl<'a> TaggedFields<'a> {
    /// Starts with the raw fields, which must be sorted by tag.
    #[must_use]
    pub const fn new(raw: &'a [RawTaggedField]) -> Self {
        Self { known: Vec::new(), raw }
    }

    /// Adds a known field, with a tag above those added before.
    ///
    /// # Errors
    /// Those of `content`.
    pub fn add(
        &mut self,
        tag: u32,
        content: impl FnOnce(&mut Encoder) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let mut encoder = Encoder::new();
        content(&mut encoder)?;
        self.known.push((tag, encoder));
        Ok(())
    }

    /// Writes their number, then the fields by rising tag.
    ///
    /// # Errors
    /// [`EncodeError::TagOutOfOrder`] when raw fields aren't sorted, or collide with a known field.
    pub fn write(self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        encoder.unsigned_varint_of(self.known.len() + self.raw.len())?;
        let mut last = None;
        let mut raw = self.raw.iter().peekable();
        for (tag, content) in self.known {
            while let Some(field) = raw.next_if(|field| field.tag < tag) {
                write_head(encoder, &mut last, field.tag, field.data.len())?;
                encoder.raw(&field.data);
            }
            write_head(encoder, &mut last, tag, content.len())?;
            encoder.append(content);
        }
        for field in raw {
            write_head(encoder, &mut last, field.tag, field.data.len())?;
            encoder.raw(&field.data);
        }
        Ok(())
    }
}

/// Writes a field's tag and size, and insists that tags rise.
fn write_head(
    encoder: &mut Encoder,
    last: &mut Option<u32>,
    tag: u32,
    size: usize,
) -> Result<(), EncodeError> {
    if last.is_some_and(|last| tag <= last) {
        return Err(encoder.tag_out_of_order(tag));
    }
    *last = Some(tag);
    encoder.unsigned_varint(tag);
    encoder.unsigned_varint_of(size)
}
