//! Record data on its way through: parts that are never copied.

use bytes::{Bytes, BytesMut};

/// Record batches as they lie on the wire or in the log, in one or more parts.
///
/// Equality is that of the bytes, however they are split.
#[derive(Clone, Debug, Default)]
pub struct Records {
    parts: Vec<Bytes>,
    len: usize,
}

impl Records {
    /// No bytes at all.
    #[must_use]
    pub const fn empty() -> Self {
        Self { parts: Vec::new(), len: 0 }
    }

    /// The parts, none of them empty, in order.
    #[must_use]
    pub fn parts(&self) -> &[Bytes] {
        &self.parts
    }

    /// The parts themselves.
    #[must_use]
    pub fn into_parts(self) -> Vec<Bytes> {
        self.parts
    }

    /// The number of bytes in all parts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All bytes in one piece: no copy when there is one part, as there is after decoding.
    #[must_use]
    pub fn into_contiguous(mut self) -> Bytes {
        if self.parts.len() == 1
            && let Some(only) = self.parts.pop()
        {
            return only;
        }
        let mut whole = BytesMut::with_capacity(self.len);
        for part in &self.parts {
            whole.extend_from_slice(part);
        }
        whole.freeze()
    }

    fn bytes(&self) -> impl Iterator<Item = u8> {
        self.parts.iter().flat_map(|part| part.iter().copied())
    }
}

impl PartialEq for Records {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.bytes().eq(other.bytes())
    }
}

impl Eq for Records {}

impl From<Bytes> for Records {
    fn from(part: Bytes) -> Self {
        Self::from(vec![part])
    }
}

impl From<Vec<Bytes>> for Records {
    fn from(mut parts: Vec<Bytes>) -> Self {
        parts.retain(|part| !part.is_empty());
        let len = parts.iter().map(Bytes::len).sum();
        Self { parts, len }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_ignores_how_the_bytes_are_split() {
        let whole = Records::from(Bytes::from_static(b"abcdef"));
        let split = Records::from(vec![
            Bytes::from_static(b"ab"),
            Bytes::new(),
            Bytes::from_static(b"cdef"),
        ]);
        assert_eq!(whole, split);
        assert_eq!(split.parts().len(), 2);
        assert_eq!(split.into_contiguous(), whole.clone().into_contiguous());
        assert_ne!(whole, Records::empty());
    }

    #[test]
    fn one_part_is_handed_back_as_it_is() {
        let part = Bytes::from(vec![7; 64]);
        let address = part.as_ptr();
        assert_eq!(Records::from(part).into_contiguous().as_ptr(), address);
        assert!(Records::empty().into_contiguous().is_empty());
    }
}
