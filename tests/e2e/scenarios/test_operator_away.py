"""Scenarios 21 and 25 without the operator that watches everything: it is uninstalled, and at the end installed again."""

import pytest

from harness import eventually
from harness import namespace as namespaces

from . import resources
from .installation import CHART, KINDS, Installation
from .kafka_cluster import KafkaCluster

TENANT = "fenced"


@pytest.fixture(scope="module")
def away(request, kubernetes, installation):
    """A cluster that was made before its operator was uninstalled; it is installed again when the module ends."""
    own = namespaces.create(kubernetes, "away")
    cluster = KafkaCluster(own).apply()
    own.apply([resources.topic(partitions=1), resources.topic("doomed", partitions=1, deletionPolicy="Delete")])
    cluster.wait_ready()
    for topic in ("hello", "doomed"):
        cluster.wait_topic(topic)
    cluster.produce("hello", ["before"])
    installation.uninstall()
    yield cluster
    if not installation.is_installed():
        installation.install()
    namespaces.delete(own)


def test_an_uninstalled_operator_leaves_clusters_and_definitions(away, kubernetes):
    """`helm uninstall`: the CRDs stay, and with them every resource; brokers serve on."""
    for kind in KINDS:
        kubernetes.get("customresourcedefinition", f"{kind}.taffrail.io")
    assert away.get()["spec"]["pools"]
    away.client().produce("hello", ["meanwhile"])
    assert away.consume("hello") == ["before", "meanwhile"]


def test_a_namespace_ends_after_its_operator(away, make_namespace):
    """21: nobody is there to take anything off, and nothing has to be taken off."""
    own = make_namespace("orphaned")
    own.apply([resources.cluster(), resources.topic(partitions=1, deletionPolicy="Delete")])
    namespaces.delete(own)
    own.wait_gone("namespace", own.namespace, timeout=60)


def test_an_operator_with_rights_in_one_namespace_keeps_to_it(away, kubernetes, make_namespace):
    """25: the chart's Namespaced mode. What it watches is served; everything else is as if it weren't there."""
    inside, outside = KafkaCluster(make_namespace("inside")), KafkaCluster(make_namespace("outside"))
    own = inside.namespace.namespace
    for each in (inside, outside):
        each.apply()
        each.namespace.apply(resources.topic(partitions=1))
    fenced = Installation(kubernetes, own, f"{TENANT}-taffrail-operator")
    values = ("rbac.scope=Namespaced", "rbac.aggregateRoles=false", "crds.install=false", f"watchNamespaces={{{own}}}")
    settings = [part for value in values for part in ("--set", value)]
    fenced.helm("install", TENANT, CHART, "--namespace", own, "--wait", *settings)
    try:
        fenced.wait_leader()
        inside.wait_ready().wait_topic("hello")
        inside.produce("hello", ["served"])
        assert inside.consume("hello") == ["served"]
        inside.settle(fenced)
        assert "status" not in outside.get(), "nobody has looked at it"
        assert outside.namespace.list("statefulsets") == []
        service_account = f"system:serviceaccount:{own}:{TENANT}-taffrail-operator"
        forbidden = (
            ("list", "pods", outside.namespace),
            ("get", "secrets", inside.namespace),
            ("delete", "persistentvolumeclaims", inside.namespace),
        )
        for verb, kind, where in forbidden:
            said = where.kubectl("auth", "can-i", verb, kind, "--as", service_account, check=False).stdout.strip()
            assert said == "no", f"it may {verb} {kind} in {where.namespace}"
    finally:
        fenced.helm("uninstall", TENANT, "--namespace", own, "--wait")


def test_an_operator_that_is_back_makes_good_what_happened_meanwhile(away, installation):
    """21: installed again, it takes the clusters that are there, heals what was broken, and restarts nothing."""
    namespace, pod = away.namespace, away.pod_uid()
    namespace.delete("service", "orders-internal")
    namespace.patch("topic", "hello", {"spec": {"partitions": 3}})
    namespace.delete("topic", "doomed")
    namespace.apply(resources.topic("new", partitions=1))
    installation.install()
    namespace.wait("orders-internal", lambda service: service, kind="service")
    away.wait_ready()
    for topic in ("hello", "new"):
        away.wait_topic(topic)
    client = away.client()
    assert len(client.metadata().topics["hello"].partitions) == 3
    eventually(lambda: "doomed" not in client.topics(), 60, message="a topic to go whose resource went meanwhile")
    away.settle(installation)
    assert away.pod_uid() == pod
    assert away.consume("hello") == ["before", "meanwhile"]
