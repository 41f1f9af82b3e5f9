"""Kafka's wire format by hand: just enough to send requests that no well-behaved client would."""

import socket
import struct


class ConnectionClosed(Exception):
    """The broker closed the connection instead of answering."""


class Writer:
    """Builds a request body in the non-flexible encoding; calls chain."""

    def __init__(self):
        self.bytes = bytearray()

    def raw(self, data):
        self.bytes += data
        return self

    def _pack(self, form, value):
        return self.raw(struct.pack(form, value))

    def i8(self, value):
        return self._pack(">b", value)

    def i16(self, value):
        return self._pack(">h", value)

    def i32(self, value):
        return self._pack(">i", value)

    def i64(self, value):
        return self._pack(">q", value)

    def uvarint(self, value):
        while value >= 0x80:
            self.bytes.append(value & 0x7F | 0x80)
            value >>= 7
        self.bytes.append(value)
        return self

    def varint(self, value):
        """A signed number in zigzag form, as records carry them."""
        return self.uvarint(value << 1 if value >= 0 else (-value << 1) - 1)

    def string(self, text):
        if text is None:
            return self.i16(-1)
        data = text.encode() if isinstance(text, str) else text
        return self.i16(len(data)).raw(data)

    def data(self, content):
        if content is None:
            return self.i32(-1)
        return self.i32(len(content)).raw(content)

    def array(self, items, write):
        if items is None:
            return self.i32(-1)
        self.i32(len(items))
        for item in items:
            write(self, item)
        return self


class Reader:
    """Reads an answer in the non-flexible encoding."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def raw(self, count):
        if count < 0 or self.at + count > len(self.data):
            raise AssertionError(f"the answer ends {self.at + count - len(self.data)} bytes too early")
        piece = self.data[self.at:self.at + count]
        self.at += count
        return piece

    def _unpack(self, form, size):
        return struct.unpack(form, self.raw(size))[0]

    def i8(self):
        return self._unpack(">b", 1)

    def i16(self):
        return self._unpack(">h", 2)

    def i32(self):
        return self._unpack(">i", 4)

    def i64(self):
        return self._unpack(">q", 8)

    def string(self):
        length = self.i16()
        return None if length < 0 else self.raw(length).decode()

    def content(self):
        length = self.i32()
        return None if length < 0 else self.raw(length)

    def array(self, read):
        return [read() for _ in range(max(self.i32(), 0))]

    def remaining(self):
        return len(self.data) - self.at


def header(key, version, correlation, client_id="wire-raw", flexible=False):
    """A request header: version 1, or 2 with its empty tagged fields."""
    writer = Writer().i16(key).i16(version).i32(correlation).string(client_id)
    return bytes((writer.uvarint(0) if flexible else writer).bytes)


class Connection:
    """One TCP connection that can send whole frames, parts of frames and nonsense."""

    def __init__(self, host, port, timeout):
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.correlation = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        """Bytes as they are. A broker that has hung up already is found out by reading."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def send_frame(self, payload):
        self.send(struct.pack(">i", len(payload)) + payload)

    def receive_frame(self):
        (size,) = struct.unpack(">i", self._receive(4))
        return self._receive(size)

    def _receive(self, count):
        data = bytearray()
        while len(data) < count:
            try:
                piece = self.socket.recv(count - len(data))
            except ConnectionResetError:
                piece = b""
            if not piece:
                raise ConnectionClosed(f"closed after {len(data)} of {count} bytes")
            data += piece
        return bytes(data)

    def request(self, key, version, body, flexible=False):
        """Sends a request and returns a reader at the start of the answer's body (after a version 0 header)."""
        self.correlation += 1
        body = bytes(body.bytes) if isinstance(body, Writer) else body
        self.send_frame(header(key, version, self.correlation, flexible=flexible) + body)
        answer = Reader(self.receive_frame())
        assert answer.i32() == self.correlation, "the answer belongs to another request"
        return answer

    def is_closed_by_broker(self):
        """Waits for the broker to hang up; an answer means that it didn't."""
        try:
            self._receive(1)
        except ConnectionClosed:
            return True
        return False
