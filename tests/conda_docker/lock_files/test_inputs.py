"""What a lock file was made from."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from conda_docker.errors import InvalidEnvironment
from conda_docker.lock_files.inputs import inputs_digest, read_lock


def test_options_and_texts_count() -> None:
    first = inputs_digest({"trim": True, "file": ["environment.yml"]}, ["dependencies: [a]\n"])
    assert first == inputs_digest({"file": ["environment.yml"], "trim": True}, ["dependencies: [a]\r\n"])
    assert first != inputs_digest({"trim": False, "file": ["environment.yml"]}, ["dependencies: [a]\n"])
    assert first != inputs_digest({"trim": True, "file": ["environment.yml"]}, ["dependencies: [b]\n"])


@pytest.mark.parametrize("text", ["dependencies: [a]\n", "{}", ""])
def test_other_files_are_no_lock_files(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").write_text(text)
    assert read_lock(tmp_path / "file") is None
    assert read_lock(tmp_path / "none") is None


@pytest.mark.skipif(sys.platform == "win32", reason="there are no FIFOs in folders")
def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert read_lock(tmp_path / "fifo") is None


def test_a_damaged_lock_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text('{"conda-docker-lock": 1}')
    with pytest.raises(InvalidEnvironment, match="does not say what it was made from"):
        read_lock(tmp_path / "file")
