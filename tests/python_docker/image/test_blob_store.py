"""The folder that keeps blobs: whole or not at all, whoever else writes and whoever is killed."""

from __future__ import annotations

import gc
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from python_docker.errors import ContentMismatch, NotFound
from python_docker.files.checksum import checksum_of
from python_docker.image import blob_store as store_module
from python_docker.image.blob import Blob
from python_docker.image.blob_store import BlobStore, memory_writer, temporary_writer
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor
from tests.processes import ended_with_us

TYPE = "application/octet-stream"


def names(folder: Path) -> list[str]:
    """All files in a folder, relative to it."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def path_name(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def test_a_store_gives_back_what_it_was_given(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    added = store.add_bytes(b"abc", TYPE)
    assert added.read() == store.get(added.descriptor).read() == b"abc"
    assert store.contains(added.descriptor)
    assert names(tmp_path) == [path_name(added.descriptor.digest)]


def test_a_blob_that_is_not_there(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "missing")
    assert not store.contains(Descriptor.of(b"abc", TYPE))
    with pytest.raises(NotFound, match="there is no blob sha256:"):
        store.get(Descriptor.of(b"abc", TYPE))


def test_a_file_of_another_size_is_not_the_blob_and_is_replaced(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    blob = Blob.from_bytes(b"abc", TYPE)
    store.add(blob)
    store.path_of(blob.descriptor.digest).write_bytes(b"")
    assert not store.contains(blob.descriptor)
    with pytest.raises(ContentMismatch, match="has 0 bytes instead of 3"):
        store.get(blob.descriptor)
    assert store.add(blob).read() == b"abc"


@pytest.mark.parametrize("wrong", [b"abd", b"ab", b"abcd", b""])
def test_damaged_content_is_not_taken_in(tmp_path: Path, wrong: bytes) -> None:
    source = tmp_path / "source"
    source.write_bytes(wrong)
    for blob in (Blob.from_file(source, Descriptor.of(b"abc", TYPE)), Blob.stored(source, Descriptor.of(b"abc", TYPE))):
        store = BlobStore(tmp_path / "store")
        with pytest.raises(ContentMismatch):
            store.add(blob)
        assert names(tmp_path / "store") == []


def test_progress_counts_what_is_copied(tmp_path: Path) -> None:
    moved: list[int] = []
    store = BlobStore(tmp_path)
    blob = Blob.from_bytes(3_000_000 * b"a", TYPE)
    store.add(blob, advance=moved.append)
    assert sum(moved) == 3_000_000
    store.add(blob, advance=moved.append)
    assert sum(moved) == 3_000_000


def written(folder: Path) -> Blob:
    """A blob that this process has just written."""
    with BlobStore(folder).writer() as writer:
        writer.write(b"abc")
        return writer.commit(TYPE)


def test_only_files_of_a_store_are_linked(tmp_path: Path) -> None:
    blob = written(tmp_path / "cache")
    assert blob.file is not None
    layout = BlobStore(tmp_path / "layout")
    assert layout.add(blob).file is None
    assert layout.path_of(blob.descriptor.digest).samefile(blob.file.path)
    copied = BlobStore(tmp_path / "copy")
    copied.add(layout.get(blob.descriptor))
    assert not copied.path_of(blob.descriptor.digest).samefile(blob.file.path)
    assert names(tmp_path / "layout") == names(tmp_path / "copy") == [path_name(blob.descriptor.digest)]


def test_linking_a_file_onto_itself_leaves_nothing_beside_it(tmp_path: Path) -> None:
    blob = written(tmp_path)
    assert blob.file is not None
    assert BlobStore(tmp_path)._link(blob.file.path, blob.descriptor)
    assert names(tmp_path) == [path_name(blob.descriptor.digest)]


def test_a_file_of_another_size_is_replaced_not_linked_over(tmp_path: Path) -> None:
    blob = written(tmp_path / "cache")
    layout = BlobStore(tmp_path / "layout")
    damaged = layout.path_of(blob.descriptor.digest)
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"ab")
    assert layout.add(blob).read() == b"abc"
    assert names(tmp_path / "layout") == [path_name(blob.descriptor.digest)]


def test_a_blob_that_another_process_linked_meanwhile_is_there(tmp_path: Path) -> None:
    blob = written(tmp_path / "cache")
    layout = BlobStore(tmp_path / "layout")
    layout.add(blob)
    assert blob.file is not None
    assert layout._link(blob.file.path, blob.descriptor)
    assert names(tmp_path / "layout") == [path_name(blob.descriptor.digest)]


def test_where_links_are_impossible_the_content_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    blob = written(tmp_path / "cache")
    monkeypatch.setattr(os, "link", refuse)
    assert BlobStore(tmp_path / "layout").add(blob).read() == b"abc"
    assert names(tmp_path / "layout") == [path_name(blob.descriptor.digest)]


def test_content_named_by_another_algorithm(tmp_path: Path) -> None:
    digest = Digest(f"sha512:{hashlib.sha512(b'abc').hexdigest()}")
    store = BlobStore(tmp_path)
    blob = Blob(Descriptor.new(TYPE, digest, 3), Blob.from_bytes(b"abc", TYPE).opener)
    assert store.add(blob).read() == b"abc"
    assert names(tmp_path) == [path_name(digest)]
    with pytest.raises(ContentMismatch):
        store.add(Blob(Descriptor.new(TYPE, digest, 4), Blob.from_bytes(b"abcd", TYPE).opener))


def test_a_writer_tells_size_and_digest_as_it_goes(tmp_path: Path) -> None:
    with BlobStore(tmp_path).writer() as writer:
        writer.write(b"ab")
        assert (writer.size, writer.digest) == (2, Digest.of(b"ab"))
        writer.write(memoryview(b"c"))
        blob = writer.commit(TYPE)
    assert blob.descriptor == Descriptor.of(b"abc", TYPE)
    assert blob.read() == b"abc"


def test_a_writer_that_is_left_without_commit_leaves_nothing(tmp_path: Path) -> None:
    with BlobStore(tmp_path).writer() as writer:
        writer.write(b"abc")
    assert names(tmp_path) == []
    with pytest.raises(KeyError), BlobStore(tmp_path).writer() as writer:
        writer.write(b"abc")
        raise KeyError
    assert names(tmp_path) == []


def test_a_commit_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"), BlobStore(tmp_path).writer() as writer:
        writer.write(b"abc")
        monkeypatch.setattr(Path, "replace", refuse)
        writer.commit(TYPE)
    assert names(tmp_path) == []


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space"), BlobStore(tmp_path).writer() as writer:
        writer.write(b"abc")

        class Full:
            closed = False

            def write(self, data: object) -> int:
                raise OSError(28, "No space left on device")

            def close(self) -> None:
                self.closed = True

        writer._file.close()
        writer._file = Full()  # type: ignore[assignment]
        writer.write(b"def")
    assert names(tmp_path) == []


def test_a_temporary_blob_is_there_while_it_is_in_use_and_has_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with temporary_writer() as writer:
        writer.write(b"abc")
        blob = writer.commit(TYPE)
    assert list(tmp_path.iterdir()) == []
    with blob.open() as one, blob.open() as other:
        assert (one.read(1), other.read(2), one.read(), other.read()) == (b"a", b"ab", b"bc", b"c")
    del blob, one, other, writer
    gc.collect()
    assert [each for each in open_files() if each.startswith(str(tmp_path))] == []


def open_files() -> Iterator[str]:
    """Yield the paths of the files that this process has open, where the system knows them."""
    for link in Path("/proc/self/fd").glob("*"):
        with suppress(OSError):  # another thread has just closed it
            yield str(link.readlink())


def test_a_temporary_blob_can_be_read_by_many_threads() -> None:
    content = random.Random(0).randbytes(3_000_000)
    with temporary_writer() as writer:
        writer.write(content)
        blob = writer.commit(TYPE)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: blob.read() == content, range(16)))


def test_a_temporary_blob_that_is_dropped_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with temporary_writer() as writer:
        writer.write(b"abc")
    assert writer._file.closed
    assert list(tmp_path.iterdir()) == []


def test_a_blob_in_memory_is_added_as_any_other(tmp_path: Path) -> None:
    with memory_writer() as writer:
        writer.write(b"ab")
        writer.write(memoryview(b"c"))
        blob = writer.commit(TYPE)
    assert blob.descriptor == Descriptor.of(b"abc", TYPE)
    assert BlobStore(tmp_path).add(blob).read() == blob.read() == b"abc"


def test_many_threads_can_add_the_same_blobs(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    contents = [random.Random(seed).randbytes(50_000) for seed in range(10)]
    failures: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            for content in random.Random(seed).sample(contents, len(contents)):
                assert store.add_bytes(content, TYPE).read() == content
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert names(tmp_path) == sorted(path_name(Digest.of(content)) for content in contents)


WRITE_FOREVER = """
import itertools, random, sys
from python_docker.image.blob_store import BlobStore
store = BlobStore(sys.argv[1])
print("started", flush=True)
for number in itertools.count():
    content = random.Random(number % 7).randbytes(200_000)
    if number % 2:
        store.path_of(store.add_bytes(content, "a/b").descriptor.digest).unlink(missing_ok=True)
    else:
        with store.writer() as writer:
            for place in range(0, len(content), 50_000):
                writer.write(content[place : place + 50_000])
            writer.commit("a/b")
