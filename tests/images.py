"""Small images made by hand from the specifications, so that no test of reading rests on our own writing."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from tests.peers.availability import find_program, is_static

GREETING = "hello from the base image"
"""The line in `/etc/greeting` of the base image, which its default command prints."""

APPLETS = ("cat", "echo", "env", "id", "ls", "sleep", "stat", "test", "true", "false")
"""The programs in `/bin` of the base image, beside the shell."""

ARCHITECTURES = {
    "x86_64": "amd64",
    "AMD64": "amd64",
    "aarch64": "arm64",
    "arm64": "arm64",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
}
"""Go's names for what the kernel calls a machine: the values of an image config's `architecture`."""


def hello_files() -> dict[str, bytes]:
    """Return the files of a tiny base image, by path without a leading slash.

    `bin/sh` is this machine's static busybox (2 MB), the other programs are scripts for it, which need `/proc`. Where
    there is no static busybox the image has no program and runs nothing; tests that run it use the fixture
    `runnable_files`.
    """
    files = {
        "etc/greeting": f"{GREETING}\n".encode(),
        "etc/passwd": b"root:x:0:0:root:/:/bin/sh\n",
        "etc/group": b"root:x:0:\n",
    }
    busybox = find_program("busybox")
    if busybox is not None and is_static(busybox):
        files["bin/sh"] = busybox.read_bytes()
        files |= {f"bin/{name}": f'#!/bin/sh\n{name} "$@"\n'.encode() for name in APPLETS}
    return files


def hello_config() -> dict[str, Any]:
    """Return the runtime config (the `config` of an image config) that makes `hello_files` print its greeting."""
    return {"Env": ["PATH=/bin"], "Cmd": ["/bin/cat", "/etc/greeting"], "WorkingDir": "/"}


def layer_tar(files: Mapping[str, bytes]) -> bytes:
    """Return an uncompressed layer of these files with all their folders; what lies in a `bin` may be executed."""
    folders = {str(parent) for path in files for parent in PurePosixPath(path).parents} - {"."}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted({*folders, *files}):
            entry = tarfile.TarInfo(path)
            if path in folders:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(entry)
            else:
                entry.size = len(files[path])
                entry.mode = 0o755 if PurePosixPath(path).parent.name == "bin" else 0o644
                tar.addfile(entry, io.BytesIO(files[path]))
    return buffer.getvalue()


def image_config(layers: Sequence[bytes], runtime: Mapping[str, Any] | None = None) -> bytes:
    """Return an image config for uncompressed layers, the lowest first; `runtime` is its `config`."""
    config = {
        "created": "2020-01-01T00:00:00Z",
        "architecture": ARCHITECTURES[platform.machine()],
        "os": "linux",
        "config": dict(runtime or {}),
        "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]},
        "history": [{"created": "2020-01-01T00:00:00Z", "created_by": f"layer {n}"} for n in range(len(layers))],
    }
    return json.dumps(config).encode()


def write_docker_archive(
    path: Path,
    layers: Sequence[bytes],
    *,
    tags: Sequence[str] = ("hello:latest",),
    runtime: Mapping[str, Any] | None = None,
) -> str:
    """Write an archive as `docker save` of Docker 1.10 to 24 does, and return the config's digest, the image's ID."""
    config = image_config(layers, runtime)
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    layer_names = [f"{hashlib.sha256(layer).hexdigest()}/layer.tar" for layer in layers]
    manifest = [{"Config": config_name, "RepoTags": list(tags), "Layers": layer_names}]
    members = {config_name: config, **dict(zip(layer_names, layers, strict=True))}
    with tarfile.open(path, "w") as tar:
        for name, content in {**members, "manifest.json": json.dumps(manifest).encode()}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return digest(config)


def write_oci_layout(
    folder: Path, layers: Sequence[bytes], *, tag: str = "latest", runtime: Mapping[str, Any] | None = None
) -> str:
    """Write an OCI image layout with one image of gzip layers, and return its manifest's digest."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(content: bytes, media_type: str) -> dict[str, Any]:
        (blobs / hashlib.sha256(content).hexdigest()).write_bytes(content)
        return {"mediaType": media_type, "digest": digest(content), "size": len(content)}

    vendor = "application/vnd.oci.image"
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{vendor}.manifest.v1+json",
        "config": put(image_config(layers, runtime), f"{vendor}.config.v1+json"),
        "layers": [put(gzip.compress(layer, mtime=0), f"{vendor}.layer.v1.tar+gzip") for layer in layers],
    }
    descriptor = put(json.dumps(manifest).encode(), f"{vendor}.manifest.v1+json")
    named = {**descriptor, "annotations": {"org.opencontainers.image.ref.name": tag}}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return str(descriptor["digest"])


def digest(content: bytes) -> str:
    """Return the sha256 digest of some bytes as images spell it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
