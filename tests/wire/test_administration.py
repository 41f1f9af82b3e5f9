"""Topics get partitions and configurations while they are in use; brokers get theirs. With Kafka's tools, librdkafka and
kafka-python."""

import contextlib
import json
import re
import struct
import subprocess

import pytest
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import (
    AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, ResourceType,
)
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource as PythonResource
from kafka.admin import ConfigResourceType as PythonResourceType
from kafka.errors import InvalidPartitionsError

from harness import librdkafka, requests
from harness.batches import ATTRIBUTES_AT, batch, plain_batch, record
from harness.paths import TAFFRAIL_BIN
from harness.requests import Code
from harness.waiting import until

PATIENCE = librdkafka.PATIENCE
TOPIC_SOURCE, BROKER_SOURCE, ALL_BROKERS_SOURCE, STATIC_SOURCE, DEFAULT_SOURCE = 1, 2, 3, 4, 5


def partition_count(broker, topic):
    return len(librdkafka.admin(broker).list_topics(topic, timeout=30).topics[topic].partitions)


def until_led(broker, topic, partition):
    with broker.connect() as connection:
        until("the partition's leader knows it", lambda: librdkafka.is_led(connection, topic, partition))


def broker_number(broker):
    (number,) = {str(node) for node in librdkafka.admin(broker).list_topics(timeout=30).brokers}
    return number


def settle(futures):
    """The errors of a request to an admin client, by what it was about; None where there was none."""
    def error(future):
        try:
            future.result(timeout=PATIENCE)
            return None
        except KafkaException as failure:
            return failure.args[0]
    return [error(future) for future in futures.values()]


def codes(errors):
    return [error and error.code() for error in errors]


def alter(broker, resource_type, name, changes, validate_only=False):
    """IncrementalAlterConfigs for one resource: the error, or None. `changes` are (key, operation, value)."""
    entries = [ConfigEntry(key, value, incremental_operation=operation) for key, operation, value in changes]
    resource = ConfigResource(resource_type, name, incremental_configs=entries)
    (error,) = settle(librdkafka.admin(broker).incremental_alter_configs([resource], validate_only=validate_only))
    return error


def set_topic(broker, topic, **keys):
    changes = [(key.replace("_", "."), AlterConfigOpType.SET, value) for key, value in keys.items()]
    assert alter(broker, ResourceType.TOPIC, topic, changes) is None


def described(broker, resource_type, name):
    resource = ConfigResource(resource_type, name)
    (future,) = librdkafka.admin(broker).describe_configs([resource]).values()
    return future.result(timeout=PATIENCE)


def topic_config(broker, topic, key):
    """A key's value, and where it comes from."""
    entry = described(broker, ResourceType.TOPIC, topic)[key]
    return entry.value, entry.source


def expect_topic_config(broker, topic, key, value, source):
    until(
        f"{key} of {topic} is {value} by source {source}",
        lambda: topic_config(broker, topic, key) == (value, source),
    )


def large_batch(size):
    """One record of so many bytes, which no codec makes smaller on its way."""
    return batch(record(0, value=b"x" * size), 1)


def produce_raw(broker, topic, records):
    with broker.connect() as connection:
        return requests.produce(connection, topic, records).error


# Partitions.


def test_kafka_topics_adds_partitions(broker, tools, topic):
    def alter_to(count):
        return tools.run("kafka-topics", "--bootstrap-server", broker.bootstrap, "--alter", "--topic", topic,
                         "--partitions", count)

    alter_to(5).expect_success()
    until("five partitions are described", lambda: "PartitionCount: 5" in tools.against(
        broker, "kafka-topics", "--describe", "--topic", topic).out)
    for count, word in ((5, "Topic already has 5 partition(s)"), (2, "2 would not be an increase")):
        refused = alter_to(count)
        assert refused.status != 0 and word in refused.out + refused.err
    assert partition_count(broker, topic) == 5
    assigned = tools.run("kafka-topics", "--bootstrap-server", broker.bootstrap, "--alter", "--topic", topic,
                         "--partitions", 6, "--replica-assignment", "1,1,1,1,1,7")
    assert assigned.status != 0 and "broker 7" in assigned.out + assigned.err


