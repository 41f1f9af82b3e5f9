"""The plain manifests on a Kubernetes that has never heard of Taffrail. This comes last: it takes everything away first."""

import pytest

from cluster.paths import ROOT

from . import resources
from .installation import DEPLOYMENT, KINDS, NAMESPACE

INSTALL = ROOT / "manifests" / "install.yaml"
CRDS = [f"{kind}.taffrail.io" for kind in KINDS]


@pytest.fixture
def bare(kubernetes, installation):
    """No operator, no definitions; afterwards nothing of the plain manifests either."""
    if installation.is_installed():
        installation.uninstall()
    kubernetes.kubectl("delete", "crd", *CRDS)
    kubernetes.delete("namespace", NAMESPACE)
    yield kubernetes
    kubernetes.kubectl("delete", "--ignore-not-found", "--filename", str(INSTALL))


def test_plain_kubectl_apply_installs_the_operator(bare, installation, orders):
    """`kubectl apply -f manifests/install.yaml`, without Helm and server-side apply; a second changes nothing."""
    bare.kubectl("apply", "--filename", str(INSTALL))
    bare.kubectl("wait", "--for=condition=Established", "--timeout=60s", *(f"crd/{name}" for name in CRDS))
    bare.in_namespace(NAMESPACE).kubectl("rollout", "status", f"deployment/{DEPLOYMENT}", "--timeout=60s")
    installation.wait_leader()
    again = bare.kubectl("apply", "--filename", str(INSTALL)).stdout.splitlines()
    assert [line for line in again if not line.endswith("unchanged")] == []

    orders.apply()
    orders.namespace.apply(resources.topic(partitions=1))
    orders.wait_ready().wait_topic("hello")
    orders.produce("hello", ["plain"])
    assert orders.consume("hello") == ["plain"]
