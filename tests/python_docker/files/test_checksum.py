"""Checksums of files, and of what a store writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from python_docker.files.checksum import checksum_of, new_checksum
from python_docker.image.blob_store import BlobStore


@pytest.mark.parametrize("size", [0, 1, 1 << 18, (1 << 20) + 7])
def test_a_file_has_the_checksum_of_its_content(tmp_path: Path, size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    (tmp_path / "file").write_bytes(content)
    checksum = new_checksum()
    checksum.update(content)
    assert checksum_of(tmp_path / "file") == checksum.hexdigest()


def test_a_store_knows_the_checksum_of_what_it_has_just_written(tmp_path: Path) -> None:
    with BlobStore(tmp_path).writer() as writer:
        writer.write(b"hello")
        writer.write(b" world")
        blob = writer.commit("text/plain")
    assert blob.file is not None
    assert blob.file.checksum == checksum_of(blob.file.path)
