"""Scenario 25, the fences: restricted Pod Security, a network that denies by default, and a resource that is paused."""

from cluster.paths import ROOT
from harness import eventually

from . import resources

EXAMPLE = ROOT / "manifests" / "examples" / "network-policy.yaml"


def test_a_cluster_runs_where_everything_is_denied_by_default(orders):
    """25: the namespace takes restricted pods only, and the operator's NetworkPolicy opens what the nodes need."""
    namespace = orders.namespace
    namespace.apply(EXAMPLE.read_text())
    orders.apply()
    namespace.apply(resources.topic(partitions=1))
    orders.wait_ready().wait_topic("hello")
    orders.client().produce("hello", ["through"])
    assert orders.consume("hello") == ["through"]

    policy = namespace.get("networkpolicy", orders.name)["spec"]
    assert policy["podSelector"]["matchLabels"]["taffrail.io/cluster"] == orders.name
    opened = {port["port"] for rule in policy["ingress"] for port in rule.get("ports", [])}
    assert {9091, 9092, 9094, 9644, 9645} <= opened, "peers, clients, probes and the operator come in"
    labels = namespace.get("namespace", namespace.namespace)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    pod = orders.pod()
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert pod["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


def test_a_paused_cluster_is_left_alone_and_catches_up(orders, installation):
    """25: nothing is written while it is paused, whatever changes or goes missing; afterwards all of it is made good."""
    namespace = orders.namespace
    orders.apply()
    namespace.apply(resources.topic(partitions=1))
    orders.wait_ready().wait_topic("hello")
    pod = orders.pod_uid()

    namespace.kubectl("annotate", "kafkacluster", orders.name, "taffrail.io/pause=true")
    orders.wait_condition("Ready", "False", reason="Paused")
    orders.patch(config={"num.partitions": 2})
    namespace.delete("service", "orders-internal")
    namespace.patch("topic", "hello", {"spec": {"partitions": 2}})
    orders.wait_topic("hello", "Ready", "False", reason="Paused")
    orders.wait_condition("Ready", "False", reason="Paused")
    before = orders.owned()
    for _ in range(2):
        orders.reconcile(installation)
    assert orders.owned() == before
    assert orders.pod_uid() == pod
    assert orders.client().metadata().topics["hello"].partitions.keys() == {0}

    namespace.kubectl("annotate", "kafkacluster", orders.name, "taffrail.io/pause-")
    orders.wait_ready().wait_topic("hello")
    assert namespace.find("service", "orders-internal") is not None
    assert orders.pod_uid() != pod, "the change of the configuration has come in"
    eventually(lambda: len(orders.client().metadata().topics["hello"].partitions) == 2, 30)
