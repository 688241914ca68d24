"""A file is read once, and recognised by its lines and keys."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from conda_docker.environment.inputs.kind import InputFile, ReadRequest
from conda_docker.environment.subdirs import host_subdir
from conda_docker.errors import InvalidEnvironment


def test_lines_are_without_comments_and_keys_are_of_the_top_level() -> None:
    file = InputFile.of(Path("x"), "# comment\n\nname: a\n  inner: b\nchannels :\n - c\n")
    assert file.lines == ("name: a", "inner: b", "channels :", "- c")
    assert file.keys == {"name", "channels"}


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InvalidEnvironment, match=r"missing\.yml"):
        InputFile.read(tmp_path / "missing.yml")


def test_a_stream_is_called_by_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"name: x\n")))
    file = InputFile.read(Path("-"))
    assert (str(file.path), file.text) == ("standard input", "name: x\n")


def test_what_reading_is_told() -> None:
    file = InputFile.of(Path("folder/x.yml"), "a")
    request = ReadRequest(file=file)
    assert (request.folder, request.file_name, request.text) == (Path("folder"), "folder/x.yml", "a")
    assert request.target == host_subdir()
    assert ReadRequest(file=file, subdir="linux-aarch64").target == "linux-aarch64"
