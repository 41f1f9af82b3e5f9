"""A node's cgroups, in every hierarchy of version 1 or in the single one of version 2.

A node is `tfe2e-n<i>`: its daemons are in the leaf `daemons` (version 2 wants processes in leaves only), its pods in
what the kubelet makes beside it.
"""

import contextlib
from pathlib import Path

from .network import PREFIX
from .waiting import eventually

DAEMONS = "daemons"
_CPUSET_FILES = ("cpuset.cpus", "cpuset.mems")
_V2_CONTROLLERS = ("cpuset", "cpu", "io", "memory", "pids")


def node_root(number):
    """The name of a node's cgroup, below the root of each hierarchy."""
    return f"{PREFIX}n{number}"


def create(number):
    """Makes a node's cgroups and returns the files through which its daemons join them."""
    joins = []
    mounts, unified = _hierarchies()
    for mount in mounts:
        root = mount / node_root(number)
        root.mkdir(exist_ok=True)
        if unified:
            _delegate(mount)
            _delegate(root)
        else:
            _copy_cpuset(mount, root)
        leaf = root / DAEMONS
        leaf.mkdir(exist_ok=True)
        if not unified:
            _copy_cpuset(root, leaf)
        joins.append(leaf / "cgroup.procs")
    return joins


def remove(number):
    """Removes a node's cgroups, once the last of its processes is gone."""
    for root in _roots():
        if root.name == node_root(number):
            eventually(lambda root=root: _rmdir_all(root), timeout=20, message=f"{root} to be without processes")


def remove_all():
    """Removes the cgroups of every node."""
    for root in _roots():
        eventually(lambda root=root: _rmdir_all(root), timeout=20, message=f"{root} to be without processes")


def leftovers():
    """Every cgroup of this suite on this machine."""
    return [str(root) for root in _roots()]


def _roots():
    base = Path("/sys/fs/cgroup")
    return sorted([*base.glob(f"{PREFIX}*"), *base.glob(f"*/{PREFIX}*")])


def _rmdir_all(root):
    """Removes a tree of cgroups from its leaves up; says whether it is gone."""
    for folder in sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True):
        with contextlib.suppress(OSError):
            folder.rmdir()
    with contextlib.suppress(OSError):
        root.rmdir()
    return not root.exists()


def _hierarchies():
    """The mount points to use, and whether they are the one of version 2."""
    legacy, unified = [], []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        kind, mount = after.split()[0], Path(before.split()[4])
        if kind == "cgroup":
            legacy.append(mount)
        elif kind == "cgroup2":
            unified.append(mount)
    # Links such as cpu -> cpu,cpuacct are no mounts, and where both versions are mounted runc uses the first.
    return (legacy, False) if legacy else (unified[:1], True)


def _delegate(group):
    """Lets the children of a cgroup use the controllers that it has."""
    available = (group / "cgroup.controllers").read_text().split()
    wanted = " ".join(f"+{name}" for name in _V2_CONTROLLERS if name in available)
    (group / "cgroup.subtree_control").write_text(wanted)


def _copy_cpuset(parent, child):
    """A new cpuset is empty, and no process can join it."""
    for name in _CPUSET_FILES:
        source = parent / name
        if source.exists():
            (child / name).write_text(source.read_text())
