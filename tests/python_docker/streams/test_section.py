"""Parts of files, read as files of their own."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.errors import InvalidArchive
from python_docker.streams.section import GivenFile, OwnFile, Section, same_content
from tests.archives import only_linux, open_files_in

CONTENT = bytes(range(256)) * 4


def own_file(path: Path, content: bytes = CONTENT) -> OwnFile:
    path.write_bytes(content)
    return OwnFile(os.open(path, os.O_RDONLY))


@given(st.integers(0, 1100), st.integers(0, 1100), st.integers(1, 300))
def test_reads_what_a_slice_has(offset: int, size: int, step: int) -> None:
    size = max(min(size, len(CONTENT) - offset), 0)
    section = Section(GivenFile(io.BytesIO(CONTENT)), offset, size, "it")
    assert b"".join(iter(lambda: section.read(step), b"")) == CONTENT[offset : offset + size]


@given(st.integers(-50, 150), st.sampled_from([os.SEEK_SET, os.SEEK_CUR, os.SEEK_END]), st.integers(0, 100))
def test_seeks_as_a_file_does(offset: int, whence: int, start: int) -> None:
    section = Section(GivenFile(io.BytesIO(CONTENT)), 100, 100, "it")
    section.seek(start)
    position = {os.SEEK_SET: 0, os.SEEK_CUR: start, os.SEEK_END: 100}[whence] + offset
    assert section.seek(offset, whence) == section.tell() == max(position, 0)
    assert section.read() == CONTENT[100:200][max(position, 0) :]


@only_linux
def test_own_file_is_closed_with_its_last_reader(tmp_path: Path) -> None:
    section = Section(own_file(tmp_path / "file"), 0, 4, "it")
    (tmp_path / "file").unlink()
    assert section.read() == CONTENT[:4]
    assert open_files_in(tmp_path) == [f"{tmp_path}/file (deleted)"]
    del section
    assert open_files_in(tmp_path) == []


@pytest.mark.parametrize("offset", [0, 1000, 5000])
def test_missing_bytes(offset: int, tmp_path: Path) -> None:
    with pytest.raises(InvalidArchive, match="it is cut short"):
        Section(own_file(tmp_path / "file"), offset, 2000, "it").read()


def test_given_file_begins_where_it_stands() -> None:
    file = io.BytesIO(CONTENT)
    file.seek(100)
    given_ = GivenFile(file)
    assert (given_.size, given_.read_at(1, 3)) == (len(CONTENT) - 100, CONTENT[101:104])


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [(b"ab", b"ab", True), (b"ab", b"ac", False), (b"ab", b"abc", False), (b"", b"", True)],
)
def test_same_content(one: bytes, other: bytes, expected: bool) -> None:
    for contents in ((one, other), (other, one)):
        sections = [Section(GivenFile(io.BytesIO(content)), 0, len(content), "it") for content in contents]
        assert same_content(*sections) is expected
