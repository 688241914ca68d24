"""What killed processes left is removed by the next that writes there, and nothing else is."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from python_docker.files import leftovers
from python_docker.files.atomic import write_whole_file
from python_docker.files.leftovers import remove_folder, remove_leftovers
from tests.processes import ended_with_us

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
    command = [sys.executable, "-c", _WRITE_AND_WAIT, str(tmp_path)]
    with ended_with_us(subprocess.Popen(command, stdout=subprocess.PIPE)) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"half\n"
        remove_leftovers(tmp_path)
        assert len(names(tmp_path)) == 2, "what a living process writes was removed"
    return names(tmp_path)


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

        monkeypatch.setattr(leftovers, "try_lock", refuse)
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


def test_what_is_around_a_folder_keeps_its_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else may be removing the same folder, so that its own removal fails."""
    tmp_path.chmod(0o755)
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    monkeypatch.setattr(os, "rmdir", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.ENOTEMPTY, "not empty")))
    with suppress(OSError):
        remove_folder(tmp_path / "folder")
    assert tmp_path.stat().st_mode & 0o777 == 0o755
