"""kafka-python, a client that shares no code with librdkafka or the Java client."""

import contextlib

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import TopicAlreadyExistsError

from harness.numbered import CODECS, NumberedRecords
from harness.waiting import until

COUNT = 500


@contextlib.contextmanager
def closing(client):
    try:
        yield client
    finally:
        client.close()


def producer(broker, **settings):
    return closing(KafkaProducer(bootstrap_servers=broker.bootstrap, **settings))


def consumer(broker, *topics, **settings):
    settings = {"auto_offset_reset": "earliest", "enable_auto_commit": False, **settings}
    return closing(KafkaConsumer(*topics, bootstrap_servers=broker.bootstrap, **settings))


def admin(broker):
    return closing(KafkaAdminClient(bootstrap_servers=broker.bootstrap))


def poll(member, timeout_ms=200):
    return [record for records in member.poll(timeout_ms=timeout_ms).values() for record in records]


def read(member, count):
    records = []
    until(f"{count} records came", lambda: records.extend(poll(member)) or len(records) >= count)
    return records


def headers(records, number):
    """kafka-python knows no header without a value."""
    return [(key, value) for key, value in records.headers(number) if value is not None]


def send_all(broker, topic, records, **settings):
    with producer(broker, **settings) as sender:
        futures = [
            sender.send(topic, records.value(number), records.key(number), headers(records, number), partition=0)
            for number in range(records.count)
        ]
        sender.flush(timeout=60)
        return [future.get(timeout=60).offset for future in futures]


def expect_all(broker, topic, records):
    with consumer(broker) as reader:
        reader.assign([TopicPartition(topic, 0)])
        reader.seek_to_beginning()
        came = read(reader, records.count)
    assert [(record.key, record.value, list(record.headers)) for record in came] == [
        (records.key(number), records.value(number), headers(records, number)) for number in range(records.count)
    ]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("idempotent", [False, True], ids=["plain", "idempotent"])
def test_codec(broker, topic, name, codec, idempotent):
    records = NumberedRecords(name, COUNT)
    settings = {"compression_type": None if codec == "none" else codec, "enable_idempotence": idempotent}
    offsets = send_all(broker, topic, records, linger_ms=10, **settings)
    assert offsets == list(range(COUNT))
    expect_all(broker, topic, records)


@pytest.mark.parametrize("acks", [0, 1, "all"])
def test_acks(broker, topic, name, acks):
    records = NumberedRecords(name, COUNT)
    send_all(broker, topic, records, acks=acks, enable_idempotence=False)
    expect_all(broker, topic, records)


def test_a_group_commits_and_resumes(broker, topic, name):
    records = NumberedRecords(name, 30)
    send_all(broker, topic, records)
    with consumer(broker, topic, group_id=name) as first:
        assert len(read(first, 30)) == 30
        first.commit()
    send_all(broker, topic, records)
    with consumer(broker, topic, group_id=name) as second:
        assert [record.offset for record in read(second, 30)] == list(range(30, 60))
        assert second.committed(TopicPartition(topic, 0)) == 30


def test_two_members_share_the_partitions(broker, topic, name):
    with consumer(broker, topic, group_id=name) as one, consumer(broker, topic, group_id=name) as two:
        members = [one, two]

        def shared():
            for member in members:
                poll(member)
            held = [sorted(part.partition for part in member.assignment()) for member in members]
            return all(held) and sorted(held[0] + held[1]) == [0, 1, 2]

        until("two members share three partitions", shared)


def test_offsets_and_seeking(broker, topic, name):
    records = NumberedRecords(name, 10)
    send_all(broker, topic, records)
    partition = TopicPartition(topic, 0)
    with consumer(broker) as reader:
        assert reader.beginning_offsets([partition]) == {partition: 0}
        assert reader.end_offsets([partition]) == {partition: 10}
        found = reader.offsets_for_times({partition: 0})[partition]
        assert found.offset == 0
        reader.assign([partition])
        reader.seek(partition, 7)
        assert [record.offset for record in read(reader, 3)] == [7, 8, 9]


def test_topics_are_created_described_and_deleted(broker, name):
    with admin(broker) as client:
        client.create_topics({name: {"num_partitions": 2, "replication_factor": 1}})
        (described,) = client.describe_topics([name])
        assert described["error_code"] == 0 and len(described["partitions"]) == 2
        with pytest.raises(TopicAlreadyExistsError):
            client.create_topics({name: {"num_partitions": 2, "replication_factor": 1}})
        client.delete_topics([name])
        assert name not in client.list_topics()


def test_configuration_and_cluster(broker, topic):
    with admin(broker) as client:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        config = client.describe_configs([resource], config_filter="all")["topic"][topic]
        assert config["cleanup.policy"]["value"] == "delete"
        cluster = client.describe_cluster()
        assert broker.port in [node["port"] for node in cluster["brokers"]]


def test_groups_are_listed_and_described(broker, topic, name):
    send_all(broker, topic, NumberedRecords(name, 5))
    with consumer(broker, topic, group_id=name) as member, admin(broker) as client:
        read(member, 5)
        member.commit()
        assert name in [group["group_id"] for group in client.list_groups()]
        described = client.describe_groups([name])[name]
        assert described["group_state"] == "Stable" and len(described["members"]) == 1
        offsets = client.list_group_offsets({name: None})[name]
        assert offsets[TopicPartition(topic, 0)].offset == 5
