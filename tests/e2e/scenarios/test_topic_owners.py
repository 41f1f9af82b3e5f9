"""Scenario 20: two Topics for one name, topics that are only observed, and what goes with a deleted resource."""

import pytest
from confluent_kafka.admin import NewTopic

from harness import eventually

from . import resources


@pytest.fixture(scope="module")
def client(shared):
    """A client outside, past the operator."""
    return shared.client()


def test_the_older_of_two_topics_owns_the_name_until_it_goes(shared, client):
    """20: the younger one is told who owns it, changes nothing, and takes over when it can."""
    namespace = shared.namespace
    namespace.apply(resources.topic("first", topicName="fought", partitions=1, config={"retention.ms": 1000}))
    shared.wait_topic("first")
    namespace.apply(resources.topic("second", topicName="fought", partitions=3, config={"retention.ms": 2000}))
    conflict = shared.wait_topic("second", "Ready", "False", reason="TopicConflict")
    assert f"{namespace.namespace}/first" in conflict["message"], "the condition names the owner"
    assert "delete one of the two" in conflict["message"], "the condition says how to mend it"
    assert shared.wait_topic("first")["status"] == "True", "the owner isn't disturbed"
    assert len(client.metadata().topics["fought"].partitions) == 1

    client.produce("fought", ["kept"])
    namespace.delete("topic", "first")
    shared.wait_topic("second")
    eventually(lambda: len(client.metadata().topics["fought"].partitions) == 3, 30, message="the new owner's partitions")
    assert client.consume("fought", 1) == [b"kept"], "the topic is the same, with its records"


def test_an_observed_topic_is_read_and_never_changed(shared, client):
    """20: Observe shows what is there, makes nothing, and takes nothing with it."""
    namespace = shared.namespace
    admin = client.admin()  # it has to outlive what it is asked for
    admin.create_topics([NewTopic("legacy", num_partitions=2, replication_factor=1)])["legacy"].result(30)
    other = {"partitions": 5, "deletionPolicy": "Delete", "config": {"retention.ms": 1}}
    namespace.apply([
        resources.topic("legacy", managementPolicy="Observe", **other),
        resources.topic("absent", managementPolicy="Observe"),
    ])
    missing = shared.wait_topic("absent", "Ready", "False", reason="TopicNotFound")
    assert "absent" in missing["message"]
    namespace.wait("legacy", lambda topic: topic.get("status", {}).get("partitions") == 2, kind="topic")
    assert len(client.metadata().topics["legacy"].partitions) == 2
    assert "absent" not in client.topics()


def test_a_deleted_resource_takes_its_topic_with_it_only_if_it_says_so(shared, client):
    """20: Retain keeps the topic and its records. Delete deletes it, and what is made again is another topic."""
    namespace = shared.namespace
    kept = resources.topic("kept", partitions=1)
    doomed = resources.topic("doomed", partitions=1, deletionPolicy="Delete")
    namespace.apply([kept, doomed])
    for name in ("kept", "doomed"):
        shared.wait_topic(name)
        client.produce(name, ["before"])
    old = namespace.get("topic", "doomed")["status"]["topicID"]
    namespace.kubectl("delete", "topics", "kept", "doomed")

    eventually(lambda: "doomed" not in client.topics(), 60, message="the topic to go with its resource")
    assert "kept" in client.topics(), "Retain is the default"
    assert client.consume("kept", 1) == [b"before"]

    namespace.apply([kept, doomed])
    for name in ("kept", "doomed"):
        shared.wait_topic(name)
    assert client.consume("kept", 1) == [b"before"], "the resource finds its topic again"
    assert namespace.get("topic", "doomed")["status"]["topicID"] != old


def test_another_namespace_needs_to_be_admitted(shared, client, make_namespace):
    """20: by the cluster's tenancy alone, with the prefix that it asks for."""
    tenant = make_namespace("tenant", labels={"team": "pay"})
    here = shared.namespace.namespace
    tenant.apply([
        resources.topic("in", cluster_namespace=here, topicName="pay.in", partitions=1),
        resources.topic("out", cluster_namespace=here, topicName="other", partitions=1),
    ])
    for name in ("in", "out"):
        refused = tenant.wait_condition("topic", name, "Ready", "False", reason="NotAdmitted")
        assert "spec.tenancy" in refused["message"]

    tenancy = {"namespaceSelector": {"matchLabels": {"team": "pay"}}, "kinds": ["Topic"], "namePrefix": "pay."}
    shared.patch(tenancy=[tenancy])
    tenant.wait_condition("topic", "in", "Ready")
    refusal = lambda: tenant.condition("topic", "out", "Ready")
    names_it = lambda: "has to begin with pay." in refusal()["message"]
    eventually(names_it, 30, message=lambda: f"the prefix to be named: {refusal()}")
    assert "pay.in" in client.topics() and "other" not in client.topics()
