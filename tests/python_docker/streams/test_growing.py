"""A file that is read while it is written."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from python_docker.streams.growing import Abandoned, GrowingFile

CONTENT = bytes(range(256)) * 16


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"")
    return path


@pytest.fixture
def growing(path: Path) -> GrowingFile:
    return GrowingFile("file", len(CONTENT), os.open(path, os.O_RDONLY))


def write(path: Path, growing: GrowingFile, size: int) -> None:
    path.write_bytes(CONTENT[:size])
    growing.grow(size)


def in_thread(call: Callable[[], object]) -> Future[object]:
    pool = ThreadPoolExecutor(1)
    future = pool.submit(call)
    pool.shutdown(wait=False)
    return future


def test_what_is_there_is_read_at_once(path: Path, growing: GrowingFile) -> None:
    write(path, growing, 1000)
    with growing.open() as stream:
        assert stream.read(600) == CONTENT[:600]
        assert stream.read(400) == CONTENT[600:1000]


def test_who_reads_further_waits(path: Path, growing: GrowingFile) -> None:
    write(path, growing, 1000)
    read = in_thread(growing.open().read)
    assert not read.done()
    write(path, growing, 2000)
    write(path, growing, len(CONTENT))
    assert read.result(120) == CONTENT


def test_the_end_may_be_known_first(path: Path, growing: GrowingFile) -> None:
    growing.put_end(CONTENT[-100:])
    with growing.open() as stream:
        assert stream.seek(-100, os.SEEK_END) == len(CONTENT) - 100
        assert stream.read(40) == CONTENT[-100:-60]
        assert stream.read() == CONTENT[-60:]
        assert stream.read(1) == b""
        stream.seek(-200, os.SEEK_END)
        write(path, growing, len(CONTENT) - 100)
        assert stream.read() == CONTENT[-200:]


def test_a_zip_is_listed_by_its_end(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("a", CONTENT)
    content = (tmp_path / "zip").read_bytes()
    growing = GrowingFile("zip", len(content), os.open(tmp_path / "zip", os.O_RDONLY))
    growing.put_end(content[-200:])
    assert zipfile.ZipFile(growing.open()).namelist() == ["a"]


def test_waiting_ends_when_all_is_right(growing: GrowingFile) -> None:
    waiting = in_thread(growing.wait)
    assert not waiting.done()
    growing.finish()
    assert waiting.result(120) is None


@pytest.mark.parametrize("call", ["wait", "read"])
def test_nobody_waits_for_what_does_not_come(growing: GrowingFile, call: str) -> None:
    waiting = in_thread(growing.wait if call == "wait" else growing.open().read)
    growing.abandon()
    with pytest.raises(Abandoned, match="file does not come, or is not what it should be"):
        waiting.result(120)


def test_an_end_that_was_known_counts_for_nothing_either(growing: GrowingFile) -> None:
    growing.put_end(CONTENT[-100:])
    growing.abandon()
    with growing.open() as stream, pytest.raises(Abandoned):
        stream.seek(-10, os.SEEK_END)
        stream.read()


def test_what_is_finished_cannot_be_abandoned(path: Path, growing: GrowingFile) -> None:
    write(path, growing, len(CONTENT))
    growing.finish()
    growing.abandon()
    growing.wait()
    assert growing.open().read() == CONTENT


@pytest.mark.parametrize("same", [True, False])
def test_an_end_that_becomes_another_was_read_in_vain(path: Path, growing: GrowingFile, same: bool) -> None:
    growing.put_end(CONTENT[-100:] if same else bytes(100))
    write(path, growing, len(CONTENT))
    growing.finish()
    if same:
        growing.wait()
        return
    with pytest.raises(Abandoned):
        growing.wait()


def test_what_is_abandoned_is_never_finished(growing: GrowingFile) -> None:
    growing.abandon()
    growing.finish()
    growing.abandon()
    with pytest.raises(Abandoned):
        growing.wait()


def test_it_is_read_whatever_its_name_is(path: Path, growing: GrowingFile) -> None:
    write(path, growing, len(CONTENT))
    path.rename(path.with_name("other"))
    assert growing.open("rb").read() == CONTENT
    assert not growing.is_dir()
