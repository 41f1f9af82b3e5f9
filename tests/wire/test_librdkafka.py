"""confluent-kafka (librdkafka): producing, reading and administration."""

import time

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import ConfigResource, NewTopic, OffsetSpec, ResourceType

from harness import librdkafka
from harness.numbered import CODECS, NumberedRecords


def numbered(name, count):
    records = NumberedRecords(name, count)
    return [(records.key(number), records.value(number), records.headers(number)) for number in range(count)]


@pytest.mark.parametrize("acks", ["0", "1", "all"])
def test_acks(broker, name, acks):
    librdkafka.create_topic(broker, name)
    sent = numbered(name, 2_000)
    librdkafka.produce(broker, name, sent, acks=acks)
    assert librdkafka.content(librdkafka.read_all(broker, name, len(sent))) == sent


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("idempotent", [False, True], ids=["plain", "idempotent"])
def test_codec(broker, name, codec, idempotent):
    librdkafka.create_topic(broker, name)
    sent = numbered(name, 3_000)
    settings = {"compression.type": codec, "enable.idempotence": idempotent, "linger.ms": 20}
    delivered = librdkafka.produce(broker, name, sent, **settings)
    assert [message.offset() for message in delivered] == list(range(len(sent)))
    assert librdkafka.content(librdkafka.read_all(broker, name, len(sent))) == sent


@pytest.mark.parametrize("codec", CODECS)
def test_the_topic_chooses_the_codec(broker, name, codec):
    stored = "uncompressed" if codec == "none" else codec
    librdkafka.create_topic(broker, name, config={"compression.type": stored})
    sent = numbered(name, 500)
    librdkafka.produce(broker, name, sent, **{"compression.type": "snappy"})
    assert librdkafka.content(librdkafka.read_all(broker, name, len(sent))) == sent


def test_records_of_a_megabyte(broker, name):
    librdkafka.create_topic(broker, name)
    sent = [(b"k%d" % number, bytes([number]) * 900_000, []) for number in range(5)]
    librdkafka.produce(broker, name, sent)
    assert librdkafka.content(librdkafka.read_all(broker, name, len(sent))) == sent


def test_a_record_above_the_topics_limit_is_refused(broker, name):
    librdkafka.create_topic(broker, name, config={"max.message.bytes": "2000"})
    with pytest.raises(AssertionError, match="Message size too large"):
        librdkafka.produce(broker, name, [(b"k", b"x" * 5000, [])])
    librdkafka.produce(broker, name, [(b"k", b"x" * 500, [])])


def test_null_and_empty_keys_and_values_differ(broker, name):
    librdkafka.create_topic(broker, name)
    sent = [(key, value, []) for key in (None, b"", b"k") for value in (None, b"", b"v")]
    librdkafka.produce(broker, name, sent)
    assert librdkafka.content(librdkafka.read_all(broker, name, len(sent))) == sent


def test_offsets_by_kind_and_by_time(broker, name):
    librdkafka.create_topic(broker, name)
    start = int(time.time() * 1000) - 10_000
    producer = librdkafka.Producer({"bootstrap.servers": broker.bootstrap})
    for number in range(10):
        producer.produce(name, b"v", timestamp=start + number * 100)
        producer.flush()
    partition = TopicPartition(name, 0)

    def offset(spec):
        return librdkafka.admin(broker).list_offsets({partition: spec})[partition].result(timeout=60).offset

    assert offset(OffsetSpec.earliest()) == 0
    assert offset(OffsetSpec.latest()) == 10
    assert offset(OffsetSpec.max_timestamp()) == 9
    assert offset(OffsetSpec.for_timestamp(start + 250)) == 3
    assert offset(OffsetSpec.for_timestamp(start + 900)) == 9
    assert offset(OffsetSpec.for_timestamp(start + 901)) == -1


def test_log_append_time_is_the_brokers(broker, name):
    librdkafka.create_topic(broker, name, config={"message.timestamp.type": "LogAppendTime"})
    producer = librdkafka.Producer({"bootstrap.servers": broker.bootstrap})
    producer.produce(name, b"v", timestamp=1_000)
    assert producer.flush(60) == 0
    kind, when = librdkafka.read_all(broker, name, 1)[0].timestamp()
    assert kind == 2 and when > 1_600_000_000_000


