"""One node of the cluster: containerd, kubelet and kube-proxy in namespaces of their own, begun by `node-init.sh`.

What survives a power cut is the node's folder: images, containers, volumes. Everything else is in memory or in
namespaces.
"""

import json
import os
import shutil
import signal
from pathlib import Path

from . import cgroups, network, pki, processes
from .paths import BIN, IMAGES, RUN
from .shell import run
from .waiting import eventually

PAUSE_IMAGE = "localhost/pause:1"
ZONES = "abc"
VOLUMES = "volumes"

GO = RUN / "go"
"""A folder that holds the file `ready` once kubelets may start."""

_CONTAINERD = """\
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.internal.v1.opt",
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]

[grpc]
address = "/run/containerd/containerd.sock"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
disable_apparmor = true
# Lowering it takes a capability that a container or a small virtual machine may lack.
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "/run/node/cni"
"""


class Node:
    """A node, counted from 1."""

    def __init__(self, number):
        self.number = number
        self.name = f"n{number}"
        self.ip = network.node_ip(number)
        self.zone = ZONES[(number - 1) % len(ZONES)]
        self.folder = RUN / self.name

    def prepare(self):
        """Writes the node's configuration."""
        (self.folder / "cni").mkdir(parents=True)
        (self.folder / "log").mkdir()
        (self.folder / VOLUMES).mkdir()
        (self.folder / "containerd.toml").write_text(_CONTAINERD.format(pause=PAUSE_IMAGE))
        (self.folder / "resolv.conf").write_text("")
        self._write("cni/10-bridge.conflist", self._cni())
        self._write("kubelet.yaml", self._kubelet())
        self._write("kube-proxy.yaml", self._proxy())
        for source, name in ((pki.certificate("ca"), "ca.crt"), (pki.certificate(self.name), "kubelet.crt")):
            shutil.copy(source, self.folder / name)
        shutil.copy(pki.key(self.name), self.folder / "kubelet.key")
        shutil.copy(pki.KUBECONFIGS / self.name, self.folder / "kubelet.kubeconfig")
        shutil.copy(pki.KUBECONFIGS / "kube-proxy", self.folder / "kube-proxy.kubeconfig")

    def start(self):
        """Switches the node on."""
        GO.mkdir(exist_ok=True)
        environment = os.environ | {
            "NODE": self.name,
            "NODE_IP": self.ip,
            "NODE_LABELS": f"topology.kubernetes.io/zone={self.zone},topology.kubernetes.io/region=e2e",
            "NODE_DIR": str(self.folder),
            "CGROUPS": "\n".join(map(str, cgroups.create(self.number))),
            "IMAGES": str(IMAGES),
            "BIN": str(BIN),
            "GO_DIR": str(GO),
        }
        own = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc"]
        script = Path(__file__).with_name("node-init.sh")
        arguments = [
            *network.inside(network.node_namespace(self.number)),
            *own,
            "--propagation",
            "private",
            "bash",
            script,
        ]
        processes.start(self.name, arguments, RUN / "log" / f"{self.name}.log", environment)

    def cut_power(self):
        """Every process of the node dies at once. What it wrote to its disks stays."""
        processes.stop(self.name, signal.SIGKILL)
        cgroups.remove(self.number)

    def inside(self):
        """What to put before a command so that it runs on the node."""
        return ["nsenter", "--target", str(self._first_process()), "--mount", "--uts", "--ipc", "--net", "--pid", "--"]

    def load_images(self, archives):
        """Loads image archives into the running node."""
        for archive in archives:
            self._import(archive)

    def _import(self, archive):
        # By name and not by path: the node sees the folder of archives in a place of its own.
        arguments = [
            "ctr",
            "--namespace",
            "k8s.io",
            "images",
            "import",
            "--digests=false",
            f"/run/images/{archive.name}",
        ]
        run(*self.inside(), *arguments)

    def _first_process(self):
        """The node's first process, as the machine counts: the child of the one that made the namespaces."""
        parent = processes.pid(self.name)
        if parent is None:
            raise ProcessLookupError(f"node {self.name} is off")
        children = Path(f"/proc/{parent}/task/{parent}/children")
        return int(eventually(lambda: children.read_text().split(), message=f"the first process of {self.name}")[0])

    def _write(self, name, content):
        (self.folder / name).write_text(json.dumps(content, indent=1))

    def _cni(self):
        addresses = {"type": "host-local", "ranges": [[{"subnet": network.pod_cidr(self.number)}]]}
        bridge = {"type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": False, "hairpinMode": True}
        bridge["ipam"] = addresses | {"routes": [{"dst": "0.0.0.0/0"}]}
        ports = {"type": "portmap", "capabilities": {"portMappings": True}}
        return {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge, ports]}

    def _kubelet(self):
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": "/run/node/ca.crt"},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": "/run/node/kubelet.crt",
            "tlsPrivateKeyFile": "/run/node/kubelet.key",
            "clusterDNS": [network.DNS_IP],
            "clusterDomain": "cluster.local",
            "resolvConf": "/run/node/resolv.conf",
            "volumePluginDir": "/run/volume-plugins",
            "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{cgroups.node_root(self.number)}",
            "failCgroupV1": False,
            "failSwapOn": False,
            "oomScoreAdj": 0,
            "maxPods": 60,
            # A disk that is nearly full is the machine's, not the node's: it must not evict pods.
            "imageGCHighThresholdPercent": 100,
            "evictionHard": {
                "memory.available": "100Mi",
                "nodefs.available": "0%",
                "nodefs.inodesFree": "0%",
                "imagefs.available": "0%",
            },
            "nodeStatusUpdateFrequency": "3s",
            "nodeStatusReportFrequency": "10s",
            "syncFrequency": "10s",
        }

    def _proxy(self):
        return {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "iptables",
            "clientConnection": {"kubeconfig": "/run/node/kube-proxy.kubeconfig"},
            "clusterCIDR": network.POD_CIDR,
            "hostnameOverride": self.name,
            "oomScoreAdj": 0,
            # The table's size is the machine's and can't be written from inside a network namespace.
            "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
            "iptables": {"minSyncPeriod": "0s", "syncPeriod": "10s"},
        }
