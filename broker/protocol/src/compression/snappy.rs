//! Snappy: raw blocks in the framing of xerial's `SnappyOutputStream`, which Java's clients write.
//! librdkafka writes a single raw block, so anything without the frame's magic is read as one.

use std::io;

use super::decoder::{Decoder, Failure, Room};

/// Magic, then version 1 and "readable since version 1" in 32 bits each, big endian.
const HEADER: [u8; 16] = *b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";
const MAGIC_LENGTH: usize = 8;
/// What xerial compresses at a time.
const BLOCK: usize = 32 * 1024;
/// No snappy element makes more than 64 bytes, nor takes fewer than two.
const MOST_PER_BYTE: usize = 32;

pub(super) fn compress(data: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = snap::raw::Encoder::new();
    let mut packed = HEADER.to_vec();
    for block in data.chunks(BLOCK) {
        let block = encoder.compress_vec(block)?;
        let length = u32::try_from(block.len()).map_err(io::Error::other)?;
        packed.extend_from_slice(&length.to_be_bytes());
        packed.extend_from_slice(&block);
    }
    Ok(packed)
}

/// Inflates a stream block by block; raw snappy is a single one.
pub(super) enum Inflater<'a> {
    Raw(&'a [u8]),
    Framed(&'a [u8]),
}

impl<'a> Inflater<'a> {
    pub(super) fn new(data: &'a [u8]) -> Result<Self, Failure> {
        Ok(after_header(data)?.map_or(Self::Raw(data), Self::Framed))
    }
}

impl Decoder for Inflater<'_> {
    fn append(&mut self, room: Room, out: &mut Vec<u8>) -> Result<bool, Failure> {
        let rest = match *self {
            Self::Raw(block) => {
                append_block(block, room, out)?;
                *self = Self::Framed(&[]);
                return Ok(true);
            }
            Self::Framed([]) => return Ok(false),
            Self::Framed(rest) => rest,
        };
        // Streams may follow one another: where a length is expected, there may be another header.
        if let Some(next_stream) = after_header(rest)? {
            *self = Self::Framed(next_stream);
            return Ok(true);
        }
        let (length, after_length) = rest
            .split_first_chunk::<4>()
            .ok_or_else(|| Failure::corrupt("a block's length is cut short"))?;
        let length = u32::from_be_bytes(*length);
        let (block, after_block) = usize::try_from(length)
            .ok()
            .and_then(|length| after_length.split_at_checked(length))
            .ok_or_else(|| {
                Failure::corrupt(format_args!(
                    "a block of {length} bytes is announced, {} are left",
                    after_length.len()
                ))
            })?;
        append_block(block, room, out)?;
        *self = Self::Framed(after_block);
        Ok(true)
    }
}

/// What follows xerial's header, or `None` when there is none.
fn after_header(data: &[u8]) -> Result<Option<&[u8]>, Failure> {
    if !data.starts_with(&HEADER[..MAGIC_LENGTH]) {
        return Ok(None);
    }
    // The versions aren't compared: there is one framing, and old writers put other numbers here.
    match data.split_at_checked(HEADER.len()) {
        Some((_, rest)) => Ok(Some(rest)),
        None => Err(Failure::corrupt("the stream's header is cut short")),
    }
}

fn append_block(block: &[u8], room: Room, out: &mut Vec<u8>) -> Result<(), Failure> {
    let declared = snap::raw::decompress_len(block).map_err(Failure::corrupt)?;
    if declared > block.len().saturating_mul(MOST_PER_BYTE) {
        return Err(Failure::corrupt(format_args!(
            "a block of {} bytes can't hold the {declared} that it declares",
            block.len()
        )));
    }
    if declared > room.of_block() {
        return Err(room.refusal());
    }
    let start = out.len();
    out.resize(start + declared, 0);
    let (_, output) = out.split_at_mut(start);
    snap::raw::Decoder::new().decompress(block, output).map_err(Failure::corrupt)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Compression, DecompressError, decompress};
    use super::*;

    fn check(data: &[u8], expect: Result<&[u8], &str>) {
        match (decompress(Compression::Snappy, data, 1 << 20), expect) {
            (Ok(inflated), Ok(expected)) => assert_eq!(inflated, expected),
            (Err(DecompressError::Corrupt { reason, .. }), Err(expected)) => {
                assert!(reason.contains(expected), "{reason}");
            }
            (got, expected) => panic!("{got:?}, expected {expected:?}"),
        }
    }

    fn framed(blocks: &[&[u8]]) -> Vec<u8> {
        let mut data = HEADER.to_vec();
        for block in blocks {
            data.extend_from_slice(&u32::try_from(block.len()).unwrap().to_be_bytes());
            data.extend_from_slice(block);
        }
        data
    }

    #[test]
    fn raw_framed_and_concatenated_streams_are_read() {
        // The length 5 as a varint, then a literal of five bytes.
        let hello: &[u8] = b"\x05\x10hello";
        check(hello, Ok(b"hello"));
        check(&framed(&[hello]), Ok(b"hello"));
        check(&framed(&[hello, hello]), Ok(b"hellohello"));
        check(&framed(&[]), Ok(b""));
        let two_streams = [framed(&[hello]), framed(&[hello])].concat();
        check(&two_streams, Ok(b"hellohello"));
    }

    #[test]
    fn hostile_streams_are_refused() {
        let hello: &[u8] = b"\x05\x10hello";
        check(b"", Err("empty"));
        check(&HEADER[..12], Err("header is cut short"));
        check(&framed(&[b""]), Err("empty"));
        check(&framed(&[hello])[..18], Err("length is cut short"));
        check(&framed(&[hello])[..22], Err("are left"));
        // A block that claims four gigabytes.
        check(b"\xff\xff\xff\xff\x0f\x10hello", Err("can't hold"));
        check(b"\x06\x10hello", Err("snappy: corrupt"));
    }
}
