"""Where a page may go."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from conda_docker.report.destination import open_destination
from conda_docker.report.page import GENERATOR
from python_docker.errors import Error


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    for path in (tmp_path / "report.html", tmp_path / "new" / "report.html"):
        with pytest.raises(RuntimeError), open_destination(path):
            raise RuntimeError
        assert list(tmp_path.iterdir()) == ([] if path.parent == tmp_path else [tmp_path / "report.html"])
        with open_destination(path) as write:
            write(b"page")
        assert path.read_bytes() == b"page"
    assert list(path.parent.iterdir()) == [path]


def test_only_a_report_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    path.write_text("<!DOCTYPE html>\nsomebody's page")
    with pytest.raises(Error, match="is not a report"), open_destination(path):
        raise AssertionError
    with open_destination(path, force=True) as write:
        write(f"<!DOCTYPE html>\n{GENERATOR}".encode())
    with open_destination(path) as write:
        write(b"the next")
    assert path.read_bytes() == b"the next"


def test_a_folder_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(Error, match="is a folder"), open_destination(tmp_path):
        raise AssertionError


def test_what_is_a_file_cannot_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Error, match="cannot write"), open_destination(tmp_path / "file" / "report.html"):
        raise AssertionError


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    with open_destination(pipe) as write:
        write(b"page")
    reader.join()
    assert read == [b"page"]
    assert pipe.is_fifo()


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(Error, match="cannot write /dev/full: No space left"),
        open_destination(Path("/dev/full")) as write,
    ):
        write(b"page")
