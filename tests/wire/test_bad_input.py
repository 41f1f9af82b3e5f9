"""Requests that no well-behaved client sends: an error code or a closed connection, and everybody else is served."""

import gzip
import struct
import uuid

import pytest

from harness import librdkafka, requests
from harness.batches import ATTRIBUTES_AT, CRC_AT, batch, plain_batch, record
from harness.raw import ConnectionClosed, Reader, Writer, header
from harness.requests import Code
from harness.waiting import until

I32_MAX, I32_MIN = 2**31 - 1, -(2**31)
LARGEST_FRAME = 100 * 1024 * 1024
# One batch may inflate to 100 MiB before it is refused, in a buffer that grows by doubling.
MEMORY_MARGIN = 256 * 1024 * 1024


@pytest.fixture(autouse=True)
def others_are_served(broker):
    """Whatever a test sent, a client that behaves gets its answer, and memory hasn't run away."""
    before = broker.resident_bytes() if broker.owns_process else 0
    yield
    with broker.connect() as connection:
        assert requests.metadata(connection, topics=[]).brokers
    if broker.owns_process:
        assert broker.is_running()
        if not broker.is_kafka:
            assert broker.resident_bytes() - before < MEMORY_MARGIN


@pytest.fixture
def connection(broker):
    with broker.connect() as opened:
        yield opened


def expect_closed(connection, key, version, body, flexible=False):
    """The request can't be read, so there is nothing to answer."""
    connection.send_frame(header(key, version, 7, flexible=flexible) + bytes(body.bytes))
    assert connection.is_closed_by_broker()


class TestFrames:
    @pytest.mark.parametrize("size", [LARGEST_FRAME + 1, I32_MAX, -1, I32_MIN], ids=["100MiB+1", "max", "-1", "min"])
    def test_a_size_that_cant_be(self, connection, size):
        connection.send(struct.pack(">i", size))
        assert connection.is_closed_by_broker()

    @pytest.mark.parametrize("size", [0, 1, 3, 7])
    def test_too_small_for_a_header(self, connection, size):
        connection.send_frame(bytes(size))
        assert connection.is_closed_by_broker()

    def test_half_a_frame_and_silence_blocks_nobody(self, broker):
        half = struct.pack(">i", 1_000_000) + header(requests.METADATA, 1, 1) + bytes(5_000)
        silent = [broker.connect() for _ in range(50)]
        try:
            for connection in silent:
                connection.send(half)
            with broker.connect() as other:
                assert requests.metadata(other, topics=[]).brokers
        finally:
            for connection in silent:
                connection.close()

    @pytest.mark.taffrail
    def test_large_announcements_reserve_nothing(self, broker):
        silent = [broker.connect() for _ in range(50)]
        try:
            for connection in silent:
                connection.send(struct.pack(">i", LARGEST_FRAME) + b"\0\3")
            with broker.connect() as other:
                assert requests.metadata(other, topics=[]).brokers
        finally:
            for connection in silent:
                connection.close()

    def test_a_frame_byte_by_byte_is_answered(self, connection):
        frame = header(requests.API_VERSIONS, 0, 3)
        for byte in struct.pack(">i", len(frame)) + frame:
            connection.send(bytes([byte]))
        answer = Reader(connection.receive_frame())
        assert answer.i32() == 3 and requests.read_api_versions(answer).error == Code.NONE

    def test_pipelined_requests_are_answered_in_order(self, connection):
        for number in range(20):
            connection.send_frame(header(requests.API_VERSIONS, 0, number))
        assert [Reader(connection.receive_frame()).i32() for _ in range(20)] == list(range(20))

    def test_noise(self, broker):
        for seed in range(20):
            noise = bytes((seed * 131 + at * 17 + at * at) % 256 for at in range(400))
            with broker.connect() as connection:
                connection.send_frame(noise)
                assert connection.is_closed_by_broker()


