"""The cluster's network: namespaces on one bridge, with no way to the machine's own network or from it.

* `fabric` holds the bridge and the control plane.
* `outside` is where clients live that are not part of the cluster: it reaches the nodes' addresses and nothing else.
* One namespace a node, with an address on the bridge and routes to the other nodes' pods.
"""

import contextlib
import ctypes
import os
import signal

from .shell import output, run

PREFIX = "tfe2e-"
FABRIC = f"{PREFIX}fabric"
OUTSIDE = f"{PREFIX}outside"

BRIDGE = "br0"
NODE_NET = "10.99.0"
CONTROL_PLANE_IP = f"{NODE_NET}.1"
OUTSIDE_IP = f"{NODE_NET}.2"
SERVICE_CIDR = "10.96.0.0/16"
SERVICE_API_IP = "10.96.0.1"
DNS_IP = "10.96.0.10"
POD_CIDR = "10.244.0.0/16"

_CLONE_NEWNET = 0x40000000


def node_ip(number):
    """The address of a node, counted from 1."""
    return f"{NODE_NET}.{10 + number}"


def pod_cidr(number):
    """The addresses of a node's pods."""
    return f"10.244.{number}.0/24"


def node_namespace(number):
    """The name of a node's network namespace."""
    return f"{PREFIX}n{number}"


def inside(namespace):
    """What to put before a command so that it runs in a network namespace.

    `ip netns exec` would mount /sys anew as well, and a node's programs need the machine's.
    """
    return ["nsenter", f"--net=/run/netns/{namespace}", "--"]


@contextlib.contextmanager
def entered(namespace):
    """The calling thread is in a network namespace for the length of the block: sockets made there stay there."""
    if namespace is None:
        yield
        return
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        away = os.open(f"/run/netns/{namespace}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(away)
        finally:
            os.close(away)
        try:
            yield
        finally:
            _setns(home)
    finally:
        os.close(home)


def _setns(descriptor):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def create(nodes):
    """Makes all namespaces, links and routes for nodes 1 to `nodes`."""
    _add_namespace(FABRIC)
    _ip(FABRIC, "link", "add", BRIDGE, "type", "bridge")
    _ip(FABRIC, "addr", "add", f"{CONTROL_PLANE_IP}/24", "dev", BRIDGE)
    _ip(FABRIC, "link", "set", BRIDGE, "up")
    _attach(OUTSIDE, OUTSIDE_IP, "outside")
    numbers = range(1, nodes + 1)
    for number in numbers:
        namespace = node_namespace(number)
        _attach(namespace, node_ip(number), _port(number))
        # It leads nowhere. It lets connect() to a Service's address reach the chain where kube-proxy rewrites it.
        _ip(namespace, "route", "add", "default", "via", CONTROL_PLANE_IP)
        run(*inside(namespace), "sysctl", "-qw", "net.ipv4.ip_forward=1")
        # Two pods of one node talk through the bridge; without this the answers bypass kube-proxy's rewriting.
        run(*inside(namespace), "sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=1", check=False)
        _ip(FABRIC, "route", "add", pod_cidr(number), "via", node_ip(number))
        for other in numbers:
            if other != number:
                _ip(namespace, "route", "add", pod_cidr(other), "via", node_ip(other))


def cut(number):
    """Pulls a node's cable."""
    _ip(FABRIC, "link", "set", _port(number), "down")


def mend(number):
    """Plugs a node's cable in again."""
    _ip(FABRIC, "link", "set", _port(number), "up")


def namespaces():
    """Every network namespace of this suite on this machine."""
    found = output("ip", "netns", "list", check=False).split("\n")
    return [line.split()[0] for line in found if line.startswith(PREFIX)]


def delete():
    """Ends what still runs in the suite's namespaces, then removes them. Nothing else can run there."""
    for namespace in namespaces():
        for process in output("ip", "netns", "pids", namespace, check=False).split():
            if int(process) not in (os.getpid(), os.getppid()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(process), signal.SIGKILL)
        run("ip", "netns", "delete", namespace)


def _port(number):
    return f"node{number}"


def _add_namespace(namespace):
    run("ip", "netns", "add", namespace)
    _ip(namespace, "link", "set", "lo", "up")


def _attach(namespace, address, port):
    _add_namespace(namespace)
    _ip(FABRIC, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", namespace)
    _ip(FABRIC, "link", "set", port, "master", BRIDGE, "up")
    _ip(namespace, "addr", "add", f"{address}/24", "dev", "eth0")
    _ip(namespace, "link", "set", "eth0", "up")


def _ip(namespace, *args):
    run("ip", "-n", namespace, *args)
