"""Our own Kubernetes: real components of several nodes on one bare Linux machine, in namespaces.

It needs root and Debian's containerd, runc, CNI plugins and etcd; no Docker, no registry, no network.
"""

import shutil
import signal
from concurrent.futures import ThreadPoolExecutor

from . import addons, cgroups, control_plane, machine, network, pki, processes
from .base import Cluster
from .environment import for_clients
from .node import GO, Node
from .paths import RUN

NODES = 3
_API_SERVER = "kube-apiserver"
_LOG_TAIL = 200_000


class OwnCluster(Cluster):
    """The cluster whose state is in `paths.RUN`."""

    kind = "own"
    cannot_prove = (
        "that NetworkPolicies are enforced: its bridge network ignores them (they are applied, and read back)",
        "that a volume grows: its provisioner has no expansion",
        "Services of type LoadBalancer: no cloud hands out addresses",
        "that images come from a registry: they are loaded into the nodes",
        "nodes with kernels of their own: all of them share this machine's",
    )

    def __init__(self):
        self._nodes = {node.name: node for node in (Node(number) for number in range(1, NODES + 1))}

    kubeconfig = pki.ADMIN

    @property
    def prefix(self):
        return network.inside(network.OUTSIDE)

    @property
    def nodes(self):
        return list(self._nodes)

    def is_up(self):
        return pki.FOLDER.exists()

    def up(self):
        machine.claim()
        network.create(NODES)
        pki.create(NODES)
        nodes = list(self._nodes.values())
        for node in nodes:
            node.prepare()
            node.start()  # containerd starts and loads images while the control plane comes up
        control_plane.start()
        (GO / "ready").touch()
        addons.install(for_clients(self))
        addons.wait_ready(NODES)

    def down(self):
        machine.check_owner()
        for name in processes.names():
            processes.stop(name, signal.SIGKILL)
        network.delete()
        cgroups.remove_all()
        shutil.rmtree(RUN, ignore_errors=True)
        machine.restore()
        left = machine.leftovers()
        if left:
            raise machine.Unfit("this could not be cleared:\n  " + "\n  ".join(left))

    def load_images(self, archives):
        with ThreadPoolExecutor(len(self._nodes)) as pool:
            for done in [pool.submit(node.load_images, archives) for node in self._nodes.values()]:
                done.result()

    def node_ip(self, node):
        return self._nodes[node].ip

    def node_exec(self, node):
        return self._nodes[node].inside()

    def stop_node(self, node):
        self._nodes[node].cut_power()

    def start_node(self, node):
        self._nodes[node].start()

    def cut_link(self, node):
        network.cut(self._nodes[node].number)

    def mend_link(self, node):
        network.mend(self._nodes[node].number)

    def stop_api_server(self):
        processes.stop(_API_SERVER, signal.SIGKILL)

    def start_api_server(self):
        control_plane.start_api_server()
        control_plane.wait_ready()

    def pause_api_server(self):
        processes.send(_API_SERVER, signal.SIGSTOP)

    def resume_api_server(self):
        processes.send(_API_SERVER, signal.SIGCONT)

    def collect_logs(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        sources = [(path, path.name) for path in (RUN / "log").glob("*.log")]
        sources += [
            (path, f"{node}-{path.name}") for node in self._nodes for path in (RUN / node / "log").glob("*.log")
        ]
        for path, name in sources:
            with open(path, "rb") as log:
                log.seek(max(0, path.stat().st_size - _LOG_TAIL))
                (folder / name).write_bytes(log.read())
