"""A hundred pulls at once, from the program in a process of its own: how often it makes what, and its memory."""

from __future__ import annotations

import hashlib
import http.client
import json
import random
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.serve.running import RunningServer, run_server

MB = 10**6
LAYER = 4 * MB  # of each package, which does not compress
PEAK = 300 * MB
"""The bound of docs/guides/images-on-demand.md; on the machine that it was set on, half of it is taken."""

DIFFERENT = [f"package-{letter}" for letter in "abcdefghijklmnopqrst"]


@pytest.fixture
def server(synthetic_channel: SyntheticChannel, tmp_path: Path) -> Iterator[RunningServer]:
    """Return a server of 21 packages, which all need another one."""
    noise = random.Random(17)
    synthetic_channel.add(
        SyntheticPackage(name="common", files={"lib/common": noise.randbytes(LAYER)}),
        *(
            SyntheticPackage(name=name, depends=["common"], files={f"lib/{name}": noise.randbytes(LAYER)})
            for name in (*DIFFERENT, "popular")
        ),
    )
    values = {"base": "scratch", "channels": [synthetic_channel.url], "platforms": ["linux/amd64"]}
    (tmp_path / "server").mkdir()
    running = run_server(tmp_path / "server", values)
    yield running
    running.kill()


@pytest.mark.parametrize(
    ("names", "images"),
    [
        pytest.param([*DIFFERENT, *["popular"] * 80], 21, id="20 images once each and another one 80 times"),
        pytest.param(DIFFERENT * 5, 20, id="20 images five times each"),
    ],
)
def test_a_hundred_pulls_at_once(server: RunningServer, names: list[str], images: int) -> None:
    begin = Barrier(len(names))

    def pull_with_others(name: str) -> dict[str, int]:
        begin.wait(60)
        return pull(server.host, name)

    shuffled = random.Random(1).sample(names, len(names))
    with ThreadPoolExecutor(len(names)) as pool:
        pulled = dict(zip(shuffled, (results := list(pool.map(pull_with_others, shuffled))), strict=True))
    assert len(results) == 100
    assert all(result == pulled[name] for name, result in zip(shuffled, results, strict=True))
    assert sum(sum(result.values()) for result in results) > 100 * 2 * LAYER
    said = metrics(server.host)
    assert said['conda_docker_images_total{result="made"}'] == images
    assert sum(count for name, count in said.items() if name.startswith("conda_docker_images_total")) == 100
    assert said.get('conda_docker_blobs_total{source="made"}', 0) == 0  # what a build has made is kept
    assert peak(server) < PEAK


def pull(host: str, name: str) -> dict[str, int]:
    """Return the sizes of all parts of an image by their digests, which are checked while they come."""
    connection = http.client.HTTPConnection(host, timeout=120)
    root, index = document(connection, f"/v2/{name}/manifests/latest")
    found = {root: len(index)}
    for child in json.loads(index)["manifests"]:
        digest, manifest = document(connection, f"/v2/{name}/manifests/{child['digest']}")
        assert digest == child["digest"]
        found[digest] = len(manifest)
        described = json.loads(manifest)
        for blob in (described["config"], *described["layers"]):
            found[blob["digest"]] = download(connection, f"/v2/{name}/blobs/{blob['digest']}", blob["digest"])
            assert found[blob["digest"]] == blob["size"]
    connection.close()
    return found


def document(connection: http.client.HTTPConnection, path: str) -> tuple[str, bytes]:
    connection.request("GET", path)
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status == 200, content
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    assert answer.headers["Docker-Content-Digest"] == digest
    return digest, content


def download(connection: http.client.HTTPConnection, path: str, digest: str) -> int:
    connection.request("GET", path)
    answer = connection.getresponse()
    assert answer.status == 200
    hashed, size = hashlib.sha256(), 0
    while piece := answer.read(1 << 16):
        hashed.update(piece)
        size += len(piece)
    assert digest == "sha256:" + hashed.hexdigest()
    return size


def metrics(host: str) -> dict[str, float]:
    """Return what the server counts, by the names and labels of its metrics."""
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return {name: float(value) for name, value in re.findall(r"^(\w+\S*) (\S+)$", text, re.MULTILINE)}


def peak(server: RunningServer) -> int:
    """Return the most bytes of memory that the server has taken at once; 0 where the system does not say."""
    status = Path(f"/proc/{server.process.pid}/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return 0 if found is None else int(found[1]) * 1024
