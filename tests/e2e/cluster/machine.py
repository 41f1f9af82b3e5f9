"""What a run changes on the machine outside its own namespaces, and how that is undone.

The kubelet writes kernel settings that no namespace holds. They are read before and written back afterwards. A marker
in /run names the checkout whose cluster is up: names of network namespaces and cgroups are the machine's, so there
can be one cluster at a time.
"""

import json
import os
from pathlib import Path

from . import cgroups, network
from .paths import RUN, SUITE
from .shell import run

MARKER = Path("/run/taffrail-e2e")
"""Says whose cluster is up, and how the machine was before. Not below `RUN`, which somebody may have deleted."""

_NAMESPACES = Path("/run/netns")
_SHOWN = 8
_KUBELET_WRITES = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)
_RAISED = {"fs/inotify/max_user_instances": 1024, "fs/inotify/max_user_watches": 524288}


class Unfit(Exception):
    """This machine, as it is now, can't take a cluster. The message says what to do."""


def claim():
    """Refuses when this can't work; otherwise marks the machine as taken and prepares it."""
    if os.geteuid() != 0:
        raise Unfit("a cluster of our own needs root: run it with sudo -E, or install kind and start Docker")
    check_owner()
    left = leftovers()
    if left:
        listed = "\n  ".join(left[:_SHOWN] + [f"and {len(left) - _SHOWN} more"] * (len(left) > _SHOWN))
        raise Unfit(f"an earlier run left this behind:\n  {listed}\nclear it with: tests/e2e/run down")
    RUN.mkdir(parents=True)
    settings = {name: _setting(name).read_text().strip() for name in (*_KUBELET_WRITES, *_RAISED)}
    before = {"suite": str(SUITE), "settings": settings, "namespaces": _is_mounted(_NAMESPACES)}
    MARKER.write_text(json.dumps(before))
    for name, least in _RAISED.items():
        if int(settings[name]) < least:
            _setting(name).write_text(f"{least}\n")


def check_owner():
    """Refuses to touch the cluster of another checkout."""
    owner = _marked().get("suite")
    if owner not in (None, str(SUITE)):
        raise Unfit(f"the cluster of another checkout is up; take it down with: {owner}/run down")


def restore():
    """Makes the machine as `claim` found it, and takes the mark off it."""
    before = _marked()
    for name, value in before.get("settings", {}).items():
        if _setting(name).read_text().strip() != value:
            _setting(name).write_text(f"{value}\n")
    # iproute2 makes the folder of network namespaces a mount of itself, and leaves it when the last of them goes.
    if before.get("namespaces") is False and _is_mounted(_NAMESPACES) and not any(_NAMESPACES.iterdir()):
        run("umount", _NAMESPACES)
        _NAMESPACES.rmdir()
    MARKER.unlink(missing_ok=True)


def leftovers():
    """Everything on this machine that a run must not leave behind."""
    found = [f"network namespace {name}" for name in network.namespaces()]
    found += [f"cgroup {path}" for path in cgroups.leftovers()]
    found += [f"mount {path}" for path in _mount_points() if path.startswith(str(RUN))]
    found += [str(path) for path in (RUN, MARKER) if path.exists()]
    return found


def _marked():
    """What `claim` wrote down, of this checkout or another."""
    return json.loads(MARKER.read_text()) if MARKER.exists() else {}


def _is_mounted(path):
    """Whether a path is a mount point. `Path.is_mount` misses those of one file system on itself."""
    return str(path) in _mount_points()


def _mount_points():
    return [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]


def _setting(name):
    return Path("/proc/sys") / name
