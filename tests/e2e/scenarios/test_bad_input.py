"""Scenario 25, what is wrong: a condition says what and how to mend it, and no neighbour is disturbed.

What the API server itself refuses is in `test_crds.py`.
"""

from . import resources
from .kafka_cluster import KafkaCluster

TLS = resources.INTERNAL | {"tls": {"mode": "Required"}}
SCRAM = resources.INTERNAL | {"authentication": {"type": "ScramSHA512"}}

CLUSTERS = {
    # name: (what is wrong, reason, words of the message)
    "owns-id": ({"config": {"node.id": 7}}, "Invalid", ["node.id", "operator's own", "remove it"]),
    "owns-dir": ({"config": {"log.dirs": "/data"}}, "Invalid", ["log.dirs", "spec.pools[].storage.volumes"]),
    "owns-tls": ({"config": {"ssl.keystore.location": "/key"}}, "Invalid", ["ssl.keystore.location", "operator's own"]),
    "no-number": ({"config": {"num.io.threads": "many"}}, "Invalid", ["num.io.threads", "many"]),
    "three-nodes": ({"pool": {"replicas": 3}}, "NotSupported", ["3 nodes", "lower replicas to 1"]),
    "no-node": ({"pool": {"replicas": 0}}, "Invalid", ["no node", "set replicas to 1"]),
    "small": ({"pool": {"resources": {"limits": {"memory": "16Mi"}}}}, "Invalid", ["memory", "raise it"]),
    "tls": ({"listeners": [TLS]}, "NotSupported", ["tls.mode", "Disabled"]),
    "scram": ({"listeners": [SCRAM]}, "NotSupported", ["authentication.type", "None"]),
}

TOPICS = {
    "nowhere": ({"cluster": "nobody", "partitions": 1}, "ClusterNotFound", ["nobody", "mend spec.clusterRef"]),
    "bad-value": ({"partitions": 1, "config": {"retention.ms": "soon"}}, "ConfigRefused", ["retention.ms"]),
    "bad-key": ({"partitions": 1, "config": {"no.such.key": "1"}}, "ConfigRefused", ["no.such.key"]),
    "copies": ({"partitions": 1, "replicationFactor": 3}, "Invalid", ["replication"]),
    "brokers-own": ({"topicName": "__consumer_offsets", "partitions": 1}, "Invalid", ["__consumer_offsets"]),
}


def test_everything_wrong_at_once_beside_what_is_right(installation, orders):
    """25: each bad resource gets its condition; the good ones in the same namespace don't notice."""
    namespace = orders.namespace
    bad = [resources.cluster(name, **{"listeners": [resources.INTERNAL]} | spec) for name, (spec, _, _) in CLUSTERS.items()]
    namespace.apply([*bad, resources.topic("early", cluster="tls", partitions=1)])
    namespace.apply([resources.user("app"), resources.user("app-nowhere", cluster="nobody")])
    namespace.apply([resources.rebalance("grow"), resources.rebalance("grow-nowhere", cluster="nobody")])
    orders.apply()
    orders.wait_ready()
    namespace.apply([resources.topic(partitions=1)])
    namespace.apply([resources.topic(name, **spec) for name, (spec, _, _) in TOPICS.items()])
    orders.wait_topic("hello")

    for kind, table in (("kafkacluster", CLUSTERS), ("topic", TOPICS)):
        for name, (_, reason, words) in table.items():
            ready = namespace.wait_condition(kind, name, "Ready", "False", reason=reason, timeout=30)
            for word in words:
                assert word in ready["message"], f"{kind}/{name}: {ready['message']}"
    for kind, name in (("kafkauser", "app"), ("rebalance", "grow")):
        ready = namespace.wait_condition(kind, name, "Ready", "False", reason="NotImplemented")
        assert "doesn't act upon" in ready["message"]
        ready = namespace.wait_condition(kind, f"{name}-nowhere", "Ready", "False", reason="ClusterNotFound")
        assert "change spec.clusterRef" in ready["message"]
    for name in CLUSTERS:
        assert namespace.condition("kafkacluster", name, "Stalled")["status"] == "True", name
        assert namespace.list("statefulsets", f"taffrail.io/cluster={name}") == [], f"nothing is made of {name}"
    namespace.wait_condition("topic", "early", "Ready", "False", reason="ClusterNotReady")

    orders.produce("hello", ["fine"])
    assert orders.consume("hello") == ["fine"]
    namespace.apply(resources.topic("later", partitions=1))
    orders.wait_topic("later")
    mended = KafkaCluster(namespace, "owns-id")
    namespace.patch("kafkacluster", mended.name, {"spec": {"config": None}})
    mended.wait_ready()


def test_a_bad_edit_leaves_what_runs_as_it_is(orders):
    """25: the refused generation isn't applied, not even in part, and putting it back is all it takes."""
    namespace = orders.namespace
    orders.apply().wait_ready()
    namespace.apply(resources.topic(partitions=1))
    orders.wait_topic("hello")
    pod, config = orders.pod_uid(), namespace.get("configmap", orders.node)["data"]
    orders.apply(pool={"replicas": 2}, config={"num.partitions": 5, "node.id": 3})
    stalled = orders.wait_condition("Stalled")
    assert "node.id" in stalled["message"] and "2 nodes" in stalled["message"], "everything that is wrong is said at once"
    assert orders.wait_condition("Available")["status"] == "True"
    assert namespace.get("configmap", orders.node)["data"] == config
    orders.produce("hello", ["still"])

    orders.apply().wait_ready()
    assert orders.consume("hello") == ["still"]
    assert orders.pod_uid() == pod, "nothing was restarted"
    assert namespace.condition("kafkacluster", orders.name, "Stalled") is None
