"""The cluster's certificates and kubeconfigs, by openssl. They live as long as the run, and open nothing after it."""

import base64
import json

from . import network
from .paths import RUN
from .shell import run

FOLDER = RUN / "pki"
KUBECONFIGS = RUN / "kubeconfig"
SERVER = f"https://{network.CONTROL_PLANE_IP}:6443"

_EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30")

ADMIN = KUBECONFIGS / "admin"


def certificate(name):
    """The file of a certificate."""
    return FOLDER / f"{name}.crt"


def key(name):
    """The file of a private key."""
    return FOLDER / f"{name}.key"


def create(nodes):
    """Makes the authority, every component's certificate, and a kubeconfig for each that calls the API."""
    FOLDER.mkdir(parents=True, mode=0o700)
    KUBECONFIGS.mkdir(mode=0o700)
    _authority()
    _service_account_key()
    names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]
    addresses = ["127.0.0.1", network.SERVICE_API_IP, network.CONTROL_PLANE_IP]
    _issue("apiserver", "/CN=kube-apiserver", names, addresses)
    _issue("apiserver-kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client")
    _issue("front-proxy-client", "/CN=front-proxy-client")
    _issue("admin", "/O=system:masters/CN=admin")
    for component in ("kube-controller-manager", "kube-scheduler", "kube-proxy"):
        _issue(component, f"/CN=system:{component}")
    for number in range(1, nodes + 1):
        name = f"n{number}"
        _issue(name, f"/O=system:nodes/CN=system:node:{name}", [name], [network.node_ip(number)])
        _kubeconfig(name)
    for user in ("admin", "kube-controller-manager", "kube-scheduler", "kube-proxy"):
        _kubeconfig(user)


def _authority():
    run(
        *(
            "openssl",
            "req",
            "-x509",
            *_EC,
            "-subj",
            "/CN=kubernetes-ca",
            "-keyout",
            key("ca"),
            "-out",
            certificate("ca"),
        ),
        *("-addext", "basicConstraints=critical,CA:TRUE"),
        *("-addext", "keyUsage=critical,keyCertSign,cRLSign,digitalSignature"),
    )


def _service_account_key():
    run("openssl", "genrsa", "-out", key("service-account"), "2048")
    run("openssl", "rsa", "-in", key("service-account"), "-pubout", "-out", FOLDER / "service-account.pub")


def _issue(name, subject, dns=(), addresses=()):
    alternatives = [f"DNS:{each}" for each in dns] + [f"IP:{each}" for each in addresses]
    extensions = ["basicConstraints=critical,CA:FALSE", "extendedKeyUsage=clientAuth,serverAuth"]
    if alternatives:
        extensions.append("subjectAltName=" + ",".join(alternatives))
    run(
        *("openssl", "req", "-x509", *_EC, "-CA", certificate("ca"), "-CAkey", key("ca"), "-subj", subject),
        *("-keyout", key(name), "-out", certificate(name)),
        *(part for extension in extensions for part in ("-addext", extension)),
    )


def _kubeconfig(user):
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "e2e", "cluster": {"server": SERVER, "certificate-authority-data": _data(certificate("ca"))}}
        ],
        "users": [
            {
                "name": user,
                "user": {"client-certificate-data": _data(certificate(user)), "client-key-data": _data(key(user))},
            }
        ],
        "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": user}}],
        "current-context": "e2e",
    }
    path = KUBECONFIGS / user
    path.write_text(json.dumps(config, indent=1))
    path.chmod(0o600)


def _data(path):
    return base64.b64encode(path.read_bytes()).decode()