class TestVersions:
    @pytest.mark.parametrize("key", [-1, 93, 9_999, 32_767])
    def test_an_unknown_api_is_closed(self, connection, key):
        expect_closed(connection, key, 0, Writer())

    @pytest.mark.parametrize("key", [requests.METADATA, requests.PRODUCE, requests.FETCH, requests.JOIN_GROUP])
    @pytest.mark.parametrize("version", [-1, 99])
    def test_an_unknown_version_is_closed(self, connection, key, version):
        expect_closed(connection, key, version, Writer().i32(0), flexible=version > 0)

    @pytest.mark.parametrize("version", [5, 99, 32_767])
    def test_api_versions_from_the_future_is_answered_in_version_0(self, connection, version):
        answer = connection.request(requests.API_VERSIONS, version, b"\0\0\0", flexible=True)
        seen = requests.read_api_versions(answer)
        assert seen.error == Code.UNSUPPORTED_VERSION and answer.remaining() == 0
        low, high = seen.versions[requests.API_VERSIONS]
        assert low == 0 and high >= 4
        assert requests.api_versions(connection), "the connection goes on"

    def test_what_is_advertised_is_within_kafkas_ranges(self, connection):
        kafka = {
            0: (0, 13), 1: (4, 18), 2: (1, 11), 3: (0, 13), 8: (2, 10), 9: (1, 10), 10: (0, 6), 11: (0, 9), 12: (0, 4),
            13: (0, 5), 14: (0, 5), 15: (0, 6), 16: (0, 5), 18: (0, 4), 19: (2, 7), 20: (1, 6), 22: (0, 6), 32: (1, 4),
            60: (0, 2), 75: (0, 0),
        }
        advertised = requests.api_versions(connection)
        assert set(kafka) <= set(advertised)
        for key, (low, high) in kafka.items():
            assert low <= advertised[key][0] <= advertised[key][1] <= high, (key, advertised[key])


def array_of(key, count):
    """A request whose one array claims `count` elements and holds none."""
    count = Writer().i32(count)
    prefix = {
        requests.PRODUCE: Writer().string(None).i16(-1).i32(1_000),
        requests.FETCH: Writer().i32(-1).i32(0).i32(1).i32(1_000).i8(0).i32(0).i32(-1),
        requests.METADATA: Writer(),
        requests.CREATE_TOPICS: Writer(),
        requests.OFFSET_COMMIT: Writer().string("g").i32(-1).string(""),
        requests.JOIN_GROUP: Writer().string("g").i32(10_000).i32(10_000).string("").string(None).string("consumer"),
        requests.SYNC_GROUP: Writer().string("g").i32(1).string("m").string(None),
    }[key]
    return prefix.raw(bytes(count.bytes))


PLAIN_VERSION = {
    requests.PRODUCE: 7, requests.FETCH: 7, requests.METADATA: 1, requests.CREATE_TOPICS: 2,
    requests.OFFSET_COMMIT: 5, requests.JOIN_GROUP: 5, requests.SYNC_GROUP: 3,
}