"""


def _verify(store: Path) -> int:
    """Count the blobs of a store, each of which must be what its name says."""
    count = 0
    for path in store.glob("blobs/sha256/*"):
        if path.name.startswith(".partial-"):
            continue
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue  # the other process removes some
        assert hashlib.sha256(content).hexdigest() == path.name
        count += 1
    return count


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_processes_that_write_the_same_blobs_and_are_killed_leave_only_whole_ones(tmp_path: Path) -> None:
    chance = random.Random(4)
    for _ in range(4):
        with ExitStack() as running:
            for _ in range(2):
                command = [sys.executable, "-c", WRITE_FOREVER, str(tmp_path)]
                writer = running.enter_context(ended_with_us(subprocess.Popen(command, stdout=subprocess.PIPE)))
                assert writer.stdout is not None
                assert writer.stdout.readline() == b"started\n"
            until = time.monotonic() + chance.uniform(0.01, 0.2)
            while time.monotonic() < until:
                _verify(tmp_path)
        _verify(tmp_path)
    # What they left behind does not disturb those who come later.
    store = BlobStore(tmp_path)
    for seed in range(7):
        content = random.Random(seed).randbytes(200_000)
        assert store.add_bytes(content, TYPE).read() == content
    assert _verify(tmp_path) == 7


def test_where_open_files_cannot_be_replaced_the_blob_that_is_there_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = BlobStore(tmp_path)
    with store.writer() as writer:
        writer.write(b"hello")
        there = writer.commit(TYPE)

    def refuse(path: Path, target: Path) -> None:
        raise PermissionError(13, "Access is denied", str(target))

    monkeypatch.setattr(store_module, "MUST_BE_CLOSED", True)
    monkeypatch.setattr(Path, "replace", refuse)
    with store.writer() as writer:
        writer.write(b"hello")
        again = writer.commit(TYPE)
    assert (again.descriptor, again.read()) == (there.descriptor, b"hello")
    with store.writer() as writer:
        writer.write(b"other")
        with pytest.raises(PermissionError):
            writer.commit(TYPE)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_a_checksum_is_made_for_whoever_notes_it(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    with store.writer() as writer:
        writer.write(b"made here")
        made = writer.commit("text/plain")
    assert made.file is not None
    assert made.file.checksum == checksum_of(made.file.path)
    copied = store.add(Blob.from_bytes(b"copied", "text/plain"))
    assert copied.file is not None
    assert copied.file.checksum is None
