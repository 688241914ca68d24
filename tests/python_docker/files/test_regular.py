"""Small files of others: regular ones only."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from python_docker.files.regular import read_regular_file


def test_content(tmp_path: Path) -> None:
    (file := tmp_path / "file").write_bytes(b"content")
    (link := tmp_path / "link").symlink_to(file)
    assert read_regular_file(file, 7) == read_regular_file(link, 100) == b"content"


def test_larger_than_allowed(tmp_path: Path) -> None:
    (file := tmp_path / "file").write_bytes(b"content")
    with pytest.raises(OSError, match="larger than 6 bytes") as caught:
        read_regular_file(file, 6)
    assert caught.value.errno == errno.EFBIG


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match="not a regular file"):
        read_regular_file(tmp_path / "fifo", 10)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/"])
def test_neither_devices_nor_folders(path: str) -> None:
    with pytest.raises(OSError):
        read_regular_file(Path(path), 10)


def test_a_missing_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_regular_file(tmp_path / "none", 10)
