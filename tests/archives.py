"""Tars made member by member, and docker archives made of them, for tests of what archives may hold."""

from __future__ import annotations

import bz2
import gc
import gzip
import io
import json
import lzma
import os
import sys
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.images import digest, image_config

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

only_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc or devices that only Linux has")

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda content: gzip.compress(content, mtime=0),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd.compress,
}
"""What an archive, or a layer in it, may be compressed with."""


@dataclass(frozen=True, slots=True)
class Symlink:
    """A member that is a symbolic link."""

    target: str


@dataclass(frozen=True, slots=True)
class Hardlink:
    """A member that is a hard link to another."""

    target: str


Content = bytes | Symlink | Hardlink | None
"""What a member is: a file, a link, or (None) a folder."""
Members = Mapping[str, Content] | Iterable[tuple[str, Content]]


def tar_of(members: Members) -> bytes:
    """Return a tar of these members in this order; a name may come twice."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in members.items() if isinstance(members, Mapping) else members:
            entry = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
                continue
            if isinstance(content, Symlink):
                entry.type, entry.linkname = tarfile.SYMTYPE, content.target
            elif isinstance(content, Hardlink):
                entry.type, entry.linkname = tarfile.LNKTYPE, content.target
            else:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
    return buffer.getvalue()


def members_of(archive: bytes) -> dict[str, bytes]:
    """Return the files in a tar by name."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        files = [entry for entry in tar if entry.isfile()]
        return {entry.name: tar.extractfile(entry).read() for entry in files}  # type: ignore[union-attr]


def docker_members(
    layers: Sequence[bytes],
    *,
    stored: Sequence[bytes] | None = None,
    names: Sequence[str] | None = None,
    tags: Sequence[str] | None = ("hello:latest",),
    runtime: Mapping[str, Any] | None = None,
    config: bytes | None = None,
) -> dict[str, Content]:
    """Return the members of a docker archive with one image, made by hand.

    `layers` are the uncompressed tars; `stored` is what the layers' members hold instead, `names` their paths, and
    `config` the image's config where it shall be another one.
    """
    config = image_config(layers, runtime) if config is None else config
    stored = layers if stored is None else stored
    names = [f"layer{number}.tar" for number in range(len(stored))] if names is None else names
    entry = {"Config": "config.json", "RepoTags": None if tags is None else list(tags), "Layers": list(names)}
    members: dict[str, Content] = {"config.json": config}
    members |= dict(zip(names, stored, strict=True))
    return {**members, "manifest.json": json.dumps([entry]).encode()}


def both_members(
    layers: Sequence[bytes],
    *,
    tag: str = "latest",
    stored: Sequence[bytes] | None = None,
    change: Mapping[str, Any] | None = None,
) -> dict[str, Content]:
    """Return the members of a docker archive as Docker 25 and later write it; `change` alters its OCI manifest."""
    stored = layers if stored is None else stored
    config = image_config(layers)
    suffix = {stored[n]: "" if stored[n] == layers[n] else "+gzip" for n in range(len(layers))}
    oci: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.oci.image.config.v1+json", config),
        "layers": [descriptor(f"application/vnd.oci.image.layer.v1.tar{suffix[blob]}", blob) for blob in stored],
        "annotations": {"made": "by hand"},
    } | dict(change or {})
    raw = json.dumps(oci).encode()
    names = {
        "io.containerd.image.name": f"docker.io/library/hello:{tag}",
        "org.opencontainers.image.ref.name": tag,
    }
    index = {
        "schemaVersion": 2,
        "manifests": [{**descriptor("application/vnd.oci.image.manifest.v1+json", raw), "annotations": names}],
    }
    blobs: dict[str, Content] = {f"blobs/sha256/{digest(blob)[7:]}": blob for blob in (*stored, config, raw)}
    layer_names = [f"blobs/sha256/{digest(blob)[7:]}" for blob in stored]
    entry = {"Config": f"blobs/sha256/{digest(config)[7:]}", "RepoTags": [f"hello:{tag}"], "Layers": layer_names}
    return blobs | {
        "index.json": json.dumps(index).encode(),
        "manifest.json": json.dumps([entry]).encode(),
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        "repositories": json.dumps({"hello": {tag: layer_names[-1][-64:]}}).encode(),
    }


def descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    """Return the descriptor of some content."""
    return {"mediaType": media_type, "digest": digest(content), "size": len(content)}


def image_id(layers: Sequence[bytes], runtime: Mapping[str, Any] | None = None) -> str:
    """Return the ID of the image that `docker_members` makes."""
    return digest(image_config(layers, runtime))


def open_files_in(folder: Path) -> list[str]:
    """Return the files of a folder that this process has open, removed ones too; only Linux tells."""
    gc.collect()
    links = (Path(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd"))
    # The folder itself is listed, and is closed by now.
    names = (str(link.readlink()) for link in links if link.is_symlink())
    return [name for name in names if name.startswith(f"{folder}/")]
