"""Debian packages that the suite needs, installed where they are missing."""

import os
import shutil

from .shell import run

_CLIENTS = {"kcat": "kcat", "strip": "binutils"}
_OWN_CLUSTER = {
    "containerd": "containerd",
    "runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "etcd": "etcd-server",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ipset": "ipset",
    "socat": "socat",
    "nft": "nftables",
    "ethtool": "ethtool",
    "ebtables": "ebtables",
    "ip": "iproute2",
    "openssl": "openssl",
    "nsenter": "util-linux",
    "sysctl": "procps",
}


def install(own_cluster, say=print):
    """Installs what is missing, by apt, as root or by sudo."""
    wanted = _CLIENTS | (_OWN_CLUSTER if own_cluster else {})
    missing = sorted(package for program, package in wanted.items() if _which(program) is None)
    if not missing:
        return
    say(f"installing {' '.join(missing)}")
    as_root = [] if os.geteuid() == 0 else ["sudo"]
    # Debian starts the daemons that it installs, unless it is told that the machine is in single-user mode.
    settings = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"]
    run(*as_root, "apt-get", "update", "-qq")
    run(*as_root, *settings, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing, timeout=1800)


def _which(program):
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