class TestAdministration:
    def test_topics_are_created_described_and_deleted(self, broker, name):
        librdkafka.create_topic(broker, name, partitions=4)
        admin = librdkafka.admin(broker)
        described = admin.list_topics(name, timeout=30).topics[name]
        assert described.error is None and sorted(described.partitions) == [0, 1, 2, 3]
        for future in admin.delete_topics([name]).values():
            future.result(timeout=60)
        assert name not in admin.list_topics(timeout=30).topics

    def test_a_topic_created_again_is_a_new_one(self, broker, name):
        librdkafka.create_topic(broker, name)
        librdkafka.produce(broker, name, [(b"old", b"old", [])])
        for future in librdkafka.admin(broker).delete_topics([name]).values():
            future.result(timeout=60)
        librdkafka.create_topic(broker, name)
        (delivered,) = librdkafka.produce(broker, name, [(b"new", b"new", [])])
        assert delivered.offset() == 0
        assert librdkafka.content(librdkafka.read_all(broker, name, 1)) == [(b"new", b"new", [])]

    @pytest.mark.parametrize(("wish", "code"), [
        ({}, KafkaError.TOPIC_ALREADY_EXISTS),
        ({"topic": "no/slashes"}, KafkaError.TOPIC_EXCEPTION),
        ({"topic": "x" * 250}, KafkaError.TOPIC_EXCEPTION),
        ({"topic": "..", }, KafkaError.TOPIC_EXCEPTION),
        ({"topic": "three-replicas", "replication_factor": 3}, KafkaError.INVALID_REPLICATION_FACTOR),
        ({"topic": "odd-config", "config": {"no.such.key": "1"}}, KafkaError.INVALID_CONFIG),
        ({"topic": "odd-value", "config": {"retention.ms": "soon"}}, KafkaError.INVALID_CONFIG),
    ], ids=["again", "slash", "long", "dots", "replicas", "key", "value"])
    def test_a_topic_that_cant_be(self, broker, topic, wish, code):
        wish = {"topic": topic, "num_partitions": 1, "replication_factor": 1, **wish}
        (future,) = librdkafka.admin(broker).create_topics([NewTopic(**wish)]).values()
        with pytest.raises(KafkaException) as refused:
            future.result(timeout=60)
        assert refused.value.args[0].code() == code

    def test_only_checking_creates_nothing(self, broker, name):
        admin = librdkafka.admin(broker)
        wish = NewTopic(name, num_partitions=1, replication_factor=1)
        for future in admin.create_topics([wish], validate_only=True).values():
            future.result(timeout=60)
        assert name not in admin.list_topics(timeout=30).topics

    def test_deleting_what_isnt_there_is_refused(self, broker, name):
        (future,) = librdkafka.admin(broker).delete_topics([name]).values()
        with pytest.raises(KafkaException) as refused:
            future.result(timeout=60)
        assert refused.value.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART

    def test_a_topics_configuration(self, broker, name):
        librdkafka.create_topic(broker, name, config={"retention.ms": "3600000", "segment.bytes": "1048576"})
        resource = ConfigResource(ResourceType.TOPIC, name)
        config = librdkafka.admin(broker).describe_configs([resource])[resource].result(timeout=60)
        assert config["retention.ms"].value == "3600000" and not config["retention.ms"].is_default
        assert config["segment.bytes"].value == "1048576"
        assert config["cleanup.policy"].value == "delete" and config["cleanup.policy"].is_default
        assert config["max.message.bytes"].value == "1048588"

    def test_a_brokers_configuration(self, broker):
        admin = librdkafka.admin(broker)
        number = next(iter(admin.list_topics(timeout=30).brokers))
        resource = ConfigResource(ResourceType.BROKER, str(number))
        config = admin.describe_configs([resource])[resource].result(timeout=60)
        assert config["node.id"].value == str(number)
        assert config["log.retention.hours"].value == "168"

    def test_the_cluster(self, broker):
        described = librdkafka.admin(broker).describe_cluster().result(timeout=60)
        assert described.cluster_id
        assert broker.port in [node.port for node in described.nodes]