def test_new_partitions_are_written_and_read(broker, topic, name):
    member = librdkafka.consumer(broker, name, **{"topic.metadata.refresh.interval.ms": 500})
    try:
        member.subscribe([topic])
        librdkafka.produce(broker, topic, [(b"k", b"before", [])])
        librdkafka.take(member, 1)
        member.commit(asynchronous=False)
        assert settle(librdkafka.admin(broker).create_partitions([NewPartitions(topic, 6)])) == [None]
        until_led(broker, topic, 5)
        with broker.connect() as connection:
            for partition in range(6):
                assert requests.produce(connection, topic, plain_batch(1), partition=partition).error == Code.NONE
        # The group learns of the new partitions and spreads them, without being told. What wasn't committed before that
        # is read again.
        came = set()
        until("all six are read", lambda: came.update(
            message.partition() for message in member.consume(10, timeout=0.5)) or came == set(range(6)))
        assert len(member.assignment()) == 6
        member.commit(asynchronous=False)
        (committed,) = member.committed([TopicPartition(topic, 5)], timeout=30)
        assert committed.offset == 1
    finally:
        member.close()


def test_partitions_that_cannot_be_added(broker, topic, name):
    admin = librdkafka.admin(broker)
    assert settle(admin.create_partitions([NewPartitions(topic, 4)], validate_only=True)) == [None]
    assert partition_count(broker, topic) == 3
    wishes = [
        NewPartitions(topic, 2), NewPartitions(f"{name}-missing", 2),
    ]
    errors = settle(admin.create_partitions(wishes))
    assert codes(errors) == [Code.INVALID_PARTITIONS, Code.UNKNOWN_TOPIC_OR_PARTITION]
    assert errors[0].str() == f"The topic {topic} currently has 3 partition(s); 2 would not be an increase."
    wrong_broker = NewPartitions(topic, 4, replica_assignment=[[7]])
    (error,) = settle(admin.create_partitions([wrong_broker]))
    assert error.code() == Code.INVALID_REPLICA_ASSIGNMENT
    assert partition_count(broker, topic) == 3


@pytest.mark.taffrail
def test_too_many_partitions_are_refused_by_their_error(broker, topic):
    """As when a topic is created. Apache Kafka has only "unknown server error" for it here."""
    (error,) = settle(librdkafka.admin(broker).create_partitions([NewPartitions(topic, 100_000)]))
    assert error.code() == Code.POLICY_VIOLATION
    assert partition_count(broker, topic) == 3


@pytest.mark.taffrail
def test_the_groups_topic_keeps_its_partitions(broker, topic, name):
    """Apache Kafka leaves it to its tool to refuse; a library gets through, and groups lose their offsets."""
    librdkafka.produce(broker, topic, [(b"k", b"v", [])])
    member = librdkafka.consumer(broker, name)
    member.subscribe([topic])
    librdkafka.take(member, 1)
    member.commit(asynchronous=False)
    member.close()
    before = partition_count(broker, "__consumer_offsets")
    (error,) = settle(librdkafka.admin(broker).create_partitions([NewPartitions("__consumer_offsets", before + 1)]))
    assert error.code() == Code.INVALID_REQUEST and "cannot change in number" in error.str()
    assert partition_count(broker, "__consumer_offsets") == before


def test_kafka_python_adds_partitions(broker, topic):
    with contextlib.closing(KafkaAdminClient(bootstrap_servers=broker.bootstrap)) as client:
        client.create_partitions({topic: 4})
        until_led(broker, topic, 3)
        with pytest.raises(InvalidPartitionsError):
            client.create_partitions({topic: 1})
    assert partition_count(broker, topic) == 4


# Configurations of topics.


def test_kafka_configs_on_a_topic(broker, tools, topic):
    def configs(*arguments):
        return tools.run("kafka-configs", "--bootstrap-server", broker.bootstrap, "--entity-type", "topics",
                         "--entity-name", topic, *arguments)

    configs("--alter", "--add-config", "retention.ms=7200000,max.message.bytes=2000").expect_success()
    expect_topic_config(broker, topic, "retention.ms", "7200000", TOPIC_SOURCE)
    shown = configs("--describe").expect_success().out
    assert "retention.ms=7200000 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:retention.ms=7200000" in shown
    assert re.search(r"max\.message\.bytes=2000 .*DYNAMIC_TOPIC_CONFIG:max\.message\.bytes=2000, "
                     r"DEFAULT_CONFIG:message\.max\.bytes=1048588", shown)
    configs("--alter", "--delete-config", "retention.ms").expect_success()
    expect_topic_config(broker, topic, "retention.ms", "604800000", DEFAULT_SOURCE)
    assert "max.message.bytes=2000" in configs("--describe").expect_success().out
    for bad, word in (
        ("retention.ms=soon", "Not a number of type LONG"),
        ("segment.bytes=1", "Value must be at least 1048576"),
        ("no.such.key=1", "no.such.key"),
    ):
        refused = configs("--alter", "--add-config", bad)
        assert refused.status != 0 and word in refused.out + refused.err, refused
    assert topic_config(broker, topic, "segment.bytes")[1] == DEFAULT_SOURCE


