"""What a path holds is judged by first bytes and names of files."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from python_docker.transports.look import is_archive, is_directory_image, is_layout
from tests.archives import only_linux
from tests.images import layer_tar

TAR = layer_tar({"f": b"x"})


def test_a_layout_has_an_index(tmp_path: Path) -> None:
    assert not is_layout(tmp_path)
    (tmp_path / "index.json").write_text("{}")
    assert is_layout(tmp_path)


@pytest.mark.parametrize(
    ("version", "is_one"), [("Directory Transport Version: 1.1\n", True), ("Version 2", False), (None, False)]
)
def test_skopeos_folders_say_so(tmp_path: Path, version: str | None, is_one: bool) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    if version is not None:
        (tmp_path / "version").write_text(version)
    assert is_directory_image(tmp_path) == is_one


@pytest.mark.parametrize(
    ("content", "is_one"),
    [
        (TAR, True),
        (gzip.compress(TAR), True),
        (TAR[:511], False),
        (TAR[:148] + b"0000000\0" + TAR[156:], False),
        (b"x" * 1000, False),
        (b"", False),
    ],
    ids=["a tar", "a compressed tar", "less than a header", "a wrong checksum", "text", "nothing"],
)
def test_an_archive_begins_like_one(tmp_path: Path, content: bytes, is_one: bool) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert is_archive(path) == is_one


def test_folders_and_what_is_not_there_are_not_archives(tmp_path: Path) -> None:
    assert not is_archive(tmp_path)
    assert not is_archive(tmp_path / "missing")


@only_linux
def test_a_pipe_is_taken_for_an_archive_without_being_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert is_archive(tmp_path / "pipe")
