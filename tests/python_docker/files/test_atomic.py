"""Files and folders appear whole or not at all; what killed processes left is removed by the next that writes there."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from python_docker.files.atomic import PartialFile, PartialFolder, write_whole_file
from python_docker.files.leftovers import is_partial

needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
TOKEN = "0123456789abcdef"


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


class TestWriteWholeFile:
    def test_writes_and_replaces(self, tmp_path: Path) -> None:
        path = tmp_path / "a" / "b"
        write_whole_file(path, b"one")
        write_whole_file(path, b"two")
        assert path.read_bytes() == b"two"
        assert names(path.parent) == ["b"]

    def test_what_was_there_stays_when_the_disk_is_full(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> None:
            raise OSError(28, "No space left on device")

        write_whole_file(tmp_path / "file", b"one")
        with monkeypatch.context() as patched, pytest.raises(OSError, match="No space"):
            patched.setattr(Path, "replace", refuse)
            write_whole_file(tmp_path / "file", b"two")
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"file": b"one"}

    def test_many_threads_may_write_one_file(self, tmp_path: Path) -> None:
        def write() -> None:
            for _ in range(50):
                write_whole_file(tmp_path / "file", 1000 * b"x")

        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert names(tmp_path) == ["file"]


class TestPartialFile:
    def test_it_has_no_name_before_it_is_committed(self, tmp_path: Path) -> None:
        with PartialFile(tmp_path, "out.tar") as partial:
            partial.file.write(b"content")
            [name] = names(tmp_path)
            assert name.startswith(".out.tar.partial-")
            assert is_partial(name)
            partial.commit(tmp_path / "out.tar")
        assert (tmp_path / "out.tar").read_bytes() == b"content"
        assert names(tmp_path) == ["out.tar"]

    def test_what_is_not_committed_is_removed(self, tmp_path: Path) -> None:
        with pytest.raises(KeyError), PartialFile(tmp_path) as partial:
            partial.file.write(b"content")
            raise KeyError
        assert names(tmp_path) == []

    def test_no_two_have_one_name(self, tmp_path: Path) -> None:
        with PartialFile(tmp_path, "out") as one, PartialFile(tmp_path, "out") as other:
            assert one.path != other.path

    def test_long_names_fit(self, tmp_path: Path) -> None:
        name = 255 * "n"
        with PartialFile(tmp_path, name) as partial:
            assert is_partial(partial.path.name)
            partial.commit(tmp_path / name)
        assert names(tmp_path) == [name]

    def test_it_does_not_leak_descriptors(self, tmp_path: Path) -> None:
        descriptors = Path("/proc/self/fd")
        if not descriptors.is_dir():
            pytest.skip("this system does not list open files")
        before = len(list(descriptors.iterdir()))
        for number in range(5):
            write_whole_file(tmp_path / str(number), b"x")
            PartialFile(tmp_path).abort()
            PartialFolder(tmp_path).abort()
        assert len(list(descriptors.iterdir())) == before


class TestPartialFolder:
    def test_it_appears_with_all_that_is_in_it(self, tmp_path: Path) -> None:
        with PartialFolder(tmp_path, "layout") as partial:
            (partial.path / "file").write_bytes(b"x")
            assert not (tmp_path / "layout").exists()
            partial.commit(tmp_path / "layout")
        assert names(tmp_path) == ["layout"]
        assert names(tmp_path / "layout") == ["file"]

    def test_it_can_replace_one_that_is_there(self, tmp_path: Path) -> None:
        for content in ("first", "second"):
            with PartialFolder(tmp_path, "layout") as partial:
                (partial.path / content).write_bytes(b"x")
                partial.commit_over(tmp_path / "layout")
        assert names(tmp_path) == ["layout"]
        assert names(tmp_path / "layout") == ["second"]

    def test_what_it_cannot_replace_is_back(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        (tmp_path / "layout").mkdir()
        (tmp_path / "layout/file").write_bytes(b"x")
        monkeypatch.setattr(PartialFolder, "commit", refuse)
        with PartialFolder(tmp_path, "layout") as partial, pytest.raises(OSError, match="No space"):
            partial.commit_over(tmp_path / "layout")
        assert names(tmp_path) == ["layout"]
        assert names(tmp_path / "layout") == ["file"]

    def test_one_that_is_there_is_not_replaced(self, tmp_path: Path) -> None:
        (tmp_path / "layout").mkdir()
        (tmp_path / "layout/file").write_bytes(b"x")
        with PartialFolder(tmp_path, "layout") as partial, pytest.raises(OSError, match="layout"):
            partial.commit(tmp_path / "layout")
        assert names(tmp_path) == ["layout"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_what_is_unfinished_when_the_process_ends_is_removed(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys\nfrom python_docker.files.atomic import PartialFile, PartialFolder\n"
        "folder = pathlib.Path(sys.argv[1])\nkept = PartialFile(folder, 'a'), PartialFolder(folder, 'b')\n"
        "whole = PartialFile(folder, 'c')\nwhole.commit(folder / 'c')\nraise KeyboardInterrupt"
    )
    result = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, timeout=60, check=False)
    assert result.returncode != 0
    assert [path.name for path in tmp_path.iterdir()] == ["c"]
