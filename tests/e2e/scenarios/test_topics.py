"""Scenario 19, without a change of the replication factor: what a Topic says is what Kafka has."""

import pytest
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ConfigSource, NewTopic, ResourceType

from harness import eventually

from . import resources

FINAL = 30
OWN = ConfigSource.DYNAMIC_TOPIC_CONFIG.value


@pytest.fixture(scope="module")
def client(shared):
    """A client outside, past the operator."""
    return shared.client()


@pytest.fixture(scope="module")
def admin(client):
    """The same for administrators. It has to outlive what it is asked for."""
    return client.admin()


def configured(admin, topic):
    """The keys that are set for a topic itself."""
    resource = ConfigResource(ResourceType.TOPIC, topic)
    entries = admin.describe_configs([resource])[resource].result(FINAL)
    return {name: entry.value for name, entry in entries.items() if entry.source == OWN}


def configure(admin, topic, **values):
    """Sets keys of a topic, as somebody with Kafka's tools would."""
    entries = [
        ConfigEntry(name.replace("_", "."), str(value), incremental_operation=AlterConfigOpType.SET)
        for name, value in values.items()
    ]
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
    admin.incremental_alter_configs([resource])[resource].result(FINAL)


def partitions(client, topic):
    """How many partitions a topic has."""
    return len(client.metadata().topics[topic].partitions)


def test_a_topic_is_made_as_its_resource_says(shared, client, admin):
    """19: name, partitions and configuration; the status has what Kafka has."""
    config = {"retention.ms": 3600000, "cleanup.policy": "delete"}
    shared.namespace.apply(resources.topic("made", topicName="pay.made_1", partitions=4, replicationFactor=1, config=config))
    shared.wait_topic("made")
    assert partitions(client, "pay.made_1") == 4
    assert configured(admin, "pay.made_1") == {"retention.ms": "3600000", "cleanup.policy": "delete"}
    status = shared.namespace.get("topic", "made")["status"]
    assert (status["topicName"], status["partitions"], status["replicationFactor"]) == ("pay.made_1", 4, 1)
    assert status["topicID"]


def test_a_changed_configuration_is_put_back_but_for_unmanaged_keys(shared, admin):
    """19: what was changed past the operator returns; what the resource leaves to others stays."""
    config = {"retention.ms": 3600000}
    shared.namespace.apply(resources.topic("drift", partitions=1, config=config, unmanagedConfig=["max.message.bytes"]))
    shared.wait_topic("drift")
    configure(admin, "drift", retention_ms=1000, segment_ms=70000, max_message_bytes=2000)
    shared.touch("topic", "drift")
    wanted = {"retention.ms": "3600000", "max.message.bytes": "2000"}
    is_set = lambda: configured(admin, "drift")
    eventually(lambda: is_set() == wanted, FINAL, message=lambda: f"{wanted}; it is {is_set()}")
    eventually(lambda: "ConfigChanged" in [reason for _, reason, _ in shared.namespace.events("drift")], FINAL)


def test_a_configuration_follows_the_resource(shared, admin):
    """19: a key that is changed changes, and one that is taken out of the resource takes the default again."""
    shared.namespace.apply(resources.topic("follows", partitions=1, config={"retention.ms": 1000, "segment.bytes": 1048576}))
    shared.wait_topic("follows")
    shared.namespace.patch("topic", "follows", {"spec": {"config": {"retention.ms": 2000, "segment.bytes": None}}})
    shared.wait_topic("follows")
    assert configured(admin, "follows") == {"retention.ms": "2000"}


def test_partitions_grow_and_never_shrink(shared, client):
    """19: more by the resource; fewer are refused at once, with the way out."""
    shared.namespace.apply(resources.topic("grows", partitions=1))
    shared.wait_topic("grows")
    shared.namespace.patch("topic", "grows", {"spec": {"partitions": 3}})
    shared.wait_topic("grows")
    eventually(lambda: partitions(client, "grows") == 3, FINAL, message="three partitions")
    assert "partitions can't decrease" in shared.namespace.refused(resources.topic("grows", partitions=2))


def test_fewer_partitions_than_kafka_has_are_a_condition(shared, client, admin):
    """19: a topic that has more already keeps them, and the condition says what to write; its configuration is kept up."""
    admin.create_topics([NewTopic("wide", num_partitions=5, replication_factor=1)])["wide"].result(FINAL)
    shared.namespace.apply(resources.topic("wide", partitions=2, config={"retention.ms": 5000}))
    stalled = shared.wait_topic("wide", "Stalled", reason="PartitionsCannotDecrease")
    assert "set spec.partitions to 5" in stalled["message"]
    assert partitions(client, "wide") == 5
    assert configured(admin, "wide") == {"retention.ms": "5000"}

    shared.namespace.patch("topic", "wide", {"spec": {"partitions": 5}})
    shared.wait_topic("wide")


def test_records_outlive_every_change_of_their_topic(shared, client):
    """19: neither more partitions nor another configuration costs a record."""
    shared.namespace.apply(resources.topic("kept", partitions=1))
    shared.wait_topic("kept")
    client.produce("kept", ["one", "two"])
    shared.namespace.patch("topic", "kept", {"spec": {"partitions": 2, "config": {"retention.ms": -1}}})
    shared.wait_topic("kept")
    assert sorted(client.consume("kept", 2)) == [b"one", b"two"]
