"""The operator as it was installed: its release, its pods, who leads, what it counts."""

import os
import re
import subprocess

from cluster.paths import ROOT
from cluster.shell import CommandFailed, run
from harness import eventually
from harness.kubernetes import is_ready

from . import readme

NAMESPACE = "taffrail-system"
RELEASE = "taffrail"
DEPLOYMENT = "taffrail-operator"
CHART = "./helm/taffrail"
PODS = "app.kubernetes.io/name=taffrail-operator"
KINDS = ("kafkaclusters", "topics", "kafkausers", "rebalances")

_METRIC = re.compile(r"^(?P<name>\w+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$")


class Installation:
    """The operator of one release."""

    def __init__(self, kubernetes, namespace=NAMESPACE, deployment=DEPLOYMENT):
        self._kubernetes = kubernetes
        self.own = kubernetes.in_namespace(namespace)
        self._deployment = deployment

    def helm(self, *arguments, check=True):
        """Runs Helm where the chart is."""
        return run("helm", *arguments, check=check, cwd=ROOT, timeout=300)

    def install(self):
        """Types the README's first line, in a namespace that takes nothing but restricted pods."""
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
        self._kubernetes.apply(body, "--server-side")
        shell(readme.kubernetes_lines()[0])
        self.wait_leader()

    def upgrade(self, *values):
        """`helm upgrade` with other values than the chart's own, and only these."""
        settings = [part for value in values for part in ("--set", value)]
        self.helm("upgrade", RELEASE, CHART, "--namespace", NAMESPACE, "--wait", *settings)
        self.wait_leader()

    def uninstall(self):
        """`helm uninstall`; returns when the last pod is gone."""
        self.helm("uninstall", RELEASE, "--namespace", NAMESPACE, "--wait")
        eventually(lambda: not self.own.list("pods", PODS), 60, message="the operator's pods to be gone")

    def is_installed(self):
        """Whether there is such a release."""
        return self.helm("status", RELEASE, "--namespace", NAMESPACE, check=False).returncode == 0

    def pods(self):
        """The pods that are there to stay."""
        return [pod for pod in self.own.list("pods", PODS) if "deletionTimestamp" not in pod["metadata"]]

    def lease(self):
        """The lease by which one of them acts."""
        return self.own.get("lease", self._deployment)

    def leader(self, other_than=None):
        """The pod that acts: it holds the lease, is ready, and says itself that it leads. None if there is none now.

        The pod `other_than` isn't even asked: it may hang.
        """
        holder = self.lease()["spec"].get("holderIdentity")
        if holder == other_than:
            return None
        pod = next((pod for pod in self.pods() if pod["metadata"]["name"] == holder), None)
        if pod is None or not is_ready(pod):
            return None
        return pod if self.count("taffrail_operator_leader", pod=pod) == 1 else None

    def wait_leader(self, timeout=60, other_than=None):
        """Waits for a pod that acts; gives it."""
        return eventually(lambda: self.leader(other_than), timeout, message="an operator to lead")

    def count(self, metric, pod=None, **labels):
        """The sum of a metric's series that bear these labels, of one pod; by default the one that has the lease."""
        if pod is None:
            pod = eventually(self.leader, 60, message="an operator to lead")
        wanted = {f'{name}="{value}"' for name, value in labels.items()}
        total = 0.0
        for line in self._metrics(pod).splitlines():
            found = _METRIC.match(line)
            if found and found["name"] == metric and wanted <= set((found["labels"] or "").split(",")):
                total += float(found["value"])
        return total

    def writes(self):
        """How often the operator has written anything."""
        return self.count("taffrail_operator_writes_total")

    def memory(self):
        """The resident memory of the leader in KiB, now and at most, as its node's kernel says."""
        pod = self.leader() or self.pods()[0]
        uid = re.sub("[-_]", "[-_]", pod["metadata"]["uid"])
        script = f"for p in $(grep -lsE '{uid}' /proc/[0-9]*/cgroup); do cat $(dirname $p)/status; done"
        status = self._kubernetes.node_exec(pod["spec"]["nodeName"], "sh", "-c", script).stdout
        found = (re.findall(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE) for field in ("VmRSS", "VmHWM"))
        return tuple(max(map(int, sizes), default=0) for sizes in found)  # the pod's other process is the small one

    def _metrics(self, pod):
        path = f"{self.own.api.path('pods', self.own.namespace, pod['metadata']['name'])}:8080/proxy/metrics"
        return self.own.api.request("GET", path, raw=True)


def signal_container(kubernetes, pod, signal="SIGKILL"):
    """Sends a signal to the first process of a pod's only container, behind Kubernetes' back."""
    container = pod["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
    tasks = ("ctr", "--namespace", "k8s.io", "tasks")
    kubernetes.node_exec(pod["spec"]["nodeName"], *tasks, "kill", "--signal", signal, container)


def shell(line, **environment):
    """Types a line into a shell in the folder of the repository; gives what it says."""
    arguments = ["bash", "-o", "pipefail", "-c", line]
    result = subprocess.run(arguments, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=300)
    if result.returncode != 0:
        raise CommandFailed([line], result)
    return result.stdout
