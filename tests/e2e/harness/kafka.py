"""A Kafka client outside the cluster: librdkafka in the test's own process."""

import confluent_kafka
from confluent_kafka.admin import AdminClient

_TIMEOUT = 60


class KafkaClient:
    """Talks to the cluster at a bootstrap address, with further librdkafka settings if need be."""

    def __init__(self, bootstrap, **config):
        self._config = {"bootstrap.servers": bootstrap} | {
            name.replace("_", "."): value for name, value in config.items()
        }

    def produce(self, topic, values, timeout=_TIMEOUT):
        """Produces with acks=all; raises unless every record was taken."""
        failures = []
        producer = confluent_kafka.Producer(self._config | {"acks": "all", "enable.idempotence": True})
        for value in values:
            producer.produce(topic, value, on_delivery=lambda error, _: failures.append(error) if error else None)
            producer.poll(0)
        waiting = producer.flush(timeout)
        assert not failures, f"{len(failures)} records of {topic} were refused, the first with: {failures[0]}"
        assert waiting == 0, f"{waiting} records of {topic} have no answer after {timeout} s"

    def consume(self, topic, count, timeout=_TIMEOUT):
        """The values of the first `count` records of a topic, from all of its partitions, without a group."""
        consumer = confluent_kafka.Consumer(
            self._config | {"group.id": "e2e-outside", "enable.auto.commit": False, "auto.offset.reset": "earliest"}
        )
        try:
            partitions = self.metadata(timeout).topics[topic].partitions
            first = confluent_kafka.OFFSET_BEGINNING
            consumer.assign([confluent_kafka.TopicPartition(topic, partition, first) for partition in partitions])
            values = []
            while len(values) < count:
                messages = consumer.consume(count - len(values), timeout)
                assert messages, f"{len(values)} of {count} records of {topic} came, and then none for {timeout} s"
                for message in messages:
                    assert message.error() is None, message.error()
                    values.append(message.value())
            return values
        finally:
            consumer.close()

    def metadata(self, timeout=_TIMEOUT):
        """The cluster's brokers and topics, as librdkafka tells them."""
        return self.admin().list_topics(timeout=timeout)

    def topics(self):
        """The names of all topics."""
        return set(self.metadata().topics)

    def admin(self):
        """librdkafka's admin client, for what isn't here."""
        return AdminClient(self._config)