class TestLengths:
    @pytest.mark.parametrize("key", PLAIN_VERSION)
    @pytest.mark.parametrize("count", [I32_MAX, 1_000_000], ids=["max", "million"])
    def test_an_array_that_claims_more_than_came(self, connection, key, count):
        expect_closed(connection, key, PLAIN_VERSION[key], array_of(key, count))

    @pytest.mark.parametrize("count", [-2, I32_MIN], ids=["-2", "2^31"])
    def test_a_negative_array(self, connection, count):
        key = requests.CREATE_TOPICS
        expect_closed(connection, key, PLAIN_VERSION[key], array_of(key, count).i32(1_000).i8(0))

    @pytest.mark.parametrize("encoded", [
        b"\xff\xff\xff\xff\x0f", b"\x80\x80\x80\x80\x08", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x80" * 20,
    ], ids=["2^32-1", "2^31", "ten-bytes", "endless"])
    def test_a_compact_array_that_lies(self, connection, encoded):
        expect_closed(connection, requests.METADATA, 9, Writer().raw(encoded), flexible=True)

    def test_tagged_fields_that_lie(self, connection):
        """No topics, three flags, then: as many tagged fields as fit into 31 bits."""
        body = Writer().uvarint(1).raw(b"\0\0\0").uvarint(I32_MAX)
        expect_closed(connection, requests.METADATA, 9, body, flexible=True)

    @pytest.mark.parametrize("length", [-2, 32_767], ids=["negative", "too-long"])
    def test_a_string_that_lies(self, connection, length):
        body = Writer().i32(1).i16(length).raw(b"abc")
        expect_closed(connection, requests.METADATA, 1, body)

    def test_a_string_that_isnt_text(self, broker):
        with broker.connect() as connection:
            body = Writer().i32(1).string(b"\xff\xfe\xfd")
            try:
                answer = connection.request(requests.METADATA, 1, body)
                assert Code.INVALID_TOPIC_EXCEPTION.to_bytes(2, "big") in answer.data
            except ConnectionClosed:
                pass

    def test_records_that_lie_about_their_size(self, connection, topic):
        body = Writer().string(None).i16(-1).i32(1_000).i32(1).string(topic).i32(1).i32(0).i32(I32_MAX).raw(b"abc")
        expect_closed(connection, requests.PRODUCE, 7, body)

    @pytest.mark.taffrail
    def test_records_that_are_missing(self, connection, topic):
        """Apache Kafka never answers this one."""
        assert requests.produce(connection, topic, None).error != Code.NONE

    def test_every_truncation_of_a_request(self, broker, name):
        """A frame that ends early is never taken for a whole request."""
        whole = bytes(requests.create_topics_body(name, partitions=1, configs=[("retention.ms", "1")]).bytes)
        for length in range(len(whole)):
            with broker.connect() as connection:
                connection.send_frame(header(requests.CREATE_TOPICS, 2, 1) + whole[:length])
                assert connection.is_closed_by_broker(), f"{length} of {len(whole)} bytes"
        with broker.connect() as connection:
            assert name not in requests.metadata(connection, topics=None).topics


def lied(at, replacement, count=3):
    """A good batch with some bytes replaced after its CRC was taken."""
    good = bytearray(plain_batch(count))
    good[at:at + len(replacement)] = replacement
    return bytes(good)


def inflating(megabytes):
    """A gzip batch of a few kilobytes that holds one record of many zeros."""
    return batch(gzip.compress(record(0, value=bytes(megabytes << 20))), 1, attributes=1)


GOOD = plain_batch(3)
GZIP = gzip.compress(b"".join(record(delta) for delta in range(3)))

