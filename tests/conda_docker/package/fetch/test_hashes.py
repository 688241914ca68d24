"""The hashes of an archive."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from conda_docker.package.fetch.hashes import archive_hashes


@pytest.mark.parametrize("size", [0, 1, (1 << 20) + 1])
def test_hashes_and_size_are_those_of_the_whole_file(tmp_path: Path, size: int) -> None:
    path, content = tmp_path / "a.conda", size * b"x"
    path.write_bytes(content)
    assert archive_hashes(path) == {
        "sha256": hashlib.sha256(content).hexdigest(),
        "md5": hashlib.md5(content).hexdigest(),
        "size": size,
    }
