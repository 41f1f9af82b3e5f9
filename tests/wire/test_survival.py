"""What was acknowledged is still there: after an orderly restart, after kill -9, and in the middle of producing."""

import pytest
from confluent_kafka import OFFSET_BEGINNING, Producer, TopicPartition

from harness import librdkafka
from harness.numbered import CODECS, Audit, NumberedRecords

pytestmark = pytest.mark.process

PARTITIONS = 4
PER_CODEC = 100_000
PATIENCE = 300


def triples(records):
    return [(records.key(number), records.value(number), records.headers(number)) for number in range(records.count)]


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_data_topics_and_groups_survive_a_restart(own_broker, end):
    sent = triples(NumberedRecords("survivor", 1_000))
    librdkafka.create_topic(own_broker, "kept", partitions=1, config={"retention.ms": "7200000"})
    librdkafka.produce(own_broker, "kept", sent, acks="all")
    member = librdkafka.consumer(own_broker, "kept-group")
    member.subscribe(["kept"])
    messages = librdkafka.take(member, 400)
    member.commit(message=messages[399], asynchronous=False)
    member.close()

    getattr(own_broker, end)()
    own_broker.start()

    assert librdkafka.content(librdkafka.read_all(own_broker, "kept", len(sent))) == sent
    member = librdkafka.consumer(own_broker, "kept-group")
    member.subscribe(["kept"])
    assert librdkafka.take(member, 1)[0].offset() == 400
    member.close()
    (more,) = librdkafka.produce(own_broker, "kept", [(b"after", b"after", [])])
    assert more.offset() == 1_000


def test_restarted_many_times(own_broker):
    librdkafka.create_topic(own_broker, "rounds")
    for round_number in range(4):
        (delivered,) = librdkafka.produce(own_broker, "rounds", [(b"k", str(round_number).encode(), [])], acks="all")
        assert delivered.offset() == round_number
        own_broker.kill()
        own_broker.start()
    values = [value for _, value, _ in librdkafka.content(librdkafka.read_all(own_broker, "rounds", 4))]
    assert values == [b"0", b"1", b"2", b"3"]


def test_an_ended_broker_says_so_with_its_status(own_broker):
    assert own_broker.stop() in (0, 143)


class Stream:
    """One idempotent producer that sends the records of one codec."""

    def __init__(self, broker, topic, codec):
        self.records = NumberedRecords(codec, PER_CODEC)
        self.topic, self.sent, self.delivered, self.failed = topic, 0, 0, []
        self.producer = Producer({
            "bootstrap.servers": broker.bootstrap,
            "enable.idempotence": True,
            "compression.type": codec,
            "linger.ms": 20,
            "queue.buffering.max.messages": 20_000,
            "message.timeout.ms": PATIENCE * 1000,
            "reconnect.backoff.max.ms": 1_000,
        })

    def report(self, error, _message):
        if error:
            self.failed.append(str(error))
        else:
            self.delivered += 1

    def send(self, count):
        """Sends the next `count`, waiting whenever librdkafka's queue is full."""
        for number in range(self.sent, min(self.sent + count, PER_CODEC)):
            record = self.records
            while True:
                try:
                    self.producer.produce(self.topic, record.value(number), record.key(number),
                                          headers=record.headers(number), on_delivery=self.report)
                    break
                except BufferError:
                    self.producer.poll(0.1)
            self.producer.poll(0)
            self.sent = number + 1


def test_half_a_million_records_across_kill_9(own_broker, tools):
    """Five idempotent producers, one per codec; the broker dies with requests in flight and comes back."""
    topic = librdkafka.create_topic(own_broker, "numbered", PARTITIONS, {"segment.bytes": str(16 << 20)})
    streams = [Stream(own_broker, topic, codec) for codec in CODECS]

    def send_until(sent):
        while streams[0].sent < sent:
            for stream in streams:
                stream.send(1_000)

    for share in (30, 55):
        send_until(PER_CODEC * share // 100)
        unanswered = sum(stream.sent - stream.delivered for stream in streams)
        assert unanswered > 0, "the broker has to die while requests are under way"
        own_broker.kill()
        for stream in streams:
            stream.send(1_000)
        own_broker.start()
    send_until(PER_CODEC)

    for stream in streams:
        assert stream.producer.flush(PATIENCE) == 0, f"{stream.records.name}: records without a delivery report"
        assert not stream.failed, stream.failed[:3]
        assert stream.delivered == PER_CODEC

    audit = Audit([stream.records for stream in streams])
    reader = librdkafka.consumer(own_broker, "auditor")
    reader.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(PARTITIONS)])
    for message in librdkafka.take(reader, PER_CODEC * len(CODECS), patience=PATIENCE):
        audit.take(message.partition(), message.key(), message.value(), message.headers())
    assert not audit.complaints()
    ends = [reader.get_watermark_offsets(TopicPartition(topic, number), timeout=60) for number in range(PARTITIONS)]
    reader.close()
    assert sum(high - low for low, high in ends) == PER_CODEC * len(CODECS), "no record hides behind the last one read"

    own_broker.stop()
    logs = sorted(path for path in own_broker.data.glob(f"{topic}-*/*") if path.suffix in (".log", ".index", ".timeindex"))
    assert len(logs) > 3 * PARTITIONS, "several segments"
    tools.dump(logs, "--deep-iteration", "--skip-record-metadata")
