"""Peak memory of a pull and a push of a large image, each in a process of its own."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import peers

SIZE = 300 << 20
LIMIT = 100 << 20

_COMMON = """
import sys
from pathlib import Path
from python_docker.image.blob import Blob
from python_docker.spec.digest import Digest
from python_docker.image import Image
from python_docker.image.layer import Layer
from python_docker.registry import Registry
from python_docker.spec.documents.descriptor import Descriptor

def peak():
    # Not getrusage: what it tells begins with the peak of the process that started this one.
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024

url, repository, path, digest, size = sys.argv[1:]
"""
_PUSH = """
descriptor = Descriptor.new("application/vnd.oci.image.layer.v1.tar+gzip", Digest(digest), int(size))
layer = Layer(Blob.from_file(Path(path), descriptor), Digest(digest))
Registry(url).push_image(Image(repository, "v1", [layer]))
print(peak())
"""
_PULL = """
image = Registry(url).pull_image(repository, "v1")
assert image.layers[0].digest == digest
with image.layers[0].open() as stream:
    assert sum(len(data) for data in iter(lambda: stream.read(1 << 20), b"")) == int(size)
print(peak())
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of a process alone")
def test_push_and_pull(registry: peers.Registry, repository: str, tmp_path: Path) -> None:
    path = tmp_path / "blob"
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(SIZE >> 20):
            data = os.urandom(1 << 20)
            digest.update(data)
            file.write(data)
    arguments = [registry.url, repository, str(path), f"sha256:{digest.hexdigest()}", str(SIZE)]
    for work in (_PUSH, _PULL):
        command = [sys.executable, "-c", _COMMON + work, *arguments]
        environment = {**os.environ, "TMPDIR": str(tmp_path)}
        ended = subprocess.run(command, check=False, timeout=120, capture_output=True, text=True, env=environment)
        assert ended.returncode == 0, ended.stderr
        assert int(ended.stdout) < LIMIT
    path.unlink()
