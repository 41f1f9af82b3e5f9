"""Scenario 1, with one broker: it gets ready, serves inside and outside, and a second look writes nothing."""

import re

import pytest

from cluster.waiting import eventually

from . import resources
from .kafka_cluster import OWNED_KINDS

VALUES = ["one", "three", "two"]


@pytest.fixture(scope="module")
def hello(shared):
    """The cluster with a topic."""
    shared.namespace.apply(resources.topic(partitions=3))
    shared.wait_topic("hello")
    return shared


def test_the_status_says_how_the_cluster_is(hello):
    """1: ids, nodes, addresses and counts are in the status, and its columns are filled."""
    # What Kafka counts can't be watched: the operator counts when it looks, and writes it down with some delay.
    hello.touch()
    eventually(lambda: hello.status().get("partitions") == 3, 60, message="three partitions in the status")
    status = hello.status()
    assert re.fullmatch(r"[\w-]{22}", status["clusterID"])
    assert [(each["id"], each["pod"], each["state"]) for each in status["nodes"]] == [(0, hello.pod_name, "Ready")]
    assert (status["readyNodes"], status["version"], status["quorumLeader"]) == ("1/1", "0.1.0", 0)
    assert (status["topics"], status["underReplicatedPartitions"]) == (1, 0)
    listeners = {each["name"]: each["bootstrapServers"] for each in status["listeners"]}
    assert listeners["internal"] == f"orders-internal.{hello.namespace.namespace}.svc:9092"
    conditions = {each["type"]: each["status"] for each in status["conditions"]}
    assert conditions == {"Ready": "True", "Available": "True", "FullyReplicated": "True", "UpToDate": "True"}
    row = hello.namespace.kubectl("get", "tfc", "orders", "--no-headers").stdout.split()
    assert row[:5] == ["orders", "True", "1/1", "0.1.0", "0"]


def test_clients_in_the_cluster_produce_and_consume(hello):
    """1: from the node's own pod, and from another pod through the bootstrap Service."""
    hello.produce("hello", VALUES)
    assert hello.consume("hello") == VALUES
    bootstrap = next(each["bootstrapServers"] for each in hello.status()["listeners"] if each["name"] == "internal")
    arguments = ("consume", "--bootstrap", bootstrap, "--topic", "hello", "--from-beginning", "--until-end")
    hello.namespace.apply(resources.client_pod("reader", *arguments))
    hello.namespace.wait("reader", lambda pod: pod["status"]["phase"] in ("Succeeded", "Failed"))
    assert sorted(hello.namespace.kubectl("logs", "reader").stdout.split()) == VALUES


def test_clients_outside_produce_and_consume(hello, kubernetes):
    """1: with the address that the status has, by way of NodePorts."""
    hello.namespace.apply(resources.topic("outside", partitions=2))
    hello.wait_topic("outside")
    client = hello.client()
    client.produce("outside", VALUES)
    assert sorted(value.decode() for value in client.consume("outside", len(VALUES))) == VALUES
    node = hello.pod()["spec"]["nodeName"]
    (broker,) = client.metadata().brokers.values()
    assert broker.host == kubernetes.cluster.node_ip(node), "clients outside are sent to the node that runs the broker"


def test_a_second_look_writes_nothing(hello, installation):
    """1: when all is as it should be, a reconcile changes no object, no status, and sends no event."""
    hello.settle(installation)
    before, writes = hello.owned(), installation.writes()
    for _ in range(3):
        hello.reconcile(installation)
    assert hello.owned() == before
    assert installation.writes() == writes


def test_the_objects_are_marked_owned_and_free_of_finalizers(hello):
    """1, 21: whatever is made bears the labels, belongs to the cluster but for volumes, and wedges nothing."""
    for kind in OWNED_KINDS:
        for each in hello.namespace.list(kind, f"taffrail.io/cluster={hello.name}"):
            meta = each["metadata"]
            name = f"{kind}/{meta['name']}"
            assert meta["labels"]["app.kubernetes.io/managed-by"] == "taffrail-operator", name
            assert meta["labels"]["app.kubernetes.io/instance"] == hello.name, name
            owners = [owner["kind"] for owner in meta.get("ownerReferences", [])]
            assert owners == ([] if kind == "persistentvolumeclaims" else ["KafkaCluster"]), name
            assert not any("taffrail" in each for each in meta.get("finalizers", [])), name
    for kind, name in (("kafkacluster", hello.name), ("topic", "hello")):
        assert "finalizers" not in hello.namespace.get(kind, name)["metadata"], kind
