"""Notes show when they are damaged, or are not where they belong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_docker.cache.notes import read_note, write_note


@pytest.mark.parametrize("content", [b"", b"{}", b"two\nlines\n", bytes(range(256))])
def test_a_note_is_read_as_it_was_written(tmp_path: Path, content: bytes) -> None:
    write_note(tmp_path / "note", "index/1", b"before")
    write_note(tmp_path / "note", "index/1", content)
    assert read_note(tmp_path / "note", "index/1") == content


def test_no_bit_can_flip_unnoticed(tmp_path: Path) -> None:
    path = tmp_path / "note"
    write_note(path, "index/1", b"content")
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(ValueError, match="is damaged"):
            read_note(path, "index/1")


@given(st.binary(max_size=200))
def test_anything_else_is_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("notes") / "note"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is damaged"):
        read_note(path, "index/1")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "note")
    with pytest.raises(OSError, match="not a regular file"):
        read_note(tmp_path / "note", "index/1")


def test_a_copy_under_another_name_is_refused(tmp_path: Path) -> None:
    write_note(tmp_path / "note", "index/1", b"content")
    for name in ("index/2", "layers/1", ""):
        with pytest.raises(ValueError, match="is about something else"):
            read_note(tmp_path / "note", name)
