"""Channels whose index and packages are artifacts in a registry (`oci://`), by themselves and as mirrors."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from conda_docker.environment.subdirs import subdir_of_platform
from conda_docker.package.fetch.fetch import fetch_packages
from conda_docker.resolution.lock import lock
from python_docker.spec.platform import Platform
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.python_docker.registry.certificates import self_signed
from tests.python_docker.registry.stub_registry import StubRegistry
from tests.python_docker.registry.stub_server import Answer, Asked

NUMPY = SyntheticPackage(name="numpy", version="1.0+a", files={"lib/numpy.so": b"numpy"})
INDEX_TYPE = "application/vnd.conda.repodata.v1+json"
PACKAGE_TYPE = "application/vnd.conda.package.v2"
OCI = "oci://channels.example/mirrors/team"


class Tunnel:
    """An HTTP proxy that leads every connection to one port: rattler asks registries at port 443 alone."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._port)) as server, contextlib.suppress(OSError):
            request = b""
            while b"\r\n\r\n" not in request:
                request += client.recv(4096)
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=self._pass, args=[server, client], daemon=True)
            back.start()
            self._pass(client, server)
            back.join()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def oci(home: Path, tmp_path: Path, synthetic_channel: SyntheticChannel) -> Iterator[StubRegistry]:
    """Return a registry that has the channel `OCI`, which programs of this test reach through a proxy."""
    synthetic_channel.add(NUMPY)

    def token(asked: Asked) -> Answer | None:
        return Answer(200, b'{"token": "t"}') if asked.path == "/token" else None

    registry = StubRegistry(token, self_signed(tmp_path / "tls", "channels.example").server_context())
    for subdir in (subdir_of_platform(Platform()), "noarch"):
        index = (synthetic_channel.folder / subdir / "repodata.json").read_bytes()
        keep(registry, f"mirrors/team/{subdir}/repodata.json", "latest", index, INDEX_TYPE)
    record = synthetic_channel.locked(NUMPY)
    package = synthetic_channel.path(NUMPY).read_bytes()
    keep(registry, f"mirrors/team/{record.subdir}/numpy", "1.0__p__a-0", package, PACKAGE_TYPE)
    tunnel = Tunnel(int(registry.host.rpartition(":")[2]))
    (home / ".condarc").write_text(f"ssl_verify: false\nproxy_servers: {{https: {tunnel.url}}}\n")
    yield registry
    tunnel.stop()
    registry.stop()


def keep(registry: StubRegistry, path: str, tag: str, content: bytes, media_type: str) -> None:
    def descriptor(data: bytes, kind: str) -> dict[str, Any]:
        digest = f"sha256:{sha256(data).hexdigest()}"
        registry.blobs[path, digest] = data
        return {"mediaType": kind, "digest": digest, "size": len(data)}

    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = {
        "schemaVersion": 2,
        "mediaType": kind,
        "config": descriptor(b"{}", "application/vnd.unknown.config.v1+json"),
        "layers": [descriptor(content, media_type)],
    }
    registry.manifests[path, tag] = kind, json.dumps(manifest).encode()


def fetch_one(channel: str, cache: Path) -> tuple[str, bytes]:
    environment = lock(["numpy"], channels=[channel], override_channels=True, platform=Platform())
    [(record, path)] = fetch_packages(environment.packages, cache)
    return record.url, path.read_bytes()


def test_a_channel_in_a_registry(oci: StubRegistry, synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    url, content = fetch_one(OCI, tmp_path / "cache")
    assert url.startswith(f"{OCI}/")
    assert content == synthetic_channel.path(NUMPY).read_bytes()


def test_a_mirror_in_a_registry(
    oci: StubRegistry, synthetic_channel: SyntheticChannel, home: Path, tmp_path: Path
) -> None:
    with (home / ".condarc").open("a") as file:
        file.write(f"channel_alias: http://conda.invalid\nmirrored_channels: {{team: [{OCI}]}}\n")
    url, content = fetch_one("team", tmp_path / "cache")
    assert url.startswith("http://conda.invalid/team/")
    assert content == synthetic_channel.path(NUMPY).read_bytes()