def test_a_topics_keys_hold_at_once(broker, topic):
    assert produce_raw(broker, topic, large_batch(4_000)) == Code.NONE
    set_topic(broker, topic, max_message_bytes="2000")
    until("large batches are refused",
          lambda: produce_raw(broker, topic, large_batch(4_000)) == Code.MESSAGE_TOO_LARGE)
    assert produce_raw(broker, topic, plain_batch(1)) == Code.NONE
    assert alter(broker, ResourceType.TOPIC, topic, [("max.message.bytes", AlterConfigOpType.DELETE, None)]) is None
    until("large batches are taken again",
          lambda: produce_raw(broker, topic, large_batch(4_000)) == Code.NONE)


def stored_attributes(broker, topic):
    """Appends a batch, and returns its attributes as they are stored."""
    with broker.connect() as connection:
        appended = requests.produce(connection, topic, plain_batch(3))
        assert appended.error == Code.NONE
        fetched = requests.fetch(connection, topic, appended.base_offset)
        return struct.unpack_from(">h", fetched.records, ATTRIBUTES_AT)[0]


def test_codec_and_timestamps_hold_at_once(broker, topic):
    codec, append_time = 0b111, 0b1000
    assert stored_attributes(broker, topic) & (codec | append_time) == 0
    set_topic(broker, topic, compression_type="gzip", message_timestamp_type="LogAppendTime")
    until("batches are stored as the topic says",
          lambda: stored_attributes(broker, topic) & (codec | append_time) == 1 | append_time)
    set_topic(broker, topic, compression_type="zstd", message_timestamp_type="CreateTime")
    until("and otherwise when it says otherwise",
          lambda: stored_attributes(broker, topic) & (codec | append_time) == 4)


@pytest.mark.process
def test_segments_become_smaller_at_once(broker, topic):
    def segments():
        return len(list((broker.data / f"{topic}-0").glob("*.log")))

    filler = large_batch(400_000)
    for _ in range(4):
        assert produce_raw(broker, topic, filler) == Code.NONE
    assert segments() == 1
    set_topic(broker, topic, segment_bytes="1048576")

    def more():
        assert produce_raw(broker, topic, filler) == Code.NONE
        return segments() > 1

    until("a new segment is begun", more)
    before = segments()
    for _ in range(6):
        assert produce_raw(broker, topic, filler) == Code.NONE
    assert segments() >= before + 2


def test_operations_on_keys(broker, topic):
    def change(key, operation, value=None, **how):
        return alter(broker, ResourceType.TOPIC, topic, [(key, operation, value)], **how)

    op = AlterConfigOpType
    throttled = "leader.replication.throttled.replicas"
    assert change(throttled, op.APPEND, "0:1,1:1") is None
    assert change(throttled, op.APPEND, "1:1,2:1") is None
    expect_topic_config(broker, topic, throttled, "0:1,1:1,2:1", TOPIC_SOURCE)
    assert change(throttled, op.SUBTRACT, "0:1") is None
    expect_topic_config(broker, topic, throttled, "1:1,2:1", TOPIC_SOURCE)
    assert change("retention.ms", op.SET, "1000", validate_only=True) is None
    assert topic_config(broker, topic, "retention.ms")[1] == DEFAULT_SOURCE
    refused = change("retention.ms", op.APPEND, "1")
    assert refused.code() == Code.INVALID_CONFIG
    assert refused.str() == "Can't APPEND to key retention.ms because its type is not LIST."
    # All of a resource's changes or none.
    refused = alter(broker, ResourceType.TOPIC, topic,
                    [("retention.ms", op.SET, "1000"), ("segment.ms", op.SET, "soon")])
    assert refused.code() == Code.INVALID_CONFIG
    assert topic_config(broker, topic, "retention.ms")[1] == DEFAULT_SOURCE
    # To take out what isn't there is no mistake.
    assert change("retention.ms", op.DELETE) is None


