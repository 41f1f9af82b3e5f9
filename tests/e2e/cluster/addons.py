"""What a cluster has besides its nodes: names by CoreDNS, volumes by our provisioner."""

import sys
from pathlib import Path

from . import network, pki, processes
from .api import Api
from .paths import BIN, RUN, SUITE
from .shell import run
from .waiting import eventually

_MANIFESTS = Path(__file__).with_name("manifests")
_PROVISIONER = "provisioner"


def install(environment):
    """Applies the manifests and starts the provisioner."""
    run(*network.inside(network.FABRIC), BIN / "kubectl", "apply", "--filename", _MANIFESTS, env=environment)
    start_provisioner()


def start_provisioner():
    """The provisioner outlives the command that starts it: the cluster may be kept."""
    code = f"import sys; sys.path.insert(0, {str(SUITE)!r}); from cluster.provisioner import main; main()"
    arguments = [*network.inside(network.FABRIC), sys.executable, "-B", "-c", code]
    processes.start(_PROVISIONER, arguments, RUN / "log" / f"{_PROVISIONER}.log")


def wait_ready(nodes, timeout=120):
    """Returns when every node is Ready and answers names."""
    api = Api(pki.ADMIN, network.FABRIC)
    eventually(
        lambda: sum(_is_ready(node) for node in api.list("nodes")) == nodes,
        timeout=timeout,
        message=f"{nodes} nodes to be Ready; their logs are {RUN}/n*/log",
    )
    eventually(
        lambda: api.get("daemonset", "coredns", "kube-system")["status"].get("numberReady") == nodes,
        timeout=timeout,
        message="CoreDNS to be ready on every node",
    )


def _is_ready(node):
    conditions = node.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
