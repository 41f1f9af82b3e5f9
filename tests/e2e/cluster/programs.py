"""Kubernetes' components, CoreDNS, Helm, kubeconform and the suite's own small programs, from the Go module
`kubernetes/`.

All in one module and one `go build`, so that what they share is compiled once: about eleven CPU-minutes from a cold
cache. A stamp of the module's files and the toolchain says when nothing has to be done.
"""

import hashlib
import os
import shutil
import time

from .paths import BIN, SUITE
from .shell import output, run

MODULE = SUITE / "kubernetes"
KUBERNETES_VERSION = "1.34.4"

_COMPONENTS = ("kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubectl", "kubelet")
_CLIENTS = ("./probe", "github.com/yannh/kubeconform/cmd/kubeconform", "helm.sh/helm/v3/cmd/helm")
_OWN_CLUSTER = (".", "./coredns", "./pause", *_CLIENTS)
_FOREIGN_CLUSTER = ("k8s.io/kubernetes/cmd/kubectl", *_CLIENTS)
_STAMP = BIN / ".stamp"


class NoGo(Exception):
    """There is no Go toolchain."""


def build(own_cluster, say=print):
    """Brings the programs up to date in `paths.BIN`: all of them, or only those that clients of a cluster need."""
    if shutil.which("go") is None:
        raise NoGo("the cluster's programs are built from Go modules: install Go 1.25 or newer (https://go.dev/dl)")
    environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOWORK": "off"}
    packages = _OWN_CLUSTER if own_cluster else _FOREIGN_CLUSTER
    stamp = _stamp(packages, environment)
    if _STAMP.exists() and _STAMP.read_text() == stamp:
        return
    say("building Kubernetes' programs and Helm from Go modules; the first time takes minutes")
    began = time.monotonic()
    BIN.mkdir(parents=True, exist_ok=True)
    for old in BIN.iterdir():
        old.unlink()
    major, minor, _ = KUBERNETES_VERSION.split(".")
    version = "k8s.io/component-base/version"
    values = {"gitVersion": f"v{KUBERNETES_VERSION}", "gitMajor": major, "gitMinor": minor}
    flags = " ".join(["-s", "-w", *(f"-X {version}.{name}={value}" for name, value in values.items())])
    arguments = ("-trimpath", "-mod=readonly", "-ldflags", flags, "-o", f"{BIN}/", *packages)
    run("nice", "go", "build", *arguments, cwd=MODULE, env=environment, timeout=3600)
    if own_cluster:
        for component in _COMPONENTS:
            link = BIN / component
            link.unlink(missing_ok=True)
            link.symlink_to("kubernetes")
    _STAMP.write_text(stamp)
    say(f"built in {time.monotonic() - began:.0f} s")


def _stamp(packages, environment):
    toolchain = output("go", "version", cwd=MODULE, env=environment)
    digest = hashlib.sha256(f"{toolchain}\n{KUBERNETES_VERSION}\n{packages}".encode())
    sources = [*MODULE.glob("*.go"), *MODULE.glob("*/*.go"), MODULE / "go.mod", MODULE / "go.sum"]
    for path in sorted(sources):
        digest.update(f"\n{path.relative_to(SUITE)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
