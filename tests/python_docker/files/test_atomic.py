"""Files and folders appear whole or not at all; what killed processes left is removed by the next that writes there."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from python_docker.files import atomic
from python_docker.files.atomic import (
    PartialFile,
    PartialFolder,
    _remove_folder,
    is_partial,
    remove_leftovers,
    write_whole_file,
)

needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
TOKEN = "0123456789abcdef"

_WRITE_AND_WAIT = """
import sys, time
from pathlib import Path
from python_docker.files.atomic import PartialFile, PartialFolder
file = PartialFile(Path(sys.argv[1]), "out.tar")
file.file.write(b"half")
folder = PartialFolder(Path(sys.argv[1]), "layout")
(folder.path / "blobs").mkdir()
print("half", flush=True)
time.sleep(600)
"""


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


@pytest.fixture
def killed(tmp_path: Path) -> list[str]:
    """Return the names of what a process left in `tmp_path` that was killed while it wrote."""
    writer = subprocess.Popen([sys.executable, "-c", _WRITE_AND_WAIT, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"half\n"
        remove_leftovers(tmp_path)
        assert len(names(tmp_path)) == 2, "what a living process writes was removed"
    finally:
        writer.kill()
        writer.communicate()
    return names(tmp_path)


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
class TestWhatTheKilledLeave:
    def test_it_is_removed_by_whoever_writes_there_next(self, killed: list[str], tmp_path: Path) -> None:
        assert len(killed) == 2
        write_whole_file(tmp_path / "other", b"x")
        assert names(tmp_path) == ["other"]

    def test_the_bytes_are_counted(self, killed: list[str], tmp_path: Path) -> None:
        assert remove_leftovers(tmp_path) >= 4
        assert names(tmp_path) == []

    def test_that_of_earlier_releases_is_removed(self, tmp_path: Path) -> None:
        for name in (".out.partial-123-0123456789ab", f".partial-123-{TOKEN}"):
            (tmp_path / name).write_bytes(b"x")
        remove_leftovers(tmp_path)
        assert names(tmp_path) == []

    def test_where_there_are_no_locks_it_is_removed_after_a_day(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_: int) -> bool:
            raise OSError(errno.ENOLCK, "No locks available")

        monkeypatch.setattr(atomic, "try_lock", refuse)
        old, new = (tmp_path / f".{name}.partial-{TOKEN}" for name in ("old", "new"))
        for path in (old, new):
            path.write_bytes(b"x")
        os.utime(old, (1, 1))
        write_whole_file(tmp_path / "file", b"x")
        assert names(tmp_path) == [new.name, "file"]

    def test_other_files_are_kept(self, tmp_path: Path) -> None:
        others = [".other.partial", ".out", ".out.partial-x", "out", f"out.partial-{TOKEN}"]
        for name in others:
            (tmp_path / name).write_bytes(b"x")
        remove_leftovers(tmp_path)
        assert names(tmp_path) == others


@needs_pipes
def test_pipes_and_links_under_such_names_neither_hang_nor_mislead(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_bytes(b"x")
    folder = tmp_path / "folder"
    folder.mkdir()
    os.mkfifo(folder / f".pipe.partial-{TOKEN}")
    (folder / f".link.partial-{TOKEN}").symlink_to(outside)
    (folder / f".file.partial-{TOKEN}").symlink_to(outside / "file")
    write_whole_file(folder / "other", b"x")
    assert names(outside) == ["file"]
    assert len(names(folder)) == 4


def test_a_folder_that_is_not_there_holds_no_leftovers(tmp_path: Path) -> None:
    assert remove_leftovers(tmp_path / "missing") == 0


def test_what_is_unfinished_when_the_process_ends_is_removed(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys\nfrom python_docker.files.atomic import PartialFile, PartialFolder\n"
        "folder = pathlib.Path(sys.argv[1])\nkept = PartialFile(folder, 'a'), PartialFolder(folder, 'b')\n"
        "whole = PartialFile(folder, 'c')\nwhole.commit(folder / 'c')\nraise KeyboardInterrupt"
    )
    result = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, timeout=60, check=False)
    assert result.returncode != 0
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


def test_what_is_around_a_folder_keeps_its_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else may be removing the same folder, so that its own removal fails."""
    tmp_path.chmod(0o755)
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    monkeypatch.setattr(os, "rmdir", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.ENOTEMPTY, "not empty")))
    with suppress(OSError):
        _remove_folder(tmp_path / "folder")
    assert tmp_path.stat().st_mode & 0o777 == 0o755