BAD_BATCHES = {
    "crc": (lied(CRC_AT, b"\0\0\0\0"), {Code.CORRUPT_MESSAGE}),
    "flipped-value": (GOOD[:-2] + b"X" + GOOD[-1:], {Code.CORRUPT_MESSAGE}),
    "flipped-attributes": (lied(ATTRIBUTES_AT, b"\0\1"), {Code.CORRUPT_MESSAGE}),
    "truncated": (GOOD[:-5], {Code.INVALID_RECORD}),
    "half-a-header": (GOOD[:40], {Code.INVALID_RECORD}),
    "length-too-large": (plain_batch(3, length=1 << 20), {Code.INVALID_RECORD}),
    "length-too-small": (plain_batch(3, length=10), {Code.CORRUPT_MESSAGE}),
    "length-negative": (plain_batch(3, length=-5), {Code.CORRUPT_MESSAGE}),
    "count-too-high": (plain_batch(3, count=1_000), {Code.INVALID_RECORD}),
    "count-max": (plain_batch(3, count=I32_MAX), {Code.INVALID_RECORD}),
    "count-too-low": (plain_batch(3, count=2), {Code.INVALID_RECORD}),
    "count-zero": (plain_batch(3, count=0), {Code.INVALID_RECORD}),
    "count-negative": (plain_batch(3, count=-1), {Code.INVALID_RECORD}),
    "offset-delta-lies": (plain_batch(3, last_offset_delta=99), {Code.INVALID_RECORD}),
    "offset-delta-negative": (plain_batch(3, last_offset_delta=-1), {Code.INVALID_RECORD}),
    "base-offset": (plain_batch(3, base_offset=5), {Code.INVALID_RECORD}),
    "record-length-lies": (batch(b"\xfe\xff\xff\xff\x0f" + record(0), 1), {Code.INVALID_RECORD}),
    "gzip-count-too-high": (batch(GZIP, 1_000, attributes=1), {Code.INVALID_RECORD}),
    "gzip-count-too-low": (batch(GZIP, 2, attributes=1), {Code.INVALID_RECORD}),
    "control": (plain_batch(1, attributes=0x20), {Code.INVALID_RECORD}),
    "two-batches": (GOOD + GOOD, {Code.INVALID_RECORD}),
    "magic-1": (plain_batch(3, magic=1), {Code.INVALID_RECORD}),
    "far-future": (plain_batch(1, timestamp=2**53), {Code.INVALID_TIMESTAMP}),
    "sequence-without-base": (plain_batch(1, producer=(1, 0, -1)), {Code.INVALID_RECORD}),
}


