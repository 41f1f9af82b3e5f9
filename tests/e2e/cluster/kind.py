"""The same interface on kind, where a Docker daemon and the program `kind` are there.

A node is a container of Docker. kind brings its own network, names and volumes.
"""

import json
import shutil
import tempfile

from .base import Cluster
from .paths import RUN
from .shell import output, run
from .waiting import eventually

NAME = "taffrail-e2e"
# The minor version from which the suite's own cluster is built, as kind 0.33 has it.
NODE_IMAGE = "kindest/node:v1.34.11@sha256:44e222ee2132dab25ff87301682f89eb82c7880ea3a1bf543bfe9708fd08d67d"
_CONTROL_PLANE = f"{NAME}-control-plane"
_MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"
_PARKED = "/etc/kubernetes/kube-apiserver.yaml"
_NETWORK = "kind"


class KindCluster(Cluster):
    """The kind cluster of this suite's name."""

    kind = "kind"
    cannot_prove = (
        "that a volume grows: kind's provisioner has no expansion",
        "Services of type LoadBalancer: no cloud hands out addresses",
        "that images come from a registry: they are loaded into the nodes",
    )

    kubeconfig = RUN / "kubeconfig"
    prefix = ()

    @property
    def nodes(self):
        return [f"{NAME}-worker", f"{NAME}-worker2", f"{NAME}-worker3"]

    def is_up(self):
        return NAME in output("kind", "get", "clusters", check=False).split()

    def up(self):
        RUN.mkdir(parents=True, exist_ok=True)
        workers = [{"role": "worker", "labels": {"topology.kubernetes.io/zone": zone}} for zone in "abc"]
        config = {
            "kind": "Cluster",
            "apiVersion": "kind.x-k8s.io/v1alpha4",
            "nodes": [{"role": "control-plane"}, *workers],
        }
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(config, file)
            file.flush()
            names = ("--name", NAME, "--image", NODE_IMAGE, "--kubeconfig", self.kubeconfig)
            run("kind", "create", "cluster", *names, "--config", file.name, "--wait", "180s", timeout=900)

    def down(self):
        run("kind", "delete", "cluster", "--name", NAME, "--kubeconfig", self.kubeconfig)
        shutil.rmtree(RUN, ignore_errors=True)

    def load_images(self, archives):
        for archive in archives:
            run("kind", "load", "image-archive", archive, "--name", NAME)

    def node_ip(self, node):
        template = f"{{{{.NetworkSettings.Networks.{_NETWORK}.IPAddress}}}}"
        return output("docker", "inspect", "--format", template, node)

    def node_exec(self, node):
        return ["docker", "exec", "--interactive", node]

    def stop_node(self, node):
        run("docker", "kill", node)

    def start_node(self, node):
        run("docker", "start", node)

    def cut_link(self, node):
        run("docker", "exec", node, "ip", "link", "set", "eth0", "down")

    def mend_link(self, node):
        run("docker", "exec", node, "ip", "link", "set", "eth0", "up")
        # The route went with the link.
        template = f"{{{{.NetworkSettings.Networks.{_NETWORK}.Gateway}}}}"
        gateway = output("docker", "inspect", "--format", template, node)
        run("docker", "exec", node, "ip", "route", "replace", "default", "via", gateway)

    def stop_api_server(self):
        # The kubelet would start it again; without its manifest it doesn't.
        self._control_plane("mv", _MANIFEST, _PARKED)
        self._control_plane("pkill", "-KILL", "-x", "kube-apiserver", check=False)

    def start_api_server(self):
        self._control_plane("mv", _PARKED, _MANIFEST)
        kubectl = ("kubectl", f"--kubeconfig={self.kubeconfig}", "get", "--raw", "/readyz")
        eventually(lambda: output(*kubectl) == "ok", timeout=180, message="the API server to be ready")

    def pause_api_server(self):
        self._control_plane("pkill", "-STOP", "-x", "kube-apiserver")

    def resume_api_server(self):
        self._control_plane("pkill", "-CONT", "-x", "kube-apiserver")

    def collect_logs(self, folder):
        run("kind", "export", "logs", folder, "--name", NAME, check=False)

    def _control_plane(self, *command, check=True):
        return run("docker", "exec", _CONTROL_PLANE, *command, check=check)
