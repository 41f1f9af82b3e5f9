"""The handful of requests that the raw tests send, each at one version with the plain (non-flexible) encoding."""

from dataclasses import dataclass, field
from types import SimpleNamespace

from harness.raw import Writer

PRODUCE, FETCH, LIST_OFFSETS, METADATA, OFFSET_COMMIT, FIND_COORDINATOR = 0, 1, 2, 3, 8, 10
JOIN_GROUP, HEARTBEAT, LEAVE_GROUP, SYNC_GROUP = 11, 12, 13, 14
API_VERSIONS, CREATE_TOPICS, INIT_PRODUCER_ID = 18, 19, 22


class Code:
    """Kafka's error codes, by the names that it gives them."""

    OFFSET_OUT_OF_RANGE = 1
    CORRUPT_MESSAGE = 2
    UNKNOWN_TOPIC_OR_PARTITION = 3
    MESSAGE_TOO_LARGE = 10
    INVALID_TOPIC_EXCEPTION = 17
    INVALID_REQUIRED_ACKS = 21
    ILLEGAL_GENERATION = 22
    INVALID_GROUP_ID = 24
    UNKNOWN_MEMBER_ID = 25
    INVALID_SESSION_TIMEOUT = 26
    INVALID_TIMESTAMP = 32
    UNSUPPORTED_VERSION = 35
    TOPIC_ALREADY_EXISTS = 36
    INVALID_PARTITIONS = 37
    INVALID_REPLICATION_FACTOR = 38
    INVALID_REPLICA_ASSIGNMENT = 39
    INVALID_CONFIG = 40
    INVALID_REQUEST = 42
    UNSUPPORTED_FOR_MESSAGE_FORMAT = 43
    POLICY_VIOLATION = 44
    OUT_OF_ORDER_SEQUENCE_NUMBER = 45
    FETCH_SESSION_ID_NOT_FOUND = 70
    MEMBER_ID_REQUIRED = 79
    INVALID_RECORD = 87
    NONE = 0


def api_versions(connection):
    """ApiVersions 0: {key: (lowest, highest)}."""
    answer = connection.request(API_VERSIONS, 0, b"")
    return read_api_versions(answer).versions


def read_api_versions(answer):
    code = answer.i16()
    rows = answer.array(lambda: (answer.i16(), answer.i16(), answer.i16()))
    return SimpleNamespace(error=code, versions={key: (low, high) for key, low, high in rows})


@dataclass
class Metadata:
    """The part of a Metadata answer that tests look at."""

    brokers: list = field(default_factory=list)
    topics: dict = field(default_factory=dict)


def metadata_body(topics):
    return Writer().array(topics, Writer.string)


def metadata(connection, topics):
    """Metadata 1: brokers as (id, host, port), topics as name -> error code."""
    answer = connection.request(METADATA, 1, metadata_body(topics))
    found = Metadata()
    for _ in range(answer.i32()):
        found.brokers.append((answer.i32(), answer.string(), answer.i32()))
        answer.string()  # rack
    answer.i32()  # controller
    for _ in range(answer.i32()):
        code, name = answer.i16(), answer.string()
        answer.i8()
        for _ in range(answer.i32()):
            answer.i16(), answer.i32(), answer.i32()
            answer.array(answer.i32), answer.array(answer.i32)
        found.topics[name] = code
    return found


def create_topics_body(name, partitions=1, replication=1, configs=()):
    body = Writer().i32(1).string(name).i32(partitions).i16(replication).i32(0)
    body.array(list(configs), lambda w, pair: w.string(pair[0]).string(pair[1]))
    return body.i32(30_000).i8(0)


def create_topic(connection, name, **shape):
    """CreateTopics 2 for one topic: (error code, message)."""
    answer = connection.request(CREATE_TOPICS, 2, create_topics_body(name, **shape))
    answer.i32()
    assert answer.i32() == 1
    answer.string()
    return answer.i16(), answer.string()


def produce_body(topic, records, partition=0, acks=-1, transactional_id=None):
    return (
        Writer().string(transactional_id).i16(acks).i32(30_000)
        .i32(1).string(topic).i32(1).i32(partition).data(records)
    )


