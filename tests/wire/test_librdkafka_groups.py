"""Consumer groups through librdkafka: sharing, committing, resuming, rebalancing."""

import contextlib

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition

from harness import librdkafka
from harness.waiting import until


def fill(broker, topic, partitions, each):
    """`each` records in every partition."""
    producer = librdkafka.Producer({"bootstrap.servers": broker.bootstrap})
    for partition in range(partitions):
        for number in range(each):
            producer.produce(topic, f"{partition}/{number}", partition=partition)
    assert producer.flush(60) == 0


@contextlib.contextmanager
def member(broker, group, topic, **settings):
    """A member that is subscribed and leaves in an orderly way."""
    consumer = librdkafka.consumer(broker, group, **{"session.timeout.ms": 10_000, **settings})
    consumer.subscribe([topic])
    try:
        yield consumer
    finally:
        consumer.close()


def poll_all(members):
    """One round of polls; what came is put aside by its text."""
    texts = []
    for each in members:
        for message in each.consume(100, timeout=0.1):
            assert message.error() is None, message.error()
            texts.append(message.value().decode())
    return texts


def shares(members):
    return [sorted(partition.partition for partition in each.assignment()) for each in members]


def are_shared(members, partitions):
    """Whether the members hold all partitions between them, each once, and nobody is idle."""
    held = shares(members)
    return all(held) and sorted(number for share in held for number in share) == list(range(partitions))


def test_a_new_member_reads_everything_and_the_next_one_resumes(broker, topic, name):
    fill(broker, topic, 3, 50)
    with member(broker, name, topic) as first:
        texts = [message.value().decode() for message in librdkafka.take(first, 150)]
        first.commit(asynchronous=False)
    assert sorted(texts) == sorted(f"{partition}/{number}" for partition in range(3) for number in range(50))
    fill(broker, topic, 3, 1)
    with member(broker, name, topic) as second:
        assert sorted(message.offset() for message in librdkafka.take(second, 3)) == [50, 50, 50]


def test_what_wasnt_committed_comes_again(broker, topic, name):
    fill(broker, topic, 1, 10)
    with member(broker, name, topic) as first:
        messages = librdkafka.take(first, 10)
        first.commit(message=messages[3], asynchronous=False)
    with member(broker, name, topic) as second:
        assert [message.offset() for message in librdkafka.take(second, 6)] == list(range(4, 10))


def test_automatic_commits(broker, topic, name):
    fill(broker, topic, 1, 10)
    settings = {"enable.auto.commit": True, "auto.commit.interval.ms": 100}
    with member(broker, name, topic, **settings) as first:
        librdkafka.take(first, 10)
    fill(broker, topic, 1, 1)
    with member(broker, name, topic, **settings) as second:
        assert librdkafka.take(second, 1)[0].offset() == 10


def test_three_members_share_six_partitions(broker, name):
    topic = librdkafka.create_topic(broker, name, partitions=6)
    with contextlib.ExitStack() as stack:
        members = [stack.enter_context(member(broker, name, topic)) for _ in range(3)]

        def balanced():
            poll_all(members)
            return are_shared(members, 6)

        until("three members share six partitions", balanced)
        assert [len(share) for share in shares(members)] == [2, 2, 2]
        fill(broker, topic, 6, 20)
        texts = []
        until("all records arrived", lambda: texts.extend(poll_all(members)) or len(texts) >= 120)
        assert len(texts) == len(set(texts)) == 120


def test_partitions_move_when_members_come_and_go(broker, name):
    topic = librdkafka.create_topic(broker, name, partitions=4)
    with member(broker, name, topic) as stays:
        until("one member has all", lambda: poll_all([stays]) or are_shared([stays], 4))
        with member(broker, name, topic) as comes:
            both = [stays, comes]
            until("two members share", lambda: poll_all(both) or are_shared(both, 4))
        until("one member has all again", lambda: poll_all([stays]) or are_shared([stays], 4))


def test_cooperative_sticky_members_share_too(broker, name):
    topic = librdkafka.create_topic(broker, name, partitions=4)
    settings = {"partition.assignment.strategy": "cooperative-sticky"}
    with member(broker, name, topic, **settings) as one, member(broker, name, topic, **settings) as two:
        both = [one, two]
        until("two members share", lambda: poll_all(both) or are_shared(both, 4))


def test_a_member_that_vanishes_is_replaced(broker, name):
    """The session ends without a LeaveGroup: a static member's close sends none."""
    topic = librdkafka.create_topic(broker, name, partitions=2)
    with member(broker, name, topic, **{"session.timeout.ms": 6_000}) as stays:
        with member(broker, name, topic, **{"session.timeout.ms": 6_000, "group.instance.id": "vanishes"}) as goes:
            both = [stays, goes]
            until("two members share", lambda: poll_all(both) or are_shared(both, 2))
        until("the survivor has all", lambda: poll_all([stays]) or are_shared([stays], 2))


def test_a_static_member_comes_back_to_its_share(broker, name):
    topic = librdkafka.create_topic(broker, name, partitions=2)
    static = {"group.instance.id": "static", "session.timeout.ms": 30_000}
    with member(broker, name, topic, **{"session.timeout.ms": 30_000}) as stays:
        with member(broker, name, topic, **static) as goes:
            both = [stays, goes]
            until("two members share", lambda: poll_all(both) or are_shared(both, 2))
            before = shares(both)
        with member(broker, name, topic, **static) as returns:
            both = [stays, returns]
            until("it has its share again", lambda: poll_all(both) or are_shared(both, 2))
            assert shares(both) == before


def test_commits_without_a_group_membership(broker, topic, name):
    """A consumer that assigns its partitions by hand commits as a group of nobody."""
    fill(broker, topic, 1, 5)
    keeper = librdkafka.consumer(broker, name)
    try:
        wish = [TopicPartition(topic, 0, 3, metadata="three of five")]
        keeper.commit(offsets=wish, asynchronous=False)
        (committed,) = keeper.committed([TopicPartition(topic, 0)], timeout=60)
        assert (committed.offset, committed.metadata) == (3, "three of five")
        (nothing,) = keeper.committed([TopicPartition(topic, 1)], timeout=60)
        assert nothing.offset == -1001
    finally:
        keeper.close()


def test_groups_are_listed_and_described(broker, topic, name):
    fill(broker, topic, 3, 1)
    admin = librdkafka.admin(broker)
    with member(broker, name, topic, **{"client.id": "the-only-one"}) as only:
        librdkafka.take(only, 3)
        only.commit(asynchronous=False)
        listed = admin.list_consumer_groups().result(timeout=60)
        assert not listed.errors and name in [group.group_id for group in listed.valid]
        described = admin.describe_consumer_groups([name])[name].result(timeout=60)
        assert [each.client_id for each in described.members] == ["the-only-one"]
        held = described.members[0].assignment.topic_partitions
        assert sorted(each.partition for each in held) == [0, 1, 2]
    answer = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(name)])[name].result(timeout=60)
    assert sorted((each.partition, each.offset) for each in answer.topic_partitions) == [(0, 1), (1, 1), (2, 1)]
