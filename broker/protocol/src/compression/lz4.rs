//! The LZ4 frame format, within the bounds that Kafka sets to it.
//!
//! Kafka's readers know only independent blocks and no dictionary: a frame with either is refused, since
//! it would reach Java consumers that can't read it. Every checksum that a frame carries is verified, also
//! the one of the content, which librdkafka's consumers verify too.

use std::hash::Hasher;
use std::io::{self, Write};

use lz4_flex::block::DecompressError as BlockError;
use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
use twox_hash::XxHash32;

use super::decoder::{Decoder, Failure, Room};

const MAGIC: u32 = 0x184D_2204;
/// In a block's length: the block is stored as it is.
const STORED: u32 = 1 << 31;
/// No LZ4 sequence makes more than 255 bytes of one.
const MOST_PER_BYTE: usize = 255;

/// Writes what Java's clients write: independent blocks of 64 KiB without checksums or content size.
pub(super) fn compress(data: &[u8]) -> io::Result<Vec<u8>> {
    let frame = FrameInfo::new().block_mode(BlockMode::Independent).block_size(BlockSize::Max64KB);
    let mut encoder = FrameEncoder::with_frame_info(frame, Vec::new());
    encoder.write_all(data)?;
    encoder.finish().map_err(io::Error::from)
}

/// Inflates a frame block by block.
pub(super) struct Inflater<'a> {
    frame: Descriptor,
    input: Input<'a>,
    /// The bytes so far, and their checksum if the frame carries one.
    length: u64,
    checksum: XxHash32,
}

impl<'a> Inflater<'a> {
    pub(super) fn new(data: &'a [u8]) -> Result<Self, Failure> {
        let mut input = Input(data);
        let frame = Descriptor::read(&mut input)?;
        Ok(Self { frame, input, length: 0, checksum: XxHash32::with_seed(0) })
    }

    /// What the frame says of its content, once that is all there.
    fn check_content(&mut self) -> Result<(), Failure> {
        if self.frame.content_size.is_some_and(|size| size != self.length) {
            return Err(Failure::corrupt("the content isn't as long as declared"));
        }
        if self.frame.content_checksum
            && self.input.u32("the content's checksum")? != self.checksum.finish_32()
        {
            return Err(Failure::corrupt("the content's checksum doesn't match"));
        }
        if !self.input.0.is_empty() {
            return Err(Failure::corrupt(format_args!(
                "{} bytes follow the end of the frame",
                self.input.0.len()
            )));
        }
        Ok(())
    }
}

impl Decoder for Inflater<'_> {
    fn append(&mut self, room: Room, out: &mut Vec<u8>) -> Result<bool, Failure> {
        let word = self.input.u32("a block's length")?;
        if word == 0 {
            self.check_content()?;
            return Ok(false);
        }
        let block_max = self.frame.block_max;
        let length = usize::try_from(word & !STORED).map_err(Failure::corrupt)?;
        if length > block_max {
            return Err(Failure::corrupt(format_args!(
                "a block of {length} bytes in a frame of blocks up to {block_max}"
            )));
        }
        let block = self.input.take(length, "a block")?;
        if self.frame.block_checksums
            && self.input.u32("a block's checksum")? != XxHash32::oneshot(0, block)
        {
            return Err(Failure::corrupt("a block's checksum doesn't match"));
        }
        let start = out.len();
        if word & STORED != 0 {
            append_stored(block, room, out)?;
        } else {
            append_block(block, block_max, room, out)?;
        }
        let inflated = out.get(start..).unwrap_or_default();
        self.length += u64::try_from(inflated.len()).map_err(Failure::corrupt)?;
        if self.frame.content_checksum {
            self.checksum.write(inflated);
        }
        Ok(true)
    }
}

/// What a frame says of itself before its first block.
struct Descriptor {
    block_max: usize,
    block_checksums: bool,
    content_checksum: bool,
    content_size: Option<u64>,
}

