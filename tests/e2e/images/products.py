"""What is in which image.

The two products' images hold the binary, the libraries that it is linked to, and the files without which a process
has no user and no names. The cluster's own images hold a static program each.
"""

import re
import tomllib
from pathlib import Path

from cluster.paths import BIN, IMAGES, ROOT, WORK
from cluster.shell import output, run

from .archive import Image
from .containerfile import last_stage

PROBE = "localhost/probe:1"
MAX_BYTES = 40_000_000
"""No product's image may reach this, unpacked."""

_USER = 65532
_TEXTS = {
    "/etc/passwd": f"root:x:0:0:root:/:/sbin/nologin\ntaffrail:x:{_USER}:{_USER}:taffrail:/:/sbin/nologin\n",
    "/etc/group": f"root:x:0:\ntaffrail:x:{_USER}:\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}


class TooLarge(Exception):
    """A product's image is larger than promised."""


def version():
    """The version of the products."""
    return tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]


def product(name, binary, containerfile):
    """The image `taffrail/<name>` around a binary. What it starts and as whom is read from the Containerfile."""
    stage = last_stage(containerfile)
    stripped = WORK / "stripped" / Path(binary).name
    stripped.parent.mkdir(parents=True, exist_ok=True)
    run("strip", "-o", stripped, binary)
    image = Image(
        name=f"taffrail/{name}:{version()}",
        entrypoint=stage.entrypoint,
        user=stage.user,
        labels={"org.opencontainers.image.version": version()},
        files={stage.entrypoint[0]: stripped, **_libraries(binary)},
        texts=_TEXTS,
        folders={"/tmp": 0o1777},
    )
    size = image.size()
    if size >= MAX_BYTES:
        raise TooLarge(f"{image.name} is {size:,} bytes; it must stay below {MAX_BYTES:,}")
    return image


def build_products(taffrail, operator):
    """Writes both products' archives; returns (image, archive, changed) of each."""
    images = {
        "taffrail": product("taffrail", taffrail, ROOT / "broker" / "Containerfile"),
        "operator": product("operator", operator, ROOT / "operator" / "Containerfile"),
    }
    return [_write(name, image) for name, image in images.items()]


def build_helpers(own_cluster):
    """Writes the archives of what tests and, where the cluster is ours, Kubernetes itself run."""
    programs = ["probe", "pause", "coredns"] if own_cluster else ["probe"]
    helpers = []
    for program in programs:
        entrypoint = f"/usr/bin/{program}"
        image = Image(f"localhost/{program}:1", [entrypoint], files={entrypoint: BIN / program}, texts=_TEXTS)
        helpers.append(_write(program, image))
    return helpers


def _write(name, image):
    path = IMAGES / f"{name}.tar"
    return image, path, image.write(path)


def _libraries(binary):
    """The libraries that a binary is linked to, at the places where its loader looks for them."""
    if "statically linked" in run("ldd", binary, check=False).stderr:
        return {}
    said = output("ldd", binary)
    if "not found" in said:
        raise FileNotFoundError(f"{binary} lacks libraries here:\n{said}")
    return {place: Path(place).resolve() for place in re.findall(r"(/\S+\.so\S*)", said)}
