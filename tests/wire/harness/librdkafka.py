"""Short ways through confluent-kafka, the Python face of librdkafka."""

import functools
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from harness import requests
from harness.waiting import until

PATIENCE = 90


@functools.cache
def _admin(bootstrap):
    return AdminClient({"bootstrap.servers": bootstrap})


def admin(broker):
    """One client per broker, kept: an answer is lost when its client is collected before it arrives."""
    return _admin(broker.bootstrap)


def create_topic(broker, name, partitions=1, config=None):
    """Creates a topic; it is there when this returns."""
    futures = admin(broker).create_topics(
        [NewTopic(name, num_partitions=partitions, replication_factor=1, config=config or {})]
    )
    for future in futures.values():
        future.result(timeout=PATIENCE)
    if not broker.finds_topics_at_once:
        with broker.connect() as connection:
            for partition in range(partitions):
                until("the topic's leaders know it", lambda number=partition: is_led(connection, name, number))
    return name


def is_led(connection, topic, partition):
    return requests.fetch(connection, topic, 0, partition, max_wait_ms=0).error == requests.Code.NONE


def produce(broker, topic, records, **settings):
    """Produces (key, value, headers) triples, waits for every delivery report, and returns the messages."""
    delivered, failed = [], []

    def report(error, message):
        if error:
            failed.append(str(error))
        else:
            delivered.append(message)

    producer = Producer({"bootstrap.servers": broker.bootstrap, **settings})
    for key, value, headers in records:
        producer.produce(topic, value, key, headers=headers or [], on_delivery=report)
        producer.poll(0)
    left = producer.flush(PATIENCE)
    assert not failed, failed[:3]
    assert left == 0, f"{left} records of {topic} have no delivery report"
    return delivered


def consumer(broker, group, **settings):
    return Consumer({
        "bootstrap.servers": broker.bootstrap,
        "group.id": group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        **settings,
    })


def take(member, count, patience=PATIENCE):
    """The next `count` messages of a consumer; fewer mean failure."""
    messages, deadline = [], time.monotonic() + patience
    while len(messages) < count:
        assert time.monotonic() < deadline, f"{len(messages)} of {count} messages, then silence"
        for message in member.consume(min(count - len(messages), 5_000), timeout=0.5):
            assert message.error() is None, message.error()
            messages.append(message)
    return messages


def read_all(broker, topic, count, partitions=1):
    """`count` messages from the beginning of all partitions, read without a group's help."""
    member = consumer(broker, "reads-without-a-group")
    try:
        member.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(partitions)])
        return take(member, count)
    finally:
        member.close()


def content(messages):
    """What was sent: key, value, headers."""
    return [(message.key(), message.value(), message.headers() or []) for message in messages]
