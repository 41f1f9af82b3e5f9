"""Record batches (format 2) by hand, with every field open to lies."""

import struct
import time

from crc32c import crc32c

from harness.raw import Writer

HEADER = 61
CRC_AT, ATTRIBUTES_AT = 17, 21


def record(offset_delta, key=b"k", value=b"v", timestamp_delta=0):
    """One record with its length in front."""
    body = Writer().i8(0).varint(timestamp_delta).varint(offset_delta)
    for part in (key, value):
        body.varint(-1) if part is None else body.varint(len(part)).raw(part)
    body.varint(0)
    return bytes(Writer().varint(len(body.bytes)).raw(body.bytes).bytes)


def batch(payload, count, *, last_offset_delta=None, base_offset=0, attributes=0, magic=2, timestamp=None,
          producer=(-1, -1, -1), length=None, crc=None):
    """A batch around `payload` (records one after the other, compressed or not)."""
    now = int(time.time() * 1000) if timestamp is None else timestamp
    last = count - 1 if last_offset_delta is None else last_offset_delta
    checked = (
        Writer().i16(attributes).i32(last).i64(now).i64(now)
        .i64(producer[0]).i16(producer[1]).i32(producer[2]).i32(count).raw(payload)
    ).bytes
    checksum = crc32c(bytes(checked)) if crc is None else crc
    size = 9 + len(checked) if length is None else length
    head = Writer().i64(base_offset).i32(size).i32(-1).i8(magic).raw(struct.pack(">I", checksum))
    return bytes(head.bytes + checked)


def plain_batch(size, **lies):
    """`size` small uncompressed records."""
    return batch(b"".join(record(delta) for delta in range(size)), lies.pop("count", size), **lies)