def test_each_resource_for_itself(broker, topic, name):
    other = librdkafka.create_topic(broker, name + "-other")
    op = AlterConfigOpType

    def resource(kind, named, key, value):
        entry = ConfigEntry(key, value, incremental_operation=op.SET)
        return ConfigResource(kind, named, incremental_configs=[entry])

    errors = settle(librdkafka.admin(broker).incremental_alter_configs([
        resource(ResourceType.TOPIC, topic, "retention.ms", "1000"),
        resource(ResourceType.TOPIC, name + "-missing", "retention.ms", "1000"),
        resource(ResourceType.TOPIC, other, "retention.ms", "-2"),
    ]))
    assert codes(errors) == [None, Code.UNKNOWN_TOPIC_OR_PARTITION, Code.INVALID_CONFIG]
    expect_topic_config(broker, topic, "retention.ms", "1000", TOPIC_SOURCE)
    assert topic_config(broker, other, "retention.ms")[1] == DEFAULT_SOURCE


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_older_request_replaces_everything(broker, topic):
    def replace(**keys):
        configs = {key.replace("_", "."): value for key, value in keys.items()}
        resource = ConfigResource(ResourceType.TOPIC, topic, set_config=configs)
        (error,) = settle(librdkafka.admin(broker).alter_configs([resource]))
        return error

    assert replace(retention_ms="1000", segment_ms="2000") is None
    expect_topic_config(broker, topic, "segment.ms", "2000", TOPIC_SOURCE)
    assert replace(segment_ms="soon").code() == Code.INVALID_CONFIG
    assert replace(segment_ms="3000") is None
    expect_topic_config(broker, topic, "segment.ms", "3000", TOPIC_SOURCE)
    assert topic_config(broker, topic, "retention.ms")[1] == DEFAULT_SOURCE


@pytest.mark.parametrize("incremental", [True, False], ids=["incremental", "older"])
def test_kafka_python_configures(broker, topic, incremental):
    with contextlib.closing(KafkaAdminClient(bootstrap_servers=broker.bootstrap)) as client:
        resource = PythonResource(PythonResourceType.TOPIC, topic, {"retention.ms": "5000"})
        client.alter_configs([resource], incremental=incremental)
        expect_topic_config(broker, topic, "retention.ms", "5000", TOPIC_SOURCE)
        wanted = PythonResource(PythonResourceType.TOPIC, topic)
        shown = client.describe_configs([wanted])["topic"][topic]
        assert shown["retention.ms"]["value"] == "5000"


@pytest.mark.taffrail
def test_compaction_is_refused_as_at_creation(broker, topic, name):
    with pytest.raises(KafkaException) as created:
        librdkafka.create_topic(broker, name + "-compacted", config={"cleanup.policy": "compact"})
    refused = alter(broker, ResourceType.TOPIC, topic, [("cleanup.policy", AlterConfigOpType.SET, "compact")])
    assert refused.code() == Code.INVALID_CONFIG
    assert refused.str() == created.value.args[0].str()
    appended = alter(broker, ResourceType.TOPIC, topic, [("cleanup.policy", AlterConfigOpType.APPEND, "compact")])
    assert appended.code() == Code.INVALID_CONFIG and "compaction is not there yet" in appended.str()


# Configurations of brokers.


@contextlib.contextmanager
def broker_keys(broker, tools, *entity, **keys):
    """Keys of a broker, or of all, that are set for a while."""
    names = [key.replace("_", ".") for key in keys]
    pairs = [f"{name}={value}" for name, value in zip(names, keys.values(), strict=True)]
    alter_it = ("kafka-configs", "--alter", "--entity-type", "brokers", *entity)
    tools.against(broker, *alter_it, "--add-config", ",".join(pairs))
    try:
        yield
    finally:
        tools.against(broker, *alter_it, "--delete-config", ",".join(names))


