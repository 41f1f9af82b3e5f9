"""etcd, kube-apiserver, kube-controller-manager and kube-scheduler, as plain processes in the fabric.

No node carries the control plane, so that any node may lose its power.
"""

import signal

from . import network, pki, processes
from .api import Api
from .paths import BIN, RUN
from .waiting import eventually

LOG = RUN / "log"

_ETCD = "http://127.0.0.1:2379"


def start():
    """Starts all four and returns when the API server is ready."""
    _etcd()
    start_api_server()
    wait_ready()
    # Before the API server has written its own roles these two are forbidden everything, and exit.
    _controller_manager()
    _scheduler()


def stop():
    """Ends all four, the API server's store last."""
    for name in ("kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd"):
        processes.stop(name, signal.SIGKILL)


def wait_ready(timeout=120):
    """Returns when the API server says that it is ready."""
    api = Api(pki.ADMIN, network.FABRIC)
    eventually(
        api.is_ready, timeout=timeout, message=f"the API server to be ready; its log is {LOG}/kube-apiserver.log"
    )


def start_api_server():
    """Starts the API server; `wait_ready` says when it answers."""
    key, crt = pki.key, pki.certificate
    _component(
        "kube-apiserver",
        f"--etcd-servers={_ETCD}",
        f"--advertise-address={network.CONTROL_PLANE_IP}",
        "--secure-port=6443",
        f"--service-cluster-ip-range={network.SERVICE_CIDR}",
        f"--client-ca-file={crt('ca')}",
        f"--tls-cert-file={crt('apiserver')}",
        f"--tls-private-key-file={key('apiserver')}",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={pki.FOLDER}/service-account.pub",
        f"--service-account-signing-key-file={key('service-account')}",
        f"--kubelet-certificate-authority={crt('ca')}",
        f"--kubelet-client-certificate={crt('apiserver-kubelet-client')}",
        f"--kubelet-client-key={key('apiserver-kubelet-client')}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--requestheader-client-ca-file={crt('ca')}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={crt('front-proxy-client')}",
        f"--proxy-client-key-file={key('front-proxy-client')}",
        # The fabric has routes to pods and no kube-proxy: webhooks and aggregated servers are called by endpoint.
        "--enable-aggregator-routing=true",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        "--profiling=false",
    )


def _etcd():
    (RUN / "etcd").mkdir(mode=0o700, exist_ok=True)
    arguments = [
        f"--data-dir={RUN}/etcd",
        f"--listen-client-urls={_ETCD}",
        f"--advertise-client-urls={_ETCD}",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--log-level=warn",
        # The store dies with the run: a crash of the machine has nothing to lose here.
        "--unsafe-no-fsync",
    ]
    processes.start("etcd", [*network.inside(network.FABRIC), "etcd", *arguments], LOG / "etcd.log")


def _controller_manager():
    _component(
        "kube-controller-manager",
        *_caller("kube-controller-manager"),
        f"--service-account-private-key-file={pki.key('service-account')}",
        f"--root-ca-file={pki.certificate('ca')}",
        f"--cluster-signing-cert-file={pki.certificate('ca')}",
        f"--cluster-signing-key-file={pki.key('ca')}",
        "--use-service-account-credentials=true",
        "--allocate-node-cidrs=false",
        f"--cluster-cidr={network.POD_CIDR}",
        f"--service-cluster-ip-range={network.SERVICE_CIDR}",
        f"--flex-volume-plugin-dir={RUN}/volume-plugins",
        # A dead node is noticed in seconds: a test waits for it.
        "--node-monitor-grace-period=16s",
        "--node-monitor-period=2s",
    )


def _scheduler():
    _component("kube-scheduler", *_caller("kube-scheduler"))


def _caller(user):
    kubeconfig = pki.KUBECONFIGS / user
    return (
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
    )


def _component(name, *arguments):
    processes.start(name, [*network.inside(network.FABRIC), BIN / name, *arguments], LOG / f"{name}.log")
