"""Writes an image of one layer as the tar that `docker load`, `kind load image-archive` and `ctr images import` read.

The format is docker-archive: the layer, its configuration, and manifest.json with the image's tag, which each of the
readers turns into the name that a pod's specification resolves to. Times are 0 and names are sorted.
"""

import hashlib
import io
import json
import platform
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass
class Image:
    """The content of an image: files by the place they have in it."""

    name: str
    """Repository and tag."""
    entrypoint: list[str]
    user: str = "65532:65532"
    labels: dict[str, str] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    folders: dict[str, int] = field(default_factory=dict)
    """Empty folders and their modes."""

    def size(self):
        """The bytes of the content, unpacked."""
        return len(_layer(self))

    def write(self, path):
        """Writes the archive, and only if its content differs from what is there; returns whether it did."""
        content = _archive(self)
        path = Path(path)
        if path.exists() and path.read_bytes() == content:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_bytes(content)
        partial.rename(path)
        return True


def _archive(image):
    layer = _layer(image)
    diff_id = hashlib.sha256(layer).hexdigest()
    config = json.dumps(_config(image, diff_id), sort_keys=True).encode()
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    layer_name = f"{diff_id}/layer.tar"
    manifest = json.dumps([{"Config": config_name, "RepoTags": [image.name], "Layers": [layer_name]}]).encode()
    entries = {config_name: config, layer_name: layer, "manifest.json": manifest}
    return _tar((_entry(name, len(data)), data) for name, data in entries.items())


def _config(image, diff_id):
    return {
        "architecture": _ARCHITECTURES[platform.machine()],
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {
            "Entrypoint": image.entrypoint,
            "Env": ["PATH=/usr/bin"],
            "Labels": image.labels,
            "User": image.user,
            "WorkingDir": "/",
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}"]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "tests/e2e/images"}],
    }


def _layer(image):
    """The layer's tar: every parent folder first, then what is in it."""
    contents = {place: (0o755, path.read_bytes()) for place, path in image.files.items()}
    contents |= {place: (0o644, text.encode()) for place, text in image.texts.items()}
    folders = {str(parent): 0o755 for place in [*contents, *image.folders] for parent in Path(place).parents}
    folders |= image.folders
    entries = []
    for place, mode in sorted(folders.items()):
        if place != "/":
            folder = _entry(place.lstrip("/"), 0, mode)
            folder.type = tarfile.DIRTYPE
            entries.append((folder, b""))
    for place, (mode, data) in sorted(contents.items()):
        entries.append((_entry(place.lstrip("/"), len(data), mode), data))
    return _tar(entries)


def _entry(name, size, mode=0o644):
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, mode, 0
    return entry


def _tar(entries):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for entry, data in entries:
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()
