"""The chart and the manifests while an operator is there: other values, the example manifests, and what is installed."""

import pytest

from cluster.paths import ROOT

from . import resources

EXAMPLES = sorted((ROOT / "manifests" / "examples").glob("*.yaml"))


@pytest.mark.parametrize("file", [*EXAMPLES, ROOT / "manifests" / "quickstart.yaml"], ids=lambda path: path.stem)
def test_the_examples_are_taken(namespace, file):
    """Server-side apply takes them as they are, and warns of nothing."""
    result = namespace.kubectl("apply", "--server-side", "--dry-run=server", "--filename", str(file))
    assert "Warning" not in result.stderr, result.stderr


def test_an_upgrade_with_other_values_restarts_no_broker(installation, orders):
    """`helm upgrade` reaches the operator, twice over, and clusters don't notice."""
    orders.apply()
    orders.namespace.apply(resources.topic(partitions=1))
    orders.wait_ready().wait_topic("hello")
    pod, old = orders.pod_uid(), installation.wait_leader()["metadata"]["name"]
    try:
        installation.upgrade("logLevel=debug", "logFormat=json", "podLabels.team=platform", "networkPolicy.enabled=true")
        leader = installation.wait_leader(other_than=old)
        assert leader["metadata"]["labels"]["team"] == "platform"
        assert "--log-format=json" in leader["spec"]["containers"][0]["args"]
        orders.namespace.apply(resources.topic("after", partitions=1))
        orders.wait_topic("after")
    finally:
        installation.upgrade()
    orders.settle(installation)
    assert orders.pod_uid() == pod
    assert orders.restarts() == []