class TestBatches:
    @pytest.mark.parametrize("what", BAD_BATCHES)
    def test_a_batch_that_lies_is_refused(self, broker, connection, topic, what):
        records, codes = BAD_BATCHES[what]
        answer = requests.produce(connection, topic, records)
        assert answer.error in codes, f"answered {answer.error}"
        seen = requests.fetch(connection, topic, 0)
        assert (seen.high_watermark, seen.records) == (0, b""), "nothing was appended"

    @pytest.mark.taffrail
    def test_offsets_that_dont_follow_each_other(self, connection, topic):
        """Apache Kafka takes such a batch, and with it two records of one offset or a hole."""
        answer = requests.produce(connection, topic, batch(record(0) + record(7) + record(2), 3))
        assert answer.error == Code.INVALID_RECORD
        assert requests.fetch(connection, topic, 0).high_watermark == 0

    @pytest.mark.taffrail
    def test_a_batch_that_inflates_without_end(self, broker, connection, topic):
        answer = requests.produce(connection, topic, inflating(512))
        assert answer.error in (Code.MESSAGE_TOO_LARGE, Code.CORRUPT_MESSAGE, Code.INVALID_RECORD)
        assert "fencing broker" not in broker.log_text(), "the work on it must not delay heartbeats"
        assert requests.fetch(connection, topic, 0).high_watermark == 0

    def test_a_good_batch_is_taken(self, connection, topic):
        """The harness tells the truth when it isn't asked to lie."""
        for records in (GOOD, batch(GZIP, 3, attributes=1)):
            assert requests.produce(connection, topic, records).error == Code.NONE
        assert requests.fetch(connection, topic, 0).high_watermark == 6

    def test_a_gap_in_the_sequence(self, connection, topic):
        assert requests.produce(connection, topic, plain_batch(2, producer=(77, 0, 0))).error == Code.NONE
        gap = requests.produce(connection, topic, plain_batch(2, producer=(77, 0, 5)))
        assert gap.error == Code.OUT_OF_ORDER_SEQUENCE_NUMBER

    def test_a_repeated_sequence_is_answered_with_the_first_offset(self, connection, topic):
        first = requests.produce(connection, topic, plain_batch(2, producer=(78, 0, 0)))
        again = requests.produce(connection, topic, plain_batch(2, producer=(78, 0, 0)))
        assert (first.error, again.error) == (Code.NONE, Code.NONE)
        assert first.base_offset == again.base_offset == 0
        assert requests.fetch(connection, topic, 0).high_watermark == 2

    @pytest.mark.parametrize("acks", [2, -2, 7])
    def test_acks_that_dont_exist(self, connection, topic, acks):
        assert requests.produce(connection, topic, GOOD, acks=acks).error == Code.INVALID_REQUIRED_ACKS

    def test_an_error_without_acks_closes_the_connection(self, connection, topic):
        body = requests.produce_body(topic, lied(CRC_AT, b"\0\0\0\0"), acks=0)
        connection.send_frame(header(requests.PRODUCE, 7, 1) + bytes(body.bytes))
        assert connection.is_closed_by_broker()

    def test_produce_below_version_3_is_refused(self, connection, topic):
        """Version 0 is advertised for an old librdkafka's sake, but not served."""
        body = Writer().i16(1).i32(1_000).i32(1).string(topic).i32(1).i32(0).data(b"")
        expect_closed(connection, requests.PRODUCE, 0, body)

    @pytest.mark.parametrize("partition", [3, -1, I32_MAX])
    def test_a_partition_that_isnt_there(self, connection, topic, partition):
        answer = requests.produce(connection, topic, GOOD, partition=partition)
        assert answer.error == Code.UNKNOWN_TOPIC_OR_PARTITION

    @pytest.mark.parametrize("offset", [-5, 1, 2**62])
    def test_fetching_outside_the_log(self, connection, topic, offset):
        assert requests.fetch(connection, topic, offset).error == Code.OFFSET_OUT_OF_RANGE

    def test_asking_twice_for_the_offset_of_a_partition(self, connection, topic):
        twice = Writer().i32(-1).i32(1).string(topic).i32(2).i32(0).i64(-1).i32(0).i64(-2)
        answer = connection.request(requests.LIST_OFFSETS, 1, twice)
        assert answer.i32() == 1 and answer.string() == topic
        codes = answer.array(lambda: (answer.i32(), answer.i16(), answer.i64(), answer.i64())[1])
        assert set(codes) == {Code.INVALID_REQUEST}

    def test_a_fetch_session_that_isnt_there(self, connection, topic):
        answer = requests.fetch(connection, topic, 0, session=(123_456, 1))
        assert answer.error == Code.FETCH_SESSION_ID_NOT_FOUND


ILLEGAL_NAMES = ["", ".", "..", "a/b", "a b", "ä", "a\0b", "../../etc/passwd", "x" * 250, "a\nb"]


class TestTopics:
    @pytest.mark.parametrize("illegal", ILLEGAL_NAMES, ids=ascii)
    def test_an_illegal_name(self, connection, illegal):
        assert requests.create_topic(connection, illegal)[0] == Code.INVALID_TOPIC_EXCEPTION
        if illegal:
            assert requests.metadata(connection, [illegal]).topics == {illegal: Code.INVALID_TOPIC_EXCEPTION}

    @pytest.mark.parametrize(("shape", "code"), [
        ({"partitions": 0}, Code.INVALID_PARTITIONS),
        ({"partitions": -7}, Code.INVALID_PARTITIONS),
        ({"partitions": I32_MAX}, None),
        ({"replication": 0}, Code.INVALID_REPLICATION_FACTOR),
        ({"replication": 9}, Code.INVALID_REPLICATION_FACTOR),
        ({"configs": [("retention.ms", "many")]}, Code.INVALID_CONFIG),
        ({"configs": [("no.such.key", "1")]}, Code.INVALID_CONFIG),
        ({"configs": [("segment.bytes", "-1")]}, Code.INVALID_CONFIG),
    ], ids=["no-partitions", "negative", "2^31-1", "no-replicas", "nine-replicas", "value", "key", "range"])
    def test_an_impossible_shape(self, connection, name, shape, code):
        error, _ = requests.create_topic(connection, name, **shape)
        assert error == code if code is not None else error != Code.NONE
        assert name not in requests.metadata(connection, topics=None).topics

    def test_names_that_differ_only_in_dots_collide(self, connection):
        stem = f"x{uuid.uuid4().hex[:6]}"
        assert requests.create_topic(connection, f"{stem}.y")[0] == Code.NONE
        assert requests.create_topic(connection, f"{stem}_y")[0] == Code.INVALID_TOPIC_EXCEPTION

    @pytest.mark.taffrail
    def test_compaction_is_refused_aloud(self, connection, name):
        error, message = requests.create_topic(connection, name, configs=[("cleanup.policy", "compact")])
        assert error in (Code.INVALID_CONFIG, Code.INVALID_REQUEST) and "compact" in message


