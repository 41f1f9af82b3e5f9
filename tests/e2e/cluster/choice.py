"""Which kind of cluster there is to be."""

import shutil

from . import machine
from .base import Cluster
from .kind import KindCluster
from .own import OwnCluster
from .shell import run

CHOICES = ("auto", "own", "kind")


def choose(wanted="auto") -> Cluster:
    """kind where it works, otherwise our own."""
    if wanted == "kind" or (wanted == "auto" and kind_works()):
        return KindCluster()
    return OwnCluster()


def kind_works():
    """Whether both the program `kind` and a Docker daemon that answers are there."""
    if shutil.which("kind") is None or shutil.which("docker") is None:
        return False
    return run("docker", "info", check=False).returncode == 0


def running() -> Cluster | None:
    """The cluster that is up."""
    if OwnCluster().is_up():
        return OwnCluster()
    if kind_works() and KindCluster().is_up():
        return KindCluster()
    return None


def clear():
    """Takes down whatever is there, whole or in pieces; says whether there was anything."""
    found = False
    if kind_works() and KindCluster().is_up():
        KindCluster().down()
        found = True
    if machine.leftovers():
        OwnCluster().down()
        found = True
    return found