def test_kafka_configs_on_brokers(broker, tools, topic):
    number = broker_number(broker)
    one, every = ("--entity-name", number), ("--entity-default",)

    def shown(*entity):
        return tools.against(broker, "kafka-configs", "--describe", "--entity-type", "brokers", *entity).out

    large = large_batch(4_000)
    with broker_keys(broker, tools, *every, message_max_bytes=2_000, log_retention_ms=7_200_000):
        expect_topic_config(broker, topic, "max.message.bytes", "2000", ALL_BROKERS_SOURCE)
        expect_topic_config(broker, topic, "retention.ms", "7200000", ALL_BROKERS_SOURCE)
        until("large batches are refused", lambda: produce_raw(broker, topic, large) == Code.MESSAGE_TOO_LARGE)
        assert "log.retention.ms=7200000 sensitive=false " \
               "synonyms={DYNAMIC_DEFAULT_BROKER_CONFIG:log.retention.ms=7200000}" in shown(*every)
        with broker_keys(broker, tools, *one, message_max_bytes=9_000):
            expect_topic_config(broker, topic, "max.message.bytes", "9000", BROKER_SOURCE)
            until("large batches are taken", lambda: produce_raw(broker, topic, large) == Code.NONE)
            assert re.search(
                r"message\.max\.bytes=9000 sensitive=false synonyms=\{DYNAMIC_BROKER_CONFIG:message\.max\.bytes=9000, "
                r"DYNAMIC_DEFAULT_BROKER_CONFIG:message\.max\.bytes=2000, DEFAULT_CONFIG:message\.max\.bytes=1048588\}",
                shown(*one))
            # The topic's own word is the last.
            set_topic(broker, topic, max_message_bytes="3000")
            until("large batches are refused", lambda: produce_raw(broker, topic, large) == Code.MESSAGE_TOO_LARGE)
    expect_topic_config(broker, topic, "retention.ms", "604800000", DEFAULT_SOURCE)


def test_broker_keys_that_cannot_be_changed(broker, tools):
    number = broker_number(broker)
    one, every = ("--entity-name", number), ("--entity-default",)
    for entity, change, word in (
        (one, "log.dirs=/x", "Cannot update these configs dynamically: [log.dirs]"),
        (every, "auto.create.topics.enable=false",
         "Cannot update these configs dynamically: [auto.create.topics.enable]"),
        (every, "ssl.client.auth=none",
         "Cannot update these configs at default cluster level, broker id must be specified: [ssl.client.auth]"),
        (one, "ssl.keystore.location=/x",
         "These security configs can be dynamically updated only per-listener using the listener prefix: "
         "[ssl.keystore.location]"),
        (every, "log.retention.ms=soon",
         "Invalid value soon for configuration log.retention.ms: Not a number of type LONG"),
        (one, "min.insync.replicas=2", "Broker-level min.insync.replicas cannot be altered while ELR is enabled."),
    ):
        refused = tools.run("kafka-configs", "--bootstrap-server", broker.bootstrap, "--alter", "--entity-type",
                            "brokers", *entity, "--add-config", change)
        assert refused.status != 0 and word in refused.out + refused.err, f"{change}\n{refused.out}\n{refused.err}"


def test_broker_keys_are_refused_by_their_error(broker):
    number = broker_number(broker)
    set_to = AlterConfigOpType.SET
    for name, key, value in ((number, "log.dirs", "/x"), (number, "log.retention.ms", "soon")):
        refused = alter(broker, ResourceType.BROKER, name, [(key, set_to, value)])
        assert refused.code() == Code.INVALID_REQUEST, refused
    refused = alter(broker, ResourceType.BROKER, number, [("log.retention.ms", AlterConfigOpType.APPEND, "1")])
    assert refused.code() == Code.INVALID_CONFIG
    assert refused.str() == "Config value append is not allowed for config key: log.retention.ms"


@pytest.mark.taffrail
def test_what_is_read_at_the_start_alone_is_refused(broker):
    """Apache Kafka resizes its thread pools while it runs; to take the key and do nothing would be a lie."""
    refused = alter(broker, ResourceType.BROKER, broker_number(broker),
                    [("num.io.threads", AlterConfigOpType.SET, "4")])
    assert refused.code() == Code.INVALID_REQUEST
    assert refused.str() == "Cannot update these configs dynamically: [num.io.threads]"


# Taffrail's own command line.