class TestGroups:
    @pytest.fixture
    def joined(self, broker, connection, name):
        """A stable group of one: its name, generation and member id."""
        librdkafka.create_topic(broker, name)
        until("the group has a coordinator", lambda: requests.find_coordinator(connection, name) == Code.NONE)
        until("it has loaded", lambda: requests.heartbeat(connection, name, 1, "nobody") == Code.UNKNOWN_MEMBER_ID)
        first = requests.join_group(connection, name)
        assert first.error == Code.MEMBER_ID_REQUIRED
        second = requests.join_group(connection, name, first.member)
        assert second.error == Code.NONE
        assert requests.sync_group(connection, name, second.generation, second.member) == Code.NONE
        return name, second.generation, second.member

    def test_an_unknown_member(self, connection, joined):
        group, generation, _ = joined
        assert requests.heartbeat(connection, group, generation, "nobody") == Code.UNKNOWN_MEMBER_ID
        assert requests.sync_group(connection, group, generation, "nobody") == Code.UNKNOWN_MEMBER_ID
        assert requests.leave_group(connection, group, "nobody") == Code.UNKNOWN_MEMBER_ID
        assert requests.join_group(connection, group, "nobody").error == Code.UNKNOWN_MEMBER_ID
        assert requests.commit_offset(connection, group, generation, "nobody", group, 1) == Code.UNKNOWN_MEMBER_ID

    @pytest.mark.parametrize("step", [-1, 1])
    def test_an_unknown_generation(self, connection, joined, step):
        group, generation, member = joined
        wrong = generation + step
        assert requests.heartbeat(connection, group, wrong, member) == Code.ILLEGAL_GENERATION
        assert requests.sync_group(connection, group, wrong, member) == Code.ILLEGAL_GENERATION
        assert requests.commit_offset(connection, group, wrong, member, group, 1) == Code.ILLEGAL_GENERATION

    def test_the_right_member_and_generation(self, connection, joined):
        group, generation, member = joined
        assert requests.heartbeat(connection, group, generation, member) == Code.NONE
        assert requests.commit_offset(connection, group, generation, member, group, 1) == Code.NONE
        assert requests.leave_group(connection, group, member) == Code.NONE
        assert requests.heartbeat(connection, group, generation, member) == Code.UNKNOWN_MEMBER_ID

    def test_a_group_that_isnt_there(self, connection, name):
        until("it has a coordinator", lambda: requests.heartbeat(connection, name, 1, "no") == Code.UNKNOWN_MEMBER_ID)
        assert requests.leave_group(connection, name, "nobody") == Code.UNKNOWN_MEMBER_ID

    def test_a_group_without_a_name(self, connection):
        assert requests.join_group(connection, "").error == Code.INVALID_GROUP_ID

    @pytest.mark.parametrize("session_ms", [1, -1, I32_MAX])
    def test_a_session_beyond_the_limits(self, connection, name, session_ms):
        requests.find_coordinator(connection, name)
        assert requests.join_group(connection, name, session_ms=session_ms).error == Code.INVALID_SESSION_TIMEOUT