def produce(connection, topic, records, version=7, **how):
    """Produce 3 to 7 for one partition: error code, base offset."""
    answer = connection.request(PRODUCE, version, produce_body(topic, records, **how))
    assert answer.i32() == 1 and answer.string() == topic and answer.i32() == 1
    answer.i32()
    return SimpleNamespace(error=answer.i16(), base_offset=answer.i64())


def fetch(connection, topic, offset, partition=0, max_wait_ms=100, max_bytes=1 << 20, session=(0, -1)):
    """Fetch 7 for one partition: error code, high watermark, records' bytes."""
    body = (
        Writer().i32(-1).i32(max_wait_ms).i32(1).i32(max_bytes).i8(0).i32(session[0]).i32(session[1])
        .i32(1).string(topic).i32(1).i32(partition).i64(offset).i64(-1).i32(max_bytes).i32(0)
    )
    answer = connection.request(FETCH, 7, body)
    answer.i32()
    code = answer.i16()
    answer.i32()  # session id
    if answer.i32() == 0:
        return SimpleNamespace(error=code, high_watermark=None, records=b"")
    answer.string()
    assert answer.i32() == 1
    answer.i32()
    partition_code, high_watermark = answer.i16(), answer.i64()
    answer.i64(), answer.i64()
    answer.array(lambda: (answer.i64(), answer.i64()))
    return SimpleNamespace(
        error=code or partition_code, high_watermark=high_watermark, records=answer.content() or b""
    )


def find_coordinator(connection, group):
    """FindCoordinator 1: error code."""
    answer = connection.request(FIND_COORDINATOR, 1, Writer().string(group).i8(0))
    answer.i32()
    return answer.i16()


def subscription(*topics):
    """What a consumer says of itself when it joins: version 0, topics, no user data."""
    return bytes(Writer().i16(0).array(topics, Writer.string).data(None).bytes)


def join_group_body(group, member, session_ms=10_000):
    return (
        Writer().string(group).i32(session_ms).i32(10_000).string(member).string(None).string("consumer")
        .i32(1).string("range").data(subscription("any"))
    )


def join_group(connection, group, member="", **how):
    """JoinGroup 5: error code, generation, member id."""
    answer = connection.request(JOIN_GROUP, 5, join_group_body(group, member, **how))
    answer.i32()
    code, generation = answer.i16(), answer.i32()
    answer.string(), answer.string()
    return SimpleNamespace(error=code, generation=generation, member=answer.string())


def sync_group(connection, group, generation, member):
    """SyncGroup 3 as a leader that gives itself everything: error code."""
    body = Writer().string(group).i32(generation).string(member).string(None)
    body.i32(1).string(member).data(b"assignment")
    answer = connection.request(SYNC_GROUP, 3, body)
    answer.i32()
    return answer.i16()


def heartbeat(connection, group, generation, member):
    """Heartbeat 3: error code."""
    body = Writer().string(group).i32(generation).string(member).string(None)
    answer = connection.request(HEARTBEAT, 3, body)
    answer.i32()
    return answer.i16()


def leave_group(connection, group, member):
    """LeaveGroup 1: error code."""
    answer = connection.request(LEAVE_GROUP, 1, Writer().string(group).string(member))
    answer.i32()
    return answer.i16()


def commit_offset(connection, group, generation, member, topic, offset, partition=0):
    """OffsetCommit 5: error code of the one partition."""
    body = Writer().string(group).i32(generation).string(member)
    body.i32(1).string(topic).i32(1).i32(partition).i64(offset).string("")
    answer = connection.request(OFFSET_COMMIT, 5, body)
    answer.i32()
    assert answer.i32() == 1
    answer.string()
    assert answer.i32() == 1
    answer.i32()
    return answer.i16()


def init_producer_id(connection, transactional_id):
    """InitProducerId 0: error code, producer id, epoch."""
    answer = connection.request(INIT_PRODUCER_ID, 0, Writer().string(transactional_id).i32(60_000))
    answer.i32()
    return SimpleNamespace(error=answer.i16(), producer_id=answer.i64(), epoch=answer.i16())