@pytest.mark.taffrail
def test_the_command_line(broker, topic):
    def taffrail(*arguments):
        return subprocess.run([str(TAFFRAIL_BIN), "topic", *arguments, "--bootstrap", broker.bootstrap],
                              capture_output=True, text=True, timeout=60, check=False)

    altered = taffrail("alter", topic, "--partitions", "4")
    assert altered.returncode == 0 and altered.stdout == f"topic {topic} has 4 partitions now\n"
    assert partition_count(broker, topic) == 4
    fewer = taffrail("alter", topic, "--partitions", "2")
    assert fewer.returncode != 0
    assert "2 would not be an increase. (INVALID_PARTITIONS); partitions can be added" in fewer.stderr

    assert taffrail("config", topic).stdout == f"nothing is configured for topic {topic}; --all shows what holds\n"
    tried = taffrail("config", topic, "--set", "retention.ms=1000", "--dry-run")
    assert "would be accepted" in tried.stdout
    changed = taffrail("config", topic, "--set", "retention.ms=1000", "--set", "segment.ms=2000")
    assert changed.returncode == 0, changed.stderr
    assert taffrail("config", topic).stdout == "retention.ms=1000\nsegment.ms=2000\n"
    assert taffrail("config", topic, "--delete", "segment.ms").returncode == 0
    assert taffrail("config", topic).stdout == "retention.ms=1000\n"
    assert re.search(r"^retention\.ms +1000 +the topic$", taffrail("config", topic, "--all").stdout, re.MULTILINE)
    for arguments, word in (
        (("--set", "no.such.key=1"), "Unknown topic config name: no.such.key"),
        (("--delete", "retention.msec"), "topics have no configuration retention.msec"),
        (("--set", "cleanup.policy=compact"), "log compaction is not there yet"),
    ):
        refused = taffrail("config", topic, *arguments)
        assert refused.returncode != 0 and word in refused.stderr


# What was decided stays.


@pytest.mark.process
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_partitions_and_configurations_survive_a_restart(own_broker, tools, end):
    number = broker_number(own_broker)
    librdkafka.create_topic(own_broker, "kept")
    assert settle(librdkafka.admin(own_broker).create_partitions([NewPartitions("kept", 3)])) == [None]
    until_led(own_broker, "kept", 2)
    set_topic(own_broker, "kept", max_message_bytes="2000", retention_ms="7200000")
    for name, value in (("", "3600000"), (number, "1800000")):
        if name:
            changes = [("log.segment.delete.delay.ms", AlterConfigOpType.SET, value)]
            assert alter(own_broker, ResourceType.BROKER, name, changes) is None
        else:
            tools.against(own_broker, "kafka-configs", "--alter", "--entity-type", "brokers", "--entity-default",
                          "--add-config", f"log.roll.ms={value}")
    with own_broker.connect() as connection:
        assert requests.produce(connection, "kept", plain_batch(2), partition=2).error == Code.NONE

    getattr(own_broker, end)()
    own_broker.start()

    until("the topic is there", lambda: partition_count(own_broker, "kept") == 3)
    until_led(own_broker, "kept", 2)
    expect_topic_config(own_broker, "kept", "max.message.bytes", "2000", TOPIC_SOURCE)
    expect_topic_config(own_broker, "kept", "retention.ms", "7200000", TOPIC_SOURCE)
    expect_topic_config(own_broker, "kept", "segment.ms", "3600000", ALL_BROKERS_SOURCE)
    expect_topic_config(own_broker, "kept", "file.delete.delay.ms", "1800000", BROKER_SOURCE)
    assert produce_raw(own_broker, "kept", large_batch(4_000)) == Code.MESSAGE_TOO_LARGE
    with own_broker.connect() as connection:
        again = requests.produce(connection, "kept", plain_batch(1), partition=2)
        assert (again.error, again.base_offset) == (Code.NONE, 2)


# Log dirs.


def test_kafka_log_dirs(broker, tools, topic):
    assert produce_raw(broker, topic, plain_batch(10)) == Code.NONE
    shown = tools.against(broker, "kafka-log-dirs", "--describe", "--topic-list", topic).lines
    (answer,) = [json.loads(line) for line in shown if line.startswith("{")]
    (node,) = answer["brokers"]
    (log_dir,) = node["logDirs"]
    assert log_dir["error"] is None
    sizes = {part["partition"]: part["size"] for part in log_dir["partitions"]}
    assert sorted(sizes) == [f"{topic}-{number}" for number in range(3)]
    assert sizes[f"{topic}-0"] > 0 and sizes[f"{topic}-1"] == 0
    assert all(part["offsetLag"] == 0 and not part["isFuture"] for part in log_dir["partitions"])
    if broker.owns_process:
        assert log_dir["logDir"].startswith(str(broker.data))
