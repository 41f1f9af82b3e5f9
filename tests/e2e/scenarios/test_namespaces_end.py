"""Scenario 21: namespaces end, whatever is in them and whoever is away."""

from harness import namespace as namespaces

from . import resources
from .kafka_cluster import KafkaCluster


def test_namespaces_end_with_topics_in_them(make_namespace):
    """21: one with a cluster that serves, one whose broker is dead, one whose Topics name a cluster of another."""
    serving, dead, tenant = (KafkaCluster(make_namespace(name)) for name in ("serving", "dead", "tenant"))
    tenancy = [{"namespaces": [tenant.namespace.namespace], "kinds": ["Topic"]}]
    serving.apply(tenancy=tenancy)
    dead.apply()
    for each in (serving, dead):
        each.namespace.apply(resources.topic(partitions=1))
        each.namespace.apply(resources.topic("doomed", partitions=1, deletionPolicy="Delete"))
    elsewhere = {"cluster_namespace": serving.namespace.namespace, "deletionPolicy": "Delete"}
    tenant.namespace.apply(resources.topic("guest", partitions=1, **elsewhere))
    for each in (serving, dead):
        each.wait_ready()
        for topic in ("hello", "doomed"):
            each.wait_topic(topic)
    tenant.wait_topic("guest")
    dead.patch(version="0.0.0-none")
    dead.wait_condition("Stalled", reason="ImagePullFailed")

    for each in (serving, dead, tenant):
        namespaces.delete(each.namespace)
    for each in (serving, dead, tenant):
        each.namespace.wait_gone("namespace", each.namespace.namespace, timeout=90)