impl Descriptor {
    fn read(input: &mut Input<'_>) -> Result<Self, Failure> {
        let magic = input.u32("the frame's magic")?;
        if magic != MAGIC {
            return Err(Failure::corrupt(format_args!("{magic:#010x} isn't the magic of a frame")));
        }
        let described = input.0;
        let [flags, block] = input.array("the frame's descriptor")?;
        if flags >> 6 != 1 {
            return Err(Failure::corrupt("the frame's version isn't 1"));
        }
        if flags & 0b0010_0000 == 0 {
            return Err(Failure::corrupt("blocks that depend on each other"));
        }
        if flags & 0b0000_0011 != 0 {
            return Err(Failure::corrupt("reserved flags or a dictionary"));
        }
        let block_max = match block {
            0x40 => 64 * 1024,
            0x50 => 256 * 1024,
            0x60 => 1024 * 1024,
            0x70 => 4 * 1024 * 1024,
            _ => {
                return Err(Failure::corrupt(format_args!("unknown block size {block:#04x}")));
            }
        };
        let content_size = if flags & 0b0000_1000 == 0 {
            None
        } else {
            Some(u64::from_le_bytes(input.array("the content's size")?))
        };
        let length = described.len() - input.0.len();
        let hash = XxHash32::oneshot(0, described.get(..length).unwrap_or_default());
        let [_, expected, ..] = hash.to_le_bytes();
        if input.array("the descriptor's checksum")? != [expected] {
            return Err(Failure::corrupt("the descriptor's checksum doesn't match"));
        }
        Ok(Self {
            block_max,
            block_checksums: flags & 0b0001_0000 != 0,
            content_checksum: flags & 0b0000_0100 != 0,
            content_size,
        })
    }
}

/// The bytes that are left to read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize, what: &str) -> Result<&'a [u8], Failure> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or_else(|| Failure::corrupt(format_args!("{what} is cut short")))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], Failure> {
        let (taken, rest) = self
            .0
            .split_first_chunk()
            .ok_or_else(|| Failure::corrupt(format_args!("{what} is cut short")))?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u32(&mut self, what: &str) -> Result<u32, Failure> {
        self.array(what).map(u32::from_le_bytes)
    }
}

fn append_stored(block: &[u8], room: Room, out: &mut Vec<u8>) -> Result<(), Failure> {
    if block.len() > room.total {
        return Err(Failure::TooLarge);
    }
    out.extend_from_slice(block);
    Ok(())
}

fn append_block(
    block: &[u8],
    block_max: usize,
    room: Room,
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    let start = out.len();
    let most = block.len().saturating_mul(MOST_PER_BYTE).min(block_max);
    let allowed = most.min(room.total);
    out.resize(start + allowed, 0);
    let (_, output) = out.split_at_mut(start);
    match lz4_flex::block::decompress_into(block, output) {
        Ok(length) => {
            out.truncate(start + length);
            Ok(())
        }
        Err(BlockError::OutputTooSmall { .. }) if allowed < most => Err(Failure::TooLarge),
        Err(error) => Err(Failure::corrupt(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Compression, DecompressError, decompress};
    use super::*;

    const CODEC: Compression = Compression::Lz4;

    fn framed(info: FrameInfo, data: &[u8]) -> Vec<u8> {
        let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn refused(data: &[u8], expect: &str) {
        match decompress(CODEC, data, 1 << 20) {
            Err(DecompressError::Corrupt { reason, .. }) => {
                assert!(reason.contains(expect), "{reason}")
            }
            other => panic!("{other:?}, expected {expect}"),
        }
    }

    #[test]
    fn frames_of_every_shape_that_clients_write_are_read() {
        let data = b"the quick brown fox ".repeat(20_000);
        for size in [BlockSize::Max64KB, BlockSize::Max256KB, BlockSize::Max1MB, BlockSize::Max4MB]
        {
            for checksums in [false, true] {
                let info = FrameInfo::new()
                    .block_size(size)
                    .block_checksums(checksums)
                    .content_checksum(checksums)
                    .content_size(checksums.then_some(data.len() as u64));
                assert_eq!(decompress(CODEC, &framed(info, &data), data.len()), Ok(data.clone()));
            }
        }
    }

    #[test]
    fn frames_that_kafkas_readers_refuse_are_refused() {
        let data = b"the quick brown fox ".repeat(10_000);
        let linked = FrameInfo::new().block_mode(BlockMode::Linked);
        refused(&framed(linked, &data), "depend on each other");
        let plain = framed(FrameInfo::new(), b"hello");
        let changed = |at: usize, to: u8| {
            let mut bytes = plain.clone();
            bytes[at] = to;
            bytes
        };
        refused(&changed(0, 0), "magic");
        refused(&changed(4, 0xa0), "version");
        refused(&changed(4, 0x61), "dictionary");
        refused(&changed(5, 0x30), "block size");
        refused(&changed(6, 0), "descriptor's checksum");
        refused(&changed(10, 0x7f), "a block of");
        let checked = FrameInfo::new().content_checksum(true);
        let mut wrong = framed(checked, b"hello");
        *wrong.last_mut().unwrap() ^= 1;
        refused(&wrong, "content's checksum");
    }

    #[test]
    fn a_block_that_inflates_without_end_stops_at_the_cap() {
        let bomb = compress(&vec![0; 1 << 26]).unwrap();
        let too_large = DecompressError::TooLarge { codec: CODEC, cap: 1 << 20 };
        assert_eq!(decompress(CODEC, &bomb, 1 << 20), Err(too_large));
    }
}
